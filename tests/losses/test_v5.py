"""What is particular to YOLOv5: numbers worked out by hand, and every choice the loss offers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl
from yolosses.functional import giou_loss

C, SIDE, STRIDE = 2, 4, 8
ONE: dict[str, Any] = {"num_classes": C, "anchors": (((8.0, 8.0),),), "strides": (STRIDE,)}
LEVELS: dict[str, Any] = {
    "num_classes": 3,
    "anchors": (((20.0, 24.0), (30.0, 18.0)), ((28.0, 30.0), (16.0, 40.0))),
    "strides": (8, 16),
}
MIDDLE = (1.5, 1.5, 1.0, 1.0)  # in the very middle of a cell, so that it answers alone
LN2 = math.log(2)


def loss_fn(**options: Any) -> yl.YOLOv5Loss:
    return yl.YOLOv5Loss(**ONE | options)


def blank() -> Tensor:
    """Every predictor says: my anchor, in the middle of my cell, and I know nothing."""
    return torch.zeros(1, 1, SIDE, SIDE, 5 + C, dtype=torch.float64)


def objects(*boxes: tuple[float, float, float, float], labels: list[int], **extra: Any) -> yl.Targets:
    """One image; ``boxes``: cx, cy, w, h in cells."""
    return yl.Targets.from_cxcywh(
        [torch.tensor(boxes, dtype=torch.float64) / SIDE], [torch.tensor(labels)], **extra
    )


def one(**extra: Any) -> yl.Targets:
    return objects(MIDDLE, labels=[1], **extra)


def half_height() -> Tensor:
    """The predictor in cell (1, 1) says a box of its anchor's width and half its height: (2 sigmoid)^2 = 1/2."""
    raw = blank()
    half = math.sqrt(0.5) / 2
    numbers = [0.0, 0.0, 0.0, math.log(half / (1 - half)), 2.0, 1.0, -1.0]
    raw[0, 0, 1, 1] = torch.tensor(numbers, dtype=raw.dtype)
    return raw


def sp(x: float) -> float:
    return math.log1p(math.exp(x))


def terms(output: yl.LossOutput) -> dict[str, float]:
    return {name: value.item() for name, value in output.unweighted.items()}


def random_raw(batch: int = 3, seed: int = 0, size: tuple[int, int] = (64, 64)) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    shapes = [(batch, 2, size[0] // s, size[1] // s, 8) for s in LEVELS["strides"]]
    return [0.5 * torch.randn(shape, generator=noise, dtype=torch.float64) for shape in shapes]


def test_by_hand() -> None:
    raw = half_height().requires_grad_()
    output = loss_fn()(raw, one())
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(2)) ** 2
    ciou = 0.5 - v * v / (1 - 0.5 + v)  # half the box, at the same centre
    expected = {
        "box": 1 - ciou,
        "obj": 4 * (15 * LN2 + sp(2) - 2 * ciou) / 16,  # balance 4 of the first level
        "cls": (sp(1) + sp(-1) + 1) / 2,  # class 0 says 1, class 1 says -1
    }
    assert terms(output) == pytest.approx(expected, rel=1e-12)
    total = 0.05 * expected["box"] + expected["obj"] + 0.5 * expected["cls"]
    assert output.total.item() == pytest.approx(total, rel=1e-12)
    pair = output.assignment.mask
    assert output.assignment.predictor[pair].tolist() == [5]
    assert output.assignment.iou[pair].tolist() == pytest.approx([0.5])
    assert output.assignment.quality is not None
    assert output.assignment.quality[pair].tolist() == pytest.approx([ciou])
    assert torch.as_tensor(output.normalizer).tolist() == [1, 1]

    (grad,) = torch.autograd.grad(output.total, raw)
    q = 1 / (1 + math.exp(-2.0))
    assert grad[0, 0, 1, 1, 4].item() == pytest.approx(4 * (q - ciou) / 16)
    assert grad[0, 0, 0, 0, 4].item() == pytest.approx(4 * 0.5 / 16)
    assert grad[0, 0, 1, 1, 5:].tolist() == pytest.approx(
        [0.5 * (1 / (1 + math.exp(-1))) / 2, 0.5 * (1 / (1 + math.exp(1)) - 1) / 2]
    )
    assert grad[0, 0, 1, 1, :2].tolist() == pytest.approx([0, 0])
    # h = 32 sigmoid^2 = 4 pixels: dIoU/dh = 1/8, d atan(8/h)/dh = -8 / (8^2 + 4^2), dh/dt = 2 h (1 - sigmoid).
    alpha_dv = v / (1 - 0.5 + v) * 8 / math.pi**2 * (math.atan(2) - math.atan(1)) * -0.1
    of_height = -0.05 * (1 / 8 - alpha_dv) * 2 * 4 * (1 - math.sqrt(0.5) / 2)
    assert grad[0, 0, 1, 1, 3].item() == pytest.approx(of_height)


def test_a_perfect_box_costs_nothing() -> None:
    output = loss_fn()(blank(), one())
    assert output.unweighted["box"].item() == pytest.approx(0, abs=1e-12)


def test_the_items_of_a_batch_are_means_not_sums() -> None:
    """The reference trains on the sum of its items times the number of images; here it is without that factor."""
    raw, targets = random_raw(), scattered(3, 3)
    loss = yl.YOLOv5Loss(**LEVELS)
    before = loss(raw, targets)
    twice = yl.Targets(
        boxes=targets.boxes.repeat(2, 1, 1),
        labels=targets.labels.repeat(2, 1),
        mask=targets.mask.repeat(2, 1),
    )
    after = loss([level.repeat(2, 1, 1, 1, 1) for level in raw], twice)
    torch.testing.assert_close(after.total, before.total)


def test_levels_are_means_of_their_own() -> None:
    """An object that fits one level only leaves nothing on the other; one that fits both counts on both."""
    raw = [torch.zeros(1, 1, s, s, 5 + C, dtype=torch.float64) for s in (4, 2)]
    options = {"anchors": (((8.0, 8.0),), ((128.0, 128.0),)), "strides": (8, 16), "balance": (1.0, 1.0)}
    only = loss_fn(**options)(raw, one())
    assert torch.as_tensor(only.normalizer).tolist() == [1, 1, 1]
    assert only.assignment.mask.sum() == 1
    alone = loss_fn(balance=(1.0,))(raw[0], one())
    assert only.unweighted["box"] == alone.unweighted["box"]
    assert only.unweighted["cls"] == alone.unweighted["cls"]
    assert only.unweighted["obj"].item() == pytest.approx(alone.unweighted["obj"].item() + LN2)
    both = loss_fn(**options | {"anchors": (((8.0, 8.0),), ((8.0, 8.0),))})(raw, one())
    # On the second level the centre (0.75, 0.75) has a right and a lower neighbour.
    assert torch.as_tensor(both.normalizer).tolist() == [1, 3, 1]
    assert both.unweighted["cls"].item() == pytest.approx(2 * LN2)


@pytest.mark.parametrize("first_is_high", [True, False])
def test_of_several_objects_of_one_predictor_the_last_gives_the_objectness_target(
    first_is_high: bool,
) -> None:
    low, high = (1.5, 1.5, 1.0, 0.5), (1.5, 1.5, 1.0, 0.9)
    boxes = (high, low) if first_is_high else (low, high)
    loss, raw = loss_fn(), blank() + 1.0
    both = loss(raw, objects(*boxes, labels=[0, 1]))
    each = [loss(raw, objects(box, labels=[label])) for label, box in enumerate(boxes)]
    assert both.assignment.mask.sum() == 2
    assert both.unweighted["obj"] == each[1].unweighted["obj"]
    assert both.unweighted["obj"] != each[0].unweighted["obj"]
    for name in ("box", "cls"):  # these count both
        mean = (each[0].unweighted[name] + each[1].unweighted[name]) / 2
        torch.testing.assert_close(both.unweighted[name], mean)


def test_of_several_pairs_the_cell_decides_before_the_object() -> None:
    """A neighbour's pair comes after those of the own cells, though its object is the first."""
    right, own = (1.75, 1.5, 1.0, 1.0), (2.5, 1.5, 1.0, 0.9)
    targets = objects(right, own, labels=[0, 1])
    raw = blank()
    loss = loss_fn()
    output = loss(raw, targets)
    target = loss.elementwise(raw, targets, output.assignment)[1].target[0, :, 0].view(SIDE, SIDE)
    contested = output.assignment.mask & (output.assignment.predictor == 1 * SIDE + 2)
    quality = output.assignment.quality
    assert quality is not None
    assert output.assignment.object[contested].tolist() == [1, 0]
    assert target[1, 2] == quality[contested][1] != quality[contested][0]


def test_all_accepted_shapes_give_the_same() -> None:
    raw, targets = random_raw(size=(96, 64)), scattered(3, 3)
    loss = yl.YOLOv5Loss(**LEVELS)
    wanted = loss(raw, targets).total
    as_convolutions_emit = [level.permute(0, 1, 4, 2, 3).flatten(1, 2) for level in raw]
    assert as_convolutions_emit[0].shape[1] == loss.channels == 16
    assert torch.equal(loss(as_convolutions_emit, targets).total, wanted)
    assert torch.equal(loss(tuple(raw), targets).total, wanted)
    assert torch.equal(loss.decode(as_convolutions_emit).boxes, loss.decode(raw).boxes)
    assert torch.equal(loss_fn()(blank(), one()).total, loss_fn()([blank()], one()).total)
    assert loss(random_raw(size=(32, 96)), targets).total.isfinite()  # one loss, any size


def test_the_class_term_is_left_out_where_there_is_one_class() -> None:
    raw = torch.zeros(1, 1, SIDE, SIDE, 6)
    output = loss_fn(num_classes=1)(raw, objects(MIDDLE, labels=[0]))
    assert output.terms["cls"] == 0
    assert output.scales["cls"] == 0


def test_label_smoothing_moves_both_class_targets() -> None:
    output = loss_fn(label_smoothing=0.2)(half_height(), one())
    assert terms(output)["cls"] == pytest.approx((sp(1) - 0.1 + sp(-1) + 0.9) / 2, rel=1e-12)


def test_positive_weights() -> None:
    output = loss_fn(cls_pos_weight=3.0, obj_pos_weight=0.5)(half_height(), one())
    ciou = float(output.assignment.quality.max())  # type: ignore[union-attr]
    expected = {
        "cls": (sp(1) + 3 * sp(1)) / 2,
        "obj": 4 * (15 * LN2 + 0.5 * ciou * sp(-2) + (1 - ciou) * sp(2)) / 16,
    }
    assert {name: terms(output)[name] for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gamma", [1.5, 0.5])
def test_focal_terms_keep_the_positive_weights(gamma: float) -> None:
    output = loss_fn(focal_gamma=gamma, cls_pos_weight=3.0)(half_height(), one())
    missed = 1 / (1 + math.exp(-1))  # of both classes
    wanted = (0.75 * missed**gamma * sp(1) + 0.25 * missed**gamma * 3 * sp(1)) / 2
    assert terms(output)["cls"] == pytest.approx(wanted, rel=1e-12)
    saturated = (blank() + 1e4).requires_grad_()
    (grad,) = torch.autograd.grad(loss_fn(focal_gamma=gamma)(saturated, one()).total, saturated)
    assert grad.isfinite().all()


def test_the_objectness_target_can_be_one() -> None:
    raw, targets = half_height(), one()
    for share in (0.0, 0.5, 1.0):
        loss = loss_fn(objectness_from_iou=share)
        assignment = loss.assign(raw, targets)
        target = loss.elementwise(raw, targets, assignment)[1].target
        assert assignment.quality is not None
        assert target.max().item() == pytest.approx(1 - share + share * assignment.quality.max().item())


def test_another_box_loss_leaves_the_objectness_alone() -> None:
    raw, targets = half_height(), one()
    before, after = loss_fn()(raw, targets), loss_fn(box_loss=giou_loss)(raw, targets)
    assert after.unweighted["box"].item() == pytest.approx(0.5)
    assert torch.equal(after.unweighted["obj"], before.unweighted["obj"])


def test_objects_that_fit_no_anchor_are_counted() -> None:
    raw = blank()
    thin = objects(MIDDLE, (2.5, 2.5, 1.0, 0.2), labels=[0, 1])
    output = loss_fn()(raw, thin)
    assert output.num_dropped == 1
    assert loss_fn(anchor_threshold=6.0)(raw, thin).num_dropped == 0
    nothing = loss_fn()(raw, objects((2.5, 2.5, 1.0, 0.2), labels=[1]))
    assert torch.as_tensor(nothing.normalizer).tolist() == [1, 1]
    assert terms(nothing) == pytest.approx({"box": 0, "obj": 4 * LN2, "cls": 0})


def test_predictors_in_ignored_regions_are_left_alone() -> None:
    region = (2.5, 1.5, 3.0, 1.0)  # cells 1 to 3 of row 1
    raw = blank().requires_grad_()
    output = loss_fn()(raw, objects(MIDDLE, region, labels=[1, 0], ignore=[torch.tensor([False, True])]))
    assert output.num_dropped == 0
    (grad,) = torch.autograd.grad(output.total, raw)
    objectness = grad[0, 0, :, :, 4]
    assert objectness[1].ne(0).tolist() == [True, True, False, False]  # the first of the region answers
    assert objectness[[0, 2, 3]].ne(0).all()


def test_weights_reach_every_term_of_the_object_but_not_the_normaliser() -> None:
    raw = half_height()
    once, thrice = (loss_fn()(raw, one(weight=[torch.tensor([w], dtype=torch.float64)])) for w in (1.0, 3.0))
    assert torch.equal(torch.as_tensor(once.normalizer), torch.as_tensor(thrice.normalizer))
    for name in ("box", "cls"):
        torch.testing.assert_close(thrice.terms[name], 3 * once.terms[name])
    ciou = float(once.assignment.quality.max())  # type: ignore[union-attr]
    more = (thrice.unweighted["obj"] - once.unweighted["obj"]).item()
    assert more == pytest.approx(2 * 4 * (sp(2) - 2 * ciou) / 16)


@pytest.mark.parametrize("label", [-1, 2, 100])
def test_labels_out_of_range_are_no_class(label: int) -> None:
    loss = loss_fn()
    loss.validate = False
    output = loss(half_height(), replace(one(), labels=torch.tensor([[label]])))
    assert terms(output)["cls"] == pytest.approx((sp(1) + sp(-1)) / 2)


def test_balance_of_other_numbers_of_levels() -> None:
    anchor = ((8.0, 8.0),)
    for count, wanted in ((1, (4.0,)), (2, (4.0, 1.0)), (3, (4.0, 1.0, 0.4)), (4, (4.0, 1.0, 0.25, 0.06))):
        loss = yl.YOLOv5Loss(anchors=(anchor,) * count, strides=(8, 16, 32, 64)[:count])
        assert loss.balance == wanted


def test_the_publications_defaults() -> None:
    loss = yl.YOLOv5Loss()
    assert loss.channels == 255
    assert loss.anchors[0].tolist() == [[10, 13], [16, 30], [33, 23]]
    assert (loss.lambda_box, loss.lambda_obj, loss.lambda_cls) == (0.05, 1.0, 0.5)
    assert "num_classes=80, lambda_box=0.05, lambda_obj=1, lambda_cls=0.5" in repr(loss)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_classes": 0}, ValueError, r"^num_classes: expected an integer >= 1; got 0$"),
        ({"lambda_obj": -1}, ValueError, r"^lambda_obj: expected a number >= 0; got -1$"),
        ({"cls_pos_weight": float("inf")}, ValueError, r"^cls_pos_weight: expected a number >= 0; got inf$"),
        ({"focal_gamma": "2"}, TypeError, r"^focal_gamma: expected a number >= 0; got '2'$"),
        ({"label_smoothing": 1.5}, ValueError, r"^label_smoothing: expected a number from 0 to 1; got 1.5$"),
        ({"objectness_from_iou": 2}, ValueError, r"^objectness_from_iou: expected a number from 0 to 1; got 2$"),
        ({"anchor_threshold": 0.5}, ValueError, r"^anchor_threshold: expected a number >= 1; got 0.5$"),
        ({"balance": (1.0, 2.0)}, ValueError, r"^balance: expected a number >= 0, or one .* 1 levels; got \(1.0, 2"),
        ({"balance": (-1.0,)}, ValueError, r"^balance: expected a number >= 0, or one .* 1 levels; got \(-1.0,\)$"),
        ({"anchors": ((8.0, 8.0, 8.0),)}, ValueError, r"^anchors: expected for each of 1 levels equally many .*\(\(8"),
        ({"anchors": (((8.0, 8.0, 8.0),),)}, ValueError, r"^anchors: expected for each of 1 levels equally many "),
        ({"anchors": ((),)}, ValueError, r"^anchors: expected for each of 1 levels equally many \(w, h\) "),
        ({"anchors": None}, ValueError, r"^anchors: expected for each of 1 levels equally many .* got None$"),
        ({"anchors": (((8.0, 0.0),),)}, ValueError, r"^anchors: expected for each of 1 levels equally many \(w, h\) "),
        ({"strides": (8, 16)}, ValueError, r"^anchors: expected for each of 2 levels equally many \(w, h\) above 0"),
        ({"reduction": "max"}, ValueError, r"^reduction: expected one of 'mean', 'sum', 'none'; got 'max'$"),
    ],
)  # fmt: skip
def test_other_arguments_are_one_clear_error(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        loss_fn(**options)


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        ([], ValueError, r"^raw: expected one map a level; got none$"),
        ([blank(), blank()], ValueError, r"^strides: expected one for each of 2 levels; got \(8,\)$"),
        (torch.zeros(1, 9, 4, 4), ValueError, r"^raw: expected \(B, 7, rows, cols\), .* got \(1, 9, 4, 4\)$"),
        ([blank().long()], TypeError, r"^raw\[0\]: expected a floating dtype; got torch.int64$"),
        ([[0.0]], TypeError, r"^raw\[0\]: expected a tensor; got list$"),
    ],
)  # fmt: skip
def test_outputs_that_do_not_fit_are_one_clear_error(raw: Any, error: type[Exception], message: str) -> None:
    loss = loss_fn()
    for call in (loss, loss.assign):
        with pytest.raises(error, match=message):
            call(raw, one())
