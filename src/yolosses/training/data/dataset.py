"""A data set of labelled pictures, whatever layout it was read from, and the pictures themselves."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yolosses.training.data.pictures import read_picture, reduced_size
from yolosses.training.data.problems import LOSES_AN_OBJECT, DataError, Problem

CACHE_BYTES = 2 << 30

_WHY = {
    "row": "not in the format",
    "number": "not finite or too large",
    "class": "of no class that there is",
    "area": "without area",
    "outside": "outside the picture",
}
BoxFormat = Literal["cxcywh", "xyxy", "xywh"]  # as written: fractions, pixels, pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class WrittenLabels:
    """The objects of one picture as its label file has them, usable or not: what a `Record` was made of.

    Rows whose box is not four numbers are not among them; they are `Problem`s only.

    Attributes:
        file: the label file.
        exists: False if there is none, which makes the picture one without objects.
        box_format: what the numbers of a box mean: ``"cxcywh"`` (fractions of the picture, YOLO), ``"xyxy"`` (pixels,
            VOC), ``"xywh"`` (pixels, COCO).
        places: (R,) place of each object in the file, as in `Problem`.
        categories: (R,) class as written, a name or a number.
        numbers: (R, 4) float64, the box as written. Anything is possible, nan and inf included.
        labels: (R,) int64, class index; -1 where there is no such class.
        kept: (R,) int64, index of the object in the record; -1 where it was skipped.
    """

    file: Path
    exists: bool
    box_format: BoxFormat
    places: tuple[str, ...]
    categories: tuple[str, ...]
    numbers: NDArray[np.float64]
    labels: NDArray[np.int64]
    kept: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """One labelled picture.

    Attributes:
        name: file name, unique within the data set.
        path: the picture's file; None for a picture made in memory.
        image_size: (height, width) in pixels of the picture as it is decoded, that is after its EXIF
            orientation.
        boxes: (N, 4) float32, cxcywh fractions of the picture, inside it, w and h > 0.
        labels: (N,) int64, class index.
        ignore: (N,) bool, crowd (COCO's iscrowd) or difficult (VOC).
        written: the labels as their file has them; None for a picture made in memory.
    """

    name: str
    path: Path | None
    image_size: tuple[int, int]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    ignore: NDArray[np.bool_]
    written: WrittenLabels | None = None


class DetectionDataset:
    """Labelled pictures of one split.

    Args:
        name: of the data set, for people.
        split: ``"train"``, ``"val"``, ...
        class_names: index is the label.
        records: the pictures, sorted by name.
        problems: everything found wrong in the labels of these pictures.
        notes: what a person must know (pictures held out, pictures without a label file), a line each.
        class_numbers: the numbers that stand for classes in the label files; None where they have names.
        paint: makes the picture of a record that has no file: index -> (H, W, 3) uint8 RGB.
        cache_bytes: decoded pictures are kept until this many bytes are used; those beyond it are decoded
            each time.
    """

    def __init__(
        self,
        *,
        name: str,
        split: str,
        class_names: Sequence[str],
        records: Sequence[Record],
        problems: Sequence[Problem] = (),
        notes: Sequence[str] = (),
        class_numbers: Sequence[int] | None = None,
        paint: Callable[[int], NDArray[np.uint8]] | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.name = name
        self.split = split
        self.class_names = tuple(class_names)
        self.records = list(records)
        self.problems = list(problems)
        self.notes = tuple(dict.fromkeys(notes))
        self.class_numbers = None if class_numbers is None else tuple(class_numbers)
        self._paint = paint
        self.unreadable: dict[str, str] = {}
        self._cache: dict[tuple[int, tuple[int, int] | None], NDArray[np.uint8]] = {}
        self._cache_left = cache_bytes
        self._lock = threading.Lock()

    @property
    def note(self) -> str | None:
        """All notes as one line; None if there are none."""
        return "; ".join(self.notes) or None

    def require_objects(self) -> None:
        """Make sure that there is something to learn.

        Raises:
            DataError: there is no object, or more rows of the labels were skipped than objects remain.
        """
        objects = sum(len(record.labels) for record in self.records)
        lost = [problem for problem in self.problems if problem.kind in LOSES_AN_OBJECT]
        if not is_too_little(objects, len(lost)):
            return
        found = f"{self.name}, split {self.split!r}: {objects} objects in {len(self)} pictures"
        if not lost:
            raise DataError(f"{found}: the labels hold none, so there is nothing to learn")
        kinds = Counter(_WHY[problem.kind] for problem in lost)
        counts = ", ".join(f"{count:,} {why}" for why, count in kinds.most_common())
        raise DataError(f"{found}, and {len(lost):,} rows cannot be used ({counts}); the first: {lost[0]}")

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        objects = sum(len(record.labels) for record in self.records)
        size = f"{len(self)} pictures, {objects} objects, {len(self.class_names)} classes"
        return f"DetectionDataset({self.name!r}, {self.split!r}: {size})"

    def picture(self, index: int, *, least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """The picture of ``records[index]``: (H, W, 3) uint8 RGB, upright, read-only. Safe to call from
        several threads.

        Args:
            least: (height, width) from which a smaller version will do, see `read_picture`; None: full size.

        Raises:
            DataError: if the file cannot be decoded, or is no longer of the recorded size.
        """
        cached = self._cache.get((index, least))
        if cached is not None:
            return cached
        picture = self._load(self.records[index], index, least)
        picture.flags.writeable = False  # shared by everyone who asks for it
        with self._lock:
            if (index, least) not in self._cache and picture.nbytes <= self._cache_left:
                self._cache[index, least] = picture
                self._cache_left -= picture.nbytes
        return picture

    def leave_out(self, index: int, error: DataError) -> None:
        """Remember that the picture of ``records[index]`` turned out to be unreadable."""
        with self._lock:
            self.unreadable.setdefault(self.records[index].name, str(error))

    def readable(self) -> DetectionDataset:
        """The data set without the pictures that turned out to be unreadable."""
        kept = [index for index, record in enumerate(self.records) if record.name not in self.unreadable]
        if len(kept) == len(self):
            return self
        return DetectionDataset(
            name=self.name,
            split=self.split,
            class_names=self.class_names,
            records=[self.records[index] for index in kept],
            problems=self.problems,
            notes=self.notes,
            class_numbers=self.class_numbers,
            paint=lambda index: self.picture(kept[index]),
            cache_bytes=self._cache_left,
        )

    def _load(self, record: Record, index: int, least: tuple[int, int] | None) -> NDArray[np.uint8]:
        if record.path is not None:
            picture = read_picture(record.path, least=least)
        elif self._paint is not None:
            picture = self._paint(index)
        else:
            raise DataError(
                f"{record.name}: the record has no file, and the data set no way to make its picture"
            )
        expected = reduced_size(record.image_size, least if record.path is not None else None)
        if picture.shape[:2] != expected:
            raise DataError(
                f"{record.path or record.name}: expected {_size(expected)} as when the labels were read;"
                f" got {_size(picture.shape)}"
            )
        return picture


def is_too_little(objects: int, lost_rows: int) -> bool:
    """Whether labels are not worth training on: no object, or more rows that cannot be used than objects."""
    return objects == 0 or lost_rows > objects


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]} (width x height)"
