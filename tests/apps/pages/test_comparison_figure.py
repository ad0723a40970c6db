"""Every line is named with its last value, and lines differ without colour."""

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from tests.studies.test_comparison import comparison, run

from yolosses.apps.pages.comparison_figure import comparison_figure
from yolosses.studies.comparison import Comparison

LOSSES = ("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v10", "yolox")


def many(seeds: int = 1) -> Comparison:
    scores = (0.0, 0.0, 0.5, 0.501, 0.502, 0.503, 0.7, 0.9, 0.99, 1.0)
    return comparison(
        *(run(loss, seed, s) for loss, s in zip(LOSSES, scores, strict=True) for seed in range(seeds))
    )


def panels(found: Comparison) -> list[Axes]:
    figure = comparison_figure(found)
    FigureCanvasAgg(figure).draw()
    return figure.axes


def names(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_losses_stand_beside_the_lines_by_their_last_values() -> None:
    best = (["yolox 1.000", "v10 0.990", "v8 0.900"], ["yolox 0.500", "v10 0.495", "v8 0.450"])
    for axes, first in zip(panels(many()), best, strict=True):
        assert len(names(axes)) == len(LOSSES)
        assert names(axes)[:3] == first
        beside = axes.get_legend().get_window_extent()
        assert axes.bbox.x1 < beside.x0 < beside.x1 <= axes.figure.bbox.x1


def test_lines_differ_without_colour() -> None:
    lines = panels(many())[0].get_lines()
    assert len({(str(line._unscaled_dash_pattern), line.get_marker()) for line in lines}) == len(LOSSES)


def test_lines_are_means_over_the_seeds() -> None:
    axes = panels(comparison(run("v1", 0, 0.4), run("v1", 1, 0.8)))[0]
    (line,) = axes.get_lines()
    assert list(line.get_xdata()) == pytest.approx([10 / 60, 20 / 60])
    assert list(line.get_ydata()) == pytest.approx([0.0, 0.6])


def test_runs_without_a_score_draw_no_line() -> None:
    first, second = panels(comparison(run("v1", 0, 0.5), run("v3", 0, None)))
    assert len(first.get_lines()) == 2  # it was scored on the way
    assert len(names(second)) == 2


def test_no_run() -> None:
    with pytest.raises(ValueError, match=r"^comparison: expected at least one run; got none$"):
        comparison_figure(comparison())
