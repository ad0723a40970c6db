"""YOLOv1's squared errors with their gradient written down are the formula: value, and derivatives of any order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl
from yolosses.engines import reference, squares

C, GRID = 3, 4


def raw(seed: int, images: int = 2) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.rand(images, GRID, GRID, 10 + C, generator=noise, dtype=torch.float64)


def targets_of(seed: int, *, weight: bool, ignore: bool, images: int = 2) -> yl.Targets:
    noise, made = torch.Generator().manual_seed(seed), scattered(images, C)
    shape = made.mask.shape
    return replace(
        made,
        weight=torch.rand(shape, generator=noise, dtype=torch.float64) * 2 if weight else None,
        ignore=torch.rand(shape, generator=noise) < 0.4 if ignore else None,
    )


def both(loss: Any, output: Tensor, targets: yl.Targets) -> list[yl.LossOutput]:
    """By the squares, and by the formula with autograd."""
    assignment = loss.assign(output, targets)
    with mock.patch.object(reference, "squared_sums", wraps=squares.squared_sums) as used:
        ours = loss(output, targets, assignment)
    assert used.call_count == 1
    return [ours, loss.reduce(loss.elementwise(output, targets, assignment), assignment)]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    weight=st.booleans(),
    ignore=st.booleans(),
    classes=st.booleans(),
    linear=st.booleans(),
    layout=st.sampled_from(["cell", "darknet"]),
    target=st.sampled_from(["iou", "one"]),
)
def test_they_are_the_formula(
    seed: int, weight: bool, ignore: bool, classes: bool, linear: bool, layout: str, target: str
) -> None:
    size = "linear" if linear else "sqrt"
    loss = yl.YOLOv1Loss(
        grid=GRID, num_classes=C, layout=layout, size_encoding=size, size_term=size, confidence_target=target,
        class_weight=[0.0, 1.0, 2.5] if classes else None, reduction="none",
    )  # fmt: skip
    output = raw(seed).flatten(1).requires_grad_()
    ours, theirs = both(loss, output, targets_of(seed, weight=weight, ignore=ignore))
    torch.testing.assert_close(ours.per_image, theirs.per_image, rtol=1e-12, atol=1e-14)
    factors = torch.linspace(0.5, 1.5, ours.per_image.numel(), dtype=torch.float64).view_as(ours.per_image)
    grads = [
        torch.autograd.grad((found.per_image * factors).sum(), output, create_graph=True)[0]
        for found in (ours, theirs)
    ]
    torch.testing.assert_close(*grads, rtol=1e-11, atol=1e-13)
    second = [torch.autograd.grad(grad.sin().sum(), output)[0] for grad in grads]
    torch.testing.assert_close(*second, rtol=1e-11, atol=1e-13)


def test_forward_mode() -> None:
    loss, targets = yl.YOLOv1Loss(grid=GRID, num_classes=C), targets_of(0, weight=True, ignore=True)
    assignment = loss.assign(raw(0), targets)
    pairs = [
        torch.func.jvp(f, (raw(0),), (raw(1),))
        for f in (
            lambda output: loss(output, targets, assignment).per_image,
            lambda output: loss.reduce(loss.elementwise(output, targets, assignment), assignment).per_image,
        )
    ]
    torch.testing.assert_close(*pairs, rtol=1e-12, atol=1e-13)


def test_a_term_that_is_switched_off_goes_through_the_formula() -> None:
    """Where it has no gradient at all, instead of 0 times anything."""
    loss, targets = yl.YOLOv1Loss(grid=GRID, num_classes=C, lambda_cls=0.0), scattered(2, C)
    output = raw(0)
    output[0, 0, 0, 10:] = torch.nan  # no class that counts
    output.requires_grad_()
    with mock.patch.object(reference, "squared_sums") as used:
        found = loss(output, targets)
    assert not used.called
    found.total.backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_autocast_leaves_the_sums_in_float32(dtype: torch.dtype) -> None:
    loss, targets, output = yl.YOLOv1Loss(grid=GRID, num_classes=C), scattered(2, C), raw(0).float()
    with torch.autocast("cpu", dtype=dtype):
        found = loss(output, targets)
    assert torch.equal(found.per_image, loss(output, targets).per_image)
