"""How detections and labels are paired, and how far each is to be believed."""

import numpy as np
import pytest

from yolosses.studies.agreement import Scene, _falling, _paired, experience_of
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections


def record(boxes: list[list[float]], labels: list[int], ignore: list[bool] | None = None) -> Record:
    return Record(
        name="p",
        path=None,
        image_size=(100, 100),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        ignore=np.array(ignore or [False] * len(labels), bool),
    )


def found(boxes: list[list[float]], scores: list[float], labels: list[int]) -> Detections:
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        labels=np.array(labels, np.int64),
    )


def test_strongest_pairs_come_first_and_each_detection_serves_once() -> None:
    strength = np.array([[0.9, 0.8, 0.0], [0.7, 0.1, 0.0], [0.0, 0.3, 0.0]])
    assert _paired(strength).tolist() == [0.9, 0.3, 0.0]
    assert _paired(np.zeros((0, 2))).tolist() == [0.0, 0.0]


def test_support_is_score_times_iou_of_the_same_class() -> None:
    here, there = [0.3, 0.3, 0.2, 0.2], [0.7, 0.7, 0.2, 0.2]
    scene = Scene.of(
        record([here, there], [0, 1]),
        found([here, [0.35, 0.3, 0.2, 0.2], there], [0.5, 0.9, 0.8], [0, 0, 0]),
    )
    assert scene.support == pytest.approx([0.9 * 0.6, 0.0], abs=1e-5)  # the shifted one: IoU 0.15 / 0.25
    assert scene.contradicts.tolist() == [False, False, True]


def test_predictions_on_ignored_regions_contradict_nothing() -> None:
    scene = Scene.of(
        record([[0.5, 0.5, 0.6, 0.6]], [0], [True]),
        found([[0.4, 0.4, 0.1, 0.1], [0.95, 0.95, 0.1, 0.1]], [0.9, 0.9], [0, 0]),
    )
    assert scene.contradicts.tolist() == [False, True]


def test_shares_fall_from_block_to_block() -> None:
    flags = np.array([True, False, True, True, False, False, True, False, False, False], bool)
    blocks = _falling(flags)
    share = blocks[:, 0] / blocks[:, 1]
    assert share.tolist() == [1.0, *[2 / 3] * 3, *[1 / 3] * 3, 0.0, 0.0, 0.0]
    assert (np.diff(share) <= 0).all()
    assert _falling(np.zeros(0, bool)).shape == (0, 2)


def test_sure_predictions_are_believed_and_known_classes_are_doubted() -> None:
    here, elsewhere = [0.3, 0.3, 0.2, 0.2], [0.7, 0.7, 0.2, 0.2]
    scenes = [
        Scene.of(record([here], [0]), found([here, elsewhere], [0.9 - i / 1000, 0.1 + i / 1000], [0, 0]))
        for i in range(60)
    ]
    scenes.append(Scene.of(record([], []), found([elsewhere], [0.88], [0])))
    scenes.append(Scene.of(record([here], [0]), found([], [], [])))
    known, unknown = experience_of(scenes, 2)
    assert known.agreeing(float(np.float32(0.88))) > 0.95
    assert known.agreeing(float(np.float32(0.12))) < 0.1
    assert known.better_seen(0.0) > 0.98
    assert known.doubt(0.0) > 0.98
    assert known.doubt(known.typical) == 0.0
    assert known.reliability == pytest.approx(60 / 61)
    assert (unknown.typical, unknown.doubt(0.0), unknown.reliability) == (0.0, 0.0, 0.0)


def test_sizes_are_compared_by_the_sides_that_are_whole() -> None:
    labels = [[0.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 0.1, 0.3]]
    (known,) = experience_of([Scene.of(record(labels, [0, 0, 0]), found(labels, [0.9] * 3, [0] * 3))], 1)
    box = np.array([0.3, 0.3, 0.21, 0.2], np.float32)
    boxes = np.array(labels, np.float32)
    assert known.as_alike(box, boxes[0]) == pytest.approx(1 / 3)
    assert known.as_alike(box, boxes[1]) == 1.0
    cut = np.array(
        [0.05, 0.3, 0.1, 0.3], np.float32
    )  # ends with the picture on the left: only its height is known
    assert known.as_alike(cut, boxes[2]) == pytest.approx(1 / 3)
    corner = np.array([0.05, 0.05, 0.1, 0.1], np.float32)
    assert known.as_alike(corner, boxes[0]) == 1.0
