"""YOLOv10Loss against recorded runs of the reference implementation: YOLOv10 (DFL), YOLO26 (L1) and the older form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases, relative_error
from tests.losses.test_v8_golden import GRADIENT, VALUE, assigned
from torch import Tensor

import yolosses as yl

DUAL = [case for case in pytorch_cases("e2e") if "o2m_boxes" in case.stored]
SINGLE = [case for case in pytorch_cases("e2e") if "o2m_boxes" not in case.stored]


def options(case: PyTorchCase) -> dict[str, Any]:
    record = case.record
    return {
        "num_classes": record["nc"],
        "bins": record["reg_max"],
        "strides": record["strides"],
        "image_size": tuple(record["img_hw"]),
        "lambda_box": record["gains"]["box"],
        "lambda_cls": record["gains"]["cls"],
        "lambda_dfl": record["gains"]["dfl"],
        "alpha": record["alpha"],
        "beta": record["beta"],
        "least_side": record["min_side"],
    }


def dual_loss(case: PyTorchCase) -> yl.YOLOv10Loss:
    legacy = case.record["criterion"] == "E2EDetectLoss"
    many, one = case.record["topk"]
    return yl.YOLOv10Loss(
        topk=many,
        one_to_one_topk=one,
        one_to_many_weight=1.0 if legacy else case.record["o2m_weight"],
        one_to_one_weight=1.0 if legacy else None,
        **options(case),
    )


@pytest.mark.parametrize("case", DUAL, ids=str)
def test_value_gradient_and_assignment_of_both_heads(case: PyTorchCase) -> None:
    loss_fn = dual_loss(case)
    parts = {name: case.input(name) for name in ("o2m_boxes", "o2m_scores", "o2o_boxes", "o2o_scores")}
    raw = {
        "one2many": (parts["o2m_boxes"], parts["o2m_scores"]),
        "one2one": {"boxes": parts["o2o_boxes"], "scores": parts["o2o_scores"]},
    }
    output = loss_fn(raw, case.targets())
    images = case.record["batch"]
    total = relative_error((output.total * images).detach(), case.stored["total"])
    value = max(total, *(items_error(case, output, loss_fn, short) for short in ("o2m", "o2o")))
    grads = torch.autograd.grad(output.total * images, list(parts.values()))
    gradient = max(
        case.gradient_error(name.replace("_", "_grad_"), grad)
        for name, grad in zip(parts, grads, strict=True)
    )
    same = True
    locations = parts["o2o_scores"].shape[2]
    owner, quality = (both.split(locations, 1) for both in assigned(output.assignment, 2 * locations))
    for index, short in enumerate(("o2o", "o2m")):
        counts = case.stored[f"{short}_target_weight"] > 0
        same &= torch.equal(owner[index][counts], case.stored[f"{short}_target_gt_idx"].long()[counts])
        same &= torch.equal(quality[index] > 0, counts)
    record("e2e", case.name, value=value, gradient=gradient, assignment=same)
    assert same
    assert value <= VALUE
    assert gradient <= GRADIENT


def items_error(case: PyTorchCase, output: yl.LossOutput, loss_fn: yl.YOLOv10Loss, short: str) -> float:
    """Of the three items of one head, before its weight."""
    last = "dfl" if loss_fn.one_to_one.bins > 1 else "l1"
    gains = (loss_fn.one_to_one.lambda_box, loss_fn.one_to_one.lambda_cls, loss_fn.one_to_one.lambda_dfl)
    items = [
        output.unweighted[f"{short}_{term}"] * gain
        for term, gain in zip(("box", "cls", last), gains, strict=True)
    ]
    found: Tensor = torch.stack(items).detach()
    wanted = case.stored[f"{short}_loss_items"]
    return float(((found - wanted).abs() / wanted.abs().clamp(min=1e-12)).max())


@pytest.mark.parametrize("case", SINGLE, ids=str)
def test_one_head_with_distances_themselves(case: PyTorchCase) -> None:
    """YOLO26's head alone is `YOLOv8Loss` with one bin."""
    loss_fn = yl.YOLOv8Loss(topk=case.record["topk"][0], **options(case))
    boxes, scores = case.input("boxes"), case.input("scores")
    output = loss_fn((boxes, scores), case.targets())
    images = case.record["batch"]
    value = relative_error((output.total * images).detach(), case.stored["total"])
    grads = torch.autograd.grad(output.total * images, (boxes, scores))
    gradient = max(
        case.gradient_error(name, grad)
        for name, grad in zip(("grad_boxes", "grad_scores"), grads, strict=True)
    )
    record("e2e", case.name, value=value, gradient=gradient)
    assert value <= VALUE
    assert gradient <= GRADIENT
