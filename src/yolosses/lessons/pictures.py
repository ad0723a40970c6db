"""Draw a case: cells, true boxes, predicted boxes and their IoU."""

from __future__ import annotations

import io

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.explain.style import BLUE, FAINT_INK, GREEN, GRID, VERMILLION
from yolosses.lessons.scene import Array, Scene

SIDE = 3.0  # inches


def draw_cells(grid: int) -> tuple[Figure, Axes]:
    """A picture of grid x grid cells with their numbers, in fractions of the picture."""
    figure = Figure(figsize=(SIDE, SIDE), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(1, 0), aspect="equal", xticks=[], yticks=[])
    for line in range(1, grid):
        axes.axhline(line / grid, color=GRID)
        axes.axvline(line / grid, color=GRID)
    for cell in range(grid**2):
        axes.text(cell % grid / grid + 0.01, cell // grid / grid + 0.01, str(cell),
                  color=FAINT_INK, fontsize=7, va="top")  # fmt: skip
    return figure, axes


def draw_scene(scene: Scene) -> Figure:
    """Cells in grey; true boxes solid green; responsible boxes thick blue, the others of an object's cell thin red.

    Boxes of cells without an object are left out: they only have a confidence.
    """
    figure, axes = draw_cells(scene.grid)
    for truth, object_ in zip(scene.truths, scene.objects, strict=True):
        draw_box(axes, truth, GREEN, 2.5, "-")
        axes.plot(truth[0], truth[1], "o", color=GREEN, markersize=5)
        for box, place in enumerate(scene.placed[object_.cell]):
            chosen = bool(scene.obj[object_.cell, box])
            colour = BLUE if chosen else VERMILLION
            draw_box(axes, place, colour, 2.2 if chosen else 1.2, "--" if chosen else ":")
            edge = place[1] + place[3] / 2 * (-1 if chosen else 1)  # above or below, so that both can be read
            axes.text(min(max(place[0], 0.02), 0.7), min(max(edge, 0.06), 0.97),
                      f"{box}: IoU {scene.iou[object_.cell, box]:.2f}", color=colour, fontsize=8,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8})  # fmt: skip
    return figure


def as_svg(figure: Figure) -> str:
    """The figure as an svg element, its letters as text."""
    FigureCanvasSVG(figure)
    out = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "yolosses"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def draw_box(axes: Axes, box: Array, colour: str, width: float, style: str) -> None:
    """One box cx, cy, w, h, fractions of the picture."""
    x, y, w, h = box.tolist()
    axes.add_patch(
        Rectangle(
            (x - w / 2, y - h / 2), w, h, fill=False, edgecolor=colour, linewidth=width, linestyle=style
        )
    )
