"""Batches are the same for the same seed, true to the records, and leave no process behind."""

import itertools
import multiprocessing
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.data.layouts import THREE, write_voc

from yolosses.training.data import (
    Augmentation,
    Batch,
    Batches,
    DataError,
    DetectionDataset,
    Record,
    digit_scenes,
    open_dataset,
    warp,
)

PAPER = Augmentation()


def scenes(count: int = 10) -> DetectionDataset:
    return digit_scenes("val", count=count)


def batches(
    seed: int = 0, *, count: int = 10, augmentation: Augmentation = PAPER, workers: int = 0
) -> Batches:
    return Batches(
        scenes(count),
        batch_size=4,
        image_size=(64, 96),
        augmentation=augmentation,
        shuffle=True,
        seed=seed,
        workers=workers,
    )


def same(first: Iterable[Batch], second: Iterable[Batch]) -> bool:
    return all(
        a.indices == b.indices
        and a.geometries == b.geometries
        and torch.equal(a.images, b.images)
        and torch.equal(a.targets.boxes, b.targets.boxes)
        and torch.equal(a.targets.labels, b.targets.labels)
        for a, b in zip(first, second, strict=True)
    )


def test_an_epoch_is_the_same_whenever_it_is_asked_for() -> None:
    one = batches()
    straight = [list(one.epoch(number)) for number in range(3)]
    resumed = batches()
    assert same(straight[2], resumed.epoch(2))
    assert same(straight[1][1:], resumed.epoch(1, first=1))
    assert not same(straight[0], resumed.epoch(1))
    assert not same(straight[0], batches(seed=1).epoch(0))


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    one = batches()
    whole = one.batch(np.arange(4), epoch=5)
    alone = one.batch(np.array([2]), epoch=5)
    assert torch.equal(whole.images[2], alone.images[0])
    assert whole.geometries[2] == alone.geometries[0]


def test_every_picture_once_an_epoch() -> None:
    one = batches()
    sizes = [len(batch.indices) for batch in one.epoch(0)]
    assert (sizes, len(one)) == ([4, 4, 2], 3)
    orders = [list(itertools.chain(*(batch.indices for batch in one.epoch(number)))) for number in range(2)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert orders[0] != orders[1]
    dropped = Batches(scenes(), batch_size=4, image_size=(64, 64), drop_last=True)
    assert [batch.indices for batch in dropped.epoch(0)] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert len(dropped) == 2


def test_what_a_batch_holds() -> None:
    data = scenes()
    plain = Batches(data, batch_size=4, image_size=(128, 128))
    batch = next(plain.epoch(0))
    assert (batch.images.shape, batch.images.dtype) == ((4, 3, 128, 128), torch.float32)
    assert batch.images.is_contiguous()
    assert batch.num_hidden == 0
    for row, index in enumerate(batch.indices):
        expected = torch.from_numpy(data.picture(index).copy()).permute(2, 0, 1) / 255
        assert torch.allclose(batch.images[row], expected)
        record = data.records[index]
        mask = batch.targets.mask[row]
        assert int(mask.sum()) == len(record.labels)
        np.testing.assert_allclose(batch.targets.boxes[row][mask].numpy(), record.boxes, atol=1e-6)
        assert batch.targets.labels[row][mask].tolist() == record.labels.tolist()


def test_augmented_targets_follow_the_pictures() -> None:
    steady = Augmentation(saturation=1, exposure=1, hue=0)
    batch = next(batches(augmentation=steady).epoch(0))
    data = scenes()
    batch.targets.validate(10)
    visible = 0
    for row, (index, geometry) in enumerate(zip(batch.indices, batch.geometries, strict=True)):
        assert np.array_equal(batch.images[row].numpy(), warp(data.picture(index), geometry))
        visible += int(batch.targets.mask[row].sum())
    assert visible + batch.num_hidden == sum(len(data.records[index].labels) for index in batch.indices)


def test_ignore_and_pictures_without_objects() -> None:
    record = scenes(1).records[0]
    empty = Record(
        name="empty",
        path=None,
        image_size=(128, 128),
        boxes=np.zeros((0, 4), np.float32),
        labels=np.zeros(0, np.int64),
        ignore=np.zeros(0, np.bool_),
    )
    crowd = Record(
        name="crowd",
        path=None,
        image_size=(128, 128),
        boxes=record.boxes[:1],
        labels=record.labels[:1],
        ignore=np.array([True]),
    )
    data = DetectionDataset(
        name="d",
        split="train",
        class_names=tuple("0123456789"),
        records=[empty, crowd],
        paint=lambda index: np.full((128, 128, 3), index, np.uint8),
    )
    batch = next(Batches(data, batch_size=2, image_size=(32, 32)).epoch(0))
    assert batch.targets.mask.tolist() == [[False], [True]]
    assert batch.targets.ignore is not None
    assert batch.targets.ignore.tolist() == [[False], [True]]
    alone = next(Batches(data, batch_size=1, image_size=(32, 32)).epoch(0))
    assert alone.targets.mask.tolist() == [[False]]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_breaks_later_is_left_out(workers: int, tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": THREE, "val": THREE[:1]})
    data = open_dataset(root, "train")
    broken = root / "JPEGImages/b.png"
    broken.write_bytes(broken.read_bytes()[:60])
    alone = Batches(data, batch_size=1, image_size=(32, 32), workers=workers)
    assert [(batch.number, batch.indices) for batch in alone.epoch(0)] == [(0, (0,)), (2, (2,))]
    assert [batch.number for batch in alone.epoch(0, first=1)] == [2]
    assert list(data.unreadable) == ["b.png"]
    assert data.unreadable["b.png"].startswith(f"{broken}: cannot read the picture")
    readable = data.readable()
    assert [record.name for record in readable.records] == ["a.png", "c.png"]
    assert readable.picture(1).shape == (128, 64, 3)
    (batch,) = Batches(data, batch_size=3, image_size=(32, 32), workers=workers).epoch(0)
    assert (batch.indices, len(batch.images), len(batch.targets)) == ((0, 2), 2, 2)
    for name in ("a", "c"):
        (root / f"JPEGImages/{name}.png").unlink()
    with pytest.raises(DataError, match=r"c\.png: no such picture"):
        list(Batches(open_again(data), batch_size=2, image_size=(32, 32), workers=workers).epoch(0))
    assert multiprocessing.active_children() == []


def open_again(data: DetectionDataset) -> DetectionDataset:
    return DetectionDataset(
        name=data.name, split=data.split, class_names=data.class_names, records=data.records
    )


def test_leaving_early_leaves_no_process() -> None:
    for batch in batches(workers=2).epoch(0):
        assert len(batch.indices) == 4
        break
    iterator = batches(workers=2).epoch(0)
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="mine"):
        raise_in_the_middle()
    assert multiprocessing.active_children() == []


def raise_in_the_middle() -> None:
    for _ in batches(workers=2).epoch(0):
        raise RuntimeError("mine")


def test_workers_make_the_same_batches() -> None:
    made = Batches(scenes(9), batch_size=2, image_size=(32, 32), shuffle=True, workers=2)
    plain = Batches(scenes(9), batch_size=2, image_size=(32, 32), shuffle=True)
    before = torch.get_rng_state()
    assert same(list(made.epoch(3, first=1)), plain.epoch(3, first=1))
    assert torch.equal(torch.get_rng_state(), before)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected at least 1; got 0"),
        ({"batch_size": 11, "drop_last": True}, "batch_size: expected at most 10, the number of pictures"),
        ({"image_size": (0, 64)}, r"image_size: expected \(height, width\) in pixels; got \(0, 64\)"),
        ({"fit": "crop"}, "fit: expected 'stretch' or 'letterbox'; got 'crop'"),
        ({"seed": -1}, "seed: expected 0 or more; got -1"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Batches(scenes(), **{"batch_size": 4, "image_size": (64, 64), **arguments})  # type: ignore[arg-type]
