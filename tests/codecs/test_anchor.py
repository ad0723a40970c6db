"""Decoding of anchor outputs: against scalar arithmetic, all accepted shapes, errors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from yolosses.codecs import AnchorCodec, Levels
from yolosses.codecs.anchor import grids_of, maps_of

C, K = 3, 2
GRIDS, STRIDES = ((4, 6), (2, 3)), (8, 16)
ANCHORS = torch.tensor([[[10.0, 13.0], [16.0, 30.0]], [[33.0, 23.0], [30.0, 61.0]]])


def codec(**options: Any) -> AnchorCodec:
    levels = Levels(grids=GRIDS, strides=STRIDES, boxes_per_cell=K)
    return AnchorCodec(
        **{"levels": levels, "anchors": ANCHORS, "num_classes": C, "scale_xy": (1.0, 1.2)} | options
    )


def maps(batch: int = 2) -> list[Tensor]:
    noise = torch.Generator().manual_seed(0)
    return [torch.randn(batch, K * (5 + C), *grid, generator=noise) for grid in GRIDS]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize("size_decoding", ["exp", "squared_sigmoid"])
@pytest.mark.parametrize("activated", [False, True])
def test_boxes_by_scalar_arithmetic(size_decoding: str, activated: bool) -> None:
    raw = maps()
    mine = codec(size_decoding=size_decoding, activated=activated)
    boxes, number = mine.boxes(raw), 0
    read = float if activated else sigmoid
    for level, (rows, cols) in enumerate(GRIDS):
        scale = mine.scale_xy[level]
        for box in range(K):
            for row in range(rows):
                for col in range(cols):
                    start = box * (5 + C)
                    tx, ty, tw, th = raw[level][1, start : start + 4, row, col].tolist()
                    aw, ah = ANCHORS[level, box].tolist()
                    size = [math.exp(t) if size_decoding == "exp" else (2 * read(t)) ** 2 for t in (tw, th)]
                    wanted = [
                        (col + scale * read(tx) - (scale - 1) / 2) * STRIDES[level],
                        (row + scale * read(ty) - (scale - 1) / 2) * STRIDES[level],
                        size[0] * aw,
                        size[1] * ah,
                    ]
                    assert boxes[1, number].tolist() == pytest.approx(wanted, rel=1e-5, abs=1e-5)
                    number += 1
    assert number == mine.levels.num_predictors


def test_all_accepted_shapes_are_read_alike() -> None:
    flat = maps()
    apart = [level.unflatten(1, (K, 5 + C)) for level in flat]
    last = [level.permute(0, 1, 3, 4, 2) for level in apart]
    wanted = codec().predictions(flat)
    for other in (apart, last, tuple(flat)):
        found = codec().predictions(other)
        assert torch.equal(found.boxes, wanted.boxes)
        assert torch.equal(found.scores, wanted.scores)
    assert grids_of(maps_of(flat, boxes_per_cell=K, num_classes=C)) == GRIDS


def test_numbers_at_predictors_are_those_of_the_map() -> None:
    raw, mine = maps(), codec()
    predictor = torch.randint(mine.levels.num_predictors, (2, 30), generator=torch.Generator().manual_seed(1))
    place, values = mine.places(predictor), mine.at(raw, predictor)
    for image in range(2):
        for pair in range(30):
            level, row, col, box = (int(part[image, pair]) for part in place)
            start = box * (5 + C)
            assert torch.equal(values[image, pair], raw[level][image, start : start + 5 + C, row, col])
    assert torch.allclose(
        mine.decode(values, predictor), mine.boxes(raw).take_along_dim(predictor[..., None], 1)
    )
    assert torch.equal(mine.objectness(raw).gather(1, predictor), values[..., 4])


def test_scores_are_objectness_times_class_and_boxes_fractions_of_the_image() -> None:
    raw = maps()
    for activation in ("sigmoid", "softmax"):
        mine = codec(class_activation=activation)
        found, classes = mine.predictions(raw), mine.classes(raw)
        probability = classes.sigmoid() if activation == "sigmoid" else classes.softmax(-1)
        assert torch.equal(found.scores, mine.objectness(raw).sigmoid()[..., None] * probability)
        assert torch.allclose(found.boxes * torch.tensor([48.0, 32, 48, 32]), mine.boxes(raw))
        assert torch.allclose(mine.in_pixels(mine.in_fractions(mine.boxes(raw))), mine.boxes(raw))


def test_any_size_is_finite() -> None:
    raw = [level * 1e4 for level in maps()]
    assert codec().boxes(raw).isfinite().all()


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        ([], ValueError, r"^raw: expected one map a level; got none$"),
        ([torch.zeros(1, 15, 4, 6)], ValueError, r"^raw\[0\]: expected \(B, 16, rows, cols\), .*; got \(1, 15,"),
        (torch.zeros(1, 16, 4, 6).long(), TypeError, r"^raw: expected a floating dtype; got torch.int64$"),
        ([None], TypeError, r"^raw\[0\]: expected a tensor; got NoneType$"),
    ],
)  # fmt: skip
def test_other_outputs_are_one_clear_error(raw: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        codec().split(raw)


def test_anchors_of_another_number_are_one_clear_error() -> None:
    with pytest.raises(
        ValueError, match=r"^anchors: expected \(2, 2, 2\), w and h of each level and box; got \(2, 3, 2\)"
    ):
        codec(anchors=torch.ones(2, 3, 2))
    with pytest.raises(ValueError, match=r"^scale_xy: expected one for each of 2 levels; got \(1.0,\)"):
        codec(scale_xy=(1.0,))
