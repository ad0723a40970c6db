"""Where the loss pulls the predicted boxes: centre, size and confidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.arrows import draw_arrows
from yolosses.explain.pictures.board import Board, Picture, aspect_of, corners_of, framed, show_picture
from yolosses.explain.pictures.boxes import draw_truth, truth_legend
from yolosses.explain.pictures.captions import number, percent
from yolosses.explain.pictures.panel import Entries, Panel
from yolosses.explain.structures import Floats
from yolosses.explain.style import BLUE, GREEN, INK, VERMILLION
from yolosses.language import Language, catalogue

LONGEST_CENTRE, LONGEST_SIZE = 0.8, 0.35  # inches of the strongest pull
THICKEST_CENTRE, THICKEST_SIZE = 3.2, 2.2  # points
STRENGTH = 0.35  # of the picture below
LARGEST_TRIANGLE = 90.0  # area in square points
LEAST_SHOWN = 0.05  # of the largest pull on a confidence


def draw_pull(
    explanation: Explanation, image: int, picture: Picture | None, *, language: Language = "en"
) -> Figure:
    """What the next step of gradient descent wants of the predicted boxes.

    An arrow at the centre of a box points along the negative gradient of the loss; arrows at the middles of its edges
    point outwards where it should grow, inwards where it should shrink; a triangle at its centre (at its left top
    corner, if the box is responsible for an object) points up where its confidence should rise, down where it should
    fall. Length, width and area are in proportion to the strength, within each of the three kinds; the legend gives
    the strength of the largest. Directions are those in fractions of the picture, the coordinates in which the
    gradient is taken.

    Args:
        image: index in the batch.
        picture: (H, W, 3) uint8 RGB, or None for a grey board.

    Raises:
        ValueError: no such image, no such picture, or no font for ``language``.
    """
    part = explanation.of_image(image)
    lines = len(pull_legend(part, image, language))
    panel = framed(picture, part.predictions.grids[0], lines, language)
    pull_panel(panel, part, image, picture)
    return panel.finish()


@dataclass(frozen=True, kw_only=True)
class Pull:
    """Downhill directions in one image: (A, 2) of centres and sizes, (A,) of confidences; 0 where a box has no pull.

    Attributes:
        triangles: predictors whose confidence is pulled strongly enough to be shown. weak: how many others are pulled.
        outside: how many boxes are pulled that cannot be drawn.
    """

    centre: Floats
    size: Floats
    confidence: Floats
    triangles: NDArray[np.int64]
    weak: int
    outside: int

    @property
    def moved(self) -> NDArray[np.int64]:
        """Predictors whose centre or size is pulled."""
        return np.flatnonzero(self.centre.any(-1) | self.size.any(-1))

    @property
    def strongest(self) -> tuple[float, float, float]:
        """On a centre, a size and a confidence."""
        return (
            float(np.hypot(*self.centre.T).max(initial=0.0)),
            float(np.abs(self.size).max(initial=0.0)),
            float(np.abs(self.confidence).max(initial=0.0)),
        )

    @classmethod
    def of(cls, part: Explanation, image: int) -> Pull:
        """In one image of ``part``."""
        predictions = part.predictions
        centres = predictions.boxes[image, :, :2]
        drawable = np.isfinite(predictions.boxes[image]).all(-1) & ((centres >= 0) & (centres <= 1)).all(-1)
        move = -_finite(predictions.gradient[image])
        confidence = -_finite(predictions.confidence_gradient[image])
        pulled = move.any(-1) | (confidence != 0)
        move, confidence = np.where(drawable[:, None], move, 0.0), np.where(drawable, confidence, 0.0)
        strength = np.abs(confidence)
        strong = strength >= LEAST_SHOWN * strength.max(initial=0.0)
        return cls(
            centre=move[:, :2],
            size=move[:, 2:],
            confidence=confidence,
            triangles=np.flatnonzero((strength > 0) & strong),
            weak=int(((strength > 0) & ~strong).sum()),
            outside=int((pulled & ~drawable).sum()),
        )


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)


def pull_panel(panel: Panel, part: Explanation, image: int, picture: Picture | None) -> None:
    """`draw_pull` within a panel."""
    _ = panel.gettext
    entries = pull_legend(part, image, panel.language)
    body = panel.header(
        _("{title}: {name}").format(title=_("where the loss pulls the boxes"), name=part.image_names[image]),
        _("longer and thicker: stronger; in proportion within each kind"),
    )
    board = show_pull(body.above_legend(len(entries)), part, image, picture)
    body.legend_below(board.height, entries)


def show_pull(panel: Panel, part: Explanation, image: int, picture: Picture | None) -> Board:
    """The picture of `draw_pull`, without words."""
    pull = Pull.of(part, image)
    aspect = aspect_of(picture, part.predictions.grids[0])
    board = show_picture(panel, picture, aspect, strength=STRENGTH)
    for obj in part.objects:
        draw_truth(board, obj, scale=0.5)
    boxes = part.predictions.boxes[image]
    for predictor in pull.moved.tolist():
        board.outline(boxes[predictor], [(BLUE, 1.1)], zorder=4, label=f"_predictor {predictor}")
    draw_arrows(
        board, *_edge_pulls(boxes, pull.size),
        longest=LONGEST_SIZE, thickest=THICKEST_SIZE, color=VERMILLION, label="size",
    )  # fmt: skip
    _draw_confidence_pulls(board, part, image, pull)
    moved = np.flatnonzero(pull.centre.any(-1))
    if len(moved):
        _draw_centre_pulls(board, boxes[moved, :2], pull.centre[moved])
    return board


def _draw_centre_pulls(board: Board, centres: Floats, pulls: Floats) -> None:
    draw_arrows(
        board, centres, pulls,
        longest=LONGEST_CENTRE, thickest=THICKEST_CENTRE, color=BLUE, label="centre",
    )  # fmt: skip
    board.dots(  # so that a weak pull is seen too
        centres, marker="o", markersize=3.6, color=BLUE, markeredgecolor="white", markeredgewidth=0.6,
        zorder=6.5, clip_on=False, label="_pulled centres",
    )  # fmt: skip


def _edge_pulls(boxes: Floats, size: Floats) -> tuple[Floats, Floats]:
    """The middles of the edges that are pulled, (n, 2), and outward (negative: inward) vectors."""
    tails, vectors = [], []
    for axis in (0, 1):
        which = np.flatnonzero(size[:, axis])
        along = np.zeros((len(which), 2))
        along[:, axis] = 1.0
        half = along * boxes[which, 2 + axis, None] / 2
        for side in (-1, 1):
            # Those of a cut box stand at the picture's border.
            tails.append(np.clip(boxes[which, :2] + side * half, 0, 1))
            vectors.append(side * along * size[which, axis, None])
    return np.concatenate(tails), np.concatenate(vectors)


def _confidence_places(part: Explanation, image: int, predictors: NDArray[np.int64]) -> Floats:
    """(n, 2) where their triangles stand: at the left top corner of a responsible box, else at the centre."""
    boxes = part.predictions.boxes[image, predictors]
    corners = np.clip(corners_of(boxes)[:, :2], 0, 1)
    places: Floats = np.where(part.predictions.responsible[image, predictors, None], corners, boxes[:, :2])
    return places


def _draw_confidence_pulls(board: Board, part: Explanation, image: int, pull: Pull) -> None:
    strength = np.abs(pull.confidence)
    area = LARGEST_TRIANGLE * strength / (strength.max(initial=0.0) or 1.0)
    for up, marker, color in ((True, "^", GREEN), (False, "v", INK)):
        which = pull.triangles[(pull.confidence[pull.triangles] > 0) == up]
        if not len(which):
            continue
        places = _confidence_places(part, image, which)
        board.axes.scatter(
            places[:, 0], places[:, 1], s=area[which], marker=marker,
            facecolor=color, edgecolor="white", linewidth=0.7, zorder=7, clip_on=False,
            label="_rise" if up else "_fall",
        )  # fmt: skip


def pull_legend(part: Explanation, image: int, language: Language) -> Entries:
    """What the signs mean that `pull_panel` draws, with the strength of the largest of each kind."""
    _ = catalogue(language).gettext
    pull = Pull.of(part, image)
    shown = pull.confidence[pull.triangles]
    centre, size, _confidence = pull.strongest
    rise, fall = float(shown.max(initial=0.0)), float((-shown).max(initial=0.0))
    line, nothing = partial(Line2D, [], []), Line2D([], [], linestyle="")
    # What is 0 has no line.
    signs: list[tuple[float, Line2D, str]] = [
        (len(pull.moved), line(color=BLUE, linewidth=1.1), _("box whose place or size the loss pulls")),
        (
            centre,
            line(color=BLUE, linewidth=2.2, marker=">", markevery=[-1]),
            _("centre: longest arrow = {strength} (loss per picture side)"),
        ),
        (
            size,
            line(color=VERMILLION, linewidth=1.6, marker=">"),
            _(
                "size, outwards to grow, inwards to shrink: longest arrow = {strength} (loss per picture side)"
            ),
        ),
        (
            rise,
            line(color=GREEN, marker="^", linestyle=""),
            _("confidence should rise: largest = {strength} (loss per 1 of confidence)"),
        ),
        (
            fall,
            line(color=INK, marker="v", linestyle=""),
            _("confidence should fall: largest = {strength} (loss per 1 of confidence)"),
        ),
        (not any((centre, size, rise, fall)), nothing, _("the loss pulls at no box")),
        (
            pull.weak,
            nothing,
            _("left out, with less than {share} of the largest pull on a confidence: {count}"),
        ),
        (pull.outside, nothing, _("left out, with their centre outside the picture: {count}")),
    ]
    share = percent(LEAST_SHOWN, 1)
    return truth_legend(part.objects, language, _("truth")) + [
        (sign, text.format(strength=number(amount), share=share, count=amount))
        for amount, sign, text in signs
        if amount
    ]
