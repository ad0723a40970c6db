"""Decoding, orientation and the cache."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from yolosses.training.data import DataError, DetectionDataset, Record, picture_size, read_picture


def record(path: Path | None, image_size: tuple[int, int]) -> Record:
    return Record(
        name="a",
        path=path,
        image_size=image_size,
        boxes=np.zeros((0, 4), np.float32),
        labels=np.zeros(0, np.int64),
        ignore=np.zeros(0, np.bool_),
    )


def dataset(records: list[Record], cache_bytes: int = 1 << 20) -> DetectionDataset:
    return DetectionDataset(
        name="d", split="train", class_names=["x"], records=records, cache_bytes=cache_bytes
    )


CORNER = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}


@pytest.mark.parametrize("orientation", CORNER)
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_pictures_are_turned_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:8, :8] = 255  # the stored top left corner
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(stored).save(path, exif=exif)
    picture = read_picture(path)
    assert picture.shape == ((32, 16, 3) if orientation >= 5 else (16, 32, 3))
    assert picture_size(path) == picture.shape[:2]
    bright = {corner for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)) if picture[corner].min() > 200}
    assert bright == {CORNER[orientation]}


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGB", (8, 4), (255, 255, 255)).convert(mode).save(path)
    picture = read_picture(path)
    assert picture.shape == (4, 8, 3)
    assert picture.dtype == np.uint8
    assert picture.min() == 255


def test_deep_grey_keeps_its_upper_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((4, 8), 0x80FF, np.uint16)).save(path)
    assert np.unique(read_picture(path)).tolist() == [0x80]


def test_unreadable_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg: no such picture"):
        read_picture(tmp_path / "gone.jpg")
    noise = tmp_path / "noise.jpg"
    noise.write_bytes(b"noise")
    for read in (read_picture, picture_size):
        with pytest.raises(DataError, match=r"noise\.jpg: cannot read the picture \(not a picture"):
            read(noise)
    whole = tmp_path / "whole.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(whole)
    for name in ("cut.jpg", "cut.png"):
        Image.open(whole).save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        for read in (read_picture, picture_size):
            with pytest.raises(DataError, match=rf"{name}: cannot read the picture"):
                read(tmp_path / name)


def test_the_cache_keeps_to_its_budget(tmp_path: Path) -> None:
    records = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (10, 10), (1, 2, 3)).save(path)
        records.append(record(path, (10, 10)))
    data = dataset(records, cache_bytes=300)
    first = data.picture(0)
    assert first[5, 5].tolist() == [1, 2, 3]
    assert data.picture(0) is first
    assert data.picture(1) is not data.picture(1)  # 300 bytes are taken
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0


def test_a_picture_that_changed_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (10, 20)).save(path)
    with pytest.raises(DataError, match=r"a\.png: expected 9x20 \(width x height\) .*; got 10x20"):
        dataset([record(path, (20, 9))]).picture(0)
    with pytest.raises(DataError, match="has no file"):
        dataset([record(None, (20, 9))]).picture(0)
