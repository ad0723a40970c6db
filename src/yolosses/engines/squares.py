"""Sums of squared errors of what the network emits, w (x - t)^2, with their gradient 2 w (x - t) written down: targets,
weights and indicators come from the formula; only the derivative is written by hand."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from yolosses.codecs import GridCodec
from yolosses.codecs.grid_reading import read_grid, write_grid
from yolosses.function import Function
from yolosses.precision import at_least_float32
from yolosses.structures import Cost, TermSum, by_image, weighted


def squared_sums(raw: Tensor, codec: GridCodec, costs: Sequence[Cost], pairs: Any) -> Sequence[TermSum]:
    """The sums of each image.

    Args:
        costs: of the pairs (N,), in the order of what `read_grid` reads, and one of the confidence of all predictors;
            their predictions are without a graph.
    """
    of_pairs = [cost for cost in costs if cost.object is not None]
    background = next(cost for cost in costs if cost.object is None)
    rows = pairs.values
    target = torch.cat([cost.target.to(rows.dtype).expand_as(cost.pred) for cost in of_pairs], 1)
    weight = None
    if not (pairs.unit and all(cost.weight is pairs.each for cost in of_pairs)):
        weight = torch.cat([cost.weight.expand_as(cost.pred) for cost in of_pairs], 1)
    place = costs.index(background)
    term = term_of_elements(tuple(0 if cost is background else cost.pred.shape[1] for cost in costs))
    noobj = background.weight.squeeze(-1)
    with _full_precision(rows.device.type):
        error = rows - target
        pull = error if weight is None else weighted(error, weight)
        every = background.pred.squeeze(-1)  # read for this alone
        if pairs.spared is None:
            every.view(-1).index_fill_(0, pairs.slot, 0)
        else:
            every.masked_fill_(~noobj, 0)
        table = _table(error * pull, pairs.image, term, (pairs.images, len(costs)))
        table[:, place] = torch.linalg.vecdot(every, every)
        distinct = pairs.spared is None and int(noobj.count_nonzero()) == noobj.numel() - rows.shape[0]
    table = _WithGradient.apply(
        raw, table, pairs.image, pairs.predictor, target, weight, noobj, term, pull, every, codec, place, distinct
    )  # fmt: skip
    return TermSum.columns([cost.name for cost in costs], [cost.scale for cost in costs], table)


class _WithGradient(Function):
    """``table`` (B, T), as what was computed of ``raw``. ``pull``: w (x - t) of the pairs, ``every``: x of the
    background."""

    @staticmethod
    def forward(raw: Tensor, table: Tensor, *_: object) -> Tensor:
        return table.view_as(table)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
        raw, _, *tensors, ctx.codec, ctx.place, ctx.distinct = inputs
        ctx.save_for_backward(raw, *tensors)
        ctx.save_for_forward(raw, *tensors)

    @staticmethod
    def backward(ctx: Any, of_sums: Tensor) -> tuple[Any, ...]:
        raw, image, predictor, target, weight, noobj, term, pull, every = ctx.saved_tensors
        if torch.is_grad_enabled():  # the same again with a graph, to be differentiated once more
            rows, every = (at_least_float32(part) for part in read_grid(raw, ctx.codec, image, predictor))
            pull = rows - target if weight is None else weighted(rows - target, weight)
            every = torch.where(noobj, every, 0)
        twice = 2 * of_sums
        rows = pull * twice.index_select(1, term)[image]
        rows, every = rows.to(raw.dtype), (every * twice[:, ctx.place, None]).to(raw.dtype)
        distinct = ctx.distinct
        of_raw = write_grid(rows, every, ctx.codec, image, predictor, shape=raw.shape, distinct=distinct)
        return of_raw, *(None,) * 12

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: object) -> Tensor:
        _, image, predictor, _, _, _, term, pull, every = ctx.saved_tensors
        rows, confidence = read_grid(tangent, ctx.codec, image, predictor)
        table = _table(2 * pull * rows, image, term, (len(tangent), max(int(term.max()), ctx.place) + 1))
        columns = list(table.unbind(1))
        columns[ctx.place] = 2 * (every * confidence).sum(1)
        return torch.stack(columns, 1)


@functools.cache
@torch.inference_mode(False)
def term_of_elements(sizes: tuple[int, ...]) -> Tensor:
    """(E,) the term of each element of a row, of terms with so many."""
    return torch.arange(len(sizes), device="cpu").repeat_interleave(torch.tensor(sizes, device="cpu"))


def _table(elements: Tensor, image: Tensor, term: Tensor, shape: tuple[int, int]) -> Tensor:
    """(B, T) the sums of ``elements`` (N, E) over those of an image (N,) and a term (E,)."""
    # Few columns before few rows: to add up rows of many numbers would wake up all threads.
    rows = elements.new_zeros(len(elements), shape[1]).index_add(1, term, elements)
    return by_image(rows, image, shape[0])


def _full_precision(device: str) -> AbstractContextManager[Any]:
    """Without autocast, which would round the operands of products."""
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
