"""The YOLO paper's split of the surest detections: scenes worked out by hand, and a slow reference."""

import json

import pytest
from hypothesis import given
from tests.studies.errors import reference
from tests.studies.errors.pictures import NOWHERE, A, B, C, found, part_of, record, splits

from yolosses.studies.errors import (
    PAPER_FAST_RCNN,
    PAPER_YOLO,
    TOP_KINDS,
    VOC_SIMILAR,
    TopDetections,
    top_detections,
)
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

NAMES = ("cat", "dog", "car", "chair")
CAT, DOG, CAR, CHAIR = range(4)


def of_picture(truth: Record, picture: Detections) -> TopDetections:
    return top_detections([truth], NAMES, [picture])


def counts(**wanted: int) -> dict[str, int]:
    return {kind: wanted.get(kind, 0) for kind in TOP_KINDS}


# ------------------------------------------------------------ the kinds


@pytest.mark.parametrize(
    ("share", "kind"),
    [
        (0.05, "background"),
        (0.1, "background"),
        (0.15, "localisation"),
        (0.5, "localisation"),
        (0.55, "correct"),
        (1.0, "correct"),
    ],
)
def test_the_own_class_by_overlap(share: float, kind: str) -> None:
    box = (0.0, 0.0, 80.0, 20.0)
    top = of_picture(record((CAT, box)), found((CAT, 0.9, part_of(box, share))))
    assert top.classes[CAT].counts == counts(**{kind: 1})


@pytest.mark.parametrize(("label", "kind"), [(DOG, "similar"), (CAR, "other"), (CHAIR, "other")])
@pytest.mark.parametrize("share", [0.1, 0.15, 1.0])
def test_another_class_by_overlap(label: int, kind: str, share: float) -> None:
    box = (0.0, 0.0, 80.0, 20.0)
    top = of_picture(record((label, box), (CAT, NOWHERE)), found((CAT, 0.9, part_of(box, share))))
    assert top.classes[CAT].counts == counts(**{"background" if share == 0.1 else kind: 1})


def test_the_first_kind_that_fits() -> None:
    # A little of its own class, more of a similar one, all of another.
    box, own = (0.0, 0.0, 80.0, 20.0), (CAT, (0.0, 0.0, 16.0, 20.0))
    similar, other = (DOG, (0.0, 0.0, 40.0, 20.0)), (CAR, box)
    picture = found((CAT, 0.9, box))
    assert of_picture(record(own, similar, other), picture).classes[CAT].counts == counts(localisation=1)
    assert of_picture(record(similar, other, (CAT, NOWHERE)), picture).classes[CAT].counts == counts(
        similar=1
    )
    assert of_picture(record(other, (CAT, NOWHERE)), picture).classes[CAT].counts == counts(other=1)


def test_a_duplicate_is_a_localisation_error() -> None:
    top = of_picture(record((CAT, A), (CAT, B)), found((CAT, 0.9, A), (CAT, 0.8, A), (CAT, 0.7, B)))
    assert top.classes[CAT].counts == counts(correct=1, localisation=1)


def test_the_best_object_still_free_is_taken() -> None:
    wider = (0.0, 0.0, 48.0, 20.0)
    top = of_picture(record((CAT, A), (CAT, wider)), found((CAT, 0.9, A), (CAT, 0.8, A)))
    assert top.classes[CAT].counts == counts(correct=2)


# ------------------------------------------------------------ which detections


def test_as_many_as_there_are_objects_the_surest_first() -> None:
    first = record((CAT, A)), found((CAT, 0.5, NOWHERE), (CAT, 0.9, A))
    second = record((CAT, B), (DOG, C)), found((CAT, 0.7, B), (CAT, 0.6, NOWHERE), (DOG, 0.1, NOWHERE))
    records, detections = zip(first, second, strict=True)
    top = top_detections(records, NAMES, detections)
    assert top.classes[CAT].counts == counts(correct=2)
    assert top.classes[DOG].counts == counts(background=1)
    assert [row.objects for row in top.classes] == [2, 1, 0, 0]


def test_of_equal_scores_the_first_given() -> None:
    rows = [(CAT, 0.5, A), (CAT, 0.5, NOWHERE)]
    assert of_picture(record((CAT, A)), found(*rows)).counts == counts(correct=1)
    assert of_picture(record((CAT, A)), found(*rows[::-1])).counts == counts(background=1)


def test_of_many_equal_scores_the_first_given() -> None:
    right, wrong = (record((CAT, A)), found((CAT, 0.5, A))), (record(), found((CAT, 0.5, A)))
    records, detections = zip(*[right] * 20, *[wrong] * 80, strict=True)
    assert top_detections(records, NAMES, detections).counts == counts(correct=20)


def test_more_than_a_hundred_of_a_picture() -> None:
    objects = [(CAT, (8.0 * x, 4.0 * y, 8.0 * x + 8, 4.0 * y + 4)) for x in range(16) for y in range(8)]
    top = of_picture(record(*objects), found(*((CAT, 0.9, box) for _, box in objects)))
    assert top.counts == counts(correct=128)


def test_classes_without_objects_have_no_top() -> None:
    top = of_picture(record((CAT, A)), found((DOG, 0.9, A), (CAT, 0.8, A)))
    assert top.classes[DOG].counts == counts()
    assert top.classes[DOG].shares is None


# ------------------------------------------------------------ ignored objects


def test_detections_on_ignored_objects_make_room_for_the_next() -> None:
    truth = record((CAT, A), ignored=[(CAT, B)])
    top = of_picture(truth, found((CAT, 0.9, B), (CAT, 0.8, part_of(B, 0.3)), (CAT, 0.7, A)))
    assert top.classes[CAT].counts == counts(correct=1)
    assert top.classes[CAT].objects == 1


def test_a_correct_detection_on_an_ignored_object_is_correct() -> None:
    top = of_picture(record((CAT, A), ignored=[(CAT, A)]), found((CAT, 0.9, A), (CAT, 0.8, A)))
    assert top.classes[CAT].counts == counts(correct=1)


def test_ignored_objects_of_other_classes_are_not_there() -> None:
    top = of_picture(record((CAT, A), ignored=[(DOG, B)]), found((CAT, 0.9, B)))
    assert top.classes[CAT].counts == counts(background=1)


# ------------------------------------------------------------ shares


def test_shares_are_means_over_the_classes() -> None:
    # Three of four cats are right, and the only dog is a cat: the classes weigh the same.
    boxes = [(8.0 * x, 0.0, 8.0 * x + 8, 8.0) for x in range(5)]
    truth = record(*((CAT, box) for box in boxes[:4]), (DOG, boxes[4]))
    picture = found(*((CAT, 0.9, box) for box in boxes[:3]), (CAT, 0.8, NOWHERE), (DOG, 0.7, boxes[0]))
    top = of_picture(truth, picture)
    assert top.counts == counts(correct=3, background=1, similar=1)
    assert top.classes[CAT].shares == {**dict.fromkeys(TOP_KINDS, 0.0), "correct": 0.75, "background": 0.25}
    assert top.shares == pytest.approx(
        {"correct": 0.375, "localisation": 0.0, "similar": 0.5, "other": 0.0, "background": 0.125}
    )


def test_a_class_that_is_never_detected_does_not_weigh() -> None:
    top = of_picture(record((CAT, A), (DOG, B)), found((CAT, 0.9, A)))
    assert top.shares["correct"] == 1.0
    assert sum(row.objects for row in top.classes) > sum(top.counts.values())


@pytest.mark.parametrize("records", [[], [record()], [record((CAT, A))], [record(ignored=[(CAT, A)])]])
def test_nothing_found(records: list[Record]) -> None:
    top = top_detections(records, NAMES, [Detections.none()] * len(records))
    assert top.counts == counts()
    assert top.shares == dict.fromkeys(TOP_KINDS)


def test_the_papers_numbers() -> None:
    assert list(PAPER_YOLO) == list(PAPER_FAST_RCNN) == list(TOP_KINDS)
    assert sum(PAPER_YOLO.values()) == pytest.approx(1.0)
    assert sum(PAPER_FAST_RCNN.values()) == pytest.approx(1.0)


# ------------------------------------------------------------ similar classes


def test_hoiems_sets_hold_vocs_names() -> None:
    voc = {
        "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
        "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    }  # fmt: skip
    assert voc - frozenset.union(*VOC_SIMILAR) == {"bottle", "pottedplant", "tvmonitor"}
    assert frozenset.union(*VOC_SIMILAR) <= voc


def test_sets_as_far_as_the_data_have_them() -> None:
    top = top_detections([], ["bird", "aeroplane", "chair", "cat"], [])
    assert top.similar == (("bird", "cat"), ("bird", "aeroplane"))
    assert top_detections([], ["0", "1", "chair"], []).similar == ()


def test_sets_can_be_given() -> None:
    truth, picture = record((CAT, A), (CAR, B)), found((CAT, 0.9, B))
    given_sets = [frozenset({"cat", "car"})]
    top = top_detections([truth], NAMES, [picture], similar=given_sets)
    assert top.classes[CAT].counts == counts(similar=1)
    assert top_detections([truth], NAMES, [picture], similar=()).classes[CAT].counts == counts(other=1)


def test_similar_is_not_handed_on() -> None:
    # A bird resembles an aeroplane and a cat; an aeroplane and a cat do not resemble each other.
    names = ("aeroplane", "bird", "cat")
    top = top_detections([record((0, A), (2, B))], names, [found((0, 0.9, B))])
    assert top.classes[0].counts == counts(other=1)


# ------------------------------------------------------------ the reference


@given(splits())
def test_equal_to_the_slow_reference(split: tuple[list[Record], list[Detections]]) -> None:
    records, detections = split
    top = top_detections(records, NAMES, detections)
    assert [row.counts for row in top.classes] == reference.top(records, NAMES, detections, [{"cat", "dog"}])
    shares = [share for share in top.shares.values() if share is not None]
    assert sum(shares) == pytest.approx(1.0 if sum(top.counts.values()) else 0.0)


def test_json_round_trip() -> None:
    top = of_picture(record((CAT, A), (DOG, B)), found((CAT, 0.9, A)))
    values = json.loads(json.dumps(top.to_json(), allow_nan=False))
    assert values["counts"] == counts(correct=1)
    assert values["shares"]["correct"] == 1.0
    assert values["similar"] == [["cat", "dog"]]
    assert values["classes"][CAT]["name"] == "cat"
    assert values["classes"][DOG] == {"name": "dog", "objects": 1, "counts": counts(), "shares": None}


def test_bad_detections() -> None:
    with pytest.raises(ValueError, match="detections: expected one entry for each of 1 pictures; got 0"):
        top_detections([record()], NAMES, [])
