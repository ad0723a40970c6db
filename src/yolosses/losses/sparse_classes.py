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

from yolosses.precision import at_least_float32

BLOCK = 1 << 19
"""Logits that are read at once on a CPU: what is made of them stays in the cache."""


class SparseTargets(NamedTuple):
    """Targets of P pairs of a location and a class; each location is in one pair at most. All are constants.

    Attributes:
        predictor: (B, P) int64. label: (B, P) int64, 0 to C - 1.
        at_label: (B, P) weight times target of the pair's class, 0 where the pair does not count.
        at_all: (B, P) the same of each class of the location (label smoothing), or None.
        location_weight: (B, A), or None where all are 1. class_weight: (C,) or None; not in the two above but at_all.
    """

    predictor: Tensor
    label: Tensor
    at_label: Tensor
    at_all: Tensor | None
    location_weight: Tensor | None
    class_weight: Tensor | None


def read_pairs_and_classes(
    parts: Sequence[Tensor], box_channels: int, targets: SparseTargets
) -> tuple[Tensor, Tensor]:
    """What a loss needs of a raw output, with a single gradient of its size.

    Args:
        parts: maps (B, box_channels + C, rows, cols), one a level; or boxes (B, box_channels, A) and scores (B, C, A).

    Returns:
        (B, P, box_channels) the numbers of the pairs' boxes, and (B,) the sum of the cross-entropies; at least float32.
    """
    numbers, sums = _Read.apply(box_channels, *targets, *parts)  # type: ignore[no-untyped-call]
    return numbers, sums


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        box_channels: int,
        predictor: Tensor,
        label: Tensor,
        at_label: Tensor,
        at_all: Tensor | None,
        location_weight: Tensor | None,
        class_weight: Tensor | None,
        *parts: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(predictor, label, at_label, at_all, location_weight, class_weight, *parts)
        ctx.box_channels = box_channels
        image = torch.arange(len(predictor), device=predictor.device)[:, None]
        numbers, start = None, 0
        dtype = torch.promote_types(parts[0].dtype, torch.float32)
        sums = torch.zeros(len(predictor), dtype=torch.float64, device=predictor.device)
        for boxes, scores in _views(parts, box_channels, parts[0].ndim == 4):
            here, local = _within(predictor, start, scores.shape[2])
            rows = at_least_float32(boxes.mT[image, local])
            numbers = rows if numbers is None else torch.where(here[..., None], rows, numbers)
            sums = sums + _softplus_sums(scores, _part(location_weight, start, scores), class_weight)
            logit = scores[image, label, local].to(at_label.dtype)
            taken = torch.where(here, at_label * logit, 0)
            if at_all is not None:
                row = scores.mT[image, local].to(at_label.dtype)
                total = (row if class_weight is None else row * class_weight).sum(2)
                taken = taken + torch.where(here, at_all * total, 0)
            sums = sums - taken.sum(1, dtype=torch.float64)
            start += scores.shape[2]
        assert numbers is not None
        return numbers, sums.to(dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_numbers: Tensor, of_sums: Tensor) -> tuple[Tensor | None, ...]:
        predictor, label, at_label, at_all, location_weight, class_weight, *parts = ctx.saved_tensors
        image = torch.arange(len(predictor), device=predictor.device)[:, None]
        # Of flattened maps, so that every layout in memory can be written to.
        gradients, start = [torch.empty_like(part.flatten(2)) for part in parts], 0
        views = zip(
            *(_views(values, ctx.box_channels, parts[0].ndim == 4) for values in (parts, gradients)),
            strict=True,
        )
        for (_, scores), (of_boxes, of_scores) in views:
            here, local = _within(predictor, start, scores.shape[2])
            of_boxes.zero_()
            rows = torch.where(here[..., None], of_numbers, 0).to(of_boxes.dtype)
            of_boxes.mT.index_put_((image, local), rows, accumulate=True)
            _write_sigmoid(of_scores, scores, of_sums, _part(location_weight, start, scores), class_weight)
            if at_all is not None:
                share = torch.where(here, at_all, 0) * of_sums[:, None]
                each = share[..., None] if class_weight is None else share[..., None] * class_weight
                shares = -each.expand(*share.shape, scores.shape[1]).to(scores.dtype)
                of_scores.mT.index_put_((image, local), shares, accumulate=True)
            taken = -torch.where(here, at_label, 0) * of_sums[:, None]
            of_scores.index_put_((image, label, local), taken.to(scores.dtype), accumulate=True)
            start += scores.shape[2]
        shaped = (gradient.view(part.shape) for gradient, part in zip(gradients, parts, strict=True))
        return (None,) * 7 + tuple(shaped)


def _views(parts: Sequence[Tensor], box_channels: int, maps: bool) -> list[tuple[Tensor, Tensor]]:
    """(B, box_channels, n) and (B, C, n) of each level of maps; of flattened outputs there is one."""
    if not maps:
        return [(parts[0], parts[1])]
    levels = [part.flatten(2) for part in parts]
    return [(level[:, :box_channels], level[:, box_channels:]) for level in levels]


def _within(predictor: Tensor, start: int, count: int) -> tuple[Tensor, Tensor]:
    """Which predictors are of the level, and their number within it, valid everywhere."""
    local = predictor - start
    return (local >= 0) & (local < count), local.clamp(0, count - 1)


def _part(location_weight: Tensor | None, start: int, scores: Tensor) -> Tensor | None:
    return None if location_weight is None else location_weight[:, None, start : start + scores.shape[2]]


def _blocks(scores: Tensor) -> int:
    """Images that are read at once."""
    if scores.device.type != "cpu" or torch.compiler.is_compiling():
        return len(scores)
    return max(1, BLOCK // (scores.shape[1] * scores.shape[2]))


def _softplus_sums(scores: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """(B,) float64: a large logit is added here, and taken away where it is wanted."""
    size, sums = _blocks(scores), []
    for index, logits in enumerate(torch.split(scores, size)):
        values = F.softplus(at_least_float32(logits))
        if location_weight is not None:
            values = values * torch.split(location_weight, size)[index]
        if class_weight is not None:
            values = values * class_weight[:, None]
        sums.append(values.sum((1, 2), dtype=torch.float64))
    return torch.cat(sums)


def _write_sigmoid(
    target: Tensor,
    scores: Tensor,
    of_sums: Tensor,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
) -> None:
    """Into ``target``: the gradient of `_softplus_sums`."""
    size = _blocks(scores)
    parts = zip(*(torch.split(values, size) for values in (target, scores, of_sums)), strict=True)
    for index, (out, logits, factor) in enumerate(parts):
        gradient = at_least_float32(logits).sigmoid() * factor[:, None, None]
        if location_weight is not None:
            gradient = gradient * torch.split(location_weight, size)[index]
        if class_weight is not None:
            gradient = gradient * class_weight[:, None]
        out.copy_(gradient)
