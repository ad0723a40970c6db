"""TIDE: six kinds of error of a detector, and what each costs in average precision.

Bolya, Foley, Hays and Hoffman, "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from yolosses.studies.errors.comparison import Bools, Comparison, Floats, Ints, best_free, compared, joined
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

TideKind = Literal["classification", "localisation", "both", "duplicate", "background", "missed"]
TIDE_KINDS: tuple[TideKind, ...] = get_args(TideKind)

MAX_DETECTIONS = 100  # of a picture
RECALL_POINTS = np.arange(101) / 100

_CLASSIFICATION, _LOCALISATION, _BOTH, _DUPLICATE, _BACKGROUND, _MISSED = range(6)
_HIT, _NEITHER = -1, -2  # right; neither right nor wrong


@dataclass(frozen=True, kw_only=True)
class TideErrors:
    """The errors of a detector on one split.

    Attributes:
        ap: the average precision at the positive IoU that the costs are measured from, mean over the classes with
            objects, 0 to 1; ``None`` if there are no objects.
        counts: how many errors of each kind there are.
        costs: by how much ``ap`` would rise if all errors of a kind, and only these, were mended, 0 to 1; ``None`` if
            there are no objects. They do not sum to what is missing from 1: an error may hide another.
    """

    ap: float | None
    counts: dict[TideKind, int]
    costs: dict[TideKind, float | None]

    def to_json(self) -> dict[str, Any]:
        """As plain dictionaries."""
        return asdict(self)


def tide(
    records: Sequence[Record],
    class_names: Sequence[str],
    detections: Sequence[Detections],
    *,
    positive_iou: float = 0.5,
    background_iou: float = 0.1,
) -> TideErrors:
    """Find each error of a detector, and what each kind costs.

    Of each picture the 100 best detections are taken, the best first, and each takes the object of its class with the
    highest IoU that is still free, if that is ``positive_iou`` or more. A detection that gets none is an error of the
    first kind that fits (t_f = ``positive_iou``, t_b = ``background_iou``, both inclusive):

    - localisation: the nearest object of its class, taken or not, has t_b <= IoU <= t_f;
    - classification: an object of another class has IoU >= t_f;
    - duplicate: a taken object of its class has IoU >= t_f;
    - background: no object has IoU > t_b;
    - both: whatever is left, wrong in class and place.

    An object that is neither taken nor meant by a localisation or classification error is missed.

    A kind is mended so: the best-scored of all localisation and classification errors that mean the same free object
    becomes its true positive, with the object's class; every other error is taken out, a missed object too. The cost is
    the mean AP (of 101 recalls) that results, less what it was, but not less than 0.

    All this is tidecv 1.0.1's, the authors' program, to the number: the order of equal scores too (as they come; once
    something is mended, errors come before true positives). Where it differs:

    - Classes without any object in the split do not count in the mean, as in COCO; in tidecv they have AP 0 once
      anything of their class is detected. Errors of these classes are counted here as there.
    - A detection that lies more than t_f of its area on an ignored object of its class is no error: neither AP nor
      counts know it. tidecv leaves it out of AP but counts it among the errors. Both make an exception if it is a
      localisation or classification error that means a free object: mending it could have found the object.
    - A class all of whose objects are missed leaves the mean when they are mended, unless it has detections: then its
      AP stays 0. That is tidecv's too, but if no class remains the mended AP is 1, where tidecv divides by 0.

    ``ap`` and the mAP50 of `yolosses.training.evaluation.evaluate` may differ in the last digits: that allows 100
    detections a picture and class, steps the recalls by ``linspace``, and has IoU >= 0.5 where > stands here for
    ignored objects.

    Args:
        records: the labelled pictures.
        class_names: labels are indices into it.
        detections: one for each picture, in the same order. Boxes are clipped to the picture.

    Raises:
        ValueError: if the IoUs are not 0 < background <= positive <= 1, the number of ``detections`` is not that of the
            pictures, a label has no class name, or a box or score is NaN or infinite.
    """
    if not 0 < background_iou <= positive_iou <= 1:
        raise ValueError(
            "background_iou, positive_iou: expected 0 < background <= positive <= 1; "
            f"got {background_iou:g}, {positive_iou:g}"
        )
    pictures = [
        _judged(comparison, positive_iou, background_iou)
        for comparison in compared(records, class_names, detections, limit=MAX_DETECTIONS)
    ]
    whole = _whole(pictures)
    counts = np.bincount(whole.kinds[whole.kinds >= 0], minlength=len(TIDE_KINDS))
    counts[_MISSED] = len(whole.missed)
    ap: float | None = None
    costs: list[float | None] = [None] * len(TIDE_KINDS)
    num_objects = np.bincount(whole.objects, minlength=len(class_names))
    if num_objects.any():
        ap = _ap(whole, num_objects)
        costs = [max(_mended_ap(whole, kind, num_objects) - ap, 0.0) for kind in range(len(TIDE_KINDS))]
    return TideErrors(
        ap=ap,
        counts=dict(zip(TIDE_KINDS, counts.tolist(), strict=True)),
        costs=dict(zip(TIDE_KINDS, costs, strict=True)),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Judged:
    """D detections of one picture, or of all one after the other, with what is wrong about them.

    Attributes:
        scores, labels: (D,).
        kinds: (D,) index into `TIDE_KINDS`, or ``_HIT``, or ``_NEITHER``.
        counted: (D,) whether the detection is in the average precision, right or wrong.
        mended: (D,) the class that it is a true positive of when it is mended; -1 where it is then taken out.
        objects: (N,) class of each object that is to be found.
        missed: the classes of the missed ones.
    """

    scores: Floats
    labels: Ints
    kinds: Ints
    counted: Bools
    mended: Ints
    objects: Ints
    missed: Ints


def _judged(picture: Comparison, positive: float, background: float) -> _Judged:
    own = picture.own_iou
    taken = best_free(np.where(own >= positive, own, 0.0))
    found = np.zeros(len(picture.objects), bool)
    found[taken[taken >= 0]] = True
    kinds, meant = _kinds(picture, own, taken >= 0, found, positive, background)
    free = np.flatnonzero((meant >= 0) & ~found[meant]) if len(found) else meant[:0]
    # The first is the best: of each object that several errors mean.
    means, best = np.unique(meant[free], return_index=True)
    mended = np.full(len(kinds), -1)
    mended[free[best]] = picture.objects[means]
    ignored = (kinds != _HIT) & (picture.on_ignored > positive)
    kinds[np.setdiff1d(np.flatnonzero(ignored), free)] = _NEITHER
    return _Judged(
        scores=picture.scores,
        labels=picture.labels,
        kinds=kinds,
        counted=~ignored,
        mended=mended,
        objects=picture.objects,
        missed=picture.objects[~found & ~np.isin(np.arange(len(found)), means)],
    )


def _kinds(
    picture: Comparison, own: Floats, hit: Bools, found: Bools, positive: float, background: float
) -> tuple[Ints, Ints]:
    """(D,) the kind of each detection, and the object that a localisation or classification error means, else -1."""
    if not len(found):
        return np.full(len(hit), _BACKGROUND), np.full(len(hit), -1)
    other = picture.iou - own
    misplaced = ~hit & (background <= own.max(axis=1)) & (own.max(axis=1) <= positive)
    misnamed = ~hit & ~misplaced & (other.max(axis=1) >= positive)
    repeated = np.where(found, own, 0.0).max(axis=1) >= positive
    on_nothing = picture.iou.max(axis=1) <= background
    kinds = np.select(
        [hit, misplaced, misnamed, repeated, on_nothing],
        [_HIT, _LOCALISATION, _CLASSIFICATION, _DUPLICATE, _BACKGROUND],
        _BOTH,
    )
    return kinds, np.select([misplaced, misnamed], [own.argmax(axis=1), other.argmax(axis=1)], -1)


def _whole(pictures: Sequence[_Judged]) -> _Judged:
    """All pictures one after the other; also none."""
    types = {field.name: np.int64 for field in fields(_Judged)} | {"scores": np.float64, "counted": np.bool_}
    return _Judged(
        **{name: joined((getattr(one, name) for one in pictures), kind) for name, kind in types.items()}
    )


def _ap(whole: _Judged, num_objects: Ints) -> float:
    """The mean AP of the detections as they are; ``num_objects``: (C,) of each class."""
    seen = whole.counted
    hits = whole.kinds[seen] == _HIT
    return _mean_ap(whole.scores[seen], whole.labels[seen], hits, num_objects, present=num_objects > 0)


def _mended_ap(whole: _Judged, kind: int, num_objects: Ints) -> float:
    """The mean AP without the errors of this kind."""
    is_kind, is_hit = whole.kinds == kind, whole.kinds == _HIT
    stays = np.where(is_kind, whole.mended >= 0, whole.counted)
    order = np.concatenate([np.flatnonzero(stays & ~is_hit), np.flatnonzero(is_hit)])
    labels = np.where(is_kind, whole.mended, whole.labels)
    taken_out = np.bincount(whole.missed, minlength=len(num_objects)) if kind == _MISSED else 0
    return _mean_ap(
        whole.scores[order],
        labels[order],
        (is_kind | is_hit)[order],
        num_objects - taken_out,
        present=num_objects > 0,
    )


def _mean_ap(scores: Floats, labels: Ints, hits: Bools, num_objects: Ints, *, present: Bools) -> float:
    """Mean over the classes that are ``present`` (C,) in the split, but for those of which nothing is left."""
    of_class = [(int(number), labels == label) for label, number in enumerate(num_objects) if present[label]]
    aps = [
        _average_precision(scores[mine], hits[mine], number)
        for number, mine in of_class
        if number or mine.any()
    ]
    return float(np.mean(aps)) if aps else 1.0


def _average_precision(scores: Floats, hits: Bools, num_objects: int) -> float:
    """The mean over 101 recalls of the highest precision at that recall or beyond."""
    if not num_objects:
        return 0.0
    right = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    precision = right / np.arange(1, len(right) + 1)
    best_beyond = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(best_beyond[np.searchsorted(right / num_objects, RECALL_POINTS)].mean())
