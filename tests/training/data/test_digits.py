"""The embedded scenes: always the same, never a digit of one split in another, boxes tight."""

import sys

import numpy as np
import pytest

from yolosses.training.data import DataError, digit_pool, digit_scenes
from yolosses.training.data import digits as module


def test_scenes_are_the_same_every_time_and_whatever_the_count() -> None:
    first, again = digit_scenes("train", count=8), digit_scenes("train", count=5)
    for index in range(5):
        assert np.array_equal(first.records[index].boxes, again.records[index].boxes)
        assert np.array_equal(first.records[index].labels, again.records[index].labels)
    # In another order, too: a scene depends on its index alone.
    backwards = [again.picture(index) for index in (4, 3, 2, 1, 0)][::-1]
    assert all(np.array_equal(first.picture(index), backwards[index]) for index in range(5))


def test_seed_and_split_make_other_scenes() -> None:
    scenes = [
        digit_scenes(split, count=1, seed=seed).picture(0).tobytes()
        for split, seed in (("train", 0), ("train", 1), ("val", 0), ("test", 0))
    ]
    assert len(set(scenes)) == 4


# cx, cy, w, h in pixels, and the digit
FIRST_TEST_SCENE = [
    [24.5, 25.5, 17.0, 29.0, 8.0],
    [33.5, 77.0, 33.0, 42.0, 5.0],
    [95.0, 108.5, 16.0, 27.0, 7.0],
    [60.5, 79.5, 11.0, 23.0, 1.0],
    [52.5, 53.5, 13.0, 19.0, 9.0],
    [94.0, 27.0, 16.0, 32.0, 3.0],
]


def test_the_first_scene_is_pinned() -> None:
    """The data set is part of what results refer to: this changes only with a note in the changelog."""
    record = digit_scenes("test", count=1).records[0]
    pixels = np.column_stack([record.boxes * 128, record.labels]).tolist()
    assert pixels == FIRST_TEST_SCENE


def test_splits_share_no_handwritten_digit() -> None:
    pools = {split: set(digit_pool(split).tolist()) for split in ("train", "val", "test")}
    assert {split: len(pool) for split, pool in pools.items()} == {"train": 1258, "val": 270, "test": 269}
    assert set.union(*pools.values()) == set(range(1797))
    for split in pools:
        used = {p.glyph for index in range(200) for p in module._layout(split, index, (128, 128), 0)}
        assert used <= pools[split]
        labels = {module._glyphs()[glyph].label for glyph in pools[split]}
        assert labels == set(range(10))


def test_what_scenes_hold() -> None:
    scenes = digit_scenes("train", count=400)
    assert scenes.class_names == tuple("0123456789")
    assert scenes.records[3].name == "train-00003.png"
    counts = [len(record.labels) for record in scenes.records]
    assert (min(counts), max(counts)) == (1, 7)
    boxes = np.concatenate([record.boxes for record in scenes.records]).astype(np.float64) * 128
    assert np.array_equal(boxes[:, 2:], np.round(boxes[:, 2:]))  # whole pixels
    assert (boxes[:, :2] - boxes[:, 2:] / 2).min() >= 0
    assert (boxes[:, :2] + boxes[:, 2:] / 2).max() <= 128
    longest = boxes[:, 2:].max(1)
    assert (longest.min(), longest.max()) == (18, 60)
    assert boxes[:, 2:].min() >= 8
    shares = np.bincount(np.concatenate([record.labels for record in scenes.records]), minlength=10) / len(
        boxes
    )
    assert shares.min() > 0.06
    for record in scenes.records:
        low, high = (
            record.boxes[:, :2] - record.boxes[:, 2:] / 2,
            record.boxes[:, :2] + record.boxes[:, 2:] / 2,
        )
        sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        common = np.clip(sides, 0, None).prod(-1)
        area = record.boxes[:, 2:].prod(1)
        share = common / np.minimum(area[:, None], area)
        assert np.all(share[~np.eye(len(area), dtype=bool)] <= 0.12 + 1e-6)


def test_boxes_are_tight_around_the_ink(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a plain ground every row and column at the edge of a lone digit's box has ink, and none beyond it."""
    ground = np.full((3, 128, 128), 240, np.float32)
    monkeypatch.setattr(module, "_background", lambda rng, size, dark: ground.copy())
    monkeypatch.setattr(module, "_ink_colour", lambda rng, under, dark: np.zeros(3, np.float32))
    scenes = digit_scenes("val", count=60)
    lone = [index for index, record in enumerate(scenes.records) if len(record.labels) == 1]
    assert len(lone) >= 4
    for index in lone:
        ink = scenes.picture(index)[..., 0] < 200
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        cx, cy, w, h = scenes.records[index].boxes[0] * 128
        found = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        assert np.abs(found - [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]).max() <= 1


def test_digits_stand_out_from_their_ground() -> None:
    scenes = digit_scenes("test", count=60)
    contrasts = []
    for index, record in enumerate(scenes.records):
        grey = scenes.picture(index).astype(np.float64).mean(-1)
        for cx, cy, w, h in record.boxes * 128:
            part = grey[int(cy - h / 2) : int(cy + h / 2), int(cx - w / 2) : int(cx + w / 2)]
            contrasts.append(np.percentile(part, 95) - np.percentile(part, 5))
    assert np.mean(contrasts) > 80
    assert min(contrasts) > 25


def test_other_sizes() -> None:
    scenes = digit_scenes("val", count=20, image_size=(96, 160))
    assert {scenes.picture(index).shape for index in range(20)} == {(96, 160, 3)}
    tall = max(float((record.boxes[:, 3] * 96).max()) for record in scenes.records)
    assert tall <= 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "trainval"}, "split: expected one of train, val, test; got 'trainval'"),
        ({"count": 0}, "count: expected at least 1; got 0"),
        (
            {"image_size": (32, 128)},
            r"image_size: expected \(height, width\), each at least 64; got \(32, 128\)",
        ),
        ({"seed": -1}, "seed: expected 0 or more; got -1"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        digit_scenes(**{"split": "val", **arguments})  # type: ignore[arg-type]


def test_without_scikit_learn_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module._glyphs.cache_clear()
    module._pool.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r'pip install "yolosses\[demo\]"'):
        digit_scenes("val", count=1)
