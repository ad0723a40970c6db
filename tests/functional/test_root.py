"""The root that goes on as its tangent."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from yolosses.functional import squared_error, tangent_sqrt

EPS = 1e-4


def at(size: float, eps: float = EPS) -> tuple[float, float]:
    """Value and slope."""
    x = torch.tensor(size, dtype=torch.float64, requires_grad=True)
    value = tangent_sqrt(x, eps=eps)
    (slope,) = torch.autograd.grad(value, x)
    return value.item(), slope.item()


@given(size=st.floats(1.001e-4, 1e6))
def test_above_eps_it_is_the_root(size: float) -> None:
    value, slope = at(size)
    assert value == pytest.approx(math.sqrt(size), rel=1e-14)
    assert slope == pytest.approx(0.5 / size**0.5, rel=1e-12)


@given(size=st.floats(-100, EPS))
def test_from_eps_down_it_is_the_tangent_at_eps(size: float) -> None:
    assert at(size) == pytest.approx((0.01 + (size - EPS) * 50, 50), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("eps", [1e-6, 1e-4, 0.25])
def test_value_and_slope_are_continuous(eps: float) -> None:
    below, above = at(eps * (1 - 1e-10), eps), at(eps * (1 + 1e-10), eps)
    assert below == pytest.approx(above, rel=1e-9)
    assert at(eps, eps) == pytest.approx((eps**0.5, 0.5 / eps**0.5), rel=1e-12)


@given(a=st.floats(-10, 10), b=st.floats(-10, 10))
def test_it_grows(a: float, b: float) -> None:
    if a < b:
        assert at(a)[0] <= at(b)[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("size", [-10.0, -1e-6, -0.0, 0.0, 1e-12, 1e-40, EPS])
def test_squared_error_pushes_every_size_too_small_up(size: float, dtype: torch.dtype) -> None:
    pred = torch.tensor(size, dtype=dtype, requires_grad=True)
    value = squared_error(tangent_sqrt(pred), torch.tensor(0.3, dtype=dtype))
    value.backward()
    assert value.isfinite()
    assert pred.grad is not None
    assert pred.grad.isfinite()
    assert pred.grad <= -2 * 0.29 * 50 * (1 - 1e-5)  # 2 (p - t) dp/dsize, at p <= 0.01


def test_eps_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"^eps: expected a number > 0; got 0\.0$"):
        tangent_sqrt(torch.ones(1), eps=0.0)
