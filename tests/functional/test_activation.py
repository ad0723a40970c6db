"""Which activation a penalty stands for."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from yolosses.functional import (
    Penalty,
    absolute_error,
    activation_of,
    binary_cross_entropy_with_logits,
    huber,
    sigmoid_focal,
    softmax_cross_entropy,
    squared_error,
)


def my_own(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs()


LOGITS = torch.tensor([[0.0, 1.0], [2.0, -1.0]])


@pytest.mark.parametrize(
    "penalty",
    [squared_error, absolute_error, huber, partial(huber, delta=2.0), my_own, partial(my_own)],
)
def test_penalties_on_values_take_the_output_as_it_is(penalty: Penalty) -> None:
    assert torch.equal(activation_of(penalty)(LOGITS), LOGITS)


@pytest.mark.parametrize(
    "penalty",
    [
        binary_cross_entropy_with_logits,
        sigmoid_focal,
        partial(sigmoid_focal, gamma=1.0),
        partial(partial(sigmoid_focal, gamma=1.0), alpha=None),
    ],
)
def test_penalties_on_logits_stand_for_a_sigmoid(penalty: Penalty) -> None:
    assert torch.equal(activation_of(penalty)(LOGITS), LOGITS.sigmoid())


@pytest.mark.parametrize("penalty", [softmax_cross_entropy, partial(softmax_cross_entropy)])
def test_cross_entropy_stands_for_a_softmax_over_the_classes(penalty: Penalty) -> None:
    assert torch.equal(activation_of(penalty)(LOGITS), LOGITS.softmax(-1))


def test_the_same_activation_is_the_same_object() -> None:
    """Losses compare activations to see whether two penalties share an output."""
    assert activation_of(squared_error) is activation_of(huber)
    assert activation_of(sigmoid_focal) is activation_of(binary_cross_entropy_with_logits)
