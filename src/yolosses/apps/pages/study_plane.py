"""One measure of a study against another: what is gained with one is paid with the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from yolosses.apps.pages.charts.axis import number_names
from yolosses.apps.pages.charts.study import Path, Plane, Spot
from yolosses.apps.pages.figure import letters_width
from yolosses.apps.pages.study_charts import ring, rules, scale_of, whisker
from yolosses.apps.pages.study_labels import Box, boxes_along, place_labels
from yolosses.apps.pages.study_scales import (
    DASHES,
    Scale,
    chart,
    clear_names,
    letters,
    marker,
    ticks,
)
from yolosses.apps.pages.views.study_numbers import Quantity, edges
from yolosses.explain.style import colour_of
from yolosses.studies.ablation.statistics import Interval

_WIDTH = 365.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 50.0, 14.0, _WIDTH - 12, 294.0
_WIDE_SPAN = 20.0  # highest over lowest mean
_CORNER = (60.0, 24.0)  # width and height of what is written there


def trade_off(shown: Plane) -> Markup:
    """Paths of settings with interval bars both ways, the other settings as grey points."""
    paths, others, x, y, good = shown.paths, shown.others, shown.x, shown.y, shown.good
    words, alt = shown.words, shown.alt
    spots = [spot for path in paths for spot in path.spots]
    plane = _Plane(
        across=_scale([s.x for s in spots], [s.x for s in others], x, _LEFT, _RIGHT),
        upward=_scale([s.y for s in spots], [s.y for s in others], y, _BOTTOM, _TOP),
    )
    drawn = [_level_rules(plane.upward, y), _upright_rules(plane.across, x)]
    drawn += [plane.point(spot) for spot in others]
    drawn += [plane.line(path) for path in paths if path.joined]
    drawn += [plane.bars(path, spot, x, y) for path in paths for spot in path.spots]
    drawn.append(_corner(good, words[0]))
    drawn += [ring(*plane.at(spot)) for spot in spots if spot.is_default]
    drawn.append(_names(paths, plane, good, words[1]))
    drawn.append(letters((_LEFT + _RIGHT) / 2, _BOTTOM + 33, x.title, "middle"))
    drawn.append(letters(13, (_TOP + _BOTTOM) / 2, y.title, "middle", turned=True))
    legend, end = _legend(paths, _BOTTOM + 54)
    drawn.append(legend)
    data = f'data-across="{x.name}" data-upward="{y.name}"'
    return chart(_WIDTH, end + 8, "".join(drawn), alt=alt, data=data)


@dataclass(frozen=True, kw_only=True)
class _Plane:
    across: Scale
    upward: Scale

    def at(self, spot: Spot) -> tuple[float, float]:
        return self.across.at(spot.x.mean), self.upward.at(spot.y.mean)

    def spans(self, spot: Spot) -> tuple[float, float, float, float]:
        """Ends of its interval bars: left, right, lower, upper."""
        left, right = (self.across.at(max(edge, self.across.low)) for edge in edges(spot.x))
        lower, upper = (self.upward.at(max(edge, self.upward.low)) for edge in edges(spot.y))
        return left, right, lower, upper

    def point(self, spot: Spot) -> str:
        x, y = self.at(spot)
        return (
            f'<circle class="other" cx="{x:.1f}" cy="{y:.1f}" r="3" {_data(spot)}>'
            f"<title>{escape(spot.name)}</title></circle>"
        )

    def line(self, path: Path) -> str:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, path.spots))
        return (
            f'<polyline class="path" points="{points}" stroke="{colour_of(path.index)}" '
            f'stroke-dasharray="{DASHES[path.index % len(DASHES)]}" data-path="{escape(path.name)}"/>'
        )

    def bars(self, path: Path, spot: Spot, x: Quantity, y: Quantity) -> str:
        px, py = self.at(spot)
        left, right, lower, upper = self.spans(spot)
        outline = f"M{left:.1f} {py:.1f}H{right:.1f}M{px:.1f} {lower:.1f}V{upper:.1f}"
        named = f"{path.name} = {spot.name}" if path.name != spot.name else spot.name
        told = f"{named}: {x.title} {x.told(spot.x)}; {y.title} {y.told(spot.y)}"
        ink = colour_of(path.index)
        return (
            f"<g {_data(spot)}><title>{escape(told)}</title>{whisker(outline, ink)}"
            f"{marker(path.index, px, py, ink)}</g>"
        )

    def taken(self, path: Path) -> list[Box]:
        """What no name should hide."""
        boxes = boxes_along([self.at(spot) for spot in path.spots]) if path.joined else []
        for spot in path.spots:
            (x, y), radius = self.at(spot), 10.0 if spot.is_default else 5.0
            left, right, lower, upper = self.spans(spot)
            boxes.append((x - radius, y - radius, x + radius, y + radius))
            boxes += [(left, y - 2, right, y + 2), (x - 2, upper, x + 2, lower)]
        return boxes


def _scale(
    intervals: Sequence[Interval], others: Sequence[Interval], quantity: Quantity, start: float, end: float
) -> Scale:
    """Straight, or logarithmic for values of which most would stick together in one corner."""
    means = [interval.mean for interval in (*intervals, *others)]
    low, high = min(means), max(means)
    if low <= 0 or high / low < _WIDE_SPAN:
        return scale_of(intervals, quantity, start, end, also=means)
    high = max(high, *(edges(interval)[1] for interval in intervals))
    return Scale(low=low / 1.3, high=min(1.15 * high, quantity.most), start=start, end=end, logarithmic=True)


def _tick_names(scale: Scale, numbers: Sequence[float], quantity: Quantity) -> list[str]:
    if scale.logarithmic:
        return [f"{quantity.factor * number:g}" for number in numbers]
    return number_names(numbers, factor=quantity.factor)


def _names(paths: Sequence[Path], plane: _Plane, good: tuple[int, int], default: str) -> str:
    """Beside each spot its value, in the colour of its path; where paths meet in the default, its name once."""
    shared = sum(spot.is_default for path in paths for spot in path.spots) > 1
    wanted: list[tuple[float, float, str]] = []
    inks: list[str] = []
    for path in paths:
        for spot in path.spots:
            name = default if shared and spot.is_default else spot.name
            entry = (*plane.at(spot), name)
            if entry not in wanted:
                wanted.append(entry)
                inks.append("#1a1a1a" if name == default else colour_of(path.index))
    taken = [box for path in paths for box in plane.taken(path)]
    x, y = (_LEFT if good[0] < 0 else _RIGHT - _CORNER[0]), (_TOP if good[1] > 0 else _BOTTOM - _CORNER[1])
    taken.append((x, y, x + _CORNER[0], y + _CORNER[1]))
    placed = place_labels(wanted, taken, (_LEFT + 2, _TOP, _RIGHT + 8, _BOTTOM), size=11)
    return "".join(
        f'<g fill="{ink}">{letters(px, py, name, anchor, "on-path")}</g>'
        for (px, py, anchor, name), ink in zip(placed, inks, strict=True)
    )


def _legend(paths: Sequence[Path], y: float) -> tuple[str, float]:
    """The paths' signs and names in as many lines as they need, and where the last line stands."""
    drawn, start = [], 14.0
    for path in paths:
        length = 46 + letters_width(path.name, 12)
        if start > 14 and start + length > _WIDTH:
            start, y = 14.0, y + 18
        ink = colour_of(path.index)
        if path.joined:
            dash = DASHES[path.index % len(DASHES)]
            drawn.append(
                f'<path class="path" d="M{start:.1f} {y - 4:.1f}h26" stroke="{ink}" stroke-dasharray="{dash}"/>'
            )
        drawn.append(marker(path.index, start + 13, y - 4, ink))
        drawn.append(letters(start + 32, y, path.name))
        start += length
    return "".join(drawn), y


def _corner(good: tuple[int, int], word: str) -> str:
    """A word in the corner where both measures are good, and an arrow into it."""
    x = _RIGHT - 6 if good[0] > 0 else _LEFT + 6
    y = _TOP + 6 if good[1] > 0 else _BOTTOM - 6
    back_x, back_y = x - 13 * good[0], y + 13 * good[1]
    anchor, shift = ("end", -3) if good[0] > 0 else ("start", 3)
    arrow = (
        f'<path d="M{back_x} {back_y}L{x} {y}m{-7 * good[0]} 0h{7 * good[0]}v{7 * good[1]}" fill="none" '
        'stroke="#5f5f5f" stroke-width="1.4"/>'
    )
    return arrow + letters(back_x + shift, back_y + 4, word, anchor, "hint on-data")


def _level_rules(scale: Scale, quantity: Quantity) -> str:
    numbers = ticks(scale)
    return rules(scale, numbers, _tick_names(scale, numbers, quantity), _LEFT, _RIGHT)


def _upright_rules(scale: Scale, quantity: Quantity) -> str:
    """Upright lines at round numbers, with the numbers."""
    numbers = ticks(scale)
    marks = []
    drawn = [f'<path class="axis" d="M{scale.start} {_BOTTOM}V{_TOP}"/>']
    for number, name in zip(numbers, _tick_names(scale, numbers, quantity), strict=True):
        x = scale.at(number)
        if abs(x - scale.start) > 1:
            drawn.append(f'<path class="rule" d="M{x:.1f} {_BOTTOM}V{_TOP}"/>')
        marks.append((x, name))
    drawn += [letters(x, _BOTTOM + 16, name, "middle") for x, name in clear_names(marks)]
    return "".join(drawn)


def _data(spot: Spot) -> str:
    return (
        f'data-setting="{escape(spot.name)}" data-x="{spot.x.mean!r}" data-y="{spot.y.mean!r}" '
        f'data-default="{str(spot.is_default).lower()}"'
    )
