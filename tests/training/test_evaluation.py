"""Scores that a reader works out by hand, and pycocotools as the oracle for everything else."""

import contextlib
import io
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from rich.console import Console

from yolosses.training.data import Record, open_dataset
from yolosses.training.evaluation import Detections, Metrics, evaluate

SIZE = (100, 200)  # height, width


def pixels(*boxes: tuple[float, float, float, float], size: tuple[int, int] = SIZE) -> np.ndarray:
    """Corners in pixels (left, top, right, bottom) to cxcywh fractions."""
    left, top, right, bottom = np.array(boxes, np.float64).reshape(-1, 4).T
    height, width = size
    rows = [
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    ]
    return np.stack(rows, axis=1).astype(np.float32)


def record(
    *boxes: tuple[float, float, float, float],
    labels: Sequence[int] | None = None,
    ignore: Sequence[bool] | None = None,
    name: str = "a.png",
) -> Record:
    count = len(boxes)
    return Record(
        name=name,
        path=None,
        image_size=SIZE,
        boxes=pixels(*boxes),
        labels=np.array(labels if labels is not None else [0] * count, np.int64),
        ignore=np.array(ignore if ignore is not None else [False] * count, bool),
    )


def found(
    *boxes: tuple[float, float, float, float], scores: Sequence[float], labels: Sequence[int] | None = None
) -> Detections:
    return Detections(
        boxes=pixels(*boxes),
        scores=np.array(scores, np.float32),
        labels=np.array(labels if labels is not None else [0] * len(boxes), np.int64),
    )


A = (10.0, 10.0, 50.0, 50.0)
B = (100.0, 20.0, 160.0, 80.0)
NOWHERE = (60.0, 60.0, 90.0, 90.0)


# ------------------------------------------------------------ worked by hand


def test_perfect_detections_score_one_everywhere() -> None:
    metrics = evaluate(
        [record(A, B, labels=[0, 1])], ["cat", "dog"], [found(A, B, scores=[0.9, 0.8], labels=[0, 1])]
    )
    assert metrics.map50_95 == metrics.map50 == metrics.map75 == metrics.recall == metrics.voc07_map == 1.0
    # 40 x 40 and 60 x 60 pixels are both COCO's medium; there is no small and no large object to speak of.
    assert (metrics.map_small, metrics.map_medium, metrics.map_large) == (None, 1.0, None)
    assert metrics.best_f1 is not None
    assert metrics.best_f1.threshold == pytest.approx(0.8)
    assert (metrics.best_f1.precision, metrics.best_f1.recall, metrics.best_f1.f1) == (1.0, 1.0, 1.0)
    assert (metrics.num_pictures, metrics.num_objects, metrics.num_ignored, metrics.num_detections) == (
        1,
        2,
        0,
        2,
    )


def test_one_of_two_objects_found() -> None:
    metrics = evaluate([record(A, B)], ["cat"], [found(A, scores=[0.9])])
    assert metrics.map50 == pytest.approx(51 / 101, abs=1e-9)  # recalls 0, 0.01, ..., 0.50 are reached
    assert metrics.map50_95 == pytest.approx(51 / 101, abs=1e-9)
    assert metrics.voc07_map == pytest.approx(6 / 11, abs=1e-9)  # recalls 0, 0.1, ..., 0.5
    assert metrics.recall == 0.5
    assert metrics.best_f1 is not None
    assert metrics.best_f1.f1 == pytest.approx(2 / 3)


def test_a_better_placed_box_passes_more_iou_thresholds() -> None:
    nearer = evaluate(
        [record(A)], ["cat"], [found((13.0, 10.0, 50.0, 50.0), scores=[0.9])]
    )  # IoU 37/40 = 0.925
    farther = evaluate(
        [record(A)], ["cat"], [found((21.0, 10.0, 50.0, 50.0), scores=[0.9])]
    )  # IoU 29/40 = 0.725
    assert nearer.map50_95 == pytest.approx(9 / 10)
    assert farther.map50_95 == pytest.approx(5 / 10)
    assert (nearer.map75, farther.map75) == (1.0, 0.0)


def test_a_duplicate_is_a_false_positive_between_two_hits() -> None:
    duplicate = (11.0, 10.0, 50.0, 50.0)
    metrics = evaluate([record(A, B)], ["cat"], [found(A, duplicate, B, scores=[0.9, 0.8, 0.7])])
    # hits 1, 0, 1: precision 1 up to recall 1/2 (51 points), then 2/3 (50 points)
    assert metrics.map50 == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-9)
    assert metrics.voc07_map == pytest.approx((6 + 5 * 2 / 3) / 11, abs=1e-9)
    assert metrics.best_f1 is not None
    assert metrics.best_f1.f1 == pytest.approx(2 * 2 / (3 + 2))
    assert metrics.best_f1.threshold == pytest.approx(0.7)


def test_the_part_outside_the_picture_is_not_punished() -> None:
    at_edge = (160.0, 40.0, 200.0, 100.0)
    leaving = (160.0, 40.0, 400.0, 300.0)  # its visible part is the object; unclipped the IoU is 0.04
    assert evaluate([record(at_edge)], ["cat"], [found(leaving, scores=[0.9])]).map50_95 == 1.0


@pytest.mark.parametrize(
    "outside", [(-50.0, -50.0, -10.0, -10.0), (250.0, 0.0, 300.0, 50.0), (30.0, 30.0, 20.0, 20.0)]
)
def test_a_box_without_visible_area_is_a_false_positive(outside: tuple[float, float, float, float]) -> None:
    metrics = evaluate([record(A)], ["cat"], [found(outside, A, scores=[0.9, 0.8])])
    assert metrics.num_detections == 2
    assert metrics.map50 == pytest.approx(1 / 2)


def test_a_detection_of_the_wrong_class_is_wrong_twice() -> None:
    metrics = evaluate(
        [record(A, B, labels=[0, 1])], ["cat", "dog"], [found(A, B, scores=[0.9, 0.8], labels=[1, 1])]
    )
    cat, dog = metrics.classes
    assert cat.ap50 == 0.0
    assert dog.ap50 == pytest.approx(1 / 2)
    assert metrics.map50 == pytest.approx(1 / 4)


def test_ignored_objects_need_not_be_found_and_may_be() -> None:
    crowd = (100.0, 20.0, 200.0, 100.0)
    truth = record(A, crowd, ignore=[False, True])
    inside = [(100.0, 20.0, 140.0, 60.0), (120.0, 40.0, 180.0, 90.0)]
    metrics = evaluate([truth], ["cat"], [found(*inside, A, scores=[0.9, 0.8, 0.7])])
    assert metrics.map50_95 == metrics.voc07_map == 1.0
    assert (metrics.num_objects, metrics.num_ignored) == (1, 1)
    assert metrics.classes[0].objects == 1
    assert metrics.best_f1 is not None
    assert (metrics.best_f1.precision, metrics.best_f1.recall) == (1.0, 1.0)


def test_a_class_without_objects_is_undefined_and_not_averaged() -> None:
    metrics = evaluate([record(A)], ["cat", "dog"], [found(A, B, scores=[0.9, 0.8], labels=[0, 1])])
    cat, dog = metrics.classes
    assert (cat.ap50, cat.ap50_95, cat.voc07_ap) == (1.0, 1.0, 1.0)
    assert (dog.objects, dog.ap50, dog.ap50_95, dog.voc07_ap) == (0, None, None, None)
    assert metrics.map50 == metrics.map50_95 == metrics.voc07_map == 1.0
    # The operating point pools all classes: with the dog one of two boxes is wrong, so it is left out.
    assert metrics.best_f1 is not None
    assert metrics.best_f1.threshold == pytest.approx(0.9)


def test_nothing_found_is_zero() -> None:
    metrics = evaluate([record(A), record(B)], ["cat", "dog"], [Detections.none(), Detections.none()])
    assert metrics.map50 == metrics.map50_95 == metrics.map75 == metrics.recall == metrics.voc07_map == 0.0
    assert metrics.best_f1 is None
    assert metrics.classes[0].ap50 == 0.0
    assert metrics.classes[1].ap50 is None


@pytest.mark.parametrize("ignored", [False, True])
def test_nothing_to_find_is_undefined(ignored: bool) -> None:
    truth = record(A, ignore=[True]) if ignored else record()
    metrics = evaluate([truth], ["cat"], [found(A, scores=[0.9])])
    assert metrics.map50 is metrics.map50_95 is metrics.recall is metrics.voc07_map is metrics.best_f1 is None
    assert (metrics.num_objects, metrics.num_ignored, metrics.num_detections) == (0, int(ignored), 1)


def test_no_pictures_at_all() -> None:
    metrics = evaluate([], ["cat"], [])
    assert metrics.map50 is None
    assert metrics.num_pictures == 0


def test_coco_counts_a_hundred_detections_a_picture_and_voc_all() -> None:
    misses = [(60.0, 60.0, 61.0 + i / 10, 62.0) for i in range(100)]
    scores = [0.9 - i / 1000 for i in range(100)]
    metrics = evaluate([record(A)], ["cat"], [found(*misses, A, scores=[*scores, 0.1])])
    assert metrics.map50 == metrics.recall == 0.0  # the hit is the 101st
    assert metrics.voc07_map == pytest.approx(1 / 101)
    assert metrics.best_f1 is not None
    assert metrics.best_f1.recall == 1.0


# ------------------------------------------------------------ VOC07


def voc07_by_hand(hits: Sequence[bool], num_objects: int) -> float:
    """The challenge's rule on hits in order of score: highest precision at recall >= 0, 1/10, ..., 1."""
    curve = [(sum(hits[:n]), sum(hits[:n]) / n) for n in range(1, len(hits) + 1)]
    best = [
        max((precision for count, precision in curve if 10 * count >= tenth * num_objects), default=0.0)
        for tenth in range(11)
    ]
    return sum(best) / 11


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_voc07_is_the_interpolated_eleven_point_rule(hits: list[bool], missed: int) -> None:
    # Disjoint objects, one a picture; hit n is an exact box, a miss is a box on nothing.
    objects = sum(hits) + missed
    if objects == 0:
        return
    records = [record(A) if hit else record() for hit in hits] + [record(A)] * missed
    detections = [found(A, scores=[0.9 - 0.01 * n]) for n in range(len(hits))] + [Detections.none()] * missed
    metrics = evaluate(records, ["cat"], detections)
    assert metrics.voc07_map == pytest.approx(voc07_by_hand(hits, objects), abs=1e-12)


@pytest.mark.parametrize("found_of_ten", range(11))
def test_a_recall_of_exactly_a_tenth_reaches_its_point(found_of_ten: int) -> None:
    # 3/10 < linspace(0, 1, 11)[3] = 0.30000000000000004: the rounding must not cost a point.
    detections = [
        found(A, scores=[0.9 - 0.01 * n]) if n < found_of_ten else Detections.none() for n in range(10)
    ]
    metrics = evaluate([record(A)] * 10, ["cat"], detections)
    assert metrics.voc07_map == pytest.approx((found_of_ten + 1) / 11 if found_of_ten else 0.0, abs=1e-12)


# ------------------------------------------------------------ the oracle


def scene(seed: int, *, pictures: int, classes: int, crowds: bool) -> tuple[list[Record], list[Detections]]:
    """Random truths; detections are truths moved about, truths doubled, and noise. No two scores tie."""
    rng = np.random.default_rng(seed)
    records, detections = [], []
    for index in range(pictures):
        count = int(rng.integers(0, 9))
        size = (int(rng.integers(80, 500)), int(rng.integers(80, 500)))
        boxes = np.concatenate(
            [rng.uniform(0.3, 0.7, (count, 2)), rng.uniform(0.02, 0.6, (count, 2))], axis=1
        )
        labels = rng.integers(0, classes, count)
        ignore = rng.random(count) < (0.2 if crowds else 0.0)
        records.append(
            Record(
                name=f"{index}.png",
                path=None,
                image_size=size,
                boxes=boxes.astype(np.float32),
                labels=labels.astype(np.int64),
                ignore=ignore,
            )
        )
        chosen = rng.integers(0, count, 2 * count) if count else np.zeros(0, np.int64)
        moved = boxes[chosen] + rng.normal(0, 0.03, (len(chosen), 4)) * boxes[chosen][:, [2, 3, 2, 3]]
        noise = np.concatenate([rng.uniform(0, 1, (4, 2)), rng.uniform(0.02, 0.5, (4, 2))], axis=1)
        wrong = np.where(rng.random(len(chosen)) < 0.1, rng.integers(0, classes, len(chosen)), labels[chosen])
        detections.append(
            Detections(
                boxes=np.concatenate([moved, noise]).astype(np.float32),
                scores=np.zeros(len(chosen) + 4, np.float32),
                labels=np.concatenate([wrong, rng.integers(0, classes, 4)]).astype(np.int64),
            )
        )
    total = sum(len(picture) for picture in detections)
    scores = np.split(
        rng.permutation(np.linspace(0.01, 0.99, total)), np.cumsum([len(d) for d in detections])[:-1]
    )
    return records, [
        Detections(boxes=d.boxes, scores=s.astype(np.float32), labels=d.labels)
        for d, s in zip(detections, scores, strict=True)
    ]


def clipped(boxes: np.ndarray, size: tuple[int, int]) -> list[list[float]]:
    """Another way to left, top, width, height in pixels, box by box."""
    rows = []
    for cx, cy, w, h in boxes.astype(np.float64).tolist():
        left, right = (min(max(x, 0.0), 1.0) * size[1] for x in (cx - w / 2, cx + w / 2))
        top, bottom = (min(max(y, 0.0), 1.0) * size[0] for y in (cy - h / 2, cy + h / 2))
        rows.append([left, top, right - left, bottom - top])
    return rows


def pycocotools_stats(records: list[Record], classes: int, detections: list[Detections]) -> np.ndarray:
    """The twelve numbers that pycocotools prints, -1 where undefined."""
    truths: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for image, (truth, picture) in enumerate(zip(records, detections, strict=True), start=1):
        for box, label, crowd in zip(
            clipped(truth.boxes, truth.image_size), truth.labels, truth.ignore, strict=True
        ):
            truths.append(
                {
                    "id": len(truths) + 1,
                    "image_id": image,
                    "category_id": int(label),
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(crowd),
                }
            )
        for box, label, score in zip(
            clipped(picture.boxes, truth.image_size), picture.labels, picture.scores, strict=True
        ):
            rows.append({"image_id": image, "category_id": int(label), "bbox": box, "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i + 1} for i in range(len(records))],
            "categories": [{"id": c} for c in range(classes)],
            "annotations": truths,
        }
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(rows), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    stats: np.ndarray = run.stats
    return stats


@pytest.mark.parametrize("crowds", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_equal_to_pycocotools(seed: int, crowds: bool) -> None:
    classes = 1 + 2 * (seed % 3)
    records, detections = scene(seed, pictures=12, classes=classes, crowds=crowds)
    metrics = evaluate(records, [f"class {c}" for c in range(classes)], detections)
    stats = pycocotools_stats(records, classes, detections)
    ours = [
        metrics.map50_95,
        metrics.map50,
        metrics.map75,
        metrics.map_small,
        metrics.map_medium,
        metrics.map_large,
        metrics.recall,
    ]
    theirs = [None if value == -1 else value for value in stats[[0, 1, 2, 3, 4, 5, 8]]]
    assert [value is None for value in ours] == [value is None for value in theirs]
    np.testing.assert_allclose(
        [v for v in ours if v is not None], [v for v in theirs if v is not None], rtol=0, atol=1e-6
    )
    assert 0.2 < stats[1] < 0.99  # the scene is neither trivial nor hopeless


def iou(a: list[float], b: list[float], *, crowd: bool) -> float:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (a[2] * a[3] if crowd else a[2] * a[3] + b[2] * b[3] - shared)


def best_f1_by_hand(records: list[Record], detections: list[Detections]) -> tuple[float, float, float, float]:
    """Try every threshold: match what it keeps, object by object, and count."""
    best = (-1.0, 0.0, 0.0, 0.0)
    objects = sum(int((~truth.ignore).sum()) for truth in records)
    for threshold in sorted({float(s) for picture in detections for s in picture.scores}, reverse=True):
        hits = misses = 0
        for truth, picture in zip(records, detections, strict=True):
            boxes = clipped(truth.boxes, truth.image_size)
            taken: set[int] = set()
            for d in np.argsort(-picture.scores, kind="stable"):
                if picture.scores[d] < threshold:
                    continue
                box = clipped(picture.boxes[d : d + 1], truth.image_size)[0]
                same = [g for g in range(len(boxes)) if truth.labels[g] == picture.labels[d]]
                free = [
                    (iou(box, boxes[g], crowd=False), g)
                    for g in same
                    if not truth.ignore[g] and g not in taken
                ]
                overlap, chosen = max(free, default=(0.0, -1))
                if overlap >= 0.5:
                    taken.add(chosen)
                    hits += 1
                elif not any(truth.ignore[g] and iou(box, boxes[g], crowd=True) >= 0.5 for g in same):
                    misses += 1
        f1 = 2 * hits / (hits + misses + objects)
        if f1 > best[0] + 1e-12:
            best = (f1, threshold, hits / max(hits + misses, 1), hits / objects)
    return best


@pytest.mark.parametrize("seed", range(3))
def test_best_f1_is_that_of_trying_every_threshold(seed: int) -> None:
    records, detections = scene(seed, pictures=5, classes=2, crowds=True)
    point = evaluate(records, ["cat", "dog"], detections).best_f1
    assert point is not None
    assert (point.f1, point.threshold, point.precision, point.recall) == pytest.approx(
        best_f1_by_hand(records, detections), abs=1e-9
    )


def test_a_threshold_keeps_all_detections_of_its_score() -> None:
    # The hit comes first in the tie; a threshold of 0.5 still keeps the three misses of the same score.
    point = evaluate([record(A)], ["cat"], [found(A, NOWHERE, NOWHERE, NOWHERE, scores=[0.5] * 4)]).best_f1
    assert point is not None
    assert (point.threshold, point.precision, point.recall, point.f1) == (0.5, 0.25, 1.0, 0.4)


# ------------------------------------------------------------ what comes out


def example() -> Metrics:
    truths = [record(A, B, labels=[0, 2]), record(A, labels=[0])]
    return evaluate(
        truths,
        ["red [blood] cell", "dog", "bird"],
        [found(A, B, scores=[0.9, 0.8], labels=[0, 2]), Detections.none()],
    )


def test_json_round_trip() -> None:
    values = json.loads(json.dumps(example().to_json(), allow_nan=False))
    assert values["map50"] == pytest.approx((51 / 101 + 1) / 2)
    assert values["map_small"] is None
    assert values["classes"][1] == {
        "name": "dog",
        "objects": 0,
        "ap50": None,
        "ap50_95": None,
        "voc07_ap": None,
        "precision50": None,
    }
    assert np.mean(values["classes"][0]["precision50"]) == pytest.approx(values["classes"][0]["ap50"])
    assert len(values["classes"][0]["precision50"]) == 101
    assert values["best_f1"] == {
        "threshold": pytest.approx(0.8),
        "precision": 1.0,
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(0.8),
    }
    assert values["num_pictures"] == 2


def test_table_shows_classes_then_the_mean() -> None:
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(example().table())
    text = console.export_text()
    lines = [line.split() for line in text.splitlines() if line.strip()]
    assert ["red", "[blood]", "cell", "2", "0.505", "0.505", "0.545"] in lines
    assert ["dog", "0", "-", "-", "-"] in lines
    assert ["bird", "1", "1.000", "1.000", "1.000"] in lines
    assert ["mean", "of", "2", "present", "3", "0.752", "0.752", "0.773"] in lines
    assert "2 pictures, 3 objects, 2 detections" in text
    assert "precision 1.000, recall 0.667" in text


def test_the_library_says_nothing(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        example()
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_importing_is_cheap() -> None:
    heavy = "{'faster_coco_eval', 'rich', 'matplotlib'}"
    code = f"import sys, yolosses.training.evaluation; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


# ------------------------------------------------------------ bad input


def test_one_entry_a_picture_is_required() -> None:
    with pytest.raises(ValueError, match="detections: expected one entry for each of 2 pictures; got 1"):
        evaluate([record(A), record(B)], ["cat"], [Detections.none()])


def test_a_class_without_a_name_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"detections of a.png: expected classes 0..1; got 2"):
        evaluate([record(A)], ["cat", "dog"], [found(A, scores=[0.9], labels=[2])])
    with pytest.raises(ValueError, match=r"labels of a.png: expected classes 0..0; got 1"):
        evaluate([record(A, labels=[1])], ["cat"], [Detections.none()])


@pytest.mark.parametrize("field", ["boxes", "scores"])
def test_nan_is_an_error(field: str) -> None:
    picture = found(A, B, scores=[0.9, 0.8])
    getattr(picture, field)[1] = np.nan
    with pytest.raises(
        ValueError, match=f"detections of a.png: expected finite {field}; got nan in detection 1"
    ):
        evaluate([record(A)], ["cat"], [picture])


def test_shapes_of_detections() -> None:
    with pytest.raises(ValueError, match=r"boxes: expected shape \(N, 4\); got \(4,\)"):
        Detections(
            boxes=np.zeros(4, np.float32), scores=np.zeros(1, np.float32), labels=np.zeros(1, np.int64)
        )
    with pytest.raises(ValueError, match=r"scores: expected shape \(2,\), one for each box; got \(1,\)"):
        Detections(
            boxes=np.zeros((2, 4), np.float32), scores=np.zeros(1, np.float32), labels=np.zeros(2, np.int64)
        )


# ------------------------------------------------------------ real pictures


BCCD = Path(__file__).parents[3] / "shared" / "data" / "bccd"


@pytest.mark.skipif(not BCCD.is_dir(), reason="needs ../shared/data/bccd")
def test_blood_cells_moved_about_score_as_pycocotools_says() -> None:
    data = open_dataset(BCCD, "test")
    rng = np.random.default_rng(0)
    exact, moved = [], []
    for truth in data.records:
        scores = rng.uniform(0.1, 0.9, len(truth.boxes)).astype(np.float32)
        shift = rng.normal(0, 0.06, truth.boxes.shape) * truth.boxes[:, [2, 3, 2, 3]]
        boxes = (truth.boxes + shift).astype(np.float32)
        exact.append(Detections(boxes=truth.boxes, scores=scores, labels=truth.labels))
        moved.append(Detections(boxes=boxes, scores=scores, labels=truth.labels))
    assert evaluate(data, data.class_names, exact).map50_95 == 1.0
    metrics = evaluate(data, data.class_names, moved)
    stats = pycocotools_stats(data.records, len(data.class_names), moved)
    ours = [metrics.map50_95, metrics.map50, metrics.map75, metrics.recall]
    np.testing.assert_allclose(np.array(ours, np.float64), stats[[0, 1, 2, 8]], rtol=0, atol=1e-6)
    assert [row.name for row in metrics.classes] == list(data.class_names)
    assert metrics.num_pictures == 72
