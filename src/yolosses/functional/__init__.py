"""Elementwise penalties: each takes (pred, target) of one shape and returns a tensor of that shape,
unreduced."""

from yolosses.functional.activation import Activation, activation_of, identity, softmax
from yolosses.functional.box_overlap import (
    BoxLoss,
    ciou_loss,
    diou_loss,
    eiou_loss,
    giou_loss,
    iou_loss,
    siou_loss,
    squared_iou_loss,
)
from yolosses.functional.classification import (
    binary_cross_entropy_with_logits,
    quality_focal,
    sigmoid_focal,
    softmax_cross_entropy,
    varifocal,
)
from yolosses.functional.distribution import distribution_focal, expected_distance
from yolosses.functional.penalty import Penalty
from yolosses.functional.regression import absolute_error, huber, squared_error
from yolosses.functional.root import tangent_sqrt

__all__ = [
    "Activation",
    "BoxLoss",
    "Penalty",
    "absolute_error",
    "activation_of",
    "binary_cross_entropy_with_logits",
    "ciou_loss",
    "diou_loss",
    "distribution_focal",
    "eiou_loss",
    "expected_distance",
    "giou_loss",
    "huber",
    "identity",
    "iou_loss",
    "quality_focal",
    "sigmoid_focal",
    "siou_loss",
    "softmax",
    "softmax_cross_entropy",
    "squared_error",
    "squared_iou_loss",
    "tangent_sqrt",
    "varifocal",
]
