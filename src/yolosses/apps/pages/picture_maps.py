"""One picture of a report in detail: where in it each term comes from, and where the loss pulls the predicted boxes.

Light enough to be made in an instant; `yolosses.explain.pictures` draws the same numbers for papers and notebooks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from yolosses.apps.pages.picture_data import picture_data
from yolosses.apps.pages.render import render
from yolosses.explain.explanation import Explanation
from yolosses.explain.terms import term_name
from yolosses.language import Language

Floats = NDArray[np.float64]
Rectangle = tuple[float, float, float, float]  # left, top, width, height

STEPS = 24  # of darkness in a map
FAINTEST = 1 / 48  # of the darkest: below it a cell is left white
LONGEST_CENTRE, LONGEST_SIZE, LARGEST_TRIANGLE = 0.12, 0.05, 0.016  # of the longer side of the picture
LEAST_SHOWN = 0.05  # of the largest pull on a confidence


@dataclass(frozen=True, kw_only=True)
class MapView:
    """Where a term, or (None) the whole loss, comes from.

    Attributes:
        index: of the term in the loss. peak: row, column and value of the worst cell, None where nothing adds to it.
        heat: cells of about the same value together, with their darkness.
    """

    index: int | None
    name: str
    value: float
    peak: tuple[int, int, float] | None
    heat: tuple[tuple[float, tuple[tuple[int, int], ...]], ...]


@dataclass(frozen=True, kw_only=True)
class LevelView:
    """The maps of one output level; the cells are alike."""

    level: int
    rows: int
    cols: int
    value: float
    maps: tuple[MapView, ...]


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """In pixels. ``head``: the other corners of its tip. ``width``: of its line."""

    kind: Literal["centre", "size"]
    tail: tuple[float, float]
    tip: tuple[float, float]
    neck: tuple[float, float]
    head: tuple[tuple[float, float], tuple[float, float]]
    width: float


@dataclass(frozen=True, kw_only=True)
class Triangle:
    """In pixels, around its middle. ``rise``: up, else down."""

    rise: bool
    x: float
    y: float
    half: float


@dataclass(frozen=True, kw_only=True)
class PullView:
    """Where the boxes are pulled; ``strongest``: on a centre, a size and a confidence."""

    boxes: tuple[Rectangle, ...]
    arrows: tuple[Arrow, ...]
    triangles: tuple[Triangle, ...]
    strongest: tuple[float, float, float]


def picture_in_detail(explanation: Explanation, picture: NDArray[np.uint8], *, language: Language) -> Markup:
    """The maps and the pull of one picture; at most once on a page.

    Args:
        explanation: of this picture alone, image 0.
        picture: (H, W, 3) uint8 RGB in the frame of the network's input.
    """
    size = picture.shape[:2]
    html = render(
        "_picture_maps.html",
        language,
        picture=picture_data(picture, max_side=480, quality=75),
        height=size[0],
        width=size[1],
        total=explanation.total,
        levels=levels(explanation, language),
        objects=_outlines((obj.box for obj in explanation.objects), size),
        pull=pull(explanation, size),
    )
    return Markup(html)


# ------------------------------------------------------------ where each term comes from


def cell_values(explanation: Explanation, term: str | None, level: int) -> Floats:
    """(rows, cols) what each cell of a level adds to the loss, by one term or (None) by all."""
    rows = explanation.contributions.where(level=level)
    if term is not None:
        rows = rows.where(term=term)
    values = np.zeros(explanation.predictions.grids[level])
    np.add.at(values, (rows.row, rows.col), rows.value)
    return values


def levels(explanation: Explanation, language: Language) -> list[LevelView]:
    """The maps of every level: each term, then all of them."""
    grids = explanation.predictions.grids
    return [
        LevelView(
            level=level,
            rows=rows,
            cols=cols,
            value=float(cell_values(explanation, None, level).sum()),
            maps=tuple(_maps(explanation, level, language)),
        )
        for level, (rows, cols) in enumerate(grids)
    ]


def _maps(explanation: Explanation, level: int, language: Language) -> Iterable[MapView]:
    for index, term in enumerate((*explanation.terms, None)):
        values = cell_values(explanation, term, level)
        if not values.any() and len(explanation.predictions.grids) > 1:
            continue  # the other head's terms, and levels that nothing is assigned to
        yield MapView(
            index=None if term is None else index,
            name="" if term is None else term_name(term, explanation.terms, language=language),
            value=float(values.sum()),
            peak=_peak(values) if values.any() else None,
            heat=tuple(_heat(values)),
        )


def _peak(values: Floats) -> tuple[int, int, float]:
    """The cell with the largest value; one that is not finite before all others."""
    row, col = np.unravel_index(int(np.nan_to_num(values, nan=np.inf).argmax()), values.shape)
    return int(row), int(col), float(values[row, col])


def _heat(values: Floats) -> Iterable[tuple[float, tuple[tuple[int, int], ...]]]:
    """The darker, the more."""
    most = float(values.max(initial=0.0, where=np.isfinite(values)))
    share = np.clip(values / most, 0, 1) if most > 0 else np.zeros_like(values)
    share = np.where(np.isfinite(values), share, 1.0)
    steps = np.where(share >= FAINTEST, np.ceil(share * STEPS), 0).astype(int)
    for step in np.unique(steps[steps > 0]).tolist():
        yield 0.9 * step / STEPS, tuple((row, col) for row, col in np.argwhere(steps == step).tolist())


# ------------------------------------------------------------ where the loss pulls


def pull(explanation: Explanation, size: tuple[int, int]) -> PullView:
    """Arrows and triangles on a picture of ``size``, (height, width)."""
    predictions, unit = explanation.predictions, max(size)
    boxes = predictions.boxes[0]
    centre_inside = ((boxes[:, :2] >= 0) & (boxes[:, :2] <= 1)).all(1)
    drawable = np.isfinite(boxes).all(1) & centre_inside
    downhill = np.where(drawable[:, None], -_finite(predictions.gradient[0]), 0.0)
    confidence = np.where(drawable, -_finite(predictions.confidence_gradient[0]), 0.0)
    moved = np.flatnonzero(downhill.any(1))
    pixels = np.array([size[1], size[0]], float)
    tails, ways = boxes[moved, :2] * pixels, downhill[moved, :2] * pixels
    edges, outwards = _edges(boxes[moved], downhill[moved, 2:], pixels)
    return PullView(
        boxes=_outlines(boxes[moved], size),
        arrows=(
            *_arrows(tails, ways, LONGEST_CENTRE * unit, unit, "centre"),
            *_arrows(edges, outwards, LONGEST_SIZE * unit, unit, "size"),
        ),
        triangles=tuple(_triangles(predictions.responsible[0], boxes, confidence, pixels, unit)),
        strongest=(
            float(np.hypot(*downhill[:, :2].T).max(initial=0.0)),
            float(np.abs(downhill[:, 2:]).max(initial=0.0)),
            float(np.abs(confidence).max(initial=0.0)),
        ),
    )


def _edges(boxes: Floats, growth: Floats, pixels: Floats) -> tuple[Floats, Floats]:
    """The middles of all edges in pixels, and outward (negative: inward) vectors as the boxes are to grow."""
    tails, ways = [np.zeros((0, 2))], [np.zeros((0, 2))]
    for axis in (0, 1):
        for side in (-1, 1):
            along = np.zeros(2)
            along[axis] = side
            tails.append(np.clip(boxes[:, :2] + along * boxes[:, 2:] / 2, 0, 1) * pixels)
            ways.append(along * growth * pixels)
    return np.concatenate(tails), np.concatenate(ways)


def _arrows(
    tails: Floats, ways: Floats, longest: float, unit: int, kind: Literal["centre", "size"]
) -> Iterable[Arrow]:
    """In proportion to the longest; those too short to be seen are dots."""
    lengths = np.hypot(*ways.T)
    most = float(lengths.max(initial=0.0))
    for tail, way, length in zip(tails, ways, lengths.tolist(), strict=True):
        if length == 0:
            continue
        share = length / most
        direction = way / length
        tip = tail + direction * longest * share
        head = min(unit * (0.007 + 0.010 * share), longest * share)
        neck, across = tip - direction * head, direction[::-1] * (-1, 1) * 0.5 * head
        yield Arrow(
            kind=kind,
            tail=_point(tail),
            tip=_point(tip),
            neck=_point(neck),
            head=(_point(neck + across), _point(neck - across)),
            width=0.8 + 2.6 * share,
        )


def _point(at: Floats) -> tuple[float, float]:
    return float(at[0]), float(at[1])


def _triangles(
    responsible: NDArray[np.bool_], boxes: Floats, confidence: Floats, pixels: Floats, unit: int
) -> Iterable[Triangle]:
    """Up where the confidence should rise, down where it should fall; the area is in proportion."""
    strength = np.abs(confidence)
    most = float(strength.max(initial=0.0))
    for i in np.flatnonzero((strength > 0) & (strength >= LEAST_SHOWN * most)).tolist():
        corner = np.clip(boxes[i, :2] - boxes[i, 2:] / 2, 0, 1)
        x, y = _point((corner if responsible[i] else boxes[i, :2]) * pixels)
        half = LARGEST_TRIANGLE * unit * float(np.sqrt(strength[i] / most))
        yield Triangle(rise=bool(confidence[i] > 0), x=x, y=y, half=half)


# ------------------------------------------------------------ both


def _outlines(boxes: Iterable[Floats], size: tuple[int, int]) -> tuple[Rectangle, ...]:
    """Boxes that are finite, in pixels."""
    height, width = size
    return tuple(
        (
            float(cx - w / 2) * width,
            float(cy - h / 2) * height,
            max(float(w), 0) * width,
            max(float(h), 0) * height,
        )
        for cx, cy, w, h in boxes
        if np.isfinite((cx, cy, w, h)).all()
    )


def _finite(values: Floats) -> Floats:
    finite: Floats = np.where(np.isfinite(values), values, 0.0)
    return finite
