"""A measure over two parameters, with its number in every cell. In every map dark is better."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.apps.pages.figure import fixed_chart, letters_width, shortened, written
from yolosses.apps.pages.views.study_numbers import NOTHING, Quantity, half_width
from yolosses.explain.style import INK, ink_on
from yolosses.language import catalogue
from yolosses.studies.ablation.sentences import format_value
from yolosses.studies.ablation.statistics import Interval

Place = tuple[int, int]  # column, row

# ColorBrewer's Blues: each darker than the last, with or without colour.
SHADES = LinearSegmentedColormap.from_list("blues", ["#F7FBFF", "#C6DBEF", "#6BAED6", "#2171B5", "#08306B"])

CELL_WIDTH, CELL_HEIGHT, LEAST_WIDTH = 56.0, 40.0, 40.0
WIDEST = 270.0
TOP, BOTTOM = 28.0, 74.0
LEGEND = 90.0  # the scale of shades


def shade(share: float) -> str:
    """Colour of 0 (pale) to 1 (dark)."""
    return to_hex(SHADES(float(min(max(share, 0.0), 1.0)))).upper()


def shade_range(cells: Sequence[Interval]) -> tuple[float, float]:
    """Lowest and highest value of the shades. At least as wide as the usual interval is, so that differences which
    may be chance stay pale.
    """
    means = [cell.mean for cell in cells]
    halves = [half for half in map(half_width, cells) if half is not None]
    low, high = min(means), max(means)
    least = 2 * statistics.median(halves) if halves else 0.0
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    return low, high


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """A measure over two parameters; columns to the right, rows upwards, as on axes.

    Attributes:
        cells: by (column, row). columns, rows: names of the values of the two parameters.
        default: the cell to frame.
    """

    quantity: Quantity
    cells: Mapping[Place, Interval | None]
    columns: Sequence[str]
    rows: Sequence[str]
    x_title: str
    y_title: str
    default: Place | None

    @property
    def found(self) -> dict[Place, Interval]:
        """Cells with a value."""
        return {place: cell for place, cell in self.cells.items() if cell is not None}

    @property
    def best(self) -> Place | None:
        """The cell with the best value; None where no cell has one."""
        found, sign = self.found, -1 if self.quantity.lower_is_better else 1
        return max(found, key=lambda place: sign * found[place].mean, default=None)

    @property
    def alt(self) -> str:
        """What it shows, for those who cannot see it."""
        said = catalogue(self.quantity.language).gettext(
            "Heat map of {measure} over {x} and {y}; best {best} at {where}"
        )
        best, value, where = self.best, NOTHING, ""
        if best is not None:
            value = format_value(self.quantity.name, self.found[best].mean)
            where = f"{self.columns[best[0]]}, {self.rows[best[1]]}"
        return said.format(
            measure=self.quantity.title, x=self.x_title, y=self.y_title, best=value, where=where
        )

    def draw(self) -> tuple[Figure, dict[str, str]]:
        """The map, and what to tell at each cell, by its id."""
        label = min(max(letters_width(name, 12) for name in self.rows), 110.0)
        left = 28.0 + label
        width = max(LEAST_WIDTH, min(CELL_WIDTH, (WIDEST - left - 4) / len(self.columns)))
        across, down = width * len(self.columns), CELL_HEIGHT * len(self.rows)
        right = max(3.0, letters_width(self.quantity.title, 13, bold=True) + 4 - across, 208 - across)
        figure, axes = fixed_chart(
            left + across + right, TOP + down + BOTTOM, left=left, right=right, top=TOP, bottom=BOTTOM
        )
        axes.set_xlim(0, len(self.columns))
        axes.set_ylim(0, len(self.rows))
        title = {"color": INK, "fontweight": "bold"}
        written(figure, self.quantity.title, left, down + BOTTOM + 13, 13, **title)
        told = _cells(axes, self)
        _frames(axes, self)
        cut = [shortened(name, width - 4, 12) for name in self.columns]
        axes.set_xticks([column + 0.5 for column in range(len(cut))], cut)
        axes.set_yticks(
            [row + 0.5 for row in range(len(self.rows))], [shortened(name, label, 12) for name in self.rows]
        )
        axes.tick_params(length=0)
        axes.set_xlabel(self.x_title)
        room = down + 36  # upwards, with what is free below
        below = max(0.0, min(18.0, (letters_width(self.y_title, 12) - down) / 2))
        axes.set_ylabel(shortened(self.y_title, room, 12))
        axes.yaxis.set_label_coords(-(left - 10) / across, 0.5 - below / down)
        _legend(figure, self, left)
        return figure, told


def _cells(axes: Axes, shown: HeatMap) -> dict[str, str]:
    found, best = shown.found, shown.best
    low, high = shade_range(list(found.values())) if found else (0.0, 1.0)
    told = {}
    for column in range(len(shown.columns)):
        for row in range(len(shown.rows)):
            cell = found.get((column, row))
            name = f"cell-{column}-{row}"
            if cell is None:
                hatched = Rectangle(
                    (column, row), 1, 1, fc="white", ec="#C4C4C4", hatch="//", lw=0.7, gid=name
                )
                axes.add_patch(hatched)
                axes.text(column + 0.5, row + 0.5, NOTHING, ha="center", va="center", fontsize=9)
                continue
            share = 0.5 if high == low else (cell.mean - low) / (high - low)
            colour = shade(1 - share if shown.quantity.lower_is_better else share)
            axes.add_patch(
                Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", lw=0.75, gid=name)
            )
            told[name] = shown.quantity.told(cell)
            starred = (column, row) == best and len(found) > 1
            _numbers(axes, shown.quantity, cell, (column, row), ink_on(colour), starred=starred)
    return told


def _numbers(
    axes: Axes, quantity: Quantity, cell: Interval, place: Place, ink: str, *, starred: bool
) -> None:
    """The mean; below it a star, if the cell is the best, and half of the interval."""
    x, y = place[0] + 0.5, place[1] + 0.5
    half = quantity.half(cell)
    below = "★" * starred + (f"±{half}" if half else "")
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
    rise = 0.18 if below else 0.0
    axes.text(x, y + rise, quantity.bare(cell.mean), fontsize=9.75, fontweight="bold", **look)
    if below:
        axes.text(x, y - 0.2, below, fontsize=7.5, **look)


def _frames(axes: Axes, shown: HeatMap) -> None:
    for spine in axes.spines.values():
        spine.set(visible=True, color="#9A9A9A", linewidth=0.6)
    if shown.default is not None:
        for name, colour, width in (("halo", "white", 4.5), ("default", INK, 2.0)):
            frame = Rectangle(
                shown.default, 1, 1, fill=False, edgecolor=colour, lw=width, clip_on=False, zorder=3, gid=name
            )
            axes.add_patch(frame)


def _legend(figure: Figure, shown: HeatMap, x: float) -> None:
    """From pale to dark: the value at either end, and which of them is good."""
    if not shown.found:
        return
    low, high = shade_range(list(shown.found.values()))
    pale, dark = (
        shown.quantity.bare(end) for end in ((high, low) if shown.quantity.lower_is_better else (low, high))
    )
    start = x + letters_width(pale, 12) + 6
    look = {"color": "#404040"}
    written(figure, pale, x, BOTTOM - 60, 12, **look)
    better = catalogue(shown.quantity.language).gettext("better")
    written(figure, f"{dark} {better}", start + LEGEND + 6, BOTTOM - 60, 12, **look)
    width, height = 96 * figure.get_size_inches()
    shades = figure.add_axes((start / width, (BOTTOM - 61) / height, LEGEND / width, 11 / height))
    shades.imshow(np.linspace(0, 1, 256)[None], cmap=SHADES, aspect="auto")
    shades.set_axis_off()
