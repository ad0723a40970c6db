"""What assigners of anchor-free losses have in common, so that one can stand in for another."""

from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from yolosses.codecs import ClassScores, Levels
from yolosses.structures import Assignment, Targets


class PointAssigner(Protocol):
    """Pairs locations with objects. Boxes are cxcywh in pixels; A locations, M objects, C classes.

    Optional: a method ``recipe()`` that returns an `AlignedRecipe`, by which kernels may assign in the place of a call,
    or None. An assigner without it is always called.
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
    """The pairs of locations and objects of ``targets`` that ``assigner`` makes; locations on ignored regions are
    spared.

    Args:
        boxes: (B, A, 4) cxcywh in pixels of ``levels``.
    """
    positive = targets.positive
    # Padding may hold any numbers.
    truth, labels = (
        torch.where(positive[..., None], targets.boxes, 0.5),
        torch.where(positive, targets.labels, 0),
    )
    assignment = assigner(
        levels=levels, pred_boxes=boxes, pred_scores=scores, gt_boxes=levels.in_pixels(truth).to(boxes.dtype),
        gt_labels=labels, mask=positive,
    )  # fmt: skip
    if targets.ignore is None:
        return assignment
    return replace(assignment, spared=levels.within(targets.boxes, targets.mask & targets.ignore))
