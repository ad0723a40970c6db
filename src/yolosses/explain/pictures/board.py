"""Pictures to draw on, in fractions of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from yolosses.explain.pictures.panel import HEADER, Panel, legend_height, new_panel
from yolosses.explain.structures import Floats
from yolosses.explain.style import FAINT_INK
from yolosses.language import Language

Picture = NDArray[np.uint8]

SIDE = 8.0  # inches, of the longer side of a picture that has a figure of its own
GREY = 225  # of a board without a picture


@dataclass(frozen=True, kw_only=True)
class Board:
    """A picture in axes whose coordinates are fractions of it, y downwards; its size in inches."""

    axes: Axes
    width: float
    height: float

    @property
    def inches(self) -> Floats:
        """(2,) inches of one unit of x and of y."""
        return np.array([self.width, self.height])

    def add(self, artist: Artist) -> None:
        """Put it on the picture, whose limits stay as they are."""
        self.axes.add_artist(artist)

    def outline(self, box: Floats, lines: Sequence[tuple[str, float]], **style: Any) -> None:
        """A box (4,) cxcywh as lines one above the other, each of a (colour, width in points)."""
        left, top, right, bottom = corners_of(box)
        for color, width in lines:
            look = {"facecolor": "none", "edgecolor": color, "linewidth": width, **style}
            self.add(Rectangle((left, top), right - left, bottom - top, **look))

    def dots(self, places: Floats, **style: Any) -> None:
        """The same sign at all of ``places`` (n, 2)."""
        self.add(Line2D(places[:, 0], places[:, 1], linestyle="", **style))


def corners_of(boxes: Floats) -> Floats:
    """(..., 4) left, top, right, bottom of cxcywh boxes."""
    half = boxes[..., 2:] / 2
    return np.concatenate((boxes[..., :2] - half, boxes[..., :2] + half), -1)


def framed(picture: Picture | None, grid: tuple[int, int], legend_lines: int, language: Language) -> Panel:
    """A panel in a new figure, just large enough for a header, a picture and its legend."""
    require_picture(picture)
    width, height = fitted(aspect_of(picture, grid), SIDE, SIDE)
    return new_panel(max(width, 0.7 * SIDE), HEADER + height + legend_height(legend_lines), language)


def aspect_of(picture: Picture | None, grid: tuple[int, int]) -> float:
    """Height over width; without a picture the cells of ``grid`` (rows, columns) are taken for squares."""
    return grid[0] / grid[1] if picture is None else picture.shape[0] / picture.shape[1]


def fitted(aspect: float, width: float, height: float) -> tuple[float, float]:
    """The largest width and height of this aspect (height over width) within the given ones."""
    return (width, width * aspect) if width * aspect <= height else (height / aspect, height)


def show_picture(
    panel: Panel, picture: Picture | None, aspect: float, *, strength: float | None = None
) -> Board:
    """The picture as large as ``panel`` lets it be, at its left top. To be drawn on, it can be in grey, of a
    ``strength`` from 0 to 1."""
    width, height = fitted(aspect, panel.width, panel.height)
    axes = panel.part(0, 0, width, height).axes()
    shown = np.full((1, 1, 3), GREY, np.uint8) if picture is None else picture
    if strength is not None:
        shown = paled(shown, strength)
    axes.imshow(shown, extent=(0, 1, 1, 0), aspect="auto", label="_picture")
    axes.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    axes.spines[:].set(color=FAINT_INK, linewidth=0.6)
    return Board(axes=axes, width=width, height=height)


def paled(picture: Picture, strength: float) -> Picture:
    """The picture in greys from white to ``strength`` of black."""
    grey = picture @ np.array([0.299, 0.587, 0.114])
    light = (255 - strength * (255 - grey)).round().astype(np.uint8)
    return np.repeat(light[..., None], 3, axis=2)


def require_picture(picture: Picture | None, name: str = "picture") -> None:
    """Raise ``ValueError`` or ``TypeError`` unless it is ``(H, W, 3)`` uint8, or None."""
    if picture is None:
        return
    if not isinstance(picture, np.ndarray):
        raise TypeError(f"{name}: expected an array or None; got {type(picture).__name__}")
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape or picture.dtype != np.uint8:
        raise ValueError(f"{name}: expected (H, W, 3) uint8 or None; got {picture.shape} {picture.dtype}")
