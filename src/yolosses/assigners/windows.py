"""The locations inside boxes, computed from the boxes: on each level they are a window of rows and columns.

For the CPU, where a list may have as many entries as there are: what an assigner compares then grows with the area of
the boxes, not with objects times locations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.codecs.levels import Layout

BLOCK = 1 << 17
"""Pairs that are compared at once: they stay in the cache, and memory does not grow with objects."""

Inside = Callable[[Tensor, Tensor, float], Tensor]
"""(points, boxes, stride) -> (N, cells) bool: which points (cells,) along one axis lie inside boxes (N, 2), centre and
size on that axis; True for one run of neighbours."""


class Window(NamedTuple):
    """Of N boxes on one level, int64 (N,): ``first`` location, ``width`` in columns, at least 1, ``size``, number of
    locations; ``columns`` of the level, and the number ``start`` of its first location."""

    first: Tensor
    width: Tensor
    size: Tensor
    columns: int
    start: int


class Block(NamedTuple):
    """Some of the boxes, with the locations inside each, level by level, in ascending order.

    Attributes:
        box: (n,) which of the boxes.
        locations: (n, l) of each level, within the level.
        place: (n, L) the same of all levels, counted over all, from the ``base`` of each box; the last again where
            there is none.
        inside: (n, L) bool, whether there is one.
    """

    box: Tensor
    locations: tuple[Tensor, ...]
    place: Tensor
    inside: Tensor


def at_once(columns: int) -> int:
    """Rows of ``columns`` pairs that are compared at once."""
    return max(1, BLOCK // max(1, columns))


def windows_of(levels: Layout, boxes: Tensor, inside: Inside) -> list[Window]:
    """The windows of ``boxes`` (N, 4) cxcywh in pixels on each level."""
    windows = []
    for start, (rows, cols), stride in zip(levels.starts, levels.grids, levels.strides, strict=True):
        left, width = _run(inside(_points(cols, stride, boxes), boxes[:, 0::2], stride))
        top, height = _run(inside(_points(rows, stride, boxes), boxes[:, 1::2], stride))
        windows.append(Window(top * cols + left, width.clamp(min=1), width * height, cols, start))
    return windows


def everywhere(levels: Layout, like: Tensor) -> list[Window]:
    """Windows of all locations, for each of ``like`` (N,)."""
    return [
        Window(
            torch.zeros_like(like),
            torch.full_like(like, cols),
            torch.full_like(like, rows * cols),
            cols,
            start,
        )
        for start, (rows, cols) in zip(levels.starts, levels.grids, strict=True)
    ]


def blocks_of(windows: list[Window], base: Tensor, least: int) -> Iterator[Block]:
    """All boxes with a location inside, those of like count together, in blocks of bounded size of at least ``least``
    columns. ``base`` (N,): what is added to the numbers of each box's locations."""
    counts = torch.stack([window.size for window in windows], 1)
    total, order = counts.sum(1).sort(descending=True)
    sizes, begin = total.tolist(), 0
    while begin < len(sizes) and sizes[begin]:
        end = begin + at_once(sizes[begin])
        end = begin + sum(size > 0 for size in sizes[begin:end])
        yield _block(windows, counts, base, order[begin:end], least)
        begin = end


def _block(windows: list[Window], counts: Tensor, base: Tensor, box: Tensor, least: int) -> Block:
    longest = counts[box].amax(0).tolist()
    longest[-1] = max(longest[-1], least - sum(longest[:-1]))
    place = box.new_empty(len(box), sum(longest))
    inside = torch.empty_like(place, dtype=torch.bool)
    parts = zip(windows, *(torch.split(table, longest, 1) for table in (place, inside)), strict=True)
    locations = []
    for window, places, here in parts:
        # Whole numbers below 2^24 are exact in float32, and so is the row.
        rank = torch.arange(places.shape[1], dtype=torch.float32, device=box.device)
        first, width, size = (part[box, None].float() for part in (window.first, window.width, window.size))
        torch.lt(rank, size, out=here)
        rank = torch.minimum(rank, (size - 1).clamp(min=0))  # beyond the last one it stays there
        row = ((rank + 0.5) / width).floor_()
        local = row.mul_(window.columns - width).add_(rank).add_(first).long()
        locations.append(local)
        torch.add(local, base[box, None] + window.start, out=places)
    return Block(box, tuple(locations), place, inside)


def _points(cells: int, stride: float, like: Tensor) -> Tensor:
    return (torch.arange(cells, dtype=like.dtype, device=like.device) + 0.5) * stride


def _run(inside: Tensor) -> tuple[Tensor, Tensor]:
    """First and number of the True in each row."""
    return inside.byte().argmax(1), inside.sum(1)
