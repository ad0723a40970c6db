"""From pairs to all predictors, for terms that reach beyond the pairs. Each predictor is in one pair at most."""

from __future__ import annotations

import torch
from torch import Tensor

from yolosses.structures import Assignment, Targets


def quality_of(assignment: Assignment) -> Tensor:
    """(B, P) how well each pair fits: as the assigner says, else its IoU; 0 where the pair does not count."""
    quality = assignment.iou if assignment.quality is None else assignment.quality
    return torch.where(assignment.mask, quality, 0)


def pair_weight(assignment: Assignment, truth: Targets, dtype: torch.dtype) -> Tensor:
    """(B, P) weight of the object of each pair, 0 where the pair does not count. ``truth``: the objects at the
    pairs."""
    weight = assignment.mask.to(dtype)
    return weight if truth.weight is None else weight * truth.weight.to(dtype)


def predictor_weight(assignment: Assignment, weight: Tensor, num_predictors: int) -> Tensor:
    """(B, A) 1 for background, 0 for what is spared, and for positives ``weight`` (B, P), see `pair_weight`."""
    positive = spread(weight, assignment.predictor, assignment.mask, num_predictors)
    return torch.where(assignment.background(num_predictors), 1, positive)


def spread(values: Tensor, place: Tensor, mask: Tensor, size: int) -> Tensor:
    """(B, size) ``values`` (B, P) at ``place`` (B, P) where ``mask`` (B, P), and 0 elsewhere."""
    # What does not count meets in an extra place that is cut off, so that every shape stays constant.
    place = torch.where(mask, place, size)
    return values.new_zeros(len(values), size + 1).scatter(1, place, values)[:, :size]


def missing(similarity: Tensor, target: Tensor) -> Tensor:
    """What is missing to a similarity of 1."""
    return target - similarity
