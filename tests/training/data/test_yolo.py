"""The YOLO reader: its many ways to lay out a folder, and what goes wrong in the rows."""

import shutil
from pathlib import Path

import pytest
from tests.training.data.layouts import CLASSES, THREE, Box, Picture, paint, write, write_yolo

from yolosses.training.data import DataError, open_dataset, splits_of
from yolosses.training.data.yolo import label_file

ONE = (Picture("z.png", 32, 32, (Box("cat", 8, 8, 24, 24),)),)
SPLITS = {"train": THREE, "val": ONE}


def names(data: Path, split: str | None = None) -> list[str]:
    return [record.name for record in open_dataset(data, split).records]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("3 0.5 0.5 0.5 0.5", "class 3, but there are 3 classes (0..2)"),
        ("-1 0.5 0.5 0.5 0.5", "class -1, but there are 3 classes (0..2)"),
        ("0.5 0.5 0.5 0.5 0.5", "class is not a whole number: '0.5'"),
        ("nan 0.5 0.5 0.5 0.5", "class is not a whole number: 'nan'"),
        ("cat 0.5 0.5 0.5 0.5", "class is not a number: 'cat'"),
        ("0 0.5 half 0.5 0.5", "cy is not a number: 'half'"),
        ("0 0.5 nan 0.5 0.5", "the box is not finite (edges 32, nan, 96, nan)"),
        ("0 0.5 0.5 inf 0.5", "the box is not finite (edges -inf, 16, inf, 48)"),
        ("0 0.5 0.5 0 0.5", "box of width 0 and height 32 pixels: both must be above 0"),
        ("0 0.5 0.5 0.5 -0.25", "box of width 64 and height -16 pixels: both must be above 0"),
        ("0 0.5 0.5 1e-60 0.5", "box of width 0 and height 32 pixels: both must be above 0"),
        (
            "0 1.5 0.5 0.5 0.5",
            "wholly outside the picture of 128x64 (width x height): edges 160, 16, 224, 48 pixels",
        ),
        ("0 0.5 0.5 0.5", "expected 5 values (class cx cy w h); got 4: '0 0.5 0.5 0.5'"),
        ("0 1_0 0.5 0.5 0.5", "cx is not a number: '1_0'"),
        ("0 0.5 0.5 1e300 0.5", "box of 1.28e+302x32 pixels in a picture of 128x64"),
        ("1 0.25 0.375 0.25 0.5", "the same as line 1"),
    ],
)
def test_a_broken_row_is_skipped_and_the_rest_kept(row: str, reason: str, tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS)
    file = write(root / "labels/train/a.txt", f"1 0.25 0.375 0.25 0.5\n\n{row}\n2.0 0.75 0.75 0.5 0.5\n")
    dataset = open_dataset(root, "train")
    assert [str(problem) for problem in dataset.problems] == [f"{file}, line 3: {reason} (skipped)"]
    assert dataset.records[0].boxes.tolist() == [[0.25, 0.375, 0.25, 0.5], [0.75, 0.75, 0.5, 0.5]]
    assert dataset.records[0].labels.tolist() == [1, 2]


def test_boxes_are_clipped_to_the_picture(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS)
    file = write(root / "labels/train/a.txt", "0 1.0 0.5 0.5 0.5\n0 0.25 0.5 0.503 0.5\n")
    dataset = open_dataset(root, "train")
    clipped = "leaves the picture of 128x64 (width x height) by 32 pixels (clipped)"
    assert [str(problem) for problem in dataset.problems] == [f"{file}, line 1: {clipped}"]
    first, second = dataset.records[0].boxes.tolist()
    assert first == [0.875, 0.5, 0.25, 0.5]
    assert second == pytest.approx([0.25075, 0.5, 0.5015, 0.5])


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS)
    (root / "labels/train/a.txt").write_bytes(b"\x89PNG\xff\x00\x00")
    dataset = open_dataset(root, "train")
    assert [record.name for record in dataset.records] == ["b.png", "c.png"]
    assert "labels/train/a.txt, line 1: expected 5 values" in str(dataset.problems[0])
    assert dataset.note == "1 of 3 pictures are left out, as none of their rows can be used"


def test_missing_label_files_are_counted(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS)
    (root / "labels/train/a.txt").unlink()
    dataset = open_dataset(root, "train")
    assert dataset.note == "1 of 3 pictures have no label file (taken as pictures without objects)"
    assert dataset.problems == []
    assert [len(record.labels) for record in dataset.records] == [0, 0, 1]
    shutil.rmtree(root / "labels/train")
    with pytest.raises(
        DataError, match=r"none of the 3 pictures has a label file; looked for .*labels/train/a\.txt"
    ):
        open_dataset(root, "train")


def test_label_file_rule() -> None:
    assert label_file(Path("x/images/train/a.jpg")) == Path("x/labels/train/a.txt")
    assert label_file(Path("images/set/images/a.b.jpg")) == Path("images/set/labels/a.b.txt")
    assert label_file(Path("obj/a.jpg")) == Path("obj/a.txt")
    assert label_file(Path("x/images")) == Path("x/images.txt")


def test_folder_orders(tmp_path: Path) -> None:
    first = write_yolo(tmp_path / "first", SPLITS, yaml=False)
    write(first / "classes.txt", "\n".join(CLASSES))
    second = tmp_path / "second"
    for split in SPLITS:
        for kind in ("images", "labels"):
            shutil.copytree(first / kind / split, second / split / kind)
    write(second / "obj.names", "\n".join(CLASSES))
    flat = tmp_path / "flat"
    for kind in ("images", "labels"):
        shutil.copytree(first / kind / "train", flat / kind)
    write(flat / "labels/classes.txt", "\n".join(CLASSES))
    for root in (first, second):
        assert splits_of(root) == ("train", "val")
        assert names(root) == ["a.png", "b.png", "c.png"]
        assert names(root, "val") == ["z.png"]
        assert open_dataset(root).class_names == CLASSES
    assert splits_of(flat) == ("train",)
    assert (names(flat), names(flat, "val")) == (["b.png", "c.png"], ["a.png"])
    assert open_dataset(flat).class_names == CLASSES


def test_yaml_forms(tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "set", SPLITS, yaml=False)
    listing = write(
        root / "lists/some.txt", "../images/train/a.png\n../images/train/c.png\n../images/train/a.png\n"
    )
    mapping = "names:\n  0: cat\n  1: dog\n  2: owl\n"
    elsewhere = write(
        tmp_path / "my.yaml", f"path: set\ntrain: [images/val, lists/some.txt]\nval: images/val\n{mapping}"
    )
    dataset = open_dataset(elsewhere)
    assert (dataset.name, dataset.class_names) == ("my", CLASSES)
    assert [record.name for record in dataset.records] == ["a.png", "c.png", "z.png"]
    assert [problem.where for problem in dataset.problems] == ["line 3"]
    assert str(dataset.problems[0]).startswith(f"{listing}, line 3: picture ")
    # As exporters write it: seen from a folder inside.
    write(root / "data.yaml", "train: ../images/train\nval: ../images/val\nnames: [cat, dog, owl]\n")
    assert names(root) == ["a.png", "b.png", "c.png"]
    # Both splits the same pictures: worth a word.
    write(root / "data.yaml", "train: images/train\nval: images/train\nnames: [cat, dog, owl]\n")
    assert open_dataset(root, "val").note == "val holds the same pictures as train"
    # Names only: the folders say the rest.
    write(root / "data.yaml", "names: [cat, dog, owl]\n")
    assert (splits_of(root), open_dataset(root, "val").class_names) == (("train", "val"), CLASSES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: images/nowhere\nnames: [a]", r"data\.yaml, train: no such file or folder: .*images/nowhere"),
        ("train: images/train\nnames: [a]\nnc: 2", r"nc is 2, but there are 1 names"),
        ("train: images/train\nnames: {0: a, 2: b}", r"names: expected the keys 0\.\.1; got 0, 2"),
        ("train: images/train\nnames: 3", r"names: expected a list or a mapping; got '3'"),
        ("train: 5\nnames: [a]", r"train: no such file or folder: 5"),
        (
            "train: {a: b}\nnames: [a]",
            r"train: expected a path or a list of paths; got \['|train: expected a path",
        ),
        ("train: images/train\nnames: [a]\nnames: [b]", r"data\.yaml: 'names' in line 3 is written twice"),
        ("train: images/train\nnames:\n  0: a\n  0: b", r"data\.yaml: '0' in line 4 is written twice"),
        ("train: [", r"data\.yaml: cannot be read as yaml"),
        ("- a", r"data\.yaml: expected a mapping with train:"),
        ("train: images/train\nnames: []", r"class_names: expected at least one class; got none"),
    ],
)
def test_bad_yaml(text: str, message: str, tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS)
    file = write(root / "data.yaml", text)
    for data in (root, file):
        with pytest.raises(DataError, match=message):
            open_dataset(data, "train")


def test_a_yaml_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected train:, val: or test: in the data file"):
        open_dataset(write(tmp_path / "data.yaml", "names: [a]\n"))
    write_yolo(tmp_path / "set", SPLITS, yaml=False)
    write(tmp_path / "set/one.yaml", "names: [a]\n")
    write(tmp_path / "set/two.yaml", "names: [b]\n")
    with pytest.raises(DataError, match=r"several data files \(one\.yaml, two\.yaml\)"):
        open_dataset(tmp_path / "set")


def test_without_names_classes_are_numbers(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS, yaml=False)
    dataset = open_dataset(root, "train")
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.note == "no class names found: the 3 classes are named by their numbers"
    assert open_dataset(root, "val", class_names=CLASSES).class_names == CLASSES
    write(root / "labels/train/a.txt", "123456 0.5 0.5 0.5 0.5\n")
    with pytest.raises(DataError, match="no class names found, and the labels have a class 123456"):
        open_dataset(root, "train")


def test_lists_with_missing_pictures(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS)
    listing = write(root / "train.txt", "images/train/a.png\nimages/train/gone.png\n")
    write(root / "data.yaml", "train: train.txt\nval: images/val\nnames: [cat, dog, owl]\n")
    dataset = open_dataset(root, "train")
    gone = f"{listing}, line 2: no picture {root / 'images/train/gone.png'} (skipped)"
    assert [str(problem) for problem in dataset.problems] == [gone]


def test_equal_file_names_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, SPLITS)
    for folder in ("x", "y"):
        paint(root / f"images/train/{folder}/a.png", 8, 8)
        write(root / f"labels/train/{folder}/a.txt", "0 0.5 0.5 0.5 0.5\n")
    assert names(root) == ["a.png", "b.png", "c.png", "x/a.png", "y/a.png"]
