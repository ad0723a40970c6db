"""The cross-entropy of all class logits where only a few have a target: one pass for the value, one for the gradient,
and no tensor of targets.

BCE(x, t) = softplus(x) - t x, so that the sum over all locations and classes is a sum of softplus, from which t x is
taken at the pairs; its gradient is sigmoid(x), from which t is taken there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from yolosses import host
from yolosses.losses.pairs import Pairs, list_pairs
from yolosses.precision import at_least_float32
from yolosses.structures import by_image

MODERATE, LOW = 32.0, 10.0
"""Below them a cross-entropy loses nothing when it is added up in float32, and eight factors 1 + exp(x) have a product
in float32."""
BLOCK = 1 << 19
"""Logits that are read at once on a CPU: what is made of them stays in the cache."""


class SparseTargets(NamedTuple):
    """Targets of pairs of a location and a class; each location is in one pair at most. All are constants.

    Attributes:
        label: int64 like the pairs, 0 to C - 1.
        at_label: weight times target of the pair's class, 0 where the pair does not count.
        at_all: the same of each class of the location (label smoothing), or None.
        location_weight: (B, A), or None where all are 1. class_weight: (C,) or None; not in the two above but at_all.
    """

    label: Tensor
    at_label: Tensor
    at_all: Tensor | None
    location_weight: Tensor | None
    class_weight: Tensor | None


def read_pairs_and_classes(
    parts: Sequence[Tensor], box_channels: int, pairs: Pairs, targets: SparseTargets
) -> tuple[Tensor, Tensor]:
    """What a loss needs of a raw output, with a single gradient of its size.

    Args:
        parts: maps (B, box_channels + C, rows, cols), one a level; or boxes (B, box_channels, A) and scores (B, C, A),
            for which all pairs are of one level.

    Returns:
        (..., box_channels) the numbers of the pairs' boxes, and (B,) the sum of the cross-entropies; at least float32.
    """
    if host.on_host(parts[0]) and pairs.mask is not None:
        numbers, sums = _read_listed(list(parts), box_channels, pairs.predictor, pairs.mask, *targets)
        return numbers, sums
    numbers, sums = _Read.apply(  # type: ignore[no-untyped-call]
        box_channels, pairs.level_sizes, pairs.distinct, *pairs[:2], *targets, *parts
    )
    return numbers, sums


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        box_channels: int,
        level_sizes: tuple[int, ...] | None,
        distinct: bool,
        image: Tensor,
        predictor: Tensor,
        label: Tensor,
        at_label: Tensor,
        at_all: Tensor | None,
        location_weight: Tensor | None,
        class_weight: Tensor | None,
        *parts: Tensor,
    ) -> tuple[Tensor, Tensor]:
        targets = SparseTargets(label, at_label, at_all, location_weight, class_weight)
        ctx.save_for_backward(image, predictor, *targets, *parts)
        ctx.box_channels, ctx.level_sizes, ctx.distinct = box_channels, level_sizes, distinct
        return _values(box_channels, Pairs(image, predictor, level_sizes), targets, parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_numbers: Tensor, of_sums: Tensor) -> tuple[Tensor | None, ...]:
        image, predictor, *saved = ctx.saved_tensors
        pairs = Pairs(image, predictor, ctx.level_sizes, distinct=ctx.distinct)
        targets = SparseTargets(*saved[:5])
        gradients = _gradients(ctx.box_channels, pairs, targets, saved[5:], of_numbers, of_sums)
        return (None,) * 10 + tuple(gradients)


# In a compiled graph of a CPU one operator for the value and one for the gradient: what the compiler would make of a
# few scattered pairs and of fresh memory takes longer. Shapes are known beforehand around it; inside pairs are listed.
@torch.library.custom_op("yolosses::pairs_and_classes", mutates_args=())
def _read_listed(
    parts: list[Tensor],
    box_channels: int,
    predictor: Tensor,
    mask: Tensor,
    label: Tensor,
    at_label: Tensor,
    at_all: Tensor | None,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
) -> tuple[Tensor, Tensor]:
    targets = SparseTargets(label, at_label, at_all, location_weight, class_weight)
    pairs, place, targets = _listed(parts, box_channels, predictor, mask, targets)
    found, sums = _values(box_channels, pairs, targets, parts)
    numbers = host.empty(*predictor.shape, box_channels, dtype=found.dtype).zero_()
    numbers[place] = found
    return numbers, sums


@_read_listed.register_fake
def _(parts: list[Tensor], box_channels: int, predictor: Tensor, *rest: object) -> tuple[Tensor, Tensor]:
    dtype = torch.promote_types(parts[0].dtype, torch.float32)
    numbers = parts[0].new_empty((*predictor.shape, box_channels), dtype=dtype)
    return numbers, parts[0].new_empty(len(parts[0]), dtype=dtype)


@torch.library.custom_op("yolosses::pairs_and_classes_gradient", mutates_args=())
def _gradient_listed(
    of_numbers: Tensor,
    of_sums: Tensor,
    parts: list[Tensor],
    box_channels: int,
    predictor: Tensor,
    mask: Tensor,
    label: Tensor,
    at_label: Tensor,
    at_all: Tensor | None,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
) -> list[Tensor]:
    targets = SparseTargets(label, at_label, at_all, location_weight, class_weight)
    pairs, place, targets = _listed(parts, box_channels, predictor, mask, targets)
    return _gradients(box_channels, pairs, targets, parts, of_numbers[place], of_sums)


@_gradient_listed.register_fake
def _(of_numbers: Tensor, of_sums: Tensor, parts: list[Tensor], *rest: object) -> list[Tensor]:
    return [torch.empty_like(part.flatten(2)).view(part.shape) for part in parts]


def _save(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
    parts, ctx.box_channels, *rest = inputs
    ctx.count = len(parts)
    ctx.save_for_backward(*parts, *rest)


def _pull(ctx: Any, of_numbers: Tensor, of_sums: Tensor) -> tuple[Any, ...]:
    parts, rest = list(ctx.saved_tensors[: ctx.count]), ctx.saved_tensors[ctx.count :]
    return _gradient_listed(of_numbers, of_sums, parts, ctx.box_channels, *rest), *(None,) * 8


_read_listed.register_autograd(_pull, setup_context=_save)


def _listed(
    parts: Sequence[Tensor], box_channels: int, predictor: Tensor, mask: Tensor, targets: SparseTargets
) -> tuple[Pairs, tuple[Tensor, Tensor], SparseTargets]:
    """The pairs that count and their targets as lists, and where they come from."""
    counts = [scores.shape[2] for _, scores in views_of(parts, box_channels, parts[0].ndim == 4)]
    pairs, place = list_pairs(predictor, mask, counts)
    listed = targets._replace(
        label=targets.label[place],
        at_label=targets.at_label[place],
        at_all=None if targets.at_all is None else targets.at_all[place],
    )
    return pairs, place, listed


def _values(
    box_channels: int, pairs: Pairs, targets: SparseTargets, parts: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """See `read_pairs_and_classes`."""
    label, at_label, at_all, location_weight, class_weight = targets
    predictor, level_sizes = pairs.predictor, pairs.level_sizes
    image = pairs.image.expand_as(predictor)
    found, start = [], 0
    dtype = torch.promote_types(parts[0].dtype, torch.float32)
    sums = torch.zeros(len(parts[0]), dtype=torch.float64, device=predictor.device)
    for level, (boxes, scores) in enumerate(views_of(parts, box_channels, parts[0].ndim == 4)):
        here = _Here(level_sizes, level, predictor, start, scores.shape[2])
        of, local = here.part(image), here.local
        found.append(at_least_float32(boxes.mT[of, local]))
        sums = sums + softplus_sums(scores, part_of(location_weight, start, scores), class_weight)
        logit = scores[of, here.part(label), local].to(dtype)
        taken = here.counting(at_label) * logit
        if at_all is not None:
            row = scores.mT[of, local].to(dtype)
            total = (row if class_weight is None else row * class_weight).sum(-1)
            taken = taken + here.counting(at_all) * total
        sums = sums - by_image(taken.double(), of, len(sums))
        start += scores.shape[2]
    return _joined(found, level_sizes, predictor, parts), sums.to(dtype)


def _gradients(
    box_channels: int,
    pairs: Pairs,
    targets: SparseTargets,
    parts: Sequence[Tensor],
    of_numbers: Tensor,
    of_sums: Tensor,
) -> list[Tensor]:
    """Of each of ``parts``."""
    label, at_label, at_all, location_weight, class_weight = targets
    image = pairs.image.expand_as(pairs.predictor)
    # Of flattened maps, so that every layout in memory can be written to.
    gradients, start = [host.empty_like(part.flatten(2)) for part in parts], 0
    maps = parts[0].ndim == 4
    views = zip(*(views_of(values, box_channels, maps) for values in (parts, gradients)), strict=True)
    for level, ((_, scores), (of_boxes, of_scores)) in enumerate(views):
        here = _Here(pairs.level_sizes, level, pairs.predictor, start, scores.shape[2])
        of, local, dtype = here.part(image), here.local, scores.dtype
        of_boxes.zero_()
        _add_rows(of_boxes, of, local, here.counting(of_numbers).to(dtype), distinct=pairs.distinct)
        write_sigmoid(of_scores, scores, of_sums, part_of(location_weight, start, scores), class_weight)
        if at_all is not None:
            share = (here.counting(at_all) * of_sums[of])[..., None]
            each = (
                share.expand(*local.shape, scores.shape[1]) if class_weight is None else share * class_weight
            )
            _add_rows(of_scores, of, local, -each.to(dtype))
        taken = here.counting(at_label) * of_sums[of]
        of_scores.index_put_((of, here.part(label), local), -taken.to(dtype), accumulate=True)
        start += scores.shape[2]
    return [gradient.view(part.shape) for gradient, part in zip(gradients, parts, strict=True)]


class _Here:
    """The pairs of one level: those of a range where pairs are in the order of the levels, else all, and what is of
    another level counts for nothing."""

    def __init__(
        self, level_sizes: tuple[int, ...] | None, level: int, predictor: Tensor, start: int, count: int
    ) -> None:
        self.range = None if level_sizes is None else (sum(level_sizes[:level]), level_sizes[level])
        local = self.part(predictor) - start
        self.mask = (local >= 0) & (local < count) if self.range is None else None
        self.local = local if self.range is not None else local.clamp(0, count - 1)

    def part(self, values: Tensor) -> Tensor:
        return values if self.range is None else values.narrow(0, *self.range)

    def counting(self, values: Tensor) -> Tensor:
        values = self.part(values)
        if self.mask is None:
            return values
        return torch.where(
            self.mask.view(*self.mask.shape, *(1,) * (values.ndim - self.mask.ndim)), values, 0
        )


def _add_rows(
    target: Tensor, image: Tensor, location: Tensor, rows: Tensor, *, distinct: bool = False
) -> None:
    """To ``target`` (B, K, n) add ``rows`` (..., K) at places of the images; if these are ``distinct``, to zeros."""
    if location.ndim == 1:
        target.mT.index_put_((image, location), rows, accumulate=not distinct)
    else:
        target.scatter_add_(2, location[:, None].expand(-1, target.shape[1], -1), rows.mT)


def _joined(
    found: list[Tensor], level_sizes: tuple[int, ...] | None, predictor: Tensor, parts: Sequence[Tensor]
) -> Tensor:
    """The rows of all levels in the order of the pairs."""
    if level_sizes is not None:
        return torch.cat(found)
    rows, start = found[0], parts[0].flatten(2).shape[2]
    for part, more in zip(parts[1:], found[1:], strict=False):
        rows = torch.where((predictor >= start)[..., None], more, rows)
        start += part.flatten(2).shape[2]
    return rows


def views_of(parts: Sequence[Tensor], box_channels: int, maps: bool) -> list[tuple[Tensor, Tensor]]:
    """(B, box_channels, n) and (B, C, n) of each level of maps; of flattened outputs there is one."""
    if not maps:
        return [(parts[0], parts[1])]
    levels = [part.flatten(2) for part in parts]
    return [(level[:, :box_channels], level[:, box_channels:]) for level in levels]


def part_of(location_weight: Tensor | None, start: int, scores: Tensor) -> Tensor | None:
    return None if location_weight is None else location_weight[:, None, start : start + scores.shape[2]]


def _blocks(scores: Tensor) -> int:
    """Images that are read at once."""
    if not host.lengths_are_free(scores):
        return max(1, len(scores))
    return max(1, BLOCK // (scores.shape[1] * scores.shape[2]))


def softplus_sums(scores: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """(B,) float64: a large logit is added here, and taken away where it is wanted."""
    parts = torch.split(scores, _blocks(scores))
    weights = (
        [None] * len(parts) if location_weight is None else torch.split(location_weight, _blocks(scores))
    )
    return torch.cat(
        [
            _sums_of_block(at_least_float32(part), weight, class_weight)
            for part, weight in zip(parts, weights, strict=True)
        ]
    )


def _sums_of_block(logits: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """`softplus_sums` of some images. How one is summed does not depend on the weights of another."""
    free = host.lengths_are_free(logits) and logits.numel() > 0
    if not free or class_weight is not None or not bool(logits.amax() < LOW):
        return _weighted_sums(logits, location_weight, class_weight)
    if location_weight is None:
        return _softplus_sum_of_low(logits).double()
    plain = (location_weight == 1).flatten(1).all(1)
    sums = logits.new_zeros(len(logits), dtype=torch.float64)
    if plain.any():
        sums = _softplus_sum_of_low(logits).double()
    return sums if plain.all() else torch.where(plain, sums, _weighted_sums(logits, location_weight, None))


def _weighted_sums(logits: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """(B,) float64, of any logits and weights."""
    values = F.softplus(logits)
    if location_weight is not None:
        values = values * location_weight
    if class_weight is not None:
        values = values * class_weight[:, None]
    # float64 has room for a large number beside small ones, and on a CPU costs a copy, mostly for nothing.
    small = host.lengths_are_free(values) and values.numel() > 0 and bool(values.amax() < MODERATE)
    return values.sum((1, 2), dtype=None if small else torch.float64).double()


def _softplus_sum_of_low(logits: Tensor) -> Tensor:
    """(B,) the sum of logits below `LOW`: the logarithm of the product of eight factors in place of eight logarithms.

    Each factor is 1 + q, and only its q is kept, (1 + a)(1 + b) = 1 + (a + b + a b): nothing is lost where q is small.
    """
    q = logits.exp().flatten(1)
    for _ in range(3):
        if q.shape[1] % 2:
            break
        a, b = q.chunk(2, 1)
        q = torch.addcmul(a, a, b).add_(b)
    return q.log1p_().sum(1)


def write_sigmoid(
    target: Tensor,
    scores: Tensor,
    of_sums: Tensor,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
) -> None:
    """Into ``target``: the gradient of `softplus_sums`."""
    size = _blocks(scores)
    parts = zip(*(torch.split(values, size) for values in (target, scores, of_sums)), strict=True)
    for index, (out, logits, factor) in enumerate(parts):
        factors = factor[:, None, None]
        if location_weight is not None:
            factors = factors * torch.split(location_weight, size)[index]
        if class_weight is not None:
            factors = factors * class_weight[:, None]
        if out.dtype == factor.dtype and host.lengths_are_free(out):
            torch.sigmoid(logits, out=out).mul_(factors)
        else:
            out.copy_(at_least_float32(logits).sigmoid() * factors)
