"""Penalties on the distance between a predicted and a true value."""

import torch.nn.functional as F
from torch import Tensor


def squared_error(pred: Tensor, target: Tensor) -> Tensor:
    """(p - t)^2: YOLOv1's only penalty. Its gradient grows with the error, so large errors dominate."""
    return F.mse_loss(
        pred, target.expand_as(pred), reduction="none"
    )  # one pass each for the value and the gradient


def absolute_error(pred: Tensor, target: Tensor) -> Tensor:
    """|p - t|: every error pulls equally hard; the gradient at 0 is 0."""
    return (pred - target).abs()


def huber(pred: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Huber (1964): (p - t)^2 / 2 within ``delta`` of the target, delta * (|p - t| - delta / 2) beyond it."""
    if not delta > 0:
        raise ValueError(f"delta: expected a number > 0; got {delta!r}")
    error = (pred - target).abs()
    inside = error.clamp(max=delta)
    return inside * (error - inside / 2)
