"""A penalty decides whether the network's output is a logit or the quantity itself, and so how it is decoded."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from yolosses.functional.classification import (
    binary_cross_entropy_with_logits,
    quality_focal,
    sigmoid_focal,
    softmax_cross_entropy,
    weighted_cross_entropy,
    weighted_focal,
)
from yolosses.functional.penalty import Penalty

Activation = Callable[[Tensor], Tensor]
ON_LOGITS = (
    binary_cross_entropy_with_logits, quality_focal, sigmoid_focal, weighted_cross_entropy, weighted_focal
)  # fmt: skip


def identity(value: Tensor) -> Tensor:
    """The value as it is: linear outputs, as the YOLOv1 network has them."""
    return value


def softmax(logits: Tensor) -> Tensor:
    """Softmax over the last dimension."""
    return logits.softmax(-1)


def activation_of(penalty: Penalty) -> Activation:
    """The function from the network's output to the predicted quantity when it is trained with ``penalty``.

    `sigmoid` for the penalties on logits, `softmax` for `softmax_cross_entropy`, the identity for all others
    (a function of your own included). `functools.partial` objects are looked into.
    """
    function = penalty
    while isinstance(function, partial):
        function = function.func
    if function is softmax_cross_entropy:
        return softmax
    if function in ON_LOGITS:
        return torch.sigmoid
    return identity
