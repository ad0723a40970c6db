"""Decoding of YOLOX outputs: against scalar arithmetic, all accepted shapes, errors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from yolosses.codecs import Levels, OffsetCodec

C = 3
GRIDS, STRIDES = ((4, 6), (2, 3)), (8, 16)
CODEC = OffsetCodec(levels=Levels(grids=GRIDS, strides=STRIDES), num_classes=C)


def maps(batch: int = 2) -> list[Tensor]:
    noise = torch.Generator().manual_seed(0)
    return [torch.randn(batch, 5 + C, *grid, generator=noise) for grid in GRIDS]


def joined(raw: list[Tensor]) -> Tensor:
    return torch.cat([level.flatten(2).mT for level in raw], 1)


def test_boxes_by_scalar_arithmetic() -> None:
    """No half a cell is added: dx = dy = 0.5 is the middle of the cell."""
    raw = maps()
    boxes, number = CODEC.boxes(raw), 0
    for level, (rows, cols) in enumerate(GRIDS):
        for row in range(rows):
            for col in range(cols):
                dx, dy, dw, dh = raw[level][1, :4, row, col].tolist()
                n = STRIDES[level]
                wanted = [(col + dx) * n, (row + dy) * n, math.exp(dw) * n, math.exp(dh) * n]
                assert boxes[1, number].tolist() == pytest.approx(wanted, rel=1e-5, abs=1e-5)
                number += 1
    assert number == CODEC.levels.num_predictors
    middle = CODEC.decode(torch.tensor([0.5, 0.5, 0.0, 0.0]), torch.arange(number))
    assert torch.equal(middle[:, :2], CODEC.levels.points(middle))
    assert torch.equal(middle[:, 2], CODEC.levels.stride_of(middle))


def test_encoding_is_the_inverse_of_decoding() -> None:
    raw = [level.double() for level in maps()]
    everyone = torch.arange(CODEC.levels.num_predictors)
    values = joined(raw)[..., :4]
    assert torch.allclose(CODEC.encode(CODEC.boxes(raw), everyone), values, rtol=1e-12, atol=1e-12)


def test_numbers_at_predictors_are_those_of_the_map() -> None:
    raw = maps()
    predictor = torch.randint(
        CODEC.levels.num_predictors, (2, 30), generator=torch.Generator().manual_seed(1)
    )
    values, place = CODEC.at(raw, predictor), CODEC.places(predictor)
    for image in range(2):
        for pair in range(30):
            level, row, col, _ = (int(part[image, pair]) for part in place)
            assert torch.equal(values[image, pair], raw[level][image, :, row, col])
    assert torch.equal(
        CODEC.decode(values, predictor), CODEC.boxes(raw).take_along_dim(predictor[..., None], 1)
    )
    assert torch.equal(CODEC.objectness(raw).gather(1, predictor), values[..., 4])
    assert torch.equal(CODEC.classes(raw).take_along_dim(predictor[..., None], 1), values[..., 5:])


def test_maps_and_one_tensor_are_read_alike() -> None:
    raw = maps()
    wanted = CODEC.predictions(raw)
    for other in (tuple(raw), joined(raw), [joined(raw)]):
        found = CODEC.predictions(other)
        assert torch.equal(found.boxes, wanted.boxes)
        assert torch.equal(found.scores, wanted.scores)
    single = OffsetCodec(levels=Levels(grids=GRIDS[:1], strides=STRIDES[:1]), num_classes=C)
    assert torch.equal(single.boxes(raw[0]), CODEC.boxes(raw)[:, :24])


def test_scores_are_objectness_times_class_and_boxes_fractions_of_the_image() -> None:
    raw = maps()
    found = CODEC.predictions(raw)
    assert torch.equal(
        found.scores, CODEC.objectness(raw).sigmoid()[..., None] * CODEC.classes(raw).sigmoid()
    )
    assert torch.equal(CODEC.confidence(raw), CODEC.objectness(raw).sigmoid())
    assert torch.allclose(CODEC.in_pixels(found.boxes), CODEC.boxes(raw), rtol=1e-5, atol=1e-5)
    cell, offset = CODEC.locate(found.boxes[:, :1])
    assert cell.shape == (2, 1)
    assert offset.shape == (2, 1, 2)


def test_any_size_is_finite() -> None:
    for scale in (1e4, -1e4):
        raw = [level * scale for level in maps()]
        assert CODEC.boxes(raw).isfinite().all()
    nothing = torch.tensor([8.0, 8.0, 0.0, -1.0])
    assert CODEC.encode(nothing, torch.tensor(0)).isfinite().all()


def test_half_precision_is_decoded_in_float32() -> None:
    half = [level.half() for level in maps()]
    assert CODEC.boxes(half).dtype == torch.float32
    assert torch.equal(CODEC.boxes(half), CODEC.boxes([level.float() for level in half]))


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        ([], ValueError, r"^raw: expected one map a level; got none$"),
        (None, TypeError, r"^raw: expected tensors; got NoneType$"),
        ([None], TypeError, r"^raw\[0\]: expected a tensor; got NoneType$"),
        (torch.zeros(1, 8, 4, 6).long(), TypeError, r"^raw: expected a floating dtype; got torch.int64$"),
        ([torch.zeros(1, 9, 4, 6)], ValueError, r"^raw\[0\]: expected maps \(B, 8, .*; got \(1, 9, 4, 6\)$"),
        ([torch.zeros(1, 30, 8)] * 2, ValueError, r"^raw\[0\]: expected maps .* or one tensor \(B, A, 8\), for num"),
        (torch.zeros(1, 31, 8), ValueError, r"^raw: expected 30 locations for grids .*; got 31 in 1 parts$"),
        ([torch.zeros(1, 8, 4, 6)], ValueError, r"^raw: expected 30 locations for .*; got 24 in 1 parts$"),
    ],
)  # fmt: skip
def test_other_outputs_are_one_clear_error(raw: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CODEC.split(raw)
