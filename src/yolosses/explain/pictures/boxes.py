"""The picture with its truths and the boxes that were predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.board import Board, Picture, aspect_of, corners_of, framed, show_picture
from yolosses.explain.pictures.captions import number
from yolosses.explain.pictures.panel import Entries, Panel
from yolosses.explain.pictures.tags import Tag, draw_tags
from yolosses.explain.structures import ExplainedObject
from yolosses.explain.style import BLUE, INK, VERMILLION
from yolosses.language import Language, catalogue, joined

MOST_OTHERS = 60
SAME_PLACE = 0.5  # IoU from which class and IoU stand in one tag
FAINTEST, STRONGEST = 0.15, 0.95  # opacity of other boxes of confidence 0 and 1
OTHER_LINE: Any = (0, (3.0, 1.6))
HATCH = "//"  # of an ignored region


def draw_boxes(
    explanation: Explanation, image: int, picture: Picture | None, *, language: Language = "en"
) -> Figure:
    """One picture with every object, every box that is responsible for one, and the surest of the others.

    Truths are double dark lines with their class; the responsible box is a solid line, tied to its truth from centre
    to centre, with its IoU; the other boxes are dashed, the stronger the surer, at most 60 of them. A dropped object is
    crossed out, an ignored region hatched.

    Args:
        image: index in the batch.
        picture: (H, W, 3) uint8 RGB, or None for a grey board.

    Raises:
        ValueError: no such image, no such picture, or no font for ``language``.
    """
    part = explanation.of_image(image)
    panel = framed(picture, part.predictions.grids[0], len(boxes_legend(part, image, language)), language)
    boxes_panel(panel, part, image, picture)
    return panel.finish()


def boxes_panel(panel: Panel, part: Explanation, image: int, picture: Picture | None) -> None:
    """`draw_boxes` within a panel."""
    entries = boxes_legend(part, image, panel.language)
    body = panel.header(part.image_names[image], _note(panel.language, part))
    aspect = aspect_of(picture, part.predictions.grids[0])
    board = show_picture(body.above_legend(len(entries)), picture, aspect)
    _draw_others(board, part, image)
    for obj in part.objects:
        draw_truth(board, obj)
        draw_answering(board, part, obj)
        _tie(board, obj)
    draw_tags(board, [tag for obj in part.objects for tag in _tags(panel.language, part, obj)], panel.family)
    body.legend_below(board.height, entries)


def _note(language: Language, part: Explanation) -> str:
    _ = catalogue(language).gettext
    states = [obj.state for obj in part.objects]
    objects = _("objects: {objects}, assigned: {answered}")
    parts = [objects.format(objects=len(states), answered=states.count("answered"))]
    for state, text in (("dropped", _("dropped: {count}")), ("ignored", _("ignored: {count}"))):
        if state in states:
            parts.append(text.format(count=states.count(state)))
    ious = [obj.iou for obj in part.objects if obj.iou is not None]
    if ious:
        parts.append(_("mean IoU {iou}").format(iou=f"{np.mean(ious):.2f}"))
    return joined([*parts, _("loss {loss}").format(loss=number(part.total))], language)


# ------------------------------------------------------------ truths and the boxes that are responsible for them


def draw_truth(board: Board, obj: ExplainedObject, *, scale: float = 1.0) -> None:
    """A double dark line; crossed out if dropped; hatched instead if ignored. ``scale``: of the line widths."""
    label = f"_{obj.state} {obj.index}"
    if obj.state == "ignored":
        board.outline(obj.box, [("#505050", 1.2 * scale)], hatch=HATCH, linestyle=":", zorder=2, label=label)
        return
    if obj.state == "dropped":
        left, top, right, bottom = corners_of(obj.box)
        cross = [[(left, top), (right, bottom)], [(left, bottom), (right, top)]]
        for color, width in (("white", 2.8 * scale), (INK, 1.3 * scale)):
            board.add(
                LineCollection(cross, colors=color, linewidths=width, zorder=3, label=f"{label}, cross")
            )
    lines = [("white", 4.6 * scale), (INK, 3.4 * scale), ("white", 1.2 * scale)]
    board.outline(obj.box, lines, zorder=3, label=label)


def draw_answering(board: Board, part: Explanation, obj: ExplainedObject, *, scale: float = 1.0) -> None:
    """The boxes that are responsible for an object: solid, with a dot at the centre, so that a box of no size is seen
    too."""
    for predictor in obj.predictors:
        box = part.predictions.boxes[obj.image, predictor]
        if not np.isfinite(box).all():
            continue
        lines = [("white", 3.4 * scale), (BLUE, 1.9 * scale)]
        board.outline(box, lines, zorder=5, label=f"_predictor {predictor}")
        board.dots(
            box[None, :2], marker="o", markersize=4.0 * scale, color=BLUE, markeredgecolor="white",
            markeredgewidth=0.6 * scale, zorder=6, label=f"_centre {predictor}",
        )  # fmt: skip


def _tie(board: Board, obj: ExplainedObject) -> None:
    """From the centre of the truth to that of the box that is responsible for it."""
    if obj.pred_box is None or not np.isfinite(obj.pred_box).all():
        return
    x, y = np.stack((obj.box[:2], obj.pred_box[:2]), 1)
    for color, width in (("white", 2.6), (BLUE, 1.2)):
        board.add(Line2D(x, y, color=color, linewidth=width, zorder=4, label=f"_tie {obj.index}"))


# ------------------------------------------------------------ the other boxes


def _others(part: Explanation, image: int) -> tuple[NDArray[np.int64], int, int]:
    """Predictors that are responsible for nothing: those that are drawn, how many there are, and how many have no
    finite box."""
    finite = np.isfinite(part.predictions.boxes[image]).all(-1)
    background = ~part.predictions.responsible[image]
    others = np.flatnonzero(finite & background)
    order = np.argsort(-sureness(part, image)[others], kind="stable")
    return others[order][:MOST_OTHERS], len(others), int((~finite & background).sum())


def sureness(part: Explanation, image: int) -> NDArray[np.float64]:
    """(A,) how sure each predicted box is, cut to 0..1: its confidence, or else its best score."""
    scores, confidence = part.predictions.scores, part.predictions.confidence
    sure = scores[image].max(-1) if confidence is None else confidence[image]
    clipped: NDArray[np.float64] = np.clip(np.nan_to_num(sure, nan=0.0), 0.0, 1.0)
    return clipped


def _draw_others(board: Board, part: Explanation, image: int) -> None:
    shown, _, _ = _others(part, image)
    left, top, right, bottom = corners_of(part.predictions.boxes[image, shown]).T
    outlines = np.stack((left, top, right, top, right, bottom, left, bottom), 1).reshape(-1, 4, 2)
    opacity = FAINTEST + (STRONGEST - FAINTEST) * sureness(part, image)[shown]
    colors = [to_rgba(VERMILLION, alpha) for alpha in opacity]
    board.add(
        PolyCollection(
            list(outlines), facecolors="none", edgecolors=colors, linewidths=1.1, linestyles=[OTHER_LINE],
            zorder=2.5, label="_others",
        )
    )  # fmt: skip


# ------------------------------------------------------------ words


def _tags(language: Language, part: Explanation, obj: ExplainedObject) -> list[Tag]:
    _ = catalogue(language).gettext
    box = corners_of(obj.box)
    if obj.state == "dropped":
        return [Tag(box=box, parts=((_("{name}: dropped").format(name=obj.class_name), "white", INK),))]
    if obj.state == "ignored":
        return [Tag(box=box, parts=((_("{name}: ignored").format(name=obj.class_name), "#D8D8D8", INK),))]
    name, answer = (obj.class_name, INK, "white"), (_iou(language, part, obj), BLUE, "white")
    if obj.pred_box is None or (obj.iou or 0) >= SAME_PLACE or not np.isfinite(obj.pred_box).all():
        return [Tag(box=box, parts=(name, answer))]
    return [Tag(box=box, parts=(name,)), Tag(box=corners_of(obj.pred_box), parts=(answer,))]


def _iou(language: Language, part: Explanation, obj: ExplainedObject) -> str:
    _ = catalogue(language).gettext
    if len(obj.predictors) == 1:
        return f"IoU {obj.iou:.2f}"
    best = part.predictions.iou[obj.image, list(obj.predictors)].max()
    return _("IoU up to {iou}, {count} boxes").format(iou=f"{best:.2f}", count=len(obj.predictors))


def boxes_legend(part: Explanation, image: int, language: Language) -> Entries:
    """What the lines mean that `boxes_panel` draws."""
    _ = catalogue(language).gettext
    entries = truth_legend(part.objects, language, _("truth, with its class"))
    if any(obj.predictors for obj in part.objects):
        solid = Line2D([], [], color=BLUE, linewidth=1.9, marker="o", markersize=4, markeredgecolor="white")
        entries.insert(1, (solid, _("box that is responsible for it, with its IoU")))
    handle = Line2D([], [], color=VERMILLION, linewidth=1.1, linestyle=OTHER_LINE)
    shown, count, not_finite = _others(part, image)
    if count > len(shown):
        text = _("the {shown} surest of {count} other boxes: the surer, the stronger")
        entries.append((handle, text.format(shown=len(shown), count=count)))
    elif count:
        entries.append((handle, _("other boxes: the surer, the stronger")))
    if not_finite:
        text = _("predicted boxes that are not finite and cannot be drawn: {count}")
        entries.append((Patch(alpha=0), text.format(count=not_finite)))
    return entries


def truth_legend(objects: tuple[ExplainedObject, ...], language: Language, truth: str) -> Entries:
    """What `draw_truth` draws of these objects; ``truth``: what to call those that are assigned."""
    _ = catalogue(language).gettext
    double = (Line2D([], [], color=INK, linewidth=3.4), Line2D([], [], color="white", linewidth=1.2))
    cross = (*double, Line2D([], [], color=INK, marker="x", markersize=7, linestyle=""))
    hatched = Patch(facecolor="none", edgecolor="#505050", hatch=HATCH, linestyle=":")
    states = {obj.state for obj in objects}
    every: list[tuple[str, Any, str]] = [
        ("answered", double, truth),
        ("dropped", cross, _("dropped: its cell is responsible for another object")),
        ("ignored", hatched, _("ignored region: asks for no box, and none is punished")),
    ]
    return [(handle, text) for state, handle, text in every if state in states]
