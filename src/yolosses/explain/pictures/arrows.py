"""Arrows on a picture, in proportion to what they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from yolosses.explain.pictures.board import Board
from yolosses.explain.structures import Floats

THINNEST = 0.8  # points
APRON = 0.17  # inches around a picture that hold nothing else


def draw_arrows(
    board: Board, tails: Floats, pulls: Floats, *, longest: float, thickest: float, color: str, label: str
) -> None:
    """Arrows from ``tails`` along ``pulls``, (n, 2) in fractions of the picture.

    The arrow that is longest on the paper is ``longest`` inches long (less, if otherwise one would leave the picture by
    more than `APRON`) and ``thickest`` points wide; the others are in proportion. ``label``: what the collections are
    called.
    """
    if not len(tails):
        return
    strength = np.hypot(*(pulls * board.inches).T)
    share = strength / strength.max()
    widths = THINNEST + (thickest - THINNEST) * share
    scale = min(longest / strength.max(), _room(board, tails, pulls))
    tips = tails + pulls * scale
    necks, triangles = _heads(board, tails, tips, widths)
    shafts = np.stack((tails, necks), 1)
    for face, halo in (("white", 1.6), (color, 0.0)):
        look: dict[str, Any] = {"color": face, "zorder": 6, "clip_on": False}
        board.add(LineCollection(list(shafts), linewidths=widths + halo, label=f"_{label} shafts", **look))
        board.add(PolyCollection(list(triangles), linewidths=halo, label=f"_{label} heads", **look))


def _room(board: Board, tails: Floats, pulls: Floats) -> float:
    """The largest factor at which no arrow leaves the picture by more than the apron."""
    apron = APRON / board.inches
    border = np.where(pulls > 0, 1 + apron, -apron)
    room = np.divide(border - tails, pulls, out=np.full_like(pulls, np.inf), where=pulls != 0)
    return float(room.min())


def _heads(board: Board, tails: Floats, tips: Floats, widths: Floats) -> tuple[Floats, Floats]:
    """Where the shafts end (n, 2), and the triangles before them (n, 3, 2), the tip first."""
    ways = (tips - tails) * board.inches
    lengths = np.hypot(*ways.T)[:, None]
    unit = np.divide(ways, lengths, out=np.zeros_like(ways), where=lengths > 0)
    size = np.minimum(0.045 + 0.028 * widths[:, None], 0.6 * lengths)  # inches
    necks = tips - unit * size / board.inches
    side = unit[:, ::-1] * (-1, 1) * 0.55 * size / board.inches
    return necks, np.stack((tips, necks + side, necks - side), 1)
