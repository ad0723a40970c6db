"""YOLOv8's box terms of the pairs, 1 - CIoU and the distribution focal loss, and their gradient, one launch each.

Bytes moved: forward reads the numbers of the sides once and writes nine numbers a pair; backward reads the numbers once
and writes their gradient once. Nothing else is kept between the two.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from yolosses.boxes import similarity

TILE, MOST_ROWS = 512, 128
"""Numbers of one side that a program holds, and its most pairs."""
MARGIN = tl.constexpr(0.01)  # of `functional.distribution`, which may import kernels and not be imported
NOTHING = tl.constexpr(similarity.NOTHING)
POINT = tl.constexpr(similarity.POINT)
ASPECT = tl.constexpr(4 / math.pi**2)
QUARTER = tl.constexpr(math.pi / 4)
TAN_3_8 = tl.constexpr(1 + math.sqrt(2))  # tan(3 pi / 8)


def box_terms(
    numbers: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, *, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """How far the boxes of pairs (...) of a location and an object are from the truth, see `codecs.PointCodec`.

    Args:
        numbers: (..., 4, R) raw numbers of the sides, any floating dtype; with R = 1 the distances themselves.
        boxes: (..., 4) the true boxes, cxcywh in pixels. points: (..., 2) of the locations. strides: (...).
        mask: (...) bool, pairs that count. Of the others nothing is read, and all that is returned is 0.

    Returns:
        missing: (...) 1 - CIoU of the predicted and the true boxes (`boxes.paired_ciou`).
        focal: (..., 4) `functional.distribution_focal` of each side; with R = 1 the absolute error in strides.
        sides: (..., 4) predicted distances in strides, without gradient.
        All are of the dtype of ``numbers``, at least float32. ``numbers`` alone gets a gradient.
    """
    missing, focal, sides = _BoxTerms.apply(numbers, boxes, points, strides, mask)
    return missing, focal, sides


class _BoxTerms(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, numbers: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        inputs = tuple(values.contiguous() for values in (numbers, boxes, points, strides, mask))
        ctx.save_for_backward(*inputs)
        dtype = torch.promote_types(numbers.dtype, torch.float32)
        missing = torch.empty(mask.shape, dtype=dtype, device=mask.device)
        focal, sides = (torch.empty(*mask.shape, 4, dtype=dtype, device=mask.device) for _ in range(2))
        if mask.numel():
            grid, constants = _launch(numbers)
            _terms_kernel[grid](*inputs, missing, focal, sides, mask.numel(), *constants)
        ctx.mark_non_differentiable(sides)
        return missing, focal, sides

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_missing: Tensor, of_focal: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        numbers = ctx.saved_tensors[0]
        gradient = torch.empty_like(numbers)
        if numbers.numel():
            grid, constants = _launch(numbers)
            _gradient_kernel[grid](
                *ctx.saved_tensors, of_missing.contiguous(), of_focal.contiguous(), gradient,
                numbers.shape[:-2].numel(), *constants,
            )  # fmt: skip
        return gradient, None, None, None, None


def _launch(numbers: Tensor) -> tuple[tuple[int], tuple[int, int, int]]:
    """The grid, and R, the next power of 2, and the pairs of a program."""
    bins = numbers.shape[-1]
    padded = triton.next_power_of_2(bins)
    rows = max(1, min(MOST_ROWS, TILE // padded))
    return (triton.cdiv(numbers.shape[:-2].numel(), rows),), (bins, padded, rows)


@triton.jit
def angle(width, height):
    """atan(width / height) of sizes that are not negative, as in `boxes.similarity`.

    Triton has no arc tangent of its own: this is the one of Cephes (Moshier 1989), exact to float64 but for the last
    bits. The quotient it begins with is brought to at most 0.66 by the sizes themselves, so that none is divided by 0.
    """
    height = tl.where(width + height > POINT, height, 1.0)
    steep, middle = width > TAN_3_8 * height, width > 0.66 * height
    x = tl.where(steep, -height, tl.where(middle, width - height, width)) / tl.where(
        steep, width, tl.where(middle, width + height, height)
    )
    z = x * x
    p = -8.750608600031904122785e-1 * z - 1.615753718733365076637e1
    p = (p * z - 7.500855792314704667340e1) * z - 1.228866684490136173410e2
    p = p * z - 6.485021904942025371773e1
    q = (z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2
    q = (q * z + 4.328810604912902668951e2) * z + 4.853903996359136964868e2
    q = q * z + 1.945506571482613964425e2
    quarters = steep.to(x.dtype) + middle.to(x.dtype)
    return quarters * QUARTER + (x + x * (z * p / q))


@triton.jit
def not_negative(size):
    """A NaN stays one."""
    return tl.where(size < 0, 0.0, size)


@triton.jit
def rounded_product(a, b):
    """A product that no compiler fuses with the sum that follows, so that what is equal in torch is equal here: a sum
    that it is fused with rounds once, and the areas of identical boxes differ."""
    return tl.fma(a, b, 0.0)


@triton.jit
def _axis(apart, size1, size2):
    """On one axis, of intervals whose centres are so far apart: what both have in common (or the gap, < 0), the length
    around both, and the same where it can be divided by."""
    common = tl.minimum(apart + size1 / 2, size2 / 2) - tl.maximum(apart - size1 / 2, -size2 / 2)
    around = size1 + size2 - common
    return common, around, tl.where(around > NOTHING, around, 1.0)


@triton.jit
def _iou(common_x, common_y, unit_x, unit_y, w1, h1, w2, h2):
    """Intersection and union in units of the enclosing box, and the IoU."""
    intersection = rounded_product(tl.maximum(common_x, 0.0) / unit_x, tl.maximum(common_y, 0.0) / unit_y)
    area1 = rounded_product(w1 / unit_x, h1 / unit_y)
    union = area1 + rounded_product(w2 / unit_x, h2 / unit_y) - intersection
    overlaps = (intersection > 0) & (union > NOTHING)
    return intersection, union, tl.where(overlaps, intersection / tl.where(overlaps, union, 1.0), 0.0)


@triton.jit
def _distance(dx, dy, unit_x, unit_y):
    """Squared distance of the centres, squared diagonal of the enclosing box, and its longer side, their unit."""
    longer = tl.maximum(unit_x, unit_y)
    x, y, across, down = dx / longer, dy / longer, unit_x / longer, unit_y / longer
    return x * x + y * y, across * across + down * down, longer


@triton.jit
def _aspect(turn, iou):
    """CIoU's v of angles that differ by ``turn``, and its alpha."""
    aspect = ASPECT * (turn * turn)
    differs = aspect > 0
    other = not_negative(1 - iou) + aspect
    return aspect, tl.where(differs, aspect / tl.where(differs, other, 1.0), 0.0)


@triton.jit
def complete_iou(dx, dy, w1, h1, w2, h2):
    """`boxes.paired_ciou` of boxes with these sizes, whose first centre minus the second is dx, dy."""
    width1, height1, width2, height2 = not_negative(w1), not_negative(h1), not_negative(w2), not_negative(h2)
    common_x, _, unit_x = _axis(dx, width1, width2)
    common_y, _, unit_y = _axis(dy, height1, height2)
    _, _, iou = _iou(common_x, common_y, unit_x, unit_y, width1, height1, width2, height2)
    far, diagonal, _ = _distance(dx, dy, unit_x, unit_y)
    aspect, alpha = _aspect(angle(width2, height2) - angle(width1, height1), iou)
    invalid_x, invalid_y = (width1 - w1) + (width2 - w2), (height1 - h1) + (height2 - h2)
    invalid = (1 - 1 / (1 + invalid_x / unit_x)) + (1 - 1 / (1 + invalid_y / unit_y))
    return iou - far / diagonal - alpha * aspect - invalid


@triton.jit
def _axis_gradient(apart, size1, size2, raw1, raw2, around, unit, of_common, of_size, of_unit, of_apart):
    """On one axis, the gradient of the first centre and of its size as it was given. ``of_common`` is 0 for a gap."""
    of_around = tl.where(around > NOTHING, of_unit, 0.0)
    of_common -= of_around
    high1, high2, low1, low2 = apart + size1 / 2, size2 / 2, apart - size1 / 2, -size2 / 2
    # Where two edges coincide each gets half.
    high = tl.where(high1 < high2, 1.0, tl.where(high1 == high2, 0.5, 0.0))
    low = tl.where(low1 > low2, 1.0, tl.where(low1 == low2, 0.5, 0.0))
    invalid = 1 + ((size1 - raw1) + (size2 - raw2)) / unit
    of_size = tl.where(
        raw1 < 0, 1 / (invalid * invalid * unit), of_size + of_around + of_common * (high + low) / 2
    )
    return of_apart + of_common * (high - low), of_size


@triton.jit
def _complete_iou_gradient(dx, dy, w1, h1, w2, h2):
    """The gradient of `complete_iou` for the first box: of its centre and of its size."""
    width1, height1, width2, height2 = not_negative(w1), not_negative(h1), not_negative(w2), not_negative(h2)
    common_x, around_x, unit_x = _axis(dx, width1, width2)
    common_y, around_y, unit_y = _axis(dy, height1, height2)
    intersection, union, iou = _iou(common_x, common_y, unit_x, unit_y, width1, height1, width2, height2)
    overlaps = (intersection > 0) & (union > NOTHING)
    per_union = tl.where(overlaps, 1.0, 0.0) / tl.where(overlaps, union, 1.0)
    of_intersection, of_area = (1 + iou) * per_union, -iou * per_union

    far, diagonal, longer = _distance(dx, dy, unit_x, unit_y)
    of_far, of_diagonal = -2 / (diagonal * longer), 2 * (far / diagonal) / (diagonal * longer)

    turn = angle(width2, height2) - angle(width1, height1)
    _, alpha = _aspect(turn, iou)
    of_angle = 2 * ASPECT * alpha * turn
    side = tl.where(width1 + height1 > POINT, height1, 1.0)
    square = width1 * width1 + side * side
    of_width, of_height = of_angle * (side / square), of_angle * (-width1 / square)

    of_dx, of_w = _axis_gradient(
        dx, width1, width2, w1, w2, around_x, unit_x,
        of_intersection * (tl.maximum(common_y, 0.0) / unit_y) / unit_x,
        of_area * (height1 / unit_y) / unit_x + of_width,
        of_diagonal * (unit_x / longer), of_far * (dx / longer),
    )  # fmt: skip
    of_dy, of_h = _axis_gradient(
        dy, height1, height2, h1, h2, around_y, unit_y,
        of_intersection * (tl.maximum(common_x, 0.0) / unit_x) / unit_y,
        of_area * (width1 / unit_x) / unit_y + of_height,
        of_diagonal * (unit_y / longer), of_far * (dy / longer),
    )  # fmt: skip
    return of_dx, of_dy, of_w, of_h


@triton.jit
def _side(numbers, row, counts, side, dtype: tl.constexpr, R: tl.constexpr, PADDED: tl.constexpr):
    """Of one side of each pair: the logarithms of the probabilities of its bins, and the distance they mean."""
    bin = tl.arange(0, PADDED)
    place = (row * 4 + side)[:, None] * R + bin[None, :]
    logit = tl.load(numbers + place, mask=counts[:, None] & (bin < R)[None, :], other=0.0).to(dtype)
    if R == 1:
        return logit, tl.sum(logit, 1)
    logit = tl.where((bin < R)[None, :], logit, float("-inf"))
    logit = logit - tl.max(logit, 1)[:, None]
    power = tl.exp(logit)
    total = tl.sum(power, 1)
    distance = tl.sum(power / total[:, None] * bin.to(dtype)[None, :], 1)
    return logit - tl.log(total)[:, None], distance


@triton.jit
def _target(wanted, R: tl.constexpr, PADDED: tl.constexpr):
    """The shares of the two bins next to the target, 0 for the others."""
    last = tl.full(wanted.shape, R - 1 - MARGIN, wanted.dtype)
    wanted = not_negative(wanted)
    wanted = tl.where(wanted > last, last, wanted)
    lower = tl.floor(wanted)
    share, bin = (wanted - lower)[:, None], tl.arange(0, PADDED)[None, :]
    # By comparison of places, so that a NaN, which has none, is a NaN at the first bins.
    index = tl.where(lower == lower, lower, 0.0).to(tl.int32)[:, None]
    return tl.where(bin == index, 1 - share, tl.where(bin == index + 1, share, 0.0))


@triton.jit
def _focal(log_probability, distance, wanted, R: tl.constexpr, PADDED: tl.constexpr):
    if R == 1:
        return tl.abs(distance - wanted)
    target = _target(wanted, R, PADDED)
    # The logarithm of padding's probability is infinite: times a target of 0 it would not be a number.
    return -tl.sum(tl.where(target == 0, 0.0, log_probability) * target, 1)


@triton.jit
def _store_gradient(
    gradient, row, counts, inside, side, log_probability, distance, wanted, of_distance, of_focal,
    R: tl.constexpr, PADDED: tl.constexpr,
):  # fmt: skip
    bin = tl.arange(0, PADDED)
    if R == 1:
        error = distance - wanted
        sign = tl.where(error > 0, 1.0, tl.where(error < 0, -1.0, 0.0))
        value = (of_distance + of_focal * sign)[:, None]
    else:
        probability = tl.exp(log_probability)
        value = probability * (bin.to(distance.dtype)[None, :] - distance[:, None]) * of_distance[:, None]
        value += (probability - _target(wanted, R, PADDED)) * of_focal[:, None]
    place = (row * 4 + side)[:, None] * R + bin[None, :]
    value = tl.where(counts[:, None], value, 0.0).to(gradient.dtype.element_ty)
    tl.store(gradient + place, value, mask=inside[:, None] & (bin < R)[None, :])


@triton.jit
def _truth(boxes, points, strides, row, counts, dtype: tl.constexpr):
    """The true boxes, less the points, and the strides."""
    at = boxes + row * 4
    x = tl.load(at, mask=counts, other=0.5).to(dtype)
    y = tl.load(at + 1, mask=counts, other=0.5).to(dtype)
    w = tl.load(at + 2, mask=counts, other=1.0).to(dtype)
    h = tl.load(at + 3, mask=counts, other=1.0).to(dtype)
    point_x = tl.load(points + row * 2, mask=counts, other=0.5).to(dtype)
    point_y = tl.load(points + row * 2 + 1, mask=counts, other=0.5).to(dtype)
    return x, y, w, h, point_x, point_y, tl.load(strides + row, mask=counts, other=1.0).to(dtype)


@triton.jit
def _decode(point, low, high, stride):
    """Centre and size on one axis."""
    low, high = low * stride, high * stride
    return point + (high - low) / 2, low + high


@triton.jit
def _encode(point, centre, size, stride):
    """The two distances in strides on one axis."""
    return (point - (centre - size / 2)) / stride, (centre + size / 2 - point) / stride


@triton.jit
def _terms_kernel(
    numbers, boxes, points, strides, mask, missing, focal, sides, rows,
    R: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    dtype: tl.constexpr = missing.dtype.element_ty
    inside = row < rows
    counts = tl.load(mask + row, mask=inside, other=0) != 0
    x, y, w, h, point_x, point_y, stride = _truth(boxes, points, strides, row, counts, dtype)
    logs_l, left = _side(numbers, row, counts, 0, dtype, R, PADDED)
    logs_t, top = _side(numbers, row, counts, 1, dtype, R, PADDED)
    logs_r, right = _side(numbers, row, counts, 2, dtype, R, PADDED)
    logs_b, bottom = _side(numbers, row, counts, 3, dtype, R, PADDED)

    px, pw = _decode(point_x, left, right, stride)
    py, ph = _decode(point_y, top, bottom, stride)
    value = 1 - complete_iou(px - x, py - y, pw, ph, w, h)
    tl.store(missing + row, tl.where(counts, value, 0.0), mask=inside)

    at = sides + row * 4
    tl.store(at, tl.where(counts, left, 0.0), mask=inside)
    tl.store(at + 1, tl.where(counts, top, 0.0), mask=inside)
    tl.store(at + 2, tl.where(counts, right, 0.0), mask=inside)
    tl.store(at + 3, tl.where(counts, bottom, 0.0), mask=inside)

    true_l, true_r = _encode(point_x, x, w, stride)
    true_t, true_b = _encode(point_y, y, h, stride)
    at = focal + row * 4
    tl.store(at, tl.where(counts, _focal(logs_l, left, true_l, R, PADDED), 0.0), mask=inside)
    tl.store(at + 1, tl.where(counts, _focal(logs_t, top, true_t, R, PADDED), 0.0), mask=inside)
    tl.store(at + 2, tl.where(counts, _focal(logs_r, right, true_r, R, PADDED), 0.0), mask=inside)
    tl.store(at + 3, tl.where(counts, _focal(logs_b, bottom, true_b, R, PADDED), 0.0), mask=inside)


@triton.jit
def _gradient_kernel(
    numbers, boxes, points, strides, mask, of_missing, of_focal, gradient, rows,
    R: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    dtype: tl.constexpr = of_missing.dtype.element_ty
    inside = row < rows
    counts = tl.load(mask + row, mask=inside, other=0) != 0
    x, y, w, h, point_x, point_y, stride = _truth(boxes, points, strides, row, counts, dtype)
    logs_l, left = _side(numbers, row, counts, 0, dtype, R, PADDED)
    logs_t, top = _side(numbers, row, counts, 1, dtype, R, PADDED)
    logs_r, right = _side(numbers, row, counts, 2, dtype, R, PADDED)
    logs_b, bottom = _side(numbers, row, counts, 3, dtype, R, PADDED)

    px, pw = _decode(point_x, left, right, stride)
    py, ph = _decode(point_y, top, bottom, stride)
    of_x, of_y, of_w, of_h = _complete_iou_gradient(px - x, py - y, pw, ph, w, h)
    factor = -stride * tl.load(of_missing + row, mask=counts, other=0.0)
    of_l, of_r = factor * (of_w - of_x / 2), factor * (of_w + of_x / 2)
    of_t, of_b = factor * (of_h - of_y / 2), factor * (of_h + of_y / 2)

    true_l, true_r = _encode(point_x, x, w, stride)
    true_t, true_b = _encode(point_y, y, h, stride)
    at = of_focal + row * 4
    focal_l = tl.load(at, mask=counts, other=0.0)
    focal_t = tl.load(at + 1, mask=counts, other=0.0)
    focal_r = tl.load(at + 2, mask=counts, other=0.0)
    focal_b = tl.load(at + 3, mask=counts, other=0.0)
    _store_gradient(gradient, row, counts, inside, 0, logs_l, left, true_l, of_l, focal_l, R, PADDED)
    _store_gradient(gradient, row, counts, inside, 1, logs_t, top, true_t, of_t, focal_t, R, PADDED)
    _store_gradient(gradient, row, counts, inside, 2, logs_r, right, true_r, of_r, focal_r, R, PADDED)
    _store_gradient(gradient, row, counts, inside, 3, logs_b, bottom, true_b, of_b, focal_b, R, PADDED)
