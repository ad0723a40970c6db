"""Planted label errors are found and named; labels that a good detector agrees with are left alone."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.errors import exactly

from yolosses.studies.label_errors import LabelSuspicion, likely_label_errors
from yolosses.training.data import Record
from yolosses.training.data.dataset import WrittenLabels
from yolosses.training.evaluation import Detections

NAMES = ("round", "flat", "tall")
SIZES = np.array([[0.12, 0.15], [0.25, 0.1], [0.08, 0.3]])
PICTURES, SIDE = 60, 4


def scene(index: int) -> tuple[Record, Detections]:
    """Objects in the cells of a 4 x 4 board, and what a fair detector says: nine tenths of them found, unsure ones
    placed worse, some faint false alarms."""
    rng = np.random.default_rng(index)
    cells = rng.permutation(SIDE * SIDE)[: rng.integers(4, 9)]
    labels = rng.integers(0, 3, len(cells))
    centres = np.stack((cells % SIDE + 0.5, cells // SIDE + 0.5), 1) / SIDE
    boxes = np.concatenate((centres, SIZES[labels] * rng.uniform(0.8, 1.1, (len(cells), 2))), 1)
    found = rng.random(len(cells)) < 0.9
    scores = np.where(found, rng.uniform(0.45, 0.95, len(cells)), rng.uniform(0.05, 0.2, len(cells)))
    drawn = boxes + rng.normal(0, 0.008, boxes.shape) * (1.2 - scores)[:, None]
    false = np.concatenate((rng.uniform(0.2, 0.8, (6, 2)), SIZES[rng.integers(0, 3, 6)]), 1)
    record = Record(
        name=f"p{index:02d}.jpg",
        path=None,
        image_size=(300, 400),
        boxes=boxes.astype(np.float32),
        labels=labels,
        ignore=np.zeros(len(cells), bool),
    )
    detections = Detections(
        boxes=np.concatenate((drawn, false)).astype(np.float32),
        scores=np.concatenate((scores, rng.uniform(0.01, 0.3, 6))).astype(np.float32),
        labels=np.concatenate((labels, rng.integers(0, 3, 6))),
    )
    return record, detections


@pytest.fixture
def scenes() -> tuple[list[Record], list[Detections]]:
    pairs = [scene(index) for index in range(PICTURES)]
    return [record for record, _ in pairs], [found for _, found in pairs]


def well_seen(scenes: tuple[list[Record], list[Detections]], picture: int) -> int:
    """An object that the detector is sure of."""
    records, detections = scenes
    return int(detections[picture].scores[: len(records[picture].labels)].argmax())


def with_label(record: Record, position: int, *, box: object = None, label: int | None = None) -> Record:
    boxes, labels = record.boxes.copy(), record.labels.copy()
    if box is not None:
        boxes[position] = box
    if label is not None:
        labels[position] = label
    return replace(record, boxes=boxes, labels=labels)


def half_a_picture_away(box: np.ndarray) -> np.ndarray:
    """To the other half, left or right, and up or down as well if it lies there."""
    moved = box.copy()
    moved[0] = (box[0] + 0.5) % 1
    return moved


def test_a_fair_detector_raises_hardly_any_doubt(scenes: tuple[list[Record], list[Detections]]) -> None:
    found = likely_label_errors(*scenes, NAMES)
    assert sum(suspicion.score > 0.98 for suspicion in found) <= 3
    for suspicion in found:
        assert 0.5 <= suspicion.score <= 1
        assert suspicion.kind in ("class", "moved", "missing", "unseen")
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)


@pytest.mark.parametrize("picture", [0, 7, 19, 33, 48, 59])
def test_a_label_moved_by_half_a_picture_is_among_the_first_three(
    scenes: tuple[list[Record], list[Detections]], picture: int
) -> None:
    records, detections = scenes
    position = well_seen(scenes, picture)
    before = records[picture].boxes[position]
    records[picture] = with_label(records[picture], position, box=half_a_picture_away(before))
    first = likely_label_errors(records, detections, NAMES)[:3]
    found = next(s for s in first if s.picture == picture)
    assert found.name == f"p{picture:02d}.jpg"
    assert (found.kind, found.object) == ("moved", position)
    assert found.pred_box == pytest.approx(before, abs=0.05)
    assert found.iou == pytest.approx(0, abs=0.01)
    name = found.label_name
    distance = int(re.search(r"(\d+) pixels away", found.reason())[1])  # type: ignore[index]
    assert distance == pytest.approx(200, abs=5)
    assert found.reason() == (
        f'nothing like the label "{name}" is predicted where it lies, but one of its size {distance} pixels away, '
        f"where there is no label (score {found.pred_score:.2f})"
    )


def test_a_wrong_class_is_named(scenes: tuple[list[Record], list[Detections]]) -> None:
    records, detections = scenes
    position = well_seen(scenes, 12)
    right = int(records[12].labels[position])
    records[12] = with_label(records[12], position, label=(right + 1) % 3)
    found = likely_label_errors(records, detections, NAMES)[0]
    assert (found.picture, found.kind, found.object) == (12, "class", position)
    assert (found.label_name, found.pred_name) == (NAMES[(right + 1) % 3], NAMES[right])
    assert found.reason() == (
        f'labelled "{found.label_name}", but predicted as "{found.pred_name}" at the same place '
        f"(score {found.pred_score:.2f}, IoU {found.iou:.2f})"
    )
    assert found.reason(language="zh-TW").startswith(f"標註為「{found.label_name}」，但同一位置的預測是")


def test_a_missing_label_is_named(scenes: tuple[list[Record], list[Detections]]) -> None:
    records, detections = scenes
    position = well_seen(scenes, 25)
    box, label = records[25].boxes[position], records[25].labels[position]
    keep = np.arange(len(records[25].labels)) != position
    records[25] = replace(
        records[25],
        boxes=records[25].boxes[keep],
        labels=records[25].labels[keep],
        ignore=records[25].ignore[keep],
    )
    found = next(s for s in likely_label_errors(records, detections, NAMES)[:3] if s.picture == 25)
    assert (found.kind, found.object, found.box) == ("missing", None, None)
    assert found.pred_name == NAMES[label]
    assert found.pred_box == pytest.approx(box, abs=0.05)
    assert found.agreeing == pytest.approx(found.score)


def test_a_label_on_nothing_is_named(scenes: tuple[list[Record], list[Detections]]) -> None:
    records, detections = scenes
    record = records[40]
    records[40] = replace(
        record,
        boxes=np.concatenate((record.boxes, np.float32([[0.5, 0.5, 0.1, 0.12]]))),
        labels=np.append(record.labels, 0),
        ignore=np.append(record.ignore, False),
    )
    found = next(s for s in likely_label_errors(records, detections, NAMES)[:3] if s.picture == 40)
    assert (found.kind, found.object) == ("unseen", len(record.labels))
    assert (found.pred_box, found.pred_score) == (None, None)
    assert found.edges("label") == (180, 132, 220, 168)
    assert found.edges("prediction") is None


def test_a_shifted_label_is_told_from_one_far_away(scenes: tuple[list[Record], list[Detections]]) -> None:
    records, detections = scenes
    position = well_seen(scenes, 9)
    box = records[9].boxes[position].copy()
    box[0] += 0.55 * box[2]
    records[9] = with_label(records[9], position, box=box)
    found = next(s for s in likely_label_errors(records, detections, NAMES)[:3] if s.picture == 9)
    assert (found.kind, found.object) == ("moved", position)
    assert found.iou is not None
    assert 0.1 < found.iou < 0.5
    assert found.reason().startswith(
        f'the label "{found.label_name}" lies beside the object that is predicted'
    )


def test_ignored_regions_are_neither_doubted_nor_missed(
    scenes: tuple[list[Record], list[Detections]],
) -> None:
    records, detections = scenes
    position = well_seen(scenes, 5)
    ignore = records[5].ignore.copy()
    ignore[position] = True
    records[5] = replace(records[5], ignore=ignore)
    sure = [s for s in likely_label_errors(records, detections, NAMES) if s.picture == 5 and s.score > 0.9]
    at = records[5].boxes[position]
    assert all(s.object != position for s in sure)
    assert not any(s.pred_box == pytest.approx(at, abs=0.05) for s in sure)


def test_the_label_file_and_the_place_in_it_are_given(scenes: tuple[list[Record], list[Detections]]) -> None:
    records, detections = scenes
    position = well_seen(scenes, 12)
    count = len(records[12].labels)
    wrong = with_label(records[12], position, label=(int(records[12].labels[position]) + 1) % 3)
    written = WrittenLabels(
        file=Path("labels/p12.txt"),
        exists=True,
        box_format="cxcywh",
        places=tuple(f"line {1 + i}" for i in range(count + 1)),
        categories=("0",) * (count + 1),
        numbers=np.zeros((count + 1, 4)),
        labels=np.zeros(count + 1, np.int64),
        kept=np.arange(-1, count),  # the first line was skipped
    )
    records[12] = replace(wrong, written=written)
    found = likely_label_errors(records, detections, NAMES)[0]
    assert (found.object, found.place) == (position, f"line {position + 2}")
    assert found.label_file == Path("labels/p12.txt")
    assert found.to_json()["label_file"] == str(Path("labels/p12.txt"))


def test_a_detector_that_knows_nothing_doubts_nothing(scenes: tuple[list[Record], list[Detections]]) -> None:
    records, _ = scenes
    rng = np.random.default_rng(0)
    guesses = [
        Detections(
            boxes=rng.uniform(0.05, 0.9, (20, 4)).astype(np.float32) * np.float32([1, 1, 0.3, 0.3]),
            scores=rng.random(20).astype(np.float32),
            labels=rng.integers(0, 3, 20),
        )
        for _ in records
    ]
    assert likely_label_errors(records, guesses, NAMES) == []
    assert likely_label_errors(records, [Detections.none() for _ in records], NAMES) == []


def test_nothing_is_doubted_twice(scenes: tuple[list[Record], list[Detections]]) -> None:
    found = likely_label_errors(*scenes, NAMES)
    labels = [(s.picture, s.object) for s in found if s.object is not None]
    predictions = [(s.picture, s.pred_box) for s in found if s.pred_box is not None]
    assert len(set(labels)) == len(labels)
    assert len(set(predictions)) == len(predictions)


def test_as_many_detections_as_pictures_are_wanted(scenes: tuple[list[Record], list[Detections]]) -> None:
    records, detections = scenes
    message = "detections: expected 60, one for each picture; got 59"
    with pytest.raises(ValueError, match=exactly(message)):
        likely_label_errors(records, detections[1:], NAMES)


def test_top_is_a_limit(scenes: tuple[list[Record], list[Detections]]) -> None:
    every = likely_label_errors(*scenes, NAMES)
    assert likely_label_errors(*scenes, NAMES, top=2) == every[:2]


def test_reason_speaks_known_languages_only() -> None:
    suspicion = LabelSuspicion(
        picture=0, name="a", kind="unseen", score=0.9, image_size=(10, 10), label_name="x"
    )
    with pytest.raises(ValueError, match="language"):
        suspicion.reason(language="fr")
