"""What assigners of anchor-free losses have in common, so that one can stand in for another."""

from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from yolosses.codecs import ClassScores, Levels
from yolosses.structures import Assignment, Targets


class PointAssigner(Protocol):
    """Pairs locations with objects. Boxes are cxcywh in pixels; A locations, M objects, C classes.

    One that reads nothing of padding may say so by an attribute ``reads_padding`` that is False, and is then given what
    padding holds.
    """

    def __call__(
        self,
        *,
        levels: Levels,
        pred_boxes: Tensor,
        pred_scores: ClassScores,
        gt_boxes: Tensor,
        gt_labels: Tensor,
        mask: Tensor,
    ) -> Assignment:
        """``levels``: where the locations sit; ``pred_boxes`` (B, A, 4); ``gt_boxes`` (B, M, 4), finite also in
        padding; ``gt_labels``, ``mask`` (B, M)."""


@torch.no_grad()
def assign_points(
    assigner: PointAssigner, *, levels: Levels, boxes: Tensor, scores: ClassScores, targets: Targets
) -> Assignment:
    """Who answers for the objects of ``targets``, by ``assigner``; in ignored regions predictors are spared.

    Args:
        boxes: (B, A, 4) cxcywh in pixels of ``levels``.
    """
    positive, truth, labels = targets.positive, targets.boxes, targets.labels
    if getattr(assigner, "reads_padding", True):  # which may hold any numbers
        truth, labels = torch.where(positive[..., None], truth, 0.5), torch.where(positive, labels, 0)
    assignment = assigner(
        levels=levels, pred_boxes=boxes, pred_scores=scores, gt_boxes=levels.in_pixels(truth).to(boxes.dtype),
        gt_labels=labels, mask=positive,
    )  # fmt: skip
    if targets.ignore is None:
        return assignment
    return replace(assignment, spared=levels.within(targets.boxes, targets.mask & targets.ignore))
