"""What the objects of a class look like, and whether those of a picture look more like another class.

An object is seen as a figure of 8 x 8 places: how far each is from the colour of the box's rim. Light on dark is the
same as dark on light, and the ground says little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from yolosses.studies.doctor.rows import Floats, Ints

_SIDE = 8
_LEAST_DRAWN = 4.0  # pixels: smaller objects look like nothing
_LEAST_CHANGE = 5.0  # grey levels: below, a figure is noise
_LEAST_VARIANCE = 0.05  # no place of a figure is more exact
_FEW = 5  # objects of a class: with fewer, nobody knows what it looks like
_FOLDS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Appearance:
    """What N objects look like.

    Attributes:
        rows: (N,) index of each among `Rows`.
        figures: (N, F) float32.
    """

    rows: Ints
    figures: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: list[Appearance]) -> Appearance:
        """Those of all pictures."""
        return cls(
            rows=np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)]),
            figures=np.concatenate([np.zeros((0, _SIDE**2 + 2), np.float32), *(p.figures for p in parts)]),
        )

    @classmethod
    def of(cls, picture: NDArray[np.uint8], edges: Floats, rows: Ints) -> Appearance:
        """Of the boxes of a picture that can be seen.

        Args:
            picture: (H, W, 3) uint8 RGB. edges: (R, 4) in its pixels. rows: (R,).
        """
        height, width = picture.shape[:2]
        canvas, figures = Image.fromarray(picture), []
        boxes = np.clip(edges, 0, [width, height, width, height])
        seen = (boxes[:, 2:] - boxes[:, :2] >= _LEAST_DRAWN).all(1)  # not so for NaN
        for box in boxes[seen].tolist():
            small = np.asarray(canvas.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box), np.float64)
            rim = np.concatenate([small[0], small[-1], small[1:-1, 0], small[1:-1, -1]])
            figure = np.abs(small - np.median(rim, axis=0)).max(2).ravel()
            figures.append(figure / np.sqrt((figure**2).mean() + _LEAST_CHANGE**2))
        w, h = (boxes[seen, 2:] - boxes[seen, :2]).T
        shapes = 2 * np.stack([np.log(w / h), 0.5 * np.log(w * h / (width * height))], 1)
        whole = np.concatenate([np.array(figures).reshape(-1, _SIDE**2), shapes], 1)
        return cls(rows=rows[seen], figures=whole.astype(np.float32))

    def comparison(self, known: Ints, one: Ints, other: Ints, picture: Ints) -> Floats:
        """(N,) how much more each looks like class ``one`` than like class ``other``, by the objects of other
        pictures; NaN where too few of them show a class.

        Args:
            known: (N,) class of the objects that show what classes look like, -1 for the others.
            one, other: (N,) -1 for none. picture: (N,).
        """
        classes = int(max(known.max(initial=0), one.max(initial=0), other.max(initial=0))) + 1
        fold, told = picture % _FOLDS, known >= 0
        sums, counts = np.zeros((_FOLDS, classes, self.figures.shape[1])), np.zeros((_FOLDS, classes))
        np.add.at(sums, (fold[told], known[told]), self.figures[told])
        np.add.at(counts, (fold[told], known[told]), 1)
        elsewhere = (counts.sum(0) - counts)[..., None]
        means = np.where(elsewhere >= _FEW, (sums.sum(0) - sums) / np.maximum(elsewhere, 1), np.nan)
        mean = sums.sum(0) / np.maximum(counts.sum(0), 1)[:, None]
        variance = ((self.figures[told] - mean[known[told]]) ** 2).sum(0) / max(1, told.sum())
        spread = variance + _LEAST_VARIANCE

        def distance(label: Ints) -> Floats:
            return np.asarray((0.5 * (self.figures - means[fold, label]) ** 2 / spread).sum(1))

        return np.where((one >= 0) & (other >= 0), distance(other) - distance(one), np.nan)
