"""The look that all pictures share: readable for the colour-blind and in black and white."""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

# Okabe and Ito's palette, without its yellow (too light for lines) and its black (kept for totals and text).
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
INK = "#1A1A1A"
FAINT_INK = "#5F5F5F"
GRID = "#E3E3E3"

LineStyle = str | tuple[int, tuple[float, ...]]

# A second and a third sign beside colour, for print without it. Six, five and seven: two lines share all three
# signs only 210 lines apart.
LINE_STYLES: tuple[LineStyle, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (1.4, 1.2)),
    (0, (9, 2)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour ``#RRGGBB`` (the higher WCAG contrast)."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#FFFFFF"


def font_file(*, bold: bool = False) -> Path:
    """The DejaVu Sans that matplotlib brings along, so that no font of the system is needed."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches, drawn by Agg when it is saved."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
    return Figure(figsize=(width, height), dpi=150, facecolor="white", layout=layout)


def plain_axes(axes: Axes) -> None:
    """Take away what says nothing: frame, heavy grid, heavy ticks."""
    axes.set_facecolor("white")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT_INK)
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(which="both", colors=FAINT_INK, labelsize=8.5, width=0.8)
    axes.grid(True, which="major", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
