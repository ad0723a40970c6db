"""Everything but the faults that labels share: counts, odd boxes, equal pictures, missing labels, json, words."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.errors import exactly
from tests.studies.doctor.faults import SHAPES, Labelled, Row, scenes, write_yolo
from tests.training.shapes import shapes

from yolosses.boxes import pairwise_iou
from yolosses.studies.doctor import Inspection, OddBox, examine
from yolosses.studies.doctor.odd_boxes import SAME, find_odd_boxes, first_twins
from yolosses.training.data import DetectionDataset, Record, open_whole


def inspect(root: Path) -> Inspection:
    joined = open_whole(root)
    return examine(joined.dataset, grids=[7, 4], boxes_per_cell=2, splits=joined.splits)


@pytest.fixture
def painted(tmp_path: Path) -> list[Labelled]:
    return scenes(tmp_path / "painted", 30)


def test_counts(painted: list[Labelled], tmp_path: Path) -> None:
    inspection = inspect(write_yolo(tmp_path / "data", painted, SHAPES))
    rows = [[sum(row[0] == label for row in picture.rows) for label in range(3)] for picture in painted]
    assert inspection.counts.tolist() == rows
    assert inspection.picture_names == tuple(picture.picture.name for picture in painted)
    assert {tuple(size) for size in inspection.image_sizes.tolist()} == {(140, 200)}
    counts = np.array(rows).sum(1)
    assert inspection.objects_per_picture == (counts.min(), np.median(counts), counts.max())
    sides = [(row[3] * 200, row[4] * 140) for picture in painted for row in picture.rows]
    np.testing.assert_allclose(inspection.sides, sides, atol=1e-3)
    np.testing.assert_allclose(inspection.relative_sides * [200, 140], sides, atol=1e-3)
    small = sum(w * h < 32**2 for w, h in sides)
    assert inspection.pixel_sizes == {"small": small, "medium": len(sides) - small, "large": 0}
    assert [grid.grid for grid in inspection.grids] == [4, 7]
    assert inspection.looked_at == 30


def test_equal_pictures_missing_labels_and_broken_files(painted: list[Labelled], tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "data", painted, SHAPES)
    images, labels = root / "images", root / "labels"
    first, second, third, fourth, fifth = (picture.picture.name for picture in painted[:5])
    stem = Path(first).stem
    (images / "copy.png").write_bytes((images / first).read_bytes())
    (labels / "copy.txt").write_text((labels / f"{stem}.txt").read_text())
    Image.open(images / second).save(images / "other-file.bmp")
    (labels / "other-file.txt").write_text("0 0.5 0.5 0.1 0.3\n")
    (labels / f"{Path(third).stem}.txt").unlink()
    (labels / f"{Path(fourth).stem}.txt").write_text("\n")
    whole = (images / fifth).read_bytes()
    (images / fifth).unlink()
    (images / fifth).write_bytes(whole[:41] + bytes(20) + whole[61:])  # only decoding shows it
    inspection = inspect(root)

    def names(indices: tuple[int, ...]) -> list[str]:
        return [inspection.picture_names[index] for index in indices]

    same = [
        (one.same, names(one.pictures), one.labels_agree, one.across_splits) for one in inspection.duplicates
    ]
    assert same == [
        ("file", ["copy.png", first], True, False),
        ("pixels", ["other-file.bmp", second], False, False),
    ]
    assert names(inspection.unlabelled) == [third]
    assert names(inspection.empty) == [fourth]
    ((broken, reason),) = inspection.unreadable
    assert inspection.picture_names[broken] == fifth
    assert "cannot read the picture" in reason
    assert inspection.suspicions == ()


def test_the_same_picture_in_training_and_evaluation(painted: list[Labelled], tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_yolo(root / "train", painted[:20], None)
    write_yolo(root / "val", [*painted[20:], painted[3]], None)
    inspection = inspect(root)
    assert inspection.split_names == ("train", "val")
    (duplicate,) = inspection.duplicates
    assert duplicate.across_splits
    name = painted[3].picture.name
    assert [inspection.picture_names[index] for index in duplicate.pictures] == [
        f"train/{name}",
        f"val/{name}",
    ]


def test_a_resized_copy_in_another_split(painted: list[Labelled], tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_yolo(root / "train", painted[:20], None)
    write_yolo(root / "val", painted[20:], None)
    copies = {"train": painted[2], "val": painted[4]}  # the first stays in its split, the second does not
    for split, original in copies.items():
        Image.open(original.picture).resize((150, 105)).save(root / split / "images" / "copy.png")
        rows = (root / "train/labels" / f"{original.picture.stem}.txt").read_text()
        (root / split / "labels/copy.txt").write_text(rows)
    inspection = inspect(root)
    (duplicate,) = inspection.duplicates
    assert (duplicate.same, duplicate.across_splits, duplicate.labels_agree) == ("near", True, True)
    assert [inspection.picture_names[index] for index in duplicate.pictures] == [
        painted[4].picture.name,
        "val/copy.png",
    ]
    assert [entry["same"] for entry in inspection.to_json()["duplicates"]] == ["near"]


def test_pictures_that_exif_turns(painted: list[Labelled], tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "data", painted[:4], SHAPES)
    for name, orientation in (("turned", 6), ("upright", 1)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.open(painted[5].picture).save(root / "images" / f"{name}.jpg", exif=exif)
        (root / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    inspection = inspect(root)
    assert [inspection.picture_names[index] for index in inspection.turned] == ["turned.jpg"]
    assert inspection.to_json()["turned_by_exif"] == ["turned.jpg"]


def test_class_names_that_differ_in_case_or_spacing(painted: list[Labelled], tmp_path: Path) -> None:
    names = ["WBC", "stop sign", "cell", "wbc", "stop_sign", "Stop-Sign"]
    inspection = inspect(write_yolo(tmp_path / "data", painted[:4], names))
    assert inspection.alike_classes == (("WBC", "wbc"), ("stop sign", "stop_sign", "Stop-Sign"))
    assert inspection.to_json()["alike_classes"] == [["WBC", "wbc"], ["stop sign", "stop_sign", "Stop-Sign"]]
    assert inspect(write_yolo(tmp_path / "other", painted[:4], ["cat", "cats", "dog"])).alike_classes == ()


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_none_raise_no_warning(painted: list[Labelled], tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "data", painted[:5], SHAPES)
    rows = (
        "0 nan 0.5 0.2 0.2",
        "0 0.5 inf 0.2 0.2",
        "0 0.5 0.5 1e300 0.2",
        "0 0.5 0.5 0.2 -inf",
        "1e999 0.5 0.5 0.2 0.2",
    )
    for picture, row in zip(painted, rows, strict=False):
        (root / "labels" / f"{picture.picture.stem}.txt").write_text(f"{row}\n1 0.5 0.5 0.2 0.2\n")
    inspection = inspect(root)
    assert inspection.suspicions == ()
    json.dumps(inspection.to_json(), allow_nan=False)


def test_first_twins_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.uniform(0.3, 0.7, (400, 2)), rng.uniform(0.02, 0.5, (400, 2))], 1)
    boxes = np.concatenate([boxes, boxes[:200] + rng.normal(0, 0.002, (200, 4))])[rng.permutation(600)]
    boxes[:, 2:] = boxes[:, 2:].clip(0.01)
    iou = pairwise_iou(torch.from_numpy(boxes), torch.from_numpy(boxes)).triu(1).numpy() >= SAME
    expected = {int(box): int(iou[:, box].argmax()) for box in np.flatnonzero(iou.any(0))}
    assert len(expected) > 100
    assert {box: first for box, (first, _) in first_twins(boxes).items()} == expected


def test_very_many_boxes_need_little_memory() -> None:
    count = 20_000  # all pairs at once would take gigabytes
    place = np.arange(count)
    boxes = np.stack([0.05 + place * 7919 % 90001 / 1e5, 0.05 + place * 4729 % 90001 / 1e5], 1)
    boxes = np.concatenate([boxes, np.full((count, 2), 0.01)], 1)
    boxes[-1] = boxes[123]
    crowded = Record(
        name="crowded",
        path=None,
        image_size=(480, 640),
        boxes=boxes.astype(np.float32),
        labels=np.zeros(count, np.int64),
        ignore=np.zeros(count, np.bool_),
    )
    tracemalloc.start()
    odd = find_odd_boxes([crowded])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100e6
    assert [(box.object, box.other_object) for box in odd if box.kind == "twin"] == [(count - 1, 123)]


ODD: list[tuple[str, list[Row], tuple[str, str, float, str | None], str, str]] = [
    (
        "tiny",
        [(0, 0.5, 0.5, 0.01, 0.2)],
        ("tiny", "line 1", 2.0, None),
        "a side of 2.0 pixels",
        "有一邊只有 2.0 像素",
    ),
    (
        "sliver",
        [(1, 0.5, 0.5, 0.8, 5 / 140)],
        ("sliver", "line 1", 32.0, None),
        "one side is 32 times the other",
        "長邊是短邊的 32 倍",
    ),
    (
        "whole",
        [(0, 0.3, 0.3, 0.1, 0.3), (2, 0.5, 0.5, 1.0, 1.0)],
        ("whole", "line 2", 1.0, None),
        "covers 100% of the picture, beside other objects",
        "佔了影像的 100%，同張影像還有其他物件",
    ),
    (
        "twin",
        [(0, 0.3, 0.3, 0.1, 0.3), (0, 0.3, 0.3, 0.1, 0.31)],
        ("twin", "line 2", 30 / 31, "line 1"),
        "almost the same box as line 1 (IoU 0.97), same class",
        "與 line 1 幾乎是同一個框（IoU 0.97），類別相同",
    ),
    (
        "two classes",
        [(0, 0.3, 0.3, 0.1, 0.3), (1, 0.3, 0.3, 0.1, 0.31)],
        ("two classes", "line 2", 30 / 31, "line 1"),
        "almost the same box as line 1 (IoU 0.97), another class",
        "與 line 1 幾乎是同一個框（IoU 0.97），類別不同",
    ),
]


@pytest.mark.parametrize(
    ("rows", "expected", "english", "chinese"), [case[1:] for case in ODD], ids=[c[0] for c in ODD]
)
def test_odd_boxes(
    painted: list[Labelled],
    tmp_path: Path,
    rows: list[Row],
    expected: tuple[str, str, float, str | None],
    english: str,
    chinese: str,
) -> None:
    odd = Labelled(painted[0].picture, painted[0].size, rows)
    inspection = inspect(write_yolo(tmp_path / "data", [odd, *painted[1:4]], SHAPES))
    (box,) = inspection.odd_boxes
    kind, where, value, other = expected
    assert (box.kind, box.where, box.other, box.picture) == (kind, where, other, 0)
    assert box.value == pytest.approx(value, rel=1e-3)
    assert box.file == tmp_path / "data/labels" / f"{painted[0].picture.stem}.txt"
    assert (box.reason(), box.reason(language="zh-TW")) == (english, chinese)


def test_a_box_far_from_the_size_of_its_class(painted: list[Labelled], tmp_path: Path) -> None:
    first = painted[0]
    disc = next(index for index, row in enumerate(first.rows) if row[0] == 2)
    number, _, _, w, h = first.rows[disc]
    rows = list(first.rows)
    rows[disc] = (number, 0.5, 0.5, 4 * w, 4 * h)
    changed = Labelled(first.picture, first.size, rows)
    inspection = inspect(write_yolo(tmp_path / "data", [changed, *painted[1:]], SHAPES))
    (box,) = [box for box in inspection.odd_boxes if box.kind == "size"]
    assert (box.picture, box.where, inspection.class_names[box.label]) == (0, f"line {disc + 1}", "disc")
    assert 2.5 < box.value < 6
    assert box.reason() == f"{box.value:.1f} times as large as its class usually is"
    small = OddBox(**{**vars(box), "value": 0.2})
    assert small.reason() == "5.0 times as small as its class usually is"


def test_the_json_holds_everything_and_nothing_but_plain_values(
    painted: list[Labelled], tmp_path: Path
) -> None:
    inspection = inspect(write_yolo(tmp_path / "data", painted, SHAPES, lambda row: (row[0] + 1, *row[1:])))
    value = json.loads(json.dumps(inspection.to_json(), allow_nan=False))
    assert (value["num_pictures"], value["num_objects"]) == (30, inspection.num_objects)
    assert [entry["name"] for entry in value["classes"]] == list(SHAPES)
    assert sum(entry["objects"] for entry in value["classes"]) == value["num_objects"]
    assert sum(entry["objects"] for entry in value["pictures"]) == value["num_objects"]
    (suspicion,) = value["suspicions"]
    assert suspicion["fault"] == "class numbers are off by one: 1 too high"
    assert suspicion["scope"] == "all"
    assert len(suspicion["pictures"]) == len(suspicion["label_files"]) == 30
    assert suspicion["evidence"]["shift"] == 1
    assert suspicion["reasons"] == inspection.suspicions[0].reasons()
    assert {problem["kind"] for problem in value["problems"]} == {"class"}
    for entry, grid in zip(value["grids"], inspection.grids, strict=True):
        assert (entry["grid"], entry["lost"], entry["positive"]) == (grid.grid, grid.lost, grid.positive)
        terms = entry["zero_loss"]["terms"]
        assert sum(term["weighted"] for term in terms.values()) == pytest.approx(entry["zero_loss"]["total"])
        for term in terms.values():
            assert term["weighted"] == pytest.approx(term["lambda"] * term["unweighted"])


def test_only_so_many_pictures_are_decoded() -> None:
    seen: list[tuple[int, int]] = []
    inspection = examine(
        shapes(24), grids=[4], boxes_per_cell=2, most_pictures=5, progress=lambda *state: seen.append(state)
    )
    assert inspection.looked_at == 5
    assert seen == [(done, 5) for done in range(1, 6)]


def test_wrong_arguments_are_named() -> None:
    dataset = shapes(2)
    with pytest.raises(ValueError, match=exactly("grids: expected at least one S; got none")):
        examine(dataset, grids=[], boxes_per_cell=2)
    with pytest.raises(ValueError, match=exactly("grids: expected an integer >= 1; got 0")):
        examine(dataset, grids=[7, 0], boxes_per_cell=2)
    with pytest.raises(ValueError, match=exactly("boxes_per_cell: expected an integer >= 1; got 0")):
        examine(dataset, grids=[7], boxes_per_cell=0)
    with pytest.raises(ValueError, match=exactly("splits: expected 2, one for each picture; got 1")):
        examine(dataset, grids=[7], boxes_per_cell=2, splits=["train"])
    nothing = DetectionDataset(name="d", split="train", class_names=["x"], records=[])
    with pytest.raises(ValueError, match=exactly("dataset: expected at least one picture; got none")):
        examine(nothing, grids=[7], boxes_per_cell=2)
