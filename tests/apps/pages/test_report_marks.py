"""The bars of the report are in proportion."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from yolosses.apps.pages.render import _environment
from yolosses.apps.pages.report import TermView

TERM = TermView(index=3, name="noobj", label="", meaning="", fault="", raw=4.0, scale=0.5, weighted=2.0)


def rectangles(svg: str) -> list[dict[str, str]]:
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<rect[^>]*>", svg)]


def macros(template: str) -> Any:
    return _environment("en").get_template(template).module


def test_paired_bars_are_in_proportion() -> None:
    filled, hollow = rectangles(macros("_report.html").paired_bars(TERM, 8.0, width=201))
    assert (float(filled["width"]), filled["fill"]) == (50.0, "url(#fill-3)")
    assert (float(hollow["width"]), hollow["class"]) == (100.0, "hollow")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_bar_of_what_is_not_finite_has_no_length(value: float) -> None:
    term = replace(TERM, weighted=value, raw=1.0)
    filled, hollow = rectangles(macros("_report.html").paired_bars(term, 2.0, width=101))
    assert (float(filled["width"]), float(hollow["width"])) == (0.0, 50.0)


def test_stacked_bar_lays_the_terms_end_to_end() -> None:
    parts = rectangles(macros("_macros.html").stacked_bar([1.0, 0.0, 3.0], 8.0, width=81))
    assert [part["fill"] for part in parts] == ["url(#fill-0)", "url(#fill-2)"]
    assert [(float(part["x"]), float(part["width"])) for part in parts] == [(0.5, 10.0), (10.5, 30.0)]


def test_patterns_differ_beside_colour() -> None:
    found = re.findall(
        r'<pattern id="fill-(\d)".*?fill="(#\w+)"/>\s*<path d="(.*?)"',
        macros("_macros.html").patterns(7),
        re.DOTALL,
    )
    assert [name for name, _, _ in found] == list("0123456")
    assert len({colour for _, colour, _ in found[:6]}) == 6
    assert len({lines for _, _, lines in found}) == 7
