"""Marks that the charts of a study share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yolosses.apps.pages.charts.axis import value_range
from yolosses.apps.pages.study_scales import Scale, letters
from yolosses.apps.pages.views.study_numbers import Quantity, edges
from yolosses.studies.ablation.statistics import Interval


def scale_of(
    intervals: Iterable[Interval],
    quantity: Quantity,
    start: float,
    end: float,
    *,
    also: Sequence[float] = (),
) -> Scale:
    found = [edge for interval in intervals for edge in edges(interval)]
    low, high = value_range([*found, *also], most=quantity.most)
    return Scale(low=low, high=high, start=start, end=end)


def rules(scale: Scale, numbers: Sequence[float], names: Sequence[str], left: float, right: float) -> str:
    """Level lines at ``numbers``, with their names."""
    drawn = [f'<path class="axis" d="M{left} {scale.start:.1f}H{right}"/>']
    for number, name in zip(numbers, names, strict=True):
        y = scale.at(number)
        if abs(y - scale.start) > 1:
            drawn.append(f'<path class="rule" d="M{left} {y:.1f}H{right}"/>')
        drawn.append(letters(left - 6, y + 4, name, "end"))
    return "".join(drawn)


def whisker(outline: str, ink: str) -> str:
    return f'<path class="whisker" d="{outline}" stroke="{ink}"/>'


def ring(x: float, y: float) -> str:
    return f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="8.5" data-default="true"/>'
