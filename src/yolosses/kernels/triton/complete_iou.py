"""CIoU and its gradient, as `boxes.similarity` has them: what is equal there is equal here."""

from __future__ import annotations

import math

import triton
import triton.language as tl

from yolosses.boxes import similarity
from yolosses.kernels.triton.arithmetic import not_negative, rounded_product

NOTHING = tl.constexpr(similarity.NOTHING)
POINT = tl.constexpr(similarity.POINT)
ASPECT = tl.constexpr(4 / math.pi**2)
QUARTER = tl.constexpr(math.pi / 4)
TAN_3_8 = tl.constexpr(1 + math.sqrt(2))  # tan(3 pi / 8)


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
def complete_iou_gradient(dx, dy, w1, h1, w2, h2):
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
def paired_iou(dx, dy, w1, h1, w2, h2):
    """`boxes.paired_iou` of the same."""
    width = tl.minimum(dx + w1 / 2, w2 / 2) - tl.maximum(dx - w1 / 2, -w2 / 2)
    height = tl.minimum(dy + h1 / 2, h2 / 2) - tl.maximum(dy - h1 / 2, -h2 / 2)
    common = rounded_product(not_negative(width), not_negative(height))
    union = rounded_product(w1, h1) + rounded_product(w2, h2) - common
    overlaps = (common > 0) & (union > 0)
    return tl.where(overlaps, common / tl.where(overlaps, union, 1.0), 0.0)
