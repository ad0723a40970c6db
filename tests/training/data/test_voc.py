"""The VOC reader on what goes wrong in VOC folders."""

from pathlib import Path

import numpy as np
import pytest
from tests.training.data.layouts import THREE, Box, Picture, paint, voc_object, voc_xml, write, write_voc

from yolosses.training.data import DataError, open_dataset, splits_of

A = Picture("a.png", 64, 128, (Box("cat", 16, 8, 48, 40),))
B = Picture("b.png", 32, 32, (Box("dog", 8, 8, 24, 24),))
OUTSIDE = "wholly outside the picture of 128x64 (width x height): edges"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("<object><bndbox/></object>", "no class name"),
        ("<object><name>cat</name></object>", "no xmin in its bndbox"),
        (voc_object("cat", "wide", 1, 2, 3), "xmin is not a number: 'wide'"),
        (voc_object("cat", 1, 1, 9, ""), "ymax is not a number: ''"),
        (voc_object("cat", 1, 1, "nan", 9), "the box is not finite (edges 1, 1, nan, 9)"),
        (voc_object("cat", 9, 9, 9, 9), "box of width 0 and height 0 pixels: both must be above 0"),
        (voc_object("cat", 20, 9, 10, 19), "box of width -10 and height 10 pixels: both must be above 0"),
        (voc_object("cat", 128, 0, 140, 10), f"{OUTSIDE} 128, 0, 140, 10 pixels"),
        (voc_object("cat", -9, -9, 0, 10), f"{OUTSIDE} -9, -9, 0, 10 pixels"),
        (voc_object("cat", 16, 8, 48, 40), "the same as object 1"),
    ],
)
def test_a_broken_object_is_skipped_and_the_rest_kept(broken: str, reason: str, tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": (A, B), "val": (B,)})
    file = write(root / "Annotations/a.xml", voc_xml(A, broken + voc_object("dog", 64, 32, 128, 64)))
    dataset = open_dataset(root, "train")
    (problem,) = dataset.problems
    assert (problem.file, problem.where, problem.action) == (file, "object 2", "skipped")
    assert problem.reason == reason
    assert str(problem) == f"{file}, object 2: {reason} (skipped)"
    assert dataset.records[0].boxes.tolist() == [[0.25, 0.375, 0.25, 0.5], [0.75, 0.75, 0.5, 0.5]]
    assert dataset.records[0].labels.tolist() == [0, 1]


def test_a_box_that_leaves_the_picture_is_clipped(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": (A, B), "val": (B,)})
    objects = voc_object("cat", -32, 16, 64, 48) + voc_object("cat", 64, 32, 128.5, 64)
    file = write(root / "Annotations/a.xml", voc_xml(A, objects))
    dataset = open_dataset(root, "train")
    (problem,) = dataset.problems
    clipped = "leaves the picture of 128x64 (width x height) by 32 pixels (clipped)"
    assert str(problem) == f"{file}, object 2: {clipped}"
    # Half a pixel too far is rounding: cut without a word.
    assert dataset.records[0].boxes[1:].tolist() == [[0.25, 0.5, 0.5, 0.5], [0.75, 0.75, 0.5, 0.5]]


def test_difficult_is_ignore(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": (A, B), "val": (B,)})
    write(root / "Annotations/a.xml", voc_xml(A, voc_object("dog", 64, 32, 128, 64, difficult=1)))
    assert open_dataset(root, "train").records[0].ignore.tolist() == [False, True]


def test_classes_come_from_all_splits_in_alphabetical_order(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": (B,), "val": (A,)})
    for split in ("train", "val"):
        assert open_dataset(root, split).class_names == ("cat", "dog")
    assert open_dataset(root, "train").records[0].labels.tolist() == [1]


def test_broken_and_missing_files(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": (A, B), "val": (B,)})
    listing = write(root / "ImageSets/Main/train.txt", "a\n\nb\nb\ngone\nbare\nbroken\nresized\n")
    paint(root / "JPEGImages/bare.png", 16, 16)
    paint(root / "JPEGImages/broken.png", 16, 16)
    paint(root / "JPEGImages/resized.png", 16, 16)
    broken = write(root / "Annotations/broken.xml", "<annotation>\n<object>\n</annotation>\n")
    resized = write(root / "Annotations/resized.xml", voc_xml(A))
    dataset = open_dataset(root, "train")
    assert [record.name for record in dataset.records] == ["a.png", "b.png"]
    assert [str(problem) for problem in dataset.problems] == [
        f"{listing}, line 4: picture 'b' is listed twice (skipped)",
        f"{listing}, line 6: no annotation bare.xml in {root} (skipped)",
        f"{broken}, line 3: broken xml at column 2: mismatched tag (skipped)",
        f"{listing}, line 5: no picture 'gone' and no annotation gone.xml in {root} (skipped)",
        f"{resized}, size: labelled as 128x64 (width x height), but the picture is 16x16 once upright:"
        " its boxes cannot be placed (skipped)",
    ]


def test_a_size_that_states_nothing_is_no_conflict(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": (A, B), "val": (B,)})
    text = voc_xml(A).replace("<width>128</width><height>64</height>", "<width>0</width><height>0</height>")
    write(root / "Annotations/a.xml", text)
    dataset = open_dataset(root, "train")
    assert dataset.problems == []
    assert dataset.records[0].boxes.tolist() == [[0.25, 0.375, 0.25, 0.5]]


def test_lists_of_one_class_are_no_splits(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": THREE, "val": (A,)})
    write(root / "ImageSets/Main/cat_train.txt", "a  1\nb -1\n")
    assert splits_of(root) == ("train", "val")


def test_without_lists_all_annotations_are_train(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": THREE})
    (root / "ImageSets/Main/train.txt").unlink()
    assert [r.name for s in ("val", "train") for r in open_dataset(root, s).records] == [
        "a.png",
        "b.png",
        "c.png",
    ]


def test_no_object_anywhere_is_an_error(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": (Picture("a.png", 8, 8),)})
    with pytest.raises(DataError, match="no annotation holds an object with a name"):
        open_dataset(root)


def test_names_with_dots_and_lists_with_suffixes(tmp_path: Path) -> None:
    picture = Picture("img.rf.1.png", 32, 32, (Box("dog", 8, 8, 24, 24),))
    root = write_voc(tmp_path, {"train": (picture,), "val": (B,)})
    assert open_dataset(root, "train").records[0].name == "img.rf.1.png"
    write(root / "ImageSets/Main/val.txt", "JPEGImages/b.png\n")
    assert np.array_equal(open_dataset(root, "val").records[0].boxes, [[0.5, 0.5, 0.5, 0.5]])
