"""How many things have how many of something: a bar for each number, or for each few where there are many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from yolosses.apps.pages.figure import chart
from yolosses.explain.style import BLUE, INK, SKY

MOST_BARS = 30
NUMBERED = 22  # with more bars, their numbers would touch
NAMED = {True: 14, False: 8}  # names below the bars at most: single numbers, ranges


@dataclass(frozen=True)
class Histogram:
    """Bar ``i`` counts the numbers from ``i * step`` to ``i * step + step - 1``."""

    step: int
    counts: tuple[int, ...]

    def name(self, bar: int) -> str:
        """``4``, or ``4–7``."""
        first = bar * self.step
        return str(first) if self.step == 1 else f"{first}–{first + self.step - 1}"


def histogram_of(numbers: NDArray[np.int64]) -> Histogram:
    """Numbers from 0, counted."""
    most = int(numbers.max(initial=0))
    step = -(-(most + 1) // MOST_BARS)
    counts = np.bincount(numbers // step, minlength=most // step + 1)
    return Histogram(step, tuple(counts.tolist()))


def histogram(bars: Histogram, *, x_title: str, y_title: str) -> Figure:
    """The bars, with their counts above them where there is room."""
    figure, axes = chart(520, 260)
    drawn = axes.bar(range(len(bars.counts)), bars.counts, width=0.84, color=SKY, edgecolor=BLUE)
    if len(bars.counts) <= NUMBERED:
        labels = [str(count) if count else "" for count in bars.counts]
        axes.bar_label(drawn, labels, padding=2, fontsize=8, color=INK)
    every = -(-len(bars.counts) // NAMED[bars.step == 1])
    named = range(0, len(bars.counts), every)
    axes.set_xticks(named, [bars.name(bar) for bar in named])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    return figure
