"""Class numbers that are one too high or one too low: counted from 1 where the layout counts from 0, or the reverse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from yolosses.studies.doctor.coordinates import ALMOST_ALL, DEPENDENCE, LIKENESS_ROUNDS, SURE, Readings
from yolosses.studies.doctor.likeness import Likeness
from yolosses.studies.doctor.mixture import Mixture
from yolosses.studies.doctor.rows import Bools, Floats, Rows
from yolosses.studies.doctor.structures import ClassEvidence, Suspicion

LEAST_STRENGTH = 8.0  # what all evidence together must reach, as a logarithm
LEAST_SINGLE = 12.0  # for one picture alone
LEAST_UNSHOWN = 15.0  # where no number is beyond the end

_UNKNOWN = 4.0  # that a number beyond the end says, if it were a slip of the pen; twice in a picture at most
_SPEAKS = 1.0  # evidence of a picture that says something
_IMPOSSIBLE = -20.0  # a number that would stand for no class once shifted back


def suspect_classes(
    rows: Rows,
    read: Readings,
    class_numbers: Sequence[int] | None,
    *,
    named: bool,
    misread: Collection[int] = (),
) -> list[Suspicion]:
    """The fault, if the numbers in the labels show it.

    A number beyond one end of those that stand for classes shows it, if all numbers of the same labels would stand for
    classes once shifted back. So do boxes whose shape and size is usual for the class before or after theirs, and not
    for theirs. Where classes have no names, a first number that nothing uses shows it as well.

    Args:
        read: the boxes as they are read.
        class_numbers: those that stand for classes; None if classes are written by name, which nobody miscounts.
        named: False if classes are known by their numbers only.
        misread: pictures whose boxes have a fault of their own, so that shape and size say nothing there.
    """
    if not class_numbers or not len(rows):
        return []
    numbers = _numbers(rows)
    right = read.inside & ~np.isin(rows.picture, list(misread))
    shapes = np.where(right[:, None], read.shapes, np.nan)
    found = [
        one
        for shift in (1, -1)
        if (
            one := _in_all(rows, numbers, class_numbers, shift)
            or _in_some(rows, shapes, numbers, class_numbers, shift)
        )
    ]
    if not found and not named and (one := _counted_from_one(rows, class_numbers)) is not None:
        found.append(one)
    return sorted(found, key=lambda one: -one.strength)[:1]


def _in_all(
    rows: Rows, numbers: list[int | None], class_numbers: Sequence[int], shift: int
) -> Suspicion | None:
    """Numbers beyond one end, none at the other, and all of them numbers of classes once shifted back."""
    used, known = Counter(numbers), set(class_numbers)
    other_end = min(known) if shift > 0 else max(known)
    unknown = sum(count for number, count in used.items() if number not in known)
    if not unknown or used[other_end] or not {number + shift for number in known}.issuperset(used):
        return None
    strength = _UNKNOWN - len(rows) * float(np.log1p(-1 / len(known))) if len(known) > 1 else 2 * _UNKNOWN
    if strength < LEAST_STRENGTH:
        return None
    pictures = tuple(dict.fromkeys(rows.picture.tolist()))
    every = np.ones(len(rows), np.bool_)
    return Suspicion(
        scope="all",
        pictures=pictures,
        of_pictures=len(pictures),
        strength=strength,
        evidence=_evidence(numbers, every, class_numbers, shift, None),
    )


def _in_some(
    rows: Rows, shapes: Floats, numbers: list[int | None], class_numbers: Sequence[int], shift: int
) -> Suspicion | None:
    index = {number: label for label, number in enumerate(class_numbers)}
    here = np.array([index.get(number, -1) if number is not None else -1 for number in numbers])
    meant = np.array([index.get(number - shift, -1) if number is not None else -1 for number in numbers])
    pictures, group = np.unique(rows.picture, return_inverse=True)
    unknown = np.bincount(group, here < 0, len(pictures))
    impossible = np.bincount(group, meant < 0, len(pictures))
    shown = np.where(impossible > 0, _IMPOSSIBLE, _UNKNOWN * np.minimum(unknown, 2))
    mixture = Mixture.fitted(shown)
    likeness = np.zeros(len(rows))
    # A picture that says nothing itself is trusted, and not suspected, however many others have the fault.
    for _ in range(LIKENESS_ROUNDS):  # each trusts other pictures
        model = Likeness.fitted(shapes, here, mixture.evidence[group] < _SPEAKS)
        told = model.comparison(shapes, shapes, meant, here)
        likeness = np.where(model.known[meant] & model.known[here], told, 0.0)
        mixture = Mixture.fitted(shown + DEPENDENCE * np.bincount(group, likeness, len(pictures)))
    chosen = (mixture.probability >= SURE) & (mixture.evidence >= _SPEAKS)
    count = int(chosen.sum())
    least = LEAST_STRENGTH if count > 1 else LEAST_SINGLE
    if not count or mixture.strength < (least if unknown[chosen].any() else LEAST_UNSHOWN):
        return None
    suspected, order = chosen[group], np.argsort(-mixture.evidence, kind="stable")
    compared = likeness[suspected]
    return Suspicion(
        scope="all" if count >= ALMOST_ALL * len(pictures) else "pictures",
        pictures=tuple(int(pictures[i]) for i in order if chosen[i]),
        of_pictures=len(pictures),
        strength=mixture.strength,
        evidence=_evidence(
            numbers, suspected, class_numbers, shift, (int((compared < 0).sum()), int((compared > 0).sum()))
        ),
    )


def _evidence(
    numbers: list[int | None],
    suspected: Bools,
    class_numbers: Sequence[int],
    shift: int,
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
    return [tuple(names) for names in alike.values() if len(names) > 1]


def _numbers(rows: Rows) -> list[int | None]:
    return [_number(category) for category in rows.categories]


def _number(category: str) -> int | None:
    try:
        return int(float(category))
    except (ValueError, OverflowError):  # a json may hold anything
        return None
