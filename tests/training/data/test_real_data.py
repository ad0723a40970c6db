"""The readers on real pictures with real dirt, where they are at hand."""

from pathlib import Path

import numpy as np
import pytest

from yolosses.training.data import DataError, DetectionDataset, open_dataset, splits_of

DATA = Path(__file__).parents[4] / "shared" / "data"
BCCD, COCO128 = DATA / "bccd", DATA / "coco128"
needs_bccd = pytest.mark.skipif(not BCCD.is_dir(), reason=f"the BCCD pictures are not at {BCCD}")
needs_coco128 = pytest.mark.skipif(not COCO128.is_dir(), reason=f"the COCO128 pictures are not at {COCO128}")


def objects(dataset: DetectionDataset) -> int:
    return sum(len(record.labels) for record in dataset.records)


@needs_bccd
def test_bccd() -> None:
    assert splits_of(BCCD) == ("test", "train", "trainval", "val")
    trainval, test = open_dataset(BCCD, "trainval"), open_dataset(BCCD, "test")
    assert (len(trainval), len(test)) == (292, 72)
    skipped = sum(problem.action == "skipped" for problem in trainval.problems + test.problems)
    assert objects(trainval) + objects(test) + skipped == 4888
    degenerate = "box of width 0 and height 0 pixels: both must be above 0 (skipped)"
    assert [str(problem) for problem in trainval.problems] == [
        f"{BCCD / 'Annotations/BloodImage_00338.xml'}, object 13: {degenerate}",
        f"{BCCD / 'Annotations/BloodImage_00343.xml'}, object 4: {degenerate}",
    ]
    assert test.problems == []
    assert trainval.class_names == test.class_names == ("Platelets", "RBC", "WBC")
    labels = np.concatenate([record.labels for record in trainval.records + test.records])
    assert np.bincount(labels).tolist() == [361, 4153, 372]
    assert {record.image_size for record in trainval.records} == {(480, 640)}
    assert trainval.picture(0).shape == (480, 640, 3)
    with pytest.raises(DataError, match=r"BloodImage_00338\.xml, object 13: .*; 2 problem\(s\) in all"):
        open_dataset(BCCD, "trainval", strict=True)


@needs_bccd
def test_a_box_of_bccd_by_hand() -> None:
    dataset = open_dataset(BCCD, "trainval")
    record = next(
        r for r in dataset.records + open_dataset(BCCD, "test").records if r.name == "BloodImage_00000.jpg"
    )
    # <xmin>260</xmin> <ymin>177</ymin> <xmax>491</xmax> <ymax>376</ymax>, WBC, of 640x480
    assert record.boxes[0] == pytest.approx([751 / 1280, 553 / 960, 231 / 640, 199 / 480])
    assert record.labels[0] == 2


@needs_coco128
def test_coco128() -> None:
    assert splits_of(COCO128) == ("train",)
    train, val = open_dataset(COCO128, "train"), open_dataset(COCO128 / "coco128.yaml", "val")
    assert (len(train), len(val)) == (102, 26)
    assert (objects(train), objects(val)) == (723, 206)
    assert [problem.file.name for problem in train.problems] == ["000000000656.txt", "000000000659.txt"]
    assert {problem.reason for problem in train.problems} == {"no picture of this name"}
    assert val.problems == []
    assert len(train.class_names) == 80
    assert (train.class_names[0], train.class_names[79]) == ("person", "toothbrush")
    assert {r.name for r in train.records} & {r.name for r in val.records} == set()
    assert val.note == "no val split: 26 of 128 pictures held out (every 5th by name)"
    assert (
        train.note == f"{val.note}; 2 of 102 pictures have no label file (taken as pictures without objects)"
    )
