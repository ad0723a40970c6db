"""Labels of one picture, checked as they are read: every reader feeds its rows through here, so all judge
alike.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from yolosses.training.data.dataset import BoxFormat, Record, WrittenLabels
from yolosses.training.data.problems import LOSES_AN_OBJECT, DataError, Problem, ProblemKind, printable

CLIP_TOLERANCE = 0.5  # pixels: rounding in the label file, not worth a word
_LEAST_SIDE = 1e-6  # of the picture: below this a side is lost in float32 next to a centre of order 1
_MOST_SIDES = 10  # of the picture: a box larger than this is no box that was cut by the picture's edge


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One picture that a data set lists.

    Attributes:
        name: of the picture, unique within the split.
        record: its labels, or None if it cannot be used (one of the problems says why).
        problems: what is wrong with its labels.
        unlabelled: True if it has no label file, which makes it a picture without objects.
    """

    name: str
    record: Record | None
    problems: Sequence[Problem] = ()
    unlabelled: bool = False

    @property
    def lacks_its_objects(self) -> bool:
        """Whether the picture shows objects and none of them is left, as all of its rows were skipped: to train on it
        would teach that there is background.
        """
        has_none = self.record is not None and not len(self.record.labels)
        return has_none and any(problem.kind in LOSES_AN_OBJECT for problem in self.problems)


@dataclass(frozen=True, kw_only=True)
class NoClass:
    """Why a label has no class index. ``kind``: "class" or "other class", see `Problem`."""

    reason: str
    kind: ProblemKind = "class"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All that a reader found for a split: its pictures, and the problems and notes that belong to no
    picture.

    ``class_numbers``: the number of each class in the label files; None where they have names.
    """

    class_names: tuple[str, ...]
    entries: list[Entry]
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    class_numbers: tuple[int, ...] | None = None


class ClassIndex:
    """Labels by name: the classes that are wanted, and those that the data set has.

    Args:
        own: the data set's class names, in its own order; None if it has none, and numbers then mean
            ``wanted``.
        wanted: the names to number by; None for the data set's own.

    Raises:
        DataError: if the two have no name in common.
    """

    def __init__(self, own: Sequence[str] | None, wanted: Sequence[str] | None) -> None:
        names = wanted if wanted is not None else own
        if not names:
            raise DataError("class_names: expected at least one class; got none")
        self.names = tuple(names)
        self._own = tuple(own) if own is not None else self.names
        self._index = {name: i for i, name in reversed(list(enumerate(self.names)))}
        if wanted is not None and not any(name in self._index for name in self._own):
            raise DataError(
                f"class_names: none of the data set's classes {_listed(self._own)}"
                f" is among the wanted {_listed(self.names)}"
            )
        # Own numbers stay as they are unless other names are asked for: a data set may name two classes alike.
        self._numbers = (
            list(range(len(self._own)))
            if self._own == self.names
            else [self._index.get(name) for name in self._own]
        )

    def by_name(self, name: str) -> int | NoClass:
        """The label of a class name, or the reason why there is none."""
        label = self._index.get(name)
        if label is not None:
            return label
        reason = f"class {name!r} is not among the {len(self.names)} classes {_listed(self.names)}"
        return NoClass(reason=reason, kind="other class" if name in self._own else "class")

    def by_number(self, number: int) -> int | NoClass:
        """The label of the data set's own class number, or the reason why there is none."""
        if not 0 <= number < len(self._own):
            count = len(self._own)
            return NoClass(reason=f"class {number}, but there are {count} classes (0..{count - 1})")
        label = self._numbers[number]
        return self.by_name(self._own[number]) if label is None else label


class Labels:
    """Collects the objects of one picture. What cannot be used becomes a `Problem`; the rest becomes a
    `Record`, which keeps all of them as they were written.

    Args:
        file: the label file, for the problems.
        image_size: (height, width) in pixels.
        box_format: what the four numbers of a box are, see `WrittenLabels`.
    """

    def __init__(self, file: Path, image_size: tuple[int, int], box_format: BoxFormat) -> None:
        self.file = file
        self.image_size = image_size
        self.box_format = box_format
        self.problems: list[Problem] = []
        self._boxes: list[tuple[float, float, float, float]] = []
        self._labels: list[int] = []
        self._ignore: list[bool] = []
        self._seen: dict[tuple[object, ...], str] = {}
        self._places: list[str] = []
        self._categories: list[str] = []
        self._numbers: list[tuple[float, float, float, float]] = []
        self._written_labels: list[int] = []
        self._kept: list[int] = []

    def skip(self, where: str, reason: str, kind: ProblemKind = "row") -> None:
        """Report an object that cannot be used."""
        problem = Problem(file=self.file, where=where, reason=reason, action="skipped", kind=kind)
        self.problems.append(problem)

    def add(
        self,
        where: str,
        category: str,
        label: int | NoClass,
        numbers: tuple[float, float, float, float],
        *,
        ignore: bool = False,
    ) -> None:
        """Take in one object: it is kept as written, and checked.

        Args:
            where: its place in the file.
            category: its class as written.
            label: the class index, or why there is none.
            numbers: its box as written, in ``box_format``.
            ignore: crowd or difficult.
        """
        # Interned: places and classes repeat from picture to picture.
        self._places.append(sys.intern(where))
        self._categories.append(sys.intern(category))
        self._numbers.append(numbers)
        self._written_labels.append(label if isinstance(label, int) else -1)
        before = len(self._boxes)
        self._check(where, label, edges(numbers, self.box_format, self.image_size), ignore)
        self._kept.append(before if len(self._boxes) > before else -1)

    def _check(
        self, where: str, label: int | NoClass, corners: tuple[float, float, float, float], ignore: bool
    ) -> None:
        height, width = self.image_size
        left, top, right, bottom = corners
        if isinstance(label, NoClass):
            return self.skip(where, label.reason, label.kind)
        if not all(map(math.isfinite, corners)):
            reason = f"the box is not finite (edges {left:g}, {top:g}, {right:g}, {bottom:g})"
            return self.skip(where, reason, "number")
        if right - left < _LEAST_SIDE * width or bottom - top < _LEAST_SIDE * height:
            return self.skip(
                where,
                f"box of width {right - left:g} and height {bottom - top:g} pixels: both must be above 0",
                "area",
            )
        if right - left > _MOST_SIDES * width or bottom - top > _MOST_SIDES * height:
            reason = f"box of {right - left:.4g}x{bottom - top:.4g} pixels in a picture of {width}x{height}"
            return self.skip(where, reason, "number")
        twin = self._seen.setdefault((label, corners, ignore), where)
        if twin is not where:
            return self.skip(where, f"the same as {twin}", "repeat")
        excess = max(-left, -top, right - width, bottom - height)
        if excess > 0:
            left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)
            picture = f"the picture of {width}x{height} (width x height)"
            if right - left < _LEAST_SIDE * width or bottom - top < _LEAST_SIDE * height:
                return self.skip(
                    where,
                    f"wholly outside {picture}: edges {', '.join(f'{edge:g}' for edge in corners)} pixels",
                    "outside",
                )
            if excess > CLIP_TOLERANCE:
                reason = f"leaves {picture} by {excess:.4g} pixels"
                self.problems.append(
                    Problem(file=self.file, where=where, reason=reason, action="clipped", kind="leaves")
                )
        self._boxes.append(
            (
                (left + right) / (2 * width),
                (top + bottom) / (2 * height),
                (right - left) / width,
                (bottom - top) / height,
            )
        )
        self._labels.append(label)
        self._ignore.append(ignore)
        return None

    def entry(self, name: str, path: Path, *, unlabelled: bool = False) -> Entry:
        """The picture with what was collected."""
        record = Record(
            name=printable(name),
            path=path,
            image_size=self.image_size,
            boxes=np.array(self._boxes, np.float32).reshape(-1, 4),
            labels=np.array(self._labels, np.int64),
            ignore=np.array(self._ignore, np.bool_),
            written=WrittenLabels(
                file=self.file,
                exists=not unlabelled,
                box_format=self.box_format,
                places=tuple(self._places),
                categories=tuple(self._categories),
                numbers=np.array(self._numbers, np.float64).reshape(-1, 4),
                labels=np.array(self._written_labels, np.int64),
                kept=np.array(self._kept, np.int64),
            ),
        )
        return Entry(name=record.name, record=record, problems=self.problems, unlabelled=unlabelled)


def edges(
    numbers: tuple[float, float, float, float], box_format: BoxFormat, image_size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom edges in pixels of a box as written. ``image_size``: (height, width)."""
    a, b, c, d = numbers
    match box_format:
        case "cxcywh":
            height, width = image_size
            return (a - c / 2) * width, (b - d / 2) * height, (a + c / 2) * width, (b + d / 2) * height
        case "xywh":
            return a, b, a + c, b + d
        case "xyxy":
            return a, b, c, d


def unusable(name: str, file: Path, where: str, reason: str, kind: ProblemKind = "file") -> Entry:
    """A listed picture of which nothing can be used."""
    problem = Problem(file=file, where=where, reason=reason, action="skipped", kind=kind)
    return Entry(name=printable(name), record=None, problems=[problem])


def unreadable(name: str, picture: Path, error: DataError) -> Entry:
    """A picture that cannot be read."""
    reason = str(error).removeprefix(f"{picture}: ")
    return unusable(name, picture, "file", reason, "picture")


def stated_side(value: object) -> int | None:
    """A side in pixels as a label file states it: a whole number, also written as 640.0 or as text."""
    try:
        side = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return int(side) if side.is_integer() and 0 < side < 1e9 else None


def size_conflict(stated: tuple[object, object], actual: tuple[int, int]) -> str | None:
    """The reason why pixels of the ``stated`` (height, width) say nothing about a picture of the ``actual``
    one, if they differ.

    A size that is missing or not positive states nothing.
    """
    if (
        any(isinstance(side, bool) or not isinstance(side, int) or side <= 0 for side in stated)
        or stated == actual
    ):
        return None
    return (
        f"labelled as {stated[1]}x{stated[0]} (width x height), but the picture is {actual[1]}x{actual[0]}"
        " once upright: its boxes cannot be placed"
    )


def _listed(names: Sequence[str], most: int = 10) -> str:
    return f"({', '.join(names[:most])}{', ...' if len(names) > most else ''})"
