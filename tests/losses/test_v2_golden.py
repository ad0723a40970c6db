"""YOLOv2Loss against recorded runs of Darknet's ``[region]`` layer.

Its ``delta`` is by the ACTIVATED x, y and objectness; ``input_grad_gpu`` holds the same by the layer's input, which is minus
the gradient of the sum here.
"""

from __future__ import annotations

import pytest
import torch
from tests.golden.cases import GoldenCase, golden_cases
from tests.golden.parity import record
from tests.losses.darknet_golden import assigned_slots, error, our_slots, targets_of

from yolosses.losses import YOLOv2Loss

# "background": objectness joins the softmax of the classes with turned targets: a mode that no published network used.
CASES = [case for case in golden_cases("darknet", "v2") if "background" not in case.tags]
over = pytest.mark.parametrize("case", CASES, ids=str)


def loss_for(case: GoldenCase) -> YOLOv2Loss:
    options = case.options
    return YOLOv2Loss(
        num_classes=options["classes"],
        anchors=list(zip(options["anchors"][::2], options["anchors"][1::2], strict=True)),
        lambda_coord=options["coord_scale"],
        lambda_obj=options["object_scale"],
        lambda_noobj=options["noobject_scale"],
        lambda_cls=options["class_scale"],
        ignore_threshold=options["thresh"],
        objectness_target="iou" if options["rescore"] else "one",
        match="anchor" if options["bias_match"] else "prediction",
        class_term="softmax" if options["softmax"] else "sigmoid",
        # The counter is raised by the batch before the layer looks at it.
        prior_pull=options["seen"] < 12_800,
        reduction="sum",
    )


@over
def test_gradient_delta_cost_and_slots(case: GoldenCase) -> None:
    loss_fn, targets = loss_for(case), targets_of(case, case.options["classes"])
    raw = case.arrays["input"].permute(0, 1, 3, 4, 2).clone().requires_grad_()
    output = loss_fn(raw, targets)
    (gradient,) = torch.autograd.grad(output.total, raw)
    descent = -gradient.permute(0, 1, 4, 2, 3)
    wrong = error(descent, case.arrays["input_grad_gpu"])
    out = case.arrays["output"].double()
    slope = torch.ones_like(out)
    squashed = [0, 1, 4]
    slope[:, :, squashed] = out[:, :, squashed] * (1 - out[:, :, squashed])
    delta = descent.double() / slope
    cost = float(delta.square().sum())
    value = abs(cost - case.record["cost"]) / max(case.record["cost"], 1e-12)
    same = our_slots(output.assignment, loss_fn.codec_for(raw)) == assigned_slots(case)
    record("v2", case.id, value=value, gradient=wrong, assignment=same)
    assert same
    assert wrong <= 2e-5
    assert value <= 1e-5
