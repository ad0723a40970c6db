"""YOLOv7's choice among the candidates, by cases that can be worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from yolosses.assigners.anchor_ratio import AnchorPairs
from yolosses.assigners.ota import refine_pairs

BOX = [20.0, 20.0, 16.0, 16.0]
AWAY = [500.0, 500.0, 10.0, 10.0]


def refine(
    pred_boxes: list[list[float]],
    gt_boxes: list[list[float]],
    *,
    predictor: list[int] | None = None,
    there: list[bool] | None = None,
    objectness: Tensor | None = None,
    classes: Tensor | None = None,
    labels: list[int] | None = None,
    mask: list[bool] | None = None,
) -> list[int | None]:
    """One image with candidates ``pred_boxes``: the object that each goes to, or None."""
    n, m = len(pred_boxes), len(gt_boxes)
    pairs = AnchorPairs(
        predictor=torch.tensor([list(range(n)) if predictor is None else predictor]),
        object=torch.zeros(1, n, dtype=torch.int64),
        mask=torch.tensor([[True] * n if there is None else there]),
    )
    found = refine_pairs(
        pairs,
        pred_boxes=torch.tensor([pred_boxes]),
        objectness=torch.zeros(1, n) if objectness is None else objectness[None],
        classes=torch.zeros(1, n, 2) if classes is None else classes[None],
        gt_boxes=torch.tensor([gt_boxes]),
        gt_labels=torch.tensor([[0] * m if labels is None else labels]),
        mask=torch.tensor([[True] * m if mask is None else mask]),
    )
    assert not found.predictor[~found.mask].any()
    assert not found.object[~found.mask].any()
    assert torch.equal(found.predictor[found.mask], pairs.predictor[found.mask])
    return [
        j if kept else None for j, kept in zip(found.object[0].tolist(), found.mask[0].tolist(), strict=True)
    ]


@pytest.mark.parametrize("fitting", [1, 2, 3, 5, 10, 13])
def test_an_object_takes_as_many_as_its_ten_largest_ious_add_up_to(fitting: int) -> None:
    assert refine([BOX] * fitting + [AWAY] * 4, [BOX]) == [0] * min(fitting, 10) + [None] * (
        max(fitting - 10, 0) + 4
    )
    half = [20.0, 20.0, 16.0, 8.0]
    assert refine([AWAY] + [half] * fitting, [BOX]).count(0) == max(1, min(fitting, 10) // 2)


def test_one_is_taken_even_if_nothing_overlaps() -> None:
    assert refine([AWAY, AWAY], [BOX]) == [0, None]


def test_of_equal_boxes_those_whose_class_and_objectness_are_surer_are_taken() -> None:
    half = [20.0, 20.0, 16.0, 8.0]
    classes = torch.tensor([[0.0, 0.0], [2.0, -2.0], [0.0, 0.0], [-2.0, 2.0]])
    assert refine([half] * 4, [BOX], classes=classes) == [0, 0, None, None]
    assert refine([half] * 4, [BOX], classes=classes, labels=[1]) == [0, None, None, 0]
    sure = torch.tensor([0.0, 0.0, 0.0, 1.0])
    right = torch.tensor([[2.0, -6.0]] * 4)
    assert refine([half] * 4, [BOX], classes=right, objectness=sure) == [0, None, None, 0]


def test_a_contested_candidate_goes_to_the_object_that_it_costs_least() -> None:
    near, nearer = [20.0, 20.0, 16.0, 12.0], [20.0, 20.0, 16.0, 15.0]
    assert refine([BOX, AWAY], [near, nearer]) == [1, None]
    assert refine([BOX, AWAY], [nearer, near]) == [0, None]


def test_a_contested_candidate_may_go_to_an_object_that_did_not_take_it() -> None:
    low, lower = [18.0, 20.0, 16.0, 11.0], [18.0, 20.0, 16.0, 10.0]  # overlap BOX by 0.55 and 0.51
    right = [22.0, 20.0, 16.0, 16.0]  # overlaps BOX by 0.78, but takes the box that fits it
    assert refine([BOX, right], [low, lower, right]) == [2, 2]
    assert refine([BOX, right], [low, right]) == [0, 1]


def test_of_identical_objects_the_first_wins_however_many_there_are() -> None:
    assert refine([BOX, AWAY], [BOX] * 20) == [0, None]
    assert refine([BOX, AWAY], [BOX] * 20, mask=[False] * 11 + [True] * 9) == [11, None]


def test_objects_beyond_the_first_chunk_take_theirs() -> None:
    boxes = [[20.0 + 40 * i, 20.0, 16.0, 16.0] for i in range(19)]
    assert refine(boxes[::-1], boxes) == list(range(19))[::-1]


def test_copies_of_one_predictor_are_candidates_of_their_own_and_the_first_is_taken() -> None:
    third = [20.0, 20.0, 16.0, 5.0]
    assert refine([third] * 3, [BOX], predictor=[7, 7, 7]) == [0, None, None]
    # Two objects, one a copy each: the better one takes both copies if it has room for two.
    assert refine([BOX] * 2, [BOX], predictor=[7, 7]) == [0, 0]
    wide, tall = [20.0, 20.0, 16.0, 8.0], [20.0, 20.0, 8.0, 16.0]
    assert refine([wide, tall], [wide, tall], predictor=[7, 7]) == [0, 1]


def test_candidates_and_objects_that_do_not_count_change_nothing() -> None:
    half = [20.0, 20.0, 16.0, 8.0]
    assert refine([BOX, half, BOX], [BOX], there=[False, True, True]) == [None, None, 0]
    assert refine([BOX, half], [AWAY, BOX], mask=[False, True]) == [1, None]
    assert refine([BOX, half], [BOX], mask=[False]) == [None, None]
    assert refine([BOX, half], [BOX], there=[False, False]) == [None, None]


@pytest.mark.parametrize("logit", [20.0, 1e4, -1e4])
@pytest.mark.parametrize("label", [-1, 0, 1, 7])
def test_saturated_logits_and_labels_out_of_range_are_finite_choices(logit: float, label: int) -> None:
    classes = torch.tensor([[logit, -logit], [-logit, logit]])
    objectness = torch.full((2,), logit)
    assert refine([BOX, BOX], [BOX], classes=classes, objectness=objectness, labels=[label]) == [0, 0]


def test_costs_still_tell_candidates_apart_where_float32_has_only_ones() -> None:
    """Class probabilities of 1 - 1e-8 and 1 - 1e-9 in the wrong column."""
    classes = torch.tensor([[0.0, 20.5], [0.0, 18.5]])
    half = [20.0, 20.0, 16.0, 8.0]
    assert refine([half, half], [BOX], classes=classes, objectness=torch.full((2,), 40.0)) == [None, 0]


def test_predictions_that_are_no_numbers_are_no_error() -> None:
    nan = [float("nan")] * 4
    found = refine([nan, BOX, nan], [BOX, AWAY])
    assert len(found) == 3
