"""What is particular to YOLOv1: numbers worked out by hand, and every choice the loss offers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from tests.errors import exactly
from torch import Tensor

import yolosses as yl
from yolosses.functional import (
    absolute_error,
    binary_cross_entropy_with_logits,
    huber,
    sigmoid_focal,
    softmax_cross_entropy,
    squared_error,
)

TERMS = ("xy", "wh", "obj", "noobj", "cls")


def loss_2x2(**options: Any) -> yl.YOLOv1Loss:
    """S = 2, one box a cell, two classes: small enough for paper and pencil."""
    shape: dict[str, Any] = {"grid": 2, "boxes_per_cell": 1, "num_classes": 2}
    return yl.YOLOv1Loss(**shape | options)


def one_object(*box: float, label: int = 1, **extra: Any) -> yl.Targets:
    boxes = [torch.tensor([box], dtype=torch.float64)]
    return yl.Targets.from_cxcywh(boxes, [torch.tensor([label])], **extra)


def raw_2x2() -> Tensor:
    #                    x,   y,    sqrt w, sqrt h, confidence, p0, p1
    cells = [
        [0.0, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0],  # row 0, column 0
        [0.7, 0.75, 0.75, 0.8, 1.0, 0.2, 0.9],  # row 0, column 1: holds the object's centre
        [0.0, 0.0, 0.0, 0.0, 0.2, 5.0, 5.0],  # row 1, column 0: its class scores do not matter
        [9.0, 9.0, 9.0, 9.0, 0.3, 0.0, 0.0],  # row 1, column 1: nor does its box
    ]
    return torch.tensor(cells, dtype=torch.float64).flatten()[None].requires_grad_()


OBJECT = (0.75, 0.25, 0.25, 0.16)


def test_by_hand() -> None:
    # The object: centre (0.75, 0.25) is (1.5, 0.5) in cells: column 1, row 0, offset (0.5, 0.5). The roots of its
    # size are (0.5, 0.4).
    # The box of that cell: offset (0.7, 0.75), size (0.75^2, 0.8^2) = (0.5625, 0.64). Its centre is off by (0.2, 0.25)
    # cells = (0.1, 0.125) of the image, so it still contains the object, and the IoU is the ratio of areas:
    #   0.25 * 0.16 / (0.5625 * 0.64) = 0.04 / 0.36 = 1 / 9
    raw = raw_2x2()
    output = loss_2x2()(raw, one_object(*OBJECT))
    expected = {
        "xy": 5 * (0.2**2 + 0.25**2),  # 0.5125
        "wh": 5 * ((0.75 - 0.5) ** 2 + (0.8 - 0.4) ** 2),  # 1.1125
        "obj": (1 - 1 / 9) ** 2,  # 0.790123...
        "noobj": 0.5 * (0.1**2 + 0.2**2 + 0.3**2),  # 0.07
        "cls": 0.2**2 + (0.9 - 1) ** 2,  # 0.05
    }
    assert {name: value.item() for name, value in output.terms.items()} == pytest.approx(expected, rel=1e-12)
    assert output.total.item() == pytest.approx(2.5351234567901234, rel=1e-12)
    assert output.assignment.iou.item() == pytest.approx(1 / 9, rel=1e-12)
    assert output.assignment.predictor.tolist() == [[1]]
    assert output.num_dropped == 0

    # Each squared error hands back lambda * 2 * error; the IoU is a constant.
    output.total.backward()
    assert raw.grad is not None
    gradient = [
        [0, 0, 0, 0, 0.5 * 2 * 0.1, 0, 0],
        [5 * 2 * 0.2, 5 * 2 * 0.25, 5 * 2 * 0.25, 5 * 2 * 0.4, 2 * 8 / 9, 2 * 0.2, 2 * -0.1],
        [0, 0, 0, 0, 0.5 * 2 * 0.2, 0, 0],
        [0, 0, 0, 0, 0.5 * 2 * 0.3, 0, 0],
    ]
    wanted = torch.tensor(gradient, dtype=torch.float64).flatten()[None]
    torch.testing.assert_close(raw.grad, wanted, rtol=1e-12, atol=1e-14)


def test_a_perfect_prediction_costs_nothing() -> None:
    loss_fn, targets = loss_2x2(), one_object(*OBJECT)
    raw = torch.zeros(1, 2, 2, 7, dtype=torch.float64)
    raw[0, 0, 1] = torch.tensor([0.5, 0.5, 0.5, 0.4, 1.0, 0.0, 1.0], dtype=torch.float64)
    assert loss_fn(raw, targets).total.item() == pytest.approx(0, abs=1e-24)


@pytest.mark.parametrize("target", ["iou", "one"])
def test_confidence_target(target: str) -> None:
    output = loss_2x2(confidence_target=target)(raw_2x2(), one_object(*OBJECT))
    wanted = (1 - 1 / 9) ** 2 if target == "iou" else 0.0
    assert output.terms["obj"].item() == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize(
    ("encoding", "term", "width_error", "height_error"),
    [
        ("sqrt", "sqrt", 0.75 - 0.5, 0.8 - 0.4),
        ("sqrt", "linear", 0.75**2 - 0.25, 0.8**2 - 0.16),
        ("linear", "linear", 0.75 - 0.25, 0.8 - 0.16),
        ("linear", "sqrt", math.sqrt(0.75) - 0.5, math.sqrt(0.8) - 0.4),
    ],
)
def test_size_encoding_and_size_term(
    encoding: str, term: str, width_error: float, height_error: float
) -> None:
    loss_fn = loss_2x2(size_encoding=encoding, size_term=term)
    output = loss_fn(raw_2x2(), one_object(*OBJECT))
    assert output.unweighted["wh"].item() == pytest.approx(width_error**2 + height_error**2, rel=1e-12)


@pytest.mark.parametrize("size", [-10.0, -1e-3, 0.0, 1e-12, 1e-5])
def test_a_root_of_what_the_network_emits_pushes_too_small_sizes_up(size: float) -> None:
    raw = raw_2x2().detach()
    raw[0, 9:11] = size
    raw.requires_grad_()
    output = loss_2x2(size_encoding="linear")(raw, one_object(*OBJECT))
    output.total.backward()
    assert output.total.isfinite()
    assert raw.grad is not None
    assert (raw.grad[0, 9:11] < -1).all()  # descent adds to the size


def test_cross_entropy_and_the_softmax_of_the_scores() -> None:
    raw = raw_2x2()
    output = loss_2x2(class_term="cross_entropy")(raw, one_object(*OBJECT))
    probability = math.exp(0.9) / (math.exp(0.2) + math.exp(0.9))
    assert output.terms["cls"].item() == pytest.approx(-math.log(probability), rel=1e-12)
    output.terms["cls"].backward()
    assert raw.grad is not None
    assert raw.grad[0, 12:14].tolist() == pytest.approx([1 - probability, probability - 1], rel=1e-12)
    by_penalty = loss_2x2(cls_penalty=softmax_cross_entropy)(raw, one_object(*OBJECT))
    assert torch.equal(by_penalty.total, output.total)


def log(value: float) -> float:
    return math.log(value)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize(
    ("options", "term", "wanted"),
    [
        ({"xy_penalty": absolute_error}, "xy", 0.2 + 0.25),
        ({"wh_penalty": partial(huber, delta=0.3)}, "wh", 0.25**2 / 2 + 0.3 * (0.4 - 0.15)),
        ({"obj_penalty": absolute_error, "noobj_penalty": squared_error}, "obj", 8 / 9),
        ({"obj_penalty": absolute_error}, "noobj", 0.1 + 0.2 + 0.3),
        ({"noobj_penalty": absolute_error}, "noobj", 0.1 + 0.2 + 0.3),
        ({"cls_penalty": absolute_error}, "cls", 0.2 + 0.1),
        (
            {"cls_penalty": binary_cross_entropy_with_logits},
            "cls",
            -log(1 - sigmoid(0.2)) - log(sigmoid(0.9)),
        ),
        (
            {"cls_penalty": partial(sigmoid_focal, gamma=2, alpha=0.25)},
            "cls",
            -0.75 * sigmoid(0.2) ** 2 * log(1 - sigmoid(0.2))
            - 0.25 * (1 - sigmoid(0.9)) ** 2 * log(sigmoid(0.9)),
        ),
        (
            {"obj_penalty": binary_cross_entropy_with_logits, "noobj_penalty": sigmoid_focal},
            "obj",
            -log(sigmoid(1.0)) / 9 - 8 / 9 * log(1 - sigmoid(1.0)),
        ),
    ],
)
def test_the_penalty_of_each_term_can_be_replaced(options: dict[str, Any], term: str, wanted: float) -> None:
    output = loss_2x2(**options)(raw_2x2(), one_object(*OBJECT))
    assert output.unweighted[term].item() == pytest.approx(wanted, rel=1e-12)
    plain = loss_2x2()(raw_2x2(), one_object(*OBJECT))
    changed = {name.removesuffix("_penalty") for name in options}
    if "obj" in changed:
        changed.add("noobj")  # which follows it, unless it is given
    for name in set(TERMS) - changed:
        assert torch.equal(output.terms[name], plain.terms[name])


def test_a_penalty_of_ones_own() -> None:
    def cubed(pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).abs() ** 3

    output = loss_2x2(xy_penalty=cubed)(raw_2x2(), one_object(*OBJECT))
    assert output.unweighted["xy"].item() == pytest.approx(0.2**3 + 0.25**3, rel=1e-12)


@pytest.mark.parametrize("name", ["coord", "noobj", "obj", "cls"])
def test_each_lambda_scales_its_terms_alone(name: str) -> None:
    mine = {"coord": {"xy", "wh"}}.get(name, {name})
    output = loss_2x2(**{f"lambda_{name}": 3.0})(raw_2x2(), one_object(*OBJECT))
    plain = loss_2x2()(raw_2x2(), one_object(*OBJECT))
    for term in TERMS:
        assert torch.equal(output.unweighted[term], plain.unweighted[term])
        wanted = 3.0 if term in mine else plain.scales[term]
        assert output.scales[term] == wanted
        assert output.terms[term].item() == pytest.approx(wanted * plain.unweighted[term].item(), rel=1e-12)


# --- who is responsible -----------------------------------------------------------------------------------------------


def two_boxes(first: list[float], second: list[float]) -> Tensor:
    """One cell, two boxes, one class; linear sizes."""
    return torch.tensor([[*first, 0.0, *second, 0.0, 0.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("first", "second", "winner", "iou"),
    [
        ([0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 0.2, 0.2], 0, 1.0),
        ([0.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.4, 0.2], 1, 0.5),
        ([0.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2], 0, 0.25),  # a tie: the first
        ([1.5, 0.5, 0.1, 0.4], [0.5, 0.5, 0.0, 0.0], 1, 0.0),  # no overlap: the nearest
        ([0.5, 0.5, 0.0, 0.0], [1.5, 0.5, 0.1, 0.4], 0, 0.0),
        ([0.5, 0.5, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], 0, 0.0),  # no overlap, equally near: the first
        ([0.5, 0.5, -0.4, 0.4], [9.0, 9.0, 0.4, 0.4], 0, 0.0),  # a negative size overlaps nothing
        ([90.0, 0.5, 0.1, 0.4], [80.0, 0.5, 0.1, 0.4], 1, 0.0),  # however far
        ([0.5, 0.5, 0.0, 0.0], [0.5, 0.5, 90.0, 90.0], 1, 0.16 / 8100),  # any overlap beats nearness
    ],
)
def test_the_best_overlap_is_responsible(
    first: list[float], second: list[float], winner: int, iou: float
) -> None:
    loss_fn = yl.YOLOv1Loss(grid=1, boxes_per_cell=2, num_classes=1, size_encoding="linear")
    assignment = loss_fn.assign(two_boxes(first, second), one_object(0.5, 0.5, 0.4, 0.4, label=0))
    assert assignment.predictor.tolist() == [[winner]]
    assert assignment.iou.item() == pytest.approx(iou, rel=1e-12)


def test_the_box_that_is_not_responsible_is_background() -> None:
    raw = two_boxes([0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 0.4, 0.4])
    raw[0, 4], raw[0, 9] = 0.5, 0.7
    loss_fn = yl.YOLOv1Loss(grid=1, boxes_per_cell=2, num_classes=1, size_encoding="linear")
    output = loss_fn(raw, one_object(0.5, 0.5, 0.4, 0.4, label=0))
    assert output.unweighted["obj"].item() == pytest.approx((0.5 - 1) ** 2, rel=1e-12)
    assert output.unweighted["noobj"].item() == pytest.approx(0.7**2, rel=1e-12)  # however well it fits


def test_tiny_boxes_are_told_apart_in_float32() -> None:
    """Two boxes of 2e-4 of a large image's far corner, a tenth of their size apart."""
    loss_fn = yl.YOLOv1Loss(grid=1, boxes_per_cell=2, num_classes=1, size_encoding="linear")
    truth = (0.9, 0.9, 2e-4, 2e-4)
    raw = two_boxes([0.9 + 4e-5, 0.9, 2e-4, 2e-4], [0.9 + 2e-5, 0.9, 2e-4, 2e-4])
    assignment = loss_fn.assign(raw.float(), one_object(*truth, label=0))
    assert assignment.predictor.tolist() == [[1]]
    # What is left is the rounding of 0.90002 itself, 6e-8 of a box of 2e-4.
    assert assignment.iou.item() == pytest.approx(0.9 / 1.1, abs=1e-3)


# --- one object a cell ------------------------------------------------------------------------------------------------


def crowd(*labels: int) -> yl.Targets:
    """Objects in the cell of `OBJECT`, the first of them at its place."""
    boxes = [(0.75 + 0.02 * n, 0.25, 0.25 - 0.01 * n, 0.16) for n in range(len(labels))]
    return yl.Targets.from_cxcywh([torch.tensor(boxes, dtype=torch.float64)], [torch.tensor(labels)])


def test_the_first_object_wins_the_cell_and_the_others_are_counted() -> None:
    loss_fn, raw = loss_2x2(), raw_2x2()
    alone = loss_fn(raw, crowd(1))
    for others in ((0,), (0, 1), (1, 1, 1, 1)):
        output = loss_fn(raw, crowd(1, *others))
        assert torch.equal(output.total, alone.total)
        assert output.num_dropped == len(others)
        assert output.assignment.num_dropped.tolist() == [len(others)]
        assert output.assignment.mask.tolist() == [[True] + [False] * len(others)]
    swapped = crowd(0, 1)
    swapped = replace(swapped, boxes=swapped.boxes.flip(1), labels=swapped.labels.flip(1))
    assert loss_fn(raw, swapped).total != alone.total


def test_dropped_objects_are_counted_image_by_image() -> None:
    batch = yl.Targets.from_yolo_rows(
        torch.tensor(
            [[image, 0, 0.1 + 0.01 * n, 0.1, 0.1, 0.1] for image in range(3) for n in range(image + 1)]
        ),
        batch_size=4,
    )
    output = loss_2x2()(raw_2x2().detach().expand(4, -1), batch)
    assert output.assignment.num_dropped.tolist() == [0, 1, 2, 0]
    assert output.num_dropped == 3


def test_an_ignored_object_takes_no_cell() -> None:
    loss_fn, raw = loss_2x2(), raw_2x2()
    targets = replace(crowd(0, 1), ignore=torch.tensor([[True, False]]))
    output = loss_fn(raw, targets)
    assert output.assignment.mask.tolist() == [[False, True]]
    assert output.num_dropped == 0


# --- weights and regions ----------------------------------------------------------------------------------------------


def test_an_object_of_weight_zero_still_answers() -> None:
    """Its own terms vanish, and its box is not punished as background either: the image says there is something."""
    loss_fn, raw, targets = loss_2x2(), raw_2x2(), one_object(*OBJECT)
    output = loss_fn(raw, replace(targets, weight=torch.zeros(1, 1)))
    plain = loss_fn(raw, targets)
    assert [output.terms[name].item() for name in ("xy", "wh", "obj", "cls")] == [0, 0, 0, 0]
    assert torch.equal(output.terms["noobj"], plain.terms["noobj"])
    assert output.assignment.mask.tolist() == [[True]]


def test_weight_two_doubles_the_objects_terms_and_not_the_background() -> None:
    loss_fn, raw, targets = loss_2x2(), raw_2x2(), one_object(*OBJECT)
    output, plain = loss_fn(raw, replace(targets, weight=torch.full((1, 1), 2.0))), loss_fn(raw, targets)
    for name in TERMS:
        factor = 1 if name == "noobj" else 2
        assert output.terms[name].item() == pytest.approx(factor * plain.terms[name].item(), rel=1e-12)


@pytest.mark.parametrize(
    ("region", "punished"),
    [
        ((0.25, 0.25, 0.2, 0.2), [0.2, 0.3]),  # covers the centre of cell 0
        ((0.5, 0.75, 0.9, 0.4), [0.1]),  # covers the centres of cells 2 and 3
        ((0.5, 0.5, 1.0, 1.0), []),
        ((0.5, 0.5, 0.2, 0.2), [0.1, 0.2]),  # covers no centre, but has its own in cell 3
    ],
)
def test_background_on_an_ignored_region_is_left_alone(
    region: tuple[float, ...], punished: list[float]
) -> None:
    raw = raw_2x2()
    boxes = torch.tensor([[OBJECT, region]], dtype=torch.float64)
    targets = yl.Targets(
        boxes=boxes,
        labels=torch.tensor([[1, 0]]),
        mask=torch.tensor([[True, True]]),
        ignore=torch.tensor([[False, True]]),
    )
    output, plain = loss_2x2()(raw, targets), loss_2x2()(raw, one_object(*OBJECT))
    assert output.unweighted["noobj"].item() == pytest.approx(
        sum(c * c for c in punished), rel=1e-12, abs=1e-15
    )
    for name in ("xy", "wh", "obj", "cls"):  # the box that answers does so on the region too
        assert torch.equal(output.terms[name], plain.terms[name])


def test_class_weights_weigh_the_elements_of_the_class_term() -> None:
    output = loss_2x2(class_weight=torch.tensor([2.0, 10.0]))(raw_2x2(), one_object(*OBJECT))
    assert output.terms["cls"].item() == pytest.approx(2 * 0.2**2 + 10 * 0.1**2, rel=1e-12)


# --- what is wrong is said --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"grid": 0}, ValueError, "grid: expected an integer >= 1; got 0"),
        ({"grid": (3, -1)}, ValueError, "grid: expected an integer >= 1; got -1"),
        ({"grid": 7.0}, TypeError, "grid: expected an integer or (rows, columns); got 7.0"),
        ({"grid": (7,)}, TypeError, "grid: expected an integer or (rows, columns); got (7,)"),
        ({"grid": [7]}, TypeError, "grid: expected an integer or (rows, columns); got [7]"),
        ({"boxes_per_cell": 0}, ValueError, "boxes_per_cell: expected an integer >= 1; got 0"),
        ({"num_classes": 1.5}, TypeError, "num_classes: expected an integer >= 1; got 1.5"),
        ({"lambda_coord": -1}, ValueError, "lambda_coord: expected a number >= 0; got -1"),
        ({"lambda_noobj": math.nan}, ValueError, "lambda_noobj: expected a number >= 0; got nan"),
        ({"lambda_obj": math.inf}, ValueError, "lambda_obj: expected a number >= 0; got inf"),
        ({"lambda_cls": "1"}, TypeError, "lambda_cls: expected a number >= 0; got '1'"),
        ({"size_encoding": "exp"}, ValueError, "size_encoding: expected one of 'sqrt', 'linear'; got 'exp'"),
        ({"size_term": "log"}, ValueError, "size_term: expected one of 'sqrt', 'linear'; got 'log'"),
        (
            {"confidence_target": "giou"},
            ValueError,
            "confidence_target: expected one of 'iou', 'one'; got 'giou'",
        ),
        (
            {"class_term": "softmax"},
            ValueError,
            "class_term: expected one of 'squared_error', 'cross_entropy'; got 'softmax'",
        ),
        ({"layout": "channels"}, ValueError, "layout: expected one of 'cell', 'darknet'; got 'channels'"),
        (
            {"reduction": "batchmean"},
            ValueError,
            "reduction: expected one of 'mean', 'sum', 'none'; got 'batchmean'",
        ),
        (
            {"class_term": "cross_entropy", "cls_penalty": huber},
            ValueError,
            "cls_penalty: expected None with class_term='cross_entropy', a penalty itself; got one",
        ),
        (
            {"noobj_penalty": sigmoid_focal},
            ValueError,
            "obj_penalty, noobj_penalty: expected both on logits or neither, since they share the confidence "
            "output; got one on logits",
        ),
        (
            {"wh_penalty": sigmoid_focal, "size_encoding": "linear"},
            ValueError,
            "wh_penalty: expected size_term equal to size_encoding for a penalty on logits; got 'sqrt' and 'linear'",
        ),
        (
            {"xy_penalty": softmax_cross_entropy},
            ValueError,
            "xy_penalty: expected a penalty without softmax, which only classes have; got one",
        ),
    ],
)
def test_a_wrong_argument_is_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=exactly(message)):
        yl.YOLOv1Loss(**options)


@pytest.mark.parametrize(
    ("options", "raw", "error", "message"),
    [
        (
            {},
            torch.zeros(4, 1000),
            ValueError,
            "raw: expected (B, 1470) or (B, 7, 7, 30) for grid=7, boxes_per_cell=2, num_classes=20, layout='cell'; "
            "got (4, 1000)",
        ),
        (
            {"grid": (3, 5), "layout": "darknet"},
            torch.zeros(4, 3, 5, 30),
            ValueError,
            "raw: expected (B, 450) for grid=(3, 5), boxes_per_cell=2, num_classes=20, layout='darknet'; "
            "got (4, 3, 5, 30)",
        ),
        (
            {},
            torch.zeros(1470),
            ValueError,
            "raw: expected (B, 1470) or (B, 7, 7, 30) for grid=7, boxes_per_cell=2, num_classes=20, layout='cell'; "
            "got (1470,)",
        ),
        ({}, torch.zeros(4, 1470).long(), TypeError, "raw: expected a floating dtype; got torch.int64"),
        ({}, [[0.0]], TypeError, "raw: expected a tensor; got list"),
    ],
)
def test_a_wrong_output_is_named(
    options: dict[str, Any], raw: Any, error: type[Exception], message: str
) -> None:
    targets = yl.Targets.from_cxcywh([torch.zeros(0, 4)] * 4, [torch.zeros(0)] * 4)
    for call in (yl.YOLOv1Loss(**options), partial(yl.YOLOv1Loss(**options).assign)):
        with pytest.raises(error, match=exactly(message)):
            call(raw, targets)


def test_the_module_says_what_it_is() -> None:
    assert repr(yl.YOLOv1Loss(grid=(3, 5), lambda_coord=2.5)) == (
        "YOLOv1Loss(grid=(3, 5), num_classes=20, lambda_coord=2.5, lambda_noobj=0.5, lambda_obj=1, lambda_cls=1)"
    )


# --- what the network means -------------------------------------------------------------------------------------------


def test_decode_by_hand() -> None:
    predictions = loss_2x2().decode(raw_2x2())
    assert predictions.boxes.shape == (1, 4, 4)
    assert predictions.scores.shape == (1, 4, 2)
    assert predictions.boxes[0, 1].tolist() == pytest.approx([1.7 / 2, 0.75 / 2, 0.5625, 0.64])
    assert predictions.boxes[0, 3].tolist() == pytest.approx([10 / 2, 10 / 2, 81, 81])
    assert predictions.scores[0].tolist() == [
        pytest.approx([0.0, 0.0]),
        pytest.approx([0.2, 0.9]),
        pytest.approx([1.0, 1.0]),
        pytest.approx([0.0, 0.0]),
    ]


@pytest.mark.parametrize(
    ("options", "box", "scores"),
    [
        ({"size_encoding": "linear"}, [0.85, 0.375, 0.75, 0.8], [0.2, 0.9]),
        (
            {"class_term": "cross_entropy"},
            [0.85, 0.375, 0.5625, 0.64],
            [1 / (1 + math.exp(0.7)), 1 / (1 + math.exp(-0.7))],
        ),
        (
            {"obj_penalty": binary_cross_entropy_with_logits, "noobj_penalty": sigmoid_focal},
            [0.85, 0.375, 0.5625, 0.64],
            [0.2 * sigmoid(1), 0.9 * sigmoid(1)],
        ),
        (
            {"cls_penalty": partial(sigmoid_focal, gamma=1.0)},
            [0.85, 0.375, 0.5625, 0.64],
            [sigmoid(0.2), sigmoid(0.9)],
        ),
        (
            {"xy_penalty": binary_cross_entropy_with_logits, "wh_penalty": binary_cross_entropy_with_logits},
            [(1 + sigmoid(0.7)) / 2, sigmoid(0.75) / 2, sigmoid(0.75) ** 2, sigmoid(0.8) ** 2],
            [0.2, 0.9],
        ),
    ],
)
def test_decode_follows_the_penalties(options: dict[str, Any], box: list[float], scores: list[float]) -> None:
    predictions = loss_2x2(**options).decode(raw_2x2())
    assert predictions.boxes[0, 1].tolist() == pytest.approx(box, rel=1e-12)
    assert predictions.scores[0, 1].tolist() == pytest.approx(scores, rel=1e-12)


@pytest.mark.parametrize("on_logits", [False, True])
def test_the_box_that_is_decoded_is_the_box_that_was_judged(on_logits: bool) -> None:
    penalty: Callable[..., Tensor] = binary_cross_entropy_with_logits
    options = {"xy_penalty": penalty, "wh_penalty": penalty} if on_logits else {}
    loss_fn, targets = loss_2x2(**options), one_object(*OBJECT)
    raw = torch.randn(1, 28, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assignment = loss_fn.assign(raw, targets)
    box = loss_fn.decode(raw).boxes[0, assignment.predictor[0]]
    iou = yl.boxes.paired_iou(box, targets.boxes[0])
    torch.testing.assert_close(iou, assignment.iou[0], rtol=1e-12, atol=1e-14)
