"""What the charts of an inspection show: the data, and that what is drawn are these."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.patches import Rectangle, StepPatch

from yolosses.apps.pages.charts.histogram import histogram
from yolosses.apps.pages.charts.occupancy import occupancy
from yolosses.apps.pages.charts.sides import sides


def bars(numbers: list[int]) -> tuple[list[float], list[str], list[str]]:
    """How high each is, what stands above it, the names below."""
    (axes,) = histogram(np.array(numbers, np.int64), x_title="x", y_title="y").axes
    heights = [patch.get_height() for patch in axes.patches if isinstance(patch, Rectangle)]
    names = [label.get_text() for label in axes.get_xticklabels()]
    return heights, [text.get_text() for text in axes.texts], names


def test_a_histogram_counts_each_number() -> None:
    assert bars([0, 2, 2, 3, 3, 3]) == ([1, 0, 2, 3], ["1", "", "2", "3"], ["0", "1", "2", "3"])


def test_many_different_numbers_share_bars() -> None:
    heights, above, names = bars(list(range(100)))
    assert (heights, above) == ([4] * 25, [])
    assert names == ["0–3", "16–19", "32–35", "48–51", "64–67", "80–83", "96–99"]


def test_no_pictures_are_a_histogram_too() -> None:
    assert bars([]) == ([0], [""], ["0"])


def drawn_sides(objects: list[list[float]], grids: list[int]) -> Axes:
    figure = sides(np.array(objects), grids, names=("width", "height"), x_title="x", y_title="y")
    return figure.axes[0]


def stairs(axes: Axes) -> dict[str, StepPatch]:
    return {str(patch.get_label()): patch for patch in axes.patches if isinstance(patch, StepPatch)}


def test_all_sides_are_counted() -> None:
    drawn = stairs(drawn_sides([[0.1, 0.2], [0.5, 0.02], [1.0, 1.0], [0.001, 0.001]], [20, 7]))
    for patch in drawn.values():
        values, edges, _ = patch.get_data()
        assert (sum(values), values[-1]) == (4, 1)
        assert (edges[0], edges[-1]) == pytest.approx((0.001, 1.0))


def test_widths_and_heights_differ_in_more_than_colour_beside_the_cells() -> None:
    axes = drawn_sides([[0.1, 0.2], [0.5, 0.02]], [20, 7])
    drawn = stairs(axes)
    for name, lengths in (("width", (0.1, 0.5)), ("height", (0.2, 0.02))):
        values, edges, _ = drawn[name].get_data()
        assert list(values) == list(np.histogram(lengths, edges)[0])
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
