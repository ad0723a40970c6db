"""YOLOv5's pairs: which cells and anchors answer, by places that can be looked at, and in which order."""

from __future__ import annotations

import pytest
import torch

from yolosses.assigners.anchor_ratio import match_anchors
from yolosses.codecs import Levels

ROWS, COLS, STRIDE = 4, 6, 8
FITTING = (((8.0, 8.0),),)

Place = tuple[int, int, int]


def matched(
    *boxes: tuple[float, float, float, float],
    anchors: tuple[tuple[tuple[float, float], ...], ...] = FITTING,
    mask: list[bool] | None = None,
    threshold: float = 4.0,
) -> list[tuple[int, Place, int]]:
    """(level, (box, row, col), object) of one image in order. ``boxes``: in cells of the first level; each level has
    cells twice as large as the one before."""
    grids = tuple((ROWS >> level, COLS >> level) for level in range(len(anchors)))
    strides = tuple(STRIDE << level for level in range(len(anchors)))
    levels = Levels(grids=grids, strides=strides, boxes_per_cell=len(anchors[0]))
    pairs = match_anchors(
        torch.tensor([boxes], dtype=torch.float64) / torch.tensor([COLS, ROWS] * 2),
        torch.tensor([[True] * len(boxes) if mask is None else mask]),
        levels=levels,
        anchors=torch.tensor(anchors),
        threshold=threshold,
    )
    assert pairs.mask.shape == (1, len(anchors) * 5 * len(anchors[0]) * len(boxes))
    place = levels.places(pairs.predictor[0])
    rows = zip(
        *(x.tolist() for x in (place.level, place.box, place.row, place.col, pairs.object[0])), strict=True
    )
    return [
        (level, (box, row, col), object)
        for (level, box, row, col, object), there in zip(rows, pairs.mask[0].tolist(), strict=True)
        if there
    ]


def cells(x: float, y: float) -> list[tuple[int, int]]:
    """(row, col) of the cells that answer for a box of one cell's size, in order."""
    return [(row, col) for _, (_, row, col), _ in matched((x, y, 1.0, 1.0))]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        pytest.param(2.25, 1.25, [(1, 2), (1, 1), (0, 2)], id="left upper quarter"),
        pytest.param(2.75, 1.25, [(1, 2), (0, 2), (1, 3)], id="right upper quarter"),
        pytest.param(2.25, 1.75, [(1, 2), (1, 1), (2, 2)], id="left lower quarter"),
        pytest.param(2.75, 1.75, [(1, 2), (1, 3), (2, 2)], id="right lower quarter"),
        pytest.param(2.5, 1.5, [(1, 2)], id="the very middle"),
        pytest.param(2.5, 1.25, [(1, 2), (0, 2)], id="the middle across"),
        pytest.param(2.0, 1.5, [(1, 2), (1, 1), (1, 2)], id="on a border: its own cell stands in for the right one"),
        pytest.param(0.25, 1.5, [(1, 0)], id="first column"),
        pytest.param(5.75, 1.5, [(1, 5)], id="last column"),
        pytest.param(2.5, 0.25, [(0, 2)], id="first row"),
        pytest.param(2.5, 3.75, [(3, 2)], id="last row"),
        pytest.param(1.0, 1.5, [(1, 1), (1, 1)], id="one cell from the edge: more than one is needed"),
        pytest.param(6.0, 4.0, [(3, 5), (3, 5), (3, 5)], id="last corner: brought into the map"),
        pytest.param(0.0, 0.0, [(0, 0), (0, 0), (0, 0)], id="first corner"),
    ],
)  # fmt: skip
def test_the_cell_of_the_centre_and_the_nearer_ones_beside_it(
    x: float, y: float, expected: list[tuple[int, int]]
) -> None:
    assert cells(x, y) == expected


@pytest.mark.parametrize(
    ("w", "h", "fits"),
    [
        (1.0, 1.0, True),
        (3.99, 3.99, True),
        (4.0, 1.0, False),
        (1.0, 4.0, False),
        (0.26, 0.26, True),
        (0.25, 1.0, False),
        (1.0, 0.25, False),
        (3.9, 0.26, True),
        (0.0, 0.0, False),
        (0.0, 1.0, False),
    ],
)
def test_an_anchor_fits_within_the_threshold_on_both_sides(w: float, h: float, fits: bool) -> None:
    assert bool(matched((2.5, 1.5, w, h))) is fits
    assert bool(matched((2.5, 1.5, 0.5 * w, 0.5 * h), threshold=8.0)) is (max(w, h) > 0 and min(w, h) > 0.25)


def test_every_fitting_anchor_of_every_level_answers() -> None:
    anchors = (((8.0, 8.0), (40.0, 8.0)), ((32.0, 8.0), (16.0, 16.0)))
    found = matched((2.5, 1.5, 1.0, 1.0), anchors=anchors)
    # On the second level the centre is (1.25, 0.75): left half, and no row above or below.
    assert found == [(0, (0, 1, 2), 0), (1, (1, 0, 1), 0), (1, (1, 0, 0), 0), (1, (1, 1, 1), 0)]


def test_pairs_are_listed_by_cell_then_anchor_then_object() -> None:
    box = (2.25, 1.25, 1.0, 1.0)
    found = matched(box, box, anchors=(((8.0, 8.0), (10.0, 10.0)),))
    own, left, up = (1, 2), (1, 1), (0, 2)
    assert found == [
        (0, (anchor, *cell), object) for cell in (own, left, up) for anchor in (0, 1) for object in (0, 1)
    ]


def test_objects_that_do_not_count_are_in_no_pair() -> None:
    boxes = [(2.25, 1.25, 1.0, 1.0), (0.5, 0.5, 1.0, 1.0), (4.25, 2.25, 1.0, 1.0)]
    found = matched(*boxes, mask=[True, False, True])
    assert {object for _, _, object in found} == {0, 2}
    assert len(found) == 6
    assert matched(*boxes, mask=[False] * 3) == []
