"""Detections against labelled pictures, scored by faster-coco-eval from memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from yolosses.training.evaluation.metrics import ClassMetrics, Metrics, OperatingPoint, SizeMetrics
from yolosses.training.evaluation.pictures import check_detections, visible_part
from yolosses.training.evaluation.structures import Detections

if TYPE_CHECKING:
    from yolosses.training.data.dataset import DetectionDataset, Record

COCO_IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
COCO_RECALL_POINTS = np.linspace(0.0, 1.0, 101)
COCO_MAX_DETECTIONS = 100
COCO_AREA_RANGES = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}

VOC07_IOU_THRESHOLDS = np.array([0.5])
# Not linspace(0, 1, 11): its fourth point is 0.30000000000000004, which a recall of exactly 3/10 misses.
VOC07_RECALL_POINTS = np.arange(11) / 10


def evaluate(
    data: "DetectionDataset | Sequence[Record]", class_names: Sequence[str], detections: Sequence[Detections]
) -> Metrics:
    """Score detections as COCO does, and with the 11-point average precision of VOC07.

    Boxes are clipped to the picture before they are scored, as the labels are: a detection is not punished
    for the part of an object that nobody can see. One that lies outside altogether stays, empty, as a false
    positive. Objects with ``ignore`` are COCO's crowds: they need not be found, and detections on them (at
    IoU threshold t: with a fraction >= t of their area inside) count neither for nor against. Scores that tie
    are taken in the order given.

    ``voc07_map`` is VOC07's rule exactly: the mean over the recalls 0, 0.1, ..., 1 of the highest precision
    at that recall or beyond, at IoU 0.5, without a limit on the number of detections. What remains different
    from the VOC devkit is the matching, which is COCO's, and rounding:

    - a detection takes the best object still free; in the devkit the best object, and it is wrong if that one
      is taken already;
    - difficult objects are crowds as above; the devkit wants IoU 0.5 with them as well;
    - a box is as wide as ``xmax - xmin``; the devkit adds one pixel;
    - a recall of exactly 3/10 reaches the point 0.3; ports of the devkit that step by 0.1 in floating point
      (0.30000000000000004) miss it.

    Sizes (``map_small`` and so on) are areas of boxes in pixels of the original picture; COCO's own are areas
    of segmentations.

    Args:
        data: the labelled pictures.
        class_names: the names of the classes; labels are indices into it.
        detections: one for each picture, in the same order.

    Returns:
        The metrics. Without any object in the split every mean is ``None``; with objects but without any
        detection the means are 0 and ``best_f1`` is ``None``.

    Raises:
        ValueError: if the number of ``detections`` is not that of the pictures, a label has no class name, or
            a box or score is NaN or infinite.
    """
    records = data if isinstance(data, Sequence) else data.records
    check_detections(records, class_names, detections)
    truths = _truths(records)
    found = _found(records, detections)
    objects = np.bincount(
        [truth["category_id"] - 1 for truth in truths if not truth["iscrowd"]], minlength=len(class_names)
    )
    counts = {
        "num_pictures": len(records),
        "num_objects": int(objects.sum()),
        "num_ignored": len(truths) - int(objects.sum()),
        "num_detections": len(found),
    }
    if not objects.any():
        return _undefined(class_names, counts)

    library = _Library(records, class_names, truths, found)
    coco = library.score(COCO_IOU_THRESHOLDS, COCO_RECALL_POINTS, COCO_AREA_RANGES, COCO_MAX_DETECTIONS)
    # The library reserves memory for this many detections a picture: the true maximum, not a huge number.
    uncapped = max(1, max(len(picture) for picture in detections))
    voc07 = library.score(
        VOC07_IOU_THRESHOLDS, VOC07_RECALL_POINTS, {"all": COCO_AREA_RANGES["all"]}, uncapped
    )
    precision = coco["precision"][..., 0]  # (IoU thresholds, recall points, classes, area ranges)
    return Metrics(
        map50_95=_mean(precision[:, :, :, 0]),
        map50=_mean(precision[0, :, :, 0]),
        map75=_mean(precision[5, :, :, 0]),
        map_small=_mean(precision[:, :, :, 1]),
        map_medium=_mean(precision[:, :, :, 2]),
        map_large=_mean(precision[:, :, :, 3]),
        recall=_mean(coco["recall"][:, :, 0, 0]),
        voc07_map=_mean(voc07["precision"]),
        best_f1=_best_f1(truths, found, voc07["matched"]),
        classes=tuple(
            ClassMetrics(
                name=name,
                objects=int(objects[label]),
                ap50=_mean(precision[0, :, label, 0]),
                ap50_95=_mean(precision[:, :, label, 0]),
                voc07_ap=_mean(voc07["precision"][0, :, label]),
                precision50=_curve(precision[0, :, label, 0]),
            )
            for label, name in enumerate(class_names)
        ),
        sizes=_sizes(truths, precision, coco["recall"][..., 0]),
        **counts,
    )


class _Library:
    """faster-coco-eval on pictures in memory, without its prints."""

    def __init__(
        self,
        records: "Sequence[Record]",
        class_names: Sequence[str],
        truths: list[dict[str, Any]],
        found: list[dict[str, Any]],
    ) -> None:
        from faster_coco_eval import COCO

        images = [
            {"id": picture, "height": record.image_size[0], "width": record.image_size[1]}
            for picture, record in enumerate(records, start=1)
        ]
        categories = [{"id": label, "name": name} for label, name in enumerate(class_names, start=1)]
        self._truths, self._found = (
            COCO(
                {"images": images, "categories": categories, "annotations": annotations},
                print_function=_say_nothing,
            )
            for annotations in (truths, found)
        )

    def score(
        self,
        iou_thresholds: NDArray[np.float64],
        recall_points: NDArray[np.float64],
        area_ranges: dict[str, tuple[float, float]],
        max_detections: int,
    ) -> dict[str, Any]:
        """What the library accumulates.

        ``precision`` is (IoU thresholds, recall points, classes, area ranges, 1), -1 where a class has no
        object; ``recall`` the same without recall points; ``matched`` has keys "detection id_truth id".
        """
        from faster_coco_eval import COCOeval_faster

        run = COCOeval_faster(self._truths, self._found, "bbox", print_function=_say_nothing)
        run.params.iouThrs = iou_thresholds
        run.params.recThrs = recall_points
        run.params.areaRngLbl = list(area_ranges)
        run.params.areaRng = [list(limits) for limits in area_ranges.values()]
        run.params.maxDets = [max_detections]
        run.evaluate()
        run.accumulate()
        scores: dict[str, Any] = run.eval
        return scores


def _say_nothing(*_: object) -> None:
    pass


def _truths(records: "Sequence[Record]") -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = []
    for picture, record in enumerate(records, start=1):
        for box, label, ignore in zip(
            visible_part(record.boxes, record.image_size), record.labels, record.ignore, strict=True
        ):
            annotations.append(_annotation(len(annotations), picture, label, box) | {"iscrowd": int(ignore)})
    return annotations


def _found(records: "Sequence[Record]", detections: Sequence[Detections]) -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = []
    for picture, (record, found) in enumerate(zip(records, detections, strict=True), start=1):
        boxes = visible_part(found.boxes, record.image_size)
        for box, label, score in zip(boxes, found.labels, found.scores, strict=True):
            annotations.append(
                _annotation(len(annotations), picture, label, box) | {"iscrowd": 0, "score": float(score)}
            )
    return annotations


def _annotation(index: int, picture: int, label: np.int64, box: NDArray[np.float64]) -> dict[str, Any]:
    left, top, width, height = box.tolist()
    return {
        "id": index + 1,  # COCO takes 0 for "not matched"
        "image_id": picture,
        "category_id": int(label) + 1,
        "bbox": [left, top, width, height],
        "area": width * height,
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else None


def _curve(precision: NDArray[np.float64]) -> tuple[float, ...] | None:
    return tuple(precision.tolist()) if (precision > -1).all() else None


def _sizes(
    truths: list[dict[str, Any]], precision: NDArray[np.float64], recall: NDArray[np.float64]
) -> tuple[SizeMetrics, ...]:
    """Of the bands that follow "all" in `COCO_AREA_RANGES`; the last axis of both arrays."""
    areas = np.array([truth["area"] for truth in truths if not truth["iscrowd"]])
    bands = list(COCO_AREA_RANGES.items())[1:]
    return tuple(
        SizeMetrics(
            name=name,
            least=least**0.5,
            most=None if index == len(bands) else most**0.5,
            objects=int(((areas >= least) & (areas <= most)).sum()),
            map50=_mean(precision[0, :, :, index]),
            map50_95=_mean(precision[:, :, :, index]),
            recall=_mean(recall[:, :, index]),
        )
        for index, (name, (least, most)) in enumerate(bands, start=1)
    )


def _best_f1(
    truths: list[dict[str, Any]], found: list[dict[str, Any]], matched: dict[str, float]
) -> OperatingPoint | None:
    """The threshold with the highest F1 over all classes; of equal ones the highest."""
    if not found:
        return None
    pairs = [tuple(map(int, pair.split("_"))) for pair in matched]
    crowds = {truth["id"] for truth in truths if truth["iscrowd"]}
    hits = {detection for detection, truth in pairs if truth not in crowds}
    on_crowds = {detection for detection, truth in pairs if truth in crowds}
    counted = [detection for detection in found if detection["id"] not in on_crowds]
    if not counted:
        return None
    scores = np.array([detection["score"] for detection in counted])
    hit = np.array([detection["id"] in hits for detection in counted])
    order = np.argsort(-scores, kind="stable")
    scores, hit = scores[order], hit[order]
    last_of_score = np.append(scores[1:] != scores[:-1], True)  # a threshold keeps all of the same score
    num_objects = len(truths) - len(crowds)
    kept = np.arange(1, len(scores) + 1)
    num_hits = np.cumsum(hit)
    f1 = np.where(last_of_score, 2 * num_hits / (kept + num_objects), -1.0)
    best = int(np.argmax(f1))
    return OperatingPoint(
        threshold=float(scores[best]),
        precision=float(num_hits[best] / kept[best]),
        recall=float(num_hits[best] / num_objects),
        f1=float(f1[best]),
    )


def _undefined(class_names: Sequence[str], counts: dict[str, int]) -> Metrics:
    return Metrics(
        map50_95=None,
        map50=None,
        map75=None,
        map_small=None,
        map_medium=None,
        map_large=None,
        recall=None,
        voc07_map=None,
        best_f1=None,
        sizes=(),
        classes=tuple(
            ClassMetrics(name=name, objects=0, ap50=None, ap50_95=None, voc07_ap=None) for name in class_names
        ),
        **counts,
    )
