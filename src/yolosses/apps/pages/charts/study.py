"""What the charts of a study show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yolosses.apps.pages.charts.axis import round_numbers
from yolosses.apps.pages.figure import letters_width
from yolosses.apps.pages.views.study_numbers import NOTHING, Quantity
from yolosses.language import catalogue
from yolosses.studies.ablation.sentences import format_value
from yolosses.studies.ablation.statistics import Interval
from yolosses.studies.ablation.structures import Level
from yolosses.studies.term_history import TermHistory

Place = tuple[int, int]


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
        sign = -1 if self.quantity.lower_is_better else 1
        return max(self.found, key=lambda place: sign * self.found[place].mean, default=None)

    @property
    def alt(self) -> str:
        """What it shows, for those who cannot see it."""
        said = catalogue(self.quantity.language).gettext(
            "Heat map of {measure} over {x} and {y}; best {best} at {where}"
        )
        best, where = NOTHING, ""
        if self.best is not None:
            best = format_value(self.quantity.name, self.found[self.best].mean)
            where = f"{self.columns[self.best[0]]}, {self.rows[self.best[1]]}"
        return said.format(
            measure=self.quantity.title, x=self.x_title, y=self.y_title, best=best, where=where
        )


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
    """One measure against another: paths of settings, the other settings as grey points.

    Attributes:
        good: which way each measure is better: 1 for right and up, -1 for left and down.
        words: what stands in that corner, and at a default that paths share.
    """

    paths: Sequence[Path]
    others: Sequence[Spot]
    x: Quantity
    y: Quantity
    good: tuple[int, int]
    words: tuple[str, str]
    alt: str


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Detections of a setting by parts of their scores, those without detections left out.

    Attributes:
        score, iou: means. count: of detections, over all runs.
    """

    name: str
    score: tuple[float, ...]
    iou: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CalibrationChart:
    """IoU against score, a line a setting.

    Attributes:
        default: name of the line that is the default. titles: of the chart, the axis to the right, the axis upwards.
        exact: what is written on the diagonal.
    """

    lines: Sequence[Calibration]
    default: str | None
    titles: tuple[str, str, str]
    exact: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class ShareChart:
    """Shares of the terms over the steps, stacked to 100 %. ``told``: long names of the terms, for the pointer."""

    history: TermHistory
    told: Mapping[str, str]
    title: str
    x_title: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a bar.

    Attributes:
        key: what it stands for. value: its length. told: in words. shown: on it, if there is room.
        fill: index of the pattern, or `PALE`.
    """

    key: str
    value: float
    told: str
    shown: str
    fill: int


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row of stacked bars. ``kind``: "default" is set in bold, "apart" stands off from the others. ``note``: instead
    of parts.
    """

    name: str
    parts: Sequence[Part]
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Bars on one scale. ``longest``: value of the whole width."""

    bars: Sequence[Bar]
    longest: float

    @property
    def names_width(self) -> int:
        """Of the column of names, in css pixels."""
        longest = max((letters_width(bar.name, 14) for bar in self.bars), default=0.0)
        return round(min(max(20 + longest, 64), 200))

    @property
    def ticks(self) -> list[float]:
        """Round numbers along the bars."""
        return round_numbers(0.0, self.longest, most=4)


PALE = -1  # fill of what is no error

Chart = LevelChart | ScatterChart | HeatMap | Plane | CalibrationChart | ShareChart
