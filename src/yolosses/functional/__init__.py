"""Elementwise penalties: each takes (pred, target) of one shape and returns a tensor of that shape,
unreduced."""

from yolosses.functional.activation import Activation, activation_of, identity, softmax
from yolosses.functional.classification import (
    binary_cross_entropy_with_logits,
    sigmoid_focal,
    softmax_cross_entropy,
)
from yolosses.functional.penalty import Penalty
from yolosses.functional.regression import absolute_error, huber, squared_error
from yolosses.functional.root import tangent_sqrt

__all__ = [
    "Activation",
    "Penalty",
    "absolute_error",
    "activation_of",
    "binary_cross_entropy_with_logits",
    "huber",
    "identity",
    "sigmoid_focal",
    "softmax",
    "softmax_cross_entropy",
    "squared_error",
    "tangent_sqrt",
]
