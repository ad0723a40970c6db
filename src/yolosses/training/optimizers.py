"""Optimisers, with weight decay on weights only: not on biases and batch normalisation, as in Darknet."""

from torch import nn
from torch.optim import SGD, AdamW, Optimizer


def adamw(model: nn.Module, learning_rate: float, *, weight_decay: float = 0.05) -> Optimizer:
    """AdamW; its decay is decoupled from the gradient."""
    return AdamW(_groups(model, weight_decay), lr=learning_rate, fused=True)


def sgd(
    model: nn.Module, learning_rate: float, *, momentum: float = 0.9, weight_decay: float = 5e-4
) -> Optimizer:
    """The paper's optimiser: momentum 0.9, decay 0.0005."""
    return SGD(_groups(model, weight_decay), lr=learning_rate, momentum=momentum)


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
