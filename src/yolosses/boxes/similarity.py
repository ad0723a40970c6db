"""Similarities that still tell apart boxes that do not overlap: the IoU less penalties for what else differs.

All take ``boxes1`` and ``boxes2`` (..., 4) cxcywh in one common unit, whose leading shapes broadcast, compute half
precision in float32, and give 1 for identical boxes and less for all others. ``paired_*`` compares box with box, (...);
``pairwise_*`` every box of (..., N, 4) with every box of (..., M, 4), (..., N, M). None depends on the unit, and no
epsilon is added to any number.

Value and gradient are finite for every finite input (of less than a tenth of the largest number of the dtype). The
gradient of a float16 box is the float32 one, rounded: it grows as 1 / size, and where it exceeds 65504 (sizes of less
than about 2e-5) float16 has no number for it but inf, by which a gradient scaler sees that its scale is too large.

- What has no size has IoU 0, and a penalty that would divide by the size of nothing is 0.
- A negative size counts as 0, and -w / (cw - w) is subtracted for it, cw the width of the enclosing box, which is held
  constant: less than 1 for each side, growing without end towards the invalid, so that the gradient always enlarges a
  negative size. (With signed corners, as the usual programs have it, a box with both sizes negative has the best GIoU.)
- Where two edges coincide, each gets half of the gradient: identical boxes have gradient 0.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.precision import at_least_float32

NOTHING = 1e-32  # sizes below count as 0: the reciprocal of this one still fits float32
POINT = 1e-18  # sizes whose squares float32 cannot hold: of such a box no aspect ratio can be told


class _Meeting(NamedTuple):
    """What the similarities of two boxes are made of.

    Attributes:
        size1, size2: (..., 2) not negative; each of the leading shape of its boxes.
        apart: (..., 2) first centre minus second.
        enclosing: (..., 2) size of the smallest box around both; 1 where that is nothing.
        area, union: (...) of the enclosing box and of what both cover, in units of the enclosing box held constant: the
            area is 1 (with a gradient), or next to 0 where the enclosing box is flat.
        iou: (...)
        invalid: (...) penalty for negative sizes.
    """

    size1: Tensor
    size2: Tensor
    apart: Tensor
    enclosing: Tensor
    area: Tensor
    union: Tensor
    iou: Tensor
    invalid: Tensor


def _meet(boxes1: Tensor, boxes2: Tensor) -> _Meeting:
    boxes1, boxes2 = at_least_float32(boxes1), at_least_float32(boxes2)
    size1, size2 = boxes1[..., 2:].clamp(min=0), boxes2[..., 2:].clamp(min=0)
    # Edges are measured from the second centre: see `paired_iou`.
    apart = boxes1[..., :2] - boxes2[..., :2]
    common = torch.minimum(apart + size1 / 2, size2 / 2) - torch.maximum(apart - size1 / 2, -size2 / 2)
    around = (
        size1 + size2 - common
    )  # on each axis, what both have in common (or the gap, < 0) is counted twice
    enclosing = torch.where(around > NOTHING, around, 1)
    # In units of the enclosing box every number is of ordinary size, so that no product overflows or vanishes.
    unit = enclosing.detach()
    area = _product(around / unit)
    intersection = _product(common.clamp(min=0) / unit)
    union = _product(size1 / unit) + _product(size2 / unit) - intersection
    overlaps = (intersection > 0) & (union > NOTHING)  # 1 / union must not overflow
    invalid = (size1 - boxes1[..., 2:]) + (size2 - boxes2[..., 2:])
    return _Meeting(
        size1=size1,
        size2=size2,
        apart=apart,
        enclosing=enclosing,
        area=area,
        union=union,
        iou=torch.where(overlaps, intersection / torch.where(overlaps, union, 1), 0),
        invalid=_sum(1 - 1 / (1 + invalid / unit)),
    )


def _product(pair: Tensor) -> Tensor:
    return pair[..., 0] * pair[..., 1]


def _sum(pair: Tensor) -> Tensor:
    return pair[..., 0] + pair[..., 1]


def paired_giou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Generalised IoU, in [-1, 1]: IoU - (A_c - U) / A_c.

    A_c: area of the smallest box around both, U: area of the union (Rezatofighi et al. 2019, algorithm 1). The penalty
    is 0 where the enclosing box is flat.
    """
    both = _meet(boxes1, boxes2)
    empty = (both.area - both.union) / torch.where(both.area > 0.5, both.area, 1)
    return both.iou - empty - both.invalid


def paired_diou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Distance-IoU, in [-1, 1]: IoU - rho^2 / c^2 (Zheng et al. 2020, eq. 7).

    rho: distance of the centres, c: diagonal of the smallest box around both.
    """
    both = _meet(boxes1, boxes2)
    return both.iou - _distance(both) - both.invalid


def paired_ciou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Complete-IoU: IoU - rho^2 / c^2 - alpha v (Zheng et al. 2020, eq. 8 to 11), `paired_diou` less what the aspect
    ratios differ.

    v = (4 / pi^2) (atan(w2 / h2) - atan(w1 / h1))^2; alpha = v / (1 - IoU + v), in [0, 1), DETACHED as everywhere. The
    gradient of v is the true one (the paper leaves its denominator w^2 + h^2 out). A box without height has atan = pi /
    2; a point has 0, as if its height were 1.
    """
    both = _meet(boxes1, boxes2)
    aspect = (4 / math.pi**2) * (_angle(both.size2) - _angle(both.size1)).square()
    # Detached, which `torch.no_grad` would not be for forward-mode derivatives. Not below v, whatever the rounding of
    # the IoU; v = 0 makes 0 of it.
    constant = aspect.detach()
    other = (1 - both.iou.detach()).clamp(min=0) + constant
    alpha = constant / other.clamp(min=torch.finfo(other.dtype).tiny)
    return both.iou - _distance(both) - alpha * aspect - both.invalid


def paired_eiou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Efficient-IoU: IoU - rho^2 / c^2 - (w1 - w2)^2 / cw^2 - (h1 - h2)^2 / ch^2 (Zhang et al. 2021).

    cw, ch: size of the smallest box around both. (Not the "extended IoU" that goes by the same short name.)
    """
    both = _meet(boxes1, boxes2)
    sizes = _sum(((both.size1 - both.size2) / both.enclosing).square())
    return both.iou - _distance(both) - sizes - both.invalid


def paired_siou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """SIoU: IoU - (Delta + Omega) / 2 (Gevorgyan 2022).

    Delta = sum over x, y of 1 - exp(-gamma rho_t), rho_x = (dx / cw)^2, gamma = 2 - Lambda; the angle cost Lambda = 1 -
    2 sin^2(asin(s) - pi / 4) = 2 |dx| |dy| / (dx^2 + dy^2) is 0 where the centres lie on one axis, 1 on the diagonal.
    Omega = sum over w, h of (1 - exp(-omega_t))^4, omega_w = |w1 - w2| / max(w1, w2).
    """
    both = _meet(boxes1, boxes2)
    far = both.apart.abs()
    longer = torch.maximum(far[..., 0], far[..., 1]).detach()
    far = far / torch.where(longer > NOTHING, longer, 1)[..., None]  # one of them is 1, or both are 0
    angle = 2 * _product(far) / _sum(far.square()).clamp(min=0.5)
    ratio = (both.apart / both.enclosing).square()
    distance = _sum(-torch.expm1((angle - 2)[..., None] * ratio))
    larger = torch.maximum(both.size1, both.size2)
    differ = (both.size1 - both.size2).abs() / torch.where(larger > NOTHING, larger, 1)
    shape = _sum(torch.expm1(-differ).square().square())
    return both.iou - (distance + shape) / 2 - both.invalid


def _distance(both: _Meeting) -> Tensor:
    """Squared distance of the centres over the squared diagonal of the enclosing box: 0 to 1."""
    longer = torch.maximum(both.enclosing[..., 0], both.enclosing[..., 1]).detach()[..., None]
    return _sum((both.apart / longer).square()) / _sum((both.enclosing / longer).square())


def _angle(size: Tensor) -> Tensor:
    """atan(w / h) of sizes that are not negative. Computed before the boxes of a table are broadcast."""
    width, height = size.unbind(-1)
    return torch.atan2(width, torch.where(width + height > POINT, height, 1))


def pairwise_giou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """`paired_giou` of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M)."""
    return paired_giou(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))


def pairwise_diou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """`paired_diou` of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M)."""
    return paired_diou(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))


def pairwise_ciou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """`paired_ciou` of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M)."""
    return paired_ciou(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))


def pairwise_eiou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """`paired_eiou` of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M)."""
    return paired_eiou(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))


def pairwise_siou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """`paired_siou` of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M)."""
    return paired_siou(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))
