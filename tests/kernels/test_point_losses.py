"""YOLOv8 and YOLOv10 with ``impl="triton"`` are those of torch: who answers, every term of each image, the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import pytest
import torch
from tests.hazards import NoHostSync
from tests.kernels.scenes import (
    EACH,
    SCENES,
    SINGLE,
    C,
    agree,
    crowded,
    gradients,
    leaves,
    raw_for,
    weighed_and_ignored,
)
from tests.kernels.scenes import losses as by_two_ways

import yolosses as yl
from yolosses import host
from yolosses.assigners import SimOTA, TaskAligned
from yolosses.functional import giou_loss

pytest.importorskip("triton")

from yolosses.kernels.triton import point_sums, task_aligned


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is around the kernels has fixed shapes."""
    monkeypatch.setattr(host, "on_host", lambda tensor: False)


losses = partial(by_two_ways, impl="triton")


@contextmanager
def kernels() -> Iterator[tuple[mock.Mock, mock.Mock]]:
    """Watches the kernels that assign and those that add up."""
    with (
        mock.patch.object(task_aligned, "assign", wraps=task_aligned.assign) as assign,
        mock.patch.object(point_sums, "point_sums", wraps=point_sums.point_sums) as sums,
    ):
        yield assign, sums


@pytest.mark.parametrize("targets", SCENES.values(), ids=SCENES)
@EACH
def test_the_same_as_by_torch(family: type[Any], bins: int, targets: yl.Targets) -> None:
    with kernels() as used:
        output = agree(losses(family, bins), raw_for(family, bins), targets)
    assert [kernel.call_count for kernel in used] == [2 if family is yl.YOLOv10Loss else 1] * 2
    assert output.assignment.mask[0].any() == targets.mask.any()
    assert not output.assignment.mask[1].any()


@EACH
def test_lists_of_pairs_on_a_cpu(family: type[Any], bins: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert host.on_host(torch.zeros(()))
    agree(losses(family, bins), raw_for(family, bins), weighed_and_ignored())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@EACH
def test_half_precision(family: type[Any], bins: int, dtype: torch.dtype) -> None:
    """Only the gradient is rounded. Triton's interpreter rounds a bfloat16 towards 0, and of the class of a pair the
    gradient is a difference of two rounded numbers below 1/4."""
    unit = torch.finfo(dtype).eps
    output = agree(
        losses(family, bins), raw_for(family, bins, dtype), crowded(), rtol=2 * unit, atol=unit / 4
    )
    assert output.per_image.dtype == torch.float32


@pytest.mark.parametrize(
    "options", [{"label_smoothing": 0.1}, {"class_weight": torch.tensor([0.0, 1.0, 2.5])}], ids=str
)
def test_other_options(options: dict[str, Any]) -> None:
    agree(losses(yl.YOLOv8Loss, 4, **options), raw_for(yl.YOLOv8Loss, 4), crowded())


@EACH
def test_another_box_loss_is_computed_by_torch(family: type[Any], bins: int) -> None:
    with kernels() as (assign, sums):
        agree(losses(family, bins, box_loss=giou_loss), raw_for(family, bins), crowded())
    assert assign.called
    assert not sums.called


def test_another_assigner_is_left_as_it_is() -> None:
    with kernels() as (assign, sums):
        ours, theirs = losses(yl.YOLOv8Loss, 4, assigner=SimOTA())
        raw, targets = raw_for(yl.YOLOv8Loss, 4), crowded()
        torch.testing.assert_close(ours(raw, targets).per_image, theirs(raw, targets).per_image, **SINGLE)
    assert not assign.called
    assert sums.called


def test_flattened_outputs() -> None:
    raw = [level.flatten(2) for level in raw_for(yl.YOLOv8Loss, 4)]
    joined = torch.cat(raw, 2).detach()
    parts = [part.contiguous().requires_grad_() for part in joined.split([16, C], 1)]
    agree(losses(yl.YOLOv8Loss, 4, image_size=(64, 96)), parts, crowded())


def test_more_locations_wanted_than_there_are() -> None:
    pair = tuple(
        yl.YOLOv8Loss(num_classes=C, bins=4, strides=(16,), topk=99, impl=impl)
        for impl in ("triton", "torch")
    )
    output = agree(pair, raw_for(yl.YOLOv8Loss, 4)[1:], crowded())
    assert output.assignment.mask.shape[1] == 5 * 24


@EACH
def test_a_gpu_never_waits(family: type[Any], bins: int) -> None:
    options: dict[str, Any] = {"class_weight": torch.ones(C), "reduction": "mean"}
    (loss, _), raw, targets = losses(family, bins, **options), raw_for(family, bins), weighed_and_ignored()
    with NoHostSync():
        loss(raw, targets, normalizer=torch.ones(())).total.backward()


@EACH
def test_float64_needs_an_assignment(family: type[Any], bins: int) -> None:
    (loss, by_torch), raw = losses(family, bins), raw_for(family, bins, torch.float64)
    with pytest.raises(ValueError, match=r"^pred_boxes: expected float32 for impl='triton'; got float64$"):
        loss(raw, crowded())
    assignment = by_torch.assign(raw, crowded())
    ours, theirs = (one(raw, crowded(), assignment) for one in (loss, by_torch))
    torch.testing.assert_close(ours.per_image, theirs.per_image, rtol=1e-11, atol=1e-12)
    for mine, wanted in zip(gradients(ours, raw), gradients(theirs, raw), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-10, atol=1e-13)


@EACH
def test_without_a_gpu_or_an_interpreter_it_says_so(
    family: type[Any], bins: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, raw = losses(family, bins)[0], raw_for(family, bins)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ValueError, match=r"^impl: 'triton' expected tensors on a GPU; got cpu$"):
        loss(raw, crowded())


def test_what_explains_is_of_torch() -> None:
    raw, targets = raw_for(yl.YOLOv8Loss, 4), crowded()
    loss = losses(yl.YOLOv8Loss, 4)[0]
    assert isinstance(loss.assigner, TaskAligned)
    output = loss(raw, targets)
    with kernels() as (_, sums):
        terms = loss.elementwise(raw, targets, output.assignment)
    assert not sums.called
    torch.testing.assert_close(loss.reduce(terms, output.assignment).per_image, output.per_image, **SINGLE)


@EACH
@pytest.mark.parametrize("name", ["predictor", "object"])
@pytest.mark.parametrize("number", [-1, 10**6])
def test_an_assignment_of_others_is_no_number(family: type[Any], bins: int, name: str, number: int) -> None:
    """Nothing is read or written outside; the loss of the image shows it, those of the others are as they were."""
    (loss, _), raw, targets = losses(family, bins), raw_for(family, bins), crowded()
    assignment = loss(raw, targets).assignment
    rows = assignment.mask.nonzero()
    image, pair = rows[-1].tolist()
    wrong = getattr(assignment, name).clone()
    wrong[image, pair] = number
    output = loss(raw, targets, replace(assignment, **{name: wrong}))
    assert output.per_image[image].isnan().any()
    assert all(
        gradient.shape == leaf.shape
        for gradient, leaf in zip(gradients(output, raw), leaves(raw), strict=True)
    )
