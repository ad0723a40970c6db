"""Scales, signs and letters that the charts of a study share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from yolosses.apps.pages.charts.axis import round_numbers, round_powers, without_overlaps

# Of lines, beside colour and marker: whole, dashed, dotted, dashed and dotted, long.
DASHES = ("", "7 3", "2 3", "8 3 2 3", "13 3")


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


def chart(width: float, height: float, drawn: str, *, alt: str, data: str = "") -> Markup:
    """The svg around what was drawn. ``data``: further attributes, already html."""
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="{escape(alt)}"{" " + data if data else ""}>{drawn}</svg>'
    )


def ticks(scale: Scale, *, most: int = 6) -> list[float]:
    """Round numbers within a scale, at most about ``most``."""
    return (round_powers if scale.logarithmic else round_numbers)(scale.low, scale.high, most=most)


def clear_names(names: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Names centred on pixels of a line, less those that would run into one before them."""
    kept = without_overlaps([place for place, _ in names], [name for _, name in names], 1.0)
    return [(place, name) for (place, _), name in zip(names, kept, strict=True) if name]
