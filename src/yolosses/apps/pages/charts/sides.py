"""Widths and heights of objects on a logarithmic axis, beside the cells of grids."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from yolosses.apps.pages.figure import chart
from yolosses.explain.style import BLUE, INK, VERMILLION

RATIO = 10 ** (1 / 8)  # of neighbouring edges
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def sides(
    sides: NDArray[np.float64], grids: Sequence[int], *, names: tuple[str, str], x_title: str, y_title: str
) -> Figure:
    """Widths as a solid line, heights as a dashed one, and the side of a cell of each grid.

    Args:
        sides: (O, 2) fractions of the picture. grids: S of each. names: of the widths and the heights.
    """
    lowest = min(float(sides.min(initial=1.0)), 0.5 / max(grids))
    steps = math.ceil(math.log(1 / lowest) / math.log(RATIO) - 1e-9)
    edges = RATIO ** np.arange(-steps, 1, dtype=np.float64)
    widths, heights = (np.histogram(sides[:, axis].clip(edges[0], 1.0), edges)[0] for axis in (0, 1))
    figure, axes = chart(680, 300)
    axes.stairs(widths, edges, color=INK, linewidth=1.6, label=names[0])
    axes.stairs(heights, edges, color=BLUE, linewidth=1.6, linestyle=(0, (4, 2)), label=names[1])
    axes.set_xscale("log")
    axes.set_xlim(edges[0], 1.03)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = [tick for tick in TICKS if tick >= edges[0]]
    axes.set_xticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    for rank, grid in enumerate(sorted(grids)):
        axes.axvline(1 / grid, color=VERMILLION, linewidth=1.1, linestyle=(0, (1.5, 2)))
        rise = 3 + 11 * (rank % 2)  # neighbours at two heights
        axes.annotate(
            f"S={grid}", (1 / grid, 1.0), xycoords=("data", "axes fraction"), xytext=(0, rise),
            textcoords="offset points", ha="center", color="#A34700", fontsize=8.5, fontweight="bold",
        )  # fmt: skip
    axes.legend(loc="best", frameon=False, fontsize=9)
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    return figure
