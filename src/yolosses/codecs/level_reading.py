"""Reading an output of several levels: the numbers of some predictors, and one number of all, with ONE gradient of the
output's size. As `grid_reading`, reading is linear: its backward is a write, whose backward is the read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from yolosses import memory
from yolosses.codecs.levels import unravel
from yolosses.function import Function


class Listed(NamedTuple):
    """Predictors (N,) in the order of the levels: ``image`` and ``predictor`` of each, int64; ``level_sizes``: how many
    are on each level; ``distinct``: whether none is there twice."""

    image: Tensor
    predictor: Tensor
    level_sizes: list[int]
    distinct: bool


def in_memory_order(
    image: Tensor, predictor: Tensor, counts: Sequence[int], images: int
) -> tuple[Listed, Tensor]:
    """The predictors (N,) level by level, image by image: in this order they are read and written several times as
    fast; and where each comes from. ``counts``: predictors of each level."""
    level = torch.bucketize(predictor, torch.tensor(counts, device="cpu").cumsum(0), right=True)
    key, order = ((level * images + image) * sum(counts) + predictor).sort()
    return Listed(
        image[order], predictor[order],
        level_sizes=torch.bincount(level, minlength=len(counts)).tolist(),
        distinct=not bool((key[1:] == key[:-1]).any()),
    ), order  # fmt: skip


def read_levels(views: Sequence[Tensor], listed: Listed, channel: int) -> tuple[Tensor, Tensor]:
    """What predictors emit, in the dtype of ``views``.

    Args:
        views: (B, ..., E) of each level, over its predictors in order.

    Returns:
        (N, E) the numbers of the predictors in ``listed``, and (B, A) number ``channel`` of all.
    """
    found: tuple[Tensor, Tensor] = _Read.apply(listed, channel, *views)
    return found


def _places(listed: Listed, shapes: Sequence[torch.Size]) -> list[tuple[Tensor, ...]]:
    """Of each level the indices of its predictors into a view of this shape."""
    starts = accumulate((math.prod(shape[1:-1]) for shape in shapes), initial=0)
    parts = zip(
        torch.split(listed.image, listed.level_sizes), torch.split(listed.predictor, listed.level_sizes),
        starts, shapes, strict=False,
    )  # fmt: skip
    return [(image, *unravel(predictor - start, shape[1:-1])) for image, predictor, start, shape in parts]


class _Read(Function):
    @staticmethod
    def forward(listed: Listed, channel: int, *views: Tensor) -> tuple[Tensor, Tensor]:
        places = _places(listed, [view.shape for view in views])
        rows = [view[place] for place, view in zip(places, views, strict=True)]
        return torch.cat(rows), torch.cat([view[..., channel].flatten(1) for view in views], 1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
        ctx.listed, ctx.channel, *views = inputs
        # Of the same layout in memory, without the numbers.
        ctx.like = [torch.empty_like(view, device="meta") for view in views]
        ctx.shapes = [view.shape for view in views]

    @staticmethod
    def backward(ctx: Any, of_rows: Tensor, of_all: Tensor) -> tuple[Any, ...]:
        return None, None, *_Write.apply(of_rows, of_all, ctx.listed, ctx.channel, ctx.like)

    @staticmethod
    def jvp(ctx: Any, _: object, __: object, *views: Tensor) -> tuple[Tensor, Tensor]:
        return read_levels(views, ctx.listed, ctx.channel)


class _Write(Function):
    """The transpose of `_Read`: what one predictor is given several times is added up."""

    @staticmethod
    def forward(
        rows: Tensor, every: Tensor, listed: Listed, channel: int, like: list[Tensor]
    ) -> tuple[Tensor, ...]:
        views = []
        parts = zip(
            like, _places(listed, [view.shape for view in like]), torch.split(rows, listed.level_sizes),
            torch.split(every, [math.prod(view.shape[1:-1]) for view in like], 1), strict=True,
        )  # fmt: skip
        for layout, place, row, all_here in parts:
            view = memory.laid_out_as(layout, rows.dtype).zero_()
            view[..., channel] = all_here.view(layout.shape[:-1])
            if listed.distinct:  # they can be written, by all threads, instead of added one by one
                row = row.clone()
                row[:, channel] += view[..., channel][place]
            views.append(view.index_put_(place, row, accumulate=not listed.distinct))
        return tuple(views)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
        _, _, ctx.listed, ctx.channel, ctx.like = inputs

    @staticmethod
    def backward(ctx: Any, *of_views: Tensor) -> tuple[Any, ...]:
        return *read_levels(of_views, ctx.listed, ctx.channel), None, None, None

    @staticmethod
    def jvp(ctx: Any, rows: Tensor, every: Tensor, *_: object) -> tuple[Tensor, ...]:
        written: tuple[Tensor, ...] = _Write.apply(rows, every, ctx.listed, ctx.channel, ctx.like)
        return written
