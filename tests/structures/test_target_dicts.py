"""The dictionaries of torchvision, Hugging Face, DETR and Ultralytics."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import exactly
from torch import Tensor

import yolosses as yl

AnyTargets: Any = yl.Targets


class Format(Enum):
    """As torchvision's BoundingBoxFormat."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"


class Boxes(Tensor):
    """As torchvision's tv_tensors.BoundingBoxes, which keep their kind through every operation."""

    format: Format | str
    canvas_size: tuple[int, int]


def boxes_of(rows: Any, box_format: Format | str, size: tuple[int, int]) -> Boxes:
    made = torch.as_tensor(rows, dtype=torch.float32).as_subclass(Boxes)
    made.format, made.canvas_size = box_format, size
    return made


XYXY = torch.tensor([[20.0, 10.0, 60.0, 40.0], [100.0, 50.0, 200.0, 100.0]])  # of 100 x 200
XYWH = torch.tensor([[20.0, 10.0, 40.0, 30.0], [100.0, 50.0, 100.0, 50.0]])
CXCYWH = torch.tensor([[40.0, 25.0, 40.0, 30.0], [150.0, 75.0, 100.0, 50.0]])
FRACTIONS = torch.tensor([[0.2, 0.25, 0.2, 0.3], [0.75, 0.75, 0.5, 0.5]])
KINDS = {Format.XYXY: XYXY, Format.XYWH: XYWH, Format.CXCYWH: CXCYWH}
SIZE = (100, 200)
LABELS = torch.tensor([3, 1])


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ({"boxes": XYXY, "labels": LABELS, "image_size": SIZE}, {}),
        ({"boxes": XYXY, "labels": LABELS, "orig_size": torch.tensor(SIZE)}, {}),
        ({"boxes": XYXY, "labels": LABELS, "image_id": 7, "area": [1.0, 2.0]}, {"image_size": SIZE}),
        ({"boxes": XYXY.numpy(), "labels": LABELS.tolist()}, {"image_size": [SIZE, SIZE]}),
        ({"boxes": FRACTIONS, "class_labels": LABELS}, {}),
        ({"boxes": FRACTIONS, "class_labels": LABELS, "size": np.array([50, 100]), "orig_size": SIZE}, {}),
        ({"boxes": FRACTIONS, "labels": LABELS, "size": torch.tensor([50, 100])}, {}),
        (UserDict({"boxes": FRACTIONS, "class_labels": LABELS.float()}), {}),
        ({"boxes": boxes_of(XYXY, Format.XYXY, SIZE), "labels": LABELS}, {}),
        ({"boxes": boxes_of(XYWH, Format.XYWH, SIZE), "labels": LABELS}, {}),
        ({"boxes": boxes_of(CXCYWH, Format.CXCYWH, SIZE), "labels": LABELS}, {}),
        ({"boxes": boxes_of(XYWH, "XYWH", SIZE), "labels": LABELS}, {}),
    ],
)
def test_every_kind_of_dictionary(entry: Any, options: dict[str, Any]) -> None:
    made = AnyTargets.from_dicts([entry, entry], **options)
    torch.testing.assert_close(made.boxes, FRACTIONS.expand(2, 2, 4))
    assert made.labels.tolist() == [[3, 1]] * 2
    assert made.ignore is None
    assert type(made.boxes) is Tensor


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.sampled_from(list(KINDS)), st.booleans())
def test_the_order_and_number_of_objects_are_kept(counts: list[int], kind: Format, named: bool) -> None:
    rows = KINDS[kind][0]
    dicts: list[dict[str, Any]] = []
    for count in counts:
        boxes: Tensor = rows.expand(count, 4) if named else XYXY[0].expand(count, 4)
        boxes = boxes_of(boxes, kind, SIZE) if named else boxes
        dicts.append({"boxes": boxes, "labels": torch.arange(count), "image_size": SIZE})
    made = yl.Targets.from_dicts(dicts)
    assert made.mask.sum(1).tolist() == counts
    for index, count in enumerate(counts):
        assert made.labels[index][made.mask[index]].tolist() == list(range(count))
        torch.testing.assert_close(made.boxes[index][made.mask[index]], FRACTIONS[0].expand(count, 4))


def test_classes_counted_from_one() -> None:
    entry = {"boxes": XYXY, "labels": LABELS}
    assert yl.Targets.from_dicts([entry], image_size=SIZE, first_class=1).labels.tolist() == [[2, 0]]
    background = {"boxes": XYXY, "labels": torch.tensor([1, 0])}
    message = "labels[1, 1]: expected a class >= first_class=1; got 0"
    with pytest.raises(ValueError, match=exactly(message)):
        yl.Targets.from_dicts([entry, background], image_size=SIZE, first_class=1)
    crowd = background | {"iscrowd": [0, 1]}
    made = yl.Targets.from_dicts([entry, crowd], image_size=SIZE, first_class=1)
    assert made.positive.tolist() == [[True, True], [True, False]]


def test_crowds_are_ignored_where_any_image_tells_them() -> None:
    entry = {"boxes": FRACTIONS, "class_labels": LABELS}
    made = yl.Targets.from_dicts([entry, entry | {"iscrowd": torch.tensor([0, 1])}])
    assert made.ignore is not None
    assert made.ignore.tolist() == [[False, False], [False, True]]


def test_images_without_boxes_fit_any_kind() -> None:
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    for entry in (
        {"boxes": boxes_of(XYWH, Format.XYWH, SIZE), "labels": LABELS},
        {"boxes": FRACTIONS, "class_labels": LABELS},
    ):
        made = yl.Targets.from_dicts([nothing, entry, {"boxes": [], "labels": []}])
        torch.testing.assert_close(made.boxes[1], FRACTIONS)
        assert made.mask.sum(1).tolist() == [0, 2, 0]
    assert not yl.Targets.from_dicts([nothing] * 2).mask.any()


DICTS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: AnyTargets.from_dicts([{"boxes": XYXY, "labels": LABELS}]),
        ValueError,
        "image_size: expected the (height, width) whose pixels the boxes of dicts[0] are in, here or as 'image_size' "
        "in the dictionary; got None",
    ),
    (
        lambda: AnyTargets.from_dicts([{"bbox": XYXY, "labels": LABELS}]),
        ValueError,
        "dicts[0]: expected the key 'boxes'; got 'bbox', 'labels'",
    ),
    (
        lambda: AnyTargets.from_dicts([{"boxes": XYXY, "category_id": LABELS}], image_size=SIZE),
        ValueError,
        "dicts[0]: expected one of the keys 'labels', 'class_labels'; got 'boxes', 'category_id'",
    ),
    (
        lambda: AnyTargets.from_dicts([{"boxes": XYXY, "labels": LABELS, "class_labels": LABELS}]),
        ValueError,
        "dicts[0]: expected one of the keys 'labels', 'class_labels'; got 'boxes', 'labels', 'class_labels'",
    ),
    (lambda: AnyTargets.from_dicts([XYXY]), TypeError, "dicts[0]: expected a dictionary; got Tensor"),
    (
        lambda: AnyTargets.from_dicts([]),
        ValueError,
        "boxes: expected one tensor for each image; got an empty list",
    ),
    (
        lambda: AnyTargets.from_dicts(
            [{"boxes": boxes_of(torch.ones(1, 5), Format.XYWHR, SIZE), "labels": [0]}]
        ),
        ValueError,
        "dicts[0]['boxes']: expected the format XYXY, XYWH or CXCYWH; got XYWHR",
    ),
    (
        lambda: AnyTargets.from_dicts(
            [
                {"boxes": torch.zeros(0, 4), "labels": []},
                {"boxes": XYXY, "labels": LABELS},
                {"boxes": FRACTIONS, "class_labels": LABELS},
            ],
            image_size=SIZE,
        ),
        ValueError,
        "dicts[2]['boxes']: expected xyxy in pixels like dicts[1]; got cxcywh in fractions",
    ),
    (
        lambda: AnyTargets.from_xyxy([boxes_of(XYWH, Format.XYWH, SIZE)], [LABELS], image_size=SIZE),
        ValueError,
        "boxes[0]: expected xyxy; got a tensor of format xywh (Targets.from_dicts reads formats)",
    ),
    (
        lambda: AnyTargets.from_dicts([{"boxes": FRACTIONS, "labels": LABELS}], image_size=SIZE),
        ValueError,
        "boxes: expected pixels; got every box within [0, 1] (fractions of the image: Targets.from_cxcywh, or "
        "image_size=(1, 1); objects of one pixel: validate=False)",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), DICTS)
def test_dictionaries_that_do_not_fit_are_named(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=exactly(message)):
        make()


# --- one dictionary for the batch -------------------------------------------------------------------------------------


def batch(**changes: Any) -> dict[str, Any]:
    return {
        "batch_idx": torch.tensor([2.0, 0.0, 2.0]),
        "cls": torch.tensor([[3.0], [300.0], [1.0]]),
        "bboxes": FRACTIONS[[0, 1, 1]],
        "img": torch.zeros(4, 3, 8, 8),
    } | changes


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch_idx": torch.tensor([[2], [0], [2]]), "cls": torch.tensor([3, 300, 1])},
        {"cls": np.array([[3.0], [300.0], [1.0]])},
    ],
)
def test_a_batch_of_ultralytics(changes: dict[str, Any]) -> None:
    made = yl.Targets.from_batch(batch(**changes))
    assert made.labels.tolist() == [[300, 0], [0, 0], [3, 1], [0, 0]]
    assert made.mask.tolist() == [[True, False], [False, False], [True, True], [False, False]]
    torch.testing.assert_close(made.boxes[2], FRACTIONS)


def test_a_batch_without_images_or_objects() -> None:
    alone = batch()
    del alone["img"]
    assert len(yl.Targets.from_batch(alone, batch_size=5)) == 5
    empty = batch(batch_idx=torch.zeros(0), cls=torch.zeros(0, 1), bboxes=torch.zeros(0, 4))
    assert yl.Targets.from_batch(empty).mask.tolist() == [[False]] * 4


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"bboxes": torch.zeros(3, 5)},
            ValueError,
            "bboxes: expected (N, 4); got (3, 5)",
        ),
        (
            {"cls": torch.zeros(3, 2)},
            ValueError,
            "cls: expected (3,) or (3, 1) like bboxes; got (3, 2)",
        ),
        (
            {"batch_idx": torch.tensor([0, 4, 0])},
            ValueError,
            "batch_idx: expected image indices in 0..3; got 0..4",
        ),
        (
            {"cls": torch.tensor([0.0, 1.5, 0.0])},
            ValueError,
            "cls[1]: expected whole numbers; got 1.5",
        ),
        (
            {"cls": torch.zeros(3).half()},
            TypeError,
            "cls: expected integers, or float32 or float64, in which class numbers are exact; got torch.float16",
        ),
        (
            {"batch_idx": torch.zeros(3).bfloat16()},
            TypeError,
            "batch_idx: expected integers, or float32 or float64, in which class numbers are exact; "
            "got torch.bfloat16",
        ),
        (
            {"bboxes": 640 * FRACTIONS[[0, 0, 1]]},
            ValueError,
            "boxes[0, 0]: expected a centre in [-1, 2], fractions of the image (cx, cy, w, h); "
            "got [128.0, 160.0, 128.0, 192.0] (and 2 more) (in pixels: Targets.from_xyxy, from_coco)",
        ),
    ],
)
def test_batches_that_do_not_fit_are_named(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=exactly(message)):
        yl.Targets.from_batch(batch(**changes))


def test_the_number_of_images_must_be_known_and_one() -> None:
    with pytest.raises(ValueError, match=exactly("batch_size: expected 4 like batch['img']; got 5")):
        yl.Targets.from_batch(batch(), batch_size=5)
    alone = batch()
    del alone["img"]
    message = "batch_size: expected the number of images, since batch has no key 'img'; got None"
    with pytest.raises(ValueError, match=exactly(message)):
        yl.Targets.from_batch(alone)
    with pytest.raises(ValueError, match=exactly("batch: expected the key 'bboxes'; got 'batch_idx', 'cls'")):
        yl.Targets.from_batch({"batch_idx": [0], "cls": [0]})
