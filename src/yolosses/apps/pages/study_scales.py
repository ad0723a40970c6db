"""Scales, signs and letters that the charts of a study share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from yolosses.apps.pages.page import Html
from yolosses.studies.ablation.findings import is_ordered
from yolosses.studies.ablation.structures import Level

# Of lines, beside colour and marker: whole, dashed, dotted, dashed and dotted, long.
DASHES = ("", "7 3", "2 3", "8 3 2 3", "13 3")

_WIDE_SPAN = 5.0  # highest over lowest value of a parameter from which a logarithmic line is drawn
_CLOSEST = 0.07  # of the whole line: values of a parameter that are closer stand in equal steps instead
_ROOM = 0.07  # of the span, above and below
_LETTER, _IDEOGRAPH = 0.56, 1.0  # widths, as parts of the size of the font
_FIRST_IDEOGRAPH = "\u2e80"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Where values lie along a line of pixels: ``low`` at ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Pixel of ``value``; values outside lie beyond the ends."""
        low, high, here = (
            math.log(number) if self.logarithmic else number for number in (self.low, self.high, value)
        )
        return self.start + (self.end - self.start) * (here - low) / (high - low)


def value_scale(values: Iterable[float], start: float, end: float, *, most: float = math.inf) -> Scale:
    """A straight one with room around ``values``. It begins at 0 where they come near it, and ends at ``most`` at most.

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
    bottom = 0.0 if near_zero else low - _ROOM * span
    top = max(min(high + _ROOM * span, most), high)
    return Scale(low=bottom, high=top, start=start, end=end)


def ticks(scale: Scale, *, most: int = 6) -> list[float]:
    """Round numbers within a scale, at most about ``most``."""
    if scale.logarithmic:
        return _logarithmic_ticks(scale, most)
    rough = (scale.high - scale.low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(scale.low / step - 1e-6), math.floor(scale.high / step + 1e-6)
    return [number * step for number in range(first, last + 1)]


def _logarithmic_ticks(scale: Scale, most: int) -> list[float]:
    powers = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [
            factor * 10.0**power
            for power in powers
            for factor in factors
            if scale.low * (1 - 1e-9) <= factor * 10.0**power <= scale.high * (1 + 1e-9)
        ]
        if len(found) <= most:
            break
    return found if len(found) > 1 else [scale.low, scale.high]


def tick_names(numbers: Sequence[float], *, factor: float = 1.0) -> list[str]:
    """``numbers`` times ``factor``, all with as many decimals as their distance needs."""
    if len(numbers) < 2:
        return [f"{factor * number:.4g}" for number in numbers]
    step = factor * (numbers[1] - numbers[0])
    decimals = next((d for d in range(6) if abs(round(step, d) - step) < 1e-6 * step), 6)
    return [f"{factor * number + 0.0:.{decimals}f}" for number in numbers]


def level_scale(levels: Sequence[Level], start: float, end: float) -> Scale | None:
    """For the values of a parameter that were measured: logarithmic if they span much, straight if not.

    None for words, for a single value, and where two values would stand too close: they are to stand in equal steps.
    """
    numbers = [float(level) for level in levels] if is_ordered(levels) else []
    if len(set(numbers)) < 2:
        return None
    low, high = min(numbers), max(numbers)
    scale = Scale(low=low, high=high, start=start, end=end, logarithmic=low > 0 and high / low >= _WIDE_SPAN)
    places = sorted(scale.at(number) for number in numbers)
    gaps = [right - left for left, right in pairwise(places)]
    return scale if min(gaps) >= _CLOSEST * (end - start) else None


def level_places(levels: Sequence[Level], start: float, end: float) -> list[float]:
    """Pixel of each value of a parameter: on its scale, or in equal steps."""
    scale = level_scale(levels, start, end)
    if scale is not None:
        return [scale.at(float(level)) for level in levels]
    if len(levels) == 1:
        return [(start + end) / 2]
    return [start + (end - start) * i / (len(levels) - 1) for i in range(len(levels))]


def text_width(words: str, size: float = 12) -> float:
    """About how wide a line is, in pixels: the reader's fonts are not known here."""
    return size * sum(_IDEOGRAPH if letter >= _FIRST_IDEOGRAPH else _LETTER for letter in words)


def shortened(words: str, width: float, size: float = 12) -> str:
    """``words``, cut so that they are about ``width`` pixels wide at most."""
    if text_width(words, size) <= width:
        return words
    kept = words
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept + "…"


def letters(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    kind: str = "",
    *,
    turned: bool = False,
    told: str = "",
) -> str:
    """A line of text; ``turned``: upwards, around the point; ``told``: for the pointer."""
    named = f' class="{kind}"' if kind else ""
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    hover = f"<title>{escape(told)}</title>" if told else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turn}>{hover}{escape(words)}</text>'


def marker(shape: int, x: float, y: float, fill: str, *, radius: float = 4.2, hollow: bool = False) -> str:
    """One of seven signs: circle, square, triangle, diamond, triangle downwards, cross, plus."""
    r = radius
    outlines = (
        f"M{-r:g} 0a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0z",
        f"M{-0.88 * r:.2f} {-0.88 * r:.2f}h{1.76 * r:.2f}v{1.76 * r:.2f}h{-1.76 * r:.2f}z",
        f"M0 {-1.2 * r:.2f}L{1.1 * r:.2f} {0.85 * r:.2f}H{-1.1 * r:.2f}z",
        f"M0 {-1.25 * r:.2f}L{1.25 * r:.2f} 0L0 {1.25 * r:.2f}L{-1.25 * r:.2f} 0z",
        f"M0 {1.2 * r:.2f}L{1.1 * r:.2f} {-0.85 * r:.2f}H{-1.1 * r:.2f}z",
        f"M{-r:g} {-r:g}L{r:g} {r:g}M{-r:g} {r:g}L{r:g} {-r:g}",
        f"M{-1.2 * r:.2f} 0H{1.2 * r:.2f}M0 {-1.2 * r:.2f}V{1.2 * r:.2f}",
    )
    which = shape % len(outlines)
    inside, edge, width = ("#fff", fill, 1.8) if hollow or which >= 5 else (fill, "#fff", 1.0)
    if which >= 5:
        width = 2.4
    return (
        f'<path d="{outlines[which]}" transform="translate({x:.1f} {y:.1f})" fill="{inside}" stroke="{edge}" '
        f'stroke-width="{width}"/>'
    )


def star(x: float, y: float, fill: str, *, radius: float = 5.5) -> str:
    """Five points: the sign of the best."""
    corners = [(radius * (1 if i % 2 == 0 else 0.42), math.pi * (i / 5 - 0.5)) for i in range(10)]
    points = " ".join(f"{x + r * math.cos(a):.1f},{y + r * math.sin(a):.1f}" for r, a in corners)
    return f'<polygon class="star" points="{points}" fill="{fill}"/>'


def chart(width: float, height: float, drawn: str, *, alt: str, data: str = "") -> Html:
    """The svg around what was drawn. ``data``: further attributes, already html."""
    return Html(
        f'<svg class="chart" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="{escape(alt)}"{" " + data if data else ""}>{drawn}</svg>'
    )


def without_overlaps(names: Sequence[tuple[float, str]], size: float = 12) -> list[tuple[float, str]]:
    """Names centred on pixels of a line, less those that would run into one before them; the last one stays."""
    kept: list[tuple[float, str]] = []

    def clear(left: tuple[float, str], right: tuple[float, str]) -> bool:
        needed = (text_width(left[1], size) + text_width(right[1], size)) / 2 + 4
        return abs(right[0] - left[0]) >= needed

    for entry in names:
        if not kept or clear(kept[-1], entry):
            kept.append(entry)
        elif entry is names[-1] and len(kept) > 1:
            kept[-1] = entry
            if not clear(kept[-2], entry):
                del kept[-2]
    return kept
