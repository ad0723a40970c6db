"""The boxes of locations from their distributions of distances, see `codecs.PointCodec.boxes`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from yolosses import host
from yolosses.kernels.numba.elementary import exp
from yolosses.kernels.numba.loops import behind, compiled, operator, over_images
from yolosses.kernels.numba.windows import window

BLOCK, GAP = 512, 64
"""Locations whose numbers stay in the cache, and those between two runs that take as long as beginning another one."""


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
    """(B, A, 4) cxcywh in pixels, of the locations inside an object and some between them; 0 elsewhere.

    Args:
        distances: (B, 4R, n) float32 of each level, any strides. bins: R. grids, strides: of the levels.
        boxes: (B, M, 4) cxcywh in pixels, mask: (B, M), of the objects. least_side: that they are widened to.
    """
    run = torch.ops.yolosses.decode_boxes if torch.compiler.is_compiling() else _decode
    sides = [side for grid in grids for side in grid]
    return run(  # type: ignore[no-any-return]
        list(distances), boxes, mask, sides, list(map(float, strides)), bins, float(least_side)
    )


def _decode(
    distances: list[Tensor], boxes: Tensor, mask: Tensor, sides: list[int], strides: list[float], bins: int,
    least_side: float,
) -> Tensor:  # fmt: skip
    """See `decode_boxes`."""
    found = host.empty(*_shape(distances), dtype=torch.float32).zero_()
    truth, counts = boxes.float().contiguous().numpy(), mask.contiguous().numpy()
    start = 0
    for level, rows, cols, stride in zip(distances, sides[::2], sides[1::2], strides, strict=True):
        values, steps = behind(level)
        over_images(
            _loop, len(level), level.numel(), values, steps, (rows, cols), np.float32(stride), bins, start, truth,
            counts, np.float32(least_side), found.numpy(),
        )  # fmt: skip
        start += level.shape[2]
    return found


def _shape(distances: Sequence[Tensor]) -> tuple[int, int, int]:
    return len(distances[0]), sum(level.shape[2] for level in distances), 4


operator(
    "decode_boxes(Tensor[] distances, Tensor boxes, Tensor mask, int[] sides, float[] strides, int bins,"
    " float least_side) -> Tensor",
    _decode,
    lambda distances, *rest: distances[0].new_empty(_shape(distances)),
)


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
def _run(values, at, step, spare):
    """Every ``step``-th of ``values``, as many as fit into ``spare``, as neighbours."""
    if step == 1:
        return values[at : at + len(spare)]
    for i in range(len(spare)):
        spare[i] = values[at + i * step]
    return spare


@compiled
def _expected(values, at, steps, bins, spare, most, total, out):
    """Into ``out``: of neighbouring locations the expected bins."""
    most[:], total[:], out[:] = _run(values, at, steps[2], spare), 0, 0
    for bin in range(1, bins):
        _larger(most, _run(values, at + bin * steps[1], steps[2], spare))
    for bin in range(bins):
        _add(_run(values, at + bin * steps[1], steps[2], spare), most, np.float32(bin), total, out)
    for i in range(len(out)):
        out[i] /= total[i]


@compiled
def _spans(boxes, mask, grid, stride, least_side, low, high):
    """Of each row from where to where there may be an object."""
    rows, cols = grid
    low[:], high[:] = cols, 0
    for number in range(len(mask)):
        if mask[number]:
            left, right = window(boxes[number, 0], boxes[number, 2], least_side, stride, cols)
            top, bottom = window(boxes[number, 1], boxes[number, 3], least_side, stride, rows)
            for row in range(top, bottom):
                low[row], high[row] = min(low[row], left), max(high[row], right)


@compiled
def _loop(begin, end, values, steps, grid, stride, bins, start, truth, mask, least_side, boxes):
    rows, cols = grid
    low, high = np.empty(rows, np.int64), np.empty(rows, np.int64)
    spare, sides = np.empty((3, BLOCK), np.float32), np.empty((4, BLOCK), np.float32)
    for image in range(begin, end):
        _spans(truth[image], mask[image], grid, stride, least_side, low, high)
        row = 0
        while row < rows:
            first, last = row * cols + low[row], row * cols + high[row]
            row += 1
            while row < rows and first < last and row * cols + low[row] - last <= GAP:
                last = max(last, row * cols + high[row])
                row += 1
            for at in range(first, last, BLOCK):
                count = min(BLOCK, last - at)
                for side in range(4):
                    number = image * steps[0] + side * bins * steps[1] + at * steps[2]
                    if bins > 1:
                        # Slices of one dimension, of which a compiler knows that they have no gaps.
                        _expected(
                            values, number, steps, bins, spare[0][:count], spare[1][:count], spare[2][:count],
                            sides[side][:count],
                        )  # fmt: skip
                    else:
                        sides[side][:count] = _run(values, number, steps[2], spare[0][:count])
                _write(sides, at, cols, stride, boxes[image][start + at : start + at + count])


@compiled
def _write(sides, at, cols, stride, boxes):
    half, row, col = np.float32(0.5), at // cols, at % cols
    for i in range(len(boxes)):
        left, right = sides[0, i] * stride, sides[2, i] * stride
        top, bottom = sides[1, i] * stride, sides[3, i] * stride
        boxes[i, 0] = (np.float32(col) + half) * stride + (right - left) * half
        boxes[i, 1] = (np.float32(row) + half) * stride + (bottom - top) * half
        boxes[i, 2], boxes[i, 3] = left + right, top + bottom
        col += 1
        if col == cols:
            row, col = row + 1, 0
