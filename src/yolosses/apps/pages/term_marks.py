"""Charts in svg whose words are text of the page: in the reader's own fonts, selectable, sharp in print.

A term has the same colour and the same pattern in every chart, so that prints without colour can be read as well.
"""

from __future__ import annotations

from yolosses.apps.pages.page import Html
from yolosses.explain.style import PALETTE

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
