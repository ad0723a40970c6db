"""The areas of the shares: stacked to the whole, named where they are wide."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.figure import Figure

from yolosses.apps.pages.charts.shares import share_fills, shares
from yolosses.apps.pages.figure import figure_svg
from yolosses.explain.style import HATCHES, PALETTE
from yolosses.studies.term_history import TermHistory

STEPS = (1.0, 25.0, 50.0, 75.0, 100.0)
PARTS = {
    "xy": (0.5, 0.4, 0.3, 0.2, 0.0),
    "wh": (0.05, 0.05, 0.05, 0.05, 0.05),
    "cls": (0.45, 0.55, 0.65, 0.75, 0.95),
}


def drawn(x_title: str = "steps") -> Figure:
    history = TermHistory(steps=STEPS, terms=PARTS)
    return shares(history, x_title=x_title, title="t", width=268, height=268)


def test_areas_lie_on_each_other_and_end_at_the_top() -> None:
    (axes,) = drawn().axes
    floor = np.zeros(5)
    for area, values in zip(axes.collections, PARTS.values(), strict=True):
        corners = {tuple(corner) for corner in area.get_paths()[0].vertices}
        ceiling = floor + 100 * np.array(values)
        for edge in (floor, ceiling):
            for step, y in zip(STEPS, edge, strict=True):
                assert any(step == x and abs(y - other) < 1e-9 for x, other in corners)
        floor = ceiling
    assert np.allclose(floor, 100)
    assert axes.get_ylim() == (0, 100)
    assert axes.get_xlim() == (1, 100)


def test_areas_have_the_signs_of_their_terms_and_wide_ones_their_name() -> None:
    (axes,) = drawn().axes
    assert [area.get_hatch() or "" for area in axes.collections] == list(HATCHES[:3])
    colours = [text.get_bbox_patch().get_facecolor() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["xy", "cls"]
    assert len(set(colours)) == 2
    places = [text.get_position() for text in axes.texts]
    assert np.allclose(places[0], (25, 20))
    assert np.allclose(places[1], (75, 20 + 5 + 75 / 2))
    assert PALETTE[0] != PALETTE[2]


def test_on_a_page_areas_are_painted_as_the_keys_beside_them() -> None:
    history = TermHistory(steps=STEPS, terms=PARTS)
    svg = figure_svg(drawn(), alt="", fills=share_fills(history))
    found = re.findall(r'share-(\d)">\s*<path[^>]*style="fill: url\(#fill-(\d)\)', svg)
    assert found == [("0", "0"), ("1", "1"), ("2", "2")]
    assert "<pattern" not in svg
    assert len(svg) < 20_000
    for name in set(re.findall(r"url\(#([^)]+)\)", svg)):
        assert name.startswith("fill-") or f'id="{name}"' in svg


def test_the_page_gets_the_same_bytes_again() -> None:
    one, other = (figure_svg(drawn("steps & more"), alt="shares") for _ in range(2))
    assert one == other
    assert "steps &amp; more" in one
