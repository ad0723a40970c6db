"""Charts in svg whose words are text of the page: in the reader's own fonts, selectable, sharp in print.

A term has the same colour and the same pattern in every chart, so that prints without colour can be read as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from yolosses.apps.pages.page import Html
from yolosses.explain.style import PALETTE, ink_on

# Lines on the colour: none, rising, dots, falling, level, upright, a net.
_PATTERNS = (
    "",
    '<path d="M-2 2L2 -2M0 8L8 0M6 10L10 6" stroke="#fff" stroke-width="1.6"/>',
    '<circle cx="2" cy="2" r="1.2" fill="#fff"/><circle cx="6" cy="6" r="1.2" fill="#fff"/>',
    '<path d="M-2 6L2 10M0 0L8 8M6 -2L10 2" stroke="#fff" stroke-width="1.6"/>',
    '<path d="M0 2H8M0 6H8" stroke="#fff" stroke-width="1.2"/>',
    '<path d="M2 0V8M6 0V8" stroke="#fff" stroke-width="1.2"/>',
    '<path d="M0 4H8M4 0V8" stroke="#fff" stroke-width="1.2"/>',
)

Shares = Sequence[tuple[float, float]]


def patterns(count: int) -> str:
    """Definitions of the fills of ``count`` terms; needed once on a page with these charts."""
    definitions = "".join(
        f'<pattern id="fill-{i}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="{colour(i)}"/>{_PATTERNS[i % len(_PATTERNS)]}</pattern>'
        for i in range(count)
    )
    return f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>{definitions}</defs></svg>'


def colour(index: int) -> str:
    """Of the term with this index."""
    return PALETTE[index % len(PALETTE)]


def swatch(index: int) -> Html:
    """The fill of a term, to stand before its name."""
    return Html(
        '<svg class="swatch" width="14" height="14" aria-hidden="true">'
        f'<rect width="14" height="14" fill="url(#fill-{index})" stroke="{colour(index)}"/></svg>'
    )


def paired_bars(index: int, weighted: float, unweighted: float, longest: float, *, width: int = 260) -> Html:
    """A filled bar above a hollow, dashed one, both in proportion to ``longest``."""
    filled, hollow = (_length(value, longest, width) for value in (weighted, unweighted))
    return Html(
        f'<svg class="bar" width="{width}" height="26" viewBox="0 0 {width} 26" aria-hidden="true">'
        f'<rect x="0.5" y="1" width="{filled}" height="14" fill="url(#fill-{index})" stroke="{colour(index)}"/>'
        f'<rect class="hollow" x="0.5" y="17.5" width="{hollow}" height="6"/></svg>'
    )


def stacked_bar(parts: Sequence[float], longest: float, *, width: int = 260) -> Html:
    """One bar made of the terms, in their order, in proportion to ``longest``."""
    pieces, start = [], 0.5
    for index, part in enumerate(parts):
        length = _length(part, longest, width)
        if length > 0:
            pieces.append(
                f'<rect x="{start:.1f}" y="1" width="{length}" height="14" fill="url(#fill-{index})" '
                f'stroke="{colour(index)}"/>'
            )
        start += length
    return Html(
        f'<svg class="bar" width="{width}" height="16" viewBox="0 0 {width} 16" aria-hidden="true">'
        f"{''.join(pieces)}</svg>"
    )


def share_history(
    steps: Sequence[float],
    shares: Mapping[str, Sequence[float]],
    *,
    labels: Mapping[str, str],
    x_title: str,
    alt: str,
) -> Html:
    """Shares of the terms over the steps, stacked to 100 %; an area that is wide enough carries its label.

    Args:
        steps: at least two, ascending.
        shares: of each term at each step, 0 to 1.
        labels: short names of the terms.
    """
    left, top, width, height = 46, 8, 1060, 250
    span = (steps[-1] - steps[0]) or 1.0
    xs = [left + width * (step - steps[0]) / span for step in steps]
    floor = [0.0] * len(steps)
    areas, names = [], []
    for index, (name, values) in enumerate(shares.items()):
        ceiling = [low + value for low, value in zip(floor, values, strict=True)]
        ys, lows = ([top + height * (1 - v) for v in edge] for edge in (ceiling, floor))
        outline = [*zip(xs, ys, strict=True), *reversed(list(zip(xs, lows, strict=True)))]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        areas.append(
            f'<polygon data-term="{escape(name)}" points="{points}" fill="url(#fill-{index})" stroke="#fff"/>'
        )
        names.append(_area_name(labels[name], index, values, xs, ys, lows))
        floor = ceiling
    bottom = top + height
    ticks = "".join(
        f'<text x="{left - 8}" y="{bottom - height * share + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        f'<path class="axis" d="M{left - 5} {bottom - height * share:.1f}H{left}"/>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    marks = "".join(
        f'<text x="{left + width * part:.0f}" y="{bottom + 18}" text-anchor="{anchor}">'
        f"{steps[0] + part * (steps[-1] - steps[0]):,.0f}</text>"
        for part, anchor in ((0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1, "end"))
    )
    return Html(
        f'<svg class="chart" viewBox="0 0 {left + width + 4} {bottom + 42}" width="{left + width + 4}" '
        f'height="{bottom + 42}" role="img" aria-label="{escape(alt)}">{"".join(areas)}{"".join(names)}{ticks}{marks}'
        f'<text x="{left + width / 2:.0f}" y="{bottom + 37}" text-anchor="middle">{escape(x_title)}</text></svg>'
    )


def _area_name(
    label: str,
    index: int,
    values: Sequence[float],
    xs: Sequence[float],
    ys: Sequence[float],
    lows: Sequence[float],
) -> str:
    """Where the area is tallest, away from the frame."""
    margin = max(1, len(values) // 12)
    inner = range(margin, len(values) - margin) or range(len(values))
    at = max(inner, key=lambda i: values[i])
    if values[at] < 0.09:
        return ""
    y, half = (ys[at] + lows[at]) / 2, 4.2 * len(label) + 5
    return (
        f'<rect x="{xs[at] - half:.1f}" y="{y - 9:.1f}" width="{2 * half:.1f}" height="18" rx="3" '
        f'fill="{colour(index)}"/>'
        f'<text class="on" x="{xs[at]:.1f}" y="{y + 4.5:.1f}" text-anchor="middle" '
        f'style="fill:{ink_on(colour(index))}">{escape(label)}</text>'
    )


def _length(value: float, longest: float, width: int) -> float:
    """In pixels; what is not finite has none."""
    share = value / longest if longest > 0 else 0.0
    return round((width - 1) * share, 1) if 0 <= share <= 1 else 0.0
