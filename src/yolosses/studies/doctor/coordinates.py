"""Boxes written in another way than the layout has it: x and y swapped, corners given as centre and size, and so on.

Each way to understand the numbers (`conventions`) is weighed against the one in which they are read, by three kinds of
evidence:

- *place*: a box without area, or one that leaves its picture, is rare among right boxes;
- *contrast*: the borders of right boxes lie where the picture changes (`borders`);
- *likeness*: right boxes have a shape and size that is usual for their class.

The labels of one picture are taken to be written in one way, so their evidence adds up. How many pictures have the
fault, and how much contrast says in these pictures, is estimated from all of them at once, as a mixture of right and
faulty ones (expectation-maximisation). What is usual for a class, the pictures show that are right so far: likeness is
asked last, and not where most pictures seem to be faulty.

That chooses pictures; it proves nothing, since some pictures suit a mistake by chance. What counts is the evidence that
had no part in the choice (`_held_out`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from yolosses.studies.doctor.conventions import Convention, as_read, mistakes, placement
from yolosses.studies.doctor.evidence import BoxEvidence
from yolosses.studies.doctor.likeness import Likeness, shapes
from yolosses.studies.doctor.mixture import ROUNDS, Mixture, bounded
from yolosses.studies.doctor.rows import Bools, Floats, Ints, Rows
from yolosses.studies.doctor.structures import Suspicion

LEAST_STRENGTH = 6.0  # what evidence that is held out must reach, as a logarithm
LEAST_SINGLE = 10.0  # for one picture alone
LEAST_BOXES = 5  # for boxes that are suspected singly
MOST_FAULTS = 3  # different ones in one data set
LIKELY = 0.5  # probability from which its other boxes are asked
SURE = 0.8  # probability from which a picture is suspected
ALMOST_ALL = 0.9  # of the pictures: taken for all
LIKENESS_ROUNDS = 3
MOSTLY = 2 / 3  # share of faulty pictures from which the others do not show what is usual
DEPENDENCE = 0.5  # boxes of one picture are not independent: so much of contrast and likeness counts
MOST = 5.0  # that one picture may say
MOST_CONTRAST = 2.5  # that the contrast of one box may say

_MISFITS, _PRIOR = 0.01, 20.0  # share among right boxes, worth so many boxes
_RARE = 0.02  # share of faulty boxes that do not fit even as the mistake
_FEW_OTHERS = 0.2  # pictures for each suspected one: with fewer, they show nothing
_FEW_PICTURES = 10
_CLEAR = 3.0  # standard errors above 0
_LEAST_DRAWN = 2.0  # pixels: no mistake is suspected for boxes so small that nobody draws them
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
        drawn = 0.5 if convention == as_read(rows.box_format) else _LEAST_DRAWN
        whole, inside = placement(edges, rows.size, least=drawn)
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


def suspect_boxes(rows: Rows, readings: list[Readings], first_alike: Ints) -> list[Suspicion]:
    """Faults in how boxes are written, the most certain first.

    Args:
        readings: as `all_readings` gives them, with contrast where pictures could be looked at.
        first_alike: (N,) for each picture the first that is nearly the same, which may be itself: all its copies
            are one piece of evidence.
    """
    found: list[Suspicion] = []
    free = np.asarray(np.isfinite(rows.numbers).all(1) & (first_alike[rows.picture] == rows.picture))
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
    pictures, mixture = _weighed(rows, read, other, free)
    chosen = mixture.probability >= SURE
    suspected = free & np.isin(rows.picture, pictures[chosen])
    strength = _held_out(rows, read, other, free, suspected) if chosen.any() else 0.0
    if strength < LEAST_STRENGTH:  # nothing was chosen if all are suspected
        chosen, suspected, nobody = np.ones(len(pictures), np.bool_), free, np.zeros(len(rows), np.bool_)
        place, border = (
            tell(rows, read, other, free, nobody) for tell in (_place_strength, _border_strength)
        )
        strength = border + min(
            place, 0.0
        )  # that all places suit a mistake may be chance; that some do not, is none
    count = int(chosen.sum())
    strength -= other.convention.surprise
    if not count or strength < (LEAST_STRENGTH if count > 1 else LEAST_SINGLE):
        return None
    order = np.argsort(-mixture.evidence, kind="stable")
    suspicion = Suspicion(
        scope="all" if count >= ALMOST_ALL * len(pictures) else "pictures",
        pictures=tuple(int(pictures[i]) for i in order if chosen[i]),
        of_pictures=len(np.unique(rows.picture)),
        strength=strength,
        evidence=_evidence(rows, read, other, suspected),
    )
    return _Found(suspicion=suspicion, rows=suspected, rank=_explained(read, other, suspected))


def _weighed(rows: Rows, read: Readings, other: Readings, free: Bools) -> tuple[Ints, Mixture]:
    """The pictures of the rows that are ``free``, and what these rows say of each."""
    pictures, group = np.unique(rows.picture[free], return_inverse=True)
    if not len(pictures):
        return pictures, Mixture(evidence=np.zeros(0), share=0.5)
    place = (other.place_likelihood - read.place_likelihood)[free]
    mixture = _with_contrast(group, len(pictures), place, (other.contrast - read.contrast)[free])
    placed = mixture.evidence
    for _ in range(LIKENESS_ROUNDS):  # each trusts other pictures
        if mixture.share > MOSTLY:  # what is usual, a few that may be right do not show
            break
        model = Likeness.fitted(read.shapes[free], rows.labels[free], 1 - mixture.probability[group])
        told = model.comparison(other.shapes[free], read.shapes[free], rows.labels[free])
        more = DEPENDENCE * np.bincount(group, told, len(pictures))
        mixture = Mixture.fitted(placed + more, mixture.share)
    return pictures, mixture


def _held_out(rows: Rows, read: Readings, other: Readings, free: Bools, suspected: Bools) -> float:
    """What is said by evidence that had no part in choosing the pictures, as a logarithm.

    Pictures that were picked because a mistake suits them show nothing by suiting it. So pictures are chosen by every
    other box, and the rest of their boxes are asked, twice, the other way round; or chosen without contrast, and
    contrast is asked.
    """
    asked = np.zeros(len(rows), np.bool_)
    for parity in (0, 1):
        half = rows.index % 2 == parity
        asked |= ~half & _in_likely(rows, read, other, free, half)
    rest = free & ~suspected & ~asked
    by_halves = _place_strength(rows, read, other, asked, rest) + _border_strength(
        rows, read, other, asked, rest
    )
    unseen = np.full(len(rows), np.nan)
    blind = _in_likely(rows, with_contrast(read, unseen), with_contrast(other, unseen), free, free)
    by_contrast = _border_strength(rows, read, other, blind, free & ~suspected & ~blind)
    said = max(by_halves, by_contrast)
    return (
        said if said < -_CLEAR else said + _likeness_strength(rows, read, other, suspected, free & ~suspected)
    )


def _in_likely(rows: Rows, read: Readings, other: Readings, free: Bools, told: Bools) -> Bools:
    """(R,) rows of pictures that seem to have the mistake by the rows that are ``told``; all, if almost all do."""
    pictures, mixture = _weighed(rows, read, other, free & told)
    likely = mixture.probability >= LIKELY
    everywhere = len(likely) > 0 and bool(likely.mean() >= ALMOST_ALL)
    return free & (everywhere | np.isin(rows.picture, pictures[likely]))


def _explained(read: Readings, other: Readings, suspected: Bools) -> float:
    """How much likelier all boxes are with this mistake in those suspected, as a logarithm: what mistakes that explain
    the same misfits are compared by. Strengths depend on which boxes are left to compare with."""
    place = other.place_likelihood - read.place_likelihood
    contrast = np.nan_to_num(other.contrast) - np.nan_to_num(read.contrast)
    return float((place + DEPENDENCE * contrast)[suspected].sum()) - other.convention.surprise


def _place_strength(rows: Rows, read: Readings, other: Readings, asked: Bools, rest: Bools) -> float:
    """How much likelier the places of the boxes are with the mistake than if they were like the rest."""
    kinds = [
        np.array(
            [
                (some & fits & stays).sum()
                for fits in (read.inside, ~read.inside)
                for stays in (other.inside, ~other.inside)
            ],
            np.float64,
        )
        for some in (asked, rest)
    ]
    (both, broken, mended, neither), usual = kinds
    if not kinds[0].sum():
        return 0.0
    # Boxes that fit neither way show how often right ones misfit; those asked count as well for what a misfit does.
    misfits = (
        (usual[2:].sum() + neither + _MISFITS * _PRIOR) / (usual.sum() + both + broken + neither + _PRIOR),
        (mended + neither + 1) / (kinds[0].sum() + 2),
    )
    right_breaks = (usual[1] + broken + 1) / (usual[:2].sum() + both + broken + 2)
    breaks = right_breaks, min(_RARE, right_breaks)
    mends = (usual[2] + mended + 1) / (usual[2:].sum() + mended + neither + 2), 1 - _RARE
    counts = ((mended + neither, both + broken, misfits), (broken, both, breaks), (mended, neither, mends))
    return float(
        sum(
            yes * np.log(meant / right) + no * np.log((1 - meant) / (1 - right))
            for yes, no, (right, meant) in counts
        )
    )


def _border_strength(rows: Rows, read: Readings, other: Readings, asked: Bools, rest: Bools) -> float:
    """How much likelier the contrast is with the mistake, picture by picture; negative where it is in favour of the
    boxes as read. What contrast right boxes have, the rest shows; where it shows none, contrast says nothing."""
    told = _by_group(rows.picture, other.contrast, asked)
    better = _by_group(rows.picture, other.contrast - read.contrast, asked)
    usual = _by_group(rows.picture, read.contrast, rest)
    if not len(told) or not len(better):
        return 0.0
    spread = _pooled(_by_group(rows.picture, other.contrast - read.contrast, rest), better)
    if (against := float(better.mean() / spread * len(better) ** 0.5)) < -_CLEAR:
        return -0.5 * against**2
    if len(usual) < _FEW_OTHERS * len(told):
        surest = [float(some.mean() / max(some.std(), 0.1) * len(some) ** 0.5) for some in (told, better)]
        least = min(surest)
        return 0.5 * least * abs(least)
    if usual.mean() < _CLEAR * usual.std() / len(usual) ** 0.5:
        return 0.0
    strength = float(np.clip(2 * usual.mean() * better / spread**2, -MOST, MOST).sum())
    return min(strength, 0.0) if told.mean() < 0.5 * usual.mean() else strength


def _likeness_strength(rows: Rows, read: Readings, other: Readings, asked: Bools, rest: Bools) -> float:
    """How much likelier the shapes are with the mistake. The boxes of a picture count as one, since they are alike for
    many reasons; other pictures show how far such a one may be from the usual; and having been picked is discounted."""
    model = Likeness.fitted(read.shapes, rows.labels, rest)
    told = np.where(rest | asked, model.comparison(other.shapes, read.shapes, rows.labels), np.nan)
    chosen, others = (_by_group(rows.picture, told, some) for some in (asked, rest))
    if not len(chosen) or len(others) < max(_FEW_PICTURES, 2 * len(chosen)) or others.mean() >= 0:
        return 0.0  # what is usual, most pictures must show
    mean, spread = others.mean(), max(float(others.std()), 0.1)
    right = -2 * np.log1p(((chosen - mean) / spread) ** 2 / 3)  # Student's t with 3 degrees of freedom
    faulty = -0.5 * ((chosen + mean) / spread) ** 2
    picked = np.log1p(len(others) / len(chosen))
    return max(0.0, float(np.clip(faulty - right - picked, -MOST, MOST).sum()))


def _by_group(group: Ints, values: Floats, where: Bools) -> Floats:
    """Mean of each group, of the values that are known there."""
    known = where & np.isfinite(values)
    groups, index = np.unique(group[known], return_inverse=True)
    return np.asarray(
        np.bincount(index, values[known], len(groups))
        / np.maximum(np.bincount(index, minlength=len(groups)), 1)
    )


def _pooled(one: Floats, other: Floats) -> float:
    both = np.concatenate([part - part.mean() for part in (one, other) if len(part)])
    return max(float(both.std()), 0.1)


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
    return _Found(suspicion=suspicion, rows=wrong, rank=_explained(read, other, wrong))


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
    (as a mistake minus as read) is taken as normal around +d for faulty boxes, around -d for right ones. The fit begins
    with the pictures whose contrast is in favour of the mistake.

    Args:
        group: (R,) picture of each box, of ``count``. place: (R,) evidence of its place. difference: (R,) of its
            contrast, NaN if unknown.
    """
    known = np.isfinite(difference)
    moved = np.where(known, difference, 0.0)
    placed: Floats = np.bincount(group, place, count).astype(np.float64)
    probability = np.where(np.bincount(group, moved, count) > 0, 0.95, 0.05)
    told, mean, variance = np.zeros(len(group)), 0.0, 1.0
    for _ in range(ROUNDS):
        if known.any():
            sign = 2 * probability[group] - 1
            mean = max(0.0, float((sign * moved)[known].mean()))
            variance = max(float((moved[known] ** 2).mean()) - mean**2, 0.05)
        told = np.clip(2 * mean * moved / variance, -MOST_CONTRAST, MOST_CONTRAST)
        share = bounded(float(probability.mean()), count)
        # All that the boxes say: with less than that, the two means would move together.
        probability = Mixture(evidence=placed + np.bincount(group, told, count), share=share).probability
    return Mixture(evidence=placed + DEPENDENCE * np.bincount(group, told, count), share=share)
