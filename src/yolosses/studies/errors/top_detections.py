"""What the surest detections of each class are: the error analysis of the YOLO paper.

Redmon, Divvala, Girshick and Farhadi, "You Only Look Once", CVPR 2016, section 4.2 and figure 4; the method is that of
Hoiem, Chodpathumwan and Dai, "Diagnosing Error in Object Detectors", ECCV 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from yolosses.studies.errors.comparison import Bools, Comparison, Ints, best_free, compared, joined
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

TopKind = Literal["correct", "localisation", "similar", "other", "background"]
TOP_KINDS: tuple[TopKind, ...] = get_args(TopKind)
Shares = dict[TopKind, float]

# The paper's figure 4, on VOC 2007's test pictures.
PAPER_YOLO: Shares = dict(zip(TOP_KINDS, (0.655, 0.19, 0.0675, 0.04, 0.0475), strict=True))
PAPER_FAST_RCNN: Shares = dict(zip(TOP_KINDS, (0.716, 0.086, 0.043, 0.019, 0.136), strict=True))

# Hoiem's sets, by VOC's names: all vehicles; all animals and people; furniture; what flies.
VOC_SIMILAR = (
    frozenset({"aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"}),
    frozenset({"bird", "cat", "cow", "dog", "horse", "sheep", "person"}),
    frozenset({"chair", "diningtable", "sofa"}),
    frozenset({"aeroplane", "bird"}),
)

SAME_OBJECT = 0.5  # IoU above which a detection has an object
TOUCHING = 0.1  # IoU up to which it has nothing to do with it
LIES_ON = 0.5  # part of a detection above which it lies on an ignored object
_LEFT_OUT = -1


@dataclass(frozen=True, kw_only=True)
class TopOfClass:
    """The top detections of one class.

    Attributes:
        objects: N, how many were asked for. There are fewer if the detector has not said so many.
        counts: how many are of each kind.
    """

    name: str
    objects: int
    counts: dict[TopKind, int]

    @property
    def shares(self) -> Shares | None:
        """Of the top detections that there are; ``None`` if there are none."""
        number = sum(self.counts.values())
        return {kind: self.counts[kind] / number for kind in TOP_KINDS} if number else None


@dataclass(frozen=True, kw_only=True)
class TopDetections:
    """The top detections of a split.

    Attributes:
        classes: one entry for each class, in the order of the class indices.
        similar: the sets of classes that were taken for similar, as far as the data set has them.
    """

    classes: tuple[TopOfClass, ...]
    similar: tuple[tuple[str, ...], ...]

    @property
    def counts(self) -> dict[TopKind, int]:
        """How many of each kind there are, all classes together."""
        return {kind: sum(row.counts[kind] for row in self.classes) for kind in TOP_KINDS}

    @property
    def shares(self) -> dict[TopKind, float | None]:
        """The shares of the kinds, mean over the classes as in the paper, so that a frequent class weighs no more than
        a rare one; they sum to 1. Classes without top detections do not count; ``None`` if there are none at all."""
        shares = [row.shares for row in self.classes if row.shares is not None]
        return {kind: float(np.mean([s[kind] for s in shares])) if shares else None for kind in TOP_KINDS}

    def to_json(self) -> dict[str, Any]:
        """As plain dictionaries and lists."""
        return {
            "counts": self.counts,
            "shares": self.shares,
            "similar": [list(names) for names in self.similar],
            "classes": [{**asdict(row), "shares": row.shares} for row in self.classes],
        }


def top_detections(
    records: Sequence[Record],
    class_names: Sequence[str],
    detections: Sequence[Detections],
    *,
    similar: Sequence[frozenset[str]] = VOC_SIMILAR,
) -> TopDetections:
    """Sort the N surest detections of each class into five kinds, where N is the number of its objects in the split.

    The first kind that fits:

    - correct: IoU > 0.5 with an object of its class. Each, the surest first, takes the object with the highest IoU that
      no surer one has taken.
    - localisation: IoU > 0.1 with an object of its class, that is, a bad box, or a duplicate of an object already taken
      (so does Hoiem: a detector that localises well need not say it twice).
    - similar: IoU > 0.1 with an object of a similar class.
    - other: IoU > 0.1 with any other object.
    - background: IoU <= 0.1 with every object.

    Ignored objects are none of the N and nobody's object. A detection that is not correct and has more than half of its
    area on an ignored object of its class is left out, and the next one takes its place among the N. (Hoiem's program
    counts a hit on a difficult object as correct.) Of equal scores the first given is the surer one.

    Args:
        records: the labelled pictures.
        class_names: labels are indices into it.
        detections: one for each picture, in the same order; all of them, down to low scores. Boxes are clipped to the
            picture.
        similar: sets of names of classes that resemble each other. By default Hoiem's for VOC; a class that is in none
            of the sets is similar to no other, so other data sets have none of this kind unless they are given.

    Raises:
        ValueError: if the number of ``detections`` is not that of the pictures, a label has no class name, or a box or
            score is NaN or infinite.
    """
    groups = [tuple(name for name in class_names if name in names) for names in similar]
    groups = [group for group in groups if len(group) > 1]  # that could be confused
    alike = np.zeros((len(class_names), len(class_names)), bool)
    for group in groups:
        member = np.isin(class_names, group)
        alike |= member[:, None] & member
    np.fill_diagonal(alike, False)
    pictures = list(compared(records, class_names, detections))
    kinds = joined((_kinds(picture, alike) for picture in pictures), np.int64)
    labels = joined((picture.labels for picture in pictures), np.int64)
    scores = joined((picture.scores for picture in pictures), np.float64)
    objects = joined((picture.objects for picture in pictures), np.int64)
    surest = np.argsort(-scores, kind="stable")
    surest = surest[kinds[surest] != _LEFT_OUT]
    classes = []
    for label, name in enumerate(class_names):
        number = int((objects == label).sum())
        top = surest[labels[surest] == label][:number]
        counts = np.bincount(kinds[top], minlength=len(TOP_KINDS)).tolist()
        classes.append(
            TopOfClass(name=name, objects=number, counts=dict(zip(TOP_KINDS, counts, strict=True)))
        )
    return TopDetections(classes=tuple(classes), similar=tuple(groups))


def _kinds(picture: Comparison, alike: Bools) -> Ints:
    """(D,) index into `TOP_KINDS`, or ``_LEFT_OUT``."""
    own = picture.own_iou
    similar = np.where(alike[picture.labels][:, picture.objects], picture.iou, 0.0)
    correct = best_free(np.where(own > SAME_OBJECT, own, 0.0)) >= 0
    near, near_similar, near_any = (
        iou.max(axis=1, initial=0.0) > TOUCHING for iou in (own, similar, picture.iou)
    )
    conditions = [correct, picture.on_ignored > LIES_ON, near, near_similar, near_any]
    return np.select(conditions, [0, _LEFT_OUT, 1, 2, 3], 4)
