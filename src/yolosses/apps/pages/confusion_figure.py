"""The confusion matrix of a detector: which classes it takes for which, what it misses and what it invents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from yolosses.explain.pictures.panel import HEADER, new_panel
from yolosses.explain.style import FAINT_INK, text_font, text_width
from yolosses.language import Language
from yolosses.studies.errors import Confusion

CELL, SMALL_CELL = 0.56, 0.17  # inches
MOST_NUMBERS = 14  # classes whose cells have room for their numbers
LEAST_WIDTH = 6.4
NAMES, HEAD = 1.6, 0.9  # inches for a name, at most, and for the head of the rows


@dataclass(frozen=True, kw_only=True)
class _Texts:
    title: str
    note: str
    background: str
    missed: str
    rows: str
    columns: str


_TEXTS: dict[Language, _Texts] = {
    "en": _Texts(
        title="Which class is taken for which",
        note="detections with a score of {threshold:.3f} or more, IoU ≥ {iou:g}; shade: part of the row",
        background="background",
        missed="missed",
        rows="the object is",
        columns="the detection says",
    ),
    "zh-TW": _Texts(
        title="哪個類別被當成哪個類別",
        note="信心值 {threshold:.3f} 以上的偵測結果，IoU ≥ {iou:g}；顏色深淺：占該列的比例",
        background="背景",
        missed="漏掉",
        rows="物件是",
        columns="偵測結果說是",
    ),
}


def confusion_figure(found: Confusion, *, title: str, language: Language = "en") -> Figure:
    """The matrix as a table of shaded cells; the diagonal is right. Row: the object; column: the detection.

    Raises:
        ValueError: no font for ``language``.
    """
    words, number = _TEXTS[language], len(found.matrix)
    numbers = number <= MOST_NUMBERS + 1
    cell, size = (CELL, 9.0) if numbers else (SMALL_CELL, 6.0)
    side = number * cell
    rows, columns = [*found.class_names, words.background], [*found.class_names, words.missed]
    room = min(NAMES, max(text_width(name, size, text_font(language)) for name in (*rows, *columns)))
    left, top = max(room, HEAD) + 0.1, room + 0.35
    page = new_panel(max(LEAST_WIDTH, left + side), 0.42 + HEADER + top + side, language)
    page.write(0, 0, page.shortened(title, 14, bold=True), size=14, weight="bold")
    note = words.note.format(threshold=found.threshold, iou=found.iou)
    body = page.part(0, 0.42, page.width, page.height - 0.42).header(words.title, note)
    axes = body.part(left, top, side, side).axes()
    share = found.matrix / np.maximum(found.matrix.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.0, aspect="auto", interpolation="nearest")
    axes.set_axis_off()
    names = body.part(0, 0, room + 0.01, room)
    for place in range(number):
        middle = (place + 0.5) * cell
        row, column = (names.shortened(text[place], size) for text in (rows, columns))
        body.write(left - 0.08, top + middle, row, size=size, ha="right", va="center")
        body.write(left + middle, top - 0.06, column, size=size, ha="center", va="bottom", rotation=90)
    body.write(left - 0.08, top - 0.2, words.rows, size=8.0, color=FAINT_INK, ha="right")
    body.write(left + side / 2, 0, words.columns, size=8.0, color=FAINT_INK, ha="center")
    if numbers:
        for (row_at, column_at), count in np.ndenumerate(found.matrix):
            if (row_at, column_at) == (number - 1, number - 1):
                continue
            text = f"{count:,}"
            width = text_width(text, size, body.family)
            axes.text(
                column_at, row_at, text, ha="center", va="center", fontsize=size * min(1.0, (cell - 0.08) / width),
                color="white" if share[row_at, column_at] > 0.55 else "black",
                fontweight="bold" if row_at == column_at else "normal",
            )  # fmt: skip
    return page.finish()
