"""Rows and one channel of maps, read with one gradient, are those that indexing reads with several."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.hazards import LargestTensor
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl
from yolosses import host
from yolosses.codecs.levels import unravel
from yolosses.losses.pairs import Pairs
from yolosses.losses.rows import read_rows


def views(dtype: torch.dtype = torch.float64) -> tuple[list[Tensor], list[Tensor]]:
    """Maps as a network emits them, and views of them with the numbers last."""
    noise = torch.Generator().manual_seed(1)
    raw = [
        torch.randn(2, 3 * 7, side, side, generator=noise, dtype=torch.float64).to(dtype).requires_grad_()
        for side in (4, 2)
    ]
    return raw, [level.view(2, 3, 7, *level.shape[2:]).permute(0, 1, 3, 4, 2) for level in raw]


PAIRS = Pairs(torch.tensor([0, 1, 1, 0, 1]), torch.tensor([5, 47, 47, 48, 59]), (3, 2))  # one of them twice


def test_values_and_gradients_are_those_of_indexing() -> None:
    raw, levels = views()
    rows, channel = read_rows(levels, PAIRS, channel=4)
    joined = torch.cat([level.reshape(2, -1, 7) for level in levels], 1)
    assert torch.equal(rows, joined[PAIRS.image, PAIRS.predictor])
    assert torch.equal(channel, joined[..., 4])
    weight = torch.linspace(1, 2, rows.numel(), dtype=torch.float64).view_as(rows)
    ours = torch.autograd.grad((rows.square() * weight).sum() + channel.exp().sum(), raw)
    wanted = (joined[PAIRS.image, PAIRS.predictor].square() * weight).sum() + joined[..., 4].exp().sum()
    for a, b in zip(ours, torch.autograd.grad(wanted, raw), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_read_in_float32(dtype: torch.dtype) -> None:
    raw, levels = views(dtype)
    rows, channel = read_rows(levels, PAIRS, channel=4)
    assert rows.dtype == channel.dtype == torch.float32
    gradients = torch.autograd.grad(rows.sum() + 2 * channel.sum(), raw)
    assert [gradient.dtype for gradient in gradients] == [dtype, dtype]
    assert gradients[0].view(2, 3, 7, -1)[1, 2, :, 15].tolist() == [2, 2, 2, 2, 4, 2, 2]  # of two pairs


def test_places_are_numbered_in_order() -> None:
    shape = (3, 4, 5)
    places = unravel(torch.arange(60), shape)
    assert torch.equal(torch.stack(places, 1), torch.cartesian_prod(*(torch.arange(n) for n in shape)))


@pytest.mark.parametrize("loss", [yl.YOLOv5Loss, yl.YOLOv7Loss, yl.YOLOXLoss], ids=lambda loss: loss.__name__)
@pytest.mark.parametrize(
    "options", [{}, {"class_weight": torch.tensor([0.5, 2.0, 0.0])}], ids=["", "weights"]
)
def test_the_value_and_gradient_are_those_of_the_elementwise_terms(loss: Any, options: Any) -> None:
    loss_fn = loss(num_classes=3, **options)
    noise = torch.Generator().manual_seed(2)
    raw = [
        torch.randn(3, loss_fn.channels, side, side, generator=noise, dtype=torch.float64).requires_grad_()
        for side in (8, 4, 2)
    ]
    targets = scattered(3, 3)
    assignment = loss_fn.assign(raw, targets)
    short = loss_fn(raw, targets, assignment)
    long = loss_fn.reduce(loss_fn.elementwise(raw, targets, assignment), assignment)
    torch.testing.assert_close(short.per_image, long.per_image, rtol=1e-12, atol=1e-14)
    for a, b in zip(*(torch.autograd.grad(out.total, raw) for out in (short, long)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-14)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "on_host", lambda tensor: False)
        fixed = loss_fn(raw, targets)
    torch.testing.assert_close(fixed.per_image, loss_fn(raw, targets).per_image, rtol=1e-12, atol=1e-14)


def test_many_objects_do_not_make_large_tensors() -> None:
    """Only pairs that count are fetched, not the 45 possible ones of each object."""
    loss_fn = yl.YOLOv5Loss(num_classes=20)
    raw = [torch.zeros(2, loss_fn.channels, side, side, requires_grad=True) for side in (16, 8, 4)]
    boxes = torch.full((2, 400, 4), 0.5)
    boxes[..., 2:] = 0.02
    targets = yl.Targets(
        boxes=boxes, labels=torch.zeros(2, 400, dtype=torch.int64), mask=torch.ones(2, 400).bool()
    )
    possible = 2 * 400 * 45 * 25
    with LargestTensor() as largest:
        loss_fn(raw, targets).total.backward()
    assert largest.numel < possible / 2, largest.operation
