"""A measure by the values of one parameter: points with intervals, or single runs where the values were drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from yolosses.apps.pages.charts.axis import (
    WIDE_SPAN,
    level_places,
    number_axis,
    value_range,
    without_overlaps,
)
from yolosses.apps.pages.figure import fixed_chart, letters_width, shortened, written
from yolosses.apps.pages.views.study_numbers import Quantity, edges
from yolosses.explain.style import BLUE, FAINT_INK, INK
from yolosses.studies.ablation.findings import is_ordered
from yolosses.studies.ablation.sentences import level_name
from yolosses.studies.ablation.statistics import Interval
from yolosses.studies.ablation.structures import Level

WIDTH, HEIGHT = 268.0, 212.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 44.0, 42.0  # around the frame
INNER = 0.07  # of the line across: room at either end
ROW = 26.0  # of a name
LONGEST_NAME = 136.0


@dataclass(frozen=True, kw_only=True)
class LevelChart:
    """A measure by the values of a parameter.

    Attributes:
        levels: of the parameter, all of them: the axis is the same in all its charts.
        alt: what the chart shows, for those who cannot see it.
    """

    quantity: Quantity
    parameter: str
    levels: Sequence[Level]
    intervals: Mapping[Level, Interval]
    default: Level | None
    alt: str

    def draw(self) -> tuple[Figure, dict[str, str]]:
        """Points with interval bars; joined where the values have an order."""
        return _lines(self) if is_ordered(self.levels) else _dots(self)


def _lines(shown: LevelChart) -> tuple[Figure, dict[str, str]]:
    figure, axes = fixed_chart(WIDTH, HEIGHT, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM)
    _titles(figure, shown.quantity, 12, HEIGHT)
    ordered = sorted(shown.levels, key=float)
    places = dict(zip(ordered, level_places(ordered), strict=True))
    measured = [level for level in ordered if level in shown.intervals]
    xs = [places[level] for level in measured]
    ys = [shown.intervals[level].mean for level in measured]
    _bars(axes, shown, measured, xs, ys, upright=True)
    axes.plot(xs, ys, color=BLUE, linewidth=1.5)
    told = _points(axes, shown, measured, xs, ys)
    _value_axis(axes, shown.quantity, _ends(shown), upright=True)
    axes.set_xlim(-INNER, 1 + INNER)
    length = (WIDTH - LEFT - RIGHT) / (1 + 2 * INNER)
    names = without_overlaps(list(places.values()), [level_name(level) for level in ordered], length)
    axes.set_xticks(list(places.values()), names)
    axes.set_xlabel(shown.parameter)
    return figure, told


def _dots(shown: LevelChart) -> tuple[Figure, dict[str, str]]:
    names = [level_name(level) for level in shown.levels]
    label = min(max(letters_width(name, 12) for name in names), LONGEST_NAME)
    height = TOP + ROW * len(names) + 26
    figure, axes = fixed_chart(WIDTH, height, left=14 + label, right=RIGHT, top=TOP, bottom=26)
    _titles(figure, shown.quantity, 6, height)
    measured = [level for level in shown.levels if level in shown.intervals]
    xs = [shown.intervals[level].mean for level in measured]
    ys = [float(shown.levels.index(level)) for level in measured]
    _bars(axes, shown, measured, xs, ys, upright=False)
    told = _points(axes, shown, measured, xs, ys)
    _value_axis(axes, shown.quantity, _ends(shown), upright=False, most=3 if label > 90 else 5)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [shortened(name, label, 12) for name in names], color=INK)
    axes.tick_params(axis="y", length=0)
    for name, level in zip(axes.get_yticklabels(), shown.levels, strict=True):
        name.set_fontweight("bold" if level == shown.default else "normal")
    return figure, told


@dataclass(frozen=True, kw_only=True)
class ScatterChart:
    """A measure of single runs by the value of a parameter that was drawn from a range.

    Attributes:
        points: (value of the parameter, value of the measure). best: one of them, to be starred.
    """

    quantity: Quantity
    parameter: str
    points: Sequence[tuple[float, float]]
    default: float | None
    best: tuple[float, float] | None
    alt: str

    def draw(self) -> tuple[Figure, dict[str, str]]:
        """A point a run, a dashed line at the default, a star at the best setting."""
        figure, axes = fixed_chart(WIDTH, HEIGHT, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM)
        _titles(figure, self.quantity, 12, HEIGHT)
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        low, high = min(xs), max(xs)
        logarithmic = 0 < low < high and high / low >= WIDE_SPAN
        if logarithmic:
            room = (high / low) ** 0.06
            span = low / room, high * room
        else:
            room = 0.06 * (high - low) or 1.0
            span = low - room, high + room
        number_axis(axes, "x", span, logarithmic=logarithmic, most=5)
        _value_axis(axes, self.quantity, ys, upright=True)
        if self.default is not None and min(xs) <= self.default <= max(xs):
            axes.axvline(self.default, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        told = {}
        for index, (x, y) in enumerate(self.points):
            told[f"run-{index}"] = f"{self.parameter} = {x:.4g}: {self.quantity.bare(y)}"
            axes.plot(
                [x], [y], "o", color=BLUE, alpha=0.55, markersize=5, markeredgecolor="white", markeredgewidth=0.4,
                clip_on=False, gid=f"run-{index}",
            )  # fmt: skip
        if self.best is not None:
            axes.plot(*[[value] for value in self.best], "*", color=INK, markersize=10, clip_on=False)
        axes.set_xlabel(self.parameter)
        return figure, told


def _ends(shown: LevelChart) -> list[float]:
    """What the axis has to reach."""
    return [edge for interval in shown.intervals.values() for edge in edges(interval)]


def _titles(figure: Figure, quantity: Quantity, x: float, height: float) -> None:
    title = shortened(quantity.title, WIDTH - x - 4, 13)
    written(figure, title, x, height - 15, 13, color=INK, fontweight="bold")
    written(figure, quantity.hint, x, height - 31, 11, color=FAINT_INK)


def _bars(
    axes: Axes, shown: LevelChart, measured: list[Level], xs: list[float], ys: list[float], *, upright: bool
) -> None:
    spans = [edges(shown.intervals[level]) for level in measured]
    for (low, high), x, y in zip(spans, xs, ys, strict=True):
        if low != high:
            ends = ([x, x], [low, high]) if upright else ([low, high], [y, y])
            cap = "_" if upright else "|"
            axes.plot(*ends, color=BLUE, linewidth=1.2, marker=cap, markersize=6, markeredgewidth=1.2)


def _points(
    axes: Axes, shown: LevelChart, measured: list[Level], xs: list[float], ys: list[float]
) -> dict[str, str]:
    told = {}
    for index, (level, x, y) in enumerate(zip(measured, xs, ys, strict=True)):
        interval = shown.intervals[level]
        told[f"level-{index}"] = f"{shown.parameter} = {level_name(level)}: {shown.quantity.told(interval)}"
        axes.plot(
            [x], [y], "o", color=BLUE, markersize=6.5, markeredgecolor="white", markeredgewidth=0.75,
            clip_on=False, gid=f"level-{index}",
        )  # fmt: skip
        if level == shown.default:
            axes.plot(
                [x], [y], "o", markersize=12.75, markerfacecolor="none", markeredgecolor=INK,
                markeredgewidth=1.2, clip_on=False, gid="default",
            )  # fmt: skip
    return told


def _value_axis(axes: Axes, quantity: Quantity, values: list[float], *, upright: bool, most: int = 6) -> None:
    span = value_range(values, most=quantity.most)
    number_axis(axes, "y" if upright else "x", span, factor=quantity.factor, most=most)
    if upright:
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    axes.grid(True, axis="y" if upright else "x", color="#E6E6E6", linewidth=0.75)
