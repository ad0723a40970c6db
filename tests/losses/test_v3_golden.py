"""YOLOv3Loss against recorded runs of Darknet's ``[yolo]`` layer: its ``delta`` is minus the gradient of the sum."""

from __future__ import annotations

import pytest
import torch
from tests.golden.cases import GoldenCase, golden_cases
from tests.golden.parity import record
from tests.losses.darknet_golden import assigned_slots, error, our_slots, targets_of

from yolosses.losses import YOLOv3Loss

# Of two anchors of equal shape the one with the lower number wins there; here an anchor of this level.
CASES = [case for case in golden_cases("darknet", "v3") if "tie" not in case.tags]
over = pytest.mark.parametrize("case", CASES, ids=str)


def loss_for(case: GoldenCase) -> YOLOv3Loss:
    options = case.options
    anchors = list(zip(options["anchors"][::2], options["anchors"][1::2], strict=True))
    own = [anchors[index] for index in options["mask"]]
    return YOLOv3Loss(
        num_classes=options["classes"],
        anchors=[own],
        other_anchors=[anchor for index, anchor in enumerate(anchors) if index not in options["mask"]],
        strides=(options["net_w"] / options["w"],),
        ignore_threshold=options["ignore_thresh"],
        truth_threshold=options["truth_thresh"],
        reduction="sum",
    )


@over
def test_delta_cost_and_slots(case: GoldenCase) -> None:
    loss_fn, targets = loss_for(case), targets_of(case, case.options["classes"])
    raw = case.arrays["input"].permute(0, 1, 3, 4, 2).clone().requires_grad_()
    output = loss_fn(raw, targets)
    (gradient,) = torch.autograd.grad(output.total, raw)
    delta = -gradient.permute(0, 1, 4, 2, 3)
    wrong = error(delta, case.arrays["delta"])
    cost = float(delta.double().square().sum())
    value = abs(cost - case.record["cost"]) / max(case.record["cost"], 1e-12)
    codec = loss_fn.codec_for(raw)
    pairs = output.assignment
    from_objects = our_slots(pairs, codec)
    same = assigned_slots(case) <= from_objects
    record("v3", case.id, value=value, gradient=wrong, assignment=same)
    assert same
    assert wrong <= 2e-5
    assert value <= 1e-5


@over
def test_the_value_is_what_its_gradient_descends(case: GoldenCase) -> None:
    """Squares and cross-entropies worked out from Darknet's activated output and deltas: where delta is t - p, a cross-entropy
    is -t log p - (1 - t) log(1 - p), a half square delta^2 / 2."""
    loss_fn, targets = loss_for(case), targets_of(case, case.options["classes"])
    output = loss_fn(case.arrays["input"].permute(0, 1, 3, 4, 2), targets)
    out, delta = (case.arrays[name].double() for name in ("output", "delta"))
    target = out + delta
    cross = -(target * out.log() + (1 - target) * (1 - out).log())
    touched = delta != 0
    # A delta of exactly 0 where there is a target cannot be told from no target: none of the cases has one.
    noobj = touched[:, :, 4] & (delta[:, :, 4] < 0) & (target[:, :, 4].abs() < 1e-6)
    wanted = {
        "noobj": (cross[:, :, 4] * noobj).sum(),
        "obj": (cross[:, :, 4] * (touched[:, :, 4] & ~noobj)).sum(),
        "cls": (cross[:, :, 5:] * touched[:, :, 5:].any(2, keepdim=True)).sum(),
    }
    for name, term in wanted.items():
        torch.testing.assert_close(output.terms[name].double(), term, rtol=2e-5, atol=2e-6)
