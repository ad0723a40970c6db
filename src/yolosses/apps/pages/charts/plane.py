"""One measure of a study against another: what is gained with one is paid with the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from yolosses.apps.pages.charts.axis import number_axis, value_range
from yolosses.apps.pages.figure import fixed_chart, letters_width
from yolosses.apps.pages.views.study_numbers import Quantity, edges
from yolosses.explain.placing import Box, around, around_point, least_hiding
from yolosses.explain.style import FAINT_INK, INK, colour_of, line_signs
from yolosses.language import catalogue
from yolosses.studies.ablation.statistics import Interval

WIDTH, SIDE = 365.0, 280.0  # of the chart; of its frame, upwards
LEFT, RIGHT, TOP, BOTTOM = 58.0, 12.0, 14.0, 44.0  # around the frame; below are the names of the paths
LEGEND_LINE = 18.0
WIDE_SPAN = 20.0  # highest over lowest mean from which an axis is logarithmic
NAME_SIZE, NAME_HEIGHT, DISTANCE = 11.0, 11.0, 9.0  # of the names beside points, in css pixels
CORNER = (64.0, 26.0)  # width and height of what is written there

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A setting: its name and its place."""

    name: str
    x: Interval
    y: Interval
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class Path:
    """Settings along one parameter, in the order of its values. ``index``: of its colour, dashes and marker.
    ``joined``: by lines, as values that have an order.
    """

    name: str
    index: int
    spots: Sequence[Spot]
    joined: bool = True


@dataclass(frozen=True, kw_only=True)
class Plane:
    """One measure against another: paths of settings, the other settings as grey points."""

    paths: Sequence[Path]
    others: Sequence[Spot]
    x: Quantity
    y: Quantity

    @property
    def alt(self) -> str:
        """What it shows, for those who cannot see it."""
        return self.gettext("{y} against {x}").format(x=self.x.title, y=self.y.title)

    def gettext(self, message: str) -> str:
        """A message in the language of the measures."""
        return catalogue(self.x.language).gettext(message)

    def draw(self) -> tuple[Figure, dict[str, str]]:
        """Paths of settings with interval bars both ways, the other settings as grey points."""
        columns = int(WIDTH // max(46 + letters_width(path.name, 12) for path in self.paths)) or 1
        below = BOTTOM + 8 + LEGEND_LINE * -(-len(self.paths) // columns)
        figure, axes = fixed_chart(WIDTH, TOP + SIDE + below, left=LEFT, right=RIGHT, top=TOP, bottom=below)
        _scale(axes, "x", self)
        _scale(axes, "y", self)
        axes.grid(True, color="#E6E6E6", linewidth=0.75)
        axes.tick_params(length=0)
        told = {}
        for index, spot in enumerate(self.others):
            told[f"other-{index}"] = spot.name
            axes.plot(*_means([spot]), "o", color="#B9B9B9", markersize=4.5, mew=0, gid=f"other-{index}")
        for path in self.paths:
            told |= _path(axes, path, self)
        _names(axes, self)
        _corner(axes, self)
        axes.legend(
            [Line2D([], [], **_signs(path), linewidth=1.5) for path in self.paths],
            [path.name for path in self.paths],
            loc="upper left", bbox_to_anchor=(0, 1 - (SIDE + BOTTOM) / SIDE), bbox_transform=axes.transAxes,
            ncols=columns, frameon=False, fontsize=9, borderpad=0, borderaxespad=0, handlelength=2.6,
            columnspacing=1.2, labelcolor="#404040",
        )  # fmt: skip
        return figure, told


def _scale(axes: Axes, which: Literal["x", "y"], shown: Plane) -> None:
    """Straight, or logarithmic for values of which most would stick together in one corner."""
    quantity = {"x": shown.x, "y": shown.y}[which]
    intervals: list[Interval] = [getattr(spot, which) for path in shown.paths for spot in path.spots]
    ends = [edge for interval in intervals for edge in edges(interval)]
    means = [interval.mean for interval in (*intervals, *(getattr(spot, which) for spot in shown.others))]
    span = min(means) / 1.3, min(1.15 * max(*means, *ends), quantity.most)
    logarithmic = min(means) > 0 and max(means) / min(means) >= WIDE_SPAN
    if not logarithmic:
        span = value_range([*ends, *means], most=quantity.most)
    number_axis(axes, which, span, logarithmic=logarithmic, factor=quantity.factor)
    axes.set(**{f"{which}label": quantity.title})


def _path(axes: Axes, path: Path, shown: Plane) -> dict[str, str]:
    signs, told = _signs(path), {}
    if path.joined:
        axes.plot(*_means(path.spots), **signs | {"marker": ""}, linewidth=1.5, gid=f"path-{path.index}")
    for index, spot in enumerate(path.spots):
        left, right = np.clip(edges(spot.x), *axes.get_xlim())
        low, high = np.clip(edges(spot.y), *axes.get_ylim())
        x, y = spot.x.mean, spot.y.mean
        name = f"spot-{path.index}-{index}"
        setting = f"{path.name} = {spot.name}" if path.name != spot.name else spot.name
        told[name] = (
            f"{setting}: {shown.x.title} {shown.x.told(spot.x)}; {shown.y.title} {shown.y.told(spot.y)}"
        )
        # Both bars in one line, which the pointer finds: they meet in the mean, which alone has the marker.
        xs, ys = [left, x, right, np.nan, x, x], [y, y, y, np.nan, low, high]
        signs |= {"linestyle": "-", "linewidth": 1.2}
        axes.plot(xs, ys, **signs, markevery=[1], gid=name, clip_on=False)
        if spot.is_default:
            axes.plot(
                [x], [y], "o", markersize=12.75, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.2,
                gid="default", clip_on=False,
            )  # fmt: skip
    return told


def _signs(path: Path) -> dict[str, Any]:
    """Colour, dashes and marker."""
    signs = line_signs(path.index, size=6.5)
    return signs if path.joined else signs | {"linestyle": ""}


def _names(axes: Axes, shown: Plane) -> None:
    """Beside each spot its value, in the colour of its path; where paths meet in the default, its name once."""
    spots = [(path, spot) for path in shown.paths for spot in path.spots]
    shared = sum(spot.is_default for _, spot in spots) > 1
    inks: dict[tuple[float, float, str], str] = {}
    for path, spot in spots:
        is_default = shared and spot.is_default
        name = shown.gettext("default") if is_default else spot.name
        inks.setdefault((spot.x.mean, spot.y.mean, name), INK if is_default else colour_of(path.index))
    taken = _taken(axes, shown)
    for (x, y, name), ink in inks.items():
        ((across, down),) = _pixels(axes, np.array([[x, y]]))
        width = letters_width(name, NAME_SIZE, bold=True)
        places = around_point(across, down, width, NAME_HEIGHT, DISTANCE)
        place = least_hiding(places, taken, (0, 0, WIDTH - LEFT, SIDE))
        taken.append(place)
        axes.annotate(
            name, (x, y), (0.75 * (place[0] - across), 0.75 * (down - place[3] + 1.5)), textcoords="offset points",
            color=ink, fontsize=0.75 * NAME_SIZE, fontweight="bold", va="baseline", zorder=5, annotation_clip=False,
            bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "alpha": 0.75, "linewidth": 0},
        )  # fmt: skip


def _taken(axes: Axes, shown: Plane) -> list[Box]:
    """What no name should hide, in css pixels from the left top of the frame: the corner and the points."""
    left = 0.0 if shown.x.lower_is_better else WIDTH - LEFT - RIGHT - CORNER[0]
    top = SIDE - CORNER[1] if shown.y.lower_is_better else 0.0
    spots = [*shown.others, *(spot for path in shown.paths for spot in path.spots)]
    points = _pixels(axes, np.column_stack(_means(spots))).tolist()
    return [(left, top, left + CORNER[0], top + CORNER[1]), *(around(x, y, 5) for x, y in points)]


def _pixels(axes: Axes, points: Floats) -> Floats:
    """(N, 2) of points of the axes, in css pixels from the left top of the frame, moved into it."""
    low, high = np.transpose([axes.get_xlim(), axes.get_ylim()])
    shown = axes.transLimits.transform(axes.transScale.transform(np.clip(points, low, high)))
    return np.asarray(shown * (WIDTH - LEFT - RIGHT, -SIDE) + (0, SIDE))


def _means(spots: Sequence[Spot]) -> tuple[list[float], list[float]]:
    return [spot.x.mean for spot in spots], [spot.y.mean for spot in spots]


def _corner(axes: Axes, shown: Plane) -> None:
    """A word in the corner where both measures are good, and an arrow into it."""
    right, up = not shown.x.lower_is_better, not shown.y.lower_is_better
    axes.annotate(
        shown.gettext("better"), (float(right), float(up)), (-15 if right else 15, -15 if up else 15),
        xycoords="axes fraction", textcoords="offset points", ha="right" if right else "left", va="center",
        fontsize=8.25, color=FAINT_INK, zorder=1.5,  # below the data
        arrowprops={
            "arrowstyle": "->", "color": FAINT_INK, "linewidth": 1.05, "shrinkA": 0, "shrinkB": 5,
            "relpos": (float(right), 0.5),
        },
    )  # fmt: skip
