"""A small data set in memory: one or two bright rectangles on grey, the class told by the colour."""

import numpy as np
from numpy.typing import NDArray

from yolosses.training.data import DetectionDataset, Record

SIZE = 64
COLOURS = ((230, 40, 40), (40, 60, 230))


def rectangles(index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges (n, 4) in whole pixels, and classes (n,)."""
    rng = np.random.default_rng(index)
    count = 1 + index % 2
    size = rng.integers(14, 28, (count, 2))
    corner = np.stack([rng.integers(2, 4, count), rng.integers(2, 30, count)], 1)
    corner[:, 0] += 32 * np.arange(count)
    return np.concatenate([corner, corner + size], 1), np.arange(index, index + count) % 2


def paint(index: int) -> NDArray[np.uint8]:
    picture = np.full((SIZE, SIZE, 3), 128, np.uint8)
    for (left, top, right, bottom), label in zip(*rectangles(index), strict=True):
        picture[top:bottom, left:right] = COLOURS[label]
    return picture


def shapes(count: int, *, start: int = 0) -> DetectionDataset:
    records = []
    for index in range(start, start + count):
        edges, labels = rectangles(index)
        boxes = np.concatenate([(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]], 1) / SIZE
        records.append(
            Record(
                name=f"shape-{index:02d}",
                path=None,
                image_size=(SIZE, SIZE),
                boxes=boxes.astype(np.float32),
                labels=labels,
                ignore=np.zeros(len(labels), bool),
            )
        )
    return DetectionDataset(
        name="shapes",
        split="train",
        class_names=("red", "blue"),
        records=records,
        problems=[],
        paint=lambda index: paint(start + index),
    )
