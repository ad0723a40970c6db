"""What part of the total each term has over the steps, stacked to 100 %."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from yolosses.explain.style import area_signs, colour_of, ink_on

LEAST_NAMED = 10.0  # per cent: a thinner area carries no name


def stack_shares(
    axes: Axes,
    steps: ArrayLike,
    shares: Mapping[str, ArrayLike],
    *,
    names: Mapping[str, str],
    font_size: float,
) -> None:
    """Areas with the colours and hatches of their terms, ``share-0`` and so on by their ids; those that are wide enough
    carry their name.

    Args:
        shares: of each term at each step, 0 to 1; NaN leaves a gap. names: of the terms, as they are written on them.
    """
    places = np.asarray(steps, float)
    parts = 100 * np.array(list(shares.values()), float)
    areas = axes.stackplot(places, parts, labels=list(shares), linewidth=0.6)
    tops = np.cumsum(parts, axis=0)
    margin = max(1, len(places) // 12)
    inner = slice(margin, len(places) - margin) if len(places) > 2 * margin else slice(None)  # off the frame
    middle = len(places) / 2
    for index, (name, part, top) in enumerate(zip(shares, parts, tops, strict=True)):
        areas[index].set(**area_signs(index), gid=f"share-{index}")
        if not np.isfinite(part[inner]).any():
            continue
        tall = np.flatnonzero(part[inner] >= 0.95 * np.nanmax(part[inner])) + (inner.start or 0)
        at = int(min(tall, key=lambda place: abs(place - middle)))
        if part[at] < LEAST_NAMED:
            continue
        colour = colour_of(index)
        axes.text(
            places[at], top[at] - part[at] / 2, names[name], fontsize=font_size, fontweight="bold",
            color=ink_on(colour), bbox={"boxstyle": "round,pad=0.2", "facecolor": colour, "edgecolor": "none"},
            ha="center", va="center", clip_on=True,
        )  # fmt: skip
    axes.set_ylim(0, 100)
