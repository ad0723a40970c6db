"""The data behind each bar and area."""

import re

import numpy as np
import pytest

from yolosses.apps.pages.term_marks import paired_bars, patterns, share_history, stacked_bar


def rectangles(svg: str) -> list[dict[str, str]]:
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<rect[^>]*>", svg)]


def test_paired_bars_are_in_proportion() -> None:
    filled, hollow = rectangles(paired_bars(3, 2.0, 4.0, 8.0, width=201))
    assert (float(filled["width"]), filled["fill"]) == (50.0, "url(#fill-3)")
    assert (float(hollow["width"]), hollow["class"]) == (100.0, "hollow")


def test_a_bar_of_nan_has_no_length() -> None:
    filled, hollow = rectangles(paired_bars(0, float("nan"), 1.0, 2.0, width=101))
    assert (float(filled["width"]), float(hollow["width"])) == (0.0, 50.0)


def test_stacked_bar_lays_the_terms_end_to_end() -> None:
    parts = rectangles(stacked_bar([1.0, 0.0, 3.0], 8.0, width=81))
    assert [part["fill"] for part in parts] == ["url(#fill-0)", "url(#fill-2)"]
    assert [(float(part["x"]), float(part["width"])) for part in parts] == [(0.5, 10.0), (10.5, 30.0)]


def test_patterns_differ_beside_colour() -> None:
    found = re.findall(r'<pattern id="fill-(\d)".*?fill="(#\w+)"/>(.*?)</pattern>', patterns(5))
    assert [name for name, _, _ in found] == ["0", "1", "2", "3", "4"]
    assert len({colour for _, colour, _ in found}) == 5
    assert len({lines for _, _, lines in found}) == 5


def test_share_history_stacks_to_the_top() -> None:
    svg = share_history(
        [1, 50, 100],
        {"xy": [0.5, 0.25, 0.0], "cls": [0.5, 0.75, 1.0]},
        labels={"xy": "xy", "cls": "cls"},
        x_title="steps & more",
        alt="what it shows",
    )
    areas = {
        name: [tuple(map(float, point.split(","))) for point in points.split()]
        for name, points in re.findall(r'data-term="(\w+)" points="([^"]*)"', svg)
    }
    left, right, top, bottom = 46.0, 1106.0, 8.0, 258.0
    assert areas["xy"][0] == pytest.approx((left, (top + bottom) / 2))
    assert areas["xy"][2] == pytest.approx((right, bottom))
    expected = [(left, top), (left + 1060 * 49 / 99, top), (right, top)]
    assert np.allclose(areas["cls"][:3], expected, atol=0.1)
    # Each area ends where the one below it ends.
    assert areas["cls"][3:] == areas["xy"][2::-1]
    assert 'aria-label="what it shows"' in svg
    assert "steps &amp; more" in svg
    assert re.findall(r'class="on"[^>]*>(\w+)<', svg) == ["xy", "cls"]
