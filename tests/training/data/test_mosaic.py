"""A mosaic: four pictures around a point, each with its boxes, nothing of one within another."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.training.data.layouts import THREE, write_voc

from yolosses.training.data import (
    Augmentation,
    Batches,
    DetectionDataset,
    Fit,
    Record,
    mosaic,
    mosaic_geometries,
    open_dataset,
    visible_boxes,
)

GREY = np.float32(114 / 255)
COLOURS = ((255, 0, 255), (0, 255, 0), (255, 0, 0), (0, 0, 255))
MIRRORED = Augmentation(vertical_flip=0.5, mosaic=1.0)
ALWAYS = Augmentation(mosaic=1.0, saturation=1, exposure=1, hue=0)
fits = st.sampled_from(["stretch", "letterbox"])
sizes = st.tuples(st.integers(1, 400), st.integers(1, 400))


@given(st.tuples(sizes, sizes, sizes, sizes), sizes, fits, st.integers(0, 2**32))
def test_tiles_meet_at_a_point_and_share_no_pixel(
    pictures: tuple[tuple[int, int], ...], image: tuple[int, int], fit: Fit, seed: int
) -> None:
    image = (image[0] + 4, image[1] + 4)  # room for a point within
    tiles = mosaic_geometries(pictures, image, fit, MIRRORED, np.random.default_rng(seed))
    seen = np.zeros(image, int)
    for picture, tile in zip(pictures, tiles, strict=True):
        assert (tile.picture_size, tile.image_size) == (picture, image)
        for axis in (tile.y, tile.x):
            assert 0 <= axis.source[0] < axis.source[1] <= axis.source_length
            assert 0 <= axis.target[0] < axis.target[1] <= axis.target_length
        seen[tile.y.target[0] : tile.y.target[1], tile.x.target[0] : tile.x.target[1]] += 1
    assert seen.max() == 1
    above_left, above_right, below_left, below_right = tiles
    assert {above_left.y.target[1], above_right.y.target[1]} == {
        below_left.y.target[0],
        below_right.y.target[0],
    }
    assert {above_left.x.target[1], below_left.x.target[1]} == {
        above_right.x.target[0],
        below_right.x.target[0],
    }


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_pictures_have_their_own_scale_times_a_factor(fit: Fit) -> None:
    """A picture of 200 x 100 in an input of 100 x 100: letterbox halves both sides, stretch only the height."""
    rng, still = np.random.default_rng(0), Augmentation(mosaic=1.0, mosaic_scale=0.5, jitter=0)
    tiles = [
        tile for _ in range(800) for tile in mosaic_geometries([(200, 100)] * 4, (100, 100), fit, still, rng)
    ]
    scales = [
        [(axis.target[1] - axis.target[0]) / (axis.source[1] - axis.source[0]) for axis in (tile.y, tile.x)]
        for tile in tiles
    ]
    heights, widths = np.array(scales).T
    natural = (0.5, 0.5) if fit == "letterbox" else (0.5, 1.0)
    for found, scale in zip((heights, widths), natural, strict=True):
        assert found.min() == pytest.approx(0.5 * scale, rel=0.1)
        assert found.max() == pytest.approx(1.5 * scale, rel=0.1)
        assert np.median(found) == pytest.approx(scale, rel=0.05)


@pytest.mark.parametrize("seed", range(20))
def test_a_painted_rectangle_lands_where_its_box_says_and_ends_with_its_tile(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pictures, truths = [], []
    for colour in COLOURS:
        height, width = (int(side) for side in rng.integers(150, 400, 2))
        left, top = int(rng.integers(0, width - 100)), int(rng.integers(0, height - 100))
        right, bottom = left + int(rng.integers(60, 100)), top + int(rng.integers(60, 100))
        picture = np.full((height, width, 3), 255, np.uint8)
        picture[top:bottom, left:right] = colour
        pictures.append(picture)
        box = (
            (left + right) / 2 / width,
            (top + bottom) / 2 / height,
            (right - left) / width,
            (bottom - top) / height,
        )
        truths.append(np.array([box], np.float32))
    tiles = mosaic_geometries([p.shape[:2] for p in pictures], (256, 320), "letterbox", MIRRORED, rng)
    image = mosaic(pictures, tiles)
    for colour, truth, tile in zip(COLOURS, truths, tiles, strict=True):
        painted = np.abs(image - (np.array(colour, np.float32) / 255)[:, None, None]).max(0) < 0.4
        boxes, (kept,) = visible_boxes(truth, tile)
        if not kept:  # little of it, or nothing, is within its tile
            limit = 0.25 * tile.to_input(truth)[0, 2:].prod() * painted.size
            assert painted.sum() <= limit
            continue
        rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
        cx, cy, w, h = boxes[0] * (320, 256, 320, 256)
        found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert np.abs(np.array(found) - [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]).max() <= 1.01


def four(*, ignored: int) -> DetectionDataset:
    """Grey pictures, each with one object of its own class that fills it; one of them is difficult."""
    records = [
        Record(
            name=f"{label}.png",
            path=None,
            image_size=(64, 64),
            boxes=np.array([[0.5, 0.5, 1, 1]], np.float32),
            labels=np.array([label]),
            ignore=np.array([label == ignored]),
        )
        for label in range(4)
    ]
    return DetectionDataset(
        name="four",
        split="train",
        class_names=tuple("abcd"),
        records=records,
        paint=lambda index: np.full((64, 64, 3), 60 * index, np.uint8),
    )


def test_objects_of_all_four_pictures_are_in_the_targets_difficult_ones_marked() -> None:
    batches = Batches(four(ignored=2), batch_size=4, image_size=(64, 64), augmentation=ALWAYS, shuffle=True)
    (batch,) = batches.epoch(0)
    batch.targets.validate(4)
    assert batch.targets.ignore is not None
    for row in range(4):
        assert sorted(batch.names[row].split(" + ")) == ["0.png", "1.png", "2.png", "3.png"]
        assert batch.names[row].startswith(f"{batch.indices[row]}.png")
        there = batch.targets.mask[row]
        labels, boxes = batch.targets.labels[row, there], batch.targets.boxes[row, there]
        assert (labels == 2).tolist() == batch.targets.ignore[row, there].tolist()
        for label, (cx, cy, w, h) in zip(labels.tolist(), boxes.tolist(), strict=True):
            tile = batch.images[
                row, :, round((cy - h / 2) * 64) : round((cy + h / 2) * 64),
                round((cx - w / 2) * 64) : round((cx + w / 2) * 64),
            ]  # fmt: skip
            assert tile.unique().tolist() == [np.float32(60 * label / 255)]
    assert int(batch.targets.mask.sum()) + batch.num_hidden == 16


def test_settled_epochs_have_none_and_a_half_is_a_half() -> None:
    dataset = four(ignored=0)
    often = Batches(dataset, batch_size=4, image_size=(32, 32), augmentation=Augmentation(mosaic=0.5))
    names = [name for epoch in range(250) for batch in often.epoch(epoch) for name in batch.names]
    assert np.mean(["+" in name for name in names]) == pytest.approx(0.5, abs=0.05)
    assert all(batch.names == ("0.png", "1.png", "2.png", "3.png") for batch in often.epoch(0, settled=True))


def test_a_picture_that_cannot_be_read_leaves_its_place_grey(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": THREE, "val": THREE[:1]})
    dataset = open_dataset(root, "train")
    broken = root / "JPEGImages/b.png"
    broken.write_bytes(broken.read_bytes()[:60])
    batches = Batches(dataset, batch_size=1, image_size=(64, 64), augmentation=ALWAYS)
    batch = batches.batch(np.array([0]))
    assert batch.names == ("a.png + c.png",)
    assert list(dataset.unreadable) == ["b.png"]
    assert (batch.images[0] == GREY).all(0).any()


def test_with_few_pictures_there_are_fewer_tiles(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"train": THREE[:1], "val": THREE[:1]})
    batches = Batches(open_dataset(root, "train"), batch_size=1, image_size=(64, 64), augmentation=ALWAYS)
    assert [batch.names for batch in batches.epoch(0)] == [("a.png",)]
