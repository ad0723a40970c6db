"""Elementary functions and overlaps of the loops, against float64 and against `boxes`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from yolosses.boxes import paired_ciou
from yolosses.boxes import paired_iou as iou_of_torch
from yolosses.boxes.similarity import _angle

pytest.importorskip("numba")

from yolosses.kernels.numba.arithmetic import exp, not_negative, sigmoid, softplus
from yolosses.kernels.numba.complete_iou import angle, complete_iou, complete_iou_gradient, paired_iou
from yolosses.kernels.numba.logits import softplus_sums, write_sigmoid, write_zeros
from yolosses.kernels.numba.point_terms import _softmax

NUMBERS = np.concatenate([np.linspace(-87, 0, 20_001), -(10.0 ** np.linspace(-8, 0, 2_001))]).astype(
    np.float32
)


def test_the_exponential() -> None:
    found = np.array([exp(x) for x in NUMBERS])
    assert (found == found.astype(np.float32)).all()
    exact = np.exp(NUMBERS.astype(np.float64))
    assert np.abs(found / exact - 1).max() < 8e-8
    assert exp(np.float32(0)) == 1
    assert exp(np.float32(-1000)) == exp(np.float32(-87))


def test_softplus() -> None:
    x = np.concatenate([NUMBERS, -NUMBERS])
    found = np.array([softplus(number) for number in x])
    exact = np.logaddexp(0, x.astype(np.float64))
    assert np.abs(found / exact - 1).max() < 3e-7
    assert softplus(np.float32(np.inf)) == np.inf
    assert np.isnan(softplus(np.float32(np.nan)))


def test_sigmoid() -> None:
    x = np.concatenate([NUMBERS, -NUMBERS])
    found = np.array([sigmoid(number) for number in x])
    assert np.abs(found * (1 + np.exp(-x.astype(np.float64))) - 1).max() < 3e-7
    assert [sigmoid(np.float32(value)) for value in (np.inf, 1000, -1000)] == pytest.approx(
        [1, 1, 0], abs=1e-30
    )
    assert np.isnan(sigmoid(np.float32(np.nan)))


@pytest.mark.parametrize("special", [None, np.nan, np.inf, -np.inf])
def test_softmax(special: float | None) -> None:
    """NaN and infinity have no distribution; minus infinity has probability 0."""
    row = torch.randn(16, generator=torch.Generator().manual_seed(2)) * 5
    if special is not None:
        row[3] = special
    logs, probabilities = row.clone(), torch.empty(16)
    _softmax(logs.numpy(), probabilities.numpy())
    torch.testing.assert_close(logs, row.log_softmax(0), equal_nan=True)
    torch.testing.assert_close(probabilities, row.softmax(0), equal_nan=True)


def logits(seed: int, scale: float = 3.0) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(3, 5, count, generator=noise) - 2 for count in (700, 30, 1)]


def channels_last(level: Tensor) -> Tensor:
    return level.mT.contiguous().mT


def part_of_more(level: Tensor) -> Tensor:
    return torch.cat((level, level, level), 1)[:, 5:10]


def every_other(level: Tensor) -> Tensor:
    return level.repeat_interleave(2, 2)[:, :, ::2]


@pytest.mark.parametrize("layout", [torch.clone, channels_last, part_of_more, every_other])
@pytest.mark.parametrize("weights", ["none", "locations", "classes", "both"])
def test_sums_of_softplus(layout: object, weights: str) -> None:
    assert callable(layout)
    noise, levels = torch.Generator().manual_seed(9), logits(1)
    of_location = torch.rand(3, 731, generator=noise) if weights in ("locations", "both") else None
    of_class = torch.rand(5, generator=noise) if weights in ("classes", "both") else None
    exact = torch.nn.functional.softplus(torch.cat(levels, 2).double())
    exact = exact * (1 if of_location is None else of_location[:, None])
    exact = exact * (1 if of_class is None else of_class[:, None])
    found = softplus_sums([layout(level) for level in levels], of_location, of_class)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, exact.sum((1, 2)), rtol=2e-7, atol=0)


@pytest.mark.parametrize("layout", [torch.clone, channels_last, part_of_more, every_other])
@pytest.mark.parametrize("weights", ["none", "locations", "classes", "both"])
def test_their_gradient(layout: object, weights: str) -> None:
    assert callable(layout)
    noise, levels = torch.Generator().manual_seed(9), logits(1)
    of_location = torch.rand(3, 731, generator=noise) if weights in ("locations", "both") else None
    of_class = torch.rand(5, generator=noise) if weights in ("classes", "both") else None
    of_sums = torch.tensor([1.0, 0.0, -2.0])
    exact = torch.cat(levels, 2).sigmoid() * of_sums[:, None, None]
    exact = exact * (1 if of_location is None else of_location[:, None])
    exact = exact * (1 if of_class is None else of_class[:, None])
    for order in (torch.clone, layout):
        targets = [order(torch.full_like(level, torch.nan)) for level in levels]
        write_sigmoid(targets, [layout(level) for level in levels], of_sums, of_location, of_class)
        torch.testing.assert_close(torch.cat(targets, 2), exact, rtol=1e-6, atol=1e-12)
        write_zeros(targets)
        assert not torch.cat(targets, 2).any()


def test_a_large_logit_hides_no_small_one() -> None:
    """It is taken off again where it is wanted: what is left is the sum of all others."""
    level = torch.full((1, 1, 1000), -4.0)
    level[0, 0, 400] = 1e7
    found = softplus_sums([level], None, None) - 1e7
    assert found.item() == pytest.approx(999 * np.logaddexp(0, -4.0), rel=1e-6)


def box(*edges: float) -> st.SearchStrategy[tuple[float, ...]]:
    """Also without size, of negative size, and with edges in common."""
    number = st.one_of(st.integers(-400, 400).map(lambda n: n / 8), st.sampled_from([0.0, -0.0, 0.3, *edges]))
    return st.tuples(number, number, number, number)


BOX, EXTREME = box(), box(1e-20, 1e15)


@given(first=BOX, second=BOX)
@example(first=(4.0, 4.0, 2.0, 2.0), second=(4.0, 4.0, 2.0, 2.0))
@example(first=(4.0, 4.0, 2.0, 2.0), second=(5.0, 4.0, 2.0, 4.0))
@example(first=(4.0, 4.0, -2.0, 0.0), second=(4.0, 4.0, 2.0, 2.0))
def test_the_complete_iou_and_its_gradient(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    boxes = (
        torch.tensor(first, dtype=torch.float64).requires_grad_(),
        torch.tensor(second, dtype=torch.float64),
    )
    wanted = paired_ciou(*boxes)
    pull = torch.autograd.grad(wanted, boxes[0])[0]
    (x, y, w, h), (x2, y2, w2, h2) = map(np.float64, first), map(np.float64, second)
    turns = angle(not_negative(w), not_negative(h)), angle(not_negative(w2), not_negative(h2))
    value, *gradient = complete_iou_gradient(x - x2, y - y2, w, h, w2, h2)
    assert value == complete_iou(x - x2, y - y2, w, h, w2, h2, *turns)
    assert value == pytest.approx(wanted.item(), rel=1e-12, abs=1e-12)
    torch.testing.assert_close(torch.tensor(gradient, dtype=torch.float64), pull, rtol=1e-9, atol=1e-12)


@given(first=EXTREME, second=EXTREME)
def test_overlaps_in_float32_are_those_of_torch_to_the_last_bits(
    first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    """In the same order of operations, so that what is equal there is equal here."""
    boxes = torch.tensor([first, second], dtype=torch.float32)
    (x, y, w, h), (x2, y2, w2, h2) = boxes.numpy()
    found = paired_iou(x - x2, y - y2, w, h, w2, h2)
    assert found == iou_of_torch(*boxes).item()
    assert angle(np.abs(w), np.abs(h)) == pytest.approx(_angle(boxes[0, 2:].abs()).item(), rel=2e-7)
