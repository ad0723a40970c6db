"""What objects look like: figure against ground, whatever their colours; learnt from other pictures only."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from yolosses.studies.doctor.appearance import Appearance

BOX = (20, 10, 60, 50)


def painted(shape: str, ground: int, figure: int, *, noise: int = 0) -> np.ndarray:
    canvas = Image.new("RGB", (100, 80), (ground, ground, ground))
    left, top, right, bottom = BOX
    middle = (
        (left + 10, top, right - 11, bottom - 1) if shape == "bar" else (left, top, right - 1, bottom - 1)
    )
    pen = ImageDraw.Draw(canvas)
    (pen.ellipse if shape == "disc" else pen.rectangle)(middle, fill=(figure, figure, figure))
    rng = np.random.default_rng(noise)
    return np.clip(np.asarray(canvas) + rng.integers(-noise, noise + 1, (80, 100, 3)), 0, 255).astype(
        np.uint8
    )


def seen(picture: np.ndarray, row: int) -> Appearance:
    return Appearance.of(picture, np.array([BOX], np.float64), np.array([row]))


def test_light_on_dark_looks_like_dark_on_light() -> None:
    light, dark = (seen(painted("disc", *colours), 0).figures for colours in ((50, 180), (180, 50)))
    np.testing.assert_allclose(light, dark, atol=1e-5)
    other = seen(painted("bar", 50, 180), 0).figures
    assert np.abs(light - other).max() > 1


def test_what_is_too_small_or_outside_is_not_seen() -> None:
    edges = np.array([BOX, (10, 10, 12, 40), (120, 10, 160, 50), [np.nan] * 4], np.float64)
    assert Appearance.of(painted("disc", 50, 180), edges, np.arange(4)).rows.tolist() == [0]


@pytest.mark.parametrize("ground", [60, 200])
def test_discs_look_more_like_discs_than_like_bars(ground: int) -> None:
    labels = np.arange(24) % 2  # 0 disc, 1 bar
    figures = [
        seen(painted("bar" if label else "disc", ground, 130, noise=10 + row), row)
        for row, label in enumerate(labels)
    ]
    joined = Appearance.joined(figures)
    more = joined.comparison(labels, np.zeros(24, np.int64), np.ones(24, np.int64), np.arange(24))
    assert ((more > 0) == (labels == 0)).all()
    np.testing.assert_allclose(  # the reverse question has the reverse answer
        joined.comparison(labels, np.ones(24, np.int64), np.zeros(24, np.int64), np.arange(24)), -more
    )


def test_a_picture_does_not_show_what_its_own_objects_look_like() -> None:
    labels = np.array([0] * 8 + [1] * 8)
    joined = Appearance.joined([seen(painted("disc", 50, 90 + row, noise=5), row) for row in range(16)])
    picture = np.array([3] * 8 + list(range(10, 18)))  # all of class 0 in one picture
    more = joined.comparison(labels, 1 - labels, labels, picture)
    assert np.isnan(more[:8]).all()
    assert np.isfinite(more[8:]).any()
