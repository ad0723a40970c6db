"""What the charts of an inspection show: the data, and that what is drawn are these."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.patches import Rectangle, StepPatch

from yolosses.apps.pages.charts.histogram import Histogram, histogram, histogram_of
from yolosses.apps.pages.charts.occupancy import occupancy
from yolosses.apps.pages.charts.sides import sides, sides_of


def test_a_histogram_counts_each_number() -> None:
    assert histogram_of(np.array([0, 2, 2, 3, 3, 3])) == Histogram(step=1, counts=(1, 0, 2, 3))


def test_many_different_numbers_share_bars() -> None:
    bars = histogram_of(np.arange(100))
    assert (bars.step, sum(bars.counts)) == (4, 100)
    assert [bars.name(bar) for bar in (0, 1)] == ["0–3", "4–7"]


def test_no_pictures_are_a_histogram_too() -> None:
    assert histogram_of(np.array([], np.int64)) == Histogram(step=1, counts=(0,))


def test_the_bars_are_as_high_as_the_counts() -> None:
    (axes,) = histogram(Histogram(step=1, counts=(1, 0, 2, 3)), x_title="x", y_title="y").axes
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [bar.get_height() for bar in bars] == [1, 0, 2, 3]
    assert [text.get_text() for text in axes.texts] == ["1", "", "2", "3"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2", "3"]


def test_all_sides_are_counted() -> None:
    shown = sides_of(np.array([[0.1, 0.2], [0.5, 0.02], [1.0, 1.0], [0.001, 0.001]]), [20, 7])
    assert sum(shown.widths) == sum(shown.heights) == 4
    assert shown.widths[-1] == shown.heights[-1] == 1
    assert shown.grids == (7, 20)
    assert (shown.edges[0], shown.edges[-1]) == pytest.approx((0.001, 1.0))


def test_widths_and_heights_differ_in_more_than_colour_beside_the_cells() -> None:
    shown = sides_of(np.array([[0.1, 0.2], [0.5, 0.02]]), [7, 20])
    (axes,) = sides(shown, width="width", height="height", x_title="x", y_title="y").axes
    drawn = {patch.get_label(): patch for patch in axes.patches if isinstance(patch, StepPatch)}
    assert tuple(drawn["width"].get_data().values) == shown.widths
    assert tuple(drawn["height"].get_data().values) == shown.heights
    assert len({str(patch.get_linestyle()) for patch in drawn.values()}) == 2
    assert [line.get_xdata()[0] for line in axes.lines] == [1 / 7, 1 / 20]
    assert [text.get_text() for text in axes.texts] == ["S=7", "S=20"]


def test_cells_carry_their_numbers_and_the_more_the_darker() -> None:
    counts = np.array([[0, 1, 2], [3, 40, 5], [6, 7, 8]])
    (axes,) = occupancy(counts, title="t").axes
    (mesh,) = [part for part in axes.collections if isinstance(part, QuadMesh)]
    assert np.array_equal(mesh.get_array(), counts)
    assert [text.get_text() for text in axes.texts] == [str(count) for count in counts.ravel()]
    inks = {text.get_text(): text.get_color() for text in axes.texts}
    assert (inks["40"], inks["1"]) == ("#FFFFFF", "#000000")
    assert axes.yaxis_inverted()  # row 0 at the top, as in the picture


def test_a_fine_grid_has_no_numbers() -> None:
    assert not occupancy(np.ones((28, 28), np.int64), title="t").axes[0].texts
