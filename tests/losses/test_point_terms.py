"""The terms that train are the elementwise terms that explain, summed: in value, per image and in gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract import running
from tests.hazards import LargestTensor
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl

C, BINS = 5, 4


# Every case here holds for what a CPU does, and for what a GPU does. Kernels: tests/kernels.
pytestmark = pytest.mark.parametrize("way", ["torch", "as on a GPU"])


@pytest.fixture(autouse=True)
def by(way: str) -> Iterator[None]:
    with running(way):
        yield


def loss_for(num_classes: int = C, **options: Any) -> yl.YOLOv8Loss:
    return yl.YOLOv8Loss(num_classes=num_classes, bins=BINS, strides=(8, 16, 32), **options)


def maps(seed: int, images: int, dtype: torch.dtype, layout: str) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    raw = [
        torch.randn(images, 4 * BINS + C, side, side, generator=noise, dtype=torch.float64).to(dtype)
        for side in (8, 4, 2)
    ]
    if layout == "channels_last":
        raw = [level.to(memory_format=torch.channels_last) for level in raw]
    if layout == "a slice":
        raw = [torch.cat((level, level), 3)[..., : level.shape[3]] for level in raw]
    return [level.requires_grad_() for level in raw]


def weighed(targets: yl.Targets, seed: int, *, weight: bool, ignore: bool) -> yl.Targets:
    noise = torch.Generator().manual_seed(seed)
    shape = targets.mask.shape
    return yl.Targets(
        boxes=targets.boxes, labels=targets.labels, mask=targets.mask,
        weight=torch.rand(shape, generator=noise, dtype=targets.boxes.dtype) * 2 if weight else None,
        ignore=torch.rand(shape, generator=noise) < 0.3 if ignore else None,
    )  # fmt: skip


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    images=st.integers(1, 3),
    layout=st.sampled_from(["contiguous", "channels_last", "a slice"]),
    weight=st.booleans(),
    ignore=st.booleans(),
    classes=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1]),
    reduction=st.sampled_from(["mean", "sum", "none"]),
)
def test_terms_are_the_sums_of_the_elementwise_terms(
    seed: int, images: int, layout: str, weight: bool, ignore: bool, classes: bool, smoothing: float,
    reduction: str, way: str,
) -> None:  # fmt: skip
    options: dict[str, Any] = {"label_smoothing": smoothing, "reduction": reduction}
    if classes:
        options["class_weight"] = torch.tensor([0.0, 1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    loss = loss_for(**options)
    raw = maps(seed, images, torch.float64, layout)
    targets = weighed(scattered(images, C), seed, weight=weight, ignore=ignore)
    assignment = loss.assign(raw, targets)
    short = loss(raw, targets, assignment)
    long = loss.reduce(loss.elementwise(raw, targets, assignment), assignment)
    torch.testing.assert_close(short.per_image, long.per_image, rtol=1e-12, atol=1e-12)
    factor = torch.linspace(0.5, 1.5, short.total.numel(), dtype=torch.float64).view_as(short.total)
    gradients = [torch.autograd.grad((output.total * factor).sum(), raw) for output in (short, long)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-13)


def test_labels_out_of_range_have_no_target_in_either(way: str) -> None:
    loss, raw = loss_for(2), maps(1, 2, torch.float64, "")
    raw = [level.detach()[:, : 4 * BINS + 2] for level in raw]
    targets = scattered(2, C)
    targets = yl.Targets(boxes=targets.boxes, labels=targets.labels + 1, mask=targets.mask)
    loss.validate = False
    assignment = loss.assign(raw, targets)
    assert (targets.at(assignment.object, assignment.mask).labels >= 2)[assignment.mask].any()
    short = loss(raw, targets, assignment)
    long = loss.reduce(loss.elementwise(raw, targets, assignment), assignment)
    torch.testing.assert_close(short.per_image, long.per_image, rtol=1e-12, atol=0)


def test_a_saturated_logit_of_a_target_does_not_drown_the_rest(way: str) -> None:
    """softplus(x) - t x of a large x is a difference of large numbers: their sum is kept in float64."""
    loss, raw = loss_for(), maps(3, 1, torch.float32, "")
    targets = scattered(1, C)
    assignment = loss.assign(raw, targets)
    truth = targets.at(assignment.object, assignment.mask)
    predictor, label = assignment.predictor[assignment.mask], truth.labels[assignment.mask]
    raw[0].detach().flatten(2)[0, 4 * BINS + label[predictor < 64], predictor[predictor < 64]] = 1e6
    short = loss(raw, targets, assignment)
    exact = [level.detach().double() for level in raw]
    long = loss.reduce(loss.elementwise(exact, targets, assignment), assignment)
    torch.testing.assert_close(short.per_image.double(), long.per_image, rtol=2e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_summed_in_float32(dtype: torch.dtype, way: str) -> None:
    loss = loss_for()
    half, targets = maps(4, 2, dtype, ""), scattered(2, C)
    single = [level.detach().float().requires_grad_() for level in half]
    assignment = loss.assign(single, targets)
    outputs = [loss(raw, targets, assignment) for raw in (half, single)]
    torch.testing.assert_close(*(output.per_image for output in outputs), rtol=1e-6, atol=0)
    ours, theirs = (
        torch.autograd.grad(output.total, raw) for output, raw in zip(outputs, (half, single), strict=True)
    )
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b.to(dtype))


def test_the_gradient_is_the_only_tensor_of_the_outputs_size(way: str) -> None:
    """And nothing of a term is larger than a level: no table of targets, no joined maps."""
    loss = loss_for(80)
    raw = [torch.zeros(32, 96, side, side, requires_grad=True) for side in (16, 8, 4)]
    targets = scattered(32, 80)
    assignment = loss.assign(raw, targets)
    with LargestTensor() as forward:
        output = loss(raw, targets, assignment)
    with LargestTensor() as backward:
        output.total.backward()
    assert forward.nbytes <= raw[0].nbytes, forward.operation
    assert backward.nbytes <= raw[0].nbytes, backward.operation
