"""Charts of a measure by the values of one parameter.

What a chart shows also stands in its ``data-`` attributes, as exact numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from yolosses.apps.pages.charts.study import LevelChart, ScatterChart
from yolosses.apps.pages.page import Html
from yolosses.apps.pages.study_scales import (
    Scale,
    chart,
    letters,
    level_places,
    marker,
    shortened,
    star,
    text_width,
    tick_names,
    ticks,
    value_scale,
    without_overlaps,
)
from yolosses.apps.pages.term_marks import colour
from yolosses.apps.pages.views.study_numbers import Quantity, edges
from yolosses.studies.ablation.sentences import level_name
from yolosses.studies.ablation.statistics import Interval

_WIDTH, _HEIGHT = 268.0, 212.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 14.0, 44.0, 42.0  # around the frame of a small chart
_PLOT_WIDTH, _PLOT_HEIGHT = 365.0, 360.0
_LABEL = 136.0  # at most, of the names in a dot plot


def level_lines(shown: LevelChart) -> Html:
    """A measure by the values of a parameter that has an order: points with interval bars, joined."""
    intervals, quantity, parameter, default = shown.intervals, shown.quantity, shown.parameter, shown.default
    alt, levels = shown.alt, shown.levels
    ordered = sorted(levels, key=float)
    places = dict(zip(ordered, level_places(ordered, _LEFT + 14, _WIDTH - _RIGHT - 10), strict=True))
    scale = scale_of(intervals.values(), quantity, _HEIGHT - _BOTTOM, _TOP)
    points = [
        (places[level], scale.at(intervals[level].mean), level) for level in ordered if level in intervals
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    drawn = [
        _titles(quantity, _LEFT - 34),
        _value_rules(scale, quantity),
        f'<polyline class="path" points="{path}" stroke="{colour(0)}"/>',
    ]
    for x, y, level in points:
        drawn.append(
            _point(
                intervals[level],
                quantity,
                f'data-level="{escape(level_name(level))}"',
                _upright(x, scale, intervals[level], colour(0)) + marker(0, x, y, colour(0)),
                name=f"{parameter} = {level_name(level)}",
            )
        )
        if level == default:
            drawn.append(ring(x, y))
    names = without_overlaps([(places[level], level_name(level)) for level in ordered])
    drawn += [letters(x, _HEIGHT - _BOTTOM + 16, name, "middle") for x, name in names]
    drawn += [f'<path class="axis" d="M{x:.1f} {_HEIGHT - _BOTTOM}v4"/>' for x in places.values()]
    drawn.append(letters((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 7, parameter, "middle"))
    return _small(drawn, quantity, parameter, alt, _HEIGHT)


def dot_plot(shown: LevelChart) -> Html:
    """A measure by the values of a parameter that are only names: a line for each, its point and interval."""
    intervals, quantity, parameter, default = shown.intervals, shown.quantity, shown.parameter, shown.default
    alt, levels = shown.alt, shown.levels
    names = [level_name(level) for level in levels]
    label = min(max(text_width(name) for name in names), _LABEL)
    left, right, bottom = 12 + label, _WIDTH - _RIGHT, _TOP + 26.0 * len(levels)
    scale = scale_of(intervals.values(), quantity, left + 8, right - 4)
    drawn = [_titles(quantity, 6)]
    numbers = ticks(scale, most=3 if label > 90 else 5)
    drawn += [f'<path class="rule" d="M{scale.at(number):.1f} {_TOP}V{bottom}"/>' for number in numbers]
    marks = zip(
        (scale.at(number) for number in numbers), tick_names(numbers, factor=quantity.factor), strict=True
    )
    drawn += [letters(x, bottom + 16, name, "middle") for x, name in without_overlaps(list(marks))]
    drawn.append(f'<path class="axis" d="M{left:.1f} {bottom}H{right}"/>')
    for row, (level, name) in enumerate(zip(levels, names, strict=True)):
        y = _TOP + 26 * row + 13
        kind = "strong" if level == default else ""
        drawn.append(letters(left - 8, y + 4, shortened(name, label), "end", kind))
        if level not in intervals:
            continue
        found = intervals[level]
        low, high = (scale.at(edge) for edge in edges(found))
        bar = whisker(f"M{low:.1f} {y}H{high:.1f}M{low:.1f} {y - 4}v8M{high:.1f} {y - 4}v8", colour(0))
        x = scale.at(found.mean)
        drawn.append(
            _point(
                found,
                quantity,
                f'data-level="{escape(name)}"',
                (bar if low != high else "") + marker(0, x, y, colour(0)),
                name=f"{parameter} = {name}",
            )
        )
        if level == default:
            drawn.append(ring(x, y))
    return _small(drawn, quantity, parameter, alt, bottom + 24)


def scatter(shown: ScatterChart) -> Html:
    """A measure of single runs by the value of a parameter that was drawn from a range."""
    points, quantity, parameter, default = shown.points, shown.quantity, shown.parameter, shown.default
    alt, best = shown.alt, shown.best
    values = [x for x, _ in points]
    low, high = min(values), max(values)
    across = Scale(
        low=low if low < high else low - 1,
        high=high if low < high else high + 1,
        start=_LEFT + 10,
        end=_WIDTH - _RIGHT - 8,
        logarithmic=0 < low < high and high / low >= 5,
    )
    scale = value_scale([y for _, y in points], _HEIGHT - _BOTTOM, _TOP, most=quantity.most)
    drawn = [_titles(quantity, _LEFT - 34), _value_rules(scale, quantity)]
    if default is not None and low <= default <= high:
        drawn.append(f'<path class="default-line" d="M{across.at(default):.1f} {_HEIGHT - _BOTTOM}V{_TOP}"/>')
    for x, y in points:
        drawn.append(
            f'<circle cx="{across.at(x):.1f}" cy="{scale.at(y):.1f}" r="3.2" fill="{colour(0)}" fill-opacity="0.55" '
            f'stroke="#fff" stroke-width="0.6" data-x="{x!r}" data-y="{y!r}"><title>{escape(parameter)} = {x:.4g}: '
            f"{quantity.bare(y)}</title></circle>"
        )
    if best is not None:
        drawn.append(star(across.at(best[0]), scale.at(best[1]), "#1a1a1a", radius=7))
    numbers = ticks(across, most=6)
    names = [f"{number:g}" for number in numbers] if across.logarithmic else tick_names(numbers)
    marks = [(across.at(number), name) for number, name in zip(numbers, names, strict=True)]
    drawn += [f'<path class="axis" d="M{x:.1f} {_HEIGHT - _BOTTOM}v4"/>' for x, _ in marks]
    drawn += [letters(x, _HEIGHT - _BOTTOM + 16, name, "middle") for x, name in without_overlaps(marks)]
    drawn.append(letters((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 7, parameter, "middle"))
    return _small(drawn, quantity, parameter, alt, _HEIGHT)


def scale_of(
    intervals: Iterable[Interval],
    quantity: Quantity,
    start: float,
    end: float,
    *,
    also: Sequence[float] = (),
) -> Scale:
    found = [edge for interval in intervals for edge in edges(interval)]
    return value_scale([*found, *also], start, end, most=quantity.most)


def _titles(quantity: Quantity, x: float) -> str:
    room = _WIDTH - x - 4
    return letters(x, 15, shortened(quantity.title, room, 13), kind="title", told=quantity.note) + letters(
        x, 31, quantity.hint, kind="hint"
    )


def rules(scale: Scale, numbers: Sequence[float], names: Sequence[str], left: float, right: float) -> str:
    """Level lines at ``numbers``, with their names."""
    drawn = [f'<path class="axis" d="M{left} {scale.start:.1f}H{right}"/>']
    for number, name in zip(numbers, names, strict=True):
        y = scale.at(number)
        if abs(y - scale.start) > 1:
            drawn.append(f'<path class="rule" d="M{left} {y:.1f}H{right}"/>')
        drawn.append(letters(left - 6, y + 4, name, "end"))
    return "".join(drawn)


def _value_rules(scale: Scale, quantity: Quantity) -> str:
    numbers = ticks(scale)
    names = tick_names(numbers, factor=quantity.factor)
    return rules(scale, numbers, names, _LEFT, _WIDTH - _RIGHT)


def _point(interval: Interval, quantity: Quantity, where: str, drawn: str, *, name: str) -> str:
    return (
        f'<g {where} data-mean="{interval.mean!r}" data-low="{interval.low!r}" data-high="{interval.high!r}">'
        f"<title>{escape(name)}: {escape(quantity.told(interval))}</title>{drawn}</g>"
    )


def _upright(x: float, scale: Scale, interval: Interval, ink: str) -> str:
    low, high = (scale.at(edge) for edge in edges(interval))
    if low == high:
        return ""
    return whisker(f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8", ink)


def whisker(outline: str, ink: str) -> str:
    return f'<path class="whisker" d="{outline}" stroke="{ink}"/>'


def ring(x: float, y: float) -> str:
    return f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="8.5" data-default="true"/>'


def _small(drawn: Sequence[str], quantity: Quantity, parameter: str, alt: str, height: float) -> Html:
    data = f'data-measure="{quantity.name}" data-parameter="{escape(parameter)}"'
    return chart(_WIDTH, height, "".join(drawn), alt=alt, data=data)
