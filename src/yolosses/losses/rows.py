"""All numbers of the predictors that answer for something, and one number of every predictor, with one gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from yolosses import host
from yolosses.codecs.levels import unravel
from yolosses.losses.pairs import Pairs
from yolosses.precision import at_least_float32


def read_rows(views: Sequence[Tensor], pairs: Pairs, channel: int) -> tuple[Tensor, Tensor]:
    """What a loss needs of a raw output, with a single gradient of its size. Selecting the same by indices makes one
    gradient of the size of a map for each selection.

    Args:
        views: (B, ..., E) of each level, over its predictors in order. pairs: in the order of the levels.

    Returns:
        (N, E) the numbers of the pairs, and (B, A) number ``channel`` of every predictor; at least float32.
    """
    assert pairs.level_sizes is not None
    starts = [0]
    for view in views:
        starts.append(starts[-1] + math.prod(view.shape[1:-1]))
    rows, everywhere = _Read.apply(
        channel, list(pairs.level_sizes), pairs.distinct, starts, *pairs[:2], *views
    )  # type: ignore[no-untyped-call]
    return rows, everywhere


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        channel: int,
        level_sizes: list[int],
        distinct: bool,
        starts: list[int],
        image: Tensor,
        predictor: Tensor,
        *views: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.channel, ctx.distinct, ctx.like = channel, distinct, views
        ctx.places = [
            (of, *unravel(local - start, view.shape[1:-1]))
            for of, local, start, view in zip(
                torch.split(image, level_sizes),
                torch.split(predictor, level_sizes),
                starts,
                views,
                strict=False,
            )
        ]
        rows = [view[place] for place, view in zip(ctx.places, views, strict=True)]
        everywhere = [view[..., channel].flatten(1) for view in views]
        return at_least_float32(torch.cat(rows)), at_least_float32(torch.cat(everywhere, 1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_rows: Tensor, of_everywhere: Tensor) -> tuple[Tensor | None, ...]:
        gradients = []
        sizes = [math.prod(view.shape[1:-1]) for view in ctx.like]
        parts = zip(
            ctx.like,
            ctx.places,
            torch.split(of_rows, [len(place[0]) for place in ctx.places]),
            torch.split(of_everywhere, sizes, 1),
            strict=True,
        )
        for view, place, rows, everywhere in parts:
            gradient = host.empty_like(view).zero_()
            gradient[..., ctx.channel] = everywhere.view(view.shape[:-1])
            if ctx.distinct:  # they can be written, by all threads, instead of added one by one
                rows = rows.to(view.dtype, copy=True)
                rows[:, ctx.channel] += gradient[..., ctx.channel][place]
            gradient.index_put_(place, rows.to(view.dtype), accumulate=not ctx.distinct)
            gradients.append(gradient)
        return (None,) * 6 + tuple(gradients)
