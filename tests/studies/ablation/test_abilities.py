"""The measures of a detector on scenes whose answers can be worked out by hand."""

import math

import numpy as np
import pytest

from yolosses.studies.ablation.abilities import Scene, abilities, calibration
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

A, B = [0.25, 0.25, 0.2, 0.2], [0.75, 0.75, 0.2, 0.2]
NOWHERE = [0.25, 0.75, 0.2, 0.2]


def record(boxes: list[list[float]], labels: list[int], ignore: list[bool] | None = None) -> Record:
    return Record(
        name="p",
        path=None,
        image_size=(100, 200),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        ignore=np.array(ignore or [False] * len(labels), bool),
    )


def found(*rows: tuple[list[float], float, int]) -> Detections:
    return Detections(
        boxes=np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in rows], np.float32),
        labels=np.array([label for _, _, label in rows], np.int64),
    )


def test_a_perfect_detector() -> None:
    values = abilities([record([A, B], [0, 1])], [found((A, 1.0, 0), (B, 1.0, 1))], 0.5)
    assert values["mean_iou"] == pytest.approx(1.0)
    assert values["centre_error"] == pytest.approx(0.0, abs=1e-6)
    assert values["size_error"] == pytest.approx(0.0, abs=1e-6)
    assert values["class_accuracy"] == values["recall_fixed"] == 1.0
    assert values["background_fp"] == values["missed"] == 0.0
    assert values["calibration_error"] == pytest.approx(0.0, abs=1e-6)


def test_errors_of_centre_and_size_are_told_apart() -> None:
    """Objects of 40 x 20 pixels. One box is 6 pixels to the right, the other twice as high."""
    moved, high = [0.25 + 6 / 200, 0.25, 0.2, 0.2], [0.75, 0.75, 0.2, 0.4]
    values = abilities([record([A, B], [0, 0])], [found((moved, 0.9, 0), (high, 0.8, 0))], 0.1)
    assert values["centre_error"] == pytest.approx((6 / math.sqrt(800)) / 2, rel=1e-5)
    assert values["size_error"] == pytest.approx(math.log(2) / 2 / 2, rel=1e-5)
    assert values["mean_iou"] == pytest.approx((34 / 46 + 0.5) / 2, rel=1e-5)


def test_bad_boxes_count_in_the_errors_but_not_among_the_true_positives() -> None:
    small = [0.25, 0.25, 0.1, 0.1]  # IoU 0.25
    values = abilities([record([A], [0])], [found((small, 0.9, 0))], 0.1)
    assert values["mean_iou"] is None
    assert values["size_error"] == pytest.approx(math.log(2), rel=1e-5)
    assert values["missed"] == 0.0  # it is met, though badly


def test_background_and_missed_objects_are_counted_at_the_threshold() -> None:
    scene = record([A, B], [0, 0])
    boxes = found((NOWHERE, 0.6, 0), (A, 0.5, 0), (NOWHERE, 0.2, 1), (B, 0.1, 0))
    values = abilities([scene, record([], [])], [boxes, found((A, 0.7, 0))], 0.4)
    assert values["background_fp"] == (1 + 1) / 2  # a picture without objects counts too
    assert values["missed"] == 0.5
    assert values["recall_fixed"] == 0.5
    assert abilities([scene], [boxes], 0.15)["background_fp"] == 2.0
    assert abilities([scene], [boxes], 0.15)["background_fp_fixed"] == 1.0


def test_the_class_of_a_well_placed_box() -> None:
    values = abilities([record([A, B], [0, 1])], [found((A, 0.9, 1), (B, 0.8, 1), (NOWHERE, 0.7, 0))], 0.1)
    assert values["class_accuracy"] == 0.5
    assert values["missed"] == 0.0  # met by a box of another class


def test_each_object_makes_one_true_positive() -> None:
    near = [0.25, 0.25, 0.18, 0.2]
    values = abilities([record([A], [0])], [found((near, 0.9, 0), (A, 0.8, 0))], 0.1)
    assert values["mean_iou"] == pytest.approx(0.9)  # the surer one has it, though the other fits better
    assert values["background_fp"] == 0.0


def test_ignored_objects_are_neither_missed_nor_background() -> None:
    scene = record([A, B], [0, 0], [False, True])
    values = abilities([scene], [found((A, 0.9, 0), (B, 0.8, 0), (B, 0.7, 1))], 0.1)
    assert values["missed"] == values["background_fp"] == 0.0
    assert values["mean_iou"] == pytest.approx(1.0)
    assert len(Scene.of(scene, found((B, 0.8, 0))).scores) == 0


def test_nothing_found() -> None:
    values = abilities([record([A], [0])], [Detections.none()], None)
    assert values["missed"] == 1.0
    assert values["recall_fixed"] == values["background_fp"] == values["background_fp_fixed"] == 0.0
    for name in ("mean_iou", "centre_error", "size_error", "class_accuracy", "calibration_error"):
        assert values[name] is None


def test_no_objects_and_no_pictures() -> None:
    assert abilities([record([], [])], [found((A, 0.9, 0))], 0.1)["missed"] is None
    assert abilities([record([], [])], [found((A, 0.9, 0))], 0.1)["background_fp"] == 1.0
    assert set(abilities([], [], None).values()) == {None}


def test_calibration_by_parts_of_the_scores() -> None:
    half = [0.25, 0.25, 0.1, 0.2]
    parts = calibration(
        [record([A], [0])] * 2,
        [found((half, 0.95, 0), (A, 0.91, 0), (A, 0.31, 1)), found((NOWHERE, 0.01, 0), (A, 1.0, 0))],
    )
    assert parts["count"] == [1.0, 3.0]
    assert parts["score"] == pytest.approx([0.31, (0.95 + 0.91 + 1.0) / 3])
    assert parts["iou"] == pytest.approx([0.0, 2.5 / 3])  # another class is not what the score speaks of
    error = abilities([record([A], [0])], [found((half, 0.9, 0))], 0.1)["calibration_error"]
    assert error == pytest.approx(0.4, abs=1e-6)
