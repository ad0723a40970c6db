"""The confusion matrix of a detector: which classes it takes for which, what it misses and what it invents."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from yolosses.explain.pictures.panel import HEADER, titled_panel
from yolosses.explain.style import FAINT_INK, text_font, text_width
from yolosses.language import Language, catalogue
from yolosses.studies.errors import Confusion

CELL, SMALL_CELL = 0.56, 0.17  # inches
MOST_NUMBERS = 14  # classes whose cells have room for their numbers
LEAST_WIDTH = 6.4
NAMES, HEAD = 1.6, 0.9  # inches for a name, at most, and for the head of the rows


def confusion_figure(found: Confusion, *, title: str, language: Language = "en") -> Figure:
    """The matrix as a table of shaded cells; the diagonal is right. Row: the object; column: the detection.

    Raises:
        ValueError: no font for ``language``.
    """
    _, number = catalogue(language).gettext, len(found.matrix)
    numbers = number <= MOST_NUMBERS + 1
    cell, size = (CELL, 9.0) if numbers else (SMALL_CELL, 6.0)
    side = number * cell
    rows, columns = [*found.class_names, _("background")], [*found.class_names, _("missed")]
    room = min(NAMES, max(text_width(name, size, text_font(language)) for name in (*rows, *columns)))
    left, top = max(room, HEAD) + 0.1, room + 0.35
    page = titled_panel(title, max(LEAST_WIDTH, left + side), HEADER + top + side, language)
    note = _("detections with a score of {threshold} or more, IoU ≥ {iou}; shade: part of the row").format(
        threshold=f"{found.threshold:.3f}", iou=f"{found.iou:g}"
    )
    body = page.header(_("Which class is taken for which"), note)
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
    body.write(left - 0.08, top - 0.2, _("the object is"), size=8.0, color=FAINT_INK, ha="right")
    body.write(left + side / 2, 0, _("the detection says"), size=8.0, color=FAINT_INK, ha="center")
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
