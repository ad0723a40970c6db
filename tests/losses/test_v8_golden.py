"""YOLOv8Loss against recorded runs of the reference implementation, before and since its version 8.4."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases, relative_error
from torch import Tensor

import yolosses as yl

CASES = [*pytorch_cases("v8"), *pytorch_cases("v8_legacy83")]
over = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.family}-{case}")

VALUE, GRADIENT = 1e-5, 2e-5  # relative; of gradients, to the largest of the map


def loss_for(case: PyTorchCase) -> yl.YOLOv8Loss:
    record, weights = case.record, case.record["class_weights"]
    return yl.YOLOv8Loss(
        num_classes=record["nc"],
        bins=record["reg_max"],
        strides=record["strides"],
        image_size=tuple(record["img_hw"]),
        lambda_box=record["gains"]["box"],
        lambda_cls=record["gains"]["cls"],
        lambda_dfl=record["gains"]["dfl"],
        topk=record["topk"],
        alpha=record["alpha"],
        beta=record["beta"],
        least_side=record["min_side"],
        class_weight=None if weights is None else torch.tensor(weights),
    )


def targets_of(case: PyTorchCase) -> yl.Targets:
    """The reference drops boxes at or beyond the origin (a sum of corners <= 0) without a word; here they count, so
    they are masked before."""
    targets = case.targets()
    return replace(targets, mask=targets.mask & (targets.boxes[..., 0] + targets.boxes[..., 1] > 0))


def assigned(assignment: yl.Assignment, locations: int) -> tuple[Tensor, Tensor]:
    """(B, A) object of each location (-1: none), and the quality."""
    place = torch.where(assignment.mask, assignment.predictor, locations)
    images = len(place)
    owner = torch.full((images, locations + 1), -1).scatter(1, place, assignment.object)[:, :-1]
    assert assignment.quality is not None
    quality = torch.zeros(images, locations + 1).scatter(1, place, assignment.quality)[:, :-1]
    return owner, quality


@over
def test_value_gradient_and_assignment(case: PyTorchCase) -> None:
    loss_fn, targets = loss_for(case), targets_of(case)
    boxes, scores = case.input("boxes"), case.input("scores")
    output = loss_fn((boxes, scores), targets)
    images = case.record["batch"]
    items = torch.stack(list(output.terms.values())).detach()
    value = float(
        ((items - case.stored["loss_items"]).abs() / case.stored["loss_items"].abs().clamp(min=1e-12)).max()
    )
    total = relative_error((output.total * images).detach(), case.stored["total"])
    grads = torch.autograd.grad(output.total * images, (boxes, scores))
    gradient = max(
        case.gradient_error(name, grad)
        for name, grad in zip(("grad_boxes", "grad_scores"), grads, strict=True)
    )
    owner, quality = assigned(output.assignment, scores.shape[2])
    counts = case.stored["target_weight"] > 0
    same = torch.equal(owner[counts], case.stored["target_gt_idx"].long()[counts])
    same &= torch.equal(quality > 0, counts)
    record(case.family, case.name, value=max(value, total), gradient=gradient, assignment=same)
    assert list(output.terms) == ["box", "cls", "dfl" if loss_fn.bins > 1 else "l1"]
    assert same
    torch.testing.assert_close(quality, case.stored["target_weight"], rtol=1e-4, atol=1e-7)
    assert value <= VALUE
    assert total <= VALUE
    assert gradient <= GRADIENT
