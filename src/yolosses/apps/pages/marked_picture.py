"""A picture with a few boxes on it, light enough for many on a page: the picture as jpeg, the boxes as svg above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from yolosses.apps.pages.figure import letters_width
from yolosses.apps.pages.picture_data import picture_data
from yolosses.apps.pages.render import render
from yolosses.explain import placing
from yolosses.training.data import DataError, DetectionDataset

Box = tuple[float, float, float, float]
Kind = Literal["faint", "truth", "answer", "other"]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A box on a picture.

    Attributes:
        box: cxcywh, fractions of the picture.
        kind: "truth" a double dark line, "faint" the same but thin; "answer" a solid blue line: the predicted box that
            is responsible; "other" a dashed one: a predicted box that is responsible for nothing.
        text: written at the box, or "".
    """

    box: Box
    kind: Kind
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class DrawnMark:
    """A mark in pixels of the picture: left, top, right, bottom of its box, and of the plate behind its text."""

    kind: Kind
    box: placing.Box
    text: str
    plate: placing.Box | None


@dataclass(frozen=True, kw_only=True)
class PictureView:
    """A picture of a data set with boxes. ``part``: what is shown of it, None: all."""

    index: int
    name: str
    marks: Sequence[Mark]
    part: Box | None = None


def pictures_of(dataset: DetectionDataset) -> Callable[[PictureView, int, int, str], Markup]:
    """For templates: a picture as svg, at most so many pixels, seen so wide, with a description. Nothing where it
    cannot be decoded."""

    def marked(view: PictureView, max_side: int, shown: int, alt: str) -> Markup:
        try:
            picture = dataset.picture(view.index)
        except DataError:
            return Markup()
        return marked_picture(picture, view.marks, alt=alt, max_side=max_side, part=view.part, shown=shown)

    return marked


def marked_picture(
    picture: NDArray[np.uint8],
    marks: Sequence[Mark],
    *,
    alt: str,
    max_side: int = 560,
    part: Box | None = None,
    shown: int = 400,
) -> Markup:
    """A picture, or the ``part`` (cxcywh, fractions) of it, with boxes.

    Args:
        picture: (H, W, 3) uint8 RGB.
        marks: those that come later are drawn above.
        alt: what it shows, for those who cannot see it.
        max_side: the longer side of the embedded picture at most, in pixels.
        shown: about how wide it will be seen, in css pixels: letters get their size from it.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = _window(part, width, height)
    seen = (right - left, bottom - top)
    size = 13 * seen[0] / shown
    data = picture_data(np.ascontiguousarray(picture[top:bottom, left:right]), max_side=max_side, quality=80)
    drawn = in_pixels(marks, (height, width), (left, top, right, bottom), size)
    html = render(
        "_marked.html", "en", window=(left, top, *seen), data=data, alt=alt, size=size, marks=drawn
    )  # it holds no words of its own
    return Markup(html.strip())


def around(boxes: Sequence[Box], *, aspect: float, margin: float = 0.6, least: float = 0.12) -> Box:
    """The part of a picture around some boxes.

    Args:
        aspect: width over height in pixels of the picture, so that the part is about square.
        margin: on each side, as fraction of the longer side of what is shown.
        least: shortest side, as fraction of the picture's height.
    """
    left, top = (min(box[axis] - box[axis + 2] / 2 for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] / 2 for box in boxes) for axis in (0, 1))
    side = max(bottom - top, (right - left) * aspect) * (1 + 2 * margin)
    side = max(side, least)
    return (left + right) / 2, (top + bottom) / 2, side / aspect, side


def as_box(sides: Iterable[float]) -> Box:
    """Four numbers as a box."""
    cx, cy, w, h = (float(side) for side in sides)
    return cx, cy, w, h


def _window(part: Box | None, width: int, height: int) -> tuple[int, int, int, int]:
    """In whole pixels, moved into the picture."""
    if part is None:
        return 0, 0, width, height
    cx, cy, w, h = part
    spans = []
    for centre, size, length in ((cx, w, width), (cy, h, height)):
        extent = min(max(round(size * length), 8), length)
        start = min(max(round(centre * length - extent / 2), 0), length - extent)
        spans.append((start, start + extent))
    return spans[0][0], spans[1][0], spans[0][1], spans[1][1]


def in_pixels(
    marks: Sequence[Mark], picture: tuple[int, int], window: placing.Box, size: float
) -> list[DrawnMark]:
    """Those that are finite; their texts inside the window, where they hide no other.

    Args:
        picture: (height, width). size: of the letters, in its pixels.
    """
    height, width = picture
    drawn = []
    placed: list[placing.Box] = []
    for mark in marks:
        if not np.isfinite(mark.box).all():
            continue
        cx, cy, w, h = mark.box
        w, h = max(w, 0.0), max(h, 0.0)
        box = ((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
        plate = None
        if mark.text:
            length = letters_width(mark.text, size, bold=True) + 0.7 * size
            plate = placing.least_hiding(placing.beside_box(box, length, 1.35 * size, window), placed)
            placed.append(plate)
        drawn.append(DrawnMark(kind=mark.kind, box=box, text=mark.text, plate=plate))
    return drawn
