"""How alike two boxes are: ``paired_*`` compares box with box, ``pairwise_*`` every box with every other.

All take cxcywh in one common unit, of shapes that broadcast. Half precision is computed in float32. All are finite, in
value and in gradient, for any finite boxes; without an epsilon, so that a box of any size has its exact value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.precision import at_least_float32

Similarity = Callable[[Tensor, Tensor], Tensor]


def paired_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of boxes that belong together.

    Args:
        boxes1, boxes2: (..., 4) cxcywh in one common unit; leading shapes broadcast.

    Returns:
        (...) in [0, 1]. Boxes that do not overlap, have no area or a negative size have IoU 0 (never NaN), with gradient
        0.
    """
    return _meet(boxes1, boxes2).iou


def paired_giou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Generalised IoU (Rezatofighi et al. 2019, algorithm 1): IoU - (E - U) / E with E the area of the smallest box
    around both, U that of their union. In [-1, 1]; see `paired_iou` for the arguments."""
    meeting = _meet(boxes1, boxes2)
    width, height = meeting.around.unbind(-1)
    area = width * height
    return meeting.iou - _ratio(area - meeting.union, area)


def paired_diou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Distance IoU (Zheng et al. 2020, eq. 7): IoU - d^2 / c^2 with d the distance of the centres, c the diagonal of the
    smallest box around both. In [-1, 1]; see `paired_iou`."""
    meeting = _meet(boxes1, boxes2)
    return meeting.iou - _centre_distance(meeting)


def paired_ciou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Complete IoU (Zheng et al. 2020, eq. 8 to 11): DIoU - alpha v, v = 4 / pi^2 (atan(w2 / h2) - atan(w1 / h1))^2,
    alpha = v / (1 - IoU + v), a constant without gradient. See `paired_iou`."""
    meeting = _meet(boxes1, boxes2)
    v = 4 / math.pi**2 * (_angle(meeting.size2) - _angle(meeting.size1)).square()
    with torch.no_grad():
        alpha = _ratio(v, 1 - meeting.iou + v)
    return meeting.iou - _centre_distance(meeting) - alpha * v


def paired_eiou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Efficient IoU (Zhang et al. 2021, eq. 6): DIoU - (w1 - w2)^2 / E_w^2 - (h1 - h2)^2 / E_h^2 with E_w, E_h the sides
    of the smallest box around both. See `paired_iou`."""
    meeting = _meet(boxes1, boxes2)
    sides = _ratio((meeting.size1 - meeting.size2).square(), meeting.around.square()).sum(-1)
    return meeting.iou - _centre_distance(meeting) - sides


def paired_siou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """SCYLLA IoU (Gevorgyan 2022): IoU - (distance + shape) / 2. With s the sine of the angle between the line through
    both centres and the nearer axis, g = 2 - sin(2 arcsin s)::

        distance = sum over x, y of 1 - exp(-g (d / E)^2)       d: between the centres, E: side of the box around both
        shape    = sum over w, h of (1 - exp(-|a - b| / max(a, b)))^4

    See `paired_iou`."""
    meeting = _meet(boxes1, boxes2)
    across = meeting.apart.abs()
    length = across.square().sum(-1)
    # sin(2 arcsin s) = 2 sin cos = 2 |dx| |dy| / d^2, whichever axis is nearer: no root and no arcsine needed.
    angle = _ratio(2 * across[..., 0] * across[..., 1], length)
    gamma = (2 - angle).unsqueeze(-1)
    distance = (1 - (-gamma * _ratio(across, meeting.around).square()).exp()).sum(-1)
    larger = torch.maximum(meeting.size1, meeting.size2)
    differ = _ratio((meeting.size1 - meeting.size2).abs(), larger)
    shape = (1 - (-differ.clamp(max=_MOST_EXPONENT)).exp()).pow(4).sum(-1)
    return meeting.iou - (distance + shape) / 2


def pairwise(similarity: Similarity, boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """``similarity`` of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M)."""
    return similarity(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))


def pairwise_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """`paired_iou` of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M)."""
    return pairwise(paired_iou, boxes1, boxes2)


class _Meeting(NamedTuple):
    """Where two boxes meet. ``around``: (..., 2) sides of the smallest box around both; ``apart``: (..., 2) from the
    second centre to the first."""

    iou: Tensor
    union: Tensor
    around: Tensor
    apart: Tensor
    size1: Tensor
    size2: Tensor


_MOST_EXPONENT = 80.0


def _meet(boxes1: Tensor, boxes2: Tensor) -> _Meeting:
    boxes1, boxes2 = at_least_float32(boxes1), at_least_float32(boxes2)
    centre1, size1 = boxes1[..., :2], boxes1[..., 2:]
    centre2, size2 = boxes2[..., :2], boxes2[..., 2:]
    # Edges are measured from the second centre: where two boxes meet, the difference of their centres is exact, while
    # edges measured from the image's corner would lose the bits that a small box is made of.
    apart = centre1 - centre2
    low1, high1, low2, high2 = apart - size1 / 2, apart + size1 / 2, -size2 / 2, size2 / 2
    width, height = (torch.minimum(high1, high2) - torch.maximum(low1, low2)).clamp(min=0).unbind(-1)
    intersection = width * height
    union = size1[..., 0] * size1[..., 1] + size2[..., 0] * size2[..., 1] - intersection
    # Where the union is empty the division itself must be avoided: masking its result would still leave NaN
    # gradients.
    overlaps = (intersection > 0) & (union > 0)
    iou = torch.where(overlaps, intersection / torch.where(overlaps, union, 1), 0)
    # A box turned inside out (a negative side) is as wide as its edges are apart.
    around = torch.maximum(torch.maximum(low1, high1), high2) - torch.minimum(
        torch.minimum(low1, high1), low2
    )
    return _Meeting(iou, union, around, apart, size1, size2)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 where there is no whole, with gradient 0 there."""
    there = whole > 0
    return torch.where(there, part / torch.where(there, whole, 1), 0)


def _centre_distance(meeting: _Meeting) -> Tensor:
    """d^2 / c^2: squared distance of the centres over the squared diagonal of the box around both."""
    return _ratio(meeting.apart.square().sum(-1), meeting.around.square().sum(-1))


def _angle(size: Tensor) -> Tensor:
    """atan(w / h), finite also for h = 0; 0 for a point."""
    width, height = size.unbind(-1)
    point = (width == 0) & (height == 0)
    sign = torch.where(height < 0, -1.0, 1.0)  # atan2 alone would tell (w, h) from (-w, -h)
    return torch.atan2(torch.where(point, 0, width * sign), torch.where(point, 1, height * sign))
