"""What part of the loss each term has over the steps of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from yolosses.apps.pages.figure import chart
from yolosses.training.figures.shares import stack_shares


def shares(steps: Sequence[float], parts: Mapping[str, Sequence[float]], *, x_title: str) -> Figure:
    """Stacked to 100 %.

    Args:
        steps: at least two, ascending.
        parts: of each term at each step, 0 to 1.
    """
    figure, axes = chart(1060, 300)
    stack_shares(axes, steps, parts, names={name: name for name in parts}, font_size=10)
    axes.set_xlim(steps[0], steps[-1])
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    axes.set_yticks(range(0, 101, 25), [f"{share}%" for share in range(0, 101, 25)])
    axes.set_xlabel(x_title)
    return figure
