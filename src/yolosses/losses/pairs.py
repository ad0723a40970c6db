"""The pairs of an assignment as a list, where a list may have as many entries as there are pairs that count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses import host
from yolosses.structures import Assignment

Pick = Callable[[Tensor], Tensor]


class Pairs(NamedTuple):
    """Pairs (N,), level by level, or (B, P) with all that do not count.

    Attributes:
        image: which image, int64, broadcasts to ``predictor``.
        predictor: int64, over all levels.
        level_sizes: pairs of each level where they are in the order of the levels; else None.
    """

    image: Tensor
    predictor: Tensor
    level_sizes: tuple[int, ...] | None


def pairs_of(
    assignment: Assignment, level_counts: Sequence[int], *, listed: bool = True
) -> tuple[Pairs, Pick]:
    """The pairs that count, level by level, where their number may be looked at (and they may be ``listed``), else all;
    and what picks their entries of (B, P, ...). ``level_counts``: predictors of each level."""
    if not (listed and host.lengths_are_free(assignment.mask)):
        images, device = len(assignment.mask), assignment.mask.device
        every = torch.arange(images, device=device)[:, None]
        return Pairs(every, assignment.predictor, None), lambda values: values
    if len(level_counts) == 1:
        picked = [assignment.mask.nonzero()]
    else:
        level = torch.bucketize(assignment.predictor, torch.tensor(level_counts).cumsum(0), right=True)
        picked = [(assignment.mask & (level == index)).nonzero() for index in range(len(level_counts))]
    image, pair = torch.cat(picked).unbind(1)
    sizes = tuple(len(part) for part in picked)
    return Pairs(image, assignment.predictor[image, pair], sizes), lambda values: values[image, pair]
