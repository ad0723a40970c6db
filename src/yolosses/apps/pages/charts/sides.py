"""Widths and heights of objects on a logarithmic axis, beside the cells of grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from yolosses.apps.pages.figure import chart
from yolosses.explain.style import BLUE, INK, VERMILLION

RATIO = 10 ** (1 / 8)  # of neighbouring edges
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Sides:
    """Objects between neighbouring ``edges`` (fractions of the picture), by width and by height; S of each grid."""

    edges: tuple[float, ...]
    widths: tuple[int, ...]
    heights: tuple[int, ...]
    grids: tuple[int, ...]


def sides_of(sides: NDArray[np.float64], grids: Sequence[int]) -> Sides:
    """``sides``: (O, 2) fractions of the picture."""
    lowest = min(float(sides.min(initial=1.0)), 0.5 / max(grids))
    steps = math.ceil(math.log(1 / lowest) / math.log(RATIO) - 1e-9)
    edges = RATIO ** np.arange(-steps, 1, dtype=np.float64)
    widths, heights = (np.histogram(sides[:, axis].clip(edges[0], 1.0), edges)[0] for axis in (0, 1))
    return Sides(tuple(edges.tolist()), tuple(widths.tolist()), tuple(heights.tolist()), tuple(sorted(grids)))


def sides(shown: Sides, *, width: str, height: str, x_title: str, y_title: str) -> Figure:
    """Widths as a solid line, heights as a dashed one. ``width``, ``height``: their names."""
    figure, axes = chart(680, 300)
    axes.stairs(shown.widths, shown.edges, color=INK, linewidth=1.6, label=width)
    axes.stairs(shown.heights, shown.edges, color=BLUE, linewidth=1.6, linestyle=(0, (4, 2)), label=height)
    axes.set_xscale("log")
    axes.set_xlim(shown.edges[0], 1.03)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = [tick for tick in TICKS if tick >= shown.edges[0]]
    axes.set_xticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    for rank, grid in enumerate(shown.grids):
        axes.axvline(1 / grid, color=VERMILLION, linewidth=1.1, linestyle=(0, (1.5, 2)))
        axes.annotate(
            f"S={grid}",
            (1 / grid, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 11 * (rank % 2)),  # neighbours at two heights
            textcoords="offset points",
            ha="center",
            color="#A34700",
            fontsize=8.5,
            fontweight="bold",
        )
    axes.legend(loc="best", frameon=False, fontsize=9)
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    return figure
