"""Losses by kernels are those of torch: who answers, every term of each image, the gradient.

What each engine promises by itself is in `tests.contract`."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from tests.kernels.scenes import (
    EACH,
    SCENES,
    SINGLE,
    C,
    agree,
    crowded,
    gradients,
    losses,
    raw_for,
    weighed_and_ignored,
)

import yolosses as yl
from yolosses.assigners import SimOTA

pytestmark = pytest.mark.parametrize("impl", ["numba", "triton"])


@pytest.fixture(autouse=True)
def _installed(impl: str) -> None:
    pytest.importorskip(impl)


@pytest.mark.parametrize("targets", SCENES.values(), ids=SCENES)
@EACH
def test_the_same_as_by_torch(family: type[Any], bins: int, targets: yl.Targets, impl: str) -> None:
    output = agree(losses(family, bins, impl), raw_for(family, bins), targets)
    assert output.assignment.mask[0].any() == targets.mask.any()
    assert not output.assignment.mask[1].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@EACH
def test_half_precision(family: type[Any], bins: int, dtype: torch.dtype, impl: str) -> None:
    """Only the gradient is rounded. Triton's interpreter rounds a bfloat16 towards 0, and of the class of a pair the
    gradient is a difference of two rounded numbers below 1/4."""
    unit, raw = torch.finfo(dtype).eps, raw_for(family, bins, dtype)
    output = agree(losses(family, bins, impl), raw, crowded(), rtol=2 * unit, atol=unit / 4)
    assert output.per_image.dtype == torch.float32


@EACH
def test_float64(family: type[Any], bins: int, impl: str) -> None:
    """Of which Triton assigns by torch."""
    raw = raw_for(family, bins, torch.float64)
    ours, theirs = (loss(raw, weighed_and_ignored()) for loss in losses(family, bins, impl))
    torch.testing.assert_close(ours.per_image, theirs.per_image, rtol=1e-10, atol=1e-12)
    for mine, wanted in zip(gradients(ours, raw), gradients(theirs, raw), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 0.1},
        {"class_weight": torch.tensor([0.0, 1.0, 2.5])},
        {"label_smoothing": 0.2, "class_weight": torch.tensor([0.5, 1.0, 2.5])},
        {"topk": 3, "alpha": 1.0, "beta": 2.0, "least_side": 0.0},
    ],
    ids=["smoothing", "class weights", "both", "another assignment"],
)
def test_other_options(options: dict[str, Any], impl: str) -> None:
    agree(losses(yl.YOLOv8Loss, 4, impl, **options), raw_for(yl.YOLOv8Loss, 4), weighed_and_ignored())


def test_another_assigner_is_left_as_it_is(impl: str) -> None:
    ours, theirs = losses(yl.YOLOv8Loss, 4, impl, assigner=SimOTA())
    raw, targets = raw_for(yl.YOLOv8Loss, 4), crowded()
    torch.testing.assert_close(ours(raw, targets).per_image, theirs(raw, targets).per_image, **SINGLE)


def test_more_locations_wanted_than_there_are(impl: str) -> None:
    make = partial(yl.YOLOv8Loss, num_classes=C, bins=4, strides=(16,), topk=99)
    output = agree((make(impl=impl), make(impl="torch")), raw_for(yl.YOLOv8Loss, 4)[1:], crowded())
    assert output.assignment.mask.shape[1] == 5 * 24


@pytest.mark.parametrize("layout", ["channels last", "flattened", "the same numbers everywhere"])
def test_layouts(layout: str, impl: str) -> None:
    raw, options = [level.detach() for level in raw_for(yl.YOLOv8Loss, 4)], {}
    if layout == "channels last":
        raw = [level.to(memory_format=torch.channels_last) for level in raw]
    elif layout == "flattened":
        joined, options = torch.cat([level.flatten(2) for level in raw], 2), {"image_size": (64, 96)}
        raw = [part.contiguous() for part in joined.split([16, C], 1)]
    else:  # all strides are 0
        raw = [torch.full((1, 1, 1, 1), 0.3).expand_as(level) for level in raw]
    parts = [part.requires_grad_() for part in raw]
    agree(losses(yl.YOLOv8Loss, 4, impl, **options), parts, weighed_and_ignored())


def test_a_gradient_can_be_asked_for_twice(impl: str) -> None:
    raw = raw_for(yl.YOLOv8Loss, 4)
    total = losses(yl.YOLOv8Loss, 4, impl)[0](raw, crowded()).total.sum()
    twice = [torch.autograd.grad(total, raw, retain_graph=True) for _ in range(2)]
    for first, second in zip(*twice, strict=True):
        assert torch.equal(first, second)
