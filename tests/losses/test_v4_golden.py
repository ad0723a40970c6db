"""YOLOv4Loss against recorded runs of AlexeyAB's ``[yolo]`` layer.

Its deltas of objectness and classes are minus the gradient of the sum in every case, those of the box only with
``iou_loss=mse``: of IoU losses it has directions of its own (see the docstring), of which the metrics are compared.
"""

from __future__ import annotations

import pytest
import torch
from tests.golden.cases import GoldenCase, golden_cases
from tests.golden.parity import record
from tests.losses.darknet_golden import assigned_slots, error, our_slots, targets_of

from yolosses.boxes import paired_giou, paired_iou
from yolosses.functional import ciou_loss, diou_loss, giou_loss, iou_loss
from yolosses.losses import YOLOv4Loss

LEFT_OUT = {"counters_per_class": None, "focal_loss": 0, "objectness_smooth": 0}
CASES = [
    case
    for case in golden_cases("darknet", "v4")
    if all(case.options[name] == off for name, off in LEFT_OUT.items())
]
BOX_LOSSES = {"mse": None, "iou": iou_loss, "giou": giou_loss, "diou": diou_loss, "ciou": ciou_loss}


def loss_for(case: GoldenCase) -> YOLOv4Loss:
    options = case.options
    anchors = list(zip(options["anchors"][::2], options["anchors"][1::2], strict=True))
    return YOLOv4Loss(
        num_classes=options["classes"],
        anchors=[[anchors[index] for index in options["mask"]]],
        other_anchors=[anchor for index, anchor in enumerate(anchors) if index not in options["mask"]],
        strides=(options["net_w"] / options["w"],),
        scale_xy=(options["scale_x_y"],),
        lambda_box=options["iou_normalizer"],
        lambda_obj=options["obj_normalizer"],
        lambda_noobj=options["obj_normalizer"],
        box_loss=BOX_LOSSES[options["iou_loss"]],
        ignore_threshold=options["ignore_thresh"],
        anchor_threshold=options["iou_thresh"],
        anchor_similarity=paired_giou if options["iou_thresh_kind"] == "giou" else paired_iou,
        new_coords=bool(options["new_coords"]),
        label_smoothing=options["label_smooth_eps"],
        reduction="sum",
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_delta_cost_and_slots(case: GoldenCase) -> None:
    loss_fn, targets = loss_for(case), targets_of(case, case.options["classes"])
    raw = case.arrays["input"].permute(0, 1, 3, 4, 2).clone().requires_grad_()
    output = loss_fn(raw, targets)
    (gradient,) = torch.autograd.grad(output.total, raw)
    delta, wanted = -gradient.permute(0, 1, 4, 2, 3), case.arrays["delta"]
    mse = case.options["iou_loss"] == "mse"
    first = 0 if mse else 4
    wrong = error(delta[:, :, first:], wanted[:, :, first:])
    same = our_slots(output.assignment, loss_fn.codec_for(raw)) == assigned_slots(case)
    rest = case.options["obj_normalizer"] * float(
        delta[:, :, 4:].double().square().sum()
    )  # enters once more there
    if mse:
        cost = float(delta.double().square().sum())
        value = abs(cost - case.record["sum_delta_sq"]) / max(case.record["sum_delta_sq"], 1e-12)
    else:
        value = abs(rest - case.record["class_and_objectness_loss"]) / max(rest, 1e-12)
    record("v4", case.id, value=value, gradient=wrong, assignment=same)
    assert same
    assert wrong <= 2e-5
    assert value <= 1e-5
