"""What part of the loss each term has over the steps of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from yolosses.apps.pages.figure import fixed_chart
from yolosses.studies.term_history import TermHistory
from yolosses.training.figures.shares import stack_shares


def share_fills(history: TermHistory) -> dict[str, str]:
    """The patterns of the page that the areas have, as the keys beside them."""
    return {f"share-{index}": f"fill-{index}" for index in range(len(history.terms))}


def shares(history: TermHistory, *, x_title: str, width: float, height: float, title: str = "") -> Figure:
    """Stacked to 100 %; the areas have the ids of `stack_shares`. ``width``, ``height``: in css pixels."""
    top = 28 if title else 10
    figure, axes = fixed_chart(width, height, left=46, right=14, top=top, bottom=42, title=title)
    stack_shares(
        axes, history.steps, history.shares, names={name: name for name in history.terms}, font_size=9
    )
    axes.set_xlim(history.steps[0], history.steps[-1])
    whole = history.steps[-1] >= 10
    axes.xaxis.set_major_locator(MaxNLocator(int(width // 120) + 2, integer=whole, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}" if whole else f"{step:g}")
    axes.set_yticks(range(0, 101, 25), [f"{share} %" for share in range(0, 101, 25)])
    axes.tick_params(length=0)
    axes.set_xlabel(x_title)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


@dataclass(frozen=True, kw_only=True)
class ShareChart:
    """Shares of the terms over the steps, stacked to 100 %. ``told``: long names of the terms, for the pointer."""

    history: TermHistory
    told: Mapping[str, str]
    title: str
    x_title: str
    alt: str

    def draw(self) -> tuple[Figure, dict[str, str]]:
        """The areas, and the long name of each, by its id."""
        figure = shares(self.history, x_title=self.x_title, width=268, height=268, title=self.title)
        return figure, {f"share-{index}": self.told[term] for index, term in enumerate(self.history.terms)}
