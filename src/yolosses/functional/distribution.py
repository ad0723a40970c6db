"""Distances as distributions over R bins 0 .. R-1 (Li et al. 2020, Generalized Focal Loss)."""

from __future__ import annotations

import torch
from torch import Tensor

MARGIN = 0.01  # the largest target stays this far below the last bin, so that it lies between two


def expected_distance(logits: Tensor) -> Tensor:
    """sum_k k softmax(logits)_k over the last dimension: (..., R) -> (...), at most R-1."""
    bins = torch.arange(logits.shape[-1], device=logits.device, dtype=logits.dtype)
    return (logits.softmax(-1) * bins).sum(-1)


def distribution_focal(logits: Tensor, target: Tensor) -> Tensor:
    """DFL (eq. 6): the cross-entropy with the two bins beside the target, weighted by nearness::

        -((k + 1 - t) log p_k + (t - k) log p_(k+1)),   k = floor(t)

    Args:
        logits: (..., R). target: (...) in bins, brought into [0, R-1.01].

    Returns:
        (...). Its minimum over the logits is the entropy of the two weights, not 0.
    """
    target = target.to(logits.dtype).clamp(0, logits.shape[-1] - 1 - MARGIN)
    left = target.long()
    share = target - left
    log_p = logits.log_softmax(-1)
    near, far = (log_p.gather(-1, (left + step).unsqueeze(-1)).squeeze(-1) for step in (0, 1))
    return -(near * (1 - share) + far * share)
