"""YOLOv8Loss with another rule of candidates, against recorded runs of an implementation of YOLOv9 that has it."""

from __future__ import annotations

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases, relative_error
from tests.losses.test_v8_golden import GRADIENT, VALUE, assigned

import yolosses as yl
from yolosses.assigners import TaskAligned

CASES = pytorch_cases("v9mt")


def loss_for(case: PyTorchCase) -> yl.YOLOv8Loss:
    record, bins = case.record, case.record["reg_max"]
    return yl.YOLOv8Loss(
        num_classes=record["nc"],
        bins=bins,
        strides=record["strides"],
        image_size=tuple(record["img_hw"]),
        lambda_box=record["weights"]["box"],
        lambda_cls=record["weights"]["cls"],
        lambda_dfl=record["weights"]["dfl"],
        assigner=TaskAligned(
            topk=record["topk"],
            alpha=record["alpha"],
            beta=record["beta"],
            reach=bins - 1.01,
            fallback=True,
            contested="taking",
        ),
    )


def targets_of(case: PyTorchCase) -> yl.Targets:
    """Rows (class, x1, y1, x2, y2) in pixels, padded with class -1."""
    rows = [image[image[:, 0] >= 0] for image in case.stored["targets_px_xyxy"]]
    boxes, labels = [row[:, 1:] for row in rows], [row[:, 0].long() for row in rows]
    return yl.Targets.from_xyxy(boxes, labels, image_size=tuple(case.record["img_hw"]))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_gradient_and_assignment(case: PyTorchCase) -> None:
    loss_fn, targets = loss_for(case), targets_of(case)
    distances, scores = case.input("anc"), case.input("cls_logits")
    output = loss_fn((distances.flatten(2).mT, scores.mT), targets)
    items = torch.stack([output.unweighted[name] for name in ("box", "dfl", "cls")]).detach()
    wanted = case.stored["loss_iou_dfl_cls_unweighted"]
    value = float(((items - wanted).abs() / wanted.abs().clamp(min=1e-12)).max())
    value = max(value, relative_error(output.total.detach(), case.stored["total"]))
    grads = torch.autograd.grad(output.total, (distances, scores))
    gradient = max(
        case.gradient_error(name, grad)
        for name, grad in zip(("grad_anc", "grad_cls_logits"), grads, strict=True)
    )
    owner, quality = assigned(output.assignment, scores.shape[1])
    same = torch.equal(owner >= 0, case.stored["fg_mask"])
    record(case.family, case.name, value=value, gradient=gradient, assignment=same)
    assert same
    torch.testing.assert_close(quality, case.stored["target_weight"], rtol=1e-4, atol=1e-7)
    matched = targets.boxes.take_along_dim(owner.clamp(min=0)[..., None], 1)
    matched = yl.boxes.to_pixels(yl.boxes.cxcywh_to_xyxy(matched), tuple(case.record["img_hw"]))
    answers = case.stored["fg_mask"]
    torch.testing.assert_close(
        matched[answers], case.stored["target_bboxes_px"][answers], rtol=1e-4, atol=1e-3
    )
    assert value <= VALUE
    assert gradient <= GRADIENT
