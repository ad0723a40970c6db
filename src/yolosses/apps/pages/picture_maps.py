"""One picture of a report in detail: where in it each term comes from, and where the loss pulls the predicted boxes.

Light enough to be made in an instant; `yolosses.explain.pictures` draws the same numbers for papers and notebooks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

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


class Arrow(NamedTuple):
    """In pixels. ``points``: tail, neck, tip, and the other corners of the tip. ``width``: of its line."""

    kind: Literal["centre", "size"]
    points: tuple[Floats, ...]
    width: float


class Triangle(NamedTuple):
    """In pixels, around its middle. ``rise``: up, else down."""

    rise: bool
    x: float
    y: float
    half: float


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
        grids=explanation.predictions.grids,
        maps=partial(maps, explanation, language=language),
        objects=_outlines([obj.box for obj in explanation.objects], size),
        **pull(explanation, size),
    )
    return Markup(html)


# ------------------------------------------------------------ where each term comes from


def maps(explanation: Explanation, level: int, *, language: Language) -> list[MapView]:
    """The maps of a level: each term, then all of them."""
    found = []
    for index, term in enumerate((*explanation.terms, None)):
        values = cell_values(explanation, term, level)
        if not values.any() and len(explanation.predictions.grids) > 1:
            continue  # the other head's terms, and levels that nothing is assigned to
        found.append(
            MapView(
                index=None if term is None else index,
                name="" if term is None else term_name(term, explanation.terms, language=language),
                value=float(values.sum()),
                peak=worst_cell(values) if values.any() else None,
                heat=tuple(_heat(values)),
            )
        )
    return found


def _heat(values: Floats) -> Iterable[tuple[float, tuple[tuple[int, int], ...]]]:
    """The darker, the more."""
    most = float(values.max(initial=0.0, where=np.isfinite(values)))
    share = np.clip(values / most, 0, 1) if most > 0 else np.zeros_like(values)
    share = np.where(np.isfinite(values), share, 1.0)
    steps = np.where(share >= FAINTEST, np.ceil(share * STEPS), 0).astype(int)
    for step in np.unique(steps[steps > 0]).tolist():
        yield 0.9 * step / STEPS, tuple((row, col) for row, col in np.argwhere(steps == step).tolist())


# ------------------------------------------------------------ where the loss pulls


def pull(explanation: Explanation, size: tuple[int, int]) -> dict[str, Any]:
    """For a picture of ``size``, (height, width): the boxes that are ``pulled``, ``arrows``, ``triangles``, and the
    ``strongest`` pull on a centre, a size and a confidence."""
    found, unit, pixels = Pull.of(explanation, 0), max(size), np.array([size[1], size[0]], float)
    boxes = explanation.predictions.boxes[0]
    edges, outwards = edge_pulls(boxes, found.size)
    centres, ways = boxes[found.moved, :2], found.centre[found.moved]
    return {
        "pulled": _outlines(boxes[found.moved], size),
        "arrows": [
            *_arrows(centres * pixels, ways * pixels, LONGEST_CENTRE * unit, unit, "centre"),
            *_arrows(edges * pixels, outwards * pixels, LONGEST_SIZE * unit, unit, "size"),
        ],
        "triangles": list(_triangles(explanation, found, pixels, unit)),
        "strongest": found.strongest,
    }


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
        yield Arrow(kind, (tail, neck, tip, neck + across, neck - across), 0.8 + 2.6 * share)


def _triangles(explanation: Explanation, found: Pull, pixels: Floats, unit: int) -> Iterable[Triangle]:
    """Up where the confidence should rise, down where it should fall; the area is in proportion."""
    places = confidence_places(explanation, 0, found.triangles) * pixels
    for (x, y), strength in zip(places.tolist(), found.confidence[found.triangles].tolist(), strict=True):
        half = LARGEST_TRIANGLE * unit * math.sqrt(abs(strength) / found.strongest[2])
        yield Triangle(rise=strength > 0, x=x, y=y, half=half)


# ------------------------------------------------------------ both


def _outlines(boxes: Sequence[Floats] | Floats, size: tuple[int, int]) -> list[list[float]]:
    """Left, top, width and height of the boxes that are finite, in pixels."""
    finite = np.reshape(boxes, (-1, 4))
    finite = finite[np.isfinite(finite).all(1)]
    centres, sides = finite[:, :2], finite[:, 2:]
    found: list[list[float]] = (np.hstack([centres - sides / 2, sides.clip(0)]) * (size[::-1] * 2)).tolist()
    return found
