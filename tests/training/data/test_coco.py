"""The COCO reader on what goes wrong in instances files."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.training.data.layouts import CLASSES, THREE, Box, Picture, coco_content, paint, write, write_coco

from yolosses.training.data import DataError, open_dataset

ONE = (Picture("z.png", 32, 32, (Box("cat", 8, 8, 24, 24),)),)
BASE: dict[str, Any] = {"id": 9, "image_id": 100, "category_id": 3, "bbox": [64, 32, 64, 32], "iscrowd": 0}


def rewrite(root: Path, content: dict[str, Any]) -> Path:
    return write(root / "annotations/instances_train.json", json.dumps(content))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"category_id": 4}, "category_id 4 is not among the 3 categories"),
        ({"category_id": None}, "category_id None is not among the 3 categories"),
        ({"category_id": [3]}, "category_id [3] is not among the 3 categories"),
        ({"bbox": [1, 2, 3]}, "bbox: expected [x, y, width, height]; got [1, 2, 3]"),
        ({"bbox": None}, "bbox: expected [x, y, width, height]; got None"),
        ({"bbox": [1, 2, "3", 4]}, "width of its bbox is not a number: '3'"),
        ({"bbox": [1, True, 3, 4]}, "y of its bbox is not a number: True"),
        ({"bbox": [1, 2, float("nan"), 4]}, "the box is not finite (edges 1, 2, nan, 6)"),
        ({"bbox": [1, 2, 10**400, 4]}, "the box is not finite (edges 1, 2, inf, 6)"),
        ({"bbox": [1, 2, 0, 4]}, "box of width 0 and height 4 pixels: both must be above 0"),
        ({"bbox": [1, 2, 3, -4]}, "box of width 3 and height -4 pixels: both must be above 0"),
        (
            {"bbox": [1, 64, 3, 4]},
            "wholly outside the picture of 128x64 (width x height): edges 1, 64, 4, 68 pixels",
        ),
        ({"bbox": [0, 0, 128, 64]}, "the same as annotation id 2"),
        ({"image_id": 7}, "image_id 7 is not among the images"),
        ({"image_id": {}}, "image_id {} is not among the images"),
    ],
)
def test_a_broken_annotation_is_skipped_and_the_rest_kept(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    root = write_coco(tmp_path, {"train": THREE, "val": ONE})
    content = coco_content(THREE)
    content["annotations"] += [{**BASE, **change}, {**BASE, "id": 10}]
    file = rewrite(root, content)
    dataset = open_dataset(root, "train")
    assert [str(problem) for problem in dataset.problems] == [f"{file}, annotation id 9: {reason} (skipped)"]
    record = dataset.records[0]
    assert record.boxes.tolist() == [[0.25, 0.375, 0.25, 0.5], [0.5, 0.5, 1.0, 1.0], [0.75, 0.75, 0.5, 0.5]]
    assert record.labels.tolist() == [1, 0, 0]


def test_clipped_crowd_and_categories(tmp_path: Path) -> None:
    root = write_coco(tmp_path, {"train": THREE, "val": ONE})
    content = coco_content(THREE)
    crowd = {**BASE, "bbox": [96, 32, 64, 32], "iscrowd": 1}
    del crowd["id"]
    content["annotations"].append(crowd)
    file = rewrite(root, content)
    dataset = open_dataset(root, "train")
    assert dataset.class_names == CLASSES  # by id, not as listed
    assert dataset.records[0].ignore.tolist() == [False, False, True]
    assert dataset.records[0].boxes[2].tolist() == [0.875, 0.75, 0.25, 0.5]
    clipped = "leaves the picture of 128x64 (width x height) by 32 pixels (clipped)"
    assert [str(problem) for problem in dataset.problems] == [f"{file}, annotation 4 (without id): {clipped}"]


def test_broken_images(tmp_path: Path) -> None:
    root = write_coco(tmp_path, {"train": THREE, "val": ONE})
    paint(root / "train/resized.png", 8, 8)
    content = coco_content(THREE)
    content["images"] += [
        {"id": 1, "file_name": "gone.png"},
        {"id": 2},
        {"id": 3, "file_name": "b.png"},
        {"id": 4, "file_name": "resized.png", "height": 16, "width": 16},
        {"id": 102, "file_name": "twin.png"},
        {"file_name": "nameless.png"},
    ]
    content["annotations"].append({**BASE, "image_id": 3})
    content["annotations"].append("nothing")  # type: ignore[arg-type]
    file = rewrite(root, content)
    dataset = open_dataset(root, "train")
    assert [record.name for record in dataset.records] == ["a.png", "b.png"]
    reasons = {problem.where: problem.reason for problem in dataset.problems}
    assert len(dataset.problems) == 8
    assert reasons["image id 102"] == "expected an id of its own; 2 pictures share it"
    assert reasons["image 9 (without id)"] == "expected an id of its own"
    assert reasons["annotation 5 (without id)"] == "expected an object; got 'nothing'"
    assert reasons["image id 1"].startswith(f"no picture 'gone.png' in {root / 'train'}")
    assert reasons["image id 2"] == "no file_name"
    assert reasons["image id 3"] == "picture 'b.png' is listed twice; its 1 annotation(s) are left out"
    assert reasons["image id 4"].startswith("labelled as 16x16 (width x height), but the picture is 8x8")
    assert {problem.file for problem in dataset.problems} == {file}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as json"),
        (
            "[]",
            "expected a COCO instances file, an object with images, annotations and categories; got a list",
        ),
        ('{"images": []}', "expected a COCO instances file with a list 'annotations'; it has images"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', "category 1: expected an id"),
        (
            '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
            "category 2: id 1 is that of 'a' already",
        ),
        (
            '{"images": [], "annotations": [], "categories": []}',
            "categories: expected at least one; got none",
        ),
        (
            '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}]}',
            "no usable picture remains of 0; 0 problem",
        ),
    ],
)
def test_a_json_that_is_no_instances_file(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        open_dataset(write(tmp_path / "annotations/instances_val.json", text))
