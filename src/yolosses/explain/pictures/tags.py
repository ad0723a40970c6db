"""Short labels beside boxes, placed so that they cover each other as little as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from yolosses.explain.pictures.board import Board
from yolosses.explain.style import INK, text_width

TAG_SIZE = 6.8  # points
HEIGHT, PAD = 0.135, 0.035  # inches

Corners = NDArray[np.float64]  # (4,) left, top, right, bottom in fractions of the picture


@dataclass(frozen=True, kw_only=True)
class Tag:
    """Texts on patches side by side, to stand at a corner of ``box``. ``parts``: (text, colour of the patch, ink)."""

    box: Corners
    parts: tuple[tuple[str, str, str], ...]


def draw_tags(board: Board, tags: Sequence[Tag], family: Sequence[str]) -> None:
    """Each tag takes, of the places along its box, the one where it hides least of those before it."""
    taken: list[Corners] = []
    for tag in tags:
        widths = [text_width(text, TAG_SIZE, family) + 2 * PAD for text, _, _ in tag.parts]
        size = np.array([sum(widths), HEIGHT]) / board.inches
        place = min(_places(tag.box, size), key=lambda corners: sum(shared(corners, t) for t in taken))
        taken.append(place)
        left, top = place[:2]
        for (text, face, ink), width in zip(tag.parts, widths, strict=True):
            across = width / board.width
            board.add(
                Rectangle(
                    (left, top), across, size[1], facecolor=face, edgecolor=INK, linewidth=0.5, zorder=8
                )
            )
            board.axes.text(
                left + across / 2, top + size[1] / 2, text, fontsize=TAG_SIZE, color=ink, ha="center",
                va="center_baseline", zorder=9, clip_on=True,
            )  # fmt: skip
            left += across


def _places(box: Corners, size: NDArray[np.float64]) -> list[Corners]:
    """Above, inside and below the box at either side, inside the picture; those that come first are preferred."""
    left, top, right, bottom = box
    width, height = size
    corners = [
        (x, y) for y in (top - height, bottom, top, bottom - height) for x in (left, right - width)
    ] + [(x, (top + bottom - height) / 2) for x in (left, right - width)]
    starts = np.clip(corners, 0, np.maximum(1 - size, 0))
    return list(np.concatenate((starts, starts + size), 1))


def shared(a: Corners, b: Corners) -> float:
    """Area that two rectangles share."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    return float(np.prod(np.maximum(sides, 0)))
