"""One self-contained html page: no request, no script, the same bytes for the same content, fit to be printed."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from yolosses.language import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTENTS: dict[Language, str] = {"en": "Contents", "zh-TW": "目錄"}
FIGURE_DPI = 110  # of pictures within a figure; its lines and letters are paths
JPEG_QUALITY = 85
_SMALL_PNG = 8192  # bytes of base64: below it a png stays as it is
_NUMBER = re.compile(r"–?|[-+]?[\d.,]+(e[-+]?\d+)?( %)?")

# `default-src 'none'` makes the browser itself refuse whatever would leave the file.
_HEAD = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}
</style>
</head>
"""

_STYLE = """
:root { color-scheme: light; --ink: #1a1a1a; --faint: #5f5f5f; --line: #d9d9d9; --tint: #f5f6f7; --accent: #0072b2; }
* { box-sizing: border-box; }
html { background: #fff; color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", Arial,
  "Noto Sans TC", "Noto Sans CJK TC", "PingFang TC", "Microsoft JhengHei", sans-serif; }
body { max-width: 1180px; margin: 0 auto; padding: 20px 28px 60px; }
h1 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .35rem; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .7rem; padding-top: 1.1rem; border-top: 2px solid var(--ink); }
h3 { font-size: 1.02rem; margin: 1.3rem 0 .5rem; }
section { margin-top: 2.2rem; }
p { margin: .4rem 0 .7rem; max-width: 82ch; }
a { color: var(--accent); }
.faint { color: var(--faint); font-size: .9rem; }
.contents { font-size: .9rem; margin: 0 0 1rem; }
.contents a { margin-right: 1.2em; white-space: nowrap; text-decoration: none; border-bottom: 1px solid var(--line); }
figure { margin: 1rem 0; }
figcaption { color: var(--faint); font-size: .9rem; margin-top: .3rem; }
svg, img { max-width: 100%; height: auto; vertical-align: middle; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .4rem 0 1rem; }
th, td { padding: .3rem .7rem; text-align: left; vertical-align: middle; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 1.5px solid var(--ink); font-size: .86rem; font-weight: 600; vertical-align: bottom; }
td.number, th.number { text-align: right; white-space: nowrap; }
code { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; font-size: .92em; overflow-wrap: anywhere; }
@page { size: A4; margin: 13mm; }
@media print {
  html { font-size: 10.5px; }
  body { max-width: none; padding: 0; }
  a { color: inherit; text-decoration: none; }
  .contents { display: none; }
  h2, h3 { break-after: avoid; }
  figure, tr, .whole { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
}
"""


class Html(str):
    """Text that is html already and is not escaped again."""

    __slots__ = ()


Cell = str | int | float | Html


@dataclass(frozen=True)
class Section:
    """A part of a page: ``title`` is plain text, ``body`` html."""

    title: str
    body: str


def page(title: str, sections: Sequence[Section], *, language: Language, lead: str, style: str = "") -> str:
    """A whole html page.

    Args:
        title: plain text, also the title of the window.
        sections: what follows the lead; each is reachable from a line of contents at the top.
        language: of the text, for the browser's fonts, hyphens and voice.
        lead: html between the title and the sections: what a person should see first.
        style: css of this page alone.
    """
    contents = " ".join(
        f'<a href="#section-{number}">{escape(section.title)}</a>'
        for number, section in enumerate(sections, 1)
    )
    parts = [
        _HEAD.format(language=language, title=escape(title), style=_STYLE.strip() + "\n" + style.strip()),
        f"<body>\n<header>\n<h1>{escape(title)}</h1>\n{lead}\n</header>\n<main>\n",
        f'<nav class="contents" aria-label="{CONTENTS[language]}">{contents}</nav>\n' if sections else "",
    ]
    parts += [
        f'<section id="section-{number}">\n<h2>{escape(section.title)}</h2>\n{section.body}\n</section>\n'
        for number, section in enumerate(sections, 1)
    ]
    return "".join(parts) + "</main>\n</body>\n</html>\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, caption: str = "") -> str:
    """A table. Columns of numbers stand right-aligned: int, float, and texts such as "12.3 %" or "–".

    Cells are escaped unless they are ``Html``. A float is shown with four significant digits.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"rows[{number}]: expected {len(columns)} cells, one a column; got {len(row)}")
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    kinds = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{kind}>{_cell(name)}</th>' for kind, name in zip(kinds, columns, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{kind}>{_cell(value)}</td>" for kind, value in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{above}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) or _NUMBER.fullmatch(value) is not None


def _cell(value: Cell) -> str:
    if isinstance(value, Html):
        return value
    if isinstance(value, str):
        return escape(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def picture_data(
    picture: NDArray[np.uint8], *, max_side: int | None = None, quality: int = JPEG_QUALITY
) -> str:
    """A picture (H, W, 3) uint8 RGB as ``data:`` URI (jpeg), reduced until its longer side is at most ``max_side``
    pixels.

    Raises:
        ValueError: it is not such a picture.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"picture: expected (H, W, 3) uint8; got {picture.shape} {picture.dtype}")
    image = Image.fromarray(picture)
    if max_side is not None:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return _jpeg(image, quality)


def figure_svg(figure: Figure, *, alt: str) -> str:
    """A matplotlib figure as inline svg: letters are paths, ids are the figure's own, nothing refers outside, and the
    same figure gives the same text at any time.

    Args:
        alt: what the figure shows, for those who cannot see it.
    """
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "yolosses"}):
        figure.savefig(
            file, format="svg", dpi=FIGURE_DPI, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = file.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+xmlns(:\w+)?=\"[^\"]*\"", "", text)  # within html the parser knows them
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", lambda found: _smaller(found[1]), text)
    return _described(_own_ids(text), alt)


def _own_ids(svg: str) -> str:
    """Give every id a prefix that depends on the content, so that figures on one page do not mix up theirs."""
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:10] + "-"
    svg = re.sub(r'(\sid=")', rf"\g<1>{prefix}", svg)
    svg = _numbered_repeats(svg)
    svg = re.sub(r'(\shref="#)', rf"\g<1>{prefix}", svg)
    return re.sub(r"(url\(#)", rf"\g<1>{prefix}", svg)


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
    opening = re.sub(r'\b(width|height)="([\d.]+)pt"', _in_pixels, svg[:end])
    return f'{opening} role="img" aria-label="{escape(alt)}"{svg[end:]}'


def _in_pixels(points: re.Match[str]) -> str:
    return f'{points[1]}="{float(points[2]) * 4 / 3:.0f}"'


def _smaller(encoded: str) -> str:
    """A photograph as jpeg where that is shorter; what has transparency stays png."""
    encoded = "".join(encoded.split())
    as_png = f"data:image/png;base64,{encoded}"
    if len(encoded) < _SMALL_PNG:
        return as_png
    image: Image.Image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    if image.mode not in ("RGB", "L"):
        if image.convert("RGBA").getchannel("A").getextrema()[0] != 255:
            return as_png
        image = image.convert("RGB")
    return min(as_png, _jpeg(image, JPEG_QUALITY), key=len)


def _jpeg(image: Image.Image, quality: int) -> str:
    file = io.BytesIO()
    image.save(file, "jpeg", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
