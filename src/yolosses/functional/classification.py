"""Penalties between a score and a truth in [0, 1]. All take logits, which keeps them finite for every
input."""

import torch.nn.functional as F
from torch import Tensor

SOFTPLUS_THRESHOLD = 40.0
"""Above it softplus(x) is x also in float64."""


def binary_cross_entropy_with_logits(logits: Tensor, target: Tensor) -> Tensor:
    """-t log q - (1 - t) log(1 - q) with q = sigmoid(logits). Its gradient with respect to the logit is q - t.

    Computed as softplus(x) - t x, which keeps its digits for confident logits: at x = -12, t = 0 it is 6.14e-6, where
    `torch.nn.functional.binary_cross_entropy_with_logits` gives 5.72e-6 in float32.
    """
    return F.softplus(logits, threshold=SOFTPLUS_THRESHOLD) - target.to(logits.dtype) * logits


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


def weighted_cross_entropy(logits: Tensor, target: Tensor, *, pos_weight: float | Tensor) -> Tensor:
    """-w t log q - (1 - t) log(1 - q): binary cross-entropy whose positive part counts ``pos_weight`` w times."""
    return -pos_weight * target * F.logsigmoid(logits) - (1 - target) * F.logsigmoid(-logits)


def weighted_focal(logits: Tensor, target: Tensor, *, pos_weight: float, gamma: float) -> Tensor:
    """`sigmoid_focal` with alpha 0.25 of `weighted_cross_entropy`, as YOLOv5 has it."""
    missed = (-logits).sigmoid() * target + logits.sigmoid() * (1 - target)
    alpha = 0.25 * target + 0.75 * (1 - target)
    # A saturated logit makes it exactly 0, where a power below 1 has an infinite gradient.
    return (
        alpha
        * missed.clamp(min=1e-12).pow(gamma)
        * weighted_cross_entropy(logits, target, pos_weight=pos_weight)
    )


def softmax_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-t_c log softmax(logits)_c over the last dimension, one element a class; their sum is the
    cross-entropy."""
    return -target * logits.log_softmax(-1)


def varifocal(
    logits: Tensor, target: Tensor, label: Tensor, *, alpha: float = 0.75, gamma: float = 2.0
) -> Tensor:
    """Varifocal loss (Zhang et al. 2021, eq. 2) in YOLOv6's form: the binary cross-entropy with the soft ``target`` t,
    times t where ``label`` is 1 and times alpha q^gamma where it is 0, q = sigmoid(logits).

    The weight is not detached: gradient flows through q^gamma. ``label``: 1 for the class of a positive, else 0.
    """
    target, label = target.to(logits.dtype), label.to(logits.dtype)
    weight = alpha * logits.sigmoid().pow(gamma) * (1 - label) + target * label
    return weight * binary_cross_entropy_with_logits(logits, target)


def quality_focal(logits: Tensor, target: Tensor, *, beta: float = 2.0) -> Tensor:
    """Quality focal loss (Li et al. 2020, eq. 5): |t - q|^beta times the binary cross-entropy with the soft target t, q
    = sigmoid(logits)."""
    target = target.to(logits.dtype)
    # At q = t exactly the power has no gradient for beta < 1.
    distance = (target - logits.sigmoid()).abs().clamp(min=1e-12)
    return distance.pow(beta) * binary_cross_entropy_with_logits(logits, target)
