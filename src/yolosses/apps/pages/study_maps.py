"""Heat maps of a study: a measure over two parameters, with its number in every cell."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from html import escape

from yolosses.apps.pages.charts.study import HeatMap, Place
from yolosses.apps.pages.page import Html
from yolosses.apps.pages.study_scales import chart, letters, shortened, star, text_width
from yolosses.apps.pages.views.study_numbers import NOTHING, Quantity, half_width
from yolosses.explain.style import ink_on
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.statistics import Interval

# ColorBrewer's Blues: each darker than the last, with or without colour.
_STOPS = ((247, 251, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107))

_CELL_WIDTH, _CELL_HEIGHT, _LEAST_WIDTH = 56.0, 40.0, 40.0
_WIDEST = 270.0
_TOP, _BOTTOM = 28.0, 74.0


def shade(share: float) -> str:
    """Colour of 0 (pale) to 1 (dark)."""
    place = min(max(share, 0.0), 1.0) * (len(_STOPS) - 1)
    index = min(int(place), len(_STOPS) - 2)
    mixed = [
        round(a + (b - a) * (place - index)) for a, b in zip(_STOPS[index], _STOPS[index + 1], strict=True)
    ]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def definitions() -> str:
    """What the maps on a page refer to; needed once."""
    stops = "".join(f'<stop offset="{i / 4:g}" stop-color="{shade(i / 4)}"/>' for i in range(5))
    return (
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
        f'<linearGradient id="shade">{stops}</linearGradient>'
        '<pattern id="no-value" width="7" height="7" patternUnits="userSpaceOnUse">'
        '<path d="M0 7L7 0" stroke="#c4c4c4" stroke-width="1"/></pattern></defs></svg>'
    )


def shade_range(cells: Sequence[Interval]) -> tuple[float, float]:
    """Lowest and highest value of the shades. At least as wide as the usual interval is, so that differences which
    may be chance stay pale.
    """
    means = [cell.mean for cell in cells]
    halves = [half for half in map(half_width, cells) if half is not None]
    low, high = min(means), max(means)
    least = 2 * statistics.median(halves) if halves else 0.0
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    return low, high


def heat_map(shown: HeatMap) -> Html:
    """A map; columns to the right, rows upwards, as on axes."""
    cells, columns, rows, quantity = shown.cells, shown.columns, shown.rows, shown.quantity
    x_title, y_title, default, better, alt = (
        shown.x_title,
        shown.y_title,
        shown.default,
        shown.better,
        shown.alt,
    )
    label = min(max(text_width(name) for name in rows), 110.0)
    left = 28.0 + label
    width = max(_LEAST_WIDTH, min(_CELL_WIDTH, (_WIDEST - left - 4) / len(columns)))
    right, bottom = left + width * len(columns), _TOP + _CELL_HEIGHT * len(rows)
    found = {place: cell for place, cell in cells.items() if cell is not None}
    low, high = shade_range(list(found.values())) if found else (0.0, 1.0)
    lower_is_better = MEASURES[quantity.name].better == "low"
    best = _best(found, lower_is_better)
    drawn = [letters(left, 15, quantity.title, kind="title", told=quantity.note)]
    for column in range(len(columns)):
        for row in range(len(rows)):
            x, y = left + column * width, bottom - (row + 1) * _CELL_HEIGHT
            cell = cells.get((column, row))
            where = f'data-column="{column}" data-row="{row}"'
            if cell is None:
                drawn.append(_empty(x, y, width, where))
                continue
            share = 0.5 if high == low else (cell.mean - low) / (high - low)
            share = 1 - share if lower_is_better else share
            drawn.append(
                _cell(
                    x,
                    y,
                    width,
                    cell,
                    share,
                    quantity,
                    where,
                    starred=(column, row) == best and len(found) > 1,
                )
            )
    drawn.append(
        f'<rect x="{left}" y="{_TOP}" width="{right - left:.1f}" height="{bottom - _TOP:.1f}" fill="none" '
        'stroke="#9a9a9a" stroke-width="0.7"/>'
    )
    if default is not None:
        x, y = left + default[0] * width, bottom - (default[1] + 1) * _CELL_HEIGHT
        outline = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_CELL_HEIGHT:.1f}"'
        drawn.append(f'<rect class="halo" {outline}/><rect class="frame" {outline} data-default="true"/>')
    for column, name in enumerate(columns):
        cut = shortened(name, width - 4)
        drawn.append(letters(left + (column + 0.5) * width, bottom + 16, cut, "middle"))
    for row, name in enumerate(rows):
        y = bottom - (row + 0.5) * _CELL_HEIGHT + 4
        drawn.append(letters(left - 7, y, shortened(name, label), "end"))
    drawn.append(letters((left + right) / 2, bottom + 34, x_title, "middle"))
    room = bottom - _TOP + 36  # upwards, with what is free below
    middle = (_TOP + bottom) / 2 + max(0.0, min(18.0, (text_width(y_title) - (bottom - _TOP)) / 2))
    drawn.append(letters(10, middle, shortened(y_title, room), "middle", turned=True))
    if found:
        ends = (high, low) if lower_is_better else (low, high)
        drawn.append(_legend(left, bottom + 50, quantity, ends, better))
    shown_width = max(right + 3, left + text_width(quantity.title, 13) + 4, left + 208)
    return chart(
        shown_width, bottom + _BOTTOM, "".join(drawn), alt=alt, data=f'data-measure="{quantity.name}"'
    )


def _best(cells: Mapping[Place, Interval], lower_is_better: bool) -> Place | None:
    sign = -1 if lower_is_better else 1
    return max(cells, key=lambda place: sign * cells[place].mean, default=None)


def _empty(x: float, y: float, width: float, where: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_CELL_HEIGHT}" fill="url(#no-value)" '
        f'stroke="#d9d9d9" {where}/>' + letters(x + width / 2, y + _CELL_HEIGHT / 2 + 4, NOTHING, "middle")
    )


def _cell(
    x: float,
    y: float,
    width: float,
    cell: Interval,
    share: float,
    quantity: Quantity,
    where: str,
    *,
    starred: bool,
) -> str:
    colour, half = shade(share), quantity.half(cell)
    ink, middle = ink_on(colour), x + width / 2
    below = f"±{half}" if half else ""
    first = y + _CELL_HEIGHT / 2 + (-2 if below or starred else 4.5)
    lines = _on_cell(middle, first, quantity.bare(cell.mean), ink, "cell")
    length = text_width(below, 10)
    fits = length + 13 <= width
    if below:
        lines += _on_cell(middle + (5.5 if starred and fits else 0.0), first + 15, below, ink, "half")
    if starred:  # before the half-width, or in the corner where that is too long
        lines += (
            star(middle - length / 2, first + 11.5, ink, radius=4.8)
            if fits
            else star(x + width - 5.5, y + 6, ink, radius=4)
        )
    return (
        f'<g {where} data-mean="{cell.mean!r}" data-low="{cell.low!r}" data-high="{cell.high!r}">'
        f"<title>{escape(quantity.told(cell))}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_CELL_HEIGHT}" fill="{colour}" stroke="#fff"/>'
        f"{lines}</g>"
    )


def _on_cell(x: float, y: float, words: str, ink: str, kind: str) -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle" style="fill:{ink}">{words}</text>'
    )


def _legend(x: float, y: float, quantity: Quantity, ends: tuple[float, float], better: str) -> str:
    """From pale to dark: the value at either end, and which of them is good."""
    pale, dark = (quantity.bare(value) for value in ends)
    start = x + text_width(pale) + 6
    return (
        letters(x, y + 10, pale)
        + f'<rect x="{start:.1f}" y="{y:.1f}" width="90" height="11" fill="url(#shade)" stroke="#9a9a9a" '
        f'stroke-width="0.7"/>' + letters(start + 96, y + 10, f"{dark} {better}")
    )
