"""The confusion matrix, worked by hand on drawn boxes."""

import numpy as np
import pytest
from tests.training.test_evaluation import NOWHERE, A, B, found, record, scene

from yolosses.studies.errors import confusion
from yolosses.training.evaluation import Detections, evaluate

NAMES = ("cat", "dog")
MOVED = (14.0, 10.0, 54.0, 50.0)  # IoU 0.82 with A


def matrix(*arguments: object, threshold: float = 0.5, **more: object) -> list[list[int]]:
    records, detections = arguments
    return confusion(records, NAMES, detections, threshold=threshold, **more).matrix.tolist()


def test_right_wrong_class_missed_and_invented() -> None:
    records = [record(A, B, labels=[0, 1]), record(A, labels=[1])]
    detections = [
        found(
            A, B, NOWHERE, scores=[0.9, 0.8, 0.7], labels=[0, 0, 1]
        ),  # right, a dog called cat, nothing there
        Detections.none(),  # a dog missed
    ]
    assert matrix(records, detections) == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_an_object_goes_to_a_detection_of_its_class_even_if_a_surer_one_is_of_another() -> None:
    detections = [found(A, MOVED, scores=[0.9, 0.6], labels=[1, 0])]
    assert matrix([record(A, labels=[0])], detections) == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_of_two_on_one_object_the_second_is_on_background() -> None:
    detections = [found(A, MOVED, scores=[0.6, 0.9])]
    assert matrix([record(A)], detections) == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_only_what_is_sure_enough_and_near_enough_counts() -> None:
    records, detections = [record(A)], [found(MOVED, scores=[0.5])]
    assert matrix(records, detections) == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert matrix(records, detections, threshold=0.51) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert matrix(records, detections, iou=0.9) == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_ignored_objects_are_neither_missed_nor_wrong_to_find() -> None:
    records = [record(A, B, labels=[0, 0], ignore=[True, False])]
    assert matrix(records, [found(A, scores=[0.9])]) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert matrix(records, [found(A, scores=[0.9], labels=[1])])[2] == [
        0,
        1,
        0,
    ]  # of another class it is wrong


@pytest.mark.parametrize("seed", range(4))
def test_the_diagonal_is_what_precision_and_recall_count(seed: int) -> None:
    records, detections = scene(seed, pictures=20, classes=3, crowds=False)
    names = ("a", "b", "c")
    best = evaluate(records, names, detections).best_f1
    assert best is not None
    result = confusion(records, names, detections, threshold=best.threshold).matrix
    hits, objects, kept = np.trace(result), result[:-1].sum(), result[:, :-1].sum()
    assert hits / objects == pytest.approx(best.recall)
    assert hits / kept == pytest.approx(best.precision)


def test_json_says_how_to_read_it() -> None:
    values = confusion([record(A)], NAMES, [found(A, scores=[0.9])], threshold=0.25).to_json()
    assert values == {
        "threshold": 0.25,
        "iou": 0.5,
        "rows": ["cat", "dog", "background"],
        "columns": ["cat", "dog", "missed"],
        "matrix": [[1, 0, 0], [0, 0, 0], [0, 0, 0]],
    }


def test_an_iou_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="iou: expected 0 < iou <= 1; got 0"):
        confusion([], NAMES, [], threshold=0.5, iou=0)
