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
had no part in the choice (`_Mistake.held_out`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from yolosses.studies.doctor.conventions import Convention, as_read, mistakes, placement
from yolosses.studies.doctor.evidence import BoxEvidence
from yolosses.studies.doctor.likeness import Likeness, shapes
from yolosses.studies.doctor.mixture import ROUNDS, Mixture, bounded
from yolosses.studies.doctor.rows import Bools, Floats, Ints, Rows
from yolosses.studies.doctor.structures import Scope, Suspicion

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


def suspect_boxes(rows: Rows, readings: list[Readings], first_alike: Ints) -> list[Suspicion]:
    """Faults in how boxes are written, the most certain first.

    Args:
        readings: as `all_readings` gives them, with contrast where pictures could be looked at.
        first_alike: (N,) for each picture the first that is nearly the same, which may be itself: all its copies
            are one piece of evidence.
    """
    mistakes = [_Mistake(rows, readings[0], other) for other in readings[1:]]
    found: list[Suspicion] = []
    free = np.asarray(np.isfinite(rows.numbers).all(1) & (first_alike[rows.picture] == rows.picture))
    for _ in range(MOST_FAULTS):
        best = _likeliest(mistake.by_picture(free) for mistake in mistakes)
        if best is None:
            break
        found.append(best)
        free = free & ~np.isin(rows.picture, best.pictures)
    if not found:
        best = _likeliest(mistake.by_box() for mistake in mistakes)
        found += [] if best is None else [best]
    return found


def _likeliest(found: Iterable[tuple[float, Suspicion] | None]) -> Suspicion | None:
    return max(filter(None, found), key=lambda one: one[0], default=(0.0, None))[1]


@dataclass(frozen=True, eq=False)
class _Mistake:
    """All boxes as they are ``read``, beside the ``other`` way that they may be meant.

    Of a suspicion, its methods give as well what to rank it by: how much likelier all boxes are with the mistake in
    those suspected, as a logarithm. Mistakes that explain the same misfits are compared by that; strengths depend on
    which boxes are left to compare with.
    """

    rows: Rows
    read: Readings
    other: Readings

    @cached_property
    def place(self) -> Floats:
        """(R,) how much likelier the place of each box is with the mistake, as a logarithm."""
        return self.other.place_likelihood - self.read.place_likelihood

    @cached_property
    def contrast(self) -> Floats:
        """(R,) how much more contrast each box has with the mistake; NaN where it is not known."""
        return self.other.contrast - self.read.contrast

    def by_picture(self, free: Bools) -> tuple[float, Suspicion] | None:
        """The fault in all labels of pictures, of the rows that are ``free``."""
        pictures, mixture = self.weighed(free)
        chosen = mixture.probability >= SURE
        suspected = free & np.isin(self.rows.picture, pictures[chosen])
        strength = self.held_out(free, suspected) if chosen.any() else 0.0
        if strength < LEAST_STRENGTH:  # nothing was chosen if all are suspected
            chosen, suspected, nobody = np.ones(len(pictures), np.bool_), free, np.zeros(len(free), np.bool_)
            # All places may suit a mistake by chance. That some do not is evidence against it.
            strength = self.border_strength(free, nobody) + min(self.place_strength(free, nobody), 0.0)
        count = int(chosen.sum())
        strength -= self.other.convention.surprise
        if not count or strength < (LEAST_STRENGTH if count > 1 else LEAST_SINGLE):
            return None
        order = np.argsort(-mixture.evidence, kind="stable")
        scope: Scope = "all" if count >= ALMOST_ALL * len(pictures) else "pictures"
        return self.found(scope, tuple(int(pictures[i]) for i in order if chosen[i]), suspected, strength)

    def weighed(self, free: Bools) -> tuple[Ints, Mixture]:
        """The pictures of the rows that are ``free``, and what these rows say of each."""
        pictures, group = np.unique(self.rows.picture[free], return_inverse=True)
        if not len(pictures):
            return pictures, Mixture(evidence=np.zeros(0), share=0.5)
        labels = self.rows.labels[free]
        read, other = self.read.shapes[free], self.other.shapes[free]
        mixture = _with_contrast(group, len(pictures), self.place[free], self.contrast[free])
        placed = mixture.evidence
        for _ in range(LIKENESS_ROUNDS):  # each trusts other pictures
            if mixture.share > MOSTLY:  # what is usual, a few that may be right do not show
                break
            model = Likeness.fitted(read, labels, 1 - mixture.probability[group])
            more = DEPENDENCE * np.bincount(group, model.comparison(other, read, labels), len(pictures))
            mixture = Mixture.fitted(placed + more, mixture.share)
        return pictures, mixture

    def held_out(self, free: Bools, suspected: Bools) -> float:
        """What is said by evidence that had no part in choosing the pictures, as a logarithm.

        Pictures that were picked because a mistake suits them show nothing by suiting it. So pictures are chosen by
        every other box, and the rest of their boxes are asked, twice, the other way round; or chosen without contrast,
        and contrast is asked.
        """
        asked = np.zeros(len(free), np.bool_)
        for parity in (0, 1):
            half = self.rows.index % 2 == parity
            asked |= ~half & self.in_likely(free, half)
        rest = free & ~suspected & ~asked
        by_halves = self.place_strength(asked, rest) + self.border_strength(asked, rest)
        unseen = np.full(len(free), np.nan)
        without = replace(
            self, read=replace(self.read, contrast=unseen), other=replace(self.other, contrast=unseen)
        )
        blind = without.in_likely(free, free)
        said = max(by_halves, self.border_strength(blind, free & ~suspected & ~blind))
        return said if said < -_CLEAR else said + self.likeness_strength(suspected, free & ~suspected)

    def in_likely(self, free: Bools, told: Bools) -> Bools:
        """(R,) rows of pictures that seem to have the mistake by the rows that are ``told``; all, if almost all do."""
        pictures, mixture = self.weighed(free & told)
        likely = mixture.probability >= LIKELY
        everywhere = len(likely) > 0 and bool(likely.mean() >= ALMOST_ALL)
        return free & (everywhere | np.isin(self.rows.picture, pictures[likely]))

    def place_strength(self, asked: Bools, rest: Bools) -> float:
        """How much likelier the places of the boxes are with the mistake than if they were like the rest."""
        kinds = 2 * ~self.read.inside + ~self.other.inside
        (both, broken, mended, neither), usual = counts = [
            np.bincount(kinds[some], minlength=4).astype(np.float64) for some in (asked, rest)
        ]
        if not counts[0].sum():
            return 0.0
        # Boxes that fit neither way show how often right ones misfit; those asked count as well for what a misfit does.
        misfits = (
            (usual[2:].sum() + neither + _MISFITS * _PRIOR)
            / (usual.sum() + both + broken + neither + _PRIOR),
            (mended + neither + 1) / (counts[0].sum() + 2),
        )
        right_breaks = (usual[1] + broken + 1) / (usual[:2].sum() + both + broken + 2)
        breaks = right_breaks, min(_RARE, right_breaks)
        mends = (usual[2] + mended + 1) / (usual[2:].sum() + mended + neither + 2), 1 - _RARE
        shares = (
            (mended + neither, both + broken, misfits),
            (broken, both, breaks),
            (mended, neither, mends),
        )
        return float(
            sum(
                yes * np.log(meant / right) + no * np.log((1 - meant) / (1 - right))
                for yes, no, (right, meant) in shares
            )
        )

    def border_strength(self, asked: Bools, rest: Bools) -> float:
        """How much likelier the contrast is with the mistake, picture by picture; negative where it is in favour of the
        boxes as read. What contrast right boxes have, the rest shows; where it shows none, contrast says nothing."""
        told = self.by_group(self.other.contrast, asked)
        better = self.by_group(self.contrast, asked)
        usual = self.by_group(self.read.contrast, rest)
        if not len(told) or not len(better):
            return 0.0
        spread = _pooled(self.by_group(self.contrast, rest), better)
        if (against := float(better.mean() / spread * len(better) ** 0.5)) < -_CLEAR:
            return -0.5 * against**2
        if len(usual) < _FEW_OTHERS * len(told):
            least = min(
                float(some.mean() / max(some.std(), 0.1) * len(some) ** 0.5) for some in (told, better)
            )
            return 0.5 * least * abs(least)
        if usual.mean() < _CLEAR * usual.std() / len(usual) ** 0.5:
            return 0.0
        strength = float(np.clip(2 * usual.mean() * better / spread**2, -MOST, MOST).sum())
        return min(strength, 0.0) if told.mean() < 0.5 * usual.mean() else strength

    def likeness_strength(self, asked: Bools, rest: Bools) -> float:
        """How much likelier the shapes are with the mistake. The boxes of a picture count as one, since they are alike
        for many reasons; other pictures show how far such a one may be from the usual; and having been picked is
        discounted."""
        told = np.where(rest | asked, self.likeness(rest)[1], np.nan)
        chosen, others = (self.by_group(told, some) for some in (asked, rest))
        if not len(chosen) or len(others) < max(_FEW_PICTURES, 2 * len(chosen)) or others.mean() >= 0:
            return 0.0  # what is usual, most pictures must show
        mean, spread = others.mean(), max(float(others.std()), 0.1)
        right = -2 * np.log1p(((chosen - mean) / spread) ** 2 / 3)  # Student's t with 3 degrees of freedom
        faulty = -0.5 * ((chosen + mean) / spread) ** 2
        picked = np.log1p(len(others) / len(chosen))
        return max(0.0, float(np.clip(faulty - right - picked, -MOST, MOST).sum()))

    def likeness(self, trusted: Bools) -> tuple[Likeness, Floats]:
        """What is usual among the boxes that are trusted, and (R,) how much more so each box is with the mistake."""
        model = Likeness.fitted(self.read.shapes, self.rows.labels, trusted)
        return model, model.comparison(self.other.shapes, self.read.shapes, self.rows.labels)

    def by_group(self, values: Floats, where: Bools) -> Floats:
        """Mean of each picture, of the values that are known there."""
        known = where & np.isfinite(values)
        _, index, counts = np.unique(self.rows.picture[known], return_inverse=True, return_counts=True)
        return np.asarray(np.bincount(index, values[known], len(counts)) / counts)

    def by_box(self) -> tuple[float, Suspicion] | None:
        """The fault in single boxes, where only their place can tell: nearly all boxes that do not fit would fit if
        read so."""
        rows, inside = self.rows, self.other.inside
        misfits = np.isfinite(rows.numbers).all(1) & ~self.read.inside
        wrong = misfits & inside
        if wrong.sum() < max(LEAST_BOXES, 0.8 * misfits.sum()) or np.nansum(self.contrast[wrong]) < 0:
            return None
        # Right boxes that fit both ways show how easily a misfit would fit by chance.
        chance = float(inside[self.read.inside].mean()) if self.read.inside.any() else 0.5
        strength = float(-np.log(np.clip(chance, 0.05, 0.95)) * wrong.sum()) - self.other.convention.surprise
        if strength < LEAST_STRENGTH:
            return None
        places = tuple((int(rows.picture[i]), rows.places[i]) for i in np.flatnonzero(wrong))
        pictures = tuple(dict.fromkeys(picture for picture, _ in places))
        return self.found("boxes", pictures, wrong, strength, places)

    def found(
        self,
        scope: Scope,
        pictures: tuple[int, ...],
        suspected: Bools,
        strength: float,
        places: tuple[tuple[int, str], ...] = (),
    ) -> tuple[float, Suspicion]:
        """The suspicion of these rows, with all its evidence."""
        read, other, surprise = self.read, self.other, self.other.convention.surprise
        contrast = np.nan_to_num(other.contrast) - np.nan_to_num(read.contrast)
        model, told = self.likeness(~suspected)
        alike = told[suspected & model.known[self.rows.labels]]
        suspicion = Suspicion(
            scope=scope,
            pictures=pictures,
            of_pictures=len(np.unique(self.rows.picture)),
            strength=strength,
            evidence=BoxEvidence(
                read_as=read.convention,
                meant=other.convention,
                boxes=int(suspected.sum()),
                misfits=(int((suspected & ~read.inside).sum()), int((suspected & ~other.inside).sum())),
                contrast=(_mean(read.contrast[suspected]), _mean(other.contrast[suspected])),
                usual_contrast=_mean(read.contrast[~suspected]),
                likeness=(int((alike < 0).sum()), int((alike > 0).sum())) if len(alike) else None,
            ),
            places=places,
        )
        return float((self.place + DEPENDENCE * contrast)[suspected].sum()) - surprise, suspicion


def _pooled(one: Floats, other: Floats) -> float:
    both = np.concatenate([part - part.mean() for part in (one, other) if len(part)])
    return max(float(both.std()), 0.1)


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
