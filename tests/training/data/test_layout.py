"""What is recognised, which splits there are, and that the layout makes no difference."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.training.data.layouts import (
    CLASSES,
    THREE,
    Box,
    Picture,
    paint,
    write,
    write_coco,
    write_voc,
    write_yolo,
    yolo_row,
)

from yolosses.training.data import DataError, DetectionDataset, open_dataset, splits_of

WRITERS = {"voc": write_voc, "yolo": write_yolo, "coco": write_coco}
ONE = (Picture("z.png", 32, 32, (Box("cat", 8, 8, 24, 24),)),)


def many(count: int) -> list[Picture]:
    return [Picture(f"{i:02d}.png", 16, 16, (Box("cat", 4, 4, 8, 8),)) for i in range(count)]


def names(dataset: DetectionDataset) -> list[str]:
    return [record.name for record in dataset.records]


@pytest.mark.parametrize("layout", WRITERS)
def test_every_layout_gives_the_same_records(layout: str, tmp_path: Path) -> None:
    root = WRITERS[layout](tmp_path / "set", {"train": THREE, "val": ONE})
    dataset = open_dataset(root)
    assert (dataset.name, dataset.split, dataset.class_names) == ("set", "train", CLASSES)
    assert (dataset.problems, dataset.note) == ([], None)
    assert names(dataset) == ["a.png", "b.png", "c.png"]
    assert [record.image_size for record in dataset.records] == [(64, 128), (32, 32), (128, 64)]
    a, b, c = dataset.records
    assert a.boxes.tolist() == [[0.25, 0.375, 0.25, 0.5], [0.5, 0.5, 1.0, 1.0]]
    assert (a.labels.tolist(), a.ignore.tolist()) == ([1, 0], [False, False])
    assert b.boxes.shape == (0, 4)
    assert (b.labels.tolist(), b.ignore.tolist()) == ([], [])
    assert c.boxes.tolist() == [[0.75, 0.75, 0.5, 0.5]]
    assert c.labels.tolist() == [2]
    for record in dataset.records:
        assert record.boxes.dtype == np.float32
        assert record.labels.dtype == np.int64
        assert record.ignore.dtype == np.bool_
    picture = dataset.picture(0)
    assert picture.shape == (64, 128, 3)
    assert picture[10, 20].tolist() == [10, 20, 30]
    assert set(splits_of(root)) == {"train", "val"}
    assert names(open_dataset(str(root), "val")) == ["z.png"]


@pytest.mark.parametrize("layout", WRITERS)
def test_class_names_are_matched_by_name(layout: str, tmp_path: Path) -> None:
    root = WRITERS[layout](tmp_path, {"train": THREE, "val": ONE})
    dataset = open_dataset(root, "train", class_names=["owl", "dog"])
    assert dataset.class_names == ("owl", "dog")
    assert [record.labels.tolist() for record in dataset.records] == [[1], [], [0]]
    assert [problem.reason for problem in dataset.problems] == [
        "class 'cat' is not among the 2 classes (owl, dog)"
    ]
    with pytest.raises(
        DataError, match=r"none of the data set's classes \(cat, dog, owl\) is among the wanted \(cow\)"
    ):
        open_dataset(root, "train", class_names=["cow"])


@pytest.mark.parametrize("layout", WRITERS)
def test_a_split_that_is_not_there_is_answered_with_those_that_are(layout: str, tmp_path: Path) -> None:
    root = WRITERS[layout](tmp_path, {"train": THREE, "val": ONE})
    with pytest.raises(DataError, match=r"no split 'test'; there are train, val"):
        open_dataset(root, "test")


@pytest.mark.parametrize("layout", WRITERS)
def test_without_val_every_fifth_picture_is_held_out(layout: str, tmp_path: Path) -> None:
    root = WRITERS[layout](tmp_path, {"train": many(12)})
    train, val, test = (open_dataset(root, split) for split in ("train", "val", "test"))
    assert names(val) == names(test) == ["00.png", "05.png", "10.png"]
    assert names(train) == [f"{i:02d}.png" for i in (1, 2, 3, 4, 6, 7, 8, 9, 11)]
    held_out = "3 of 12 pictures held out (every 5th by name)"
    assert train.note == val.note == f"no val split: {held_out}"
    assert test.note == f"no test split: {held_out}"
    assert splits_of(root) == ("train",)
    with pytest.raises(DataError, match=r"no split 'minival'; there is train"):
        open_dataset(root, "minival")


def test_one_picture_is_too_few_to_hold_out(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": ONE})
    assert len(open_dataset(root, "train")) == 1
    with pytest.raises(DataError, match=r"no 'val' split, and 1 picture\(s\) are too few to hold any out"):
        open_dataset(root, "val")


def test_other_split_names_are_understood(tmp_path: Path) -> None:
    exported = write_yolo(tmp_path / "exported", {"train": THREE, "valid": ONE}, yaml=False)
    write(exported / "classes.txt", "cat\ndog\nowl\n")
    assert splits_of(exported) == ("train", "val")
    assert names(open_dataset(exported, "valid")) == names(open_dataset(exported, "val")) == ["z.png"]
    years = write_coco(tmp_path / "years", {"train2017": THREE, "val2017": ONE})
    assert splits_of(years) == ("train", "val")
    assert names(open_dataset(years, "val2017")) == ["z.png"]
    both = write_coco(tmp_path / "both", {"train2014": THREE, "train2017": ONE})
    assert splits_of(both) == ("train2014", "train2017")
    with pytest.raises(DataError, match=r"which split\? There is no 'train'; there are train2014, train2017"):
        open_dataset(both)


def test_the_only_split_is_taken_without_asking(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"trainval": THREE})
    assert open_dataset(root).split == "trainval"


def test_strict_raises_at_the_first_problem_and_counts_all(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, {"train": THREE, "val": ONE})
    file = write(root / "labels/train/a.txt", "0 0.5 0.5 0.2 0.2\n7 0.5 0.5 0.2 0.2\n0 0.5 0.5 0 0.2\n")
    assert len(open_dataset(root, "train").problems) == 2
    with pytest.raises(DataError) as error:
        open_dataset(root, "train", strict=True)
    first = f"{file}, line 2: class 7, but there are 3 classes (0..2) (skipped)"
    assert str(error.value) == f"{first}; 2 problem(s) in all, and strict allows none"
    assert len(open_dataset(root, "val", strict=True)) == 1


def test_strict_raises_at_a_clipped_box(tmp_path: Path) -> None:
    root = write_voc(
        tmp_path, {"train": (Picture("a.png", 32, 32, (Box("cat", 8, 8, 40, 24),)),), "val": ONE}
    )
    with pytest.raises(
        DataError, match=r"object 1: leaves the picture of 32x32 .* by 8 pixels \(clipped\); 1 problem"
    ):
        open_dataset(root, "train", strict=True)


def test_nothing_recognised_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        open_dataset(tmp_path / "empty")
    for part in (
        "empty: not recognised",
        "VOC xml files",
        "a .txt each in labels/ or beside them",
        "a json with images, annotations and categories",
        "found nothing",
    ):
        assert part in str(error.value)
    with pytest.raises(DataError, match="no such file or folder"):
        open_dataset(tmp_path / "missing")
    with pytest.raises(DataError, match=r"a\.csv: expected a data set"):
        open_dataset(write(tmp_path / "a.csv", ""))
    write_voc(tmp_path / "outer" / "VOC2007", {"train": THREE, "val": ONE})
    assert names(open_dataset(tmp_path / "outer")) == ["a.png", "b.png", "c.png"]
    write_voc(tmp_path / "outer" / "VOC2012", {"train": THREE})
    with pytest.raises(
        DataError, match=r"several data sets \(VOC2007/.*, VOC2012/.*\); name the folder of one"
    ):
        open_dataset(tmp_path / "outer")


@pytest.mark.parametrize("layout", WRITERS)
def test_unreadable_pictures_are_reported_and_left_out(layout: str, tmp_path: Path) -> None:
    root = WRITERS[layout](tmp_path, {"train": many(7), "val": ONE})
    contents = {
        b"this is no picture": "not a picture that can be read",
        b"": "the file is empty",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "a Git LFS pointer",
        b"<!DOCTYPE html><html><body>404</body></html>": "an html page",
        b"\x00\x05\x16\x07\x00\x02": "a macOS resource fork",
        next(root.rglob("00.png")).read_bytes()[:-20]: "image file is truncated",
    }
    for number, content in enumerate(contents):
        next(root.rglob(f"{number:02d}.png")).write_bytes(content)
    dataset = open_dataset(root, "train")
    assert names(dataset) == ["06.png"]
    assert [problem.kind for problem in dataset.problems] == ["picture"] * 6
    for problem, reason in zip(dataset.problems, contents.values(), strict=True):
        assert f"cannot read the picture ({reason}" in problem.reason
    assert dataset.note == "6 of 7 pictures cannot be read and are left out"


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    for layout, writer in WRITERS.items():
        root = writer(tmp_path / layout, {"train": THREE, "val": ONE})
        next(root.rglob("z.png")).unlink()
        expected = (
            "no picture found for split 'val'"
            if layout == "yolo"
            else "no usable picture remains of 1; 1 problem"
        )
        with pytest.raises(DataError, match=expected):
            open_dataset(root, "val")


def test_a_json_or_yaml_or_list_can_be_given_itself(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco", {"train": THREE, "val": ONE})
    dataset = open_dataset(coco / "annotations/instances_val.json")
    assert (dataset.split, names(dataset), dataset.class_names) == ("val", ["z.png"], CLASSES)
    yolo = write_yolo(tmp_path / "yolo", {"train": THREE, "val": ONE})
    assert names(open_dataset(yolo / "data.yaml", "val")) == ["z.png"]
    listing = write(yolo / "val.txt", "./images/val/z.png\nimages/train/c.png\n")
    dataset = open_dataset(listing)
    assert (dataset.split, names(dataset), dataset.class_names) == ("val", ["c.png", "z.png"], CLASSES)


def test_a_json_among_its_pictures(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco", {"train": THREE})
    content = json.loads((coco / "annotations/instances_train.json").read_text())
    for picture in THREE:
        paint(tmp_path / "flat" / picture.name, picture.height, picture.width)
    dataset = open_dataset(write(tmp_path / "flat" / "labels.json", json.dumps(content)), "train")
    assert names(dataset) == ["b.png", "c.png"]
    exported = tmp_path / "exported"
    for split in ("train", "valid"):
        for picture in THREE:
            paint(exported / split / picture.name, picture.height, picture.width)
        write(exported / split / "_annotations.coco.json", json.dumps(content))
    assert splits_of(exported) == ("train", "val")
    assert names(open_dataset(exported, "val")) == ["a.png", "b.png", "c.png"]


def test_digits_is_a_word_not_a_folder() -> None:
    assert splits_of("digits") == ("train", "val", "test")
    dataset = open_dataset("digits", "val")
    assert (dataset.name, dataset.split, len(dataset)) == ("digits", "val", 500)
    with pytest.raises(DataError, match="no split 'trainval'; there are train, val, test"):
        open_dataset("digits", "trainval")
    with pytest.raises(DataError, match="the digits have the classes 0, 1, 2"):
        open_dataset("digits", "val", class_names=["cat"])


def test_yolo_rows_written_by_the_helper_are_exact() -> None:
    assert yolo_row(THREE[0].boxes[0], THREE[0]) == "1 0.25 0.375 0.25 0.5\n"


# ------------------------------------------------------------ what people point at, and how they write


@pytest.mark.parametrize("below", ["images", "images/train"])
def test_a_folder_of_pictures_whose_labels_lie_beside_it(below: str, tmp_path: Path) -> None:
    for number in range(5):
        paint(tmp_path / below / f"{number}.png", 32, 32)
        write(tmp_path / below.replace("images", "labels") / f"{number}.txt", "0 0.5 0.5 0.25 0.25\n")
    dataset = open_dataset(tmp_path / below)
    assert len(dataset) + len(open_dataset(tmp_path / below, "val")) >= 5
    assert all(len(record.boxes) == 1 for record in dataset.records)


@pytest.mark.parametrize("row", ["{}.0 0.5 0.5 0.25 0.25", "{},0.5,0.5,0.25,0.25", "{}.000 .5 .5 .25 .25"])
def test_classes_without_names_are_counted_however_they_are_written(row: str, tmp_path: Path) -> None:
    for number in range(5):
        paint(tmp_path / "images" / f"{number}.png", 32, 32)
        write(tmp_path / "labels" / f"{number}.txt", row.format(number) + "\n")
    dataset = open_dataset(tmp_path, splits_of(tmp_path)[0])
    assert dataset.class_names == ("0", "1", "2", "3", "4")
    assert dataset.problems == []


def test_two_classes_of_one_name_stay_two_when_a_run_numbers_them(tmp_path: Path) -> None:
    paint(tmp_path / "images" / "a.png", 32, 32)
    write(tmp_path / "labels" / "a.txt", "1 0.5 0.5 0.25 0.25\n0 0.25 0.25 0.25 0.25\n")
    write(tmp_path / "data.yaml", "train: images\nval: images\nnames: [owl, owl]\n")
    own = open_dataset(tmp_path / "data.yaml", "train")
    again = open_dataset(tmp_path / "data.yaml", "val", class_names=own.class_names)
    assert own.records[0].labels.tolist() == again.records[0].labels.tolist() == [1, 0]


def test_a_picture_of_another_split_is_not_taken_for_one_that_is_missing(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for split, listed, there in (("train", ("0", "1"), ("0",)), ("valid", ("1",), ("1",))):
        images = [{"id": i, "file_name": f"{n}.png", "width": 32, "height": 32} for i, n in enumerate(listed)]
        rows = [{"id": i, "image_id": i, "category_id": 1, "bbox": [4, 4, 8, 8]} for i in range(len(listed))]
        content = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "cat"}]}
        write(root / split / "_annotations.coco.json", json.dumps(content))
        for name in there:
            paint(root / split / f"{name}.png", 32, 32)
    dataset = open_dataset(root, "train")
    assert names(dataset) == ["0.png"]
    (problem,) = dataset.problems
    assert "no picture '1.png'" in problem.reason


def test_the_folder_a_command_runs_in_is_no_part_of_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in ("mine", "other"):
        for split in ("train", "val"):
            paint(tmp_path / root / "images" / split / f"{root}.png", 32, 32)
            write(tmp_path / root / "labels" / split / f"{root}.txt", "0 0.5 0.5 0.25 0.25\n")
    write(tmp_path / "mine" / "data.yaml", "train: images/train\nval: images/valid\nnames: [cat]\n")
    (tmp_path / "other" / "images" / "val").rename(tmp_path / "other" / "images" / "valid")
    monkeypatch.chdir(tmp_path / "other")
    with pytest.raises(DataError, match="no 'val' split"):
        open_dataset(tmp_path / "mine" / "data.yaml", "val")
