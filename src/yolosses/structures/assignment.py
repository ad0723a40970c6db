"""Which predictor is responsible for which object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.structures.targets import Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Assignment:
    """Which predictor is responsible for which object: a constant number P of pairs in each image.

    Attributes:
        predictor: (B, P) int64, index over the A predictors of an image (0 where ``mask`` is False).
        object: (B, P) int64, index of the object in `Targets`.
        mask: (B, P) bool, True where the pair is valid.
        iou: (B, P) floating, IoU of the predicted box with its object when they were paired (0 where ``mask``
            is False). A constant: no gradient.
        num_dropped: (B,) int64, objects that no predictor is responsible for.
        spared: (B, A) bool or None, predictors on an ignored region: neither positive nor punished as
            background.
        quality: (B, P) floating or None, how well each pair fits, 0 to 1 (0 where ``mask`` is False): the soft target
            of its score, and the weight of its box. None where all pairs have the same weight.
        num_unreachable: (B,) int64 or None, objects larger than any location can say, whose box term cannot become 0.
        part: (P,) int64 or None, which of several heads each pair belongs to.
    """

    predictor: Tensor
    object: Tensor
    mask: Tensor
    iou: Tensor
    num_dropped: Tensor
    spared: Tensor | None = None
    quality: Tensor | None = None
    num_unreachable: Tensor | None = None
    part: Tensor | None = None

    def background(self, num_predictors: int) -> Tensor:
        """(B, A) bool: the predictors that are responsible for nothing and are not spared."""
        # Invalid pairs go to an extra slot that is cut off, so that every shape is static.
        place = torch.where(self.mask, self.predictor, num_predictors)
        everyone = self.mask.new_ones(self.mask.shape[0], num_predictors + 1)
        free = everyone.scatter(1, place, False)[:, :num_predictors]
        return free if self.spared is None else free & ~self.spared

    def num_objects(self) -> int:
        """Objects of the batch that are in a pair; with several heads, of the first, that detects. Waits for a GPU."""
        valid = self.mask if self.part is None else self.mask & (self.part == 0)
        image = torch.arange(len(valid), device=valid.device)[:, None].expand_as(valid)
        return len(torch.unique(torch.stack([image[valid], self.object[valid]], 1), dim=0))

    def weights(self, targets: Targets, num_predictors: int) -> Tensor:
        """(B, A) of all predictors: 1 for background, 0 for spared ones, for the others the weight of their object;
        each is in one pair at most."""
        weight = (
            targets.boxes.new_ones(()) if targets.weight is None else targets.weight.gather(1, self.object)
        )
        place = torch.where(self.mask, self.predictor, num_predictors)
        table = targets.boxes.new_zeros(len(place), num_predictors + 1)
        table = table.scatter(1, place, weight.to(table.dtype).expand_as(place))[:, :num_predictors]
        return torch.where(self.background(num_predictors), 1, table)


def require_assignment(assignment: Assignment, *, images: int) -> None:
    """Raise unless ``assignment`` is one of ``images`` images."""
    if not isinstance(assignment, Assignment):
        raise TypeError(f"assignment: expected an Assignment; got {type(assignment).__name__}")
    if len(assignment.mask) != images:
        raise ValueError(f"assignment: expected {images} images like raw; got {len(assignment.mask)}")


class Place(NamedTuple):
    """Where predictors sit, each field int64 of one shape: ``level`` of the output (0 where there is one), ``row``
    and ``col`` of the cell, ``box`` within the cell."""

    level: Tensor
    row: Tensor
    col: Tensor
    box: Tensor
