"""Pictures of all kinds: what is decoded, what is said of those that cannot be, and photos decoded smaller."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from yolosses.training.data import DataError, picture_size, read_picture
from yolosses.training.data.index import PictureIndex
from yolosses.training.data.pictures import reduced_size

RAMP = np.tile(np.linspace(0, 1, 256), (8, 1))
GREY = (RAMP * 255).round().astype(np.uint8)


def saved(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    "array",
    [RAMP.astype(np.float32), (RAMP * 255).astype(np.float32), (RAMP * 65535).astype(np.float32)],
    ids=["0..1", "0..255", "0..65535"],
)
def test_float_pictures_keep_their_range(array: np.ndarray, tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.tif", array))
    assert np.abs(picture[..., 0].astype(int) - GREY).max() <= 1


def test_floats_that_are_not_finite_are_black(tmp_path: Path) -> None:
    array = RAMP.astype(np.float32)
    array[0, :3] = np.nan, np.inf, -np.inf
    picture = read_picture(saved(tmp_path / "a.tif", array))
    assert picture[0, :3].tolist() == [[0, 0, 0]] * 3
    assert np.abs(picture[1:, :, 0].astype(int) - GREY[1:]).max() <= 1


@pytest.mark.parametrize(("kind", "dtype"), [("png", np.uint16), ("tif", np.uint16), ("tif", np.int32)])
def test_sixteen_bits_keep_their_upper_eight(kind: str, dtype: type, tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / f"a.{kind}", (RAMP * 65535).round().astype(dtype)))
    assert np.abs(picture[..., 0].astype(int) - GREY).max() <= 1


def test_palette_transparency_and_ink(tmp_path: Path) -> None:
    colours = np.zeros((16, 16, 3), np.uint8)
    colours[:8], colours[8:] = (250, 0, 0), (0, 0, 250)
    image = Image.fromarray(colours)
    image.quantize(4).save(tmp_path / "palette.png", transparency=0)
    image.quantize(4).save(tmp_path / "palette.gif")
    image.convert("RGBA").save(tmp_path / "alpha.png")
    image.convert("CMYK").save(tmp_path / "ink.jpg", quality=95)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("palette.png", "palette.gif", "alpha.png", "ink.jpg"):
            picture = read_picture(tmp_path / name).astype(int)
            assert np.abs(picture[2, 2] - (250, 0, 0)).max() <= 12, name
            assert np.abs(picture[-2, 2] - (0, 0, 250)).max() <= 12, name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp"])
def test_pictures_are_turned_upright_once(orientation: int, kind: str, tmp_path: Path) -> None:
    upright = np.zeros((24, 40, 3), np.uint8)
    upright[:12, :20], upright[:12, 20:], upright[12:, :20] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that EXIF's orientation undoes
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{kind}"
    stored.save(path, exif=exif, **({} if kind == "tif" else {"quality": 95}))
    assert picture_size(path) == (24, 40)
    picture = read_picture(path).astype(int)
    assert np.abs(picture[6, 10] - (255, 0, 0)).max() < 30
    assert np.abs(picture[6, 30] - (0, 255, 0)).max() < 30
    assert np.abs(picture[18, 10] - (0, 0, 255)).max() < 30


@pytest.mark.parametrize(
    ("size", "least", "expected"),
    [
        ((600, 800), (240, 240), (300, 400)),
        ((600, 800), (140, 140), (150, 200)),
        ((600, 800), (70, 70), (75, 100)),
        ((603, 801), (70, 70), (76, 101)),
        ((600, 800), (400, 400), (600, 800)),
        ((600, 800), None, (600, 800)),
    ],
)
@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_photos_are_decoded_as_small_as_will_do(
    size: tuple[int, int],
    least: tuple[int, int] | None,
    expected: tuple[int, int],
    kind: str,
    tmp_path: Path,
) -> None:
    y, x = np.mgrid[: size[0], : size[1]]
    smooth = np.stack([255 * y / size[0], 255 * x / size[1], 0 * x + 90], -1).astype(np.uint8)
    path = saved(
        tmp_path / f"a.{kind}", smooth, **({"quality": 95} if kind == "jpg" else {"compress_level": 1})
    )
    picture = read_picture(path, least=least)
    assert picture.shape[:2] == expected == reduced_size(size, least)
    y, x = np.mgrid[: expected[0], : expected[1]]
    assert np.abs(picture[..., 0] - 255 * (y + 0.5) / expected[0]).max() < 4
    assert np.abs(picture[..., 1] - 255 * (x + 0.5) / expected[1]).max() < 4


def test_what_follows_a_picture_does_no_harm(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", np.tile(GREY[..., None], 3))
    path.write_bytes(path.read_bytes() + b"what some camera adds" * 200)
    assert picture_size(path) == (8, 256)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "bmp", "gif"])
def test_a_picture_that_ends_too_early_is_found_from_its_header(kind: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = saved(tmp_path / f"a.{kind}", noise)
    assert picture_size(path) == (64, 64)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"a\.\w+: cannot read the picture \("):
        picture_size(path)


def test_the_index_remembers_sizes_and_sees_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("yolosses.training.data.index._WORTH_KEEPING", 1)
    paths = [saved(tmp_path / f"{name}.png", np.zeros((4, 6), np.uint8)) for name in "abc"]
    first = PictureIndex(tmp_path)
    assert [first.look(path) for path in paths] == [(4, 6)] * 3
    first.save(paths)
    looked: list[Path] = []

    def look(path: Path) -> tuple[int, int]:
        looked.append(path)
        return picture_size(path)

    monkeypatch.setattr("yolosses.training.data.index.picture_size", look)
    saved(paths[1], np.zeros((7, 9), np.uint8))
    os.utime(paths[2], ns=(1, 1))
    second = PictureIndex(tmp_path)
    assert [second.look(path) for path in paths] == [(4, 6), (7, 9), (4, 6)]
    assert looked == paths[1:]
    # What is no index of this version knows nothing.
    for file in (tmp_path / "cache/yolosses").iterdir():
        file.write_text('{"format": 0, "pictures": {}}')
    assert PictureIndex(tmp_path).look(paths[0]) == (4, 6)
    assert looked == [*paths[1:], paths[0]]


def test_without_a_place_to_write_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yolosses.training.data.index._WORTH_KEEPING", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(saved(tmp_path / "file.png", np.zeros((4, 6), np.uint8))))
    index = PictureIndex(tmp_path)
    assert index.look(tmp_path / "file.png") == (4, 6)
    index.save([tmp_path / "file.png"])
