"""Geometry that can be checked by hand, and colours against the standard library's HSV."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from yolosses.training.data import (
    Augmentation,
    Fit,
    Geometry,
    adjust_colours,
    jitter_colours,
    plain_geometry,
    random_geometry,
    visible_boxes,
    warp,
)

STILL = Augmentation(flip=0, jitter=0, saturation=1, exposure=1, hue=0)
FITS: list[Fit] = ["stretch", "letterbox"]
sizes = st.tuples(st.integers(1, 700), st.integers(1, 700))
fits = st.sampled_from(FITS)
fractions = st.floats(0, 1, width=32)


def box(*values: float) -> NDArray[np.float32]:
    return np.array([values], np.float32)


def moved(geometry: Geometry, *values: float) -> list[float]:
    return [float(v) for v in geometry.to_input(box(*values))[0]]


def test_stretch_leaves_fractions_as_they_are() -> None:
    geometry = plain_geometry((480, 640), (320, 320), "stretch")
    assert moved(geometry, 0.3, 0.4, 0.2, 0.1) == pytest.approx([0.3, 0.4, 0.2, 0.1])
    assert geometry.matrix.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert (geometry.picture_size, geometry.image_size) == ((480, 640), (320, 320))


def test_letterbox_of_640x480_to_320x320() -> None:
    geometry = plain_geometry((480, 640), (320, 320), "letterbox")
    # Half the size; 240 rows, with 40 of grey above and below.
    assert geometry.matrix.tolist() == [[1, 0, 0], [0, 0.75, 0.125]]
    assert moved(geometry, 0.5, 0.0, 0.25, 0.5) == [0.5, 0.125, 0.25, 0.375]
    assert moved(geometry, 0.5, 1.0, 1.0, 1.0) == [0.5, 0.875, 1.0, 0.75]
    image = warp(np.full((480, 640, 3), 255, np.uint8), geometry)
    assert image.shape == (3, 320, 320)
    assert image.dtype == np.float32
    assert np.unique(image[:, 40:280]).tolist() == [1.0]
    assert np.unique(image[:, :40]) == np.unique(image[:, 280:]) == np.float32(114 / 255)


def test_letterbox_of_an_upright_picture() -> None:
    geometry = plain_geometry((200, 100), (64, 128), "letterbox")
    assert geometry.matrix.tolist() == [[0.25, 0, 0.375], [0, 1, 0]]


def test_a_mirror_sends_x_to_one_less_x() -> None:
    flip = Augmentation(flip=1, jitter=0, saturation=1, exposure=1, hue=0)
    geometry = random_geometry((480, 640), (320, 320), "stretch", flip, np.random.default_rng(0))
    assert moved(geometry, 0.2, 0.3, 0.1, 0.4) == pytest.approx([0.8, 0.3, 0.1, 0.4])
    upside_down = Augmentation(flip=0, vertical_flip=1, jitter=0)
    geometry = random_geometry((480, 640), (320, 320), "letterbox", upside_down, np.random.default_rng(0))
    assert moved(geometry, 0.2, 0.25, 0.1, 0.4) == pytest.approx([0.2, 0.6875, 0.1, 0.3])
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[0, 0] = 255
    both = Augmentation(flip=1, vertical_flip=1, jitter=0)
    image = warp(picture, random_geometry((4, 4), (4, 4), "stretch", both, np.random.default_rng(0)))
    assert np.argwhere(image[0]).tolist() == [[3, 3]]


def test_flips_come_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    quarter = Augmentation(flip=0.25, vertical_flip=0.75)
    drawn = [random_geometry((8, 8), (8, 8), "stretch", quarter, rng) for _ in range(2000)]
    assert np.mean([g.x.mirrored for g in drawn]) == pytest.approx(0.25, abs=0.03)
    assert np.mean([g.y.mirrored for g in drawn]) == pytest.approx(0.75, abs=0.03)


def test_jitter_moves_each_side_by_up_to_its_share() -> None:
    rng = np.random.default_rng(0)
    augmentation = Augmentation(flip=0, jitter=0.2)
    edges = []
    for _ in range(3000):
        geometry = random_geometry((400, 500), (300, 300), "stretch", augmentation, rng)
        edges.append(geometry.to_picture(box(0.5, 0.5, 1, 1))[0])
    cx, cy, w, h = np.array(edges).T
    for edge, low in ((cx - w / 2, -0.2), (cy - h / 2, -0.2), (cx + w / 2, 0.8), (cy + h / 2, 0.8)):
        assert edge.min() == pytest.approx(low, abs=0.01)
        assert edge.max() == pytest.approx(low + 0.4, abs=0.01)
        assert edge.mean() == pytest.approx(low + 0.2, abs=0.01)
    assert abs(np.corrcoef(cx - w / 2, cx + w / 2)[0, 1]) < 0.06  # four independent sides


def test_without_chance_augmentation_is_plain() -> None:
    for fit in FITS:
        drawn = random_geometry((37, 91), (64, 32), fit, STILL, np.random.default_rng(0))
        assert drawn == plain_geometry((37, 91), (64, 32), fit)


@given(sizes, sizes, fits, st.integers(0, 2**32), st.tuples(fractions, fractions, fractions, fractions))
def test_to_picture_undoes_to_input(
    picture: tuple[int, int],
    image: tuple[int, int],
    fit: Fit,
    seed: int,
    values: tuple[float, float, float, float],
) -> None:
    geometry = random_geometry(
        picture, image, fit, Augmentation(vertical_flip=0.5), np.random.default_rng(seed)
    )
    back = geometry.to_picture(geometry.to_input(box(*values)))
    # A picture of one pixel against a long input may be enlarged a lot: float32 then sets the limit.
    limit = (
        1e-6 * max(1, abs(1 / geometry.x.scale), abs(1 / geometry.y.scale)) * (1 + abs(geometry.matrix).max())
    )
    np.testing.assert_allclose(back, box(*values), atol=limit)


@given(sizes, sizes, fits, st.integers(0, 2**32))
def test_rectangles_lie_within_picture_and_input(
    picture: tuple[int, int], image: tuple[int, int], fit: Fit, seed: int
) -> None:
    geometry = random_geometry(
        picture, image, fit, Augmentation(vertical_flip=0.5), np.random.default_rng(seed)
    )
    for axis in (geometry.y, geometry.x):
        assert 0 <= axis.source[0] < axis.source[1] <= axis.source_length
        assert 0 <= axis.target[0] < axis.target[1] <= axis.target_length


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("seed", range(12))
def test_a_painted_rectangle_lands_where_its_box_says(fit: Fit, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = int(rng.integers(150, 400)), int(rng.integers(150, 400))
    left, top = int(rng.integers(0, width - 70)), int(rng.integers(0, height - 70))
    right, bottom = left + int(rng.integers(40, 70)), top + int(rng.integers(40, 70))
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top:bottom, left:right] = (255, 0, 255)
    truth = box(
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    )
    image_size = (int(rng.integers(100, 300)), int(rng.integers(100, 300)))
    geometry = random_geometry((height, width), image_size, fit, Augmentation(vertical_flip=0.5), rng)
    image = warp(picture, geometry)
    (seen,), keep = visible_boxes(truth, geometry)
    assert keep.tolist() == [True]
    painted = image[0] - image[1] > 0.5  # magenta, whatever the grey around the picture
    rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
    cx, cy, w, h = seen * np.array([image_size[1], image_size[0]] * 2)
    found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert np.abs(np.array(found) - [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]).max() <= 0.51


def test_warp_at_the_same_size_copies() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    image = warp(picture, plain_geometry((20, 30), (20, 30)))
    assert np.array_equal(image, (picture.transpose(2, 0, 1) / np.float32(255)).astype(np.float32))
    assert image.flags.c_contiguous


def test_warp_halves_by_averaging() -> None:
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[:, ::2] = 255
    image = warp(stripes, plain_geometry((8, 8), (4, 4)))
    assert image[:, :, 1:-1] == pytest.approx(
        np.full((3, 4, 2), 0.5), abs=0.01
    )  # picking pixels would give 0 or 1


def test_warp_refuses_another_picture() -> None:
    with pytest.raises(ValueError, match=r"picture: expected uint8 \(20, 30, 3\); got uint8 \(30, 20, 3\)"):
        warp(np.zeros((30, 20, 3), np.uint8), plain_geometry((20, 30), (8, 8)))


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="fit: expected 'stretch' or 'letterbox'; got 'crop'"):
        plain_geometry((8, 8), (8, 8), "crop")  # type: ignore[arg-type]


def shifted_left(share: float) -> Geometry:
    """The input shows the picture from ``share`` of its width on, at its own size."""
    geometry = plain_geometry((100, 100), (100, 100))
    first = round(100 * share)
    x = type(geometry.x)(source_length=100, target_length=100, source=(first, 100), target=(0, 100 - first))
    return Geometry(y=geometry.y, x=x)


@pytest.mark.parametrize(
    ("cx", "w", "expected"),
    [
        (0.5, 0.2, [0.3, 0.5, 0.2, 0.5]),  # inside
        (0.2, 0.2, [0.05, 0.5, 0.1, 0.5]),  # half of it left of the edge
        (0.13, 0.2, None),  # 15 % remain
        (0.15, 0.2, [0.025, 0.5, 0.05, 0.5]),  # 25 % remain
        (0.05, 0.1, None),  # wholly gone
    ],
)
def test_boxes_are_cut_and_dropped_by_what_remains(cx: float, w: float, expected: list[float] | None) -> None:
    geometry = shifted_left(0.2)
    boxes, keep = visible_boxes(box(cx, 0.5, w, 0.5), geometry)
    assert keep.tolist() == [expected is not None]
    assert boxes.tolist() == ([pytest.approx(expected, abs=1e-6)] if expected else [])


def test_small_boxes_go_only_if_cut() -> None:
    geometry = shifted_left(0.2)
    inside, cut = [0.5, 0.5, 0.01, 0.5], [0.2, 0.5, 0.03, 0.5]  # 1 pixel whole; 1.5 of 3 pixels remain
    boxes, keep = visible_boxes(np.array([inside, cut], np.float32), geometry)
    assert keep.tolist() == [True, False]
    assert boxes[0].tolist() == pytest.approx([0.3, 0.5, 0.01, 0.5])
    none, keep = visible_boxes(np.zeros((0, 4), np.float32), geometry)
    assert (none.shape, keep.shape) == ((0, 4), (0,))


@given(
    st.floats(-1 / 6, 1 / 6),
    st.floats(0.2, 3),
    st.floats(0.2, 3),
    st.lists(st.tuples(fractions, fractions, fractions)),
)
def test_colours_match_the_standard_librarys_hsv(
    hue: float, saturation: float, exposure: float, pixels: list[tuple[float, float, float]]
) -> None:
    image = np.array(pixels, np.float32).reshape(-1, 1, 3).transpose(2, 0, 1)
    adjusted = adjust_colours(image, hue=hue, saturation=saturation, exposure=exposure)
    for pixel, got in zip(image[:, :, 0].T.tolist(), adjusted[:, :, 0].T, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        expected = colorsys.hsv_to_rgb((h + hue) % 1, min(s * saturation, 1), min(v * exposure, 1))
        spread = max(pixel) - min(pixel)
        if spread == 0 or spread > 1e-4:  # below that the hue is noise
            assert got == pytest.approx(expected, abs=2e-3 if spread < 0.01 else 2e-5)


def test_colours_of_a_large_image_are_those_of_its_parts() -> None:
    image = np.random.default_rng(0).random((3, 200, 150)).astype(np.float32)
    whole = adjust_colours(image, hue=0.1, saturation=1.5, exposure=0.8)
    assert np.array_equal(
        whole[:, 100:], adjust_colours(image[:, 100:].copy(), hue=0.1, saturation=1.5, exposure=0.8)
    )
    assert adjust_colours(image) == pytest.approx(image, abs=1e-6)
    with pytest.raises(ValueError, match=r"hue: expected -1/6\.\.1/6"):
        adjust_colours(image, hue=0.2)


def test_colour_jitter_stays_in_range() -> None:
    rng = np.random.default_rng(0)
    grey = np.full((3, 1, 1), 0.4, np.float32)
    exposures = np.array([jitter_colours(grey, Augmentation(), rng)[0, 0, 0] for _ in range(2000)]) / 0.4
    assert (exposures.min(), exposures.max()) == pytest.approx((1 / 1.5, 1.5), abs=0.01)
    assert np.mean(exposures < 1) == pytest.approx(0.5, abs=0.05)
    assert jitter_colours(grey, STILL, rng) is grey


@pytest.mark.parametrize("name", ["flip", "vertical_flip", "jitter", "saturation", "exposure", "hue"])
def test_augmentation_refuses_what_makes_no_sense(name: str) -> None:
    for value in (-0.1, float("nan"), 11.0):
        with pytest.raises(ValueError, match=f"^{name}: expected "):
            Augmentation(**{name: value})
