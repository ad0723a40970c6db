"""Penalties between scores and truths."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from yolosses.functional import (
    Penalty,
    binary_cross_entropy_with_logits,
    quality_focal,
    sigmoid_focal,
    softmax_cross_entropy,
    varifocal,
)

LOG_2 = math.log(2)
ON_LOGITS = (
    binary_cross_entropy_with_logits,
    sigmoid_focal,
    partial(sigmoid_focal, gamma=0.5),
    partial(sigmoid_focal, gamma=0.0, alpha=None),
    softmax_cross_entropy,
)


def bce(logit: float, target: float) -> float:
    return binary_cross_entropy_with_logits(
        torch.tensor(logit, dtype=torch.float64), torch.tensor(target, dtype=torch.float64)
    ).item()


def test_binary_cross_entropy_of_an_undecided_logit_is_log_2() -> None:
    assert bce(0, 0) == bce(0, 1) == bce(0, 0.3) == pytest.approx(LOG_2, rel=1e-15)
    assert bce(3, 1) == pytest.approx(math.log(1 + math.exp(-3)), rel=1e-14)
    assert bce(3, 0) == pytest.approx(3 + math.log(1 + math.exp(-3)), rel=1e-14)


def test_the_gradient_of_binary_cross_entropy_is_probability_minus_target() -> None:
    logits = torch.linspace(-8, 8, 17, dtype=torch.float64).requires_grad_()
    binary_cross_entropy_with_logits(logits, torch.full_like(logits, 0.3)).sum().backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, logits.detach().sigmoid() - 0.3, rtol=1e-12, atol=1e-14)


def test_focal_by_hand() -> None:
    # q = 0.8 for a positive: q_t = 0.8, alpha_t = 0.25: 0.25 * 0.2^2 * -log 0.8
    logit = torch.tensor(math.log(4), dtype=torch.float64)
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    assert sigmoid_focal(logit, one).item() == pytest.approx(0.25 * 0.04 * -math.log(0.8), rel=1e-12)
    assert sigmoid_focal(logit, zero).item() == pytest.approx(0.75 * 0.64 * -math.log(0.2), rel=1e-12)
    assert sigmoid_focal(logit, zero, alpha=None, gamma=1).item() == pytest.approx(
        0.8 * -math.log(0.2), rel=1e-12
    )


logits_and_targets = st.lists(
    st.tuples(st.floats(-30, 30, allow_subnormal=False), st.floats(0, 1)), min_size=1, max_size=8
).map(lambda rows: torch.tensor(rows, dtype=torch.float64).unbind(1))


@given(pair=logits_and_targets)
def test_focal_without_its_two_ideas_is_binary_cross_entropy(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    plain = sigmoid_focal(*pair, gamma=0.0, alpha=None)
    torch.testing.assert_close(plain, binary_cross_entropy_with_logits(*pair), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(
        plain, F.binary_cross_entropy_with_logits(*pair, reduction="none"), rtol=1e-12, atol=1e-14
    )


@given(pair=logits_and_targets, gamma=st.sampled_from([0.5, 1.0, 2.0, 5.0]))
def test_focal_is_its_formula(pair: tuple[torch.Tensor, torch.Tensor], gamma: float) -> None:
    logits, target = pair
    for x, t, value in zip(
        logits.tolist(), target.tolist(), sigmoid_focal(*pair, gamma=gamma).tolist(), strict=True
    ):
        q = 1 / (1 + math.exp(-x))
        missed = q * (1 - t) + t / (1 + math.exp(x))
        entropy = max(x, 0) - x * t + math.log1p(math.exp(-abs(x)))
        wanted = (0.25 * t + 0.75 * (1 - t)) * missed**gamma * entropy
        assert value == pytest.approx(wanted, rel=1e-9, abs=1e-13)


def test_softmax_cross_entropy_sums_to_cross_entropy() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    hard = F.one_hot(torch.tensor([0, 3, 1, 1, 2]), 4).double()
    soft = torch.rand(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64).softmax(-1)
    for target in (hard, soft):
        mine = softmax_cross_entropy(logits, target)
        assert mine.shape == (5, 4)
        torch.testing.assert_close(mine.sum(-1), F.cross_entropy(logits, target, reduction="none"))
    assert softmax_cross_entropy(torch.zeros(1, 4), torch.eye(4)[:1]).sum().item() == pytest.approx(
        math.log(4), rel=1e-6
    )


@pytest.mark.parametrize("penalty", ON_LOGITS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_saturated_logits_stay_finite(penalty: Penalty, dtype: torch.dtype) -> None:
    sizes = [-1e4, -100.0, -30.0, 0.0, 30.0, 100.0, 1e4]
    logits = torch.tensor([[a, b] for a in sizes for b in sizes], dtype=dtype).requires_grad_()
    for target in ([1.0, 0.0], [0.0, 1.0], [0.3, 0.7]):
        value = penalty(logits, torch.tensor(target, dtype=dtype).expand_as(logits))
        (grad,) = torch.autograd.grad(value.sum(), logits)
        assert value.isfinite().all()
        assert (value >= 0).all()
        assert grad.isfinite().all()


@pytest.mark.parametrize("penalty", ON_LOGITS)
def test_a_wrong_saturated_logit_is_still_pulled_back(penalty: Penalty) -> None:
    logits = torch.tensor([[-1e4, 1e4]], requires_grad=True)
    penalty(logits, torch.tensor([[1.0, 0.0]])).sum().backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] < -0.2
    assert logits.grad[0, 1] > 0.2


@pytest.mark.parametrize("penalty", ON_LOGITS)
def test_gradients_agree_with_finite_differences(penalty: Penalty) -> None:
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target = torch.rand(3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda pred: penalty(pred, target), logits.requires_grad_())


@given(logit=st.floats(-30, 30), target=st.floats(0, 1), label=st.sampled_from([0.0, 1.0]))
def test_varifocal_is_its_formula(logit: float, target: float, label: float) -> None:
    q = 1 / (1 + math.exp(-logit))
    crossed = max(logit, 0) - logit * target + math.log1p(math.exp(-abs(logit)))
    weight = target if label else 0.75 * q**2
    got = varifocal(*(torch.tensor(v, dtype=torch.float64) for v in (logit, target, label)))
    assert got.item() == pytest.approx(weight * crossed, rel=1e-9, abs=1e-12)


@given(logit=st.floats(-30, 30), target=st.floats(0, 1), beta=st.sampled_from([0.5, 1.0, 2.0]))
def test_quality_focal_is_its_formula(logit: float, target: float, beta: float) -> None:
    q = 1 / (1 + math.exp(-logit))
    crossed = max(logit, 0) - logit * target + math.log1p(math.exp(-abs(logit)))
    got = quality_focal(*(torch.tensor(v, dtype=torch.float64) for v in (logit, target)), beta=beta)
    assert got.item() == pytest.approx(max(abs(target - q), 1e-12) ** beta * crossed, rel=1e-8, abs=1e-9)


def test_quality_focal_is_0_and_flat_at_its_target() -> None:
    logits = torch.tensor([-2.0, 0.0, 1.5], dtype=torch.float64, requires_grad=True)
    loss = quality_focal(logits, logits.detach().sigmoid()).sum()
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-9


def test_varifocal_punishes_a_sure_mistake_more_than_an_unsure_one() -> None:
    zero = torch.zeros(())
    costs = [varifocal(torch.tensor(logit), zero, zero).item() for logit in (-4.0, 0.0, 4.0)]
    plain = [binary_cross_entropy_with_logits(torch.tensor(logit), zero).item() for logit in (-4.0, 0.0, 4.0)]
    shares = [cost / whole for cost, whole in zip(costs, plain, strict=True)]
    assert shares[0] < 0.001 < shares[1] < 0.2 < shares[2] < 0.75


@pytest.mark.parametrize("logit", [-1e4, -200.0, 0.0, 200.0, 1e4])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_focal_forms_are_finite_at_saturated_logits(logit: float, target: float) -> None:
    for form in (
        lambda z, t: varifocal(z, t, (t > 0).float()),
        lambda z, t: quality_focal(z, t, beta=0.5),
    ):
        logits = torch.tensor(logit, requires_grad=True)
        loss = form(logits, torch.tensor(target))
        loss.backward()
        assert loss.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite()


def test_gradients_of_the_focal_forms() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(30, dtype=torch.float64, generator=generator).requires_grad_()
    target = torch.rand(30, dtype=torch.float64, generator=generator)
    label = (target > 0.5).double()
    assert torch.autograd.gradcheck(lambda z: varifocal(z, target, label), logits)
    assert torch.autograd.gradcheck(lambda z: quality_focal(z, target), logits)
