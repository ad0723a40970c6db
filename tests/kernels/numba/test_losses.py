"""Losses with ``impl="numba"`` are those of torch: who answers, every term of each image, the gradient."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import pytest
import torch
from tests.hazards import compiled
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
from yolosses.assigners import SimOTA
from yolosses.functional import giou_loss

pytest.importorskip("numba")

from yolosses.kernels.numba import loops, point_terms
from yolosses.losses import looped_points

losses = partial(by_two_ways, impl="numba")


@pytest.mark.parametrize("targets", SCENES.values(), ids=SCENES)
@EACH
def test_the_same_as_by_torch(family: type[Any], bins: int, targets: yl.Targets) -> None:
    with mock.patch.object(looped_points, "_add", wraps=looped_points._add) as used:
        output = agree(losses(family, bins), raw_for(family, bins), targets)
    assert used.call_count == (2 if family is yl.YOLOv10Loss else 1)
    assert output.assignment.mask[0].any() == targets.mask.any()
    assert not output.assignment.mask[1].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@EACH
def test_half_precision(family: type[Any], bins: int, dtype: torch.dtype) -> None:
    unit = torch.finfo(dtype).eps
    raw = raw_for(family, bins, dtype)
    output = agree(losses(family, bins), raw, crowded(), rtol=2 * unit, atol=unit / 4)
    assert output.per_image.dtype == torch.float32


@EACH
def test_float64(family: type[Any], bins: int) -> None:
    raw = raw_for(family, bins, torch.float64)
    ours, theirs = (loss(raw, weighed_and_ignored()) for loss in losses(family, bins))
    torch.testing.assert_close(ours.per_image, theirs.per_image, rtol=1e-10, atol=1e-12)
    for mine, wanted in zip(gradients(ours, raw), gradients(theirs, raw), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 0.1},
        {"class_weight": torch.tensor([0.0, 1.0, 2.5])},
        {"label_smoothing": 0.2, "class_weight": torch.tensor([0.5, 1.0, 2.5])},
        {"box_loss": giou_loss},
        {"topk": 3, "alpha": 1.0, "beta": 2.0, "least_side": 0.0},
    ],
    ids=["smoothing", "class weights", "both", "another box loss", "another assignment"],
)
def test_other_options(options: dict[str, Any]) -> None:
    agree(losses(yl.YOLOv8Loss, 4, **options), raw_for(yl.YOLOv8Loss, 4), weighed_and_ignored())


def test_another_assigner_is_left_as_it_is() -> None:
    ours, theirs = losses(yl.YOLOv8Loss, 4, assigner=SimOTA())
    raw, targets = raw_for(yl.YOLOv8Loss, 4), crowded()
    torch.testing.assert_close(ours(raw, targets).per_image, theirs(raw, targets).per_image, **SINGLE)


@pytest.mark.parametrize("layout", ["channels last", "flattened"])
def test_layouts(layout: str) -> None:
    raw, options = raw_for(yl.YOLOv8Loss, 4), {}
    if layout == "channels last":
        parts = [level.detach().to(memory_format=torch.channels_last).requires_grad_() for level in raw]
    else:
        joined, options = torch.cat([level.detach().flatten(2) for level in raw], 2), {"image_size": (64, 96)}
        parts = [part.contiguous().requires_grad_() for part in joined.split([16, C], 1)]
    agree(losses(yl.YOLOv8Loss, 4, **options), parts, weighed_and_ignored())


def test_what_weighs_nothing_may_be_anything() -> None:
    """Also numbers whose loss would overflow."""
    targets = replace(crowded(), weight=torch.zeros(2, 5))
    loss = losses(yl.YOLOv8Loss, 1)[0]
    raw = raw_for(yl.YOLOv8Loss, 1)
    assignment = loss.assign(raw, targets)
    for level in raw:
        level.data[:, :4] = 1e30
    output = loss(raw, targets, assignment)
    assert not output.terms["box"].any()
    assert not output.terms["l1"].any()
    assert all(grad[:, :4].count_nonzero() == 0 for grad in gradients(output, raw))


def test_an_object_that_is_no_number_breaks_nothing_but_the_value() -> None:
    """Nobody looked at the targets: the loops stay within their memory, and the result shows it."""
    boxes = crowded().boxes.clone()
    boxes[0, 0] = torch.nan
    targets = replace(crowded(), boxes=boxes)
    output = losses(yl.YOLOv8Loss, 4)[0](raw_for(yl.YOLOv8Loss, 4), targets)
    assert not (output.assignment.mask & (output.assignment.object == 0)).any()
    assert output.num_dropped > 0
    grid = yl.YOLOv1Loss(grid=3, num_classes=C, impl="numba")
    assert grid(torch.rand(2, 3, 3, 10 + C), targets).total.isnan()


def test_a_gradient_can_be_asked_for_twice() -> None:
    raw = raw_for(yl.YOLOv8Loss, 4)
    total = losses(yl.YOLOv8Loss, 4)[0](raw, crowded()).total.sum()
    twice = [torch.autograd.grad(total, raw, retain_graph=True) for _ in range(2)]
    for first, second in zip(*twice, strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("kind", ["predictor", "object"])
def test_an_assignment_of_what_is_not_there_is_an_error(kind: str) -> None:
    loss, raw, targets = losses(yl.YOLOv8Loss, 4)[0], raw_for(yl.YOLOv8Loss, 4), crowded()
    assignment = loss.assign(raw, targets)
    wrong = replace(assignment, **{kind: torch.where(assignment.mask, 10**6, 0)})
    with pytest.raises(IndexError, match=r"^assignment: expected predictors and objects that there are$"):
        loss.terms(raw, replace(targets, weight=None), wrong)
    grid = yl.YOLOv1Loss(grid=3, num_classes=C, impl="numba")
    output = torch.rand(2, 3, 3, 10 + C)
    assignment = grid.assign(output, targets)
    wrong = replace(assignment, **{kind: torch.where(assignment.mask, -1, 0)})
    with pytest.raises(IndexError, match=r"^assignment: expected predictors and objects that there are$"):
        grid.terms(output, targets, wrong)


@EACH
def test_it_compiles_into_one_graph(family: type[Any], bins: int) -> None:
    loss, raw, targets = losses(family, bins)[0], raw_for(family, bins), weighed_and_ignored()
    wanted = loss(raw, targets)
    with compiled(loss, backend="aot_eager") as fast:
        output = fast(raw, targets)
        torch.testing.assert_close(output.per_image, wanted.per_image)
        for mine, by_eager in zip(gradients(output, raw), gradients(wanted, raw), strict=True):
            torch.testing.assert_close(mine, by_eager)


def test_several_threads_compute_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image is of one thread, so that no bit differs."""
    loss, raw, targets = losses(yl.YOLOv8Loss, 4)[0], raw_for(yl.YOLOv8Loss, 4), crowded()
    alone, before = loss(raw, targets), torch.get_num_threads()
    for name in ("WORTH", "WORTH_ALONE"):
        monkeypatch.setattr(loops, name, 1)
    torch.set_num_threads(2)
    try:
        shared = loss(raw, targets)
        grads = gradients(shared, raw)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(shared.per_image, alone.per_image)
    assert all(map(torch.equal, grads, gradients(alone, raw)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_threads", None)
    loops._pool().submit(int).result()
    child = os.fork()
    if child == 0:
        os._exit(0 if loops._pool().submit(int, 7).result(timeout=20) == 7 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_constants_are_those_of_the_reference() -> None:
    assert point_terms.MARGIN == yl.functional.distribution.MARGIN


def test_what_explains_is_of_torch() -> None:
    raw, targets = raw_for(yl.YOLOv8Loss, 4), crowded()
    loss = losses(yl.YOLOv8Loss, 4)[0]
    output = loss(raw, targets)
    terms = loss.elementwise(raw, targets, output.assignment)
    torch.testing.assert_close(loss.reduce(terms, output.assignment).per_image, output.per_image, **SINGLE)
    assert len(leaves(raw)) == 2
