"""Boxes that can be used and yet look wrong, each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from yolosses.boxes import pairwise_iou
from yolosses.studies.doctor.rows import Floats, written_labels
from yolosses.studies.doctor.structures import OddBox, OddKind
from yolosses.training.data import Record

TINY = 3.0  # pixels
SLIVER = 15.0  # times longer than wide, or the reverse
WHOLE = 0.99  # of the picture's width and height
SAME = 0.9  # IoU from which two boxes are almost the same
FEW = 20  # objects of a class: with fewer, none is too large or too small
FAR = 5.0  # robust standard deviations from the median size of the class


def find_odd_boxes(records: Sequence[Record]) -> list[OddBox]:
    """All of them, picture by picture."""
    typical = _typical_sizes(records)
    return [odd for index, record in enumerate(records) for odd in _of_picture(index, record, typical)]


def _of_picture(index: int, record: Record, typical: dict[int, tuple[float, float]]) -> Iterator[OddBox]:
    written = written_labels(record)
    rows = {int(kept): row for row, kept in enumerate(written.kept) if kept >= 0}
    height, width = record.image_size
    boxes = record.boxes.astype(np.float64)
    edges = _edges(boxes) * np.array([width, height, width, height])

    def odd(kind: OddKind, place: int, value: float, other: int | None = None) -> OddBox:
        left, top, right, bottom = edges[place].tolist()
        return OddBox(
            kind=kind,
            picture=index,
            object=place,
            file=written.file,
            where=written.places[rows[place]],
            label=int(record.labels[place]),
            edges=(left, top, right, bottom),
            value=value,
            other=None if other is None else written.places[rows[other]],
            other_object=other,
        )

    for place, label in enumerate(record.labels.tolist()):
        w, h = boxes[place, 2] * width, boxes[place, 3] * height
        short, long = min(w, h), max(w, h)
        if short < TINY:
            yield odd("tiny", place, float(short))
        elif long > SLIVER * short:
            yield odd("sliver", place, float(long / short))
        elif boxes[place, 2:].min() >= WHOLE and len(boxes) > 1:
            yield odd("whole", place, float(boxes[place, 2] * boxes[place, 3]))
        elif label in typical and not record.ignore[place]:
            median, spread = typical[label]
            size = _log_size(boxes[place])
            if abs(size - median) > FAR * spread:
                yield odd("size", place, float(np.exp(size - median)))
    for a, b, iou in _twins(boxes):
        kind: OddKind = "twin" if record.labels[a] == record.labels[b] else "two classes"
        yield odd(kind, b, iou, a)


def _twins(boxes: Floats) -> list[tuple[int, int, float]]:
    """Pairs a < b that overlap almost wholly."""
    if len(boxes) < 2:
        return []
    every = torch.from_numpy(boxes)
    iou = pairwise_iou(every, every).triu(1)
    return [(a, b, float(iou[a, b])) for a, b in (iou >= SAME).nonzero().tolist()]


def _typical_sizes(records: Sequence[Record]) -> dict[int, tuple[float, float]]:
    """Class -> median and robust spread of the logarithm of its boxes' side against the picture's."""
    by_class: dict[int, list[float]] = {}
    for record in records:
        for box, label, ignored in zip(record.boxes, record.labels.tolist(), record.ignore, strict=True):
            if not ignored:
                by_class.setdefault(label, []).append(_log_size(box))
    found = {}
    for label, sizes in by_class.items():
        if len(sizes) >= FEW:
            median = float(np.median(sizes))
            spread = 1.4826 * float(np.median(np.abs(np.array(sizes) - median)))
            found[label] = (median, max(spread, 0.15))
    return found


def _log_size(box: Floats) -> float:
    return 0.5 * float(np.log(max(float(box[2]) * float(box[3]), 1e-12)))


def _edges(boxes: Floats) -> Floats:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
