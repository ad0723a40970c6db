"""A distance as a distribution over bins 0, 1, ..., R - 1: its expectation, and the loss that trains it."""

import torch
from torch import Tensor

from yolosses.constants import DFL_MARGIN
from yolosses.precision import at_least_float32


def expected_distance(logits: Tensor) -> Tensor:
    """sum_k k softmax(logits)_k (Li et al. 2020, eq. 5): logits (..., R) -> (...), in [0, R - 1], unit: bins.

    Half precision is computed in float32.
    """
    probability = at_least_float32(logits).softmax(-1)
    return (probability * _bins(probability.shape[-1], probability)).sum(-1)


def expected_distance_of_maps(logits: Tensor) -> Tensor:
    """`expected_distance` where the bins come before the locations: (..., R, n) -> (..., n), without a copy that brings
    them together."""
    probability = at_least_float32(logits).softmax(-2)
    return (probability * _bins(probability.shape[-2], probability)[:, None]).sum(-2)


def _bins(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, dtype=like.dtype, device=like.device)


def distribution_focal(logits: Tensor, target: Tensor) -> Tensor:
    """Distribution focal loss (Li et al. 2020, eq. 6): the cross-entropy with the two bins next to the target.

    -((i + 1 - t) log S_i + (t - i) log S_{i+1}) with S = softmax(logits), i = floor(t). It is smallest, but not 0,
    where S is on those two bins alone and its expectation is t.

    Args:
        logits: (..., R), R >= 2. Half precision is computed in float32.
        target: (...) distances t in bins; clamped to [0, R - 1.01].

    Returns:
        (...)

    Raises:
        ValueError: R < 2, or the target is not of the shape of the logits without their last dimension.
    """
    bins = logits.shape[-1] if logits.ndim else 0
    if bins < 2:
        raise ValueError(f"logits: expected (..., R) with R >= 2; got {tuple(logits.shape)}")
    if target.shape != logits.shape[:-1]:
        raise ValueError(
            f"target: expected {tuple(logits.shape[:-1])} like logits; got {tuple(target.shape)}"
        )
    log_probability = at_least_float32(logits).log_softmax(-1)
    target = target.to(log_probability.dtype).clamp(0.0, bins - 1 - DFL_MARGIN)
    lower = target.floor()
    index = lower.long().clamp(0, bins - 2)[..., None]  # a NaN becomes a NaN, not a place outside
    pair = log_probability.gather(-1, torch.cat((index, index + 1), -1))
    share = target - lower
    return -(pair[..., 0] * (1 - share) + pair[..., 1] * share)
