"""The look that all pictures share: readable for the colour-blind, in black and white, and in Chinese."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from yolosses.language import Language, require_language

# Okabe and Ito's palette, without its yellow (too light for lines) and its black (kept for totals and text).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = PALETTE
INK = "#1A1A1A"
FAINT_INK = "#5F5F5F"
GRID = "#E3E3E3"

LineStyle = str | tuple[int, tuple[float, ...]]

# A second and a third sign beside colour, for print without it. Six, five and seven: two lines share all three
# signs only 210 lines apart.
LINE_STYLES: tuple[LineStyle, ...] = (
    "-", (0, (5, 1.5)), (0, (6, 1.5, 1.2, 1.5)), (0, (1.4, 1.2)), (0, (9, 2)),
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "////", "....", "xxxx", "----", "\\\\\\\\", "++++")  # what markers are to lines, for areas

LATIN_FONT = "DejaVu Sans"  # comes with matplotlib
# Fonts with the characters of Taiwan, those with its shapes of them first.
CHINESE_FONTS = (
    "Noto Sans CJK TC",
    "Noto Sans TC",
    "Source Han Sans TW",
    "Source Han Sans TC",
    "PingFang TC",
    "Microsoft JhengHei",
    "Heiti TC",
    "Noto Sans CJK HK",
    "Noto Sans CJK JP",  # all that matplotlib before 3.11 sees of Debian's fonts-noto-cjk
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
)


def text_font(language: Language) -> list[str]:
    """Font families for text in ``language``, to be given to matplotlib as they are: each character is drawn
    with the first that has it.

    Text in other languages may hold Chinese (names of classes and files), so a Chinese font stands second there, if
    there is one.

    Raises:
        ValueError: an unknown language, or Chinese without a Chinese font on this computer.
    """
    require_language(language)
    chinese = _chinese_font()
    if not language.startswith("zh"):
        return [LATIN_FONT] if chinese is None else [LATIN_FONT, chinese]
    if chinese is None:
        raise ValueError(
            f"language: expected a font with Chinese characters for {language!r}; found none on this computer "
            "(on Debian and Ubuntu: apt install fonts-noto-cjk)"
        )
    return [chinese, LATIN_FONT]


def _chinese_font() -> str | None:
    return _first_chinese_font() or _look_again()


def _first_chinese_font() -> str | None:
    known = {font.name for font in fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in known), None)


@cache
def _look_again() -> str | None:
    """matplotlib remembers the fonts it once found; those installed since then are added here, in memory."""
    known = {str(font.fname) for font in fontManager.ttflist}
    stems = tuple(name.replace(" ", "").lower() for name in ("Noto Sans CJK", *CHINESE_FONTS))
    for path in sorted(findSystemFonts()):
        if path not in known and Path(path).stem.replace("_", "").lower().startswith(stems):
            fontManager.addfont(path)
    return _first_chinese_font()


def use_font(figure: Figure, language: Language) -> None:
    """Draw all text of ``figure`` with `text_font`, letter by letter: a ``$`` in a file's name begins no formula."""
    family = text_font(language)
    for axes in figure.axes:
        axes.tick_params(which="both", labelfontfamily=family)  # for ticks that do not exist yet
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_fontfamily(family)
        text.set_parse_math(False)


def text_width(text: str, size: float, family: Sequence[str], *, bold: bool = False) -> float:
    """Width in inches of one line of text of ``size`` points. A letter that no font here has is as wide as the sign in
    its place."""
    font = FontProperties(family=list(family), size=size, weight="bold" if bold else "normal")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        width: float = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    return width / 72


def colour_of(index: int) -> str:
    """Of the term, setting or class with this index, in every picture and chart."""
    return PALETTE[index % len(PALETTE)]


def line_signs(index: int, *, size: float = 5.5) -> dict[str, Any]:
    """How the line with this index is drawn: colour, dashes, and markers of so many points."""
    return {
        "color": colour_of(index), "linestyle": LINE_STYLES[index % len(LINE_STYLES)],
        "marker": MARKERS[index % len(MARKERS)], "markersize": size,
        "markeredgecolor": "white", "markeredgewidth": 0.7,
    }  # fmt: skip


def area_signs(index: int) -> dict[str, Any]:
    """How the area with this index is drawn: colour and hatch."""
    return {"facecolor": colour_of(index), "hatch": HATCHES[index % len(HATCHES)], "edgecolor": "white"}


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour ``#RRGGBB`` (the higher WCAG contrast)."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#FFFFFF"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches, drawn by Agg when it is saved."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
    return Figure(figsize=(width, height), dpi=150, facecolor="white", layout=layout)


def plain_axes(axes: Axes) -> None:
    """Take away what says nothing: frame, heavy grid, heavy ticks."""
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=FAINT_INK, linewidth=0.8)
    axes.tick_params(which="both", colors=FAINT_INK, labelsize=8.5, width=0.8)
    axes.grid(True, which="major", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
