"""A distance as a distribution: its expectation, and the loss that trains it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.hazards import NoHostSync
from torch import Tensor

from yolosses.functional import distribution_focal, expected_distance

number = st.floats(-20, 20, allow_subnormal=False)
rows = st.integers(2, 17).flatmap(lambda bins: st.lists(number, min_size=bins, max_size=bins))


def by_hand(logits: list[float], target: float) -> float:
    largest = max(logits)
    total = sum(math.exp(z - largest) for z in logits)
    log_probability = [z - largest - math.log(total) for z in logits]
    target = min(max(target, 0.0), len(logits) - 1 - 0.01)
    lower = int(target)
    return -((lower + 1 - target) * log_probability[lower] + (target - lower) * log_probability[lower + 1])


@given(logits=rows, target=st.floats(-1, 20))
def test_is_the_cross_entropy_of_the_two_bins_beside_the_target(logits: list[float], target: float) -> None:
    loss = distribution_focal(
        torch.tensor(logits, dtype=torch.float64), torch.tensor(target, dtype=torch.float64)
    )
    assert loss.item() == pytest.approx(by_hand(logits, target), rel=1e-9, abs=1e-12)


@given(logits=rows)
def test_expectation_is_the_mean_of_the_bins(logits: list[float]) -> None:
    weights = [math.exp(z - max(logits)) for z in logits]
    mean = sum(k * w for k, w in enumerate(weights)) / sum(weights)
    assert expected_distance(torch.tensor(logits, dtype=torch.float64)).item() == pytest.approx(mean)


@given(target=st.floats(0, 14.9))
def test_is_smallest_where_the_expectation_is_the_target(target: float) -> None:
    wanted = torch.tensor(target, dtype=torch.float64)
    lower = int(target)
    best = torch.full((16,), -60.0, dtype=torch.float64)
    best[lower], best[lower + 1] = (
        math.log(max(lower + 1 - target, 1e-12)),
        math.log(max(target - lower, 1e-12)),
    )
    best.requires_grad_()
    loss = distribution_focal(best, wanted)
    (gradient,) = torch.autograd.grad(loss, best)
    assert gradient.abs().max() < 1e-9
    assert expected_distance(best).item() == pytest.approx(target, abs=1e-9)
    for step in (0.1, -0.1):
        moved = best.detach().clone()
        moved[lower] += step
        assert distribution_focal(moved, wanted) > loss - 1e-12


@pytest.mark.parametrize("target", [-3.0, 0.0, 2.0, 15.0, 99.0, 1e30])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_saturated_logits_and_targets_outside_are_finite(target: float, dtype: torch.dtype) -> None:
    for logits in (torch.zeros(16), torch.linspace(-6e4, 6e4, 16), torch.full((16,), 6e4)):
        values = logits.to(dtype).requires_grad_()
        loss = distribution_focal(values, torch.tensor(target))
        loss.backward()
        assert loss.dtype == torch.float32
        assert loss.isfinite()
        assert values.grad is not None
        assert values.grad.isfinite().all()


@pytest.mark.slow
def test_gradcheck_compile_and_no_waiting() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 4, 16, dtype=torch.float64, generator=generator)
    target = torch.rand(5, 4, dtype=torch.float64, generator=generator) * 15

    def both(logits: Tensor, target: Tensor) -> Tensor:
        return distribution_focal(logits, target) + expected_distance(logits)

    assert torch.autograd.gradcheck(lambda z: both(z, target), logits.requires_grad_())
    with NoHostSync():
        eager = both(logits, target)
    assert torch.allclose(torch.compile(both, fullgraph=True)(logits, target), eager)


@pytest.mark.parametrize(
    ("logits", "target", "named"),
    [
        (torch.zeros(3, 1), torch.zeros(3), "logits"),
        (torch.zeros(()), torch.zeros(()), "logits"),
        (torch.zeros(3, 16), torch.zeros(2), "target"),
        (torch.zeros(3, 16), torch.zeros(3, 1), "target"),
    ],
)
def test_errors_name_the_argument(logits: Tensor, target: Tensor, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}: expected"):
        distribution_focal(logits, target)
