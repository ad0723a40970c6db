"""Where predictors of several maps sit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from yolosses.codecs import Levels
from yolosses.codecs.levels import take_by_level

LEVELS = Levels(grids=((4, 8), (2, 4), (1, 2)), strides=(8, 16, 32), boxes_per_cell=2)


def loops(levels: Levels) -> list[tuple[int, int, int, int]]:
    return [
        (level, row, col, box)
        for level, (rows, cols) in enumerate(levels.grids)
        for box in range(levels.boxes_per_cell)
        for row in range(rows)
        for col in range(cols)
    ]


def test_predictors_are_numbered_level_by_level_box_by_box_row_by_row() -> None:
    everyone = torch.arange(LEVELS.num_predictors)
    place = LEVELS.places(everyone)
    assert list(zip(*(part.tolist() for part in place), strict=True)) == loops(LEVELS)
    assert LEVELS.counts == (64, 16, 4)
    assert LEVELS.starts == (0, 64, 80)


def test_the_number_of_a_place_is_the_inverse_of_the_place_of_a_number() -> None:
    for number, (level, row, col, box) in enumerate(loops(LEVELS)):
        assert int(LEVELS.predictor(level, torch.tensor(row), torch.tensor(col), box)) == number


def test_points_are_centres_of_cells_in_pixels() -> None:
    points = LEVELS.points(torch.zeros(()))
    strides = LEVELS.stride_of(torch.zeros(()))
    for number, (level, row, col, _) in enumerate(loops(LEVELS)):
        stride = LEVELS.strides[level]
        assert points[number].tolist() == [(col + 0.5) * stride, (row + 0.5) * stride]
        assert float(strides[number]) == stride
    assert LEVELS.image_size == (32, 64)
    assert LEVELS.points(torch.zeros((), dtype=torch.float16)).dtype == torch.float32


def test_a_region_holds_the_predictors_whose_centre_it_covers() -> None:
    box = torch.tensor([[[0.5, 0.5, 0.5, 0.6]]])
    points = LEVELS.points(box) / torch.tensor([64.0, 32.0])
    wanted = ((points - 0.5).abs() <= torch.tensor([0.25, 0.3])).all(-1)
    assert wanted.any()
    assert torch.equal(LEVELS.within(box, torch.ones(1, 1, dtype=torch.bool))[0], wanted)
    assert not LEVELS.within(box, torch.zeros(1, 1, dtype=torch.bool)).any()


def test_values_are_taken_from_the_level_of_each_predictor() -> None:
    maps = [torch.randn(2, count, 3) for count in LEVELS.counts]
    predictor = torch.randint(LEVELS.num_predictors, (2, 40))
    taken = take_by_level(
        LEVELS,
        predictor,
        lambda level, local, here: maps[level].gather(1, local[..., None].expand(-1, -1, 3)),
    )
    assert torch.equal(taken, torch.cat(maps, 1).take_along_dim(predictor[..., None], 1))


def test_every_level_needs_its_stride() -> None:
    with pytest.raises(ValueError, match=r"^strides: expected one for each of 2 levels; got \(8,\)$"):
        Levels(grids=((4, 4), (2, 2)), strides=(8,))


SIZES = [(100, 100), (97, 131), (640, 480), (33, 7), (64, 32.5)]


def grids_for(image_size: tuple[float, float], *, drop: bool = False) -> tuple[tuple[int, int], ...]:
    """What convolutions make of an image: padded to whole cells, or with its border dropped."""
    whole = math.floor if drop else math.ceil
    return tuple((max(1, whole(image_size[0] / s)), max(1, whole(image_size[1] / s))) for s in (8, 16, 32))


def test_maps_that_span_one_size_tell_it() -> None:
    assert LEVELS.image_size == (32, 64)
    assert LEVELS.spans == LEVELS.grids
    assert all(isinstance(side, int) for span in LEVELS.spans for side in span)
    given = Levels(grids=LEVELS.grids, strides=LEVELS.strides, boxes_per_cell=2, image_size=(32, 64))
    assert given == LEVELS
    assert replace(given, grids=((2, 4),), strides=(16,)).image_size == (32, 64)


@pytest.mark.parametrize(
    ("grids", "strides"), [(((13, 13), (7, 7), (4, 4)), (8, 16, 32)), (((4, 4), (8, 8)), (8, 16))]
)
def test_maps_that_span_several_sizes_need_the_size_of_the_image(grids: Any, strides: Any) -> None:
    with pytest.raises(
        ValueError, match=r"^image_size: expected \(height, width\) in pixels, because maps .* got None$"
    ):
        Levels(grids=grids, strides=strides)


@pytest.mark.parametrize("size", [(96, 104), (104, 96), (112, 100), (640, 640), (0, 0)])
def test_the_size_of_another_image_is_one_clear_error(size: tuple[float, float]) -> None:
    with pytest.raises(
        ValueError, match=r"^image_size: .* maps \(\(13, 13\), .*strides=\(8, 16, 32\).*; got \("
    ):
        Levels(grids=((13, 13), (7, 7), (4, 4)), strides=(8, 16, 32), image_size=size)


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_every_centre_is_in_the_cell_around_it(size: tuple[float, float], drop: bool) -> None:
    """Pixels by arithmetic: what a network sees of an object does not depend on how far its maps reach."""
    height, width = size
    levels = Levels(grids=grids_for(size, drop=drop), strides=(8, 16, 32), image_size=size)
    places = [(0.0, 0.0), (0.3, 0.77), (0.5, 0.5), (0.9999, 0.02), (1.0, 1.0)]
    boxes = torch.tensor([[x, y, 0.1, 0.2] for x, y in places], dtype=torch.float64)
    for level, ((rows, cols), stride) in enumerate(zip(levels.grids, levels.strides, strict=True)):
        cell, offset = levels.locate(boxes, level)
        for place, (x, y) in enumerate(places):
            col = min(math.floor(x * width / stride), cols - 1)
            row = min(math.floor(y * height / stride), rows - 1)
            assert int(cell[place]) == row * cols + col
            wanted = [x * width / stride - col, y * height / stride - row]
            assert offset[place].tolist() == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_those_of_the_image_not_of_the_maps(size: tuple[float, float]) -> None:
    height, width = size
    levels = Levels(grids=grids_for(size), strides=(8, 16, 32), image_size=size)
    box = torch.tensor([0.5, 0.25, 0.1, 1.0], dtype=torch.float64)
    assert levels.in_pixels(box).tolist() == pytest.approx([width / 2, height / 4, width / 10, height])
    assert levels.in_fractions(levels.in_pixels(box)).tolist() == pytest.approx(box.tolist())


@pytest.mark.parametrize("size", SIZES)
def test_an_ignored_region_spares_what_it_covers_in_pixels(size: tuple[float, float]) -> None:
    height, width = size
    levels = Levels(grids=grids_for(size), strides=(8, 16, 32), image_size=size, boxes_per_cell=2)
    noise = torch.Generator().manual_seed(1)
    boxes = torch.rand(3, 4, 4, generator=noise, dtype=torch.float64)
    boxes[:, ::2, 2:] *= 0.01
    mask = torch.rand(3, 4, generator=noise) < 0.7
    points, strides = levels.points(boxes), levels.stride_of(boxes)
    found = levels.within(boxes, mask)
    scale = torch.tensor([width, height], dtype=torch.float64)
    for image in range(3):
        wanted = torch.zeros(levels.num_predictors, dtype=torch.bool)
        for box, there in zip(boxes[image], mask[image], strict=True):
            centre, half = box[:2] * scale, box[2:] * scale / 2
            covered = ((points - centre).abs() <= half).all(-1)
            holds = ((centre - points).abs() < strides[:, None] / 2).all(-1)
            wanted |= there & (covered | holds)
        assert torch.equal(found[image], wanted)


@pytest.mark.parametrize("px", [0, 1, 7, 31, 100])
def test_a_region_of_any_size_spares_a_cell_of_every_level(px: float) -> None:
    levels = Levels(grids=((80, 80), (40, 40), (20, 20)), strides=(8, 16, 32))
    region = torch.tensor([[[200.0, 300.0, px, px]]]) / 640
    spared = levels.within(region, torch.ones(1, 1, dtype=torch.bool))[0]
    for level, part in enumerate(spared.split(list(levels.counts))):
        assert part[int(levels.locate(region, level)[0])]
    outside = torch.tensor([[[1.2, 0.5, 0.01, 0.01]]])
    assert not levels.within(outside, torch.ones(1, 1, dtype=torch.bool)).any()


def test_cells_as_the_unit() -> None:
    """YOLOv2: 400 pixels at stride 32 are 12.5 cells of a map of 13."""
    levels = Levels(grids=((13, 13),), strides=(1.0,), image_size=(12.5, 12.5))
    cell, offset = levels.locate(torch.tensor([[0.5, 0.5, 0.1, 0.1], [1.0, 1.0, 0.1, 0.1]]))
    assert cell.tolist() == [6 * 13 + 6, 12 * 13 + 12]
    assert offset.tolist() == [[0.25, 0.25], [0.5, 0.5]]
    assert levels.in_pixels(torch.ones(4)).tolist() == [12.5] * 4
