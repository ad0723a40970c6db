"""Room for labels."""

from hypothesis import given
from hypothesis import strategies as st

from yolosses.explain.placing import Box, around_point, beside_box, least_hiding, shared, shortened

FRAME: Box = (0, 0, 300, 300)
SIDES = st.floats(1, 80)
PLACES = st.floats(-50, 350)


def test_a_text_is_cut_where_it_would_be_too_wide() -> None:
    assert shortened("abcdef", 6, len) == "abcdef"
    assert shortened("abcdef", 5, len) == "abcd…"
    assert shortened("abcdef", 0, len) == "…"


def test_boxes_share_what_lies_in_both() -> None:
    assert shared((0, 0, 10, 10), (5, 8, 20, 20)) == 10
    assert shared((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert shared((0, 0, 10, 10), (20, 20, 30, 30)) == 0  # apart both ways


@given(PLACES, PLACES, SIDES, SIDES, SIDES, SIDES)
def test_places_beside_a_box_have_the_size_and_stay_in_the_frame(
    x: float, y: float, w: float, h: float, width: float, height: float
) -> None:
    places = beside_box((x, y, x + w, y + h), width, height, FRAME)
    assert len(places) == 10
    for left, top, right, bottom in places:
        assert abs(right - left - width) < 1e-9
        assert abs(bottom - top - height) < 1e-9
        assert left >= 0
        assert top >= 0
        assert right <= 300 + 1e-9
        assert bottom <= 300 + 1e-9


def test_above_a_box_first_then_below_it() -> None:
    places = beside_box((100, 100, 200, 150), 40, 10, FRAME)
    assert places[:4] == [
        (100, 90, 140, 100),
        (160, 90, 200, 100),
        (100, 150, 140, 160),
        (160, 150, 200, 160),
    ]


def test_a_label_larger_than_the_frame_begins_where_it_begins() -> None:
    assert all(place[:2] == (0, 0) for place in beside_box((10, 10, 20, 20), 400, 400, FRAME))


@given(PLACES, PLACES, SIDES, SIDES)
def test_places_around_a_point_leave_it_free(x: float, y: float, width: float, height: float) -> None:
    places = around_point(x, y, width, height, 9)
    assert len(places) == 24
    dot = (x - 5, y - 5, x + 5, y + 5)
    assert all(shared(place, dot) == 0 for place in places)
    left, _, _, bottom = places[0]
    assert left > x  # right of it and above it first: no bar through the point is there
    assert bottom < y


def test_a_name_goes_where_nothing_is() -> None:
    places, dot = around_point(50, 100, 40, 11, 9), (45.0, 95.0, 55.0, 105.0)
    assert least_hiding(places, [dot]) == places[0]
    wall = (56.0, 0.0, 300.0, 300.0)  # right of the point
    assert least_hiding(places, [dot, wall]) == places[1]
    assert least_hiding(around_point(10, 100, 40, 11, 9), [wall], FRAME)[0] >= 0
    assert least_hiding(places, [], (0, 0, 1, 1)) == places[0]  # where none fits, as without a frame
