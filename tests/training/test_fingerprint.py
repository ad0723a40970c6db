"""Data that are not what a run began with are noticed, whatever of them changed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.training.shapes import shapes

from yolosses.training.data import DetectionDataset
from yolosses.training.fingerprint import changes_of_data, remember_data


def changes(tmp_path: Path, then: DetectionDataset, now: DetectionDataset) -> list[str]:
    remember_data(tmp_path / "data.json", [then])
    return changes_of_data(tmp_path / "data.json", [now])


def test_the_same_data(tmp_path: Path) -> None:
    assert changes(tmp_path, shapes(8), shapes(8)) == []


def test_other_numbers(tmp_path: Path) -> None:
    assert changes(tmp_path, shapes(1622), shapes(1630)) == ["train: 1,622 pictures then, 1,630 now"]
    fewer = shapes(8)
    record = fewer.records[1]
    fewer.records[1] = replace(
        record, boxes=record.boxes[:1], labels=record.labels[:1], ignore=record.ignore[:1]
    )
    assert changes(tmp_path, shapes(8), fewer) == ["train: 12 objects then, 11 now"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"image_size": (64, 65)},
        {"boxes": np.full((2, 4), 0.25, np.float32)},
        {"labels": np.array([1, 1])},
        {"ignore": np.array([True, False])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_counts(change: dict[str, object], tmp_path: Path) -> None:
    other = shapes(8)
    other.records[1] = replace(other.records[1], **change)
    assert changes(tmp_path, shapes(8), other) == [
        "train: as many pictures and objects, but other files, sizes, boxes or labels"
    ]


def test_so_does_the_length_of_a_file(tmp_path: Path) -> None:
    path, data = tmp_path / "a.png", shapes(1)
    data.records[0] = replace(data.records[0], path=path)
    Image.new("RGB", (64, 64)).save(path)
    remember_data(tmp_path / "data.json", [data])
    assert changes_of_data(tmp_path / "data.json", [data]) == []
    Image.effect_noise((64, 64), 50).save(path)
    assert len(changes_of_data(tmp_path / "data.json", [data])) == 1


@pytest.mark.parametrize("text", [None, "", "[]", '{"train": 3}', '{"val": {}}'])
def test_without_a_fingerprint_nothing_is_said(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "data.json").write_text(text)
    assert changes_of_data(tmp_path / "data.json", [shapes(2)]) == []
