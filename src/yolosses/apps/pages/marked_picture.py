"""A picture with a few boxes on it, light enough for many on a page: the picture as jpeg, the boxes as svg above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from yolosses.apps.pages.figure import letters_width
from yolosses.apps.pages.picture_data import picture_data
from yolosses.explain import placing
from yolosses.training.data import DataError, DetectionDataset

Box = tuple[float, float, float, float]
Kind = Literal["faint", "truth", "answer", "other"]

_LINES: dict[Kind, tuple[str, ...]] = {
    "faint": ("faint", "faint-core"),
    "truth": ("halo", "truth", "core"),
    "answer": ("halo", "answer"),
    "other": ("halo", "other"),
}
_PLATE: dict[Kind, str] = {"faint": "#1a1a1a", "truth": "#1a1a1a", "answer": "#0072b2", "other": "#d55e00"}


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
class PictureView:
    """A picture of a data set with boxes. ``part``: what is shown of it, None: all."""

    index: int
    name: str
    marks: tuple[Mark, ...]
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
    lines = [line for mark in marks for line in _outline(mark, width, height)]
    plates = _plates([mark for mark in marks if mark.text], width, height, (left, top, right, bottom), size)
    data = picture_data(np.ascontiguousarray(picture[top:bottom, left:right]), max_side=max_side, quality=80)
    return Markup(
        f'<svg class="marked" viewBox="{left} {top} {seen[0]} {seen[1]}" role="img" aria-label="{escape(alt)}">'
        f'<image href="{data}" x="{left}" y="{top}" width="{seen[0]}" height="{seen[1]}" preserveAspectRatio="none"/>'
        f"{''.join(lines)}{''.join(plates)}</svg>"
    )


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


def _edges(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    cx, cy, w, h = box
    return (cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height


def _outline(mark: Mark, width: int, height: int) -> list[str]:
    if not np.isfinite(mark.box).all():
        return []
    left, top, right, bottom = _edges(mark.box, width, height)
    shape = (
        f'x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0):.1f}" height="{max(bottom - top, 0):.1f}"'
    )
    return [f'<rect class="{line}" {shape}/>' for line in _LINES[mark.kind]]


def _plates(
    marks: Sequence[Mark], width: int, height: int, window: tuple[int, int, int, int], size: float
) -> list[str]:
    """Texts on filled plates: at a corner of their box where they hide no other plate, inside the window."""
    placed: list[placing.Box] = []
    drawn = []
    for mark in marks:
        if not np.isfinite(mark.box).all():
            continue
        edges = _edges(mark.box, width, height)
        w, h = letters_width(mark.text, size, bold=True) + 0.7 * size, 1.35 * size
        placed.append(placing.least_hiding(placing.beside_box(edges, w, h, window), placed))
        x, y = placed[-1][:2]
        drawn.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{0.25 * size:.1f}" '
            f'style="fill:{_PLATE[mark.kind]};stroke:#fff;stroke-width:1"/>'
            f'<text x="{x + 0.35 * size:.1f}" y="{y + 0.98 * size:.1f}" font-size="{size:.1f}" fill="#fff">'
            f"{escape(mark.text)}</text>"
        )
    return drawn
