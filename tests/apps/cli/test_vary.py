"""``--vary``: what people write, and what they are told when it is wrong."""

import pytest

from yolosses.apps.cli.vary import Range, parse_vary
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.keywords import default_of, keywords
from yolosses.losses import YOLOv1Loss


def test_values_take_the_type_of_the_keyword() -> None:
    assert parse_vary(
        ["lambda_coord=1,2.5", "boxes-per-cell=1,2", "confidence_target=iou,one", "obj_penalty=focal"], "v1"
    ) == {
        "lambda_coord": (1.0, 2.5),
        "boxes_per_cell": (1, 2),
        "confidence_target": ("iou", "one"),
        "obj_penalty": ("focal",),
    }


def test_options_of_training_can_be_varied_too() -> None:
    varied = parse_vary(
        [
            "mosaic=0,0.5",
            "fit=stretch,letterbox",
            "model=tiny,small",
            "batch-size=4,8",
            "learning-rate=1e-3..1e-2",
        ],
        "v8",
    )
    assert varied == {
        "mosaic": (0.0, 0.5),
        "fit": ("stretch", "letterbox"),
        "model": ("tiny", "small"),
        "batch_size": (4, 8),
        "learning_rate": Range(1e-3, 1e-2, whole=False),
    }


def test_ranges() -> None:
    varied = parse_vary(["lambda_coord=1..25", "boxes_per_cell=1..4"], "v1")
    assert varied == {
        "lambda_coord": Range(1.0, 25.0, whole=False),
        "boxes_per_cell": Range(1.0, 4.0, whole=True),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lambda_coord", "--vary: expected NAME=VALUE,VALUE,...; got 'lambda_coord'"),
        ("lambda_coord=", "--vary: expected NAME=VALUE,VALUE,...; got 'lambda_coord='"),
        (
            "lambda_cord=1",
            "--vary lambda_cord: expected a keyword of the loss v1: grid, boxes_per_cell, lambda_coord",
        ),
        ("reduction=sum", "--vary reduction: expected a keyword of the loss v1: grid"),
        ("lambda_coord=much", "--vary lambda_coord: expected a number; got 'much'"),
        ("lambda_coord=nan", "--vary lambda_coord: expected a finite number; got 'nan'"),
        ("lambda_coord=-1", "--vary lambda_coord: expected"),
        ("boxes_per_cell=1.5", "--vary boxes_per_cell: expected a whole number; got '1.5'"),
        ("boxes_per_cell=0", "--vary boxes_per_cell: expected"),
        ("confidence_target=two", "--vary confidence_target: expected one of"),
        (
            "obj_penalty=bce",
            "--vary obj_penalty: expected 'squared_error', 'absolute_error', 'huber', 'binary_cross_entropy' or "
            "'focal'; got 'bce'",
        ),
        ("mosaic=2", "--vary mosaic: expected at most 1; got '2'"),
        ("fit=crop", "--vary fit: expected 'stretch' or 'letterbox'; got 'crop'"),
        ("model=yolov1", "--vary model: expected 'tiny' or 'small'; got 'yolov1'"),
        ("batch_size=0", "--vary batch_size: expected at least 1; got '0'"),
        ("lambda_coord=5,5.0", "--vary lambda_coord: expected different values; got 5.0 twice"),
        ("lambda_coord=5..1", "--vary lambda_coord: expected numbers LOW..HIGH with LOW < HIGH; got '5..1'"),
        (
            "confidence_target=iou..one",
            "--vary confidence_target: expected numbers LOW..HIGH with LOW < HIGH",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_vary([text], "v1")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_each_name_once() -> None:
    with pytest.raises(CommandError, match=r"^--vary lambda_coord: expected each name once; got it twice$"):
        parse_vary(["lambda_coord=1", "lambda-coord=2"], "v1")


def test_defaults_are_those_of_the_loss() -> None:
    loss = YOLOv1Loss()
    for name in ("lambda_coord", "lambda_noobj", "confidence_target", "size_term"):
        assert default_of("v1", name) == getattr(loss, name)
    assert default_of("v1", "obj_penalty") == default_of("v1", "cls_penalty") == "squared_error"
    assert all(default_of("v1", name) is not None for name in keywords("v1"))
