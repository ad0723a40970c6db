"""Class numbers that are one too high or one too low: counted from 1 where the layout counts from 0, or the reverse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
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
    if not found and not named and (one := _counted_from_one(rows, class_numbers)) is not None:
        found.append(one)
    return sorted(found, key=lambda one: -one.strength)[:1]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """Which numbers are used where.

    Attributes:
        numbers: of each row, None for what is no number. class_numbers: those that stand for classes.
        pictures: (F,) those with objects. group: (R,) place in ``pictures`` of each row.
    """

    numbers: list[int | None]
    class_numbers: Sequence[int]
    pictures: Ints
    group: Ints

    @classmethod
    def of(cls, rows: Rows, class_numbers: Sequence[int]) -> _Table:
        pictures, group = np.unique(rows.picture, return_inverse=True)
        return cls(numbers=_numbers(rows), class_numbers=class_numbers, pictures=pictures, group=group)

    def counted(self, wanted: Callable[[int | None], bool]) -> Ints:
        """(F,) rows with such a number."""
        chosen = np.array([wanted(number) for number in self.numbers], np.bool_)
        return np.bincount(self.group[chosen], minlength=len(self.pictures))

    def classes(self, shift: int) -> Ints:
        """(R,) place of each class among ``class_numbers`` if ``shift`` is taken off its number, -1 for none."""
        index: dict[int | None, int] = {
            number + shift: place for place, number in enumerate(self.class_numbers)
        }
        return np.array([index.get(number, -1) for number in self.numbers], np.int64)

    def present(self, shift: int) -> Bools:
        """(F, C) which classes a picture has if ``shift`` is taken off its numbers."""
        found = np.zeros((len(self.pictures), len(self.class_numbers)), np.bool_)
        classes = self.classes(shift)
        found[self.group[classes >= 0], classes[classes >= 0]] = True
        return found


def _shifted(table: _Table, first_alike: Ints, appearance: Appearance, shift: int) -> Suspicion | None:
    known = set(table.class_numbers)
    beyond = max(known) + 1 if shift > 0 else min(known) - 1
    unknown = table.counted(lambda number: number == beyond)
    impossible = table.counted(lambda number: number is None or number - shift not in known)
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
    suspected, order = chosen[table.group], np.argsort(-unknown, kind="stable")
    return Suspicion(
        scope="all" if chosen.mean() >= ALMOST_ALL else "pictures",
        pictures=tuple(int(table.pictures[i]) for i in order if chosen[i]),
        of_pictures=len(table.pictures),
        strength=strength,
        evidence=_evidence(
            table.numbers,
            suspected,
            table.class_numbers,
            shift,
            likeness=(int((compared < 0).sum()), int((compared > 0).sum())) if compared.any() else None,
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


def _evidence(
    numbers: list[int | None],
    suspected: Bools,
    class_numbers: Sequence[int],
    shift: int,
    *,
    likeness: tuple[int, int] | None,
) -> ClassEvidence:
    first, last = min(class_numbers), max(class_numbers)
    inside = Counter(number for number, chosen in zip(numbers, suspected, strict=True) if chosen)
    outside = Counter(number for number, chosen in zip(numbers, suspected, strict=True) if not chosen)
    known = set(class_numbers)
    unknown = [
        (number, count)
        for number, count in inside.most_common()
        if number is not None and number not in known
    ]
    end = first if shift > 0 else last
    return ClassEvidence(
        shift=shift,
        unknown=unknown[0] if unknown else None,
        unused=end,
        used_elsewhere=outside[end],
        first=first,
        last=last,
        boxes=inside.total(),
        boxes_elsewhere=outside.total(),
        likeness=likeness,
    )


def _counted_from_one(rows: Rows, class_numbers: Sequence[int]) -> Suspicion | None:
    """Numbers 1..n, each used, where classes are counted from 0 and have no names that say otherwise."""
    used = Counter(_numbers(rows))
    first, last = min(class_numbers), max(class_numbers)
    if used[first] or len(class_numbers) < 3 or not all(used[number] for number in class_numbers[1:]):
        return None
    pictures = tuple(dict.fromkeys(rows.picture.tolist()))
    return Suspicion(
        scope="all",
        pictures=pictures,
        of_pictures=len(pictures),
        strength=LEAST_STRENGTH,
        evidence=ClassEvidence(
            shift=1,
            unknown=None,
            unused=first,
            used_elsewhere=0,
            first=first,
            last=last,
            boxes=len(rows),
            boxes_elsewhere=0,
            likeness=None,
        ),
    )


def alike_names(class_names: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups of names that differ in case, spaces, "_" and "-" only: one class, most likely."""
    alike: dict[str, list[str]] = {}
    for name in class_names:
        alike.setdefault(re.sub(r"[\s_-]+", "", name).casefold(), []).append(name)
    return [tuple(names) for key, names in alike.items() if key and len(names) > 1]


def _numbers(rows: Rows) -> list[int | None]:
    return [_number(category) for category in rows.categories]


def _number(category: str) -> int | None:
    try:
        return int(float(category))
    except (ValueError, OverflowError):  # a json may hold anything
        return None
