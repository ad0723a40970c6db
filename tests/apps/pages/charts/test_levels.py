"""Charts of a measure by one parameter: what is drawn are the means, the intervals and the runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from yolosses.apps.pages.charts.axis import (
    level_places,
    number_axis,
    value_range,
    without_overlaps,
)
from yolosses.apps.pages.charts.levels import LevelChart, ScatterChart
from yolosses.apps.pages.figure import figure_svg, letters_width, shortened
from yolosses.apps.pages.views.study_numbers import quantity
from yolosses.apps.pages.views.study_selection import in_order
from yolosses.studies.ablation.statistics import Interval
from yolosses.studies.ablation.structures import Level

NUMBERS = st.floats(-1e4, 1e4).map(lambda value: round(value, 6))
NAN = float("nan")


def interval(mean: float, half: float = 0.01) -> Interval:
    return Interval(mean=mean, low=mean - half, high=mean + half, count=3)


def alone(mean: float) -> Interval:
    """Of one seed."""
    return Interval(mean=mean, low=NAN, high=NAN, count=1)


MEANS: dict[Level, Interval] = {1: interval(0.4), 5: interval(0.6, 0.05), 25: interval(0.5)}


def chart(intervals: dict[Level, Interval], **changes: object) -> LevelChart:
    arguments: dict[str, object] = {
        "levels": [1, 5, 25],
        "quantity": quantity("map50", "en"),
        "parameter": "lambda<x>",
        "default": 5,
        "alt": "a",
    }
    return LevelChart(intervals=intervals, **{**arguments, **changes})  # type: ignore[arg-type]


def points(axes: Axes, prefix: str = "level-") -> list[tuple[float, float]]:
    """Places of the points, in their order."""
    found = [line for line in axes.lines if str(line.get_gid()).startswith(prefix)]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in found]  # type: ignore[index]


def bars(axes: Axes, cap: str) -> list[Line2D]:
    return [line for line in axes.lines if line.get_marker() == cap]


def words(figure: Figure) -> list[str]:
    (axes,) = figure.axes
    ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    return [text.get_text() for text in (*figure.texts, *ticks, axes.xaxis.label)]


def test_points_of_a_line_are_the_means_and_bars_the_intervals() -> None:
    figure, told = chart(MEANS).draw()
    (axes,) = figure.axes
    assert [y for _, y in points(axes)] == [0.4, 0.6, 0.5]
    assert [x for x, _ in points(axes)] == pytest.approx([0, 0.5, 1])  # 1, 5, 25 by their logarithm
    spans = [tuple(line.get_ydata()) for line in bars(axes, "_")]
    assert spans == [(i.low, i.high) for i in MEANS.values()]
    assert points(axes, "default") == [points(axes)[1]]
    assert {"mAP50 (%)", "higher is better", "lambda<x>", "1", "5", "25"} <= set(words(figure))
    assert told["level-1"] == "lambda<x> = 5: 60.0 % [55.0, 65.0], 3 runs"


def test_what_the_pointer_is_told_is_escaped_and_the_same_figure_gives_the_same_bytes() -> None:
    drawn = [figure_svg(figure, alt="<a>", told=told) for figure, told in (chart(MEANS).draw(),) * 2]
    assert drawn[0] == drawn[1]
    assert "<title>lambda&lt;x&gt; = 5: 60.0 % [55.0, 65.0], 3 runs</title>" in drawn[0]
    assert "lambda<x>" not in drawn[0]
    assert 'aria-label="&lt;a&gt;"' in drawn[0]


def test_one_seed_has_points_without_bars_and_a_missing_value_leaves_a_gap() -> None:
    figure, _ = chart({1: alone(0.4), 25: alone(0.5)}).draw()
    (axes,) = figure.axes
    assert [y for _, y in points(axes)] == [0.4, 0.5]
    assert bars(axes, "_") == []
    assert points(axes, "default") == []
    assert "5" in words(figure)  # the axis is the same in all charts


def test_dots_for_names() -> None:
    found: dict[Level, Interval] = {
        "squared_error": interval(0.4),
        "binary_cross_entropy_with_logits": interval(0.6, 0.05),
    }
    figure, told = chart(
        found,
        levels=list(found),
        quantity=quantity("missed", "zh-TW"),
        parameter="obj_penalty",
        default="squared_error",
    ).draw()
    (axes,) = figure.axes
    assert points(axes) == [(0.4, 0.0), (0.6, 1.0)]
    assert axes.yaxis_inverted()  # the first at the top
    assert len(bars(axes, "|")) == 2
    names = axes.get_yticklabels()
    assert [name.get_fontweight() for name in names] == ["bold", "normal"]
    assert "越低越好" in words(figure)
    assert names[1].get_text().endswith("…")  # cut, but whole for the pointer
    assert told["level-1"].startswith("obj_penalty = binary_cross_entropy_with_logits: 60.0 % [55.0, 65.0]")


def test_scattered_runs() -> None:
    runs = [(0.5, 0.2), (5.0, 0.6), (50.0, 0.4)]
    quantities = {"quantity": quantity("map50", "en"), "parameter": "p", "alt": "a"}
    figure, told = ScatterChart(points=runs, default=5.0, best=(5.0, 0.6), **quantities).draw()  # type: ignore[arg-type]
    (axes,) = figure.axes
    assert points(axes, "run-") == runs
    assert axes.get_xscale() == "log"
    assert told["run-1"] == "p = 5: 60.0"
    (star,) = bars(axes, "*")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (5.0, 0.6)  # type: ignore[index]
    (default,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert list(default.get_xdata()) == [5.0, 5.0]
    one, _ = ScatterChart(points=[(2.0, 0.5)], default=9.0, best=None, **quantities).draw()  # type: ignore[arg-type]
    assert points(one.axes[0], "run-") == [(2.0, 0.5)]
    assert len(one.axes[0].lines) == 1


# ------------------------------------------------------------ axes


@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_all_values_are_within_their_range(values: list[float]) -> None:
    low, high = value_range(values)
    assert low < high
    assert all(low <= value <= high for value in values)


def test_a_range_begins_at_0_when_values_come_near_it_and_ends_at_the_most_possible() -> None:
    assert value_range([0.1, 0.9, 1.0], most=1.0) == (0.0, 1.0)
    low, high = value_range([0.8, 0.9], most=1.0)
    assert 0.7 < low < 0.8
    assert 0.9 < high < 1.0
    with pytest.raises(ValueError, match="values: expected at least one"):
        value_range([])


def test_numbers_along_an_axis_are_round_and_percentages_are_told_as_such() -> None:
    axes = Figure().add_subplot()
    number_axis(axes, "y", (0.0, 0.12), factor=100)
    axes.figure.draw_without_rendering()
    assert [name.get_text() for name in axes.get_yticklabels()] == ["0", "2", "4", "6", "8", "10", "12"]
    number_axis(axes, "x", (0.3, 32), logarithmic=True)
    axes.figure.draw_without_rendering()
    shown = [name.get_text() for name in axes.get_xticklabels() if 0.3 <= name.get_position()[0] <= 32]
    assert shown == ["0.3", "1", "3", "10", "30"]
    for span in ((1e-4, 1e-2), (1e-6, 1.0), (1e-8, 1.0), (1.0, 1e6), (0.001, 0.006)):
        number_axis(axes, "x", span, logarithmic=True, most=5)
        axes.figure.draw_without_rendering()
        there = [tick for tick in axes.xaxis.get_majorticklocs() if span[0] <= tick <= span[1]]
        assert 2 <= len(there) <= 6, span
    assert len(axes.xaxis.get_minorticklocs()) == 0


def test_values_of_a_parameter_stand_by_their_logarithm_evenly_or_in_steps() -> None:
    assert level_places([1, 10, 100]) == pytest.approx([0, 0.5, 1])
    assert level_places([1, 2, 3]) == pytest.approx([0, 0.5, 1])
    assert level_places([2, 3, 5]) == pytest.approx([0, 1 / 3, 1])
    assert level_places([0, 0.05, 2]) == [0, 0.5, 1]  # 0 has no logarithm, and 0.05 is too near it
    assert level_places(["sqrt", "plain", "log"]) == [0, 0.5, 1]
    assert level_places([False, True]) == [0, 1]
    assert level_places([5]) == [0.5]
    assert in_order([2, 0.5, 1]) == [0.5, 1, 2]
    assert in_order(["b", "a"]) == ["b", "a"]


def test_names_do_not_run_into_each_other() -> None:
    places = [0, 0.1, 0.4, 0.45, 0.8, 0.9]
    assert without_overlaps(places, ["0.05"] * 6, 120) == ["", "0.05", "", "0.05", "", "0.05"]
    assert without_overlaps([], [], 100) == []


def test_a_long_name_is_cut() -> None:
    assert shortened("short", 100, 12) == "short"
    cut = shortened("binary_cross_entropy_with_logits", 90, 12)
    assert cut.endswith("…")
    assert letters_width(cut, 12) <= 90 < letters_width("binary_cross_entropy_with_logits", 12)
