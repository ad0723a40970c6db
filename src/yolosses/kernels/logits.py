"""Cross-entropies of all class logits: the full passes over the logits that stay in torch.

BCE(x, t) = softplus(x) - t x, so that over all locations and classes it is a sum of softplus, from which t x is
subtracted where there is a target; its gradient is sigmoid(x), from which t is subtracted there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from yolosses import modes
from yolosses.precision import at_least_float32

MODERATE, LOW = 32.0, 10.0
"""Below the first a cross-entropy loses nothing in a float32 sum; below the second the product of eight factors
1 + exp(x) fits into a float32."""
BLOCK = 1 << 19
"""Logits that are read at once on a CPU, so that intermediate results stay in the cache."""


def views_of(parts: Sequence[Tensor], box_channels: int, maps: bool) -> list[tuple[Tensor, Tensor]]:
    """Boxes and class logits of each level.

    Args:
        parts: with ``maps`` one map (B, box_channels + C, rows, cols) a level, or these already flattened (B, ., n);
            else boxes (B, box_channels, A) and scores (B, C, A), which are returned as one level.

    Returns:
        (B, box_channels, n) and (B, C, n) of each level.
    """
    if not maps:
        return [(parts[0], parts[1])]
    levels = [part.flatten(2) for part in parts]
    return [(level[:, :box_channels], level[:, box_channels:]) for level in levels]


def part_of(location_weight: Tensor | None, start: int, scores: Tensor) -> Tensor | None:
    """(B, 1, n) of the weights (B, A), for logits (B, C, n) whose first location is number ``start``."""
    return None if location_weight is None else location_weight[:, None, start : start + scores.shape[2]]


def softplus_sums(scores: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """The sum of softplus of the logits of each image: (B,) float64, because large positive logits cancel against the
    target term later.

    Args:
        scores: (B, C, n), any floating dtype. location_weight: (B, 1, n), class_weight: (C,); None where all are 1.
    """
    size = _images_in_block(scores)
    parts = torch.split(scores, size)
    weights = [None] * len(parts) if location_weight is None else torch.split(location_weight, size)
    return torch.cat(
        [
            _sums_of_block(at_least_float32(part), weight, class_weight)
            for part, weight in zip(parts, weights, strict=True)
        ]
    )


def write_sigmoid(
    target: Tensor,
    scores: Tensor,
    of_sums: Tensor,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
) -> None:
    """Into ``target`` (B, C, n): the gradient of `softplus_sums`, times ``of_sums`` (B,)."""
    size = _images_in_block(scores)
    parts = zip(*(torch.split(values, size) for values in (target, scores, of_sums)), strict=True)
    for index, (out, logits, factor) in enumerate(parts):
        factors = factor[:, None, None]
        if location_weight is not None:
            factors = factors * torch.split(location_weight, size)[index]
        if class_weight is not None:
            factors = factors * class_weight[:, None]
        if not modes.dynamic_lengths(out):  # 0 times NaN is nothing where a term is switched off
            out.copy_(torch.where(factors != 0, at_least_float32(logits).sigmoid() * factors, 0))
        elif not factor.any():
            out.zero_()
        elif out.dtype == factor.dtype:
            torch.sigmoid(logits, out=out).mul_(factors)
        else:
            out.copy_(at_least_float32(logits).sigmoid() * factors)


def _images_in_block(scores: Tensor) -> int:
    if not modes.dynamic_lengths(scores):
        return max(1, scores.shape[0])
    return max(1, BLOCK // max(1, scores.shape[1] * scores.shape[2]))


def _sums_of_block(logits: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """`softplus_sums` of some images. How one is summed does not depend on the weights of another."""
    free = modes.dynamic_lengths(logits) and logits.numel() > 0
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
    # A float64 sum makes a copy of all values on a CPU, and is rarely needed.
    small = modes.dynamic_lengths(values) and values.numel() > 0 and bool(values.amax() < MODERATE)
    return values.sum((1, 2), dtype=None if small else torch.float64).double()


def _softplus_sum_of_low(logits: Tensor) -> Tensor:
    """(B,) the sum of softplus of logits below `LOW`: one logarithm of the product of eight factors, not eight.

    Each factor is 1 + q, and only its q is kept, (1 + a)(1 + b) = 1 + (a + b + a b): nothing is lost where q is small.
    """
    q = logits.exp().flatten(1)
    for _ in range(3):
        if q.shape[1] % 2:
            break
        a, b = q.chunk(2, 1)
        q = torch.addcmul(a, a, b).add_(b)
    return q.log1p_().sum(1)
