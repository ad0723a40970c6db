"""Stacked bars, which ``_bars.html`` draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from yolosses.apps.pages.charts.axis import ROUND
from yolosses.apps.pages.figure import letters_width

PALE = -1  # fill of what is no error


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
        found = MaxNLocator(4, steps=ROUND).tick_values(0.0, self.longest)
        return [float(tick) for tick in found if 0 <= tick <= 1.000001 * self.longest]
