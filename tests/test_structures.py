"""`Targets` in, `Assignment` and `Term` within, `LossOutput` out."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.errors import exactly
from torch import Tensor

import yolosses as yl
from yolosses.structures import Cost

# The same three objects in two images of different size, and a third image with none.
SIZES = [(100, 200), (50, 50), (10, 10)]  # (height, width)
XYXY = [[[20.0, 10.0, 60.0, 40.0], [100.0, 50.0, 200.0, 100.0]], [[0.0, 5.0, 25.0, 10.0]], []]
XYWH = [[[20.0, 10.0, 40.0, 30.0], [100.0, 50.0, 100.0, 50.0]], [[0.0, 5.0, 25.0, 5.0]], []]
CXCYWH = [[[0.2, 0.25, 0.2, 0.3], [0.75, 0.75, 0.5, 0.5]], [[0.25, 0.15, 0.5, 0.1]], []]
LABELS = [[2, 0], [1], []]
ROWS = [
    [0, 2, 0.2, 0.25, 0.2, 0.3],
    [1, 1, 0.25, 0.15, 0.5, 0.1],
    [0, 0, 0.75, 0.75, 0.5, 0.5],
]


AnyTargets: Any = yl.Targets  # takes also what its annotations discourage, and what is wrong


def tensors(rows: list[Any]) -> list[Tensor]:
    return [torch.tensor(row) for row in rows]


def targets(**extra: Any) -> yl.Targets:
    return yl.Targets.from_cxcywh(tensors(CXCYWH), tensors(LABELS), **extra)


# --- making targets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: AnyTargets.from_xyxy(tensors(XYXY), tensors(LABELS), image_size=SIZES),
        lambda: AnyTargets.from_coco(tensors(XYWH), tensors(LABELS), image_size=SIZES),
        lambda: AnyTargets.from_cxcywh(tensors(CXCYWH), tensors(LABELS)),
        lambda: AnyTargets.from_yolo_rows(torch.tensor(ROWS), batch_size=3),
    ],
    ids=["xyxy", "coco", "cxcywh", "yolo_rows"],
)
def test_the_same_objects_in_every_format(make: Callable[[], yl.Targets]) -> None:
    made = make()
    wanted = torch.tensor([CXCYWH[0], [*CXCYWH[1], [0.0] * 4], [[0.0] * 4] * 2])
    torch.testing.assert_close(made.boxes, wanted)
    assert made.labels.tolist() == [[2, 0], [1, 0], [0, 0]]
    assert made.mask.tolist() == [[True, True], [True, False], [False, False]]
    assert made.weight is None
    assert made.ignore is None
    assert len(made) == 3
    assert made.validate(num_classes=3) is made


def test_rows_may_come_in_any_order() -> None:
    # Within an image the order of the table is the order of priority, so it stays.
    shuffled = AnyTargets.from_yolo_rows(torch.tensor([ROWS[1], ROWS[0], ROWS[2]]), batch_size=3)
    assert torch.equal(shuffled.boxes, AnyTargets.from_yolo_rows(torch.tensor(ROWS), batch_size=3).boxes)
    swapped = AnyTargets.from_yolo_rows(torch.tensor(ROWS[::-1]), batch_size=3)
    assert swapped.labels.tolist() == [[0, 2], [1, 0], [0, 0]]


@pytest.mark.parametrize("image_size", [(50, 100), [50, 100], torch.Size([50, 100]), np.array([50, 100])])
def test_one_image_size_for_all(image_size: Any) -> None:
    boxes = [torch.tensor([[10.0, 10.0, 30.0, 20.0]])] * 2
    made = AnyTargets.from_xyxy(boxes, tensors([[0], [0]]), image_size=image_size)
    torch.testing.assert_close(made.boxes, torch.tensor([0.2, 0.3, 0.2, 0.2]).expand(2, 1, 4))


def test_numpy_and_lists_and_integers_are_welcome() -> None:
    boxes: list[Any] = [np.array([[10, 10, 30, 20]]), [[10, 10, 30, 20]]]
    made = AnyTargets.from_xyxy(boxes, [np.array([1]), [1]], image_size=(50, 100))
    assert made.boxes.dtype == torch.float32
    assert made.labels.dtype == torch.int64
    torch.testing.assert_close(made.boxes, torch.tensor([0.2, 0.3, 0.2, 0.2]).expand(2, 1, 4))


@pytest.mark.parametrize("order", [1, -1])
def test_float64_anywhere_is_float64_everywhere(order: int) -> None:
    boxes = [torch.full((1, 4), 0.1, dtype=torch.float64), torch.zeros(0, 4)][::order]
    made = AnyTargets.from_cxcywh(boxes, [torch.zeros(len(b)) for b in boxes])
    assert made.boxes.dtype == torch.float64
    assert made.boxes.max().item() == 0.1


def test_nothing_at_all_still_has_one_place() -> None:
    empties = [
        AnyTargets.from_cxcywh(
            [torch.zeros(0, 4)] * 2, [torch.zeros(0)] * 2, ignore=[[], []], weight=[[], []]
        ),
        AnyTargets.from_xyxy([torch.tensor([])] * 2, [torch.tensor([])] * 2, image_size=(5, 5)),
        AnyTargets.from_yolo_rows(torch.zeros(0, 6), batch_size=2),
    ]
    for empty in empties:
        assert empty.boxes.shape == (2, 1, 4)
        assert not empty.mask.any()
        assert empty.validate(num_classes=1) is empty


def test_weights_and_crowds_are_padded_too() -> None:
    made = targets(weight=tensors([[0.5, 2.0], [3.0], []]), ignore=tensors([[0, 1], [0], []]))
    assert made.weight is not None
    assert made.ignore is not None
    assert made.weight.tolist() == [[0.5, 2.0], [3.0, 0.0], [0.0, 0.0]]
    assert made.ignore.tolist() == [[False, True], [False, False], [False, False]]
    assert made.positive.tolist() == [[True, False], [True, False], [False, False]]
    assert targets().positive is not None
    assert torch.equal(targets().positive, targets().mask)


def test_to_moves_every_part() -> None:
    made = targets(weight=tensors([[1.0, 1.0], [1.0], []]), ignore=tensors([[0, 0], [0], []])).to("meta")
    for field in dataclasses.fields(made):
        assert getattr(made, field.name).is_meta


def test_at_picks_objects_and_hides_what_does_not_count() -> None:
    made = targets(weight=tensors([[0.5, 2.0], [3.0], []]))
    index = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    mask = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])
    picked = made.at(index, mask)
    assert picked.labels.tolist() == [[0, 2, 0], [1, 0, 0], [0, 0, 0]]
    assert picked.weight is not None
    assert picked.weight.tolist() == [[2.0, 0.5, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    torch.testing.assert_close(picked.boxes[0, 0], torch.tensor(CXCYWH[0][1]))
    assert (picked.boxes[~mask] == 0.5).all()
    assert torch.equal(picked.mask, mask)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: AnyTargets.from_cxcywh([torch.zeros(2, 5)], [torch.zeros(2)]),
            "boxes[0]: expected (n, 4); got (2, 5)",
        ),
        (
            lambda: AnyTargets.from_xyxy([torch.zeros(0, 4), torch.zeros(4)], [[], []], image_size=(9, 9)),
            "boxes[1]: expected (n, 4); got (4,)",
        ),
        (
            lambda: AnyTargets.from_cxcywh(torch.zeros(2, 4), torch.zeros(2)),
            "boxes[0]: expected (n, 4); got (4,)",
        ),
        (
            lambda: AnyTargets.from_cxcywh([], []),
            "boxes: expected one tensor for each image; got an empty list",
        ),
        (
            lambda: AnyTargets.from_cxcywh([torch.zeros(2, 4)], []),
            "labels: expected one tensor for each of 1 images; got 0",
        ),
        (
            lambda: AnyTargets.from_cxcywh([torch.zeros(2, 4)], [torch.zeros(3)]),
            "labels[0]: expected (2,) like boxes[0]; got (3,)",
        ),
        (
            lambda: AnyTargets.from_cxcywh([torch.zeros(2, 4)], [torch.zeros(2)], weight=[torch.zeros(2, 1)]),
            "weight[0]: expected (2,) like boxes[0]; got (2, 1)",
        ),
        (
            lambda: AnyTargets.from_cxcywh([torch.zeros(2, 4)], [torch.zeros(2)], ignore=[]),
            "ignore: expected one tensor for each of 1 images; got 0",
        ),
        (
            lambda: AnyTargets.from_xyxy([torch.zeros(0, 4)] * 2, [[], []], image_size=[(9, 9)] * 3),
            "image_size: expected one (height, width), or one for each of 2 images; got [(9, 9), (9, 9), (9, 9)]",
        ),
        (
            lambda: AnyTargets.from_coco([torch.zeros(0, 4)], [[]], image_size=(9, 9, 3)),
            "image_size: expected one (height, width), or one for each of 1 images; got (9, 9, 3)",
        ),
        (
            lambda: AnyTargets.from_coco([torch.zeros(0, 4)], [[]], image_size=9),
            "image_size: expected one (height, width), or one for each of 1 images; got 9",
        ),
        (
            lambda: AnyTargets.from_coco([torch.zeros(0, 4)], [[]], image_size=(0, 9)),
            "image_size: expected (height, width) > 0 in pixels; got (0, 9)",
        ),
        (
            lambda: AnyTargets.from_yolo_rows(torch.zeros(2, 5), batch_size=1),
            "rows: expected (N, 6): image, class, cx, cy, w, h; got (2, 5)",
        ),
        (
            lambda: AnyTargets.from_yolo_rows(torch.tensor(ROWS), batch_size=1),
            "rows: expected image indices in 0..0; got 0..1",
        ),
        (
            lambda: AnyTargets.from_yolo_rows(-torch.tensor(ROWS), batch_size=2),
            "rows: expected image indices in 0..1; got -1..0",
        ),
    ],
)
def test_what_does_not_fit_is_named(make: Callable[[], yl.Targets], message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        make()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"boxes": torch.zeros(2, 4)}, ValueError, "boxes: expected (B, M, 4) with M >= 1; got (2, 4)"),
        ({"boxes": torch.zeros(2, 0, 4)}, ValueError, "boxes: expected (B, M, 4) with M >= 1; got (2, 0, 4)"),
        (
            {"boxes": torch.zeros(2, 3, 4).half()},
            TypeError,
            "boxes: expected float32 or float64; got torch.float16",
        ),
        ({"labels": torch.zeros(2, 3)}, TypeError, "labels: expected int64; got torch.float32"),
        ({"mask": torch.zeros(2, 3)}, TypeError, "mask: expected torch.bool; got torch.float32"),
        ({"ignore": torch.zeros(2, 3).int()}, TypeError, "ignore: expected torch.bool; got torch.int32"),
        (
            {"weight": torch.zeros(2, 3).int()},
            TypeError,
            "weight: expected a floating dtype; got torch.int32",
        ),
        ({"weight": torch.zeros(2, 1)}, ValueError, "weight: expected (2, 3) like boxes; got (2, 1)"),
        ({"mask": torch.ones(3, 2).bool()}, ValueError, "mask: expected (2, 3) like boxes; got (3, 2)"),
    ],
)
def test_shapes_and_dtypes_are_checked_at_once(
    change: dict[str, Tensor], error: type[Exception], message: str
) -> None:
    parts = {
        "boxes": torch.zeros(2, 3, 4),
        "labels": torch.zeros(2, 3, dtype=torch.int64),
        "mask": torch.zeros(2, 3, dtype=torch.bool),
    }
    with pytest.raises(error, match=exactly(message)):
        yl.Targets(**parts | change)


# --- looking at the values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([math.nan, 0.5, 0.1, 0.1], "boxes[1, 0]: expected finite numbers (cx, cy, w, h); got [nan, 0.5, "),
        ([0.5, math.inf, 0.1, 0.1], "boxes[1, 0]: expected finite numbers (cx, cy, w, h); got [0.5, inf, "),
        ([0.5, 0.5, 0.0, 0.1], "boxes[1, 0]: expected w and h > 0 (cx, cy, w, h); got [0.5, 0.5, 0.0, "),
        ([0.5, 0.5, 0.1, -0.1], "boxes[1, 0]: expected w and h >= 0 (cx, cy, w, h); got [0.5, 0.5, "),
        (
            [1.5, 0.5, 0.25, 0.25],
            "boxes[1, 0]: expected a centre in [0, 1], fractions of the image (cx, cy, w, h); "
            "got [1.5, 0.5, 0.25, 0.25]",
        ),
        (
            [0.5, 0.5, 1.5, 0.5],
            "boxes[1, 0]: expected a box within the image, fractions of the image (cx, cy, w, h); "
            "got [0.5, 0.5, 1.5, 0.5]",
        ),
        (
            [320.0, 240.0, 20.0, 20.0],
            "boxes[1, 0]: expected a centre in [0, 1], fractions of the image (cx, cy, w, h); "
            "got [320.0, 240.0, 20.0, 20.0]",
        ),
    ],
)
def test_validate_names_the_first_wrong_box(box: list[float], message: str) -> None:
    made = targets()
    boxes = made.boxes.clone()
    boxes[1, 0] = torch.tensor(box)
    with pytest.raises(ValueError, match=re.escape(message)):
        dataclasses.replace(made, boxes=boxes).validate()


def test_validate_counts_the_others() -> None:
    made = targets()
    wrong = dataclasses.replace(made, boxes=torch.full_like(made.boxes, -1))
    with pytest.raises(ValueError, match=r"^boxes\[0, 0\]: .* \(and 2 more\)$"):
        wrong.validate()


@pytest.mark.parametrize("label", [-2, 3, 80])
def test_validate_names_the_class_that_does_not_exist(label: int) -> None:
    made = targets()
    labels = made.labels.clone()
    labels[0, 1] = label
    wrong = dataclasses.replace(made, labels=labels)
    if label > 0:
        assert wrong.validate() is wrong  # only who knows the classes can check them
    with pytest.raises(ValueError, match=exactly(f"labels[0, 1]: expected a class in 0..2; got {label}")):
        wrong.validate(num_classes=3)


def test_validate_says_where_padding_belongs() -> None:
    made = targets()
    wrong = dataclasses.replace(made, labels=torch.full_like(made.labels, -1))
    message = "got -1 (and 2 more) (-1 for padding: Targets.from_padded)"
    with pytest.raises(ValueError, match=exactly(f"labels[0, 0]: expected a class >= 0; {message}")):
        wrong.validate()


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_validate_names_the_wrong_weight(weight: float) -> None:
    with pytest.raises(
        ValueError, match=exactly(f"weight[0, 1]: expected a finite weight >= 0; got {weight}")
    ):
        targets(weight=tensors([[1.0, weight], [1.0], []]))


def test_validate_does_not_look_at_padding_and_allows_a_rounding_beyond_the_edge() -> None:
    made = targets(weight=tensors([[1.0, 1.0], [1.0], []]))
    assert made.weight is not None
    boxes = torch.where(made.mask[..., None], made.boxes, math.nan)
    boxes[0, 1] = torch.tensor([0.5, 0.5, 1.001, 1.001])
    garbage = dataclasses.replace(
        made,
        boxes=boxes,
        labels=torch.where(made.mask, made.labels, -1),
        weight=torch.where(made.mask, made.weight, -1.0),
    )
    assert garbage.validate(num_classes=3) is garbage


# --- assignment, terms, output ----------------------------------------------------------------------------------------


def assignment(**changes: Any) -> yl.Assignment:
    parts: dict[str, Any] = {
        "predictor": torch.tensor([[3, 0], [1, 2]]),
        "object": torch.tensor([[0, 1], [0, 1]]),
        "mask": torch.tensor([[True, False], [True, True]]),
        "iou": torch.tensor([[0.5, 0.0], [0.25, 1.0]]),
        "num_dropped": torch.tensor([1, 0]),
    }
    return yl.Assignment(**parts | changes)


def test_background_is_who_answers_for_nothing_and_is_not_spared() -> None:
    assert assignment().background(4).tolist() == [[True, True, True, False], [True, False, False, True]]
    spared = torch.tensor([[True, False, False, True], [False, False, True, True]])
    assert assignment(spared=spared).background(4).tolist() == [
        [False, True, True, False],
        [True, False, False, False],
    ]


def term(name: str, scale: float, penalty: list[list[float]], weight: list[list[float]]) -> yl.Term:
    places = torch.tensor(penalty)[..., None]
    return yl.Term(
        name=name,
        scale=scale,
        penalty=places,
        weight=torch.tensor(weight)[..., None],
        pred=places,
        target=torch.zeros_like(places),
        predictor=torch.zeros(places.shape[:2], dtype=torch.int64),
        object=None,
    )


TWO_TERMS = (
    term("near", 5.0, [[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [1.0, 0.5]]),  # 1 and 5 an image
    term("far", 0.5, [[10.0, 0.0], [20.0, math.inf]], [[1.0, 1.0], [0.1, 0.0]]),  # 10 and 2
)


def test_reduce_by_hand() -> None:
    total = yl.LossOutput.reduce(TWO_TERMS, assignment(), reduction="sum")
    assert {name: value.item() for name, value in total.unweighted.items()} == {"near": 6.0, "far": 12.0}
    assert {name: value.item() for name, value in total.terms.items()} == {"near": 30.0, "far": 6.0}
    assert total.total.item() == 36.0
    assert total.per_image.tolist() == [[5.0, 5.0], [25.0, 1.0]]
    assert total.scales == {"near": 5.0, "far": 0.5}
    assert total.normalizer == 1.0
    assert total.num_dropped.item() == 1

    mean = yl.LossOutput.reduce(TWO_TERMS, assignment(), reduction="mean")
    assert (mean.total.item(), mean.normalizer) == (18.0, 2)
    other = yl.LossOutput.reduce(TWO_TERMS, assignment(), reduction="mean", normalizer=torch.tensor(4.0))
    assert other.total.item() == 9.0
    single = yl.LossOutput.reduce(TWO_TERMS, assignment(), reduction="none")
    assert single.total.tolist() == [10.0, 26.0]
    assert single.terms["near"].tolist() == [5.0, 25.0]


def test_a_penalty_that_overflows_where_it_does_not_count_adds_nothing() -> None:
    pred = torch.tensor([[[1e30], [2.0]]], requires_grad=True)
    squares = Cost(
        name="squares",
        scale=1.0,
        penalty=lambda p, t: (p - t) ** 2,
        pred=pred,
        target=torch.zeros(1, 2, 1),
        weight=torch.tensor([[[0.0], [1.0]]]),
        predictor=torch.zeros(1, 2, dtype=torch.int64),
    ).term()
    value = squares.per_image()
    value.sum().backward()
    assert value.tolist() == [4.0]
    assert pred.grad is not None
    assert pred.grad.flatten().tolist() == [0.0, 4.0]


def test_an_output_prints_as_a_table() -> None:
    output = yl.LossOutput.reduce(TWO_TERMS, assignment(), reduction="mean")
    rows = [line.split() for line in str(output).splitlines()]
    assert rows[0] == ["term", "value", "weight", "weighted", "share"]
    assert rows[2] == ["near", "3.0000", "5", "15.0000", "83.3%"]
    assert rows[3] == ["far", "6.0000", "0.5", "3.0000", "16.7%"]
    assert rows[5] == ["total", "18.0000"]
    assert str(output).splitlines()[-1] == "2 images, 3 objects assigned, 1 dropped"
    widths = {len(line) for line in str(output).splitlines()[:4]}
    assert len(widths) == 1  # the columns stand under their heads


def test_an_output_of_nothing_prints_too() -> None:
    nothing = [dataclasses.replace(t, weight=torch.zeros_like(t.weight)) for t in TWO_TERMS]
    for reduction in ("mean", "none"):
        text = str(yl.LossOutput.reduce(nothing, assignment(), reduction=reduction))
        assert [line.split()[-1] for line in text.splitlines()[2:4]] == ["-", "-"]


def test_a_wrong_reduction_is_named() -> None:
    with pytest.raises(ValueError, match=r"^reduction: expected one of 'mean', 'sum', 'none'; got 'avg'$"):
        yl.LossOutput.reduce(TWO_TERMS, assignment(), reduction="avg")
    message = r"^normalizer: expected None with reduction='none'; it divides only a mean$"
    with pytest.raises(ValueError, match=message):
        yl.LossOutput.reduce(TWO_TERMS, assignment(), reduction="none", normalizer=2.0)


@pytest.mark.parametrize("make", [targets, assignment, lambda: TWO_TERMS[0]])
def test_what_flows_is_frozen(make: Callable[[], Any]) -> None:
    thing = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        thing.mask = None


def test_the_table_counts_objects_and_not_pairs() -> None:
    several = yl.Assignment(
        predictor=torch.tensor([[0, 1, 2], [3, 4, 0]]),
        object=torch.tensor([[0, 0, 1], [0, 0, 0]]),
        mask=torch.tensor([[True, True, True], [True, True, False]]),
        iou=torch.ones(2, 3),
        num_dropped=torch.tensor([0, 1]),
    )
    output = yl.LossOutput.reduce(TWO_TERMS, several, reduction="mean")
    assert str(output).splitlines()[-1] == "2 images, 3 objects assigned, 1 dropped"
    heads = dataclasses.replace(
        several, part=torch.tensor([0, 1, 1])
    )  # the second image has the object in both heads
    assert heads.num_objects() == 2
