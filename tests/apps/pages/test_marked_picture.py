"""Boxes where they belong, words inside the picture."""

import itertools
import re

import numpy as np
import pytest

from yolosses.apps.pages.marked_picture import Mark, around, in_pixels, marked_picture
from yolosses.explain.placing import shared

PICTURE = np.full((100, 200, 3), 90, np.uint8)


def rectangles(svg: str, kind: str) -> list[tuple[float, ...]]:
    tags = re.findall(
        rf'<rect class="{kind}" x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"', svg
    )
    return [tuple(map(float, tag)) for tag in tags]


def test_boxes_stand_where_they_are_in_the_picture() -> None:
    marks = [
        Mark(box=(0.5, 0.5, 0.2, 0.4), kind="truth", text="1"),
        Mark(box=(0.25, 0.5, 0.1, 0.2), kind="answer"),
        Mark(box=(float("nan"), 0.5, 0.1, 0.2), kind="other", text="2"),
    ]
    svg = marked_picture(PICTURE, marks, alt="what & how")
    assert 'viewBox="0 0 200 100"' in svg
    assert rectangles(svg, "truth") == [(80.0, 30.0, 40.0, 40.0)]
    assert rectangles(svg, "answer") == [(40.0, 40.0, 20.0, 20.0)]
    assert rectangles(svg, "other") == []
    assert re.findall(r"<text[^>]*>([^<]*)<", svg) == ["1"]
    assert 'aria-label="what &amp; how"' in svg


def test_a_part_of_the_picture_keeps_its_pixels() -> None:
    svg = marked_picture(
        PICTURE, [Mark(box=(0.9, 0.5, 0.1, 0.2), kind="truth")], alt="", part=(0.95, 0.5, 0.25, 0.5)
    )
    assert 'viewBox="150 25 50 50"' in svg  # moved into the picture
    assert rectangles(svg, "truth") == [(170.0, 40.0, 20.0, 20.0)]


def test_words_stay_inside_and_apart() -> None:
    boxes = [(0.5, 0.5, 0.3, 0.4)] * 3 + [(0.02, 0.02, 0.1, 0.1), (0.98, 0.98, 0.1, 0.1)]
    marks = [Mark(box=box, kind="truth", text=f"object {i}") for i, box in enumerate(boxes)]
    plates = [mark.plate for mark in in_pixels(marks, (100, 200), (0, 0, 200, 100), 6.5)]
    assert len(plates) == 5
    for plate in plates:
        assert plate is not None
        left, top, right, bottom = plate
        assert left >= 0
        assert top >= 0
        assert right <= 200
        assert bottom <= 100
    for one, other in itertools.combinations(plates, 2):
        assert shared(one, other) == 0  # type: ignore[arg-type]


def test_only_texts_have_plates_and_broken_boxes_are_left_out() -> None:
    marks = [
        Mark(box=(0.5, 0.5, 0.2, -0.4), kind="other"),
        Mark(box=(0.5, float("inf"), 0.2, 0.4), kind="truth"),
    ]
    (drawn,) = in_pixels(marks, (100, 200), (0, 0, 200, 100), 6.5)
    assert drawn.plate is None
    assert drawn.box == pytest.approx((80, 50, 120, 50))  # no height below 0


def test_around_holds_all_boxes_and_is_square_in_pixels() -> None:
    cx, cy, w, h = around([(0.2, 0.5, 0.1, 0.1), (0.4, 0.5, 0.1, 0.1)], aspect=2.0, margin=0.0)
    assert (cx, cy) == pytest.approx((0.3, 0.5))
    assert (w, h) == pytest.approx((0.3, 0.6))
