"""Rectangles of a figure, measured in inches, and pictures shown in them.

Every size is fixed before anything is drawn, so labels are placed by measuring them and no layout has to be solved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from yolosses.explain.pictures.captions import Captions, captions
from yolosses.explain.style import FAINT_INK, INK, text_font, text_width, use_font
from yolosses.explain.words import Language

Picture = NDArray[np.uint8]
Entries = list[tuple[Any, str]]
"""Lines of a legend: what is drawn, and what it means."""

TITLE_SIZE, NOTE_SIZE, LEGEND_SIZE = 11.0, 8.5, 8.0  # points
MARGIN = 0.2  # inches, like all below
HEADER = 0.5
LEGEND_LINE, LEGEND_GAP, LEGEND_HANDLE = 0.18, 0.1, 0.55
SIDE = 8.0  # the longer side of a picture that has a figure of its own
GREY_BOARD = 225


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A rectangle of ``figure`` in inches from its left top corner, with text in ``language``."""

    figure: Figure
    language: Language
    left: float
    top: float
    width: float
    height: float

    @property
    def captions(self) -> Captions:
        """The words for this language."""
        return captions(self.language)

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
        if text_width(text, size, self.family, bold=bold) <= self.width:
            return text
        while text and text_width(text + "…", size, self.family, bold=bold) > self.width:
            text = text[:-1]
        return text + "…"

    def above_legend(self, lines: int) -> Panel:
        """What remains for a picture above a legend of so many lines."""
        return self.part(0, 0, self.width, self.height - legend_height(lines))

    def legend_below(self, board: Board, entries: Entries) -> None:
        """The legend of a picture at the panel's left top, one line an entry."""
        lines = self.part(0, board.height + LEGEND_GAP, self.width, legend_height(len(entries)) - LEGEND_GAP)
        room = replace(lines, width=self.width - LEGEND_HANDLE)
        axes = lines.axes()
        axes.set_axis_off()
        axes.legend(
            [handle for handle, _ in entries], [room.shortened(text, LEGEND_SIZE) for _, text in entries],
            loc="upper left", frameon=False, fontsize=LEGEND_SIZE, handlelength=4.0, handletextpad=0.8,
            labelspacing=0.4, borderpad=0.0, borderaxespad=0.0, labelcolor=INK,
        )  # fmt: skip

    def finish(self) -> Figure:
        """The figure, when everything is drawn."""
        use_font(self.figure, self.language)
        return self.figure


def legend_height(lines: int) -> float:
    """Inches that a legend takes, with the gap above it."""
    return LEGEND_GAP + lines * LEGEND_LINE if lines else 0.0


def new_panel(width: float, height: float, language: Language) -> Panel:
    """A panel that fills a new figure, but for a margin around it."""
    text_font(language)  # says that a font is missing before anything is drawn
    figure = Figure(figsize=(width + 2 * MARGIN, height + 2 * MARGIN), dpi=150, facecolor="white")
    return Panel(figure=figure, language=language, left=MARGIN, top=MARGIN, width=width, height=height)


def framed(picture: Picture | None, grid: tuple[int, int], legend_lines: int, language: Language) -> Panel:
    """A panel in a new figure, just large enough for a header, a picture and its legend."""
    require_picture(picture)
    width, height = fitted(aspect_of(picture, grid), SIDE, SIDE)
    return new_panel(max(width, 0.7 * SIDE), HEADER + height + legend_height(legend_lines), language)


@dataclass(frozen=True, kw_only=True)
class Board:
    """A picture in axes whose coordinates are fractions of it, y downwards; its size in inches."""

    axes: Axes
    width: float
    height: float

    @property
    def inches(self) -> NDArray[np.float64]:
        """(2,) inches of one unit of x and of y."""
        return np.array([self.width, self.height])


def aspect_of(picture: Picture | None, grid: tuple[int, int]) -> float:
    """Height over width; without a picture the cells of ``grid`` (rows, columns) are taken for squares."""
    return grid[0] / grid[1] if picture is None else picture.shape[0] / picture.shape[1]


def fitted(aspect: float, width: float, height: float) -> tuple[float, float]:
    """The largest width and height of this aspect (height over width) within the given ones."""
    return (width, width * aspect) if width * aspect <= height else (height / aspect, height)


def show_picture(panel: Panel, picture: Picture | None, aspect: float, *, pale: bool = False) -> Board:
    """The picture as large as ``panel`` lets it be, at its left top; ``pale``: in light grey, to be drawn
    on."""
    width, height = fitted(aspect, panel.width, panel.height)
    axes = panel.part(0, 0, width, height).axes()
    shown = np.full((1, 1, 3), GREY_BOARD, np.uint8) if picture is None else picture
    if pale:
        shown = paled(shown)
    axes.imshow(shown, extent=(0, 1, 1, 0), aspect="auto", label="_picture")
    axes.set_xlim(0, 1)
    axes.set_ylim(1, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(FAINT_INK)
        spine.set_linewidth(0.6)
    return Board(axes=axes, width=width, height=height)


def paled(picture: Picture) -> Picture:
    """The picture in light greys."""
    grey = picture @ np.array([0.299, 0.587, 0.114])
    light = (255 - 0.4 * (255 - grey)).round().astype(np.uint8)
    return np.repeat(light[..., None], 3, axis=2)


def require_picture(picture: Picture | None, name: str = "picture") -> None:
    """Raise ``ValueError`` or ``TypeError`` unless it is ``(H, W, 3)`` uint8, or None."""
    if picture is None:
        return
    if not isinstance(picture, np.ndarray):
        raise TypeError(f"{name}: expected an array or None; got {type(picture).__name__}")
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape or picture.dtype != np.uint8:
        raise ValueError(f"{name}: expected (H, W, 3) uint8 or None; got {picture.shape} {picture.dtype}")
