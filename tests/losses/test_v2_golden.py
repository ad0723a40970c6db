"""YOLOv2Loss against recorded runs of Darknet's ``[region]`` layer.

Its ``delta`` is by the ACTIVATED x, y and objectness; ``input_grad_gpu`` holds the same by the layer's input, which is
minus the gradient of the sum here.
"""

from __future__ import annotations

import pytest
import torch
from tests.golden.cases import GoldenCase, golden_cases
from tests.golden.parity import record
from tests.losses.darknet_golden import (
    assigned_slots,
    box_factor,
    cross_entropy,
    error,
    last_object_of_slots,
    our_slots,
    targets_of,
)
from torch import Tensor

from yolosses.losses import YOLOv2Loss

# "background": objectness joins the softmax of the classes with turned targets: a mode that no published network used.
ALL = golden_cases("darknet", "v2")
CASES = [case for case in ALL if "background" not in case.tags]
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


def test_the_selection_covers_every_case_that_is_meant_to_match() -> None:
    assert (len(ALL), len(CASES)) == (21, 20)
    assert any("burnin" in case.tags and case.options["seen"] < 12_800 for case in CASES)
    assert any("tie" in case.tags for case in CASES)


CHANNELS = {
    "xy": (0, 2),
    "wh": (2, 4),
    "obj": (4, 5),
    "noobj": (4, 5),
    "prior": (0, 4),
}  # all others are classes


@over
def test_the_gradient_by_the_activated_values_is_minus_delta(case: GoldenCase) -> None:
    """Delta itself: what the terms hand back to x, y, o, tw, th and the class logits."""
    loss_fn, targets = loss_for(case), targets_of(case, case.options["classes"])
    raw = case.arrays["input"].clone().requires_grad_()
    assignment = loss_fn.assign(raw, targets)
    terms = loss_fn.elementwise(raw, targets, assignment)
    total = loss_fn.reduce(terms, assignment).total
    preds = [term.pred for term in terms]  # "prior" is not in the total where it is switched off
    gradients = torch.autograd.grad(total, preds, materialize_grads=True)
    images, slots, channels, rows, cols = raw.shape
    table = raw.new_zeros(images, slots * rows * cols, channels)
    for term, gradient in zip(terms, gradients, strict=True):
        first, end = CHANNELS.get(term.name, (5, channels))
        part = table[..., first:end]
        part.scatter_add_(1, term.predictor[..., None].expand_as(gradient), gradient)
    delta = -table.unflatten(1, (slots, rows, cols)).permute(0, 1, 4, 2, 3)
    assert error(delta, case.arrays["delta"]) <= 2e-5


def expected_terms(case: GoldenCase) -> dict[str, Tensor]:
    """Every weighted sum, from Darknet's activated output, its deltas and its pairs alone. Where delta is s (t - p),
    the half square s (t - p)^2 / 2 is delta^2 / (2 s)."""
    options = case.options
    out, delta = (case.arrays[name].double() for name in ("output", "delta"))
    factor = options["coord_scale"] * box_factor(case)
    mine = torch.zeros_like(factor, dtype=torch.bool)
    for place in last_object_of_slots(case):
        mine[place] = True
    halves = delta.square() / 2
    by_box = halves / torch.where(mine, factor, 1).unsqueeze(2) * mine.unsqueeze(2)
    pulled = options["seen"] < 12_800
    by_class = case.options["class_scale"]
    target = out[:, :, 5:] + delta[:, :, 5:] / by_class
    entropy = -target * out[:, :, 5:].log() if options["softmax"] else cross_entropy(out[:, :, 5:], target)
    return {
        "xy": by_box[:, :, :2].sum(),
        "wh": by_box[:, :, 2:4].sum(),
        "obj": (halves[:, :, 4] * mine).sum() / options["object_scale"],
        "noobj": (halves[:, :, 4] * ~mine).sum() / options["noobject_scale"],
        "cls": by_class * (entropy * mine.unsqueeze(2)).sum(),
        "prior": (halves[:, :, :4] * ~mine.unsqueeze(2)).sum() / 0.01 * pulled,
    }


@over
def test_the_terms_are_those_whose_gradient_delta_is(case: GoldenCase) -> None:
    loss_fn, targets = loss_for(case), targets_of(case, case.options["classes"])
    output, wanted = loss_fn(case.arrays["input"], targets), expected_terms(case)
    assert output.terms.keys() == wanted.keys()
    for name, term in wanted.items():
        torch.testing.assert_close(output.terms[name].double(), term, rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(output.total.double(), sum(wanted.values()), rtol=1e-5, atol=2e-6)
