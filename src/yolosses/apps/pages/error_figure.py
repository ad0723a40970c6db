"""The errors of one run in a picture: what each of TIDE's kinds costs, and what the surest detections are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.apps.pages.views.study_errors import TOP_FILLS
from yolosses.apps.pages.views.study_numbers import error_names
from yolosses.explain.pictures.panel import HEADER, Panel, bar_axes, beside_bar, titled_panel
from yolosses.explain.style import FAINT_INK, PALETTE, area_signs
from yolosses.language import N_, Language, catalogue
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
BODY = 3.4
NAMES, COUNTS = 1.95, 0.75  # columns left and right of the costs
RUN_NAMES = 1.5
ROW, BARS = 0.27, 1.2  # a line of the table, and the bars above it
SWATCH, NAMES_OF_TOP, COLUMN, HEADS = 0.36, 0.98, 0.78, 0.24  # of the table
NAME_SIZE, NOTE_SIZE = 9.0, 7.8  # points

CORRECT = "#D7E8F4"  # what is no error is pale

_COST_MEANINGS: dict[TideKind, str] = {
    "classification": N_("right place, wrong class"),
    "localisation": N_("right class, IoU 0.1–0.5"),
    "both": N_("wrong class, wrong place"),
    "duplicate": N_("object already found"),
    "background": N_("no object there"),
    "missed": N_("object that no detection meant"),
}
_TOP_MEANINGS: dict[TopKind, str] = {
    "correct": N_("its class, IoU > 0.5"),
    "localisation": N_("its class, IoU 0.1–0.5, or a repeat"),
    "similar": N_("IoU > 0.1"),
    "other": N_("IoU > 0.1"),
    "background": N_("IoU ≤ 0.1 with every object"),
}


def error_figure(errors: TideErrors, top: TopDetections, *, title: str, language: Language = "en") -> Figure:
    """Left the cost and the number of TIDE's six kinds; right the surest detections, beside those of the YOLO paper.

    Raises:
        ValueError: no font for ``language``.
    """
    page = titled_panel(title, WIDTH, HEADER + BODY, language)
    half = (WIDTH - GAP) / 2
    _costs(page.part(0, 0, half, page.height), errors)
    _top(page.part(half + GAP, 0, half, page.height), top)
    return page.finish()


def share_text(share: float | None, *, printed: bool) -> str:
    """With one decimal; a number that the paper printed with the second that some of them have."""
    if share is None:
        return "–"
    return f"{100 * share:.{2 if printed else 1}f}".removesuffix("0" if printed else "") + " %"


def _costs(panel: Panel, errors: TideErrors) -> None:
    _, names = panel.gettext, error_names(panel.language)
    note = _("there is no object in this split, so no error costs anything")
    if errors.ap is not None:
        said = _("by how much mAP50, now {ap}, would rise if all errors of the kind were mended (TIDE)")
        note = said.format(ap=f"{errors.ap:.3f}")
    body = _below(panel.header(_("What each kind of error costs"), note))
    row = (body.height - 0.42) / len(TIDE_KINDS)
    costs = [errors.costs[kind] or 0.0 for kind in TIDE_KINDS]
    bars = body.part(NAMES, 0, body.width - NAMES - COUNTS, body.height - 0.42)
    axes = bar_axes(bars, _("rise of mAP50"), ticks=4)
    axes.barh(range(len(costs)), costs, 0.56, color=PALETTE[0], linewidth=0, label="_costs")
    most = max(costs)
    for place, (kind, cost) in enumerate(zip(TIDE_KINDS, costs, strict=True)):
        weight = "bold" if cost == most > 0 else "normal"
        plate = {"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0}
        look = {"fontsize": NAME_SIZE, "fontweight": weight, "bbox": plate}
        beside_bar(axes, cost, place, _cost(errors.costs[kind]), gap=5, **look)
        meaning = _(_COST_MEANINGS[kind])
        body.write(0, (place + 0.5) * row - 0.15, names[f"tide_{kind}"], size=NAME_SIZE)
        body.write(0, (place + 0.5) * row + 0.015, meaning, size=NOTE_SIZE, color=FAINT_INK)
        _number(body, (place + 0.5) * row - 0.07, f"{errors.counts[kind]:,}")
    _number(body, -0.16, _("errors"), color=FAINT_INK, size=NOTE_SIZE)
    axes.set_xlim(0, (most or 0.01) * 1.22)
    axes.set_ylim(len(costs) - 0.5, -0.5)
    axes.set_yticks([])


def _below(panel: Panel) -> Panel:
    """Leave room for the heads of columns."""
    return panel.part(0, 0.1, panel.width, panel.height - 0.1)


def _number(panel: Panel, top: float, text: str, **style: Any) -> None:
    """In the column at the right edge."""
    panel.write(panel.width, top, text, ha="right", **{"size": NAME_SIZE, **style})


def _top(panel: Panel, top: TopDetections) -> None:
    words = catalogue(panel.language)
    _ = words.gettext
    note = _("of each class as many as it has objects; mean over the classes (YOLO paper, figure 4)")
    body = _below(panel.header(_("What the surest detections are"), note))
    runs: tuple[Mapping[TopKind, float | None], ...] = (top.shares, PAPER_YOLO, PAPER_FAST_RCNN)
    names = (_("this run"), words.pgettext("top detections", "YOLO, VOC 2007"), _("Fast R-CNN, VOC 2007"))
    rows = [(name, [shares[kind] for kind in TOP_KINDS]) for name, shares in zip(names, runs, strict=True)]
    _stacks(body.part(0, 0, body.width, BARS), rows)
    _table(body.part(0, BARS + 0.2, body.width, body.height - BARS - 0.2), rows, top)


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
    if kind == "correct":
        return {"facecolor": CORRECT, "edgecolor": "white"}
    return area_signs(TOP_FILLS[kind])


def _table(panel: Panel, rows: Sequence[tuple[str, Sequence[float | None]]], top: TopDetections) -> None:
    """What the parts of the bars are, and their numbers."""
    _, names = panel.gettext, error_names(panel.language)
    axes = panel.axes()
    axes.set_axis_off()
    axes.set_xlim(0, panel.width)
    axes.set_ylim(panel.height, 0)
    columns = [panel.width - COLUMN * (len(rows) - 1 - column) for column in range(len(rows))]
    for place, head in zip(columns, (_("this run"), "YOLO", "Fast R-CNN"), strict=True):
        panel.write(place, 0, head, size=NOTE_SIZE, color=FAINT_INK, ha="right")
    for line, kind in enumerate(TOP_KINDS):
        start = HEADS + line * ROW
        axes.add_patch(Rectangle((0, start), SWATCH, 0.17, linewidth=0.8, **_fill(kind)))
        panel.write(SWATCH + 0.12, start + 0.015, names[f"top_{kind}"], size=NAME_SIZE)
        left = SWATCH + 0.12 + NAMES_OF_TOP
        panel.write(left, start + 0.03, _(_TOP_MEANINGS[kind]), size=NOTE_SIZE, color=FAINT_INK)
        for column, (place, (_name, shares)) in enumerate(zip(columns, rows, strict=True)):
            text = share_text(shares[line], printed=column > 0)
            style = {"weight": "normal" if column else "bold", "ha": "right"}
            panel.write(place, start + 0.015, text, size=NAME_SIZE, **style)
    notes = [] if top.similar else [_("no classes of this data set count as similar")]
    number, objects = sum(top.counts.values()), sum(row.objects for row in top.classes)
    if number < objects:
        said = _("{number} detections in place of {objects}: this run has no more")
        notes.append(said.format(number=f"{number:,}", objects=f"{objects:,}"))
    for line, note in enumerate(notes):
        below = HEADS + len(TOP_KINDS) * ROW + 0.06 + 0.17 * line
        panel.write(0, below, note, size=NOTE_SIZE, color=FAINT_INK)


def _cost(cost: float | None) -> str:
    if cost is None:
        return "–"
    return "< 0.001" if 0 < cost < 0.0005 else f"+{cost:.3f}" if cost else "0"
