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


def draw_scene(scene: Scene) -> Figure:
    """Cells in grey; true boxes solid green; responsible boxes thick blue, the others of an object's cell thin red.

    Boxes of cells without an object are left out: they only have a confidence.
    """
    figure = Figure(figsize=(SIDE, SIDE), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(1, 0), aspect="equal", xticks=[], yticks=[])
    for line in range(1, scene.grid):
        axes.axhline(line / scene.grid, color=GRID)
        axes.axvline(line / scene.grid, color=GRID)
    for cell in range(scene.grid**2):
        axes.text(cell % scene.grid / scene.grid + 0.01, cell // scene.grid / scene.grid + 0.01, str(cell),
                  color=FAINT_INK, fontsize=7, va="top")  # fmt: skip
    for truth, object_ in zip(scene.truths, scene.objects, strict=True):
        _box(axes, truth, GREEN, 2.5, "-")
        axes.plot(truth[0], truth[1], "o", color=GREEN, markersize=5)
        for box, place in enumerate(scene.placed[object_.cell]):
            chosen = bool(scene.obj[object_.cell, box])
            colour = BLUE if chosen else VERMILLION
            _box(axes, place, colour, 2.2 if chosen else 1.2, "--" if chosen else ":")
            axes.text(min(max(place[0], 0.02), 0.7), min(max(place[1] - place[3] / 2, 0.06), 0.97),
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


def _box(axes: Axes, box: Array, colour: str, width: float, style: str) -> None:
    x, y, w, h = box.tolist()
    axes.add_patch(
        Rectangle(
            (x - w / 2, y - h / 2), w, h, fill=False, edgecolor=colour, linewidth=width, linestyle=style
        )
    )
