"""Rows of label files: boxes, and the box around what is none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolosses.training.data.rows import Row, meaning_of, parse_row, turned_box

SIDES = st.floats(0.01, 0.5)
PLACES = st.floats(0.3, 0.7)


def row(text: str, keypoint_values: int | None = None) -> Row:
    parsed = parse_row(text, keypoint_values)
    assert isinstance(parsed, Row), parsed
    return parsed


@given(st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=9))
def test_the_box_around_a_polygon(points: list[tuple[float, float]]) -> None:
    parsed = row("3 " + " ".join(f"{x!r} {y!r}" for x, y in points))
    if parsed.shape == "keypoints":
        return  # points that could be either
    cx, cy, w, h = parsed.numbers
    assert (parsed.category, parsed.shape) == ("3", "polygon")
    for axis, low, high in ((0, cx - w / 2, cx + w / 2), (1, cy - h / 2, cy + h / 2)):
        assert low == pytest.approx(min(point[axis] for point in points))
        assert high == pytest.approx(max(point[axis] for point in points))


@given(cx=PLACES, cy=PLACES, w=SIDES, h=SIDES, angle=st.floats(-7, 7), aspect=st.floats(0.3, 3))
def test_the_box_around_a_rotated_box_touches_its_corners(
    cx: float, cy: float, w: float, h: float, angle: float, aspect: float
) -> None:
    height, width = 1000, round(1000 * aspect)
    corners = [
        (
            cx * width + x * w * width / 2 * math.cos(angle) - y * h * height / 2 * math.sin(angle),
            cy * height + x * w * width / 2 * math.sin(angle) + y * h * height / 2 * math.cos(angle),
        )
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    _, _, around_w, around_h = turned_box((cx, cy, w, h), angle, (height, width))
    assert around_w * width == pytest.approx(max(x for x, _ in corners) - min(x for x, _ in corners))
    assert around_h * height == pytest.approx(max(y for _, y in corners) - min(y for _, y in corners))


def test_what_a_sixth_value_means() -> None:
    assert meaning_of([[0.3, 0.9], [1.0]]) == "confidence"
    assert meaning_of([[1.0], [1.0]]) == "confidence"
    assert meaning_of([[0.3, 0.9, 1.01]]) == "confidence"
    assert meaning_of([[0.3, -1.57]]) == "radians"
    assert meaning_of([[0.3, 45.0]]) == "degrees"
    assert meaning_of([[45.0], [30.0, 90.0]]) == "degrees"
    assert meaning_of([[1.0, 2.0], [2.0, 3.0]]) == "track"
    assert meaning_of([[1.0, 30.0, 30.0]]) == "degrees"
    assert meaning_of([[1.0, math.nan, 7.0]]) == "track"
    assert row("0 0.5 0.5 0.2 0.1 0.9") == ("0", (0.5, 0.5, 0.2, 0.1), "sixth", 0.9)


def test_tracks_and_polygons_at_the_edge() -> None:
    assert row("0 0.5 0.5 0.2 0.2 0.9 17") == ("0", (0.5, 0.5, 0.2, 0.2), "sixth", 0.9)
    assert row("0 0.5 0.5 0.2 0.2 0.9 0.75").shape == "polygon"
    pentagon = row("0 0.3 0.2 0.5 0.4 0.4 0.6 0 0.5 0.1 0")
    assert pentagon.shape == "polygon"
    assert pentagon.numbers == pytest.approx((0.25, 0.3, 0.5, 0.6))


def test_keypoints_are_left_out() -> None:
    box = "0 0.5 0.5 0.4 0.4"
    assert row(f"{box} 0.4 0.4 2 0.6 0.6 1").shape == "keypoints"
    assert row(f"{box} 0.4 0.4 2 0.6 0.6 1 0 0 0").numbers == (0.5, 0.5, 0.4, 0.4)
    assert row(f"{box} 0.4 0.4 0.6 0.6", keypoint_values=4).shape == "keypoints"
    assert row(f"{box} 0.4 0.4 0.6 0.6").shape == "polygon"
    # The third values are coordinates here, no visibility.
    assert row(f"{box} 0.4 0.4 0.45 0.6 0.6 0.2").shape == "polygon"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 0.5 0.5 0.5", "expected 5 values (class cx cy w h); got 4"),
        ("0 0.1 0.2 0.3 0.4 0.5 0.6 0.7", "expected 5 values (class cx cy w h); got 8"),
        ("0 0,5 0,5 0,1 0,1", "cx is not a number: '0,5'"),
        ("0 0.1 0.2 0.3 0.4 0.5 x", "value 7 is not a number: 'x'"),
        ("0 0.1 0.2 ٣ 0.4", "w is not a number: '٣'"),
    ],
)
def test_rows_that_are_none(text: str, reason: str) -> None:
    assert str(parse_row(text)).startswith(reason)


def test_commas_between_values() -> None:
    assert row("0,0.5,0.5,0.25,0.25") == row("0, 0.5, 0.5, 0.25, 0.25") == row("0 0.5 0.5 0.25 0.25")
