"""Penalties between a score and a truth in [0, 1]. All take logits, which keeps them finite for every
input."""

import torch.nn.functional as F
from torch import Tensor


def binary_cross_entropy_with_logits(logits: Tensor, target: Tensor) -> Tensor:
    """-t log q - (1 - t) log(1 - q) with q = sigmoid(logits). Its gradient with respect to the logit is q -
    t."""
    return F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")


def sigmoid_focal(
    logits: Tensor, target: Tensor, *, alpha: float | None = 0.25, gamma: float = 2.0
) -> Tensor:
    """Focal loss (Lin et al. 2017, eq. 5): alpha_t (1 - q_t)^gamma times the binary cross-entropy.

    q_t = q t + (1 - q)(1 - t), q = sigmoid(logits), and alpha_t likewise; ``alpha=None`` leaves alpha_t out
    (eq. 4). Soft targets are allowed; ``gamma=0, alpha=None`` is binary cross-entropy.
    """
    target = target.to(logits.dtype)
    missed = (
        logits.sigmoid() * (1 - target) + (-logits).sigmoid() * target
    )  # 1 - q_t without cancellation near 0
    # A saturated logit makes 1 - q_t exactly 0, where a power below 1 has an infinite gradient.
    penalty = missed.clamp(min=1e-12).pow(gamma) * binary_cross_entropy_with_logits(logits, target)
    return penalty if alpha is None else penalty * (alpha * target + (1 - alpha) * (1 - target))


def softmax_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-t_c log softmax(logits)_c over the last dimension, one element a class; their sum is the
    cross-entropy."""
    return -target * logits.log_softmax(-1)
