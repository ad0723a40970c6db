"""What is particular to YOLOX: numbers worked out by hand, and every choice the loss offers."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl
from yolosses.functional import giou_loss

C, SIZE, STRIDES = 2, (32, 32), (8, 16)


def loss_fn(**options: Any) -> yl.YOLOXLoss:
    return yl.YOLOXLoss(**{"num_classes": C, "strides": STRIDES} | options)


def blank(objectness: float = -2.0) -> list[Tensor]:
    """Boxes of a tenth of a cell, unsure classes."""
    numbers = torch.tensor(
        [0.5, 0.5, math.log(0.1), math.log(0.1), objectness, 0.0, 0.0], dtype=torch.float64
    )
    return [numbers[:, None, None].repeat(1, 1, SIZE[0] // s, SIZE[1] // s).requires_grad_() for s in STRIDES]


def one_object(*box: float, label: int = 1, **extra: Any) -> yl.Targets:
    """``box``: cx, cy, w, h in pixels."""
    fractions = torch.tensor([box], dtype=torch.float64) / SIZE[0]
    return yl.Targets.from_cxcywh([fractions], [torch.tensor([label])], **extra)


def sp(x: float) -> float:
    return math.log1p(math.exp(x))


def scene(numbers: list[float], *, row: int = 1, col: int = 1) -> list[Tensor]:
    """`blank` with one cell of the first level filled."""
    raw = [level.detach() for level in blank()]
    raw[0][0, :, row, col] = torch.tensor(numbers, dtype=torch.float64)
    return [level.requires_grad_() for level in raw]


NUMBERS = [0.75, 0.5, 0.0, math.log(1.25), 1.0, -1.0, 0.5]


def test_by_hand() -> None:
    # The object: centre (12, 12), 8 x 8 pixels. The cell in row 1, column 1 says: centre ((1 + 0.75) 8, (1 + 0.5) 8) =
    # (14, 12), size 8 x 10. They share 6 x 8 = 48 of 64 + 80 - 48 = 96 pixels: IoU 1/2. The other boxes near it are
    # tiny, so the sum of the 10 largest IoUs is below 2, and the object takes one location: of least cost, this one.
    raw = scene(NUMBERS)
    output = loss_fn(lambda_l1=1.0)(raw, one_object(12, 12, 8, 8))
    assert output.assignment.mask.sum() == output.normalizer == 1
    assert output.assignment.predictor[output.assignment.mask].tolist() == [5]
    assert output.assignment.iou[output.assignment.mask].tolist() == pytest.approx([0.5])
    expected = {
        "box": 5 * (1 - 0.5**2),
        "obj": 19 * sp(-2) + sp(-1),  # 4 x 4 + 2 x 2 locations
        "cls": sp(-1.0) + sp(0.5) - 0.5 * 0.5,
        "l1": 0.25 + 0 + 0 + math.log(1.25),  # wanted: dx = dy = 1/2, dw = dh = log(8 / 8)
    }
    found = {name: value.item() for name, value in output.terms.items()}
    assert found == pytest.approx(expected, rel=1e-12)
    assert output.total.item() == pytest.approx(sum(expected.values()), rel=1e-12)

    grad, other = torch.autograd.grad(output.total, raw)
    q = 1 / (1 + math.exp(-1.0))
    cell = grad[0, :, 1, 1].tolist()
    assert cell[4] == pytest.approx(q - 1)
    assert cell[5:] == pytest.approx([1 / (1 + math.exp(1.0)), 1 / (1 + math.exp(-0.5)) - 0.5])
    # Moving right by t pixels: intersection 8 (6 - t), union 96 + 8 t, so dIoU/dt = -(8 + 4) / 96 and 8 pixels a cell.
    assert cell[0] == pytest.approx(5 * 2 * 0.5 * 12 / 96 * 8 + 1)
    background = 1 / (1 + math.exp(2))
    assert other[0, 4].flatten().tolist() == pytest.approx([background] * 4)
    assert other[0, [0, 1, 2, 3, 5, 6]].abs().sum() == 0


def test_a_perfect_box_costs_nothing() -> None:
    raw = scene([0.5, 0.5, 0.0, 0.0, 50.0, -50.0, 50.0])
    output = loss_fn(lambda_l1=1.0)(raw, one_object(12, 12, 8, 8))
    assert output.terms["box"].item() == output.terms["l1"].item() == 0
    assert output.terms["cls"].item() == pytest.approx(0, abs=1e-20)


def test_l1_joins_when_the_attribute_is_set() -> None:
    """As the publication does for its last epochs."""
    loss, raw, targets = loss_fn(), scene(NUMBERS), one_object(12, 12, 8, 8)
    before = loss(raw, targets)
    assert before.terms["l1"] == 0
    assert before.unweighted["l1"] > 0
    loss.lambda_l1 = 1.0
    after = loss(raw, targets)
    torch.testing.assert_close(after.total - before.total, before.unweighted["l1"])
    torch.testing.assert_close(after.total, loss_fn(lambda_l1=1.0)(raw, targets).total)


def random_raw(seed: int = 0, batch: int = 3, size: tuple[int, int] = (64, 64)) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    shapes = [(batch, 8, size[0] // s, size[1] // s) for s in (8, 16, 32)]
    return [0.6 + 0.4 * torch.randn(shape, generator=noise, dtype=torch.float64) for shape in shapes]


def test_maps_and_one_tensor_give_the_same() -> None:
    raw, targets = random_raw(), scattered(3, 3)
    joined = torch.cat([level.flatten(2).mT for level in raw], 1)
    wanted = yl.YOLOXLoss(num_classes=3)(raw, targets)
    loss = yl.YOLOXLoss(num_classes=3, image_size=(64, 64))
    assert torch.equal(loss(joined, targets).total, wanted.total)
    assert torch.equal(loss(raw, targets).total, wanted.total)
    assert torch.equal(loss.decode(joined).boxes, loss.decode(raw).boxes)
    assert wanted.assignment.mask.sum() > 5
    bigger = yl.YOLOXLoss(num_classes=3)(random_raw(size=(96, 32)), targets)  # one loss, any size
    assert bigger.total.isfinite()


def test_the_class_target_is_the_iou_or_the_assigners_quality() -> None:
    raw, targets = random_raw(), scattered(3, 3)
    for assigner in (None, yl.assigners.TaskAligned()):
        loss = yl.YOLOXLoss(num_classes=3, assigner=assigner)
        assignment = loss.assign(raw, targets)
        target = loss.elementwise(raw, targets, assignment)[2].target
        fit = assignment.iou if assignment.quality is None else assignment.quality
        assert (assignment.quality is None) == (assigner is None)
        label = targets.labels.gather(1, assignment.object)
        found = target.gather(2, label[..., None]).squeeze(2)[assignment.mask]
        assert torch.equal(found, fit[assignment.mask])
        assert torch.equal(target[assignment.mask].sum(-1), fit[assignment.mask])
        assert loss(raw, targets).normalizer == assignment.mask.sum()


def test_another_box_loss() -> None:
    raw, targets = scene(NUMBERS), one_object(12, 12, 8, 8)
    output = loss_fn(box_loss=giou_loss, lambda_box=1.0)(raw, targets)
    # The smallest box around both is 10 x 10 pixels, 4 of them in neither.
    assert output.terms["box"].item() == pytest.approx(1 - (0.5 - 4 / 100), rel=1e-12)


def test_an_image_whose_objects_have_no_candidate_is_background() -> None:
    raw = blank()
    nobody = loss_fn()(raw, one_object(12, 12, 8, 8))
    assert nobody.num_dropped == 0
    far = loss_fn()(raw, one_object(-300, 12, 8, 8, validate=False))
    assert far.num_dropped == 1
    assert not far.assignment.mask.any()
    assert far.normalizer == 1
    assert far.total.item() == pytest.approx(20 * sp(-2))
    far.total.backward()
    assert all(level.grad is not None and level.grad.isfinite().all() for level in raw)


def test_locations_in_ignored_regions_are_left_alone() -> None:
    raw = blank()
    targets = yl.Targets.from_cxcywh(
        [torch.tensor([[12.0, 12, 8, 8], [28, 28, 8, 8]], dtype=torch.float64) / 32],
        [torch.tensor([1, 0])],
        ignore=[torch.tensor([False, True])],
    )
    output = loss_fn()(raw, targets)
    assert output.num_dropped == 0
    grad = torch.autograd.grad(output.total, raw)[0][0, 4]
    assert grad[3, 3] == 0  # the point (28, 28)
    assert (grad[:3] != 0).all()
    # An ignored region on the object spares its other locations, not the one that answers.
    both = replace(targets, boxes=targets.boxes[:, [0, 0]])
    again = loss_fn()(raw, both)
    number = again.assignment.predictor[again.assignment.mask]
    grad = torch.autograd.grad(again.total, raw)[0][0, 4].flatten()
    assert grad[number].abs().min() > 0


def test_weights_reach_every_term_of_the_object_but_not_the_normaliser() -> None:
    raw = scene(NUMBERS)
    options = {"weight": [torch.tensor([3.0], dtype=torch.float64)]}
    once = loss_fn(lambda_l1=1.0)(raw, one_object(12, 12, 8, 8))
    thrice = loss_fn(lambda_l1=1.0)(raw, one_object(12, 12, 8, 8, **options))
    assert thrice.normalizer == once.normalizer == 1
    for name in ("box", "cls", "l1"):
        torch.testing.assert_close(thrice.terms[name], 3 * once.terms[name])
    assert (thrice.terms["obj"] - once.terms["obj"]).item() == pytest.approx(2 * sp(-1))


@pytest.mark.parametrize("label", [-1, 2, 100])
def test_labels_out_of_range_are_no_class(label: int) -> None:
    raw, good = scene(NUMBERS), one_object(12, 12, 8, 8)
    loss = loss_fn()
    loss.validate = False
    output = loss(raw, replace(good, labels=torch.full_like(good.labels, label)))
    assert output.total.isfinite()
    assert output.terms["cls"].item() == pytest.approx(sp(-1.0) + sp(0.5))


def test_a_random_start_is_finite_in_half_precision() -> None:
    targets = replace(scattered(3, 3), boxes=scattered(3, 3).boxes.float())
    for dtype in (torch.float16, torch.bfloat16):
        raw = [level.to(dtype).requires_grad_() for level in random_raw()]
        output = yl.YOLOXLoss(num_classes=3)(raw, targets)
        assert output.total.dtype == torch.float32
        output.total.backward()
        assert all(level.grad is not None and level.grad.isfinite().all() for level in raw)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_classes": 0}, ValueError, r"^num_classes: expected an integer >= 1; got 0$"),
        ({"lambda_box": -1}, ValueError, r"^lambda_box: expected a number >= 0; got -1$"),
        ({"lambda_l1": True}, TypeError, r"^lambda_l1: expected a number >= 0; got True$"),
        ({"reduction": "max"}, ValueError, r"^reduction: expected one of 'mean', 'sum', 'none'; got 'max'$"),
    ],
)  # fmt: skip
def test_other_arguments_are_one_clear_error(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        yl.YOLOXLoss(**options)


@pytest.mark.parametrize(
    ("options", "raw", "message"),
    [
        ({}, torch.zeros(1, 20, 7), r"^image_size: expected \(height, width\) in pixels where .*; got None$"),
        ({"image_size": (64, 64)}, torch.zeros(1, 20, 7), r"^raw: expected 80 locations for .*; got 20 in 1 parts$"),
        ({}, blank()[:1], r"^raw: expected 2 maps, one for each of strides=\(8, 16\); got 1$"),
        ({"num_classes": 3}, blank(), r"^raw\[0\]: expected maps \(B, 8, .* for num_classes=3; got \(1, 7, 4, 4\)$"),
        ({}, [], r"^raw: expected one map a level; got none$"),
    ],
)  # fmt: skip
def test_outputs_that_do_not_fit_are_one_clear_error(options: Any, raw: Any, message: str) -> None:
    for call in (loss_fn(**options), partial(loss_fn(**options).assign)):
        with pytest.raises(ValueError, match=message):
            call(raw, one_object(12, 12, 8, 8))


def test_what_it_says_of_itself() -> None:
    loss = yl.YOLOXLoss(num_classes=7)
    assert loss.channels == 12
    assert "num_classes=7, lambda_box=5" in repr(loss)
    assert "assigner=SimOTA(radius=1.5, topk=10" in repr(loss)
