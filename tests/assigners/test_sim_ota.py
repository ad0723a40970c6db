"""SimOTA: which locations answer for an object, by cases that can be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import yolosses as yl
from yolosses.assigners import SimOTA
from yolosses.codecs import ClassScores, Levels

STRIDE, SIDE = 8, 6  # 6 x 6 locations of stride 8: points at 4, 12, ... 44


def points() -> Tensor:
    at = torch.arange(SIDE) * STRIDE + STRIDE / 2
    return torch.stack((at.repeat(SIDE), at.repeat_interleave(SIDE)), -1)


def number(x: float, y: float) -> int:
    """The location whose cell holds (x, y)."""
    return int(y // STRIDE) * SIDE + int(x // STRIDE)


def assign(
    pred_boxes: Tensor, gt_boxes: list[list[float]], scores: Tensor | None = None, **options: Any
) -> yl.Assignment:
    """One image; ``options``: ``labels``, ``mask``, and those of `SimOTA`."""
    gt = torch.tensor([gt_boxes], dtype=pred_boxes.dtype)
    labels = torch.tensor([options.pop("labels", [0] * len(gt_boxes))])
    mask = torch.tensor([options.pop("mask", [True] * len(gt_boxes))])
    if scores is None:
        scores = torch.full((1, len(pred_boxes), 2), 0.5, dtype=pred_boxes.dtype)
    count = len(pred_boxes)
    return SimOTA(**options)(
        levels=Levels(grids=((SIDE, SIDE) if count == SIDE * SIDE else (1, count),), strides=(STRIDE,)),
        pred_boxes=pred_boxes[None],
        pred_scores=ClassScores.of(scores, (count,)),
        gt_boxes=gt,
        gt_labels=labels,
        mask=mask,
    )


def pairs(assignment: yl.Assignment) -> dict[int, int]:
    """Location -> object."""
    rows = zip(*(part[0].tolist() for part in (assignment.predictor, assignment.object)), strict=True)
    found = [row for row, there in zip(rows, assignment.mask[0].tolist(), strict=True) if there]
    assert len(dict(found)) == len(found), "a location is assigned twice"
    return dict(found)


def elsewhere() -> Tensor:
    """Predicted boxes that overlap nothing."""
    return torch.tensor([500.0, 500.0, 10.0, 10.0]).repeat(SIDE * SIDE, 1)


@pytest.mark.parametrize("fitting", [1, 2, 3, 5])
def test_an_object_takes_as_many_locations_as_its_ious_add_up_to(fitting: int) -> None:
    truth, boxes = [20.0, 20.0, 16.0, 16.0], elsewhere()
    near = [number(20, 20), number(12, 20), number(28, 20), number(20, 12), number(20, 28)][:fitting]
    boxes[near] = torch.tensor(truth)
    assert pairs(assign(boxes, [truth])) == dict.fromkeys(near, 0)
    # Boxes that fit by half add half each.
    halves = boxes.clone()
    halves[near, 2] = 8
    assert len(pairs(assign(halves, [truth]))) == max(1, fitting // 2)


def test_no_more_than_topk_locations_are_taken() -> None:
    truth = [24.0, 24.0, 16.0, 16.0]
    boxes = torch.tensor(truth).repeat(SIDE * SIDE, 1)
    assert len(pairs(assign(boxes, [truth], radius=3.0))) == 10
    assert len(pairs(assign(boxes, [truth], radius=3.0, topk=4))) == 4
    assert len(pairs(assign(boxes[:3], [[4.0, 4.0, 16.0, 16.0]]))) <= 3  # fewer locations than topk


def test_of_equal_boxes_the_surer_class_wins() -> None:
    truth = [20.0, 20.0, 16.0, 16.0]
    boxes = torch.tensor([20.0, 20.0, 16.0, 8.0]).repeat(SIDE * SIDE, 1)  # each overlaps by half
    scores = torch.full((1, SIDE * SIDE, 2), 0.3)
    surest = [number(12, 12), number(28, 28), number(20, 12), number(12, 20)]
    scores[0, surest, 1] = 0.9
    assert set(pairs(assign(boxes, [truth], scores, labels=[1]))) == set(surest)
    assert not set(surest) & set(pairs(assign(boxes, [truth], scores, labels=[0])))


@pytest.mark.parametrize(
    ("x", "columns"), [(20.0, {1, 2, 3}), (24.0, {2, 3}), (16.0, {1, 2}), (21.0, {1, 2, 3})]
)
def test_the_central_region_reaches_less_than_a_stride_and_a_half(x: float, columns: set[int]) -> None:
    """A point exactly 1.5 strides away is outside: at x = 24 those at 12 and 36 are."""
    boxes = torch.tensor([x, 20.0, 16.0, 16.0]).repeat(SIDE * SIDE, 1)
    taken = pairs(assign(boxes, [[x, 20.0, 16.0, 16.0]]))
    assert {location % SIDE for location in taken} == columns
    assert {location // SIDE for location in taken} == {1, 2, 3}
    assert len(taken) == min(10, 3 * len(columns))


def test_an_object_far_outside_the_image_is_dropped_if_it_is_alone() -> None:
    boxes = torch.tensor([20.0, 20.0, 16.0, 16.0]).repeat(SIDE * SIDE, 1)
    alone = assign(boxes, [[-90.0, 20.0, 16.0, 16.0]])
    assert pairs(alone) == {}
    assert alone.num_dropped.tolist() == [1]
    assert torch.equal(alone.iou, torch.zeros_like(alone.iou))


def test_an_object_without_central_locations_takes_one_of_another_objects() -> None:
    near, far = [20.0, 20.0, 16.0, 8.0], [-90.0, 20.0, 16.0, 16.0]
    boxes = elsewhere()
    boxes[number(20, 20)] = torch.tensor(near)
    boxes[number(12, 12)] = torch.tensor([-90.0, 20.0, 16.0, 12.0])
    found = assign(boxes, [near, far])
    assert pairs(found) == {number(20, 20): 0, number(12, 12): 1}
    assert found.num_dropped.tolist() == [0]


def test_a_contested_location_goes_to_the_object_that_it_costs_least() -> None:
    boxes = elsewhere()
    boxes[number(20, 20)] = torch.tensor([20.0, 20.0, 16.0, 16.0])
    first, second = [20.0, 20.0, 16.0, 12.0], [20.0, 20.0, 16.0, 15.0]
    found = assign(boxes, [first, second])
    assert pairs(found) == {number(20, 20): 1}
    assert found.num_dropped.tolist() == [1]
    assert found.iou[found.mask].tolist() == pytest.approx([15 / 16])
    swapped = assign(boxes, [second, first])
    assert pairs(swapped) == {number(20, 20): 0}


def test_of_identical_objects_the_first_wins_across_all_chunks() -> None:
    boxes = elsewhere()
    boxes[number(20, 20)] = torch.tensor([20.0, 20.0, 16.0, 16.0])
    found = assign(boxes, [[20.0, 20.0, 16.0, 16.0]] * 20)
    assert pairs(found) == {number(20, 20): 0}
    assert found.num_dropped.tolist() == [19]
    masked = assign(boxes, [[20.0, 20.0, 16.0, 16.0]] * 20, mask=[False] * 11 + [True] * 9)
    assert pairs(masked) == {number(20, 20): 11}
    assert masked.num_dropped.tolist() == [8]


def test_boxes_without_area_have_iou_0() -> None:
    boxes = torch.tensor([20.0, 20.0, 0.0, 0.0]).repeat(SIDE * SIDE, 1)
    found = assign(boxes, [[20.0, 20.0, 0.0, 0.0]])
    assert len(pairs(found)) == 1
    assert found.iou.sum() == 0


def test_certain_scores_and_labels_out_of_range_are_finite_choices() -> None:
    truth = [20.0, 20.0, 16.0, 16.0]
    boxes = torch.tensor(truth).repeat(SIDE * SIDE, 1)
    scores = torch.zeros(1, SIDE * SIDE, 2)
    scores[..., 1] = 1
    for label in (-1, 0, 1, 7):
        assert len(pairs(assign(boxes, [truth], scores, labels=[label]))) == 9


def test_predictions_that_are_no_numbers_are_no_error() -> None:
    truth = [20.0, 20.0, 16.0, 16.0]
    boxes = torch.tensor(truth).repeat(SIDE * SIDE, 1)
    boxes[::2] = float("nan")
    found = assign(boxes, [truth, [36.0, 36.0, 10.0, 10.0]])
    assert ((found.predictor >= 0) & (found.predictor < SIDE * SIDE)).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"topk": 0}, ValueError, r"^topk: expected an integer >= 1; got 0$"),
        ({"topk": 2.5}, TypeError, r"^topk: expected an integer >= 1; got 2.5$"),
        ({"radius": -1}, ValueError, r"^radius: expected a number >= 0; got -1$"),
        ({"iou_cost": float("nan")}, ValueError, r"^iou_cost: expected a number >= 0; got nan$"),
        ({"outside_cost": "1e6"}, TypeError, r"^outside_cost: expected a number >= 0; got '1e6'$"),
    ],
)  # fmt: skip
def test_other_arguments_are_one_clear_error(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SimOTA(**options)
