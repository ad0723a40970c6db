"""Contrast under borders: high where the picture changes, about nothing elsewhere."""

import numpy as np
import pytest

from yolosses.studies.doctor.borders import Contrast


def noisy(height: int, width: int, box: tuple[int, int, int, int] | None) -> np.ndarray:
    picture = np.random.default_rng(0).integers(90, 130, (height, width, 3)).astype(np.uint8)
    if box is not None:
        left, top, right, bottom = box
        picture[top:bottom, left:right] += 100
    return picture


@pytest.mark.parametrize("scale", [1, 4])  # the larger picture is reduced first
def test_the_right_box_stands_out(scale: int) -> None:
    box = tuple(scale * side for side in (60, 30, 110, 90))
    contrast = Contrast(noisy(120 * scale, 200 * scale, box))  # type: ignore[arg-type]
    right = np.array([box], np.float64)
    wrong = right + scale * np.array([[25.0, 15.0, 25.0, 15.0]])
    turned = scale * np.array([[30.0, 60.0, 90.0, 110.0]])
    (is_right,), (is_wrong,), (is_turned,) = (contrast.of(edges) for edges in (right, wrong, turned))
    assert is_right > 3
    assert abs(is_wrong) < 1
    assert abs(is_turned) < 1


def test_random_borders_meet_nothing_on_average() -> None:
    rng = np.random.default_rng(1)
    corner = rng.uniform(5, 100, (500, 2))
    edges = np.concatenate([corner, corner + rng.uniform(5, 40, (500, 2))], 1)
    values = Contrast(noisy(150, 150, None)).of(edges)
    assert np.isfinite(values).all()
    assert abs(values.mean()) < 0.1


def test_borders_outside_the_picture_or_at_its_frame_say_nothing() -> None:
    contrast = Contrast(noisy(100, 100, (20, 20, 60, 60)))
    edges = np.array(
        [[0, 0, 100, 100], [-50, -50, 150, 150], [np.nan, 0, 10, 10], [30, 30, 30, 30]], np.float64
    )
    assert np.isnan(contrast.of(edges)).all()
    assert contrast.of(np.array([[0.0, 0.0, 60.0, 100.0]]))[0] > 0  # its right border alone


def test_a_flat_picture_says_nothing() -> None:
    flat = Contrast(np.full((50, 50, 3), 7, np.uint8))
    assert np.isnan(flat.of(np.array([[10.0, 10.0, 30.0, 30.0]]))).all()
