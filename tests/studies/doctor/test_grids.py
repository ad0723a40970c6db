"""Objects and cells, against a count by hand and the formula written out."""

import math

import numpy as np
import pytest
from tests.training.shapes import shapes

from yolosses.studies.doctor.grids import fit_grid
from yolosses.training.data import Record


def record(
    boxes: list[tuple[float, float, float, float]], labels: list[int], ignore: list[bool] | None = None
) -> Record:
    return Record(
        name="a",
        path=None,
        image_size=(100, 100),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        ignore=np.array(ignore or [False] * len(labels)),
    )


THREE_IN_A_CELL = record(
    [(0.1, 0.1, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2), (0.24, 0.1, 0.6, 0.2), (0.9, 0.9, 0.2, 0.2)], [1, 0, 0, 1]
)
EMPTY = record([], [])


def test_only_the_first_of_a_cell_is_kept() -> None:
    fit = fit_grid([THREE_IN_A_CELL, EMPTY], 2, boxes_per_cell=3, num_classes=2)
    assert (fit.objects, fit.lost, fit.lost_share, fit.pictures_with_loss) == (4, 2, 0.5, 1)
    assert fit.lost_by_class == (2, 0)
    assert fit.most_in_a_cell == 3
    assert fit.occupancy.tolist() == [[3, 0], [0, 1]]
    assert (fit.boxes, fit.positive, fit.background) == (2 * 2 * 2 * 3, 2, 22)
    assert fit.positive_share == 2 / 24
    assert fit.background_per_positive == 11
    assert fit.balancing_noobj == pytest.approx(1 / 11)
    assert fit.below_a_cell == 3  # the third is wider than half the picture
    finer = fit_grid([THREE_IN_A_CELL, EMPTY], 20, boxes_per_cell=3, num_classes=2)
    assert (finer.lost, finer.most_in_a_cell, finer.below_a_cell) == (0, 1, 0)


def test_ignored_regions_ask_for_no_box_and_spare_those_on_them() -> None:
    crowd = record([(0.25, 0.25, 0.5, 0.5), (0.75, 0.75, 0.1, 0.1)], [0, 0], [True, False])
    fit = fit_grid([crowd], 2, boxes_per_cell=2, num_classes=1)
    assert (fit.objects, fit.lost, fit.positive, fit.background) == (1, 0, 1, 8 - 1 - 2)


def test_data_without_objects() -> None:
    fit = fit_grid([EMPTY], 7, boxes_per_cell=2, num_classes=3)
    assert (fit.objects, fit.lost_share, fit.positive, fit.zero_total) == (0, 0.0, 0, 0.0)
    assert fit.background_per_positive is None
    assert fit.balancing_noobj == 0


@pytest.mark.parametrize("grid", [3, 7])
def test_the_loss_of_zeros_is_that_of_the_formula(grid: int) -> None:
    records = shapes(80).records  # more than are done at once
    xy = wh = cls = kept = 0.0
    for one in records:
        taken = set()
        for cx, cy, w, h in one.boxes.tolist():
            cell = (int(cx * grid), int(cy * grid))
            if cell in taken:
                continue
            taken.add(cell)
            kept += 1
            xy += (cx * grid - cell[0]) ** 2 + (cy * grid - cell[1]) ** 2
            wh += math.sqrt(w) ** 2 + math.sqrt(h) ** 2
            cls += 1.0
    fit = fit_grid(records, grid, boxes_per_cell=2, num_classes=2)
    assert fit.positive == kept
    assert list(fit.zero_loss) == ["xy", "wh", "obj", "noobj", "cls"]
    for name, value, scale in (
        ("xy", xy, 5),
        ("wh", wh, 5),
        ("obj", 0, 1),
        ("noobj", 0, 0.5),
        ("cls", cls, 1),
    ):
        raw, weighted = fit.zero_loss[name]
        assert raw == pytest.approx(value / len(records), rel=1e-5)
        assert weighted == pytest.approx(scale * value / len(records), rel=1e-5)
    assert fit.zero_total == pytest.approx((5 * xy + 5 * wh + cls) / len(records), rel=1e-5)
    assert fit.scales == {"xy": 5.0, "wh": 5.0, "obj": 1.0, "noobj": 0.5, "cls": 1.0}
