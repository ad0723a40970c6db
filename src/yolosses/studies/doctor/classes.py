"""Class numbers that are one too high or one too low: counted from 1 where the layout counts from 0, or the reverse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from yolosses.studies.doctor.appearance import Appearance
from yolosses.studies.doctor.evidence import ClassEvidence
from yolosses.studies.doctor.rows import Bools, Floats, Ints, Rows
from yolosses.studies.doctor.structures import Suspicion

LEAST_STRENGTH = 8.0  # what numbers beyond the end must say together, as a logarithm
LEAST_SINGLE = 12.0  # for one picture alone
LEAST_FIT = 1.0  # how much better the other numbers must fit once shifted back, as a logarithm
ALMOST_ALL = 0.9  # of the pictures: taken for all

_UNKNOWN = 4.0  # that a number beyond the end says, if it were a slip of the pen; twice in a picture at most
_SLIPS = 0.1  # of the pictures with such a number: so many may hold a number that cannot be shifted back
_MOST = 5.0  # what the other numbers of one picture may say, and what its objects look like
_ROUNDS = 8  # in which pictures are told apart by what their objects look like
_DEPENDENCE = 0.5  # objects of one picture are not independent: so much of their looks counts


def suspect_classes(
    rows: Rows,
    class_numbers: Sequence[int] | None,
    first_alike: Ints,
    appearance: Appearance,
    *,
    named: bool,
) -> list[Suspicion]:
    """The fault, if the numbers in the labels show it.

    A number just beyond one end of those that stand for classes shows it, if all numbers of the same picture would
    stand for classes once shifted back, and if they are then as usual as in the other pictures and the objects look
    like those classes: else a class may be missing in the list. Where classes have no names, a first number that
    nothing uses shows it as well.

    Args:
        class_numbers: those that stand for classes; None if classes are written by name, which nobody miscounts.
        first_alike: (N,) for each picture the first that is nearly the same, which may be itself: all its copies
            are one piece of evidence.
        appearance: what the objects look like, as far as they were looked at.
        named: False if classes are known by their numbers only.
    """
    if not class_numbers or not len(rows):
        return []
    table = _Table.of(rows, class_numbers)
    found = [one for shift in (1, -1) if (one := _shifted(table, first_alike, appearance, shift)) is not None]
    if not found and not named and (one := _counted_from_one(table)) is not None:
        found.append(one)
    return sorted(found, key=lambda one: -one.strength)[:1]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """Which numbers are used where.

    Attributes:
        numbers: (R,) of each row, NaN for what is no number. class_numbers: those that stand for classes.
        pictures: (F,) those with objects. group: (R,) place in ``pictures`` of each row.
    """

    numbers: Floats
    class_numbers: Sequence[int]
    pictures: Ints
    group: Ints

    @classmethod
    def of(cls, rows: Rows, class_numbers: Sequence[int]) -> _Table:
        pictures, group = np.unique(rows.picture, return_inverse=True)
        numbers = np.array([_number(category) for category in rows.categories])
        return cls(numbers=numbers, class_numbers=class_numbers, pictures=pictures, group=group)

    def counted(self, wanted: Bools) -> Ints:
        """(F,) how many of these rows each picture has."""
        return np.bincount(self.group[wanted], minlength=len(self.pictures))

    def stand_for_classes(self, shift: int) -> Bools:
        """(R,) whether each number does if ``shift`` is taken off."""
        return np.isin(self.numbers - shift, self.class_numbers)

    def classes(self, shift: int) -> Ints:
        """(R,) place of each class among ``class_numbers`` if ``shift`` is taken off its number, -1 for none."""
        index: dict[float, int] = {number: place for place, number in enumerate(self.class_numbers)}
        return np.array([index.get(number, -1) for number in (self.numbers - shift).tolist()], np.int64)

    def present(self, shift: int) -> Bools:
        """(F, C) which classes a picture has if ``shift`` is taken off its numbers."""
        found = np.zeros((len(self.pictures), len(self.class_numbers)), np.bool_)
        classes = self.classes(shift)
        found[self.group[classes >= 0], classes[classes >= 0]] = True
        return found

    def evidence(
        self,
        suspected: Bools,
        shift: int,
        *,
        unknown: tuple[int, int] | None,
        likeness: tuple[int, int] | None,
    ) -> ClassEvidence:
        """Of these rows; ``unknown``, ``likeness``: see there."""
        first, last = min(self.class_numbers), max(self.class_numbers)
        unused = first if shift > 0 else last
        return ClassEvidence(
            shift=shift,
            unknown=unknown,
            unused=unused,
            used_elsewhere=int((self.numbers[~suspected] == unused).sum()),
            first=first,
            last=last,
            boxes=int(suspected.sum()),
            boxes_elsewhere=int((~suspected).sum()),
            likeness=likeness,
        )


def _shifted(table: _Table, first_alike: Ints, appearance: Appearance, shift: int) -> Suspicion | None:
    beyond = max(table.class_numbers) + 1 if shift > 0 else min(table.class_numbers) - 1
    unknown = table.counted(table.numbers == beyond)
    impossible = table.counted(~table.stand_for_classes(shift))
    shown = (unknown > 0) & (impossible == 0)
    original = first_alike[table.pictures] == table.pictures
    contradicted = int(((unknown > 0) & (impossible > 0) & original).sum())
    independent = int((shown & original).sum())
    everywhere = not impossible.any()
    strength = float(_UNKNOWN * np.minimum(unknown, 2)[shown & original].sum())
    least = LEAST_STRENGTH if independent > 1 or everywhere else LEAST_SINGLE
    if contradicted > _SLIPS * independent or strength < least:
        return None
    rest = ~shown & original & (not everywhere)
    more, looks = _looks(table, appearance, rest, first_alike, shift)
    if _fit(table, shown & original, rest, shift) + looks[shown & original].sum() < LEAST_FIT:
        return None
    chosen = shown | everywhere
    compared = more[chosen[table.group[appearance.rows]]]
    likeness = int((compared < 0).sum()), int((compared > 0).sum())
    suspected, order = chosen[table.group], np.argsort(-unknown, kind="stable")
    strange = table.numbers[suspected & np.isfinite(table.numbers) & ~table.stand_for_classes(0)]
    ((number, count),) = Counter(strange.tolist()).most_common(1)
    return Suspicion(
        scope="all" if chosen.mean() >= ALMOST_ALL else "pictures",
        pictures=tuple(int(table.pictures[i]) for i in order if chosen[i]),
        of_pictures=len(table.pictures),
        strength=strength,
        evidence=table.evidence(
            suspected, shift, unknown=(int(number), count), likeness=likeness if any(likeness) else None
        ),
    )


def _fit(table: _Table, shown: Bools, rest: Bools, shift: int) -> float:
    """How much better the classes of the pictures fit to those of the rest once shifted back, as a logarithm. Where
    there is no rest, how unlikely it is that nothing uses the class at the other end."""
    read, meant = table.present(0), table.present(shift)
    if not rest.any():
        return (
            float("inf") if shift < 0 else -float(read.sum() * np.log1p(-1 / (len(table.class_numbers) + 1)))
        )
    usual = (read[rest].sum(0) + 0.5) / (rest.sum() + 1)
    # That the pictures have the class at the end is what they were chosen for: it says nothing of how usual it is.
    end = int(np.argmin(table.class_numbers) if shift < 0 else np.argmax(table.class_numbers))
    meant_fit, read_fit = (found * np.log(usual) + ~found * np.log1p(-usual) for found in (meant, read))
    meant_fit[:, end] = 0
    better = (meant_fit - read_fit)[shown].sum(1)
    return float(np.clip(better, -_MOST, _MOST).sum())


def _looks(
    table: _Table, appearance: Appearance, rest: Bools, first_alike: Ints, shift: int
) -> tuple[Floats, Floats]:
    """Which of the N objects that were looked at look more like the class of their number once shifted back (1) than
    like that of the number as written (-1), 0 if unknown; (F,) what those of each picture say, as a logarithm.

    What a class looks like the rest shows, of which some may be shifted too: told apart in rounds, beginning
    with none. How often looks are wrong the rest shows as well."""
    rows, group = appearance.rows, table.group[appearance.rows]
    read, meant = table.classes(0)[rows], table.classes(shift)[rows]
    moved, weight = np.zeros(len(rest), np.bool_), 0.0
    sign, votes = np.zeros(len(rows)), np.zeros(len(rest))
    for _ in range(_ROUNDS):
        known = np.where(rest[group], np.where(moved[group], meant, read), -1)
        told = appearance.comparison(known, meant, read, first_alike[table.pictures[group]])
        sign = np.sign(np.nan_to_num(told))
        votes = np.bincount(group, sign, len(rest)).astype(np.float64)
        right = ((sign > 0) == (votes > 0)[group])[rest[group] & (sign != 0)]
        weight = max(0.0, float(np.log((right.sum() + 1) / ((~right).sum() + 1))))
        if ((votes > 0) == moved).all():
            break
        moved = votes > 0
    return sign, np.clip(_DEPENDENCE * weight * votes, -_MOST, _MOST)


def _counted_from_one(table: _Table) -> Suspicion | None:
    """Numbers 1..n, each used, where classes are counted from 0 and have no names that say otherwise."""
    used, numbers = set(table.numbers.tolist()), table.class_numbers
    if min(numbers) in used or len(numbers) < 3 or not used.issuperset(numbers[1:]):
        return None
    everything = np.ones(len(table.numbers), np.bool_)
    return Suspicion(
        scope="all",
        pictures=tuple(table.pictures.tolist()),
        of_pictures=len(table.pictures),
        strength=LEAST_STRENGTH,
        evidence=table.evidence(everything, 1, unknown=None, likeness=None),
    )


def alike_names(class_names: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups of names that differ in case, spaces, "_" and "-" only: one class, most likely."""
    alike: dict[str, list[str]] = {}
    for name in class_names:
        alike.setdefault(re.sub(r"[\s_-]+", "", name).casefold(), []).append(name)
    return [tuple(names) for key, names in alike.items() if key and len(names) > 1]


def _number(category: str) -> float:
    """The whole number; NaN if it is not a number."""
    try:
        return float(int(float(category)))
    except (ValueError, OverflowError):  # a json may hold anything
        return np.nan
