"""Labels as their files have them, beside the usable ones; whole data sets joined of their splits."""

from pathlib import Path

import numpy as np
import pytest
from tests.training.data.layouts import (
    THREE,
    Box,
    Picture,
    coco_content,
    paint,
    voc_object,
    voc_xml,
    write,
    write_coco,
    write_voc,
    write_yolo,
)

from yolosses.training.data import (
    DataError,
    DetectionDataset,
    Record,
    join_datasets,
    open_dataset,
    open_whole,
)


def test_yolo_rows_are_kept_as_written(tmp_path: Path) -> None:
    write_yolo(tmp_path, {"train": THREE})
    file = tmp_path / "labels/train/a.txt"
    first = "1 0.25 0.375 0.25 0.5"
    file.write_text(f"{first}\n\n7 0.5 0.5 0.1 0.1\n0 0.9 0.5 0.4 0.2\n{first}\n0 0.5 nan 0.1 0.1\n0 1\n")
    dataset = open_dataset(tmp_path, "train", whole=True)
    record = dataset.records[0]
    written = record.written
    assert written is not None
    assert (written.file, written.exists, written.box_format) == (file, True, "cxcywh")
    assert written.places == ("line 1", "line 3", "line 4", "line 5", "line 6")
    assert written.categories == ("1", "7", "0", "1", "0")
    assert written.labels.tolist() == [1, -1, 0, 1, 0]
    assert written.kept.tolist() == [0, -1, 1, -1, -1]
    np.testing.assert_array_equal(
        written.numbers,
        [
            [0.25, 0.375, 0.25, 0.5],
            [0.5, 0.5, 0.1, 0.1],
            [0.9, 0.5, 0.4, 0.2],
            [0.25, 0.375, 0.25, 0.5],
            [0.5, np.nan, 0.1, 0.1],
        ],
    )
    assert [problem.kind for problem in dataset.problems] == ["class", "leaves", "repeat", "number", "row"]
    assert record.labels.tolist() == [1, 0]
    assert dataset.class_numbers == (0, 1, 2)


def test_a_picture_without_label_file_says_so(tmp_path: Path) -> None:
    write_yolo(tmp_path, {"train": THREE})
    (tmp_path / "labels/train/b.txt").unlink()
    records = open_dataset(tmp_path, "train", whole=True).records
    assert [record.written.exists for record in records if record.written is not None] == [True, False, True]


def test_voc_corners_and_coco_sizes_are_kept_as_written(tmp_path: Path) -> None:
    voc = write_voc(tmp_path / "voc", {"train": THREE})
    write(voc / "Annotations/c.xml", voc_xml(THREE[2], voc_object("owl", 40, 90, 30, 95)))
    dataset = open_dataset(voc, "train", whole=True)
    written = dataset.records[2].written
    assert written is not None
    assert (written.box_format, written.places, written.categories) == (
        "xyxy",
        ("object 1", "object 2"),
        ("owl", "owl"),
    )
    assert written.numbers.tolist() == [[32, 64, 64, 128], [40, 90, 30, 95]]
    assert written.kept.tolist() == [0, -1]
    assert [problem.kind for problem in dataset.problems] == ["area"]
    assert dataset.class_numbers is None

    coco = open_dataset(write_coco(tmp_path / "coco", {"train": THREE}), "train", whole=True)
    written = coco.records[0].written
    assert written is not None
    assert (written.box_format, written.categories) == ("xywh", ("17", "3"))
    assert written.numbers.tolist() == [[16, 8, 32, 32], [0, 0, 128, 64]]
    assert coco.class_numbers == (3, 17, 90)
    assert {row["category_id"] for row in coco_content(THREE)["annotations"]} <= {3, 17, 90}


def test_whole_holds_nothing_out(tmp_path: Path) -> None:
    write_yolo(tmp_path, {"train": THREE})
    assert len(open_dataset(tmp_path, "train")) == 2
    dataset = open_dataset(tmp_path, "train", whole=True)
    assert (len(dataset), dataset.note) == (3, None)


def test_pictures_that_no_annotation_mentions_are_told(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": THREE})
    (root / "ImageSets/Main/train.txt").unlink()
    (root / "ImageSets/Main").rmdir()
    paint(root / "JPEGImages/forgotten.png", 8, 8)
    note = open_dataset(root, "train", whole=True).note
    assert note == "1 picture(s) have no annotation, the first: forgotten.png"


# ------------------------------------------------------------ joined


def test_a_whole_data_set_has_every_picture_once(tmp_path: Path) -> None:
    splits = {"test": THREE[2:], "train": THREE[:1], "val": THREE[1:2], "trainval": THREE[:2]}
    joined = open_whole(write_voc(tmp_path, splits))
    assert joined.splits == ("train", "val", "test")
    assert [record.name for record in joined.dataset.records] == ["a.png", "b.png", "c.png"]
    assert joined.dataset.split == "train+val+test"
    assert joined.dataset.picture(2).shape == (128, 64, 3)


def test_only_the_splits_that_are_asked_for(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": THREE[:1], "val": THREE[1:]})
    assert open_whole(root, ["val"]).splits == ("val", "val")
    with pytest.raises(DataError, match="no split 'autumn'"):
        open_whole(root, ["autumn"])


def test_a_split_that_cannot_be_used_is_told_not_hidden(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, {"train": THREE, "test": THREE[:1]})
    (root / "labels/test/a.txt").unlink()
    joined = open_whole(root)
    assert joined.splits == ("train",) * 3
    assert joined.dataset.note is not None
    assert joined.dataset.note.startswith(
        f"split test is left out: {root}: none of the 1 pictures has a label"
    )


def test_pictures_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    root = write_yolo(
        tmp_path, {"train": THREE[:2], "val": (Picture("a.png", 16, 16, (Box("owl", 0, 0, 8, 8),)),)}
    )
    joined = open_whole(root)
    assert [record.name for record in joined.dataset.records] == ["train/a.png", "b.png", "val/a.png"]
    assert joined.dataset.picture(0).shape == (64, 128, 3)
    assert joined.dataset.picture(2).shape == (16, 16, 3)


def test_pictures_in_memory_are_joined_too() -> None:
    def part(split: str, shade: int) -> DetectionDataset:
        record = Record(
            name=f"{split}-picture",
            path=None,
            image_size=(4, 4),
            boxes=np.zeros((0, 4), np.float32),
            labels=np.zeros(0, np.int64),
            ignore=np.zeros(0, np.bool_),
        )
        return DetectionDataset(
            name="d",
            split=split,
            class_names=["x"],
            records=[record, record],
            paint=lambda index: np.full((4, 4, 3), shade + index, np.uint8),
        )

    joined = join_datasets([part("train", 10), part("val", 20)]).dataset
    assert [int(joined.picture(index)[0, 0, 0]) for index in range(4)] == [10, 11, 20, 21]


def test_splits_with_different_classes_do_not_join() -> None:
    parts = [
        DetectionDataset(name="d", split=split, class_names=names, records=[])
        for split, names in (("train", ["x"]), ("val", ["x", "y"]))
    ]
    with pytest.raises(
        DataError, match="expected the same classes in all splits; 'val' has 2, 'train' has 1"
    ):
        join_datasets(parts)
