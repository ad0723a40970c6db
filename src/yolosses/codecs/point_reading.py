"""Reading the output of anchor-free networks: the numbers of some locations, their logit of one class, and the sum of
log(1 + e^x) over all class logits, with ONE gradient of the output's size and no table of targets.

BCE(x, t) = softplus(x) - t x, so a sum over all locations and classes is the sum of softplus, less t x at the pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from yolosses import memory, modes
from yolosses.codecs.level_reading import in_memory_order
from yolosses.function import Function
from yolosses.kernels.logits import part_of, softplus_sums, views_of, write_sigmoid
from yolosses.precision import at_least_float32


class At(NamedTuple):
    """Pairs of a location and a class, all constants.

    Attributes:
        image, predictor, label: int64, (N,) of a list in the order of the levels, of which ``sizes`` are on each; or
            (B, 1), (B, P), (B, P).
        location_weight: (B, A), class_weight: (C,) of the sums of softplus; None where all are 1.
        distinct: whether no location is there twice. totals: whether the sums of the logits of all classes are wanted.
    """

    image: Tensor
    predictor: Tensor
    label: Tensor
    location_weight: Tensor | None
    class_weight: Tensor | None
    sizes: list[int] | None
    distinct: bool
    totals: bool


class Read(NamedTuple):
    """Attributes:
    numbers: (..., 4R) of the pairs' boxes, logit: (...) of their classes, total: (...) the sum of the logits of all
        classes times ``class_weight``, or 0; at least float32.
    softplus: (B,) weighted sums of softplus over all class logits, float64: large ones cancel against t x.
    """

    numbers: Tensor
    logit: Tensor
    total: Tensor
    softplus: Tensor


def read_points(parts: Sequence[Tensor], box_channels: int, at: At, mask: Tensor | None) -> Read:
    """See `Read`.

    Args:
        parts: maps (B, box_channels + C, rows, cols), one a level; or boxes (B, box_channels, A) and scores (B, C, A).
        mask: (B, P) which pairs count, where ``at`` is no list; of the others anything is read, and nothing written.
    """
    if mask is not None and torch.compiler.is_compiling() and modes.on_cpu(parts[0]):
        tables = at.predictor, mask, at.label, at.location_weight, at.class_weight
        return Read(*_read_listed(list(parts), box_channels, at.totals, *tables))
    found: tuple[Tensor, ...] = _Read.apply(box_channels, at.sizes, at.distinct, at.totals, *at[:5], *parts)
    return Read(*found)


class _Read(Function):
    @staticmethod
    def forward(
        box_channels: int, sizes: list[int] | None, distinct: bool, totals: bool, *tensors: Any
    ) -> tuple[Tensor, ...]:
        at: Any = At(*tensors[:5], sizes, distinct, totals)  # type: ignore[call-arg]
        return tuple(_values(tensors[5:], box_channels, at))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
        ctx.box_channels, *ctx.rest = inputs[:4]
        ctx.save_for_backward(*inputs[4:])

    @staticmethod
    def backward(ctx: Any, *of: Tensor) -> tuple[Any, ...]:
        gradients = _differentiable if torch.is_grad_enabled() else _gradients
        tensors = ctx.saved_tensors
        at = At(*tensors[:5], *ctx.rest)
        return *(None,) * 9, *gradients(tensors[5:], ctx.box_channels, at, Read(*of))


def _values(parts: Sequence[Tensor], box_channels: int, at: At) -> Read:
    rows, sums = [], []
    for here in _levels(parts, box_channels, at):
        logit = at_least_float32(here.scores[here.image, here.label, here.local])
        total = torch.zeros_like(logit)
        if at.totals:
            row = at_least_float32(here.scores.mT[here.image, here.local])
            total = (row if at.class_weight is None else row * at.class_weight).sum(-1)
        rows.append((at_least_float32(here.boxes.mT[here.image, here.local]), logit, total))
        sums.append(softplus_sums(here.scores, here.weight, at.class_weight))
    numbers, logit, total = (_joined(column, parts, at) for column in zip(*rows, strict=True))
    return Read(numbers, logit, total, sum(sums[1:], sums[0]))


def _gradients(parts: Sequence[Tensor], box_channels: int, at: At, of: Read) -> list[Tensor]:
    """Of each of ``parts``, written once."""
    # Of flattened maps, so that every layout in memory can be written to.
    found = [memory.empty_like(part.flatten(2)) for part in parts]
    of_softplus = of.softplus.to(of.numbers.dtype)
    views = views_of(found, box_channels, parts[0].ndim == 4)
    for here, (to_boxes, to_scores) in zip(_levels(parts, box_channels, at), views, strict=True):
        _add_rows(to_boxes.zero_(), here, here.counting(of.numbers), distinct=at.distinct)
        write_sigmoid(to_scores, here.scores, of_softplus, here.weight, at.class_weight)
        if at.totals:
            _add_rows(to_scores, here, _each_class(here, at, of))
        to_scores.index_put_(here.at_label, here.counting(of.logit).to(to_scores.dtype), accumulate=True)
    return [gradient.view(part.shape) for gradient, part in zip(found, parts, strict=True)]


def _differentiable(parts: Sequence[Tensor], box_channels: int, at: At, of: Read) -> list[Tensor]:
    """As `_gradients`, by operations that can be differentiated again."""
    found: list[list[Tensor]] = [[], []]
    for here in _levels(parts, box_channels, at):
        rows = here.counting(of.numbers).to(here.boxes.dtype)
        at_rows = here.image.expand_as(here.local), here.local
        found[0].append(torch.zeros_like(here.boxes.mT).index_put(at_rows, rows, accumulate=True).mT)
        factor = of.softplus[:, None, None]
        for weight in (here.weight, None if at.class_weight is None else at.class_weight[:, None]):
            factor = factor if weight is None else factor * weight
        sigmoid = at_least_float32(here.scores).sigmoid()
        scores = torch.where(factor != 0, sigmoid * factor, 0).to(here.scores.dtype)
        if at.totals:
            each = _each_class(here, at, of).to(scores.dtype)
            scores = scores.mT.index_put(at_rows, each, accumulate=True).mT
        logit = here.counting(of.logit).to(scores.dtype)
        found[1].append(scores.index_put(here.at_label, logit, accumulate=True))
    if parts[0].ndim == 4:
        return [torch.cat(both, 1).view(part.shape) for *both, part in zip(*found, parts, strict=True)]
    return [torch.cat(views, 2) for views in found]


class _Level(NamedTuple):
    """The pairs of one level: those of a range in a list, or all, of which ``mask`` are of this level."""

    boxes: Tensor
    scores: Tensor
    image: Tensor
    local: Tensor
    label: Tensor
    weight: Tensor | None
    range: tuple[int, int] | None
    mask: Tensor | None

    @property
    def at_label(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.image.expand_as(self.local), self.label, self.local

    def counting(self, values: Tensor) -> Tensor:
        """Those of this level, 0 for pairs of another."""
        if self.range is not None:
            return values.narrow(0, *self.range)
        assert self.mask is not None
        return torch.where(self.mask.view(*self.mask.shape, *(1,) * (values.ndim - 2)), values, 0)


def _levels(parts: Sequence[Tensor], box_channels: int, at: At) -> Iterator[_Level]:
    start = first = 0
    for level, (boxes, scores) in enumerate(views_of(parts, box_channels, parts[0].ndim == 4)):
        count, weight = scores.shape[2], part_of(at.location_weight, start, scores)
        if at.sizes is None:
            local, range_ = at.predictor - start, None
            mask = (local >= 0) & (local < count)
            columns = at.image, local.clamp(0, count - 1), at.label
        else:
            # A flattened output is one level, whatever the list.
            size = at.sizes[level] if parts[0].ndim == 4 else len(at.predictor)
            mask, range_ = None, (first, size)
            image, local, label = (
                c.narrow(0, first, size) for c in (at.image, at.predictor - start, at.label)
            )
            columns = image, local, label
            first += size
        yield _Level(boxes, scores, *columns, weight, range_, mask)
        start += count


def _each_class(here: _Level, at: At, of: Read) -> Tensor:
    """(..., C) the gradient of the totals by the logits of their rows."""
    total = here.counting(of.total)[..., None]
    return (
        total.expand(*total.shape[:-1], here.scores.shape[1])
        if at.class_weight is None
        else total * at.class_weight
    )


def _add_rows(target: Tensor, here: _Level, rows: Tensor, *, distinct: bool = False) -> None:
    """To ``target`` (B, K, n) add ``rows`` (..., K) at the locations; if these are ``distinct``, to zeros."""
    rows = rows.to(target.dtype)
    if here.local.ndim == 1:
        target.mT.index_put_((here.image, here.local), rows, accumulate=not distinct)
    else:
        target.scatter_add_(2, here.local[:, None].expand(-1, target.shape[1], -1), rows.mT)


def _joined(found: Sequence[Tensor], parts: Sequence[Tensor], at: At) -> Tensor:
    """The rows of all levels in the order of the pairs."""
    if at.sizes is not None:
        return torch.cat(list(found))
    rows, start = found[0], parts[0].flatten(2).shape[2]
    for part, more in zip(parts[1:], found[1:], strict=False):
        there = at.predictor >= start
        rows = torch.where(there.view(*there.shape, *(1,) * (rows.ndim - 2)), more, rows)
        start += part.flatten(2).shape[2]
    return rows


# In a compiled graph of a CPU one operator for the value and one for the gradient: what the compiler would make of a
# few scattered pairs and of fresh memory takes longer. Shapes are known beforehand around it; inside pairs are listed.
@torch.library.custom_op("yolosses::pairs_and_classes", mutates_args=())
def _read_listed(
    parts: list[Tensor], box_channels: int, totals: bool, predictor: Tensor, mask: Tensor, label: Tensor,
    location_weight: Tensor | None, class_weight: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    place, at = _listed(parts, box_channels, totals, predictor, mask, label, location_weight, class_weight)
    found = _values(parts, box_channels, at)
    tables = _tables(parts, box_channels, predictor)
    for table, values in zip(tables, found, strict=False):
        table.zero_()[place] = values
    return *tables, found.softplus


@_read_listed.register_fake
def _(
    parts: list[Tensor], box_channels: int, totals: bool, predictor: Tensor, *_: object
) -> tuple[Tensor, ...]:
    return *_tables(parts, box_channels, predictor), parts[0].new_empty(
        parts[0].shape[0], dtype=torch.float64
    )


@torch.library.custom_op("yolosses::pairs_and_classes_gradient", mutates_args=())
def _gradient_listed(
    of: list[Tensor], parts: list[Tensor], box_channels: int, totals: bool, predictor: Tensor, mask: Tensor,
    label: Tensor, location_weight: Tensor | None, class_weight: Tensor | None,
) -> list[Tensor]:  # fmt: skip
    place, at = _listed(parts, box_channels, totals, predictor, mask, label, location_weight, class_weight)
    return _gradients(parts, box_channels, at, Read(of[0][place], of[1][place], of[2][place], of[3]))


@_gradient_listed.register_fake
def _(of: list[Tensor], parts: list[Tensor], *_: object) -> list[Tensor]:
    return [torch.empty_like(part.flatten(2)).view(part.shape) for part in parts]


def _save(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
    parts, ctx.box_channels, ctx.totals, *tables = inputs
    ctx.count = len(parts)
    ctx.save_for_backward(*parts, *tables)


def _backward(ctx: Any, *of: Tensor) -> tuple[Any, ...]:
    parts, tables = list(ctx.saved_tensors[: ctx.count]), ctx.saved_tensors[ctx.count :]
    gradients = _gradient_listed(list(of), parts, ctx.box_channels, ctx.totals, *tables)
    return gradients, *(None,) * 7


_read_listed.register_autograd(_backward, setup_context=_save)


def _tables(parts: Sequence[Tensor], box_channels: int, predictor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, P, 4R), (B, P) and (B, P), not yet written."""
    like = parts[0].new_empty((), dtype=torch.promote_types(parts[0].dtype, torch.float32))
    shape = tuple(predictor.shape)
    return like.new_empty((*shape, box_channels)), like.new_empty(shape), like.new_empty(shape)


def _listed(
    parts: Sequence[Tensor], box_channels: int, totals: bool, predictor: Tensor, mask: Tensor, label: Tensor,
    location_weight: Tensor | None, class_weight: Tensor | None,
) -> tuple[tuple[Tensor, Tensor], At]:  # fmt: skip
    """Where the pairs that count come from, and the list of them."""
    counts = [scores.shape[2] for _, scores in views_of(parts, box_channels, parts[0].ndim == 4)]
    image, pair = mask.nonzero().unbind(1)
    listed, order = in_memory_order(image, predictor[image, pair], counts, len(mask))
    place = image[order], pair[order]
    tables = listed.image, listed.predictor, label[place], location_weight, class_weight
    return place, At(*tables, listed.level_sizes, listed.distinct, totals)
