"""Matplotlib figures as part of a page: text stays text, and the same figure gives the same bytes at any time."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Mapping

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from yolosses.apps.pages.picture_data import smaller
from yolosses.explain import placing
from yolosses.explain.style import FAINT_INK, INK, new_figure, plain_axes, text_font, text_width, use_font

FIGURE_DPI = 110  # of pictures within a figure; its lines and letters have none


def chart(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of a size in css pixels, with plain axes and no grid."""
    figure = new_figure(width / 96, height / 96)
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.04)
    return figure, _bare(figure.add_subplot())


def fixed_chart(
    width: float, height: float, *, left: float, right: float, top: float, bottom: float, title: str = ""
) -> tuple[Figure, Axes]:
    """The same with margins given in css pixels: many small charts take no time for their layout, and are aligned."""
    figure = new_figure(width / 96, height / 96)
    figure.set_layout_engine("none")
    across, down = width - left - right, height - top - bottom
    axes = _bare(figure.add_axes((left / width, bottom / height, across / width, down / height)))
    axes.tick_params(labelsize=9, labelcolor="#404040", pad=4)
    axes.yaxis.label.set_verticalalignment("center")
    axes.yaxis.set_label_coords((10 - left) / across, 0.5)
    if title:
        written(figure, title, 12, height - 15, 13, color=INK, fontweight="bold")
    return figure, axes


def _bare(axes: Axes) -> Axes:
    plain_axes(axes)
    axes.grid(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(size=9, color=FAINT_INK)
    return axes


def written(figure: Figure, text: str, x: float, y: float, size: float, **look: object) -> None:
    """A line of text: its start in css pixels from the lower left of the figure, its size in css pixels."""
    width, height = 96 * figure.get_size_inches()
    figure.text(x / width, y / height, text, fontsize=0.75 * size, **look)  # type: ignore[arg-type]


def shortened(text: str, width: float, size: float) -> str:
    """``text``, cut so that it is about ``width`` css pixels wide at most."""
    return placing.shortened(text, width, lambda cut: letters_width(cut, size))


def figure_svg(
    figure: Figure,
    *,
    alt: str,
    told: Mapping[str, str] | None = None,
    fills: Mapping[str, str] | None = None,
) -> Markup:
    """A figure as inline svg: its letters are text in the page's own fonts, its ids are its own, and nothing refers
    outside.

    Args:
        alt: what the figure shows, for those who cannot see it.
        told: what the pointer is told on a part of it, by the part's ``gid``.
        fills: patterns of the page, "fill-0" and so on, that parts are painted with, by their ``gid``, instead of the
            hatches of matplotlib, whose dots take 250 KB.
    """
    use_font(figure, "en")  # only to measure: a page needs no font of this computer
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "yolosses"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        if figure.get_layout_engine() is None:  # savefig would draw twice, for the layout
            FigureCanvasSVG(figure).print_svg(file, metadata=metadata)  # type: ignore[no-untyped-call]
        else:
            figure.savefig(file, format="svg", dpi=FIGURE_DPI, metadata=metadata)
    text = file.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<style.*?</style>\s*", "", text, flags=re.DOTALL)  # it would hold for the whole page
    text = re.sub(r"\s+xmlns(:\w+)?=\"[^\"]*\"", "", text)  # within html the parser knows them
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", text)
    text = text.replace("xlink:href=", "href=")
    # A thousandth of a pixel is enough; matplotlib writes six decimals.
    text = re.sub(r' (?:d|style)="[^"]+"', lambda drawn: re.sub(r"(\.\d\d\d)\d+", r"\1", drawn[0]), text)
    text = re.sub(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", lambda found: smaller(found[1]), text)
    for part, words in (told or {}).items():
        text = text.replace(f'<g id="{part}">', f'<g id="{part}"><title>{escape(words)}</title>')
    for part, fill in (fills or {}).items():
        text = re.sub(
            rf'(<g id="{part}">.*?fill: )[^;"]+', rf"\g<1>url(#{fill})", text, count=1, flags=re.DOTALL
        )
    if fills:
        text = re.sub(r"<defs>\s*(<pattern.*?</pattern>\s*)+</defs>\s*", "", text, flags=re.DOTALL)
    return Markup(_own_ids(_described(text, alt)))


def letters_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a line is on a page, in css pixels: the reader's fonts are not known here."""
    return 96 * text_width(text, 0.75 * size, text_font("en"), bold=bold)


def _own_ids(svg: str) -> str:
    """Give every id a prefix that depends on the content, so that figures on one page do not mix up theirs."""
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:10] + "-"
    svg = re.sub(r'(\sid=")', rf"\g<1>{prefix}", svg)
    svg = _numbered_repeats(svg)
    svg = re.sub(r'(\shref="#)', rf"\g<1>{prefix}", svg)
    return re.sub(r"(url\(#)(?!fill-)", rf"\g<1>{prefix}", svg)


def _numbered_repeats(svg: str) -> str:
    """Matplotlib gives the same id to two pictures that are alike; nothing refers to the second."""
    seen: set[str] = set()

    def number(found: re.Match[str]) -> str:
        name = found[1]
        while name in seen:
            name += "-"
        seen.add(name)
        return f' id="{name}"'

    return re.sub(r'\sid="([^"]*)"', number, svg)


def _described(svg: str, alt: str) -> str:
    """Sizes in css pixels instead of points, and a description."""
    end = svg.index(">")
    opening = re.sub(
        r'\b(width|height)="([\d.]+)pt"', lambda side: f'{side[1]}="{float(side[2]) * 4 / 3:.0f}"', svg[:end]
    )
    return f'{opening} role="img" aria-label="{escape(alt)}"{svg[end:]}'
