"""Do the borders of boxes lie where pictures change? Borders of right boxes do more often than those of wrong ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from yolosses.studies.doctor.rows import Bools, Floats

_LONG_SIDE = 80  # pixels to which pictures are reduced: finer texture says nothing of objects
_PLACES = 32  # with which each border is compared
_MOST = 5.0  # standard deviations: what a single border may say
_AT_THE_FRAME = 0.015  # of the picture's side: a border so near the picture's own says nothing

# A sequence of points that fill the unit square evenly (the golden ratio of two dimensions): no chance in it.
_STEPS = (np.arange(1, _PLACES + 1)[:, None] * np.array([0.7548776662466927, 0.5698402909980532])) % 1.0


class Contrast:
    """How much a picture changes across the borders of boxes. Made once for each picture.

    Args:
        picture: (H, W, 3) uint8 RGB.
    """

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        height, width = picture.shape[:2]
        factor = min(1.0, _LONG_SIDE / max(height, width))
        self._size = np.array([width, height], np.float64)
        shape = (max(2, round(width * factor)), max(2, round(height * factor)))
        small = np.asarray(Image.fromarray(picture).resize(shape, Image.Resampling.BOX), np.float32)
        self._scale = np.array([shape[0] / width, shape[1] / height])
        # Roots, so that a few glaring edges do not outweigh the many faint ones.
        across = np.sqrt(np.abs(np.diff(small, axis=1)).max(2))
        down = np.sqrt(np.abs(np.diff(small, axis=0)).max(2))
        self._across, self._down = _summed(across), _summed(down.T)

    def on(self, edges: Floats, other: Contrast) -> Floats:
        """The same part of another picture, in its pixels."""
        return np.asarray(edges * np.tile(other._size / self._size, 2))

    def of(self, edges: Floats) -> Floats:
        """(R,) for boxes (R, 4) left, top, right, bottom in pixels of the picture: the change across their borders,
        in standard deviations above the mean of as long borders all over the picture; mean over the borders that lie
        inside the picture. NaN where there is none."""
        left, top, right, bottom = (edges * np.tile(self._scale, 2)).T
        sides = [_line(self._across, x, top, bottom, right - left) for x in (left, right)]
        sides += [_line(self._down, y, left, right, bottom - top) for y in (top, bottom)]
        return np.asarray(np.ma.masked_invalid(np.stack(sides, 1)).mean(1).filled(np.nan))


def _summed(change: Floats) -> Floats:
    """Integral image: sums over rectangles become four look-ups."""
    padded = np.zeros((change.shape[0] + 1, change.shape[1] + 1))
    padded[1:, 1:] = change.cumsum(0, dtype=np.float64).cumsum(1)
    return padded


def _line(table: Floats, at: Floats, start: Floats, end: Floats, depth: Floats) -> Floats:
    """Contrast of lines ``at`` a column, from row ``start`` to row ``end``, of boxes ``depth`` wide; column k of the
    table's picture holds the change between pixel columns k and k + 1."""
    rows, cols = table.shape[0] - 1, table.shape[1] - 1
    with np.errstate(invalid="ignore"):
        usable = (
            np.isfinite(at + start + end)
            & (end - start >= 1)
            & (depth >= 1)
            & (at > max(1.0, _AT_THE_FRAME * cols))
            & (at < cols + 1 - max(1.0, _AT_THE_FRAME * cols))
            & (start < rows - 1)
            & (end > 1)
        )
    at, start, end, depth = (np.where(usable, value, 1.0) for value in (at, start, end, depth))
    first = np.clip(np.round(start), 0, rows - 1).astype(np.int64)
    last = np.clip(np.round(end), first + 1, rows).astype(np.int64)
    reach = np.clip(np.round(0.04 * depth), 0, 4).astype(np.int64)  # labels are not exact to the pixel
    here = _mean(table, first, last, np.round(at).astype(np.int64) - 1, reach)

    length = last - first
    col = (reach[:, None] + _STEPS[:, 0] * (cols - 1 - 2 * reach[:, None])).round().astype(np.int64)
    row = (_STEPS[:, 1] * (rows - length[:, None])).round().astype(np.int64)
    anywhere = _mean(table, row, row + length[:, None], col, reach[:, None])
    spread = np.maximum(anywhere.std(1), 0.05 * np.abs(anywhere).mean(1) + 1e-6)
    flat = anywhere.max(1) - anywhere.min(1) < 1e-9
    score = np.clip((here - anywhere.mean(1)) / spread, -_MOST, _MOST)
    said: Bools = usable & ~(flat & (np.abs(here - anywhere[:, 0]) < 1e-9))
    return np.where(said, score, np.nan)


def _mean(table: Floats, first: NDArray[np.int64], last: NDArray[np.int64], col: NDArray[np.int64],
          reach: NDArray[np.int64]) -> Floats:  # fmt: skip
    """Mean change in rows ``first`` to ``last`` (exclusive) and the columns within ``reach`` of ``col``."""
    cols = table.shape[1] - 1
    left, right = np.clip(col - reach, 0, cols - 1), np.clip(col + reach + 1, 1, cols)
    total = table[last, right] - table[first, right] - table[last, left] + table[first, left]
    return np.asarray(total / ((last - first) * (right - left)))
