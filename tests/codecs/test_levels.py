"""Where predictors of several maps sit."""

from __future__ import annotations

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


def test_maps_of_other_images_or_in_another_order_are_one_clear_error() -> None:
    with pytest.raises(
        ValueError, match=r"^grids: expected maps of the same image, one for each of strides=\(8, 16\); got"
    ):
        Levels(grids=((4, 4), (8, 8)), strides=(8, 16))
    assert (
        Levels(grids=((5, 5), (3, 3)), strides=(8, 16)).num_predictors == 34
    )  # sides that no stride divides
