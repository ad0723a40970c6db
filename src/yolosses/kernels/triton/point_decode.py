"""The boxes of all locations from their distributions of distances, see `codecs.PointCodec.boxes`, in one launch.

Bytes moved: the numbers of the sides are read once, 16 bytes a location written.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from yolosses.kernels.operators import operator
from yolosses.kernels.triton.arithmetic import rounded_product
from yolosses.kernels.triton.devices import on_its_device
from yolosses.kernels.triton.levels import blocks_of, starts_of, views

TILE = 128
"""Locations of a program."""


def decode_boxes(
    distances: Sequence[Tensor], *, grids: Sequence[tuple[int, int]], strides: Sequence[float], bins: int
) -> Tensor:
    """(B, A, 4) cxcywh in pixels; at least float32.

    Args:
        distances: (B, 4R, n) of each level, any strides and floating dtype. bins: R. grids, strides: of the levels.
    """
    boxes: Tensor = _decode(
        [level.detach() for level in distances], [cols for _, cols in grids], list(map(float, strides)), bins
    )
    return boxes


def _empty(distances: Sequence[Tensor], *_: object) -> Tensor:
    like, locations = distances[0], sum(level.shape[2] for level in distances)
    return like.new_empty(like.shape[0], locations, 4, dtype=torch.promote_types(like.dtype, torch.float32))


@operator(
    "triton_decode_boxes(Tensor[] distances, SymInt[] cols, float[] strides, int bins) -> Tensor",
    _empty,
    "triton",
)
@on_its_device
def _decode(distances: list[Tensor], cols: list[int], strides: list[float], bins: int) -> Tensor:
    """See `decode_boxes`."""
    found = _empty(distances)
    sizes = [level.shape[2] for level in distances]
    blocks = blocks_of(sizes, TILE)
    if found.numel():
        parts, steps = views(distances)
        _decode_kernel[(len(found), blocks[-1])](
            parts, steps, starts_of(sizes), blocks, tuple(cols), found, found.shape[1],
            len(parts), tuple(strides), bins, TILE,
        )  # fmt: skip
    return found


@triton.jit
def _distance(part, at, step, side, counts, dtype: tl.constexpr, R: tl.constexpr):
    """The distance alone. A thread reads the bins of its location one after the other, so that none waits for
    another: the sums of all bins so far are those of exponentials less the largest so far."""
    most = tl.load(part + at + side * R * step, mask=counts, other=0.0).to(dtype)
    if R == 1:
        return most
    total, weighted = tl.full(most.shape, 1.0, dtype), tl.zeros_like(most)
    for bin in tl.static_range(1, R):
        logit = tl.load(part + at + (side * R + bin) * step, mask=counts, other=0.0).to(dtype)
        larger = tl.maximum(most, logit)
        # The difference of two infinite ones would be NaN.
        before = tl.where(most == larger, 1.0, tl.exp(most - larger))
        power = tl.where(logit == float("-inf"), 0.0, tl.exp(logit - larger))
        total, weighted, most = total * before + power, weighted * before + power * bin, larger
    return weighted / total


@triton.jit
def point_of(local, cols, stride, dtype: tl.constexpr):
    """The centre of a cell in pixels."""
    half, unit = tl.full(local.shape, 0.5, dtype), tl.full(local.shape, stride, dtype)
    x = rounded_product((local % cols).to(dtype) + half, unit)
    return x, rounded_product((local // cols).to(dtype) + half, unit)


@triton.jit
def box_of(point, low, high, stride):
    """Centre and size on one axis, of distances in strides."""
    low, high = low * stride, high * stride
    return point + (high - low) / 2, low + high


@triton.jit
def _decode_kernel(
    parts, steps, starts, blocks, cols, boxes, locations,
    LEVELS: tl.constexpr, STRIDES: tl.constexpr, R: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    image, block = tl.program_id(0).to(tl.int64), tl.program_id(1)
    dtype: tl.constexpr = boxes.dtype.element_ty
    for level in tl.static_range(LEVELS):
        if (block >= blocks[level]) & (block < blocks[level + 1]):
            local = (block - blocks[level]) * TILE + tl.arange(0, TILE)
            there = local < starts[level + 1] - starts[level]
            at, step = (
                image * steps[3 * level] + local.to(tl.int64) * steps[3 * level + 2],
                steps[3 * level + 1],
            )
            left = _distance(parts[level], at, step, 0, there, dtype, R)
            top = _distance(parts[level], at, step, 1, there, dtype, R)
            right = _distance(parts[level], at, step, 2, there, dtype, R)
            bottom = _distance(parts[level], at, step, 3, there, dtype, R)
            x, y = point_of(local, cols[level], STRIDES[level], dtype)
            x, w = box_of(x, left, right, STRIDES[level])
            y, h = box_of(y, top, bottom, STRIDES[level])
            to = boxes + (image * locations + starts[level] + local) * 4
            tl.store(to, x, mask=there)
            tl.store(to + 1, y, mask=there)
            tl.store(to + 2, w, mask=there)
            tl.store(to + 3, h, mask=there)
