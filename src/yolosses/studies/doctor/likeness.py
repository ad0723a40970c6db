"""What shape and size is usual for the boxes of a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yolosses.studies.doctor.rows import Bools, Floats, Ints

MOST = 3.0  # that one box may say either way

_FEW = 8  # boxes of a class: with fewer, all classes together stand in
_LEAST_SPREAD = np.array([0.12, 0.25])  # of the logarithms of shape and size: no class is more exact


def shapes(edges: Floats, size: Floats, whole: Bools) -> Floats:
    """(R, 2) logarithms of width over height in pixels, and of the box's side against the picture's (roots of the
    areas); NaN where a box has no area.

    Args:
        edges: (R, 4) pixels. size: (R, 2) width, height of the picture. whole: (R,) has an area.
    """
    sides = np.where(whole[:, None], edges[:, 2:] - edges[:, :2], np.nan)
    return np.stack([np.log(sides[:, 0] / sides[:, 1]), 0.5 * np.log(sides.prod(1) / size.prod(1))], 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """What is usual, robustly: (C + 1, 2) medians and spreads, the last row that of all classes together.

    ``known``: (C + 1,) whether a class has boxes enough to speak for itself; ``usual``: whether all together have.
    """

    median: Floats
    spread: Floats
    known: Bools
    usual: bool

    @classmethod
    def fitted(cls, shapes: Floats, labels: Ints, trust: Floats | Bools) -> Likeness:
        """From boxes that are trusted.

        Args:
            shapes: (R, 2). labels: (R,), -1 for none. trust: (R,) 0 to 1; those above a half count.
        """
        trusted = (trust > 0.5) & np.isfinite(shapes).all(1)
        classes = int(labels.max(initial=-1)) + 1
        everyone = _centre(shapes[trusted])
        members = [shapes[trusted & (labels == label)] for label in range(classes)]
        known = [len(own) >= _FEW for own in members]
        rows = [_centre(own) if enough else everyone for own, enough in zip(members, known, strict=True)]
        rows.append(everyone)
        return cls(
            median=np.stack([row[0] for row in rows]),
            spread=np.stack([row[1] for row in rows]),
            known=np.array([*known, False]),
            usual=bool(trusted.sum() >= _FEW),
        )

    def comparison(self, shapes: Floats, other_shapes: Floats, labels: Ints) -> Floats:
        """(R,) how much more usual ``shapes`` are for ``labels`` than ``other_shapes``, as a logarithm within bounds; 0
        where a box has no area."""
        if not self.usual:
            return np.zeros(len(labels))
        more = self.density(shapes, labels) - self.density(other_shapes, labels)
        return np.clip(np.nan_to_num(more), -MOST, MOST)

    def density(self, shapes: Floats, labels: Ints) -> Floats:
        """(R,) logarithm, up to a constant: Student's t with 3 degrees of freedom. NaN without area."""
        distance = (shapes - self.median[labels]) / self.spread[labels]
        return np.asarray((-2 * np.log1p(distance**2 / 3) - np.log(self.spread[labels])).sum(1))


def _centre(shapes: Floats) -> tuple[Floats, Floats]:
    """Median, and the spread that a normal distribution of the same median deviation has."""
    if not len(shapes):
        return np.zeros(2), np.full(2, 10.0)
    median = np.median(shapes, axis=0)
    deviation = 1.4826 * np.median(np.abs(shapes - median), axis=0)
    return median, np.maximum(deviation, _LEAST_SPREAD)
