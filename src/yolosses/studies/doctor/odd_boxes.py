"""Boxes that can be used and yet look wrong, each by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from yolosses.boxes import pairwise_iou
from yolosses.studies.doctor.rows import Floats, Ints, written_labels
from yolosses.studies.doctor.structures import OddBox, OddKind
from yolosses.training.data import Record

TINY = 3.0  # pixels
SLIVER = 15.0  # times longer than wide, or the reverse
WHOLE = 0.99  # of the picture's width and height
SAME = 0.9  # IoU from which two boxes are almost the same
FEW = 20  # objects of a class: with fewer, none is too large or too small
_BLOCK, _WINDOW = 64, 512  # boxes that are compared at once
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
    for second, (first, iou) in sorted(first_twins(boxes).items()):
        kind: OddKind = "twin" if record.labels[first] == record.labels[second] else "two classes"
        yield odd(kind, second, iou, first)


def first_twins(boxes: Floats) -> dict[int, tuple[int, float]]:
    """Box -> the first box before it that it almost wholly covers, and their IoU.

    Boxes are compared in the order of their left edges, each block with those that begin near it: two boxes with an
    IoU of at least `SAME` begin and end within ``1 - SAME`` of the wider one's width.

    Args:
        boxes: (N, 4) cxcywh.
    """
    edges = _edges(boxes)
    order = np.argsort(edges[:, 0], kind="stable")
    left, reach = edges[order, 0], (1 - SAME) / SAME * boxes[order, 2]
    found: dict[int, tuple[int, float]] = {}
    for start in range(0, len(boxes), _BLOCK):
        block = order[start : start + _BLOCK]
        near = slice(
            np.searchsorted(left, left[start] - reach[start : start + _BLOCK].max()),
            np.searchsorted(
                left, left[start + len(block) - 1] + reach[start : start + _BLOCK].max(), "right"
            ),
        )
        low, high = edges[block, 1].min(), edges[block, 3].max()
        others = order[near]
        others = np.sort(others[(edges[others, 1] <= high) & (edges[others, 3] >= low)])
        for part in range(0, len(others), _WINDOW):
            _note_twins(boxes, block, others[part : part + _WINDOW], found)
            block = np.array([box for box in block.tolist() if box not in found], np.int64)
            if not len(block):
                break
    return found


def _note_twins(boxes: Floats, block: Ints, others: Ints, found: dict[int, tuple[int, float]]) -> None:
    """Of a block, the first of some ascending ``others`` that comes before."""
    iou = pairwise_iou(*(torch.from_numpy(boxes[some]) for some in (block, others))).numpy()
    twin = (iou >= SAME) & (others < block[:, None])
    for row in np.flatnonzero(twin.any(1)).tolist():
        place = int(twin[row].argmax())
        found[int(block[row])] = (int(others[place]), float(iou[row, place]))


def _typical_sizes(records: Sequence[Record]) -> dict[int, tuple[float, float]]:
    """Class -> median and robust spread of the logarithm of its boxes' side against the picture's."""
    by_class: defaultdict[int, list[float]] = defaultdict(list)
    for record in records:
        for box, label in zip(
            record.boxes[~record.ignore], record.labels[~record.ignore].tolist(), strict=True
        ):
            by_class[label].append(_log_size(box))
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
