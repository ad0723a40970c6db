"""The abilities of a detector in numbers: where it puts boxes, what it takes for objects, how well it knows itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from yolosses.boxes import pairwise_iou
from yolosses.studies.errors.comparison import best_free
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

HIT_IOU = 0.5
MET_IOU = 0.1  # TIDE's border between a bad box and background
FIXED_SCORE = 0.25
LEAST_SCORE = 0.05  # of the detections whose calibration is looked at: below are thousands that nobody shows
PARTS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One picture: its objects against its detections from the best score down.

    Attributes:
        iou: (detections, objects). same: they have one class. size: (height, width) in pixels.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    objects: NDArray[np.float64]
    iou: NDArray[np.float64]
    same: NDArray[np.bool_]
    size: tuple[int, int]

    @classmethod
    def of(cls, record: Record, found: Detections) -> Scene:
        """Ignored objects are left out, and so are detections that lie on one more than on any other."""
        order = np.argsort(-found.scores, kind="stable")
        iou = pairwise_iou(_tensor(found.boxes[order]), _tensor(record.boxes)).numpy()
        on_ignored = (iou * record.ignore).max(1, initial=0) > (iou * ~record.ignore).max(1, initial=0)
        keep, real = order[~on_ignored], ~record.ignore
        return cls(
            boxes=found.boxes[keep].astype(np.float64),
            scores=found.scores[keep].astype(np.float64),
            objects=record.boxes[real].astype(np.float64),
            iou=iou[~on_ignored][:, real],
            same=found.labels[keep, None] == record.labels[None, real],
            size=record.image_size,
        )

    def above(self, score: float) -> Scene:
        """With the detections of at least this score."""
        keep = self.scores >= score
        kept = {name: getattr(self, name)[keep] for name in ("boxes", "scores", "iou", "same")}
        return replace(self, **kept)

    def pairs(self, least_iou: float) -> list[tuple[int, int]]:
        """(detection, object) of one class: from the best score down, each takes the nearest object still free."""
        taken = best_free(np.where(self.same & (self.iou >= least_iou), self.iou, 0.0))
        return [(detection, object) for detection, object in enumerate(taken.tolist()) if object >= 0]


def abilities(
    records: Sequence[Record], detections: Sequence[Detections], threshold: float | None
) -> dict[str, float | None]:
    """The measures of `MEASURES` that detections above a score tell.

    Args:
        threshold: the score with the best F1; None where nothing was found: then only counts are defined.
    """
    scenes = [Scene.of(record, found) for record, found in zip(records, detections, strict=True)]
    shown = [scene.above(np.inf if threshold is None else threshold) for scene in scenes]
    fixed = [scene.above(FIXED_SCORE) for scene in scenes]
    objects = sum(len(scene.objects) for scene in scenes)
    hits = [(scene, pair) for scene in shown for pair in scene.pairs(HIT_IOU)]
    met = [(scene, pair) for scene in shown for pair in scene.pairs(MET_IOU)]
    found_fixed = sum(len(scene.pairs(HIT_IOU)) for scene in fixed)
    return {
        "mean_iou": _mean(scene.iou[pair] for scene, pair in hits),
        "centre_error": _mean(_centre_error(scene, *pair) for scene, pair in met),
        "size_error": _mean(_size_error(scene, *pair) for scene, pair in met),
        "background_fp": _background(shown),
        "background_fp_fixed": _background(fixed),
        "missed": _share(sum(int((scene.iou.max(0, initial=0) < MET_IOU).sum()) for scene in shown), objects),
        "recall_fixed": _share(found_fixed, objects),
        "class_accuracy": _class_accuracy(shown),
        "calibration_error": _calibration_error(calibration(records, detections)),
    }


def calibration(records: Sequence[Record], detections: Sequence[Detections]) -> dict[str, list[float]]:
    """How scores and boxes agree: in ten equal parts of the scores, from 0 to 1, the mean score of the detections (of
    at least 0.05), their mean IoU with the nearest object of their class, and how many there are. Empty parts are left
    out."""
    scenes = [
        Scene.of(record, found).above(LEAST_SCORE) for record, found in zip(records, detections, strict=True)
    ]
    scores = np.concatenate([np.zeros(0), *(scene.scores for scene in scenes)])
    ious = np.concatenate([np.zeros(0), *((scene.iou * scene.same).max(1, initial=0) for scene in scenes)])
    part = np.clip((scores * PARTS).astype(int), 0, PARTS - 1)
    counts = np.bincount(part, minlength=PARTS)
    there = counts > 0
    means = [np.bincount(part, values, PARTS)[there] / counts[there] for values in (scores, ious)]
    return {
        "score": means[0].tolist(),
        "iou": means[1].tolist(),
        "count": counts[there].astype(float).tolist(),
    }


def _calibration_error(parts: dict[str, list[float]]) -> float | None:
    score, iou, count = (np.array(parts[name]) for name in ("score", "iou", "count"))
    return float((np.abs(score - iou) * count).sum() / count.sum()) if count.sum() else None


def _centre_error(scene: Scene, detection: int, object: int) -> float:
    height, width = scene.size
    away = (scene.boxes[detection, :2] - scene.objects[object, :2]) * [width, height]
    return float(np.hypot(*away) / np.sqrt(scene.objects[object, 2:].prod() * width * height))


def _size_error(scene: Scene, detection: int, object: int) -> float:
    return float(np.abs(np.log(scene.boxes[detection, 2:] / scene.objects[object, 2:])).mean())


def _background(scenes: Sequence[Scene]) -> float | None:
    return _mean((scene.iou.max(1, initial=0) < MET_IOU).sum() for scene in scenes)


def _class_accuracy(scenes: Sequence[Scene]) -> float | None:
    right: list[bool] = []
    for scene in scenes:
        if scene.iou.size:
            near = np.flatnonzero(scene.iou.max(1) >= HIT_IOU)
            right += scene.same[near, scene.iou[near].argmax(1)].tolist()
    return _mean(right)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _mean(values: Iterable[float]) -> float | None:
    kept = list(values)
    return float(np.mean(kept)) if kept else None


def _tensor(boxes: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(boxes.astype(np.float64))
