"""The boxes of locations from their distributions of distances, see `codecs.PointCodec.boxes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from yolosses import memory
from yolosses.kernels.numba.arithmetic import exp
from yolosses.kernels.numba.levels import views
from yolosses.kernels.numba.loops import compiled, over_images
from yolosses.kernels.numba.windows import window
from yolosses.kernels.operators import operator
from yolosses.kernels.schemas import sides_of

BLOCK = 1024
"""Locations whose numbers stay in the cache."""


def decode_boxes(
    distances: Sequence[Tensor],
    boxes: Tensor,
    mask: Tensor,
    *,
    grids: Sequence[tuple[int, int]],
    strides: Sequence[float],
    bins: int,
    least_side: float,
) -> Tensor:
    """(B, A, 4) cxcywh in pixels of the locations inside an object and some others; 0 elsewhere.

    Args:
        distances: (B, 4R, n) float32 of each level, any strides. bins: R. grids, strides: of the levels.
        boxes: (B, M, 4) cxcywh in pixels, mask: (B, M), of the objects. least_side: that they are widened to.
    """
    return _decode(  # type: ignore[no-any-return]
        [level.detach() for level in distances], boxes.detach(), mask, sides_of(grids), list(map(float, strides)), bins,
        float(least_side),
    )  # fmt: skip


def _size(distances: Sequence[Tensor]) -> tuple[Any, ...]:
    return distances[0].shape[0], sum(level.shape[2] for level in distances), 4


@operator(
    "decode_boxes(Tensor[] distances, Tensor boxes, Tensor mask, SymInt[] sides, float[] strides, int bins,"
    " float least_side) -> Tensor",
    lambda distances, *rest: distances[0].new_empty(_size(distances)),
    "numba",
)
def _decode(
    distances: list[Tensor], boxes: Tensor, mask: Tensor, sides: list[int], strides: list[float], bins: int,
    least_side: float,
) -> Tensor:  # fmt: skip
    """See `decode_boxes`."""
    found = memory.empty(*_size(distances), dtype=torch.float32)
    truth, counts = boxes.float().contiguous().numpy(), mask.contiguous().numpy()
    over_images(
        _loop, len(found), sum(level.numel() for level in distances), *views(distances),
        np.array(sides).reshape(-1, 2), np.array(strides, np.float32), bins, truth, counts, np.float32(least_side),
        found.numpy(),
    )  # fmt: skip
    return found


@compiled
def _larger(most, numbers):
    for i in range(len(most)):
        most[i] = numbers[i] if numbers[i] > most[i] else most[i]


@compiled
def _add(numbers, most, bin, total, weighted):
    for i in range(len(most)):
        power = exp(numbers[i] - most[i])
        total[i] += power
        weighted[i] += power * bin


@compiled
def _copy(values, begin, step, places, out):
    for i in range(len(out)):
        out[i] = values[begin + places[i] * step]


@compiled
def _expected(values, begin, steps, bins, places, neighbours, numbers, most, total, out):
    """Into ``out``: the expected bins of locations; ``numbers`` (R, n) is room for theirs where they have gaps."""
    count = len(places)
    most[:], total[:], out[:] = -np.inf, 0, 0
    for bin in range(bins):
        first = begin + bin * steps[1] + places[0] * steps[2]
        if neighbours:
            _larger(most, values[first : first + count])
        else:
            _copy(values, begin + bin * steps[1], steps[2], places, numbers[bin][:count])
            _larger(most, numbers[bin][:count])
    for bin in range(bins):
        first = begin + bin * steps[1] + places[0] * steps[2]
        row = values[first : first + count] if neighbours else numbers[bin][:count]
        _add(row, most, np.float32(bin), total, out)
    for i in range(count):
        out[i] /= total[i]


@compiled
def _list(boxes, mask, grid, stride, least_side, edges, places):
    """Into ``places``: those inside an object, or if that is most of them, all from the first to the last; how many
    they are. ``edges``: (rows, cols + 1), how many objects begin less those that end."""
    rows, cols = grid
    edges[:] = 0
    for number in range(len(mask)):
        if mask[number]:
            left, right = window(boxes[number, 0], boxes[number, 2], least_side, stride, cols)
            top, bottom = window(boxes[number, 1], boxes[number, 3], least_side, stride, rows)
            for row in range(top, bottom):
                edges[row, left] += 1
                edges[row, right] -= 1
    count = 0
    for row in range(rows):
        objects = 0
        for col in range(cols):
            objects += edges[row, col]
            places[count] = row * cols + col
            count += objects > 0
    if 2 * count > rows * cols:
        first, last = places[0], places[count - 1]
        count = last - first + 1
        for i in range(count):
            places[i] = first + i
    return count


@compiled
def _write(sides, places, cols, stride, boxes):
    half = np.float32(0.5)
    for i in range(len(places)):
        row, col = places[i] // cols, places[i] % cols
        left, right = sides[0, i] * stride, sides[2, i] * stride
        top, bottom = sides[1, i] * stride, sides[3, i] * stride
        box = boxes[places[i]]
        box[0] = (np.float32(col) + half) * stride + (right - left) * half
        box[1] = (np.float32(row) + half) * stride + (bottom - top) * half
        box[2], box[3] = left + right, top + bottom


@compiled
def _loop(begin, end, values, steps, grids, strides, bins, truth, mask, least_side, boxes):
    boxes[begin:end] = 0
    start = 0
    for level in range(len(values)):
        _level(
            begin, end, values[level], steps[level], grids[level], strides[level], bins, start, truth, mask, least_side,
            boxes,
        )  # fmt: skip
        start += grids[level, 0] * grids[level, 1]


@compiled
def _level(begin, end, values, steps, grid, stride, bins, start, truth, mask, least_side, boxes):
    rows, cols = grid
    edges = np.empty((rows, cols + 1), np.int32)
    numbers, sides = np.empty((bins, BLOCK), np.float32), np.empty((4, BLOCK), np.float32)
    most, total = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    every = np.empty(rows * cols, np.int64)
    for image in range(begin, end):
        listed = _list(truth[image], mask[image], grid, stride, least_side, edges, every)
        for at in range(0, listed, BLOCK):
            places = every[at : min(at + BLOCK, listed)]
            count = len(places)
            neighbours = steps[2] == 1 and places[-1] - places[0] == count - 1
            for side in range(4):
                # Slices of one dimension: the compiler knows that they are contiguous.
                first, out = image * steps[0] + side * bins * steps[1], sides[side][:count]
                if bins > 1:
                    _expected(
                        values,
                        first,
                        steps,
                        bins,
                        places,
                        neighbours,
                        numbers,
                        most[:count],
                        total[:count],
                        out,
                    )
                else:
                    _copy(values, first, steps[2], places, out)
            _write(sides, places, cols, stride, boxes[image][start : start + rows * cols])
