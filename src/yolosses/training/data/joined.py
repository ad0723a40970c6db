"""A whole data set: all its splits as one, each picture once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yolosses.training.data.dataset import DetectionDataset, Record
from yolosses.training.data.layout import open_dataset, splits_of
from yolosses.training.data.problems import DataError

_ORDER = ("train", "val", "test")


class Joined(NamedTuple):
    """Several splits as one data set, and the split of each of its pictures."""

    dataset: DetectionDataset
    splits: tuple[str, ...]


def open_whole(data: str | Path, splits: Sequence[str] = ()) -> Joined:
    """Open several splits of a data set as one.

    Args:
        data: as for `open_dataset`.
        splits: those to open. None given: all, so that each picture comes once: ``trainval`` is left out beside
            ``train`` and ``val``, nothing is held out, and a split that cannot be used is told in the note.

    Raises:
        DataError: a split of ``splits`` cannot be opened, or no split can.
    """
    if splits:
        return join_datasets([open_dataset(data, split) for split in dict.fromkeys(splits)])
    names = tuple(
        sorted(splits_of(data), key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    )
    if {"train", "val"} <= set(names):
        names = tuple(name for name in names if name != "trainval")
    parts: list[DetectionDataset] = []
    failures: list[tuple[str, DataError]] = []
    for name in names:
        try:
            parts.append(open_dataset(data, name, whole=True))
        except DataError as error:
            failures.append((name, error))
    if not parts:
        raise failures[0][1]
    longest = max((part.class_names for part in parts), key=len)
    parts = [
        part
        if part.class_names == longest
        else open_dataset(data, part.split, whole=True, class_names=longest)
        for part in parts
    ]
    return join_datasets(parts, notes=[f"split {name} is left out: {error}" for name, error in failures])


def join_datasets(parts: Sequence[DetectionDataset], *, notes: Sequence[str] = ()) -> Joined:
    """Several splits as one data set. Pictures of the same name get the name of their split before theirs.

    Args:
        parts: with the same classes. notes: to be told with theirs.

    Raises:
        DataError: their classes differ.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.class_names != first.class_names:
            raise DataError(
                f"{part.name}: expected the same classes in all splits; {part.split!r} has"
                f" {len(part.class_names)}, {first.split!r} has {len(first.class_names)}"
            )
    if len(parts) == 1 and not notes:
        return Joined(first, (first.split,) * len(first))
    names = [record.name for part in parts for record in part.records]
    alike = {name for name, count in Counter(names).items() if count > 1}
    starts = [0, *accumulate(len(part) for part in parts)]

    def picture(index: int) -> NDArray[np.uint8]:
        part = int(np.searchsorted(starts, index, side="right")) - 1
        return parts[part].picture(index - starts[part])

    numbers = {number for part in parts for number in part.class_numbers or ()}
    of_all = [note for note in first.notes if all(note in part.notes for part in parts)]
    of_one = [f"{part.split}: {note}" for part in parts for note in part.notes if note not in of_all]
    dataset = DetectionDataset(
        name=first.name,
        split="+".join(part.split for part in parts),
        class_names=first.class_names,
        records=[_named(record, part.split, alike) for part in parts for record in part.records],
        problems=[problem for part in parts for problem in part.problems],
        notes=[*of_all, *of_one, *notes],
        class_numbers=sorted(numbers) or None,
        paint=picture,
        cache_bytes=0,  # each part keeps its own
    )
    return Joined(dataset, tuple(part.split for part in parts for _ in part.records))


def _named(record: Record, split: str, alike: set[str]) -> Record:
    return replace(record, name=f"{split}/{record.name}") if record.name in alike else record
