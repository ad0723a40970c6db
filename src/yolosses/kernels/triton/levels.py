"""How kernels are told where the maps of several levels are, so that one launch does for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import triton
from torch import Tensor


class Views(NamedTuple):
    """Views (B, channels, n) of some levels.

    Attributes:
        tensors: of each level. steps: their strides, three of each level one after the other.
    """

    tensors: tuple[Tensor, ...]
    steps: tuple[int, ...]


def views(levels: Sequence[Tensor]) -> Views:
    return Views(tuple(levels), tuple(step for level in levels for step in level.stride()))


def starts_of(sizes: Sequence[int]) -> tuple[int, ...]:
    """The first number of each level, and one after the last."""
    return (0, *accumulate(sizes))


def blocks_of(sizes: Sequence[int], block: int) -> tuple[int, ...]:
    """The first program of each level, and how many programs there are, of ``block`` numbers each."""
    return starts_of([triton.cdiv(size, block) for size in sizes])


def in_a_row(levels: Sequence[Tensor]) -> tuple[bool, ...]:
    """Whether the numbers of an image are one after the other, channel by channel."""
    return tuple(level.stride()[1:] == (level.shape[2], 1) for level in levels)
