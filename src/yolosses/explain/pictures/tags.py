"""Short labels beside boxes, placed so that they cover each other as little as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.patches import Rectangle

from yolosses.explain.pictures.board import Board
from yolosses.explain.placing import Box, beside_box, least_hiding
from yolosses.explain.structures import Floats
from yolosses.explain.style import INK, text_width

TAG_SIZE = 6.8  # points
HEIGHT, PAD = 0.135, 0.035  # inches


@dataclass(frozen=True, kw_only=True)
class Tag:
    """Texts on patches side by side. ``box``: (4,) left, top, right, bottom in fractions of the picture, at which they
    stand. ``parts``: (text, colour of the patch, ink)."""

    box: Floats
    parts: tuple[tuple[str, str, str], ...]


def draw_tags(board: Board, tags: Sequence[Tag], family: Sequence[str]) -> None:
    """Each tag takes, of the places along its box, the one where it hides least of those before it, as a whole."""
    taken: list[Box] = []
    for tag in tags:
        widths = [text_width(text, TAG_SIZE, family) + 2 * PAD for text, _, _ in tag.parts]
        width, height = sum(widths) / board.width, HEIGHT / board.height
        left, top, right, bottom = tag.box.tolist()
        place = least_hiding(beside_box((left, top, right, bottom), width, height, (0, 0, 1, 1)), taken)
        taken.append(place)
        left, top = place[:2]
        for (text, face, ink), inches in zip(tag.parts, widths, strict=True):
            across = inches / board.width
            board.add(
                Rectangle((left, top), across, height, facecolor=face, edgecolor=INK, linewidth=0.5, zorder=8)
            )
            board.axes.text(
                left + across / 2, top + height / 2, text, fontsize=TAG_SIZE, color=ink, ha="center",
                va="center_baseline", zorder=8, clip_on=True,
            )  # fmt: skip
            left += across
