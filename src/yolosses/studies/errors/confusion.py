"""Which classes a detector takes for which: the confusion matrix, with what it misses and what it invents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yolosses.studies.errors.comparison import Comparison, Ints, best_free, compared
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

SAME_PLACE = 0.5  # IoU from which a detection means an object
LIES_ON = 0.5  # part of a detection from which it lies on an ignored object


@dataclass(frozen=True, kw_only=True, eq=False)
class Confusion:
    """What became of every object, and what every detection was.

    Attributes:
        class_names: C names.
        matrix: (C + 1, C + 1) counts. Row: the class of the object, last the background. Column: the class of the
            detection, last where there is none. So the last column holds the missed objects, the last row the
            detections on background; its last entry is 0.
        threshold: detections with this score or more were counted.
        iou: from which a detection means an object.
    """

    class_names: tuple[str, ...]
    matrix: Ints
    threshold: float
    iou: float

    def to_json(self) -> dict[str, Any]:
        """As plain lists."""
        return {
            "threshold": self.threshold,
            "iou": self.iou,
            "rows": [*self.class_names, "background"],
            "columns": [*self.class_names, "missed"],
            "matrix": self.matrix.tolist(),
        }


def confusion(
    records: Sequence[Record],
    class_names: Sequence[str],
    detections: Sequence[Detections],
    *,
    threshold: float,
    iou: float = SAME_PLACE,
) -> Confusion:
    """Pair detections with objects, one with one, and count the pairs by their two classes.

    First as COCO does: going from the surest detection down, each takes the free object of its own class with which its
    IoU is highest, if that is ``iou`` or more. So the diagonal counts the hits at the threshold. Then the detections
    that are left take, in the same way, the free objects of other classes. What is left after that is a detection on
    background, or a missed object. Ignored objects (crowd, difficult) are nobody's; a detection that is left with half
    of its area on one of its class is not counted.

    Args:
        records, class_names, detections: see `yolosses.studies.errors.tide`.
        threshold: only detections with this score or more.

    Raises:
        ValueError: as `tide`, or ``iou`` is not in (0, 1].
    """
    if not 0 < iou <= 1:
        raise ValueError(f"iou: expected 0 < iou <= 1; got {iou!r}")
    number = len(class_names)
    matrix = np.zeros((number + 1, number + 1), np.int64)
    kept = [_at_least(found, threshold) for found in detections]
    for picture in compared(records, class_names, kept):
        _count(picture, iou, matrix)
    return Confusion(class_names=tuple(class_names), matrix=matrix, threshold=threshold, iou=iou)


def _count(picture: Comparison, iou: float, matrix: Ints) -> None:
    background = len(matrix) - 1
    partner = _partners(picture, iou)
    alone = (partner < 0) & (picture.on_ignored < LIES_ON)
    missed = np.setdiff1d(np.arange(len(picture.objects)), partner)
    np.add.at(matrix, (picture.objects[partner[partner >= 0]], picture.labels[partner >= 0]), 1)
    np.add.at(matrix[background], picture.labels[alone], 1)
    np.add.at(matrix[:, background], picture.objects[missed], 1)


def _partners(picture: Comparison, iou: float) -> Ints:
    """(D,) the object of each detection, -1 where it has none."""
    near = np.where(picture.iou >= iou, picture.iou, 0.0)
    own = best_free(np.where(picture.own_iou >= iou, picture.own_iou, 0.0))
    near[own >= 0] = 0.0
    near[:, own[own >= 0]] = 0.0
    return np.where(own >= 0, own, best_free(near))


def _at_least(found: Detections, threshold: float) -> Detections:
    keep = found.scores >= threshold
    return Detections(boxes=found.boxes[keep], scores=found.scores[keep], labels=found.labels[keep])
