"""The errors of one run in a picture: what each of TIDE's kinds costs, and what the surest detections are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from yolosses.explain.pictures.panel import HEADER, TICKS, Panel, new_panel
from yolosses.explain.style import FAINT_INK, HATCHES, INK, PALETTE, plain_axes
from yolosses.language import Language
from yolosses.studies.errors import (
    PAPER_FAST_RCNN,
    PAPER_YOLO,
    TIDE_KINDS,
    TOP_KINDS,
    TideErrors,
    TideKind,
    TopDetections,
    TopKind,
)

WIDTH, GAP = 11.6, 0.55  # inches, like the next
TITLE, BODY = 0.42, 3.4
NAMES, COUNTS = 1.95, 0.75  # columns left and right of the costs
RUN_NAMES = 1.5
ROW, BARS = 0.27, 1.2  # a line of the table, and the bars above it
SWATCH, NAMES_OF_TOP, COLUMN, HEADS = 0.36, 0.98, 0.78, 0.24  # of the table
NAME_SIZE, NOTE_SIZE = 9.0, 7.8  # points

# Colour, and a hatch for print without it.
FILLS: dict[TopKind, tuple[str, str]] = {
    "correct": ("#D7E8F4", ""),
    "localisation": (PALETTE[0], HATCHES[0]),
    "similar": (PALETTE[2], HATCHES[2]),
    "other": (PALETTE[4], HATCHES[3]),
    "background": (PALETTE[1], HATCHES[1]),
}


@dataclass(frozen=True, kw_only=True)
class _Texts:
    costs: str
    costs_note: str
    no_objects: str
    axis: str
    count: str
    kinds: dict[TideKind, tuple[str, str]]
    top: str
    top_note: str
    none_similar: str
    too_few: str
    top_kinds: dict[TopKind, tuple[str, str]]
    runs: tuple[str, str, str]
    heads: tuple[str, str, str]


_TEXTS: dict[Language, _Texts] = {
    "en": _Texts(
        costs="What each kind of error costs",
        costs_note="by how much mAP50, now {ap:.3f}, would rise if all errors of the kind were mended (TIDE)",
        no_objects="there is no object in this split, so no error costs anything",
        axis="rise of mAP50",
        count="errors",
        kinds={
            "classification": ("classification", "right place, wrong class"),
            "localisation": ("localisation", "right class, IoU 0.1–0.5"),
            "both": ("both", "wrong class, wrong place"),
            "duplicate": ("duplicate", "object already found"),
            "background": ("background", "no object there"),
            "missed": ("missed", "object that no detection meant"),
        },
        top="What the surest detections are",
        top_note="of each class as many as it has objects; mean over the classes (YOLO paper, figure 4)",
        none_similar="no classes of this data set count as similar",
        too_few="{number:,} detections in place of {objects:,}: this run has no more",
        top_kinds={
            "correct": ("correct", "its class, IoU > 0.5"),
            "localisation": ("localisation", "its class, IoU 0.1–0.5, or a repeat"),
            "similar": ("similar class", "IoU > 0.1"),
            "other": ("other class", "IoU > 0.1"),
            "background": ("background", "IoU ≤ 0.1 with every object"),
        },
        runs=("this run", "YOLO, VOC 2007", "Fast R-CNN, VOC 2007"),
        heads=("this run", "YOLO", "Fast R-CNN"),
    ),
    "zh-TW": _Texts(
        costs="各種錯誤的代價",
        costs_note="修正該種錯誤的全部之後，mAP50（目前 {ap:.3f}）會提高多少（TIDE）",
        no_objects="這個分割沒有任何物件，錯誤沒有代價可言",
        axis="mAP50 的提升",
        count="錯誤數",
        kinds={
            "classification": ("類別", "位置對，類別錯"),
            "localisation": ("定位", "類別對，IoU 0.1–0.5"),
            "both": ("類別與定位", "類別錯，位置也錯"),
            "duplicate": ("重複", "物件已經找到"),
            "background": ("背景", "那裡沒有物件"),
            "missed": ("漏掉", "沒有偵測結果指向的物件"),
        },
        top="最有把握的偵測結果是什麼",
        top_note="每個類別有幾個物件就取幾個，再對類別取平均（YOLO 論文圖 4）",
        none_similar="這個資料集沒有視為相似的類別",
        too_few="應取 {objects:,} 個偵測結果，這次訓練只有 {number:,} 個",
        top_kinds={
            "correct": ("正確", "類別對，IoU > 0.5"),
            "localisation": ("定位錯誤", "類別對，IoU 0.1–0.5，或重複"),
            "similar": ("相似類別", "IoU > 0.1"),
            "other": ("其他類別", "IoU > 0.1"),
            "background": ("背景", "與所有物件的 IoU ≤ 0.1"),
        },
        runs=("這次訓練", "YOLO，VOC 2007", "Fast R-CNN，VOC 2007"),
        heads=("這次訓練", "YOLO", "Fast R-CNN"),
    ),
}


def error_figure(errors: TideErrors, top: TopDetections, *, title: str, language: Language = "en") -> Figure:
    """Left the cost and the number of TIDE's six kinds; right the surest detections, beside those of the YOLO paper.

    Raises:
        ValueError: no font for ``language``.
    """
    page = new_panel(WIDTH, TITLE + HEADER + BODY, language)
    page.write(0, 0, page.shortened(title, 14, bold=True), size=14, weight="bold")
    half = (WIDTH - GAP) / 2
    height = HEADER + BODY
    _costs(page.part(0, TITLE, half, height), errors, _TEXTS[language])
    _top(page.part(half + GAP, TITLE, half, height), top, _TEXTS[language])
    return page.finish()


def share_text(share: float | None, *, printed: bool) -> str:
    """With one decimal; a number that the paper printed with the second that some of them have."""
    if share is None:
        return "–"
    return f"{100 * share:.{2 if printed else 1}f}".removesuffix("0" if printed else "") + " %"


def _costs(panel: Panel, errors: TideErrors, words: _Texts) -> None:
    note = words.no_objects if errors.ap is None else words.costs_note.format(ap=errors.ap)
    body = _below(panel.header(words.costs, note))
    row = (body.height - 0.42) / len(TIDE_KINDS)
    costs = [errors.costs[kind] or 0.0 for kind in TIDE_KINDS]
    axes = body.part(NAMES, 0, body.width - NAMES - COUNTS, body.height - 0.42).axes()
    plain_axes(axes)
    axes.grid(False, axis="y")
    axes.barh(range(len(costs)), costs, 0.56, color=PALETTE[0], linewidth=0, label="_costs")
    most = max(costs)
    for place, (kind, cost) in enumerate(zip(TIDE_KINDS, costs, strict=True)):
        axes.annotate(
            _cost(errors.costs[kind]), (cost, place), xytext=(5, 0), textcoords="offset points", va="center_baseline",
            fontsize=NAME_SIZE, color=INK, fontweight="bold" if cost == most > 0 else "normal",
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0},
        )  # fmt: skip
        name, meaning = words.kinds[kind]
        body.write(0, (place + 0.5) * row - 0.15, name, size=NAME_SIZE)
        body.write(0, (place + 0.5) * row + 0.015, meaning, size=NOTE_SIZE, color=FAINT_INK)
        _number(body, (place + 0.5) * row - 0.07, f"{errors.counts[kind]:,}")
    _number(body, -0.16, words.count, color=FAINT_INK, size=NOTE_SIZE)
    axes.set_xlim(0, (most or 0.01) * 1.22)
    axes.set_ylim(len(costs) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(TICKS)
    axes.set_xlabel(words.axis, fontsize=8.5, color=FAINT_INK)


def _below(panel: Panel) -> Panel:
    """Leave room for the heads of columns."""
    return panel.part(0, 0.1, panel.width, panel.height - 0.1)


def _number(panel: Panel, top: float, text: str, **style: Any) -> None:
    """In the column at the right edge."""
    panel.write(panel.width, top, text, ha="right", **{"size": NAME_SIZE, **style})


def _top(panel: Panel, top: TopDetections, words: _Texts) -> None:
    body = _below(panel.header(words.top, words.top_note))
    runs: tuple[Mapping[TopKind, float | None], ...] = (top.shares, PAPER_YOLO, PAPER_FAST_RCNN)
    rows = [
        (name, [shares[kind] for kind in TOP_KINDS]) for name, shares in zip(words.runs, runs, strict=True)
    ]
    _stacks(body.part(0, 0, body.width, BARS), rows)
    _table(body.part(0, BARS + 0.2, body.width, body.height - BARS - 0.2), rows, top, words)


def _stacks(panel: Panel, rows: Sequence[tuple[str, Sequence[float | None]]]) -> None:
    axes = panel.part(RUN_NAMES, 0, panel.width - RUN_NAMES, panel.height).axes()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for place, (name, shares) in enumerate(rows):
        middle = (place + 0.5) * panel.height / len(rows)
        panel.write(0, middle - 0.07, name, size=NAME_SIZE, weight="normal" if place else "bold")
        start = 0.0
        for kind, share in zip(TOP_KINDS, shares, strict=True):
            axes.barh(place, share or 0.0, 0.66, left=start, linewidth=0.8, label=f"_{kind}", **_fill(kind))
            start += share or 0.0


def _fill(kind: TopKind) -> dict[str, Any]:
    colour, hatch = FILLS[kind]
    return {"facecolor": colour, "hatch": hatch, "edgecolor": "white"}


def _table(
    panel: Panel, rows: Sequence[tuple[str, Sequence[float | None]]], top: TopDetections, words: _Texts
) -> None:
    """What the parts of the bars are, and their numbers."""
    axes = panel.axes()
    axes.set_axis_off()
    axes.set_xlim(0, panel.width)
    axes.set_ylim(panel.height, 0)
    columns = [panel.width - COLUMN * (len(rows) - 1 - column) for column in range(len(rows))]
    for place, head in zip(columns, words.heads, strict=True):
        panel.write(place, 0, head, size=NOTE_SIZE, color=FAINT_INK, ha="right")
    for line, kind in enumerate(TOP_KINDS):
        name, meaning = words.top_kinds[kind]
        start = HEADS + line * ROW
        axes.add_patch(Rectangle((0, start), SWATCH, 0.17, linewidth=0.8, **_fill(kind)))
        panel.write(SWATCH + 0.12, start + 0.015, name, size=NAME_SIZE)
        left = SWATCH + 0.12 + NAMES_OF_TOP
        panel.write(left, start + 0.03, meaning, size=NOTE_SIZE, color=FAINT_INK)
        for column, (place, (_, shares)) in enumerate(zip(columns, rows, strict=True)):
            text = share_text(shares[line], printed=column > 0)
            style = {"weight": "normal" if column else "bold", "ha": "right"}
            panel.write(place, start + 0.015, text, size=NAME_SIZE, **style)
    notes = [] if top.similar else [words.none_similar]
    number, objects = sum(top.counts.values()), sum(row.objects for row in top.classes)
    if number < objects:
        notes.append(words.too_few.format(number=number, objects=objects))
    for line, note in enumerate(notes):
        panel.write(
            0, HEADS + len(TOP_KINDS) * ROW + 0.06 + 0.17 * line, note, size=NOTE_SIZE, color=FAINT_INK
        )


def _cost(cost: float | None) -> str:
    if cost is None:
        return "–"
    return "< 0.001" if 0 < cost < 0.0005 else f"+{cost:.3f}" if cost else "0"
