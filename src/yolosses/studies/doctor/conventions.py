"""What the four numbers of a box may mean: as the layout has it, and as people write it by mistake."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from yolosses.studies.doctor.rows import Bools, Floats
from yolosses.training.data import BoxFormat

Swap = Literal["none", "xy", "centre", "size", "corners"]
Unit = Literal["fractions", "pixels"]

_UNIT: dict[BoxFormat, Unit] = {"cxcywh": "fractions", "xyxy": "pixels", "xywh": "pixels"}
_OTHERS: dict[BoxFormat, tuple[BoxFormat, BoxFormat]] = {
    "cxcywh": ("xyxy", "xywh"),
    "xyxy": ("cxcywh", "xywh"),
    "xywh": ("xyxy", "cxcywh"),
}


@dataclass(frozen=True, kw_only=True)
class Convention:
    """A way to understand the four numbers of a box.

    Attributes:
        format: what they are, once ``swap`` is undone.
        unit: fractions of the picture, or pixels.
        swap: what was exchanged when they were written: "xy" (every x with its y), "centre" (only those of the place:
            of the left-top corner in xywh, else of the centre), "size" (only width and height), "corners" (left-top
            with right-bottom), or "none".
        surprise: how much more evidence it needs than a common mistake, in nats.
    """

    format: BoxFormat
    unit: Unit
    swap: Swap = "none"
    surprise: float = 0.0

    def edges(self, numbers: Floats, size: Floats) -> Floats:
        """Left, top, right, bottom in pixels.

        Args:
            numbers: (R, 4) as written. size: (R, 2) width, height of the picture in pixels.
        """
        point, extent = numbers[:, :2], numbers[:, 2:]
        if self.format == "xyxy":
            if self.swap == "corners":
                point, extent = extent, point
            point, extent = (point + extent) / 2, extent - point
        if self.swap in ("xy", "centre"):
            point = point[:, ::-1]
        if self.swap in ("xy", "size"):
            extent = extent[:, ::-1]
        if self.unit == "fractions":
            point, extent = point * size, extent * size
        low = point if self.format == "xywh" else point - extent / 2
        return np.concatenate([low, low + extent], 1)


def as_read(box_format: BoxFormat) -> Convention:
    """What a layout's reader takes the numbers for."""
    return Convention(format=box_format, unit=_UNIT[box_format])


def mistakes(box_format: BoxFormat) -> tuple[Convention, ...]:
    """What they may be instead, the most usual first."""
    read, others = as_read(box_format), _OTHERS[box_format]
    found = [replace(read, format=other) for other in others]
    found += [
        replace(read, swap="xy"),
        replace(read, swap="centre", surprise=2.0),
        replace(read, swap="size", surprise=2.0),
    ]
    if box_format == "xyxy":
        found.append(replace(read, swap="corners"))
    else:
        found.append(replace(read, format="xyxy", swap="xy", surprise=4.0))
    unit: Unit = "pixels" if read.unit == "fractions" else "fractions"
    found += [Convention(format=other, unit=unit, surprise=1.0) for other in (box_format, *others)]
    return tuple(found)


def placement(edges: Floats, size: Floats, *, least: float = 0.5) -> tuple[Bools, Bools]:
    """Which boxes have an area, and which of these lie in their picture.

    Both sides must be at least ``least`` pixels; a box may leave the picture by 2 % of it, but at least 2 pixels.

    Args:
        edges: (R, 4) pixels. size: (R, 2) width, height.

    Returns:
        (R,) bool, has an area; (R,) bool, has one and is inside.
    """
    slack = np.maximum(2.0, 0.02 * size)
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(edges).all(1) & (edges[:, 2:] - edges[:, :2] >= least).all(1)
        inside = whole & (edges[:, :2] >= -slack).all(1) & (edges[:, 2:] <= size + slack).all(1)
    return np.asarray(whole), np.asarray(inside)
