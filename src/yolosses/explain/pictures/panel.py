"""Rectangles of a figure, measured in inches.

Every size is fixed before anything is drawn, so labels are placed by measuring them and no layout has to be solved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from yolosses.explain.placing import shortened
from yolosses.explain.style import FAINT_INK, INK, plain_axes, text_font, text_width, use_font
from yolosses.language import Language, catalogue

Entries = list[tuple[Any, str]]
"""Lines of a legend: what is drawn, and what it means."""

TITLE_SIZE, NOTE_SIZE, LEGEND_SIZE = 11.0, 8.5, 8.0  # points
MARGIN = 0.2  # inches, like all below
HEADER = 0.58
PAGE_TITLE, PAGE_TITLE_SIZE = 0.42, 14.0
LEGEND_LINE, LEGEND_GAP, LEGEND_HANDLE = 0.168, 0.2, 0.55
TICKS = FuncFormatter(lambda value, _: f"{value:g}")  # 0.01, not 10^-2


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A rectangle of ``figure`` in inches from its left top corner, with text in ``language``."""

    figure: Figure
    language: Language
    left: float
    top: float
    width: float
    height: float

    def gettext(self, message: str) -> str:
        """A message in this language."""
        return catalogue(self.language).gettext(message)

    @property
    def family(self) -> list[str]:
        """The fonts for this language."""
        return text_font(self.language)

    def part(self, left: float, top: float, width: float, height: float) -> Panel:
        """A rectangle within this one, from its left top corner."""
        return replace(self, left=self.left + left, top=self.top + top, width=width, height=height)

    def axes(self) -> Axes:
        """Axes that fill the panel."""
        across, down = self.figure.get_size_inches()
        bottom = down - self.top - self.height
        return self.figure.add_axes(
            (self.left / across, bottom / down, self.width / across, self.height / down)
        )

    def header(self, title: str, note: str) -> Panel:
        """Write a title and a note below it, cut where the panel ends; returns the panel that remains."""
        self.write(0, 0, self.shortened(title, TITLE_SIZE, bold=True), size=TITLE_SIZE, weight="bold")
        self.write(0, 0.23, self.shortened(note, NOTE_SIZE), size=NOTE_SIZE, color=FAINT_INK)
        return self.part(0, HEADER, self.width, self.height - HEADER)

    def write(self, left: float, top: float, text: str, *, size: float, **style: Any) -> None:
        """Text with its left top corner at this place of the panel."""
        across, down = self.figure.get_size_inches()
        style = {"color": INK, "ha": "left", "va": "top"} | style
        self.figure.text(
            (self.left + left) / across, 1 - (self.top + top) / down, text, fontsize=size, **style
        )

    def shortened(self, text: str, size: float, *, bold: bool = False) -> str:
        """``text``, or as much of it as the panel is wide, with an ellipsis."""
        return shortened(text, self.width, lambda cut: text_width(cut, size, self.family, bold=bold))

    def with_name(self, text: Callable[..., str], name: str, size: float, *, bold: bool = False) -> str:
        """``text(name=name)``, the name cut where all would be wider than the panel: numbers are not to be lost."""
        rest = text_width(text(name=""), size, self.family, bold=bold)
        return text(name=replace(self, width=self.width - rest).shortened(name, size, bold=bold))

    def above_legend(self, lines: int) -> Panel:
        """What remains for a picture above a legend of so many lines."""
        return self.part(0, 0, self.width, self.height - legend_height(lines))

    def legend_below(self, top: float, entries: Entries) -> None:
        """The legend of a picture that ends ``top`` inches down the panel, one line an entry."""
        lines = self.part(0, top + LEGEND_GAP, self.width, legend_height(len(entries)) - LEGEND_GAP)
        room = replace(lines, width=self.width - LEGEND_HANDLE)
        lines._legend(
            [(handle, room.shortened(text, LEGEND_SIZE)) for handle, text in entries],
            handlelength=4.0, handletextpad=0.8, labelspacing=0.4, labelcolor=INK,
        )  # fmt: skip

    def legend_row(self, entries: Entries, **style: Any) -> None:
        """A legend in one line at the top."""
        self._legend(entries, ncols=len(entries), **style)

    def _legend(self, entries: Entries, **style: Any) -> None:
        axes = self.axes()
        axes.set_axis_off()
        handles, texts = zip(*entries, strict=True)
        style = {"frameon": False, "fontsize": LEGEND_SIZE, "borderpad": 0.0, "borderaxespad": 0.0} | style
        axes.legend(handles, texts, loc="upper left", **style)

    def finish(self) -> Figure:
        """The figure, when everything is drawn."""
        use_font(self.figure, self.language)
        return self.figure


def bar_axes(panel: Panel, label: str, *, ticks: int) -> Axes:
    """Axes for bars to the right, with about so many numbers and a name below them."""
    axes = panel.axes()
    plain_axes(axes)
    axes.grid(False, axis="y")
    axes.xaxis.set(major_locator=MaxNLocator(ticks), major_formatter=TICKS)
    axes.set_xlabel(label, fontsize=8.5, color=FAINT_INK)
    return axes


def beside_bar(axes: Axes, length: float, place: float, text: str, *, gap: float, **style: Any) -> None:
    """A text right of the end of a bar, ``gap`` points from it."""
    style = {"color": INK, "va": "center_baseline"} | style
    axes.annotate(text, (length, place), xytext=(gap, 0), textcoords="offset points", **style)


def legend_height(lines: int) -> float:
    """Inches that a legend takes, with the gap above it."""
    return LEGEND_GAP + lines * LEGEND_LINE if lines else 0.0


def new_panel(width: float, height: float, language: Language, *, margin: float = MARGIN) -> Panel:
    """A panel that fills a new figure, but for a margin around it."""
    text_font(language)  # says that a font is missing before anything is drawn
    figure = Figure(figsize=(width + 2 * margin, height + 2 * margin), dpi=150, facecolor="white")
    return Panel(figure=figure, language=language, left=margin, top=margin, width=width, height=height)


def titled_panel(title: str, width: float, height: float, language: Language) -> Panel:
    """A panel of this size below a title, in a new figure."""
    page = new_panel(width, PAGE_TITLE + height, language)
    page.write(0, 0, page.shortened(title, PAGE_TITLE_SIZE, bold=True), size=PAGE_TITLE_SIZE, weight="bold")
    return page.part(0, PAGE_TITLE, width, height)
