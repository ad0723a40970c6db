"""One picture of a report in detail: where in it each term comes from, and where the loss pulls the predicted boxes.

Light enough to be made in an instant; `yolosses.explain.pictures` draws the same numbers for papers and notebooks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from yolosses.apps.pages.picture_data import picture_data
from yolosses.apps.pages.render import render
from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.maps import cell_values, worst_cell
from yolosses.explain.pictures.pull import Pull, confidence_places, edge_pulls
from yolosses.explain.terms import term_name
from yolosses.language import Language

Floats = NDArray[np.float64]
Rectangle = tuple[float, float, float, float]  # left, top, width, height

STEPS = 24  # of darkness in a map
FAINTEST = 1 / 48  # of the darkest: below it a cell is left white
LONGEST_CENTRE, LONGEST_SIZE, LARGEST_TRIANGLE = 0.12, 0.05, 0.016  # of the longer side of the picture


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
            peak=worst_cell(values) if values.any() else None,
            heat=tuple(_heat(values)),
        )


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
    found, unit, pixels = Pull.of(explanation, 0), max(size), np.array([size[1], size[0]], float)
    boxes = explanation.predictions.boxes[0]
    edges, outwards = edge_pulls(boxes, found.size)
    centres, ways = boxes[found.moved, :2], found.centre[found.moved]
    return PullView(
        boxes=_outlines(boxes[found.moved], size),
        arrows=(
            *_arrows(centres * pixels, ways * pixels, LONGEST_CENTRE * unit, unit, "centre"),
            *_arrows(edges * pixels, outwards * pixels, LONGEST_SIZE * unit, unit, "size"),
        ),
        triangles=tuple(_triangles(explanation, found, pixels, unit)),
        strongest=found.strongest,
    )


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


def _triangles(explanation: Explanation, found: Pull, pixels: Floats, unit: int) -> Iterable[Triangle]:
    """Up where the confidence should rise, down where it should fall; the area is in proportion."""
    places = confidence_places(explanation, 0, found.triangles) * pixels
    for (x, y), strength in zip(places.tolist(), found.confidence[found.triangles].tolist(), strict=True):
        half = LARGEST_TRIANGLE * unit * math.sqrt(abs(strength) / found.strongest[2])
        yield Triangle(rise=strength > 0, x=x, y=y, half=half)


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
