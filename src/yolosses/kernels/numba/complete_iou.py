"""`boxes.paired_ciou` and its gradient, of one pair of boxes.

Numba promotes int * float32 to float64, so constants are cast explicitly: what is equal in torch is equal here.
"""

import math

import numpy as np

from yolosses.boxes import similarity
from yolosses.kernels.numba.arithmetic import not_negative
from yolosses.kernels.numba.loops import compiled

NOTHING, POINT = similarity.NOTHING, similarity.POINT
ASPECT = 4 / math.pi**2


@compiled
def angle(width, height):
    """atan(width / height) of sizes that are not negative, as in `boxes.similarity`."""
    return np.arctan2(width, height if width + height > POINT else type(width)(1))


@compiled
def _axis(apart, size1, size2):
    """On one axis, of intervals whose centres are so far apart: what both have in common (or the gap, < 0), the length
    around both, and the same where it can be divided by."""
    real = type(apart)
    half1, half2 = size1 * real(0.5), size2 * real(0.5)
    high, low = apart + half1, apart - half1
    if high > half2:
        high = half2
    if low < -half2:
        low = -half2
    common = high - low
    around = size1 + size2 - common
    return common, around, around if around > NOTHING else real(1)


@compiled
def _iou(common_x, common_y, unit_x, unit_y, w1, h1, w2, h2):
    """Intersection and union in units of the enclosing box, and the IoU."""
    intersection = (not_negative(common_x) / unit_x) * (not_negative(common_y) / unit_y)
    union = (w1 / unit_x) * (h1 / unit_y) + (w2 / unit_x) * (h2 / unit_y) - intersection
    iou = intersection / union if intersection > 0 and union > NOTHING else type(union)(0)
    return intersection, union, iou


@compiled
def _distance(dx, dy, unit_x, unit_y):
    """Squared distance of the centres, squared diagonal of the enclosing box, and its longer side, their unit."""
    longer = unit_x if unit_x > unit_y else unit_y
    x, y, across, down = dx / longer, dy / longer, unit_x / longer, unit_y / longer
    return x * x + y * y, across * across + down * down, longer


@compiled
def _aspect(turn, iou):
    """CIoU's v of angles that differ by ``turn``, and its alpha."""
    real = type(turn)
    aspect = real(ASPECT) * (turn * turn)
    if aspect > 0:
        return aspect, aspect / (not_negative(real(1) - iou) + aspect)
    return aspect, real(0)


@compiled
def _invalid(w1, h1, w2, h2, unit_x, unit_y):
    """The penalty for negative sizes."""
    one = type(w1)(1)
    x = (not_negative(w1) - w1) + (not_negative(w2) - w2)
    y = (not_negative(h1) - h1) + (not_negative(h2) - h2)
    return (one - one / (one + x / unit_x)) + (one - one / (one + y / unit_y))


@compiled
def complete_iou(dx, dy, w1, h1, w2, h2, angle1, angle2):
    """`boxes.paired_ciou` of boxes with these sizes and `angle`, whose first centre minus the second is dx, dy."""
    width1, height1, width2, height2 = not_negative(w1), not_negative(h1), not_negative(w2), not_negative(h2)
    common_x, _, unit_x = _axis(dx, width1, width2)
    common_y, _, unit_y = _axis(dy, height1, height2)
    _, _, iou = _iou(common_x, common_y, unit_x, unit_y, width1, height1, width2, height2)
    far, diagonal, _ = _distance(dx, dy, unit_x, unit_y)
    aspect, alpha = _aspect(angle2 - angle1, iou)
    value = iou - far / diagonal - alpha * aspect
    if w1 < 0 or h1 < 0 or w2 < 0 or h2 < 0:
        value -= _invalid(w1, h1, w2, h2, unit_x, unit_y)
    return value


@compiled
def paired_iou(dx, dy, w1, h1, w2, h2):
    """`boxes.paired_iou`."""
    real = type(dx)
    width, _, _ = _axis(dx, w1, w2)
    height, _, _ = _axis(dy, h1, h2)
    if not (width > 0 and height > 0):
        return real(0)
    common = width * height
    union = w1 * h1 + w2 * h2 - common
    return common / union if common > 0 and union > 0 else real(0)


@compiled
def _axis_gradient(apart, size1, size2, raw1, raw2, around, unit, of_common, of_size, of_unit, of_apart):
    """On one axis, the gradient of the first centre and of its size as it was given. ``of_common`` is 0 for a gap."""
    real = type(apart)
    of_around = of_unit if around > NOTHING else real(0)
    of_common -= of_around
    half1, half2 = size1 * real(0.5), size2 * real(0.5)
    # Where two edges coincide each gets half.
    high = real(0.5) * (real(apart + half1 < half2) + real(apart + half1 <= half2))
    low = real(0.5) * (real(apart - half1 > -half2) + real(apart - half1 >= -half2))
    if raw1 < 0:
        invalid = real(1) + ((size1 - raw1) + (size2 - raw2)) / unit
        of_size = real(1) / (invalid * invalid * unit)
    else:
        of_size = of_size + of_around + of_common * (high + low) * real(0.5)
    return of_apart + of_common * (high - low), of_size


@compiled
def complete_iou_gradient(dx, dy, w1, h1, w2, h2):
    """`complete_iou`, and its gradient for the first box: of its centre and of its size."""
    real = type(dx)
    width1, height1, width2, height2 = not_negative(w1), not_negative(h1), not_negative(w2), not_negative(h2)
    common_x, around_x, unit_x = _axis(dx, width1, width2)
    common_y, around_y, unit_y = _axis(dy, height1, height2)
    intersection, union, iou = _iou(common_x, common_y, unit_x, unit_y, width1, height1, width2, height2)
    per_union = real(1) / union if intersection > 0 and union > NOTHING else real(0)
    of_intersection, of_area = (real(1) + iou) * per_union, -iou * per_union
    if common_x < 0 or common_y < 0:
        of_intersection = real(0)
    far, diagonal, longer = _distance(dx, dy, unit_x, unit_y)
    of_far, of_diagonal = real(-2) / (diagonal * longer), real(2) * (far / diagonal) / (diagonal * longer)

    turn = angle(width2, height2) - angle(width1, height1)
    aspect, alpha = _aspect(turn, iou)
    value = iou - far / diagonal - alpha * aspect
    if w1 < 0 or h1 < 0 or w2 < 0 or h2 < 0:
        value -= _invalid(w1, h1, w2, h2, unit_x, unit_y)
    of_angle = real(2 * ASPECT) * alpha * turn
    side = height1 if width1 + height1 > POINT else real(1)
    square = width1 * width1 + side * side
    of_width, of_height = of_angle * (side / square), of_angle * (-width1 / square)

    of_dx, of_w = _axis_gradient(
        dx, width1, width2, w1, w2, around_x, unit_x,
        of_intersection * (not_negative(common_y) / unit_y) / unit_x,
        of_area * (height1 / unit_y) / unit_x + of_width,
        of_diagonal * (unit_x / longer), of_far * (dx / longer),
    )  # fmt: skip
    of_dy, of_h = _axis_gradient(
        dy, height1, height2, h1, h2, around_y, unit_y,
        of_intersection * (not_negative(common_x) / unit_x) / unit_y,
        of_area * (width1 / unit_x) / unit_y + of_height,
        of_diagonal * (unit_y / longer), of_far * (dy / longer),
    )  # fmt: skip
    return value, of_dx, of_dy, of_w, of_h
