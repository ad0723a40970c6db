"""Scales, ticks and room for names."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolosses.apps.pages.study_labels import boxes_along, place_labels
from yolosses.apps.pages.study_scales import (
    Scale,
    letters,
    level_places,
    marker,
    shortened,
    text_width,
    tick_names,
    ticks,
    value_scale,
    without_overlaps,
)
from yolosses.apps.pages.views.study_selection import in_order

NUMBERS = st.floats(-1e4, 1e4).map(lambda value: round(value, 6))


def test_a_straight_scale_and_a_logarithmic_one() -> None:
    straight = Scale(low=2.0, high=4.0, start=100.0, end=0.0)
    assert [straight.at(value) for value in (2.0, 2.5, 4.0, 5.0)] == [100.0, 75.0, 0.0, -50.0]
    logarithmic = Scale(low=0.1, high=10.0, start=0.0, end=100.0, logarithmic=True)
    assert [logarithmic.at(value) for value in (0.1, 1.0, 10.0)] == pytest.approx([0.0, 50.0, 100.0])


@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_all_values_are_within_their_scale(values: list[float]) -> None:
    scale = value_scale(values, 0.0, 100.0)
    assert scale.low < scale.high
    assert all(-1e-6 <= scale.at(value) <= 100 + 1e-6 for value in values)


def test_a_scale_begins_at_0_when_values_come_near_it_and_ends_at_the_most_possible() -> None:
    near = value_scale([0.1, 0.9, 1.0], 0, 1, most=1.0)
    assert (near.low, near.high) == (0.0, 1.0)
    far = value_scale([0.8, 0.9], 0, 1, most=1.0)
    assert 0.7 < far.low < 0.8
    assert 0.9 < far.high < 1.0
    with pytest.raises(ValueError, match="values: expected at least one"):
        value_scale([], 0, 1)


@given(NUMBERS, st.floats(1e-3, 1e4))
def test_ticks_are_round_and_inside(low: float, span: float) -> None:
    scale = Scale(low=low, high=low + span, start=0, end=1)
    found = ticks(scale)
    assert 2 <= len(found) <= 8
    step = found[1] - found[0]
    assert all(b - a == pytest.approx(step) for a, b in pairwise(found))
    mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(mantissa - round_one) for round_one in (1, 2, 2.5, 5, 10)) < 1e-3
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in found)


def test_names_of_ticks_have_the_decimals_that_they_need() -> None:
    assert tick_names([0.0, 0.05, 0.1], factor=100) == ["0", "5", "10"]
    assert tick_names([0.0, 0.025, 0.05], factor=100) == ["0.0", "2.5", "5.0"]
    assert tick_names([-0.5, 0.0, 0.5]) == ["-0.5", "0.0", "0.5"]
    logarithmic = Scale(low=0.3, high=32, start=0, end=1, logarithmic=True)
    assert ticks(logarithmic, most=6) == pytest.approx([0.5, 1, 2, 5, 10, 20])


def test_values_of_a_parameter_stand_by_their_logarithm_evenly_or_in_steps() -> None:
    assert level_places([1, 10, 100], 0, 100) == pytest.approx([0, 50, 100])
    assert level_places([1, 2, 3], 0, 100) == pytest.approx([0, 50, 100])
    assert level_places([2, 3, 5], 0, 90) == pytest.approx([0, 30, 90])
    assert level_places([0, 0.05, 2], 0, 100) == [0, 50, 100]  # 0 has no logarithm, and 0.05 is too near it
    assert level_places(["sqrt", "plain", "log"], 0, 100) == [0, 50, 100]
    assert level_places([False, True], 0, 100) == [0, 100]
    assert level_places([5], 0, 100) == [50]
    assert in_order([2, 0.5, 1]) == [0.5, 1, 2]
    assert in_order(["b", "a"]) == ["b", "a"]


def test_names_do_not_run_into_each_other() -> None:
    names = [(float(x), "0.05") for x in (0, 10, 40, 45, 80, 90)]
    kept = without_overlaps(names)
    assert [x for x, _ in kept] == [0, 40, 90]
    assert without_overlaps([]) == []


def test_a_long_name_is_cut() -> None:
    assert shortened("short", 100) == "short"
    cut = shortened("binary_cross_entropy_with_logits", 90)
    assert cut.endswith("…")
    assert text_width(cut) <= 90 < text_width("binary_cross_entropy_with_logits")
    assert text_width("背景") == 24  # as wide as they are high


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
