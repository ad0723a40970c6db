"""Room for names beside points of a chart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from yolosses.apps.pages.figure import letters_width

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

Label = tuple[float, float, str, str]
"""x, y of the baseline, anchor, words."""

_DISTANCE = 10.0


def place_labels(
    points: Sequence[tuple[float, float, str]], taken: Sequence[Box], frame: Box, *, size: float = 12
) -> list[Label]:
    """A place for the name of each point: where it hides neither points nor other names, as near as there is room.

    Args:
        points: x, y, name. taken: what must not be hidden. frame: what must not be left.
    """
    boxes, placed = list(taken), []
    for x, y, name in points:
        candidates = list(_candidates(x, y, name, size))
        label, box = min(candidates, key=lambda candidate: _cost(candidate[1], boxes, frame))
        placed.append(label)
        boxes.append(box)
    return placed


def boxes_along(points: Sequence[tuple[float, float]], *, step: float = 5.0) -> list[Box]:
    """Small boxes on the lines that join ``points``."""
    boxes: list[Box] = []
    for (x, y), (next_x, next_y) in pairwise(points):
        pieces = max(1, round(math.hypot(next_x - x, next_y - y) / step))
        for i in range(pieces):
            part = (i + 0.5) / pieces
            px, py = x + (next_x - x) * part, y + (next_y - y) * part
            boxes.append((px - step / 2, py - step / 2, px + step / 2, py + step / 2))
    return boxes


def _candidates(x: float, y: float, name: str, size: float) -> Iterator[tuple[Label, Box]]:
    """Right, left, above, below, the corners; then the same farther away."""
    width, rise = letters_width(name, size), 0.72 * size
    for d in (_DISTANCE, 1.7 * _DISTANCE, 2.6 * _DISTANCE):
        for dx, dy, anchor in (
            (d, rise / 2, "start"),
            (-d, rise / 2, "end"),
            (0.0, -d, "middle"),
            (0.0, d + rise, "middle"),
            (0.7 * d, -0.7 * d, "start"),
            (-0.7 * d, -0.7 * d, "end"),
            (0.7 * d, 0.7 * d + rise, "start"),
            (-0.7 * d, 0.7 * d + rise, "end"),
        ):
            baseline = y + dy
            left = x + dx - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
            yield (x + dx, baseline, anchor, name), (left, baseline - rise, left + width, baseline + 2)


def _cost(box: Box, taken: Sequence[Box], frame: Box) -> float:
    """Area that it hides, and length by which it leaves the frame."""
    left, top, right, bottom = box
    hidden = sum(
        max(0.0, min(right, r) - max(left, x)) * max(0.0, min(bottom, b) - max(top, y))
        for x, y, r, b in taken
    )
    outside = max(0.0, frame[0] - left) + max(0.0, right - frame[2])
    outside += max(0.0, frame[1] - top) + max(0.0, bottom - frame[3])
    return hidden + 40 * outside
