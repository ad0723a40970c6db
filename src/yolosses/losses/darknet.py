"""What the losses of YOLOv2 to v4 share: one slot for each predictor, that several objects may want."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.structures import Assignment, Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Slots:
    """Pairs as Darknet writes them, one after another into the slots of its output: the last pair of a predictor decides its
    box, all of them its classes.

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
        # Pairs that do not count meet in an extra place, so that every shape stays constant.
        place = torch.where(assignment.mask, assignment.predictor, num_predictors)
        order = torch.arange(place.shape[1], device=place.device).expand_as(place)
        latest = place.new_zeros(images, num_predictors + 1).scatter_reduce(1, place, order, "amax")
        last = assignment.mask & (latest.gather(1, place) == order)
        known = assignment.mask & (truth.labels >= 0) & (truth.labels < num_classes)
        entry = torch.where(
            known, assignment.predictor * num_classes + truth.labels, num_predictors * num_classes
        )
        table = known.new_zeros(images, num_predictors * num_classes + 1).scatter(1, entry, True)
        number = torch.arange(num_classes, device=place.device)
        own = (assignment.predictor * num_classes)[..., None] + number
        classes = table.gather(1, own.flatten(1)).unflatten(1, (-1, num_classes))
        weight = last.to(truth.boxes.dtype)
        if truth.weight is not None:
            weight = weight * truth.weight.to(weight.dtype)
        return cls(truth=truth, last=last, weight=weight, classes=classes)


def half_squared_error(pred: Tensor, target: Tensor) -> Tensor:
    """(p - t)^2 / 2: what Darknet descends where its delta is t - p."""
    return (pred - target).square() / 2
