"""YOLOXLoss against recorded runs of the authors' implementation."""

from __future__ import annotations

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases, relative_error
from torch import Tensor

import yolosses as yl

over = pytest.mark.parametrize("case", pytorch_cases("yolox"), ids=str)

VALUE, GRADIENT = 1e-5, 2e-5  # relative; of gradients, to the largest of the map


def loss_for(case: PyTorchCase) -> yl.YOLOXLoss:
    return yl.YOLOXLoss(
        num_classes=case.record["nc"],
        strides=case.record["strides"],
        lambda_box=case.record["reg_weight"],
        lambda_l1=float(case.record["use_l1"]),
        assigner=yl.assigners.SimOTA(radius=case.record["centre_radius"]),
    )


def targets_of(case: PyTorchCase) -> yl.Targets:
    """From rows (class, cx, cy, w, h) in pixels, zeros behind the last object."""
    rows = case.stored["labels"]
    height, width = case.record["img_hw"]
    return yl.Targets(
        boxes=rows[..., 1:] / torch.tensor([width, height, width, height]),
        labels=rows[..., 0].long(),
        mask=torch.arange(rows.shape[1]) < torch.tensor(case.record["n_objects"])[:, None],
    )


def assigned(assignment: yl.Assignment, locations: int) -> tuple[Tensor, Tensor]:
    """(B, A) object of each location (-1: none), and their IoU."""
    place = torch.where(assignment.mask, assignment.predictor, locations)
    images = len(place)
    owner = torch.full((images, locations + 1), -1).scatter(1, place, assignment.object)[:, :-1]
    iou = torch.zeros(images, locations + 1).scatter(1, place, assignment.iou)[:, :-1]
    return owner, iou


@over
def test_value_gradient_and_assignment(case: PyTorchCase) -> None:
    loss_fn, levels = loss_for(case), range(len(case.record["strides"]))
    raw = [case.input(f"p{level}") for level in levels]
    output = loss_fn(raw, targets_of(case))
    assert list(output.terms) == ["box", "obj", "cls", "l1"]
    items = torch.stack(list(output.terms.values())).detach()
    wanted = case.stored["loss_items"]
    value = float(((items - wanted).abs() / wanted.abs().clamp(min=1e-12)).max())
    value = max(value, relative_error(output.total.detach(), case.stored["total"]))
    grads = torch.autograd.grad(output.total, raw)
    gradient = max(
        case.gradient_error(f"grad{level}", grad) for level, grad in zip(levels, grads, strict=True)
    )
    owner, iou = assigned(output.assignment, case.stored["fg_mask"].shape[1])
    positive = case.stored["fg_mask"]
    same = torch.equal(owner >= 0, positive)
    same &= torch.equal(owner[positive], case.stored["matched_gt"].long()[positive])
    if case.informational:  # its objects choose among costs that are equal in float32
        return
    record(case.family, case.name, value=value, gradient=gradient, assignment=same)
    assert same
    torch.testing.assert_close(
        iou, torch.where(positive, case.stored["matched_iou"], 0), rtol=1e-5, atol=1e-7
    )
    answered = [
        set(row[here].tolist()) for row, here in zip(case.stored["matched_gt"], positive, strict=True)
    ]
    lost = [count - len(who) for count, who in zip(case.record["n_objects"], answered, strict=True)]
    assert output.assignment.num_dropped.tolist() == lost
    assert value <= VALUE
    assert gradient <= GRADIENT
