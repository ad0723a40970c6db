"""How many things have how many of something: a bar for each number, or for each few where there are many."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from yolosses.apps.pages.figure import chart
from yolosses.explain.style import BLUE, INK, SKY

MOST_BARS = 30
NUMBERED = 22  # with more bars, their numbers would touch


def histogram(numbers: NDArray[np.int64], *, x_title: str, y_title: str) -> Figure:
    """Of numbers from 0, with the counts above the bars where there is room."""
    most = int(numbers.max(initial=0))
    step = -(-(most + 1) // MOST_BARS)
    counts = np.bincount(numbers // step, minlength=most // step + 1).tolist()
    figure, axes = chart(520, 260)
    drawn = axes.bar(range(len(counts)), counts, width=0.84, color=SKY, edgecolor=BLUE)
    if len(counts) <= NUMBERED:
        axes.bar_label(drawn, [str(count or "") for count in counts], padding=2, fontsize=8, color=INK)
    every = -(-len(counts) // (14 if step == 1 else 8))  # ranges have longer names than single numbers
    names = [str(first) if step == 1 else f"{first}–{first + step - 1}" for first in range(0, most + 1, step)]
    axes.set_xticks(range(0, len(counts), every), names[::every])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    return figure
