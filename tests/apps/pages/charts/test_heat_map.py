"""Maps of a measure over two parameters: numbers, shades, frame and star of each cell."""

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.apps.pages.charts.heat_map import HeatMap, Place, shade, shade_range
from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.views.study_numbers import quantity
from yolosses.studies.ablation.statistics import Interval

NAN = float("nan")
MEANS: dict[Place, float] = {(0, 0): 0.10, (1, 0): 0.90, (0, 1): 0.30, (1, 1): 0.60}


def interval(mean: float, half: float = 0.01) -> Interval:
    return Interval(mean=mean, low=mean - half, high=mean + half, count=3)


def alone(mean: float) -> Interval:
    """Of one seed."""
    return Interval(mean=mean, low=NAN, high=NAN, count=1)


CELLS: dict[Place, Interval | None] = {place: interval(mean) for place, mean in MEANS.items()}


def drawn(
    cells: dict[Place, Interval | None], measure: str = "map50", default: Place | None = None
) -> tuple[Figure, dict[str, str]]:
    return HeatMap(
        quantity=quantity(measure, "en"),
        cells=cells,
        columns=["1", "2"],
        rows=["3", "4"],
        x_title="a",
        y_title="b",
        default=default,
    ).draw()


def fills(axes: Axes) -> dict[Place, str]:
    """Colour of each cell that has a value."""
    found = {}
    for patch in axes.patches:
        kind, *place = str(patch.get_gid()).split("-")
        if kind == "cell" and not patch.get_hatch():
            red, green, blue = (round(255 * part) for part in patch.get_facecolor()[:3])  # type: ignore[index]
            found[int(place[0]), int(place[1])] = f"#{red:02X}{green:02X}{blue:02X}"
    return found


def best(axes: Axes) -> list[Place]:
    """Cells with a star."""
    stars = [text.get_position() for text in axes.texts if "★" in text.get_text()]
    return [(int(x), int(y)) for x, y in stars]


def written(axes: Axes, place: Place) -> list[str]:
    return [
        text.get_text()
        for text in axes.texts
        if (int(text.get_position()[0]), int(text.get_position()[1])) == place
    ]


def luminance(colour: str) -> int:
    return sum(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def test_every_cell_has_its_number_interval_and_shade() -> None:
    figure, told = drawn(CELLS)
    axes = figure.axes[0]
    colours = fills(axes)
    shades = [luminance(colours[place]) for place in sorted(MEANS, key=MEANS.__getitem__)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 4
    assert (colours[0, 0], colours[1, 0]) == (shade(0), shade(1))
    assert written(axes, (0, 1)) == ["30.0", "±1.0"]
    assert told["cell-0-1"] == "30.0 % [29.0, 31.0], 3 runs"
    assert best(axes) == [(1, 0)]
    assert [text.get_text() for text in figure.texts] == ["mAP50 (%)", "10.0", "90.0 better"]


def test_dark_is_better_where_low_is_better_too() -> None:
    figure, _ = drawn(CELLS, "missed")
    colours = fills(figure.axes[0])
    assert (colours[0, 0], colours[1, 0]) == (shade(1), shade(0))
    assert best(figure.axes[0]) == [(0, 0)]
    assert [text.get_text() for text in figure.texts][1:] == ["90.0", "10.0 better"]


def test_rows_go_upwards_and_the_default_is_framed() -> None:
    axes = drawn(CELLS, default=(1, 0))[0].axes[0]
    assert not axes.yaxis_inverted()
    assert [name.get_text() for name in axes.get_yticklabels()] == ["3", "4"]
    (frame,) = [patch for patch in axes.patches if patch.get_gid() == "default"]
    assert isinstance(frame, Rectangle)
    assert frame.get_xy() == (1, 0)


def test_a_cell_without_value_is_hatched_and_one_without_interval_has_no_half() -> None:
    figure, told = drawn({(0, 0): alone(0.2), (1, 0): None, (0, 1): alone(0.4), (1, 1): None})
    axes = figure.axes[0]
    assert sum(bool(patch.get_hatch()) for patch in axes.patches) == 2
    assert [text.get_text() for text in axes.texts] == ["20.0", "40.0", "★", "–", "–"]
    assert told["cell-0-0"] == "20.0 %, 1 run"
    nothing, _ = drawn(dict.fromkeys(CELLS))
    assert fills(nothing.axes[0]) == {}
    assert "nan" not in figure_svg(nothing, alt="a")


def test_shades_span_at_least_an_interval() -> None:
    assert shade_range([interval(0.50, 0.1), interval(0.51, 0.1)]) == pytest.approx((0.405, 0.605))
    assert shade_range([interval(0.2, 0.01), interval(0.8, 0.01)]) == (0.2, 0.8)
    assert shade_range([alone(0.5)]) == (0.5, 0.5)
    assert len(fills(drawn(dict.fromkeys(CELLS, alone(0.5)))[0].axes[0])) == 4


def test_shades_darken_all_the_way() -> None:
    shades = [luminance(shade(i / 20)) for i in range(21)]
    assert shades == sorted(shades, reverse=True)
    assert (shade(-1), shade(2)) == (shade(0), shade(1))
