"""Every line is named beside its end, no name covers another, and lines differ without colour."""

import itertools

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
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


def test_names_and_last_values_stand_apart() -> None:
    for axes in panels(many()):
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without their leader lines
        assert len(boxes) == len(LOSSES)
        for a, b in itertools.combinations(boxes, 2):
            assert not a.overlaps(b)
        assert all(box.y0 >= axes.bbox.y0 - box.height for box in boxes)
        assert all(box.x1 <= axes.figure.bbox.x1 for box in boxes)
    assert "v8 0.900" in {text.get_text() for text in panels(many())[0].texts}


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
    assert len(second.texts) == 2


def test_no_run() -> None:
    with pytest.raises(ValueError, match=r"^comparison: expected at least one run; got none$"):
        comparison_figure(comparison())
