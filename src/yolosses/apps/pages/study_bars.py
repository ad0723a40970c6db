"""Stacked bars of a study: what errors consist of, and which parameter accounts for what.

Bars grow with the page while their letters keep their size: places along a bar are percentages, not pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from yolosses.apps.pages.page import Html
from yolosses.apps.pages.study_scales import Scale, text_width, tick_names, ticks
from yolosses.apps.pages.term_marks import colour, swatch
from yolosses.explain.style import ink_on

STYLE = """
.stack { width: 100%; table-layout: fixed; margin: .2rem 0 .9rem; font-size: .88rem; }
.stack th, .stack td { border: 0; padding: .12rem .3rem; font-weight: 400; }
.stack th { text-align: right; overflow-wrap: anywhere; line-height: 1.2; }
.stack tr.default th { font-weight: 700; }
.stack tr.apart th, .stack tr.apart td { padding-top: .6rem; }
.strip { display: block; width: 100%; height: 22px; overflow: visible; }
.strip text { font: 600 11px system-ui, "Noto Sans TC", "Noto Sans CJK TC", sans-serif; }
.strip.ticks { height: 17px; }
.strip.ticks text { font-weight: 400; fill: #5f5f5f; }
.strip.ticks path, .strip.ticks line { stroke: #5f5f5f; }
@media screen and (max-width: 500px) { .stack col:first-child { width: 36% !important; }
  .strip .tight { display: none; } }
@media print { .stack { break-inside: avoid; } }
.keys { margin: .2rem 0 .5rem; max-width: none; font-size: .88rem; }
.keys span { display: inline-block; margin-right: 1.1em; }
.swatch.pale rect { fill: #eceff1; stroke: #9aa0a6; }
"""

PALE = -1  # fill of what is no error
_PALE_COLOUR = "#eceff1"
_NAME_SIZE = 14.0  # pixels: letters of a bar's name
_LEAST_NAMES, _NAMES = 64.0, 200.0  # pixels: width of the names, at least and at most
_NARROW, _TIGHT = 0.085, 0.17  # of the bar: parts below carry no number, anywhere or on a narrow screen


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a bar.

    Attributes:
        key: in ``data-part``. value: its length. told: for the pointer. shown: on it, if there is room.
        fill: index of the pattern, or `PALE`.
    """

    key: str
    value: float
    told: str
    shown: str
    fill: int


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row. ``kind``: "default" is set in bold, "apart" stands off from the others. ``note``: instead of parts."""

    name: str
    parts: Sequence[Part]
    kind: str = ""
    note: str = ""


def stacked_bars(bars: Sequence[Bar], *, longest: float, factor: float = 1.0, unit: str = "") -> Html:
    """A bar a row, all on one scale.

    Args:
        longest: value of the whole width.
        factor, unit: of the numbers below the bars.
    """
    rows = []
    for bar in bars:
        kind = f' class="{bar.kind}"' if bar.kind else ""
        rows.append(
            f'<tr{kind} data-bar="{escape(bar.name)}"><th scope="row">{escape(bar.name)}</th>'
            f"<td>{_strip(bar, longest) if bar.parts else escape(bar.note)}</td></tr>"
        )
    if longest > 0:
        rows.append(f"<tr><th></th><td>{_tick_row(longest, factor, unit)}</td></tr>")
    longest_name = max((text_width(bar.name, _NAME_SIZE) for bar in bars), default=0.0)
    names = min(max(20 + longest_name, _LEAST_NAMES), _NAMES)
    return Html(
        f'<table class="stack"><colgroup><col style="width:{names:.0f}px"><col></colgroup>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _strip(bar: Bar, longest: float) -> str:
    alt = ", ".join(part.told for part in bar.parts)
    return (
        f'<svg class="strip" height="22" role="img" aria-label="{escape(alt)}">{_pieces(bar, longest)}</svg>'
    )


def keys(names: Mapping[str, str], fills: Mapping[str, int]) -> Html:
    """What the fills mean, in the order of the pieces."""
    entries = "".join(
        f"<span>{pale_swatch() if fills[key] == PALE else swatch(fills[key])}{escape(name)}</span>"
        for key in fills
        for name in (names[key],)
    )
    return Html(f'<p class="keys">{entries}</p>')


def pale_swatch() -> Html:
    """The fill of what is no error, to stand before its name."""
    return Html(
        '<svg class="swatch pale" width="14" height="14" aria-hidden="true">'
        '<rect x=".5" y=".5" width="13" height="13"/></svg>'
    )


def _pieces(bar: Bar, longest: float) -> str:
    drawn, start = [], 0.0
    for part in bar.parts:
        share = part.value / longest if longest > 0 else 0.0
        solid = _PALE_COLOUR if part.fill == PALE else colour(part.fill)
        fill = solid if part.fill == PALE else f"url(#fill-{part.fill})"
        edge = "#9aa0a6" if part.fill == PALE else "#fff"
        piece = (
            f'<rect x="{100 * start:.2f}%" y="1" width="{100 * share:.2f}%" height="20" fill="{fill}" '
            f'stroke="{edge}" stroke-width="0.8"/>'
        )
        if share >= _NARROW:
            middle = 100 * (start + share / 2)
            tight = ' class="tight"' if share < _TIGHT else ""
            piece += (
                f'<text{tight} x="{middle:.2f}%" y="15.5" text-anchor="middle" style="fill:{ink_on(solid)};'
                f'stroke:{solid};stroke-width:5;paint-order:stroke">{escape(part.shown)}</text>'
            )
        drawn.append(
            f'<g data-part="{escape(part.key)}" data-value="{part.value!r}"><title>{escape(part.told)}</title>'
            f"{piece}</g>"
        )
        start += share
    return "".join(drawn)


def _tick_row(longest: float, factor: float, unit: str) -> str:
    numbers = ticks(Scale(low=0.0, high=longest, start=0, end=100), most=4)
    drawn = ['<line x1="0" y1="0.5" x2="100%" y2="0.5"/>']
    for place, (number, name) in enumerate(zip(numbers, tick_names(numbers, factor=factor), strict=True)):
        share = 100 * number / longest
        tight = ' class="tight"' if place % 2 else ""
        anchor = "start" if share < 4 else "end" if share > 92 else "middle"
        drawn.append(
            f'<line x1="{share:.2f}%" y1="0" x2="{share:.2f}%" y2="4"/>'
            f'<text{tight} x="{share:.2f}%" y="15" text-anchor="{anchor}">{name}{unit}</text>'
        )
    return f'<svg class="strip ticks" height="17" aria-hidden="true">{"".join(drawn)}</svg>'
