"""The rows of YOLO label files: checked, and counted where they are no plain boxes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from yolosses.training.data.annotations import ClassIndex, Entry, Labels, NoClass, unusable
from yolosses.training.data.label_files import label_file
from yolosses.training.data.rows import Row, meaning_of, parse_row, turned_box
from yolosses.training.data.text import read_lines

_SHAPES = {
    "polygon": "are polygons or rotated boxes (corners): the box around each is taken",
    "keypoints": "have keypoints: the box before them is taken",
    "confidence": "have a sixth value, which is taken for a confidence and not used",
    "track": "have a sixth value, which is taken for the number of a track and not used",
    "radians": "have an angle in radians as sixth value: the box around each rotated box is taken",
    "degrees": "have an angle in degrees as sixth value: the box around each rotated box is taken",
}


class _Waiting(NamedTuple):
    """A file whose rows of six values wait until all files are read."""

    index_name: str
    path: Path
    labels: Labels
    rows: list[tuple[str, Row | str]]


class YOLOLabels:
    """Reads label files, one after the other. What a sixth value means is decided by those of all files."""

    def __init__(self, classes: ClassIndex, keypoint_values: int | None) -> None:
        self._classes = classes
        self._keypoint_values = keypoint_values
        self._counts: Counter[str] = Counter()
        self._waiting: dict[int, _Waiting] = {}
        self._sixths: list[list[float]] = []  # of each file

    def read(self, name: str, picture: Path, file: Path | None, image_size: tuple[int, int]) -> Entry:
        """The entry of a picture; one whose rows wait is settled later."""
        labels = Labels(file or label_file(picture), image_size, "cxcywh")
        if file is None:
            return labels.entry(name, picture, unlabelled=True)
        try:
            lines = read_lines(file)
        except (OSError, UnicodeDecodeError) as error:
            return unusable(name, file, "file", f"cannot be read as text ({error})")
        rows = [
            (f"line {number}", parse_row(line, self._keypoint_values))
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        sixths = [row.sixth for _, row in rows if isinstance(row, Row) and row.shape == "sixth"]
        if sixths:
            self._sixths.append(sixths)
            entry = Entry(name=name, record=None)
            self._waiting[id(entry)] = _Waiting(name, picture, labels, rows)
            return entry
        return self._entry(name, picture, labels, rows)

    def settled(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries, with those that waited."""
        if not self._waiting:
            return list(entries)
        meaning = meaning_of(self._sixths)
        unit = {"radians": 1.0, "degrees": math.pi / 180}.get(meaning, 0.0)
        self._counts[meaning] += sum(map(len, self._sixths))
        done = []
        for entry in entries:
            waiting = self._waiting.get(id(entry))
            done.append(
                entry
                if waiting is None
                else self._entry(waiting.index_name, waiting.path, waiting.labels, waiting.rows, unit)
            )
        return done

    def notes(self) -> list[str]:
        """How many rows were no plain boxes."""
        return [f"{count} row(s) {_SHAPES[shape]}" for shape, count in self._counts.items()]

    def _entry(
        self, name: str, picture: Path, labels: Labels, rows: list[tuple[str, Row | str]], unit: float = 0.0
    ) -> Entry:
        for where, row in rows:
            if isinstance(row, str):
                labels.skip(where, row)
                continue
            label = self._label(row.category)
            if isinstance(label, str):
                labels.skip(where, label)
                continue
            numbers = row.numbers
            if row.shape in ("polygon", "keypoints"):
                self._counts[row.shape] += 1
            elif row.shape == "sixth" and unit:
                numbers = turned_box(numbers, row.sixth * unit, labels.image_size)
            labels.add(where, row.category, label, numbers)
        return labels.entry(name, picture)

    def _label(self, category: str) -> int | NoClass | str:
        try:
            number = float(category)
        except ValueError:
            return f"class is not a number: {category[:40]!r}"
        if not number.is_integer() or "_" in category:  # nan and inf are none either
            return f"class is not a whole number: {category[:40]!r}"
        return self._classes.by_number(int(number))
