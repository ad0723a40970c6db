"""The detections of each picture beside its objects: clipped, in pixels, best first, with every overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yolosses.training.data import Record
from yolosses.training.evaluation import Detections
from yolosses.training.evaluation.pictures import check_detections, visible_part

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """D detections of a picture beside its N objects that are not to be ignored.

    Attributes:
        scores, labels: (D,) best first; equal scores in the order given.
        objects: (N,) class of each object.
        iou: (D, N).
        on_ignored: (D,) the largest part of the detection that lies in an ignored object of its class, 0 to 1.
    """

    scores: Floats
    labels: Ints
    objects: Ints
    iou: Floats
    on_ignored: Floats

    @property
    def own_iou(self) -> Floats:
        """(D, N) overlaps with objects of the detection's class; 0 for those of other classes."""
        return np.where(self.labels[:, None] == self.objects, self.iou, 0.0)


def compared(
    records: Sequence[Record],
    class_names: Sequence[str],
    detections: Sequence[Detections],
    *,
    limit: int | None = None,
) -> Iterator[Comparison]:
    """Each picture's detections beside its objects; ``limit``: only so many best of a picture.

    Raises:
        ValueError: if the number of ``detections`` is not that of ``records``, a label has no class name, or a box or
            score is NaN or infinite.
    """
    check_detections(records, class_names, detections)
    for record, found in zip(records, detections, strict=True):
        order = np.argsort(-found.scores, kind="stable")[:limit]
        boxes, labels = visible_part(found.boxes[order], record.image_size), found.labels[order]
        objects, wanted = visible_part(record.boxes, record.image_size), ~record.ignore
        same_class = labels[:, None] == record.labels[~wanted]
        inside = np.where(same_class, _overlaps(boxes, objects[~wanted], of_detection=True), 0.0)
        yield Comparison(
            scores=found.scores[order].astype(np.float64),
            labels=labels,
            objects=record.labels[wanted],
            iou=_overlaps(boxes, objects[wanted]),
            on_ignored=inside.max(axis=1, initial=0.0),
        )


def best_free(strength: Floats) -> Ints:
    """(D,) of (D, N): row after row takes the column that is strongest for it of those not yet taken; -1 where none
    is left above 0. The first of equal columns."""
    taken, left = np.full(len(strength), -1), strength.copy()
    for row in np.flatnonzero((strength > 0).any(axis=1)):
        column = int(left[row].argmax())
        if left[row, column] > 0:
            taken[row] = column
            left[:, column] = 0.0
    return taken


def joined(parts: Iterable[NDArray[Any]], dtype: type) -> NDArray[Any]:
    """One after the other; also of none."""
    return np.concatenate([np.zeros(0, dtype), *parts])


def _overlaps(a: Floats, b: Floats, *, of_detection: bool = False) -> Floats:
    """(D, N) IoU of boxes left, top, width, height; or which part of each of ``a`` lies in each of ``b``.

    The order of the operations is pycocotools', so that an overlap of exactly a threshold is one in both."""
    ends = np.minimum((a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None])
    sides = (ends - np.maximum(a[:, None, :2], b[None, :, :2])).clip(min=0.0)
    shared = sides[..., 0] * sides[..., 1]
    areas = (a[:, 2] * a[:, 3])[:, None]
    whole = areas if of_detection else areas + b[:, 2] * b[:, 3] - shared
    overlaps: Floats = np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)
    return overlaps
