"""Scales, ticks and room for names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolosses.apps.pages.study_labels import boxes_along, place_labels
from yolosses.apps.pages.study_scales import (
    Scale,
    letters,
    marker,
)


def test_a_straight_scale_and_a_logarithmic_one() -> None:
    straight = Scale(low=2.0, high=4.0, start=100.0, end=0.0)
    assert [straight.at(value) for value in (2.0, 2.5, 4.0, 5.0)] == [100.0, 75.0, 0.0, -50.0]
    logarithmic = Scale(low=0.1, high=10.0, start=0.0, end=100.0, logarithmic=True)
    assert [logarithmic.at(value) for value in (0.1, 1.0, 10.0)] == pytest.approx([0.0, 50.0, 100.0])


def test_letters_are_escaped_and_markers_differ() -> None:
    assert "&lt;b&gt;" in letters(0, 0, "<b>")
    shapes = {re.search(r' d="([^"]+)"', marker(i, 0, 0, "#000"))[1] for i in range(7)}  # type: ignore[index]
    assert len(shapes) == 7


@given(
    st.lists(
        st.tuples(st.floats(20, 280), st.floats(20, 280), st.sampled_from(["1", "0.05", "25", "default"])),
        max_size=6,
    )
)
def test_every_point_gets_its_name_once_in_order(points: list[tuple[float, float, str]]) -> None:
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y, _ in points]
    placed = place_labels(points, taken, (0, 0, 300, 300))
    assert [name for _, _, _, name in placed] == [name for _, _, name in points]


def test_a_name_goes_where_nothing_is() -> None:
    wall = (56.0, 0.0, 300.0, 300.0)  # right of the point
    ((x, _, anchor, _),) = place_labels([(50.0, 100.0, "name")], [(45, 95, 55, 105), wall], (0, 0, 300, 300))
    assert anchor == "end"
    assert x < 50
    ((x, _, anchor, _),) = place_labels([(10.0, 100.0, "name")], [(5, 95, 15, 105)], (0, 0, 300, 300))
    assert (anchor, x > 10) == ("start", True)


def test_boxes_cover_the_line_between_points() -> None:
    boxes = boxes_along([(0.0, 0.0), (100.0, 0.0)], step=5)
    for x in range(0, 100, 3):
        assert any(left <= x <= right and top <= 0 <= bottom for left, top, right, bottom in boxes)
    assert boxes_along([(1.0, 1.0)]) == []
