"""Anchors find the sizes that were planted, are the same every time, and say what they cannot do."""

import itertools

import numpy as np
import pytest
from tests.training.shapes import shapes

from yolosses.training.anchors import box_sizes, fit_anchors, mean_best_iou
from yolosses.training.data import DetectionDataset, Record

PLANTED = np.array([[12.0, 10.0], [16.0, 60.0], [70.0, 20.0], [50.0, 55.0], [130.0, 110.0]])


def planted(seed: int, each: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sizes = PLANTED.repeat(each, 0) * rng.uniform(0.95, 1.05, (each * len(PLANTED), 2))
    return rng.permutation(sizes)


@pytest.mark.parametrize("seed", range(4))
def test_planted_sizes_are_found_sorted_by_area(seed: int) -> None:
    fitted = fit_anchors(planted(seed), 5, seed=seed)
    np.testing.assert_allclose(fitted.sizes, PLANTED, rtol=0.02)
    assert fitted.mean_best_iou > 0.94
    assert fitted.mean_best_iou == pytest.approx(mean_best_iou(planted(seed), fitted.sizes))


def test_small_boxes_count_as_much_as_large_ones() -> None:
    """Euclidean k-means would spend both anchors on the large boxes."""
    sizes = np.array([[8.0, 8.0]] * 10 + [[16.0, 16.0]] * 10 + [[200.0, 200.0], [300.0, 300.0]])
    sizes = sizes + np.linspace(0, 0.5, len(sizes))[:, None]
    small, medium, large = fit_anchors(sizes, 3).sizes[:, 0]
    assert (small, medium) == pytest.approx((8.1, 16.4), abs=0.2)
    assert large >= 200


def test_more_anchors_fit_better_and_the_same_seed_gives_the_same() -> None:
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(2, 5, (400, 2)))
    fits = [fit_anchors(sizes, count) for count in (1, 3, 6, 9)]
    assert all(a.mean_best_iou < b.mean_best_iou for a, b in itertools.pairwise(fits))
    for fitted in fits:
        assert (np.diff(fitted.sizes.prod(1)) >= 0).all()
    np.testing.assert_array_equal(fit_anchors(sizes, 9).sizes, fits[-1].sizes)


def test_levels_get_them_from_small_to_large() -> None:
    levels = fit_anchors(planted(0), 6).by_level(3)
    assert np.shape(levels) == (3, 2, 2)
    areas = [w * h for level in levels for w, h in level]
    assert areas == sorted(areas)
    assert all(round(side, 1) == side for level in levels for anchor in level for side in anchor)


def test_too_few_different_boxes() -> None:
    sizes = np.array([[10.0, 20.0], [10.0, 20.0], [10.04, 20.0], [30.0, 30.0]])
    with pytest.raises(
        ValueError, match=r"^sizes: expected at least 3 different ones to fit 3 anchors to; got 2$"
    ):
        fit_anchors(sizes, 3)
    with pytest.raises(ValueError, match=r"expected at least 1 different ones to fit 1 anchors to; got 0$"):
        fit_anchors(np.zeros((0, 2)), 1)
    with pytest.raises(ValueError, match=r"^count: expected at least 1; got 0$"):
        fit_anchors(sizes, 0)


def test_sizes_are_those_at_the_input_without_ignored_objects() -> None:
    record = Record(
        name="a",
        path=None,
        image_size=(100, 200),
        boxes=np.array([[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.1, 0.1]], np.float32),
        labels=np.zeros(2, np.int64),
        ignore=np.array([False, True]),
    )
    data = DetectionDataset(
        name="one", split="train", class_names=("thing",), records=[record], problems=[], paint=None
    )
    np.testing.assert_allclose(box_sizes(data, (64, 64), "stretch"), [[32.0, 32.0]], rtol=1e-5)
    np.testing.assert_allclose(box_sizes(data, (64, 64), "letterbox"), [[32.0, 16.0]], rtol=1e-5)
    assert box_sizes(shapes(4), (64, 64), "stretch").shape == (6, 2)
