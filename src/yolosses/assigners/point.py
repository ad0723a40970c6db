"""What assigners of anchor-free losses have in common, so that one can stand in for another."""

from typing import Protocol

from torch import Tensor

from yolosses.structures import Assignment


class PointAssigner(Protocol):
    """Pairs locations with objects. Boxes are cxcywh in pixels; A locations, M objects, C classes."""

    def __call__(
        self,
        *,
        pred_boxes: Tensor,
        pred_scores: Tensor,
        points: Tensor,
        strides: Tensor,
        gt_boxes: Tensor,
        gt_labels: Tensor,
        mask: Tensor,
    ) -> Assignment:
        """``pred_boxes`` (B, A, 4); ``pred_scores`` (B, A, C) probabilities; ``points`` (A, 2); ``strides`` (A,);
        ``gt_boxes`` (B, M, 4); ``gt_labels``, ``mask`` (B, M)."""
