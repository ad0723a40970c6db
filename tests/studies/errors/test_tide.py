"""TIDE's errors: scenes worked out by hand, a slow reference, and the answers of the authors' program."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tests.studies.errors import reference
from tests.studies.errors.pictures import NOWHERE, A, B, C, Edges, found, part_of, record, splits

from yolosses.studies.errors import TIDE_KINDS, TideErrors, tide
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections, evaluate

CAT, DOG, BIRD = range(3)
NAMES = ("cat", "dog", "bird")
HALF = 51 / 101  # the AP of the first of two objects found, and nothing wrong: recalls 0, 0.01, ..., 0.50


def of_picture(truth: Record, picture: Detections) -> TideErrors:
    return tide([truth], NAMES, [picture])


def counts(**wanted: int) -> dict[str, int]:
    return {kind: wanted.get(kind, 0) for kind in TIDE_KINDS}


def check(errors: TideErrors, ap: float, number: dict[str, int], **costs: float) -> None:
    assert errors.ap == pytest.approx(ap, abs=1e-12)
    assert errors.counts == number
    assert errors.costs == pytest.approx({kind: costs.get(kind, 0.0) for kind in TIDE_KINDS}, abs=1e-12)


# ------------------------------------------------------------ each kind alone


def test_nothing_wrong() -> None:
    errors = of_picture(record((CAT, A), (DOG, B)), found((CAT, 0.9, A), (DOG, 0.8, B)))
    check(errors, 1.0, counts())


def test_classification_gives_the_object_to_its_class() -> None:
    # cat: nothing, 0. dog: wrong, right: 1/2. Mended the cat is found, and the dog's list holds the dog alone.
    errors = of_picture(record((CAT, A), (DOG, B)), found((DOG, 0.9, A), (DOG, 0.8, B)))
    check(errors, 1 / 4, counts(classification=1), classification=3 / 4)


def test_localisation_becomes_a_hit() -> None:
    # wrong, right: precision 1/2 up to recall 1/2.
    errors = of_picture(record((CAT, A), (CAT, B)), found((CAT, 0.9, part_of(A, 0.4)), (CAT, 0.8, B)))
    check(errors, HALF / 2, counts(localisation=1), localisation=1 - HALF / 2)


def test_both_wrong_is_taken_out_and_its_object_missed() -> None:
    # Without the cat, cats leave the mean: what remains is the dog's 1/2.
    errors = of_picture(record((CAT, A), (DOG, B)), found((DOG, 0.9, part_of(A, 0.4)), (DOG, 0.8, B)))
    check(errors, 1 / 4, counts(both=1, missed=1), both=1 / 4, missed=1 / 4)


def test_a_duplicate_is_taken_out() -> None:
    errors = of_picture(record((CAT, A), (CAT, B)), found((CAT, 0.9, A), (CAT, 0.8, A), (CAT, 0.7, B)))
    ap = (51 + 50 * 2 / 3) / 101
    check(errors, ap, counts(duplicate=1), duplicate=1 - ap)


def test_background_is_taken_out() -> None:
    errors = of_picture(record((CAT, A)), found((CAT, 0.9, NOWHERE), (CAT, 0.8, A)))
    check(errors, 1 / 2, counts(background=1), background=1 / 2)


def test_a_missed_object_is_no_longer_asked_for() -> None:
    errors = of_picture(record((CAT, A), (CAT, B)), found((CAT, 0.9, A)))
    check(errors, HALF, counts(missed=1), missed=1 - HALF)


def test_a_class_is_missed_with_its_detections_left() -> None:
    # Both cats missed, and a wrong cat stays: the AP of cats is 0 before and after.
    errors = of_picture(record((CAT, A), (CAT, B), (DOG, C)), found((CAT, 0.9, NOWHERE), (DOG, 0.8, C)))
    check(errors, 1 / 2, counts(background=1, missed=2))


def test_all_kinds_at_once() -> None:
    truth = record((CAT, A), (CAT, B), (DOG, C), (BIRD, (104.0, 0.0, 120.0, 20.0)))
    picture = found(
        (CAT, 0.9, A),
        (CAT, 0.8, A),
        (CAT, 0.7, part_of(B, 0.3)),
        (CAT, 0.6, C),
        (BIRD, 0.5, part_of(C, 0.3)),
        (DOG, 0.4, NOWHERE),
    )
    errors = of_picture(truth, picture)
    assert errors.counts == counts(
        classification=1, localisation=1, both=1, duplicate=1, background=1, missed=1
    )


# ------------------------------------------------------------ which kind it is


@pytest.mark.parametrize(
    ("share", "kind"),
    [(0.05, "background"), (0.1, "localisation"), (0.45, "localisation"), (0.5, None), (0.55, None)],
)
def test_the_own_class_by_overlap(share: float, kind: str | None) -> None:
    """0.1 and 0.5 are localisation and hit: 8 x 20 of 80 x 20 pixels, and half of it, to the bit."""
    box = (0.0, 0.0, 80.0, 20.0)
    errors = of_picture(record((CAT, box)), found((CAT, 0.9, part_of(box, share))))
    wanted = counts(**{kind: 1}) if kind else counts()
    assert errors.counts == wanted | {"missed": int(kind == "background")}


@pytest.mark.parametrize(("share", "kind"), [(0.1, "background"), (0.15, "both"), (0.5, "classification")])
def test_another_class_by_overlap(share: float, kind: str) -> None:
    box = (0.0, 0.0, 80.0, 20.0)
    errors = of_picture(record((CAT, box)), found((DOG, 0.9, part_of(box, share))))
    assert errors.counts == counts(**{kind: 1}) | {"missed": int(kind != "classification")}


def test_localisation_comes_before_classification() -> None:
    # The same place, labelled twice: IoU 0.4 with a cat, 1 with a dog.
    small = part_of(A, 0.4)
    errors = of_picture(record((CAT, A), (DOG, small)), found((CAT, 0.9, small)))
    assert errors.counts == counts(localisation=1, missed=1)


def test_classification_comes_before_duplicate() -> None:
    errors = of_picture(record((CAT, A), (DOG, A)), found((CAT, 0.9, A), (CAT, 0.8, A)))
    assert errors.counts == counts(classification=1)


def test_a_taken_object_exactly_half_met_is_a_localisation() -> None:
    errors = of_picture(record((CAT, A)), found((CAT, 0.9, A), (CAT, 0.8, part_of(A, 0.5))))
    assert errors.counts == counts(localisation=1)


def test_a_localisation_means_the_nearest_object_even_if_it_is_taken() -> None:
    # 0.4 of the taken one, 0.2 of a free one on the same ground: the free one is missed.
    truth = record((CAT, A), (CAT, (0.0, 0.0, 16.0, 60.0)))
    errors = of_picture(truth, found((CAT, 0.9, A), (CAT, 0.8, part_of(A, 0.4))))
    check(errors, HALF, counts(localisation=1, missed=1), missed=1 - HALF)


def test_each_takes_the_best_object_still_free() -> None:
    # The second would rather have the first's object, and takes the other.
    wider = (0.0, 0.0, 48.0, 20.0)
    errors = of_picture(record((CAT, A), (CAT, wider)), found((CAT, 0.9, A), (CAT, 0.8, A)))
    check(errors, 1.0, counts())


def test_the_surer_detection_has_the_first_choice() -> None:
    errors = of_picture(record((CAT, A)), found((CAT, 0.8, A), (CAT, 0.9, part_of(A, 0.75))))
    assert errors.counts == counts(duplicate=1)


# ------------------------------------------------------------ ties, and errors that mean the same object


def test_only_the_best_of_several_errors_is_mended_into_a_hit() -> None:
    bad, worse = part_of(A, 0.4), part_of(A, 0.3)
    errors = of_picture(record((CAT, A)), found((CAT, 0.8, bad), (CAT, 0.9, worse)))
    check(errors, 0.0, counts(localisation=2), localisation=1.0)


def test_errors_of_two_kinds_compete_for_an_object() -> None:
    # The dog means the cat's object most surely: mending the boxes only takes the cat's bad one out.
    truth = record((CAT, A), (DOG, B))
    errors = of_picture(truth, found((DOG, 0.9, A), (CAT, 0.8, part_of(A, 0.4)), (DOG, 0.7, B)))
    assert errors.counts == counts(classification=1, localisation=1)
    # Mended classification: cat 0.9 right, 0.8 wrong; dog right.
    check(errors, 1 / 4, counts(classification=1, localisation=1), classification=3 / 4)


@pytest.mark.parametrize(("first", "costs"), [("box", (1 / 2, 0.0)), ("class", (0.0, 1 / 2))])
def test_of_equally_sure_errors_the_first_given_is_mended(first: str, costs: tuple[float, float]) -> None:
    rows = [(CAT, 0.5, part_of(A, 0.4)), (DOG, 0.5, A)]
    truth = record((CAT, A), (BIRD, B))
    errors = of_picture(truth, found(*(rows if first == "box" else rows[::-1]), (BIRD, 0.9, B)))
    localisation, classification = costs
    check(
        errors, 1 / 2, counts(localisation=1, classification=1), localisation=localisation,
        classification=classification,
    )  # fmt: skip


def test_equal_scores_are_taken_in_the_order_given() -> None:
    rows = [(CAT, 0.5, A), (CAT, 0.5, NOWHERE)]
    check(of_picture(record((CAT, A)), found(*rows)), 1.0, counts(background=1))
    check(of_picture(record((CAT, A)), found(*rows[::-1])), 0.5, counts(background=1), background=0.5)


def test_once_something_is_mended_errors_come_before_hits_of_the_same_score() -> None:
    # right, background, duplicate at the same score, then right. Mended backgrounds leave duplicate, right, right.
    rows = [(CAT, 0.5, A), (CAT, 0.5, NOWHERE), (CAT, 0.5, A), (CAT, 0.4, B)]
    errors = of_picture(record((CAT, A), (CAT, B)), found(*rows))
    before, mended = (51 + 50 * 2 / 4) / 101, 2 / 3
    assert mended < before
    check(errors, before, counts(background=1, duplicate=1))


def test_pictures_come_one_after_the_other() -> None:
    right, wrong = (record((CAT, A)), found((CAT, 0.5, A))), (record(), found((CAT, 0.5, A)))
    for pictures, ap in (((right, wrong), 1.0), ((wrong, right), 0.5)):
        truths, picture = zip(*pictures, strict=True)
        assert tide(truths, NAMES, picture).ap == ap


def test_many_equal_scores_stay_in_order() -> None:
    right, wrong = (record((CAT, A)), found((CAT, 0.5, A))), (record(), found((CAT, 0.5, A)))
    truths, picture = zip(*[right] * 50, *[wrong] * 50, strict=True)
    assert tide(truths, NAMES, picture).ap == 1.0
    rows = [*[(CAT, 0.5, NOWHERE)] * 30, (CAT, 0.5, A)]
    assert of_picture(record((CAT, A)), found(*rows)).ap == pytest.approx(1 / 31)


# ------------------------------------------------------------ ignored objects


def test_detections_on_ignored_objects_are_no_errors() -> None:
    truth = record((CAT, A), ignored=[(CAT, B)])
    picture = found((CAT, 0.9, B), (CAT, 0.8, part_of(B, 0.3)), (CAT, 0.7, A))
    check(of_picture(truth, picture), 1.0, counts())


def test_ignored_objects_need_not_be_found() -> None:
    check(of_picture(record((CAT, A), ignored=[(CAT, B)]), found((CAT, 0.7, A))), 1.0, counts())


def test_other_classes_on_an_ignored_object_are_background() -> None:
    errors = of_picture(record((CAT, A), ignored=[(CAT, B)]), found((DOG, 0.9, B), (CAT, 0.8, A)))
    assert errors.counts == counts(background=1)


def test_half_on_an_ignored_object_is_not_on_it() -> None:
    beside = (84.0, 0.0, 124.0, 20.0)  # half of it within B
    errors = of_picture(record((CAT, A), ignored=[(CAT, B)]), found((CAT, 0.9, beside), (CAT, 0.8, A)))
    check(errors, 1 / 2, counts(background=1), background=1 / 2)


def test_on_an_ignored_object_but_meaning_a_free_one() -> None:
    # It does not harm the AP, but with a better box it would have found the cat.
    small = part_of(A, 0.4)
    errors = of_picture(record((CAT, A), ignored=[(CAT, small)]), found((CAT, 0.9, small)))
    check(errors, 0.0, counts(localisation=1), localisation=1.0)
    errors = of_picture(record((CAT, A), ignored=[(CAT, small)]), found((CAT, 0.9, A), (CAT, 0.8, small)))
    check(errors, 1.0, counts())


# ------------------------------------------------------------ nothing there


def test_nothing_to_find() -> None:
    errors = of_picture(record(ignored=[(CAT, A)]), found((CAT, 0.9, B), (DOG, 0.8, A)))
    assert errors.ap is None
    assert errors.counts == counts(background=2)
    assert errors.costs == dict.fromkeys(TIDE_KINDS)


def test_nothing_found() -> None:
    check(of_picture(record((CAT, A), (DOG, B)), Detections.none()), 0.0, counts(missed=2), missed=1.0)


def test_no_pictures() -> None:
    errors = tide([], NAMES, [])
    assert (errors.ap, errors.counts) == (None, counts())


def test_a_class_without_objects_counts_in_no_mean() -> None:
    errors = of_picture(record((CAT, A)), found((BIRD, 0.9, A), (BIRD, 0.8, NOWHERE), (CAT, 0.7, A)))
    check(errors, 1.0, counts(classification=1, background=1))


def test_a_hundred_detections_of_a_picture_count() -> None:
    misses = [(CAT, 0.9 - i / 1000, NOWHERE) for i in range(100)]
    errors = of_picture(record((DOG, A)), found(*misses, (DOG, 0.1, A)))
    assert errors.counts == counts(background=100, missed=1)
    errors = of_picture(record((DOG, A)), found(*misses[:99], (DOG, 0.1, A)))
    assert errors.counts == counts(background=99)


def test_boxes_are_clipped_to_the_picture() -> None:
    corner = (104.0, 40.0, 128.0, 64.0)
    errors = of_picture(record((CAT, corner)), found((CAT, 0.9, (104.0, 40.0, 500.0, 500.0))))
    check(errors, 1.0, counts())
    outside = (-50.0, -50.0, -10.0, -10.0)
    check(
        of_picture(record((CAT, corner)), found((CAT, 0.9, outside), (CAT, 0.8, corner))),
        1 / 2, counts(background=1), background=1 / 2,
    )  # fmt: skip


def test_other_thresholds() -> None:
    truth, picture = record((CAT, A)), found((CAT, 0.9, part_of(A, 0.7)))
    assert tide([truth], NAMES, [picture], positive_iou=0.75).counts == counts(localisation=1)
    assert tide([truth], NAMES, [picture], positive_iou=0.75, background_iou=0.75).counts == counts(
        background=1, missed=1
    )


# ------------------------------------------------------------ the reference


@given(splits())
def test_equal_to_the_slow_reference(split: tuple[list[Record], list[Detections]]) -> None:
    records, detections = split
    ours = tide(records, (*NAMES, "fish"), detections)
    ap, number, costs = reference.tide(records, 4, detections)
    assert ours.counts == number
    if ap is None:
        assert (ours.ap, ours.costs) == (None, costs)
    else:
        assert ours.ap == pytest.approx(ap, abs=1e-12)
        assert ours.costs == pytest.approx(costs, abs=1e-12)


@given(splits())
def test_every_object_and_every_detection_is_spoken_of_once(
    split: tuple[list[Record], list[Detections]],
) -> None:
    """Without ignored objects: detections are hits or errors; objects are found, missed, or meant by an error."""
    records = [
        Record(name=r.name, path=None, image_size=r.image_size, boxes=r.boxes, labels=r.labels,
               ignore=np.zeros_like(r.ignore))
        for r in split[0]
    ]  # fmt: skip
    number = tide(records, (*NAMES, "fish"), split[1]).counts
    objects, total = sum(len(r.labels) for r in records), sum(map(len, split[1]))
    hits = total - sum(number.values()) + number["missed"]
    assert 0 <= hits <= objects - number["missed"]
    assert objects - hits - number["missed"] <= number["localisation"] + number["classification"]


@given(splits())
def test_ap_is_the_map50_of_the_evaluation(split: tuple[list[Record], list[Detections]]) -> None:
    """But where a detection lies exactly half on an ignored object, and for the rounding of recalls."""
    records = [
        Record(name=r.name, path=None, image_size=r.image_size, boxes=r.boxes[~r.ignore],
               labels=r.labels[~r.ignore], ignore=r.ignore[~r.ignore])
        for r in split[0]
    ]  # fmt: skip
    ap, map50 = (
        tide(records, (*NAMES, "fish"), split[1]).ap,
        evaluate(records, (*NAMES, "fish"), split[1]).map50,
    )
    assert (ap is None) == (map50 is None)
    if ap is not None:
        assert ap == pytest.approx(map50, abs=1e-9)


# ------------------------------------------------------------ the authors' program

GOLDEN = Path(__file__).parents[2] / "golden" / "tide"


@cache
def golden(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return values


def golden_split(case: dict[str, Any], parts: int) -> tuple[list[Record], list[Detections]]:
    """Rows of class, ignored or score, cx, cy, w, h in whole parts."""
    records, detections = [], []
    for number, picture in enumerate(case["pictures"]):
        objects, rows = (np.array(picture[key], np.int64).reshape(-1, 6) for key in ("objects", "detections"))
        records.append(
            Record(
                name=f"{number}.png",
                path=None,
                image_size=tuple(picture["size"]),
                boxes=(objects[:, 2:] / parts).astype(np.float32),
                labels=objects[:, 0],
                ignore=objects[:, 1].astype(bool),
            )
        )
        detections.append(
            Detections(
                boxes=(rows[:, 2:] / parts).astype(np.float32),
                scores=(rows[:, 1] / parts).astype(np.float32),
                labels=rows[:, 0],
            )
        )
    return records, detections


@pytest.mark.parametrize("name", ["bccd-0", "bccd-1", "digits"])
def test_equal_to_tidecv_on_detections_of_trained_networks(name: str) -> None:
    values = golden(name)
    (case,) = values["cases"]
    ours = tide(*split_with_names(case, values))
    assert ours.counts == case["tidecv"]["counts"]
    assert ours.ap == pytest.approx(case["tidecv"]["ap"], abs=1e-9)
    assert ours.costs == pytest.approx(case["tidecv"]["costs"], abs=1e-9)
    assert sum(ours.counts.values()) > 500


def split_with_names(
    case: dict[str, Any], values: dict[str, Any]
) -> tuple[list[Record], Sequence[str], list[Detections]]:
    records, detections = golden_split(case, values["parts"])
    return records, values["class_names"], detections


def test_equal_to_tidecv_on_random_scenes() -> None:
    """Where ignored objects and classes without objects are the differences that `tide` names."""
    values = golden("random")
    plain = 0
    for case in values["cases"]:
        ours, theirs = tide(*split_with_names(case, values)), case["tidecv"]
        nothing = theirs["nothing_on_ignored"]
        assert ours.counts == {kind: count - nothing.get(kind, 0) for kind, count in theirs["counts"].items()}
        assert ours.ap == pytest.approx(theirs["present"]["ap"], abs=1e-9)
        for kind, cost in theirs["present"]["costs"].items():
            if cost is not None:
                assert ours.costs[kind] == pytest.approx(cost, abs=1e-9)
        if theirs["ap"] == pytest.approx(theirs["present"]["ap"]):
            plain += 1
    assert len(values["cases"]) == 40
    assert 5 < plain < 40


# ------------------------------------------------------------ what comes out, and bad input


def test_json_round_trip() -> None:
    errors = of_picture(record((CAT, A)), found((CAT, 0.9, NOWHERE), (CAT, 0.8, A)))
    values = json.loads(json.dumps(errors.to_json(), allow_nan=False))
    assert values["ap"] == 0.5
    assert list(values["counts"]) == list(values["costs"]) == list(TIDE_KINDS)
    assert values["counts"]["background"] == 1
    assert values["costs"]["background"] == 0.5


@pytest.mark.parametrize(
    ("positive", "background"), [(0.5, 0.0), (0.1, 0.5), (1.5, 0.1), (float("nan"), 0.1)]
)
def test_thresholds_in_order(positive: float, background: float) -> None:
    with pytest.raises(ValueError, match="expected 0 < background <= positive <= 1; got"):
        tide([], NAMES, [], positive_iou=positive, background_iou=background)


def test_bad_detections() -> None:
    box: Edges = A
    with pytest.raises(ValueError, match="detections: expected one entry for each of 2 pictures; got 1"):
        tide([record(), record()], NAMES, [Detections.none()])
    with pytest.raises(ValueError, match=r"detections of a.png: expected classes 0..2; got 3"):
        of_picture(record(), found((3, 0.9, box)))
    with pytest.raises(ValueError, match=r"labels of a.png: expected classes 0..2; got -1"):
        of_picture(record((-1, box)), Detections.none())
    with pytest.raises(
        ValueError, match=r"detections of a.png: expected finite scores; got nan in detection 1"
    ):
        of_picture(record(), found((CAT, 0.9, box), (CAT, float("nan"), box)))
    with pytest.raises(
        ValueError, match=r"detections of a.png: expected finite boxes; got inf in detection 0"
    ):
        of_picture(record(), found((CAT, 0.9, (0.0, 0.0, float("inf"), 5.0))))
