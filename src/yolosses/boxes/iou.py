"""Intersection over union: ``paired_*`` compares box with box, ``pairwise_*`` every box with every other."""

from collections.abc import Callable

import torch
from torch import Tensor

from yolosses.precision import at_least_float32

Similarity = Callable[[Tensor, Tensor], Tensor]
"""How alike boxes (..., 4) are that belong together: `paired_iou`, or one of `yolosses.boxes.similarity`."""


def paired_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU of boxes that belong together, without an epsilon.

    Args:
        boxes1, boxes2: (..., 4) cxcywh in one common unit; leading shapes broadcast. Half precision is
        computed in float32.

    Returns:
        (...) in [0, 1]. Boxes that do not overlap, have no area or a negative size have IoU 0 (never NaN),
        with gradient 0.
    """
    boxes1, boxes2 = at_least_float32(boxes1), at_least_float32(boxes2)
    centre1, size1 = boxes1[..., :2], boxes1[..., 2:]
    centre2, size2 = boxes2[..., :2], boxes2[..., 2:]
    # Edges are measured from the second centre: where two boxes meet, the difference of their centres is exact, while
    # edges measured from the image's corner would lose the bits that a small box is made of.
    apart, half1, half2 = centre1 - centre2, size1 / 2, size2 / 2
    low = torch.maximum(apart - half1, -half2)
    high = torch.minimum(apart + half1, half2)
    width, height = (high - low).clamp(min=0).unbind(-1)
    intersection = width * height
    union = size1[..., 0] * size1[..., 1] + size2[..., 0] * size2[..., 1] - intersection
    # Where the union is empty the division itself must be avoided: masking its result would still leave NaN
    # gradients.
    overlaps = (intersection > 0) & (union > 0)
    return torch.where(overlaps, intersection / torch.where(overlaps, union, 1), 0)


def pairwise_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU of every box of ``boxes1`` (..., N, 4) with every box of ``boxes2`` (..., M, 4): (..., N, M). See
    `paired_iou`."""
    return paired_iou(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))
