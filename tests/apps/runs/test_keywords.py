"""``--set NAME=VALUE``: any keyword of any loss, and what is said where it does not fit."""

import pytest

from yolosses.apps.runs.choices import LOSSES
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.keywords import NETWORK, default_of, keywords, parse_options


def test_values_have_the_type_of_the_keyword() -> None:
    assert parse_options(["lambda-coord=1", "confidence_target=one", "obj_penalty=huber"], "v1") == {
        "lambda_coord": 1.0,
        "confidence_target": "one",
        "obj_penalty": "huber",
    }


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_has_options_with_defaults_that_it_takes(loss: str) -> None:
    names = [name for name in keywords(loss) if name not in NETWORK]
    assert any(name.startswith("lambda_") for name in names)
    assert "num_classes" not in names
    assert "reduction" not in names
    for name in names:
        default = default_of(loss, name)
        if default != "None":
            assert parse_options([f"{name}={default}"], loss) == {name: default}


def test_anchors_are_pairs_by_level() -> None:
    text = ",".join(str(n) for n in range(1, 13))
    assert parse_options([f"anchors={text}"], "v5") == {
        "anchors": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], [[9.0, 10.0], [11.0, 12.0]]]
    }


@pytest.mark.parametrize(
    ("text", "loss", "message"),
    [
        ("lambda_coord", "v1", "--set: expected NAME=VALUE; got 'lambda_coord'"),
        ("lambda_cord=1", "v1", "--set lambda_cord: expected a keyword of the loss v1: grid, boxes_per_cell"),
        ("lambda_coord=much", "v1", "--set lambda_coord: expected a number; got 'much'"),
        ("lambda_coord=-1", "v1", "--set lambda_coord: expected"),
        (
            "anchors=1,2,3",
            "v3",
            "--set anchors: expected W,H,W,H,... > 0, as many for each of 3 levels; got '1,2,3'",
        ),
        ("anchors=1,2,3,4,5,-6", "v3", "--set anchors: expected W,H,W,H,... > 0"),
        ("anchors=a,b", "v2", "--set anchors: expected a number; got 'a'"),
        ("anchors=1,2", "v8", "--set anchors: expected a keyword of the loss v8: "),
        ("num_classes=3", "v8", "--set num_classes: expected a keyword of the loss v8: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, loss: str, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_options([text], loss)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_each_name_once() -> None:
    with pytest.raises(CommandError, match=r"^--set lambda_coord: expected each name once; got it twice$"):
        parse_options(["lambda_coord=1", "lambda-coord=2"], "v1")
