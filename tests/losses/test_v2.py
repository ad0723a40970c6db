"""What is particular to YOLOv2: numbers worked out by hand, and every choice the loss offers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.errors import exactly
from torch import Tensor

import yolosses as yl

ANCHORS = ((1.0, 1.0), (2.0, 1.0))
C = 2


def loss_2x2(**options: Any) -> yl.YOLOv2Loss:
    """Two anchors, two classes."""
    shape: dict[str, Any] = {"anchors": ANCHORS, "num_classes": C}
    return yl.YOLOv2Loss(**shape | options)


def empty_map() -> Tensor:
    """(1, 2, 2, 2, 5 + C): all boxes are their anchors, centred; objectness 1/2."""
    return torch.zeros(1, 2, 2, 2, 5 + C, dtype=torch.float64)


def truth(*rows: tuple[float, ...], **extra: Any) -> yl.Targets:
    """Rows of cx, cy, w, h in cells of the 2 x 2 map, and a class."""
    boxes = torch.tensor([row[:4] for row in rows], dtype=torch.float64) / 2
    return yl.Targets.from_cxcywh([boxes], [torch.tensor([int(row[4]) for row in rows])], **extra)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


OBJECT = (1.6, 0.3, 1.8, 0.9, 1)  # in column 1, row 0; nearest to anchor 1


def test_by_hand() -> None:
    # The object: offset (0.6, 0.3) in the cell of column 1, row 0. On one centre with anchor 1 (2 x 1) its IoU is
    # 1.62 / 2, with anchor 0 (1 x 1) it is 0.9 / 1.72: anchor 1 answers.
    # Its box: centre offset (0.5, 0.5), size 2 x 1, so edges at x 0.5..2.5, y 0..1; the object's at 0.7..2.5,
    # -0.15..0.75: overlap 1.8 * 0.75 = 1.35, union 2 + 1.62 - 1.35 = 2.27, IoU 0.5947.
    raw = empty_map()
    raw[0, 1, 0, 1, 4], raw[0, 1, 0, 1, 6] = logit(0.75), 1.0
    raw.requires_grad_()
    output = loss_2x2(prior_pull=True)(raw, truth(OBJECT))
    iou, large = 1.35 / 2.27, 2 - 0.9 * 0.45
    tw, th = math.log(0.9), math.log(0.9)
    others = 7  # predictors that answer for nothing, with objectness 1/2
    expected = {
        "xy": large * (0.1**2 + 0.2**2) / 2,
        "wh": large * (tw**2 + th**2) / 2,
        "obj": 5 * (0.75 - iou) ** 2 / 2,
        "noobj": others * 0.5**2 / 2,
        "cls": math.log(1 + math.exp(-1)),
        "prior": 0.0,  # they are where they are drawn to
    }
    assert {name: value.item() for name, value in output.terms.items()} == pytest.approx(expected, rel=1e-7)
    assert output.assignment.iou.item() == pytest.approx(iou, rel=1e-7)
    assert output.scales == {"xy": 1, "wh": 1, "obj": 5, "noobj": 1, "cls": 1, "prior": 0.01}

    # A half square hands back its error, here by the output of the sigmoid, times the sigmoid's slope.
    output.total.backward()
    assert raw.grad is not None
    found = raw.grad[0, 1, 0, 1].tolist()
    share = 1 / (1 + math.exp(1))
    wanted = [large * -0.1 / 4, large * 0.2 / 4, large * -tw, large * -th, 5 * (0.75 - iou) * 0.1875, share]
    assert found == pytest.approx([*wanted, -share], rel=1e-6)
    assert raw.grad[0, 0, :, :, 4].flatten().tolist() == [0.5 * 0.25] * 4


def test_a_perfect_prediction_costs_nothing() -> None:
    raw = empty_map()
    raw[..., 4] = -100
    raw[0, 1, 0, 1] = torch.tensor([logit(0.6), logit(0.3), math.log(0.9), math.log(0.9), 100, -100, 100])
    output = loss_2x2()(raw, truth(OBJECT))
    assert output.total.item() == pytest.approx(0, abs=1e-12)
    assert output.assignment.iou.item() == pytest.approx(1, rel=1e-6)
    best = loss_2x2().decode(raw)
    assert best.scores[0].amax().item() == pytest.approx(1)
    assert best.boxes[0, int(output.assignment.predictor)].tolist() == pytest.approx(
        [0.8, 0.15, 0.9, 0.45], rel=1e-6
    )


def test_the_objectness_target() -> None:
    raw = empty_map()
    for target, wanted in (("iou", 1.35 / 2.27), ("one", 1.0)):
        output = loss_2x2(objectness_target=target)(raw, truth(OBJECT))
        assert output.unweighted["obj"].item() == pytest.approx((0.5 - wanted) ** 2 / 2, rel=1e-6)


def test_the_iou_is_a_constant() -> None:
    raw = empty_map().requires_grad_()
    loss_2x2()(raw, truth(OBJECT)).terms["obj"].backward()
    assert raw.grad is not None
    assert (raw.grad[..., :4] == 0).all()


# --- who answers ------------------------------------------------------------------------------------------------------


def test_anchors_or_predictions_are_compared_with_the_object() -> None:
    raw = empty_map()
    raw[0, 0, 0, 1, 2:4] = torch.tensor([math.log(1.8), math.log(0.9)])  # box 0 has the object's shape now
    for match, box in (("anchor", 1), ("prediction", 0)):
        loss_fn = loss_2x2(match=match)
        place = loss_fn.codec_for(raw).places(loss_fn.assign(raw, truth(OBJECT)).predictor)
        assert [int(part) for part in place] == [0, 0, 1, box]


@pytest.mark.parametrize("match", ["anchor", "prediction"])
def test_of_equal_shapes_the_first_answers(match: str) -> None:
    loss_fn = yl.YOLOv2Loss(anchors=((3.0, 1.0), (2.0, 1.0), (2.0, 1.0)), num_classes=C, match=match)
    raw = torch.zeros(1, 3, 2, 2, 5 + C)
    assert int(loss_fn.codec_for(raw).places(loss_fn.assign(raw, truth(OBJECT)).predictor).box) == 1


def test_predictors_that_overlap_an_object_well_are_no_background() -> None:
    """Strictly above the threshold; neighbours count too, and so do objects that others answer for."""
    raw, targets = empty_map(), truth((1.5, 0.5, 2.0, 1.0, 0))  # exactly the box of anchor 1
    neighbour = 1 / 3  # box 1 of the cell to the left: shifted by half its width
    within = 0.5  # box 0 of the same cell: half its area
    for threshold, spared in ((0.2, 2), (neighbour - 1e-6, 2), (neighbour + 1e-6, 1), (within, 0), (0.6, 0)):
        output = loss_2x2(ignore_threshold=threshold)(raw, targets)
        assert output.unweighted["noobj"].item() == pytest.approx((7 - spared) / 8, rel=1e-12), threshold


def test_an_object_on_an_edge_belongs_to_the_nearest_cell() -> None:
    for centre, row, col in (((0.0, 0.0), 0, 0), ((2.0, 2.0), 1, 1), ((2.0, 0.0), 0, 1)):
        loss_fn, targets = loss_2x2(), truth((*centre, 1.0, 1.0, 0))
        output = loss_fn(empty_map(), targets)
        place = loss_fn.codec_for(empty_map()).places(output.assignment.predictor)
        assert (int(place.row), int(place.col)) == (row, col)
        assert output.total.isfinite()


# --- several objects of one predictor ---------------------------------------------------------------------------------

FIRST, SECOND = (1.6, 0.3, 1.8, 0.9, 0), (1.2, 0.7, 1.9, 0.8, 1)


@pytest.mark.parametrize("class_term", ["softmax", "sigmoid"])
def test_the_last_object_has_the_predictor_and_the_first_is_counted(class_term: str) -> None:
    loss_fn, raw = loss_2x2(class_term=class_term), empty_map()
    both, alone = loss_fn(raw, truth(FIRST, SECOND)), loss_fn(raw, truth(SECOND))
    for name in ("xy", "wh", "obj"):
        assert both.terms[name].item() == pytest.approx(alone.terms[name].item(), rel=1e-12)
    assert both.assignment.predictor[0, 0] == both.assignment.predictor[0, 1]
    assert both.num_dropped == 1
    assert alone.num_dropped == 0
    weights = {
        term.name: term.weight for term in loss_fn.elementwise(raw, truth(FIRST, SECOND), both.assignment)
    }
    assert weights["obj"][0, :, 0].tolist() == [0, 1]


def test_classes_add_up_without_softmax_only() -> None:
    raw = empty_map()
    raw[0, 1, 0, 1, 5:] = torch.tensor([2.0, -1.0])
    softmax, sigmoid = (loss_2x2(class_term=how)(raw, truth(FIRST, SECOND)) for how in ("softmax", "sigmoid"))
    assert softmax.terms["cls"].item() == pytest.approx(math.log(1 + math.exp(3)), rel=1e-12)
    wanted = math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))  # both classes are there
    assert sigmoid.terms["cls"].item() == pytest.approx(wanted, rel=1e-12)


def test_two_objects_of_one_cell_and_two_shapes_do_not_compete() -> None:
    output = loss_2x2()(empty_map(), truth(OBJECT, (1.5, 0.5, 1.0, 1.0, 0)))
    assert output.num_dropped == 0
    assert len(set(output.assignment.predictor[0].tolist())) == 2


# --- the pull to the anchors ------------------------------------------------------------------------------------------


def test_the_pull_is_switched_by_an_attribute_and_seen_everywhere() -> None:
    noise = torch.Generator().manual_seed(0)
    raw = torch.randn(1, 2, 2, 2, 5 + C, generator=noise, dtype=torch.float64)
    loss_fn, targets = loss_2x2(), truth(OBJECT)
    off = loss_fn(raw, targets)
    loss_fn.prior_pull = True
    on = loss_fn(raw, targets)
    assert off.terms["prior"] == 0
    assert list(on.terms) == list(off.terms)
    assert torch.equal(on.unweighted["prior"], off.unweighted["prior"])
    numbers = raw[0, ..., :4].clone()
    numbers[..., :2] = numbers[..., :2].sigmoid() - 0.5
    squares = numbers.square().sum(-1)
    wanted = (squares.sum() - squares[1, 0, 1]).item() / 2  # all but the one that answers
    assert on.terms["prior"].item() == pytest.approx(0.01 * wanted, rel=1e-12)
    explanation = yl.explain.explain(loss_fn, raw, targets)
    assert explanation.output.terms["prior"].item() == pytest.approx(0.01 * wanted, rel=1e-12)
    shown = explanation.contributions.where(term="prior")
    assert shown.value.sum() == pytest.approx(0.01 * wanted, rel=1e-12)


def test_the_pull_spares_nobody_but_those_that_answer() -> None:
    """As in the author's program: it is no punishment for a guess."""
    raw = empty_map() + 0.3
    targets = truth(OBJECT)
    plain = loss_2x2(prior_pull=True)(raw, targets)
    spared = loss_2x2(prior_pull=True, ignore_threshold=0.0)(raw, targets)
    assert spared.terms["noobj"] < plain.terms["noobj"]
    assert torch.equal(spared.terms["prior"], plain.terms["prior"])


# --- weights and regions ----------------------------------------------------------------------------------------------


def test_an_object_of_weight_zero_still_answers() -> None:
    loss_fn, raw, targets = loss_2x2(), empty_map(), truth(OBJECT)
    plain, output = loss_fn(raw, targets), loss_fn(raw, replace(targets, weight=torch.zeros(1, 1)))
    assert [output.terms[name].item() for name in ("xy", "wh", "obj", "cls")] == [0, 0, 0, 0]
    assert torch.equal(output.terms["noobj"], plain.terms["noobj"])


def test_an_ignored_region_answers_for_nothing_and_spares_its_cells() -> None:
    targets = truth(OBJECT, (0.5, 0.5, 0.8, 0.8, 0))  # the second: the centre of cell (0, 0)
    targets = replace(targets, ignore=torch.tensor([[False, True]]))
    output, alone = loss_2x2()(empty_map(), targets), loss_2x2()(empty_map(), truth(OBJECT))
    assert output.assignment.mask.tolist() == [[True, False]]
    assert output.num_dropped == 0
    assert (alone.terms["noobj"] - output.terms["noobj"]).item() == pytest.approx(2 / 8, rel=1e-12)


# --- outputs and arguments --------------------------------------------------------------------------------------------


def test_all_accepted_shapes_are_read_alike_at_any_image_size() -> None:
    loss_fn = loss_2x2()
    for rows, cols in ((2, 2), (3, 5)):
        last = torch.randn(2, 2, rows, cols, 5 + C, generator=torch.Generator().manual_seed(rows))
        targets = yl.Targets.from_yolo_rows(torch.tensor([[0, 1, 0.8, 0.15, 0.9, 0.45]]), batch_size=2)
        wanted = loss_fn(last, targets).total
        apart = last.permute(0, 1, 4, 2, 3)
        for raw in (apart, apart.flatten(1, 2), [last], (apart,)):
            assert torch.equal(loss_fn(raw, targets).total, wanted)
    assert loss_fn.channels == 2 * (5 + C)


def test_whole_numbers_are_anchors_too() -> None:
    a, b = (yl.YOLOv2Loss(anchors=sizes, num_classes=C) for sizes in (((1, 1), (2, 1)), ANCHORS))
    assert a.anchors.dtype == torch.float32
    assert torch.equal(a(empty_map(), truth(OBJECT)).total, b(empty_map(), truth(OBJECT)).total)


def test_defaults_are_those_of_the_authors_voc_configuration() -> None:
    loss_fn = yl.YOLOv2Loss()
    assert loss_fn.channels == 125
    assert (loss_fn.lambda_coord, loss_fn.lambda_obj, loss_fn.lambda_noobj, loss_fn.lambda_cls) == (
        1,
        5,
        1,
        1,
    )
    assert (loss_fn.ignore_threshold, loss_fn.lambda_prior, loss_fn.prior_pull) == (0.6, 0.01, False)
    assert "prior_pull" not in repr(loss_fn)
    assert "prior_pull=True" in repr(yl.YOLOv2Loss(prior_pull=True))


def test_labels_that_do_not_exist_have_no_class_and_do_not_crash() -> None:
    for label in (-1, C, 999):
        for class_term in ("softmax", "sigmoid"):
            nowhere = truth((*OBJECT[:4], label), validate=False)
            loss_fn = loss_2x2(class_term=class_term)
            loss_fn.validate = False
            output = loss_fn(empty_map(), nowhere)
            assert output.total.isfinite()
            assert output.terms["xy"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 0}, "num_classes: expected an integer >= 1; got 0"),
        ({"anchors": ()}, "anchors: expected (w, h) above 0; got ()"),
        ({"anchors": ((1.0, 0.0),)}, "anchors: expected (w, h) above 0; got ((1.0, 0.0),)"),
        ({"anchors": ((1.0,),)}, "anchors: expected (w, h) above 0; got ((1.0,),)"),
        ({"lambda_prior": -1}, "lambda_prior: expected a number >= 0; got -1"),
        ({"lambda_coord": -1}, "lambda_coord: expected a number >= 0; got -1"),
        ({"ignore_threshold": -0.1}, "ignore_threshold: expected a number >= 0; got -0.1"),
        ({"objectness_target": "two"}, "objectness_target: expected one of 'iou', 'one'; got 'two'"),
        ({"match": "best"}, "match: expected one of 'anchor', 'prediction'; got 'best'"),
        ({"class_term": "bce"}, "class_term: expected one of 'softmax', 'sigmoid'; got 'bce'"),
        ({"reduction": "max"}, "reduction: expected one of 'mean', 'sum', 'none'; got 'max'"),
    ],
)
def test_wrong_arguments_are_one_clear_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        loss_2x2(**options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda raw: [raw, raw], "raw: expected one map; got 2"),
        (lambda raw: [], "raw: expected one map; got 0"),
        (
            lambda raw: raw[:, :1],
            "raw: expected (B, 14, rows, cols), (B, 2, rows, cols, 7) or (B, 2, 7, rows, cols) for 2 anchors a level "
            "and num_classes=2; got (1, 1, 2, 2, 7)",
        ),
    ],
)
def test_wrong_outputs_are_one_clear_error(make: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        loss_2x2()(make(empty_map()), truth(OBJECT))
