"""Every object of a data set as its label files have it, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yolosses.training.data import BoxFormat, DetectionDataset, Record, WrittenLabels

_BEYOND = 1e9  # pixels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """R objects as written, usable or not.

    Attributes:
        box_format: of ``numbers``, see `WrittenLabels`.
        numbers: (R, 4) as written; NaN, which goes through every sum quietly, in place of what no picture can have.
        size: (R, 2) width, height of the object's picture in pixels.
        picture: (R,) index of the picture in the data set.
        index: (R,) position within the picture's written labels.
        labels: (R,) class index, -1 where there is no such class.
        categories: (R,) class as written.
        places: (R,) place in the label file.
    """

    box_format: BoxFormat
    numbers: Floats
    size: Floats
    picture: Ints
    index: Ints
    labels: Ints
    categories: tuple[str, ...]
    places: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.picture)

    @classmethod
    def of(cls, dataset: DetectionDataset) -> Rows:
        """All objects of a data set, in the order of its pictures, of which there is at least one."""
        written = [written_labels(record) for record in dataset.records]
        counts = [len(labels.places) for labels in written]
        sizes = np.array([record.image_size[::-1] for record in dataset.records], np.float64)
        numbers = np.concatenate([labels.numbers for labels in written])
        return cls(
            box_format=written[0].box_format,
            numbers=np.where(np.abs(numbers) < _BEYOND, numbers, np.nan),
            size=np.repeat(sizes, counts, axis=0),
            picture=np.repeat(np.arange(len(written)), counts),
            index=np.concatenate([np.arange(count) for count in counts]),
            labels=np.concatenate([labels.labels for labels in written]),
            categories=tuple(category for labels in written for category in labels.categories),
            places=tuple(place for labels in written for place in labels.places),
        )


def written_labels(record: Record) -> WrittenLabels:
    """The labels of a picture as written; of a picture made in memory, its boxes, as if written in order."""
    if record.written is not None:
        return record.written
    count = len(record.labels)
    return WrittenLabels(
        file=Path(record.name),
        exists=True,
        box_format="cxcywh",
        places=tuple(f"object {number}" for number in range(1, count + 1)),
        categories=tuple(map(str, record.labels.tolist())),
        numbers=record.boxes.astype(np.float64),
        labels=record.labels,
        kept=np.arange(count),
    )
