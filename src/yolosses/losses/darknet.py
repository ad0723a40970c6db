"""What the losses of YOLOv2 to v4 share: one slot for each predictor, that several objects may want."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.assigners.best_anchor import last_of_each
from yolosses.structures import Assignment, Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Slots:
    """Pairs as Darknet writes them, one after another into the slots of its output: the last pair of a predictor
    decides its box, all of them its classes.

    Attributes:
        truth: the objects at the pairs.
        last: (B, P) bool, pairs that count and are the last of their predictor.
        weight: (B, P) that of the object where ``last``, else 0.
        classes: (B, P, C) bool, the classes of all pairs of the predictor.
    """

    truth: Targets
    last: Tensor
    weight: Tensor
    classes: Tensor

    @classmethod
    def of(cls, assignment: Assignment, targets: Targets, num_predictors: int, num_classes: int) -> Slots:
        """From the pairs of an assignment, in order."""
        truth = targets.at(assignment.object, assignment.mask)
        images = len(assignment.mask)
        last = last_of_each(assignment.predictor, assignment.mask, num_predictors=num_predictors)
        known = assignment.mask & (truth.labels >= 0) & (truth.labels < num_classes)
        entry = torch.where(
            known, assignment.predictor * num_classes + truth.labels, num_predictors * num_classes
        )
        table = known.new_zeros(images, num_predictors * num_classes + 1).scatter(1, entry, True)
        number = torch.arange(num_classes, device=last.device)
        own = (assignment.predictor * num_classes)[..., None] + number
        classes = table.gather(1, own.flatten(1)).view(own.shape)
        weight = last.to(truth.boxes.dtype)
        if truth.weight is not None:
            weight = weight * truth.weight.to(weight.dtype)
        return cls(truth=truth, last=last, weight=weight, classes=classes)


def anchors_elsewhere(anchors: Sequence[Sequence[float]]) -> Tensor:
    """(N, 2) float32 of (w, h), N may be 0. Raises ``ValueError`` unless all are pairs above 0."""
    if any(len(anchor) != 2 or min(anchor) <= 0 for anchor in anchors):
        raise ValueError(f"other_anchors: expected (w, h) above 0; got {anchors!r}")
    return torch.tensor([tuple(anchor) for anchor in anchors], dtype=torch.float32).reshape(-1, 2)


def half_squared_error(pred: Tensor, target: Tensor) -> Tensor:
    """(p - t)^2 / 2: what Darknet descends where its delta is t - p."""
    return (pred - target).square() / 2
