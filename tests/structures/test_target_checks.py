"""When the values of targets are looked at, and what is seen."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch
from tests.errors import exactly

import yolosses as yl
from yolosses.modes import exporting

AnyTargets: Any = yl.Targets
BOX = torch.tensor([[10.0, 10.0, 60.0, 50.0]])  # of 64 x 64
WRONG = torch.tensor([[0.5, 0.5, -0.1, 0.2]])
NO_SIZE = r"^boxes\[0, 0\]: expected w and h >= 0 "


def make(box: Any = WRONG, **options: Any) -> yl.Targets:
    return yl.Targets.from_cxcywh([box], [torch.zeros(len(box))], **options)


# --- when -------------------------------------------------------------------------------------------------------------


def test_constructors_look_unless_told_not_to() -> None:
    with pytest.raises(ValueError, match=NO_SIZE):
        make()
    assert torch.equal(make(validate=False).boxes[0], WRONG)


def test_large_batches_are_looked_at_if_asked() -> None:
    many = WRONG.expand(10_001, 4)
    make(many)
    with pytest.raises(ValueError, match=NO_SIZE):
        make(many, validate=True)
    with pytest.raises(ValueError, match=NO_SIZE):
        make(many[:10_000])


def test_nothing_is_looked_at_while_exporting() -> None:
    with exporting():
        make()


def test_fields_given_directly_are_not_looked_at() -> None:
    mask = torch.ones(1, 1, dtype=torch.bool)
    yl.Targets(boxes=WRONG[None], labels=torch.tensor([[-1]]), mask=mask)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([0.5, 0.5, 0.0, 0.2], "w and h > 0"),
        ([1.4, 0.5, 0.2, 0.2], "a centre in [0, 1], fractions of the image"),
        ([0.9, 0.5, 0.4, 0.2], "a box within the image, fractions of the image"),
    ],
)
def test_what_real_labels_hold_passes_unless_asked_for(box: list[float], expected: str) -> None:
    """Objects of no size, and such that reach beyond the image, are in many data sets: losses are finite for them."""
    boxes = torch.tensor([box])
    made = make(boxes)
    for ask in (made.validate, lambda: make(boxes, validate=True)):
        with pytest.raises(ValueError, match=rf"^boxes\[0, 0\]: expected {re.escape(expected)} "):
            ask()


@pytest.mark.parametrize("centre", [-1.01, 2.01, math.nan, math.inf])
def test_what_can_only_be_wrong_is_refused_unasked(centre: float) -> None:
    for box in ([centre, 0.5, 0.2, 0.2], [0.5, centre, 0.2, 0.2]):
        with pytest.raises(
            ValueError, match=r"^boxes\[0, 0\]: expected (finite numbers|a centre in \[-1, 2\])"
        ):
            make(torch.tensor([box]))


# --- ignored regions are nobody's target ------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [11, -1, 255])
def test_an_ignored_region_may_be_of_any_class(label: int) -> None:
    made = yl.Targets.from_xyxy([BOX], [[label]], image_size=(64, 64), ignore=[[True]])
    assert made.validate(num_classes=10) is made


def test_an_ignored_region_may_reach_beyond_the_image() -> None:
    beyond = torch.tensor([[-20.0, 50.0, 10.0, 90.0], [100.0, 0.0, 700.0, 700.0]])
    made = yl.Targets.from_xyxy([beyond[:1]], [[0]], image_size=(64, 64), ignore=[[True]])
    assert made.validate() is made
    message = (
        r"^boxes\[0, 1\]: expected an ignored region that meets the image, fractions of the image \(cx, cy"
    )
    both = yl.Targets.from_xyxy([beyond], [[0, 0]], image_size=(64, 64), ignore=[[True, True]])
    with pytest.raises(ValueError, match=message):
        both.validate()


@pytest.mark.parametrize(
    ("box", "expected"),
    [([0.5, 0.5, -0.1, 0.1], "w and h >= 0"), ([0.5, math.nan, 0.1, 0.1], "finite numbers")],
)
def test_an_ignored_region_must_be_a_box(box: list[float], expected: str) -> None:
    with pytest.raises(ValueError, match=rf"^boxes\[0, 0\]: expected {expected} "):
        make(torch.tensor([box]), ignore=[[True]])


def test_objects_beside_an_ignored_region_are_looked_at() -> None:
    boxes = torch.tensor([[-0.1, 0.5, 0.4, 0.1], [0.1, 0.5, 0.4, 0.1]])
    message = (
        "boxes[0, 1]: expected a box within the image, fractions of the image (cx, cy, w, h); "
        "got [0.1, 0.5, 0.4, 0.1] (clip=True cuts boxes to the image)"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        make(boxes, ignore=[[True, False]], validate=True)


def test_boxes_that_reach_beyond_the_image_are_refused_if_asked() -> None:
    made = make(torch.tensor([[0.1, 0.5, 0.4, 0.1]]))
    with pytest.raises(ValueError, match=r"^boxes\[0, 0\]: expected a box within the image, "):
        made.validate()


# --- labels that are padding ------------------------------------------------------------------------------------------


def test_labels_of_padding_are_refused_in_lists_and_rows() -> None:
    box = torch.tensor([[0.5, 0.5, 0.2, 0.2]])
    message = exactly("labels[0, 0]: expected a class >= 0; got -1 (-1 for padding: Targets.from_padded)")
    for build in (
        lambda: yl.Targets.from_cxcywh([box], [[-1]]),
        lambda: yl.Targets.from_xyxy([BOX], [[-1]], image_size=(64, 64)),
        lambda: yl.Targets.from_coco([BOX / 2], [[-1]], image_size=(64, 64)),
        lambda: yl.Targets.from_yolo_rows(torch.tensor([[0, -1, 0.5, 0.5, 0.2, 0.2]]), batch_size=1),
    ):
        with pytest.raises(ValueError, match=message):
            build()


# --- fractions for pixels, and pixels for fractions -------------------------------------------------------------------

DOTS = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 1.0, 1.0]])
FRACTIONS = exactly(
    "boxes: expected pixels; got every box within [0, 1] (fractions of the image: Targets.from_cxcywh, or "
    "image_size=(1, 1); objects of one pixel: validate=False)"
)


def test_fractions_given_for_pixels_are_refused() -> None:
    labels = [[0, 1], []]
    boxes = [DOTS, torch.zeros(0, 4)]
    for build in (AnyTargets.from_xyxy, AnyTargets.from_coco):
        with pytest.raises(ValueError, match=FRACTIONS):
            build(boxes, labels, image_size=(448, 448))
        with pytest.raises(ValueError, match=FRACTIONS):
            build(boxes, labels, image_size=[(448, 9), (448, 9)])
    with pytest.raises(ValueError, match=FRACTIONS):
        yl.Targets.from_padded(DOTS[None], [[0, 1]], box_format="xyxy", image_size=(448, 448))


def test_small_objects_and_small_images_are_right() -> None:
    large = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 9.0, 9.0]])
    yl.Targets.from_xyxy([large[:1], large[1:]], [[0], [0]], image_size=(448, 448))
    yl.Targets.from_xyxy([DOTS], [[0, 0]], image_size=(1, 1))
    yl.Targets.from_xyxy([DOTS], [[0, 0]], image_size=(8, 100))
    yl.Targets.from_xyxy([DOTS], [[0, 0]], image_size=(448, 448), validate=False)
    yl.Targets.from_xyxy([DOTS, DOTS[:0]], [[0, 0], []], image_size=[(1, 1), (448, 448)])
    yl.Targets.from_xyxy([torch.zeros(0, 4)], [[]], image_size=(448, 448))


def test_pixels_given_for_fractions_are_refused() -> None:
    message = (
        "boxes[0, 0]: expected a centre in [-1, 2], fractions of the image (cx, cy, w, h); "
        "got [10.0, 10.0, 60.0, 50.0] (in pixels: Targets.from_xyxy, from_coco)"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        make(BOX)
