"""Axes of small charts: what they span, round numbers along them, and names of levels that do not touch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from yolosses.apps.pages.figure import letters_width
from yolosses.studies.ablation.findings import is_ordered
from yolosses.studies.ablation.structures import Level

WIDE_SPAN = 5.0  # highest over lowest value of a parameter from which a logarithmic line is drawn
CLOSEST = 0.07  # of the whole line: values of a parameter that are closer stand in equal steps instead
ROOM = 0.07  # of the span, above and below
ROUND = (1, 2, 2.5, 5, 10)  # steps of the numbers along an axis


def value_range(values: Iterable[float], *, most: float = math.inf) -> tuple[float, float]:
    """A span with room around ``values``. It begins at 0 where they come near it, and ends at ``most`` at most.

    Raises:
        ValueError: there are no values.
    """
    found = list(values)
    if not found:
        raise ValueError("values: expected at least one; got none")
    low, high = min(found), max(found)
    span = high - low or abs(high) / 5 or 1.0
    near_zero = 0 <= low < span / 3
    if high == low and not near_zero:
        low, high = low - span / 2, high + span / 2
    return (0.0 if near_zero else low - ROOM * span), max(min(high + ROOM * span, most), high)


def number_axis(
    axes: Axes,
    which: Literal["x", "y"],
    span: tuple[float, float],
    *,
    logarithmic: bool = False,
    factor: float = 1.0,
    most: int = 6,
) -> None:
    """Let an axis span these values, with at most about ``most`` round numbers, which are written times ``factor``."""
    decades = math.log10(span[1] / span[0]) if logarithmic else 0.0
    factors = next((some for some in ((1, 2, 5), (1, 3)) if len(some) * decades <= most), (1,))
    axes.set(**{f"{which}scale": "log" if logarithmic else "linear", f"{which}lim": span})
    {"x": axes.xaxis, "y": axes.yaxis}[which].set(
        major_locator=LogLocator(subs=factors, numticks=most)
        if logarithmic
        else MaxNLocator(most, steps=ROUND),
        minor_locator=NullLocator(),
        major_formatter=FuncFormatter(lambda value, _: f"{factor * value:.10g}"),
    )


def level_places(levels: Sequence[Level]) -> list[float]:
    """Of the values of a parameter along a line from 0 to 1: by their logarithm if they span much, evenly if not; in
    equal steps if they are words, or two would stand too close.
    """
    if len(levels) == 1:
        return [0.5]
    if is_ordered(levels) and len(set(levels)) > 1:
        numbers = [float(level) for level in levels]
        if min(numbers) > 0 and max(numbers) / min(numbers) >= WIDE_SPAN:
            numbers = [math.log(number) for number in numbers]
        low, high = min(numbers), max(numbers)
        places = [(number - low) / (high - low) for number in numbers]
        if min(right - left for left, right in pairwise(sorted(places))) >= CLOSEST:
            return places
    return [step / (len(levels) - 1) for step in range(len(levels))]


def without_overlaps(places: Sequence[float], names: Sequence[str], length: float) -> list[str]:
    """``names`` of ascending places from 0 to 1 along a line of ``length`` pixels: "" for one that would run into one
    after it."""
    kept, free = [], math.inf
    for place, name in zip(reversed(places), reversed(names), strict=True):
        middle, half = length * place, letters_width(name, 12) / 2
        fits = middle + half + 4 <= free
        free = middle - half if fits else free
        kept.append(name if fits else "")
    return kept[::-1]
