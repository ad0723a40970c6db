"""What candidates of YOLOv7's assignment cost, and which of them an object takes."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import logsigmoid, pad

MOST = 10
"""Predictors that an object can have: its number is the sum of its ten largest IoUs, rounded down, at least 1."""
IOU_WEIGHT = 3.0
EPS = 1e-8
LEAST_LOG = -100.0


def class_cost(classes: Tensor, objectness: Tensor) -> Tensor:
    """(..., C) what it costs a candidate to belong to each class: sum_c BCE(q_c, 1 for that class, else 0), where q is
    the root of class probability times objectness; of logits (..., C) and (...)."""
    log_q = (logsigmoid(classes) + logsigmoid(objectness)[..., None]) / 2
    log_rest = (-log_q.expm1()).log().clamp(min=LEAST_LOG)  # log(1 - q)
    return -log_rest.sum(-1, keepdim=True) + (log_rest - log_q)


def pair_cost(of_class: Tensor, iou: Tensor) -> Tensor:
    """The cost of pairs whose class costs ``of_class``: the larger ``iou``, the less."""
    return of_class - IOU_WEIGHT * (iou + EPS).log()


def highest_price(cost: Tensor, iou: Tensor) -> tuple[Tensor, Tensor]:
    """(..., 1) how many candidates each object takes, and (..., 1) the largest cost that it pays, of all costs and IoUs
    (..., N); the cost is inf where there is no candidate."""
    most = min(MOST, cost.shape[-1])
    # Always of ten numbers: a sum of fewer may be rounded otherwise.
    largest = pad(iou.topk(most).values, (0, MOST - most))
    number = largest.sum(-1, keepdim=True).long().clamp(1, most)
    return number, cost.topk(most, largest=False).values.gather(-1, number - 1)


def cheapest(cost: Tensor, number: Tensor, price: Tensor) -> Tensor:
    """(..., N) bool, the candidates that each object takes, see `highest_price`.

    One predictor that is there several times costs the same each time; of equals the first are taken, which `topk` does
    not promise.
    """
    below, equal = cost < price, cost == price
    left = number - below.sum(-1, keepdim=True)
    return (below | (equal & (equal.cumsum(-1) <= left))) & cost.isfinite()
