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
        mask: (B, P) bool, which count; or None, where all do.
        distinct: whether no predictor is in two of them; False where it was not looked at.
    """

    image: Tensor
    predictor: Tensor
    level_sizes: tuple[int, ...] | None
    mask: Tensor | None = None
    distinct: bool = False


def pairs_of(assignment: Assignment, level_counts: Sequence[int]) -> tuple[Pairs, Pick]:
    """The pairs that count, level by level, where their number may be looked at, else all; and what picks their entries
    of (B, P, ...). ``level_counts``: predictors of each level."""
    if host.lengths_are_free(assignment.mask):
        pairs, place = list_pairs(assignment.predictor, assignment.mask, level_counts)
        return pairs, lambda values: values[place]
    images, device = len(assignment.mask), assignment.mask.device
    every = torch.arange(images, device=device)[:, None]
    return Pairs(every, assignment.predictor, None, assignment.mask), lambda values: values


def list_pairs(
    predictor: Tensor, mask: Tensor, level_counts: Sequence[int]
) -> tuple[Pairs, tuple[Tensor, Tensor]]:
    """Of ``predictor`` (B, P) those where ``mask`` (B, P), level by level, in the order of memory, in which they are
    read and written several times as fast; and where each comes from."""
    image, pair = mask.nonzero().unbind(1)
    chosen = predictor[image, pair]
    level = torch.bucketize(chosen, torch.tensor(level_counts).cumsum(0), right=True)
    key, order = ((level * len(mask) + image) * sum(level_counts) + chosen).sort()
    image, pair = image[order], pair[order]
    return Pairs(
        image,
        chosen[order],
        level_sizes=tuple(torch.bincount(level, minlength=len(level_counts)).tolist()),
        distinct=not bool((key[1:] == key[:-1]).any()),
    ), (image, pair)
