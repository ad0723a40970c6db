"""Boxes written in another way than the layout has it: x and y swapped, corners given as centre and size, and so on.

Each way to understand the numbers (`conventions`) is weighed against the one in which they are read, by three kinds of
evidence:

- *place*: a box without area, or one that leaves its picture, is rare among right boxes;
- *contrast*: the borders of right boxes lie where the picture changes (`borders`);
- *likeness*: right boxes have a shape and size that is usual for their class.

The labels of one picture are taken to be written in one way, so their evidence adds up. How many pictures have the
fault, and how much contrast says in these pictures, is estimated from all of them at once, as a mixture of right and
faulty ones (expectation-maximisation). What is usual for a class, the pictures show that are right so far: likeness is
asked last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from yolosses.studies.doctor.conventions import Convention, as_read, mistakes, placement
from yolosses.studies.doctor.likeness import Likeness, shapes
from yolosses.studies.doctor.mixture import ROUNDS, Mixture, bounded
from yolosses.studies.doctor.rows import Bools, Floats, Ints, Rows
from yolosses.studies.doctor.structures import BoxEvidence, Suspicion

LEAST_STRENGTH = 6.0  # what all evidence together must reach, as a logarithm
LEAST_SINGLE = 10.0  # for one picture alone
LEAST_BOXES = 5  # for boxes that are suspected singly
MOST_FAULTS = 3  # different ones in one data set
SURE = 0.8  # probability from which a picture is suspected
ALMOST_ALL = 0.9  # of the pictures: taken for all
LIKENESS_ROUNDS = 3
DEPENDENCE = 0.5  # boxes of one picture are not independent: so much of contrast and likeness counts
MOST_CONTRAST = 2.5  # that the contrast of one box may say

_NO_AREA, _LEAVES = np.log(0.002), np.log(0.01)  # of a right box


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """All boxes, understood in one way.

    Attributes:
        convention: the way.
        edges: (R, 4) in pixels. whole, inside: (R,) bool, see `placement`.
        contrast: (R,) see `Contrast.of`; NaN where it is not known.
        shapes: (R, 2) see `shapes`.
    """

    convention: Convention
    edges: Floats
    whole: Bools
    inside: Bools
    contrast: Floats
    shapes: Floats

    @classmethod
    def of(cls, rows: Rows, convention: Convention) -> Readings:
        """Without contrast, which needs the pictures."""
        with np.errstate(all="ignore"):  # the numbers may be anything
            edges = convention.edges(rows.numbers, rows.size)
        whole, inside = placement(edges, rows.size)
        return cls(
            convention=convention,
            edges=edges,
            whole=whole,
            inside=inside,
            contrast=np.full(len(rows), np.nan),
            shapes=shapes(edges, rows.size, whole),
        )

    @property
    def place_likelihood(self) -> Floats:
        """(R,) logarithm, for a box that is meant so."""
        return np.where(self.inside, 0.0, np.where(self.whole, _LEAVES, _NO_AREA))


def all_readings(rows: Rows) -> list[Readings]:
    """As read, then as each mistake."""
    conventions = (as_read(rows.box_format), *mistakes(rows.box_format))
    return [Readings.of(rows, convention) for convention in conventions]


def with_contrast(reading: Readings, contrast: Floats) -> Readings:
    """The same with what the pictures say."""
    return replace(reading, contrast=contrast)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """A suspicion, the rows that it means, and what to rank it by."""

    suspicion: Suspicion
    rows: Bools
    rank: float


def suspect_boxes(rows: Rows, readings: list[Readings]) -> list[Suspicion]:
    """Faults in how boxes are written, the most certain first.

    Args:
        readings: as `all_readings` gives them, with contrast where pictures could be looked at.
    """
    found: list[Suspicion] = []
    free = np.asarray(np.isfinite(rows.numbers).all(1))
    for _ in range(MOST_FAULTS):
        candidates = [_by_picture(rows, readings[0], other, free) for other in readings[1:]]
        best = max(filter(None, candidates), key=lambda one: one.rank, default=None)
        if best is None:
            break
        found.append(best.suspicion)
        free = free & ~best.rows
    if not found:
        singles = [_by_box(rows, readings[0], other) for other in readings[1:]]
        best = max(filter(None, singles), key=lambda one: one.rank, default=None)
        found += [] if best is None else [best.suspicion]
    return found


def _by_picture(rows: Rows, read: Readings, other: Readings, free: Bools) -> _Found | None:
    """The fault in all labels of pictures."""
    pictures, group = np.unique(rows.picture[free], return_inverse=True)
    if not len(pictures):
        return None
    place = (other.place_likelihood - read.place_likelihood)[free]
    mixture = _with_contrast(group, len(pictures), place, (other.contrast - read.contrast)[free])
    placed = mixture.evidence
    for _ in range(LIKENESS_ROUNDS):  # each trusts other pictures
        model = Likeness.fitted(read.shapes[free], rows.labels[free], 1 - mixture.probability[group])
        told = model.comparison(other.shapes[free], read.shapes[free], rows.labels[free])
        more = DEPENDENCE * np.bincount(group, told, len(pictures))
        mixture = Mixture.fitted(placed + more, mixture.share)
    chosen = mixture.probability >= SURE
    count = int(chosen.sum())
    strength = mixture.strength - other.convention.surprise
    if not count or strength < (LEAST_STRENGTH if count > 1 else LEAST_SINGLE):
        return None
    suspected = np.zeros(len(rows), np.bool_)
    suspected[np.flatnonzero(free)[chosen[group]]] = True
    order = np.argsort(-mixture.evidence, kind="stable")
    suspicion = Suspicion(
        scope="all" if count >= ALMOST_ALL * len(pictures) else "pictures",
        pictures=tuple(int(pictures[i]) for i in order if chosen[i]),
        of_pictures=len(np.unique(rows.picture)),
        strength=mixture.strength,
        evidence=_evidence(rows, read, other, suspected),
    )
    return _Found(suspicion=suspicion, rows=suspected, rank=strength + _agreement(read, other, suspected))


def _agreement(read: Readings, other: Readings, suspected: Bools) -> float:
    """What contrast says of this reading against others that explain the misfits as well: in `_with_contrast` it can
    speak for a mistake, never against one."""
    difference = np.nan_to_num(other.contrast) - np.nan_to_num(read.contrast)
    return float(DEPENDENCE * difference[suspected].sum())


def _by_box(rows: Rows, read: Readings, other: Readings) -> _Found | None:
    """The fault in single boxes, where only their place can tell: nearly all boxes that do not fit would fit if read
    so."""
    misfits = np.isfinite(rows.numbers).all(1) & ~read.inside
    wrong = misfits & other.inside
    if wrong.sum() < max(LEAST_BOXES, 0.8 * misfits.sum()):
        return None
    if np.nansum((other.contrast - read.contrast)[wrong]) < 0:
        return None
    # Right boxes that fit both ways show how easily a misfit would fit by chance.
    chance = float(other.inside[read.inside].mean()) if read.inside.any() else 0.5
    strength = float(-np.log(np.clip(chance, 0.05, 0.95)) * wrong.sum()) - other.convention.surprise
    if strength < LEAST_STRENGTH:
        return None
    where = np.flatnonzero(wrong)
    suspicion = Suspicion(
        scope="boxes",
        pictures=tuple(dict.fromkeys(rows.picture[where].tolist())),
        of_pictures=len(np.unique(rows.picture)),
        strength=strength,
        evidence=_evidence(rows, read, other, wrong),
        places=tuple((int(rows.picture[i]), rows.places[i]) for i in where),
    )
    return _Found(suspicion=suspicion, rows=wrong, rank=strength + _agreement(read, other, wrong))


def _evidence(rows: Rows, read: Readings, other: Readings, suspected: Bools) -> BoxEvidence:
    likeness = None
    model = Likeness.fitted(read.shapes, rows.labels, ~suspected)
    comparable = suspected & model.known[rows.labels]
    if comparable.any():
        told = model.comparison(other.shapes, read.shapes, rows.labels)[comparable]
        likeness = (int((told < 0).sum()), int((told > 0).sum()))
    return BoxEvidence(
        read_as=read.convention,
        meant=other.convention,
        boxes=int(suspected.sum()),
        misfits=(int((suspected & ~read.inside).sum()), int((suspected & ~other.inside).sum())),
        contrast=(_mean(read.contrast[suspected]), _mean(other.contrast[suspected])),
        usual_contrast=_mean(read.contrast[~suspected]),
        likeness=likeness,
    )


def _mean(contrast: Floats) -> float | None:
    known = contrast[np.isfinite(contrast)]
    return float(known.mean()) if len(known) else None


def _with_contrast(group: Ints, count: int, place: Floats, difference: Floats) -> Mixture:
    """Fit the share of faulty pictures, and how far contrast tells them from right ones: the difference of contrast
    (as a mistake minus as read) is taken as normal around +d for faulty boxes, around -d for right ones.

    Args:
        group: (R,) picture of each box, of ``count``. place: (R,) evidence of its place. difference: (R,) of its
            contrast, NaN if unknown.
    """
    known = np.isfinite(difference)
    moved = np.where(known, difference, 0.0)
    placed: Floats = np.bincount(group, place, count).astype(np.float64)
    # From few faulty pictures, from many, and from those whose contrast is in favour: it might find only the nearest
    # of several solutions.
    favoured = np.where(np.bincount(group, moved, count) > 0, 0.95, 0.05)
    starts = (np.full(count, 0.02), np.full(count, 0.98), favoured)
    fits = [_fit_contrast(group, placed, moved, known, start) for start in starts]
    return max(fits, key=lambda one: one[1])[0]


def _fit_contrast(
    group: Ints, placed: Floats, moved: Floats, known: Bools, start: Floats
) -> tuple[Mixture, float]:
    """From a ``start`` (F,) of probabilities. The mixture, and the likelihood of everything."""
    count, mean, variance = len(placed), 0.0, 1.0
    mixture = Mixture(evidence=placed, share=bounded(float(start.mean()), count))
    probability = start
    for _ in range(ROUNDS):
        if known.any():
            sign = 2 * probability[group] - 1
            mean = max(0.0, float((sign * moved)[known].mean()))
            variance = max(float((moved[known] ** 2).mean()) - mean**2, 0.05)
        told = np.clip(2 * mean * moved / variance, -MOST_CONTRAST, MOST_CONTRAST)
        evidence = placed + DEPENDENCE * np.bincount(group, told, count)
        mixture = Mixture(evidence=evidence, share=bounded(float(probability.mean()), count))
        probability = mixture.probability
    right, faulty = (
        -0.5
        * DEPENDENCE
        * np.bincount(group, (np.log(variance) + (moved - side) ** 2 / variance) * known, count)
        for side in (-mean, mean)
    )
    share = mixture.share
    likelihood = np.logaddexp(np.log1p(-share) + right, np.log(share) + placed + faulty).sum()
    return mixture, float(likelihood)
