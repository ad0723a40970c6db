"""Penalties on distances."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from yolosses.functional import Penalty, absolute_error, huber, squared_error

values = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=2, max_size=8).map(
    lambda numbers: torch.tensor(numbers, dtype=torch.float64)
)


def at(penalty: Penalty, pred: float, target: float) -> tuple[float, float]:
    """Value and slope at ``pred``."""
    p = torch.tensor(pred, dtype=torch.float64, requires_grad=True)
    value = penalty(p, torch.tensor(target, dtype=torch.float64))
    (slope,) = torch.autograd.grad(value, p)
    return value.item(), slope.item()


@pytest.mark.parametrize(
    ("penalty", "pred", "target", "value", "slope"),
    [
        (squared_error, 3, 1, 4, 4),
        (squared_error, 1, 3, 4, -4),
        (squared_error, 2, 2, 0, 0),
        (absolute_error, 3, 1, 2, 1),
        (absolute_error, 1, 3, 2, -1),
        (absolute_error, 2, 2, 0, 0),
        (huber, 0.5, 0, 0.125, 0.5),  # within delta: half the square
        (huber, 1, 0, 0.5, 1),
        (huber, 3, 0, 2.5, 1),  # beyond: a line of slope delta
        (huber, -3, 0, 2.5, -1),
        (partial(huber, delta=0.1), 3, 0, 0.1 * (3 - 0.05), 0.1),
        (partial(huber, delta=10), 3, 0, 4.5, 3),
        (huber, 2, 2, 0, 0),
    ],
)
def test_known_values(penalty: Penalty, pred: float, target: float, value: float, slope: float) -> None:
    assert at(penalty, pred, target) == pytest.approx((value, slope), rel=1e-12)


@given(pred=values, target=st.floats(-100, 100), delta=st.floats(0.01, 50))
def test_as_in_torch(pred: Tensor, target: float, delta: float) -> None:
    t = torch.full_like(pred, target)
    pairs = (
        (squared_error(pred, t), F.mse_loss(pred, t, reduction="none")),
        (absolute_error(pred, t), F.l1_loss(pred, t, reduction="none")),
        (huber(pred, t, delta=delta), F.huber_loss(pred, t, reduction="none", delta=delta)),
    )
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_huber_is_smooth_where_its_pieces_meet() -> None:
    below, above = at(huber, 1 - 1e-9, 0), at(huber, 1 + 1e-9, 0)
    assert below == pytest.approx(above, abs=1e-8)


@pytest.mark.parametrize("penalty", [squared_error, absolute_error, huber])
def test_shape_and_dtype_stay_and_nothing_is_reduced(penalty: Penalty) -> None:
    for dtype in (torch.float16, torch.float32, torch.float64):
        result = penalty(torch.ones(2, 3, dtype=dtype), torch.zeros(2, 3, dtype=dtype))
        assert result.shape == (2, 3)
        assert result.dtype == dtype


def test_huber_needs_a_positive_delta() -> None:
    with pytest.raises(ValueError, match=r"^delta: expected a number > 0; got 0$"):
        huber(torch.ones(1), torch.zeros(1), delta=0)
