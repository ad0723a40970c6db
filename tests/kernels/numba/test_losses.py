"""What losses with ``impl="numba"`` do beside what those of torch do.

That they are the same: tests/kernels/test_losses.py."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from tests.kernels.scenes import C, crowded, gradients, raw_for
from tests.kernels.scenes import losses as by_two_ways

import yolosses as yl

pytest.importorskip("numba")

from yolosses.kernels.numba import loops

losses = partial(by_two_ways, impl="numba")


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


def test_several_threads_compute_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image is of one thread, so that no bit differs."""
    loss, raw, targets = losses(yl.YOLOv8Loss, 4)[0], raw_for(yl.YOLOv8Loss, 4), crowded()
    alone, before = loss(raw, targets), torch.get_num_threads()
    monkeypatch.setattr(loops, "WORTH", 1)
    torch.set_num_threads(2)
    try:
        shared = loss(raw, targets)
        grads = gradients(shared, raw)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(shared.per_image, alone.per_image)
    assert all(map(torch.equal, grads, gradients(alone, raw)))
