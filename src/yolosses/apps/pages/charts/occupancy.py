"""How many objects have their centre in each cell of a grid: the darker, the more."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from yolosses.apps.pages.figure import chart
from yolosses.explain.style import ink_on

SHADES = LinearSegmentedColormap.from_list("shades", ["#FFFFFF", "#283446"])
NUMBERED = 10  # with more columns, numbers would not fit their cells


def occupancy(counts: NDArray[np.int64], *, title: str) -> Figure:
    """``counts``: (rows, columns)."""
    rows, columns = counts.shape
    most = max(int(counts.max(initial=0)), 1)
    figure, axes = chart(260, 250 * rows / columns + 34)
    axes.pcolormesh(counts, cmap=SHADES, vmin=0, vmax=most, edgecolors="#DFE3E8", linewidth=0.6)
    if columns <= NUMBERED:
        for row, column in np.ndindex(rows, columns):
            colour = to_hex(SHADES(float(counts[row, column]) / most)).upper()
            axes.text(
                column + 0.5, row + 0.5, str(counts[row, column]), ha="center", va="center", color=ink_on(colour),
                fontsize=8,
            )  # fmt: skip
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(title, fontsize=9, fontweight="bold", loc="left", pad=4)
    return figure
