"""YOLOv3Loss against recorded runs of Darknet's ``[yolo]`` layer: its ``delta`` is minus the gradient of the sum."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.golden.cases import GoldenCase, golden_cases
from tests.golden.parity import record
from tests.losses.darknet_golden import (
    assigned_slots,
    box_factor,
    cross_entropy,
    error,
    our_slots,
    targets_of,
)

from yolosses.losses import YOLOv3Loss

ALL = golden_cases("darknet", "v3")
# Of two anchors of equal shape the one with the lower number wins there; here the one that stands first.
CASES = [case for case in ALL if "tie" not in case.tags]
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
    ours, theirs = our_slots(pairs, codec), assigned_slots(case)
    # What the truth threshold adds is not recorded.
    same = ours == theirs if case.options["truth_thresh"] == 1 else theirs <= ours
    record("v3", case.id, value=value, gradient=wrong, assignment=same)
    assert same
    assert wrong <= 2e-5
    assert value <= 1e-5


@over
def test_the_value_is_what_its_gradient_descends(case: GoldenCase) -> None:
    """Squares and cross-entropies worked out from Darknet's activated output and deltas: where delta is t - p, a
    cross-entropy is -t log p - (1 - t) log(1 - p), a half square delta^2 / 2."""
    loss_fn, targets = loss_for(case), targets_of(case, case.options["classes"])
    output = loss_fn(case.arrays["input"].permute(0, 1, 3, 4, 2), targets)
    out, delta = (case.arrays[name].double() for name in ("output", "delta"))
    target = out + delta
    touched = delta != 0
    # A delta of exactly 0 where there is a target cannot be told from no target: none of the cases has one.
    noobj = touched[:, :, 4] & (delta[:, :, 4] < 0) & (target[:, :, 4].abs() < 1e-6)
    objectness, classes = (cross_entropy(out[:, :, c], target[:, :, c]) for c in (4, slice(5, None)))
    wanted = {
        "noobj": (objectness * noobj).sum(),
        "obj": (objectness * (touched[:, :, 4] & ~noobj)).sum(),
        "cls": (classes * touched[:, :, 5:].any(2, keepdim=True)).sum(),
    }
    if case.options["truth_thresh"] == 1:  # below it, which object a slot has is not recorded
        factor = box_factor(case).unsqueeze(2)
        mine = factor > 0
        centre = out[:, :, :2] + delta[:, :, :2] / torch.where(mine, factor, 1)
        wanted["xy"] = (factor * cross_entropy(out[:, :, :2], centre)).sum()
        wanted["wh"] = (delta[:, :, 2:4].square() / 2 / torch.where(mine, factor, 1) * mine).sum()
        torch.testing.assert_close(output.total.double(), sum(wanted.values()), rtol=1e-5, atol=2e-6)
    for name, term in wanted.items():
        torch.testing.assert_close(output.terms[name].double(), term, rtol=1e-5, atol=2e-6)


def test_the_selection_covers_every_case_that_is_meant_to_match() -> None:
    assert (len(ALL), len(CASES)) == (21, 20)
    assert sum(case.options["truth_thresh"] < 1 for case in CASES) >= 4


def test_equal_anchors_in_the_order_of_their_numbers_tie_as_there() -> None:
    (case,) = set(ALL) - set(CASES)
    mask = case.options["mask"]
    in_order = sorted(range(len(mask)), key=mask.__getitem__)
    assert in_order != list(range(len(mask)))
    loss_fn = loss_for(replace(case, options={**case.options, "mask": sorted(mask)}))
    raw = case.arrays["input"][:, in_order].clone().requires_grad_()
    output = loss_fn(raw, targets_of(case, case.options["classes"]))
    (gradient,) = torch.autograd.grad(output.total, raw)
    assert error(-gradient, case.arrays["delta"][:, in_order]) <= 2e-5
