"""What the four numbers of a box may mean: as the layout has it, and as people write it by mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from yolosses.studies.doctor.rows import Bools, Floats
from yolosses.training.data import BoxFormat

Swap = Literal["none", "xy", "centre", "size", "corners"]

_UNIT: dict[BoxFormat, Literal["fractions", "pixels"]] = {
    "cxcywh": "fractions",
    "xyxy": "pixels",
    "xywh": "pixels",
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
    unit: Literal["fractions", "pixels"]
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
    unit = _UNIT[box_format]
    others: dict[BoxFormat, tuple[BoxFormat, ...]] = {
        "cxcywh": ("xyxy", "xywh"),
        "xyxy": ("cxcywh", "xywh"),
        "xywh": ("xyxy", "cxcywh"),
    }
    found = [Convention(format=other, unit=unit) for other in others[box_format]]
    swaps: tuple[Swap, ...] = ("xy", "centre", "size")
    found += [
        Convention(format=box_format, unit=unit, swap=swap, surprise=0.0 if swap == "xy" else 2.0)
        for swap in swaps
    ]
    if box_format == "xyxy":
        found.append(Convention(format="xyxy", unit=unit, swap="corners"))
    else:
        found.append(Convention(format="xyxy", unit=unit, swap="xy", surprise=4.0))
    formats: tuple[BoxFormat, ...] = (box_format, *others[box_format])
    other_unit: Literal["fractions", "pixels"] = "pixels" if unit == "fractions" else "fractions"
    return (*found, *(Convention(format=other, unit=other_unit, surprise=1.0) for other in formats))


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
