"""Nearly equal pictures are found, and no others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from tests.studies.doctor.faults import scenes

from yolosses.studies.doctor.near import Look, near_groups

Change = Callable[[Image.Image], Image.Image]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    painted = scenes(tmp_path_factory.mktemp("painted"), 40)
    return [Image.open(one.picture).convert("RGB") for one in painted]


def groups(pictures: list[Image.Image]) -> list[tuple[int, ...]]:
    return near_groups({index: Look.of(np.asarray(one)) for index, one in enumerate(pictures)})


def written_again(picture: Image.Image, folder: Path) -> Image.Image:
    picture.save(folder / "again.jpg", quality=50)
    return Image.open(folder / "again.jpg").convert("RGB")


CHANGES: dict[str, Change] = {
    "smaller": lambda one: one.resize((one.width // 2, one.height // 2)),
    "another shape": lambda one: one.resize((160, 160)),
    "brighter": lambda one: ImageEnhance.Brightness(one).enhance(1.1),
    "darker": lambda one: ImageEnhance.Brightness(one).enhance(0.85),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_copies_are_found(pictures: list[Image.Image], change: Change) -> None:
    assert groups([*pictures, *map(change, pictures[:5])]) == [(k, 40 + k) for k in range(5)]


def test_a_copy_written_with_loss_is_found(pictures: list[Image.Image], tmp_path: Path) -> None:
    assert groups([*pictures, written_again(pictures[7], tmp_path)]) == [(7, 40)]


def test_copies_of_copies_are_one_group(pictures: list[Image.Image]) -> None:
    assert groups([*pictures[:3], *(change(pictures[1]) for change in CHANGES.values())]) == [(1, 3, 4, 5, 6)]


def test_other_pictures_are_not(pictures: list[Image.Image]) -> None:
    assert groups(pictures) == []
    moved = pictures[3].copy()
    moved.paste((255, 0, 0), (80, 50, 120, 90))  # one object more
    turned = pictures[3].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert groups([pictures[3], moved, turned]) == []


def test_plain_pictures_say_nothing() -> None:
    rng = np.random.default_rng(0)
    plain = [
        np.clip(level + rng.normal(0, 2, (60, 80, 3)), 0, 255).astype(np.uint8) for level in (0, 90, 90, 255)
    ]
    assert groups([Image.fromarray(one) for one in plain]) == []
