"""PointCodec: distances to the four sides and back, every form of raw output, two heads, errors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from yolosses.codecs import Levels, PointCodec
from yolosses.codecs.point import PointOutput, TwoHeadedPointCodec, grids_of_points, tensors_of

C, BINS = 3, 4
GRIDS, STRIDES = ((4, 6), (2, 3)), (8, 16)
LEVELS = Levels(grids=GRIDS, strides=STRIDES)
HEIGHT, WIDTH = 32, 48


def codec(bins: int = BINS) -> PointCodec:
    return PointCodec(levels=LEVELS, num_classes=C, bins=bins)


def maps(bins: int = BINS, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    noise = torch.Generator().manual_seed(bins)
    shapes = [(2, 4 * bins + C, *grid) for grid in GRIDS]
    return [torch.randn(shape, generator=noise, dtype=torch.float64).to(dtype) for shape in shapes]


def flat(raw: list[Tensor], bins: int = BINS) -> tuple[Tensor, Tensor]:
    joined = torch.cat([level.flatten(2) for level in raw], 2)
    return joined[:, : 4 * bins], joined[:, 4 * bins :]


def test_distances_reach_from_the_point_to_the_sides() -> None:
    sides = torch.tensor([[0.5, 1.0, 2.0, 3.0]], dtype=torch.float64)  # strides: left, top, right, bottom
    box = codec().decode(sides, torch.tensor([[12.0, 20.0]]).double(), torch.tensor([8.0]).double())
    # From 12 - 4 to 12 + 16, from 20 - 8 to 20 + 24.
    assert box.tolist() == [[18.0, 28.0, 20.0, 32.0]]


def test_encode_is_the_inverse_of_decode() -> None:
    noise = torch.Generator().manual_seed(0)
    points, strides = LEVELS.points(torch.zeros(())).double(), LEVELS.stride_of(torch.zeros(())).double()
    sides = 5 * torch.randn(7, len(points), 4, generator=noise, dtype=torch.float64)  # some of them negative
    boxes = codec().decode(sides, points, strides)
    torch.testing.assert_close(codec().encode(boxes, points, strides), sides, rtol=1e-12, atol=1e-12)


def test_a_location_is_found_again_where_it_sits() -> None:
    """Distances of half a stride are the cell itself."""
    raw = [torch.zeros(1, 4 + C, *grid) for grid in GRIDS]
    for level in raw:
        level[:, :4] = 0.5
    boxes = codec(1).predictions(raw).boxes[0]
    place = codec(1).places(torch.arange(len(boxes)))
    rows, cols = torch.tensor(GRIDS)[place.level].unbind(-1)
    torch.testing.assert_close(boxes[:, 0], (place.col + 0.5) / cols)
    torch.testing.assert_close(boxes[:, 1], (place.row + 0.5) / rows)
    torch.testing.assert_close(boxes[:, 2:], torch.stack((1 / cols, 1 / rows), -1))
    cell, offset = codec(1).locate(boxes[None, :24])
    assert torch.equal(cell[0], torch.arange(24))
    torch.testing.assert_close(offset, torch.full_like(offset, 0.5))


@pytest.mark.parametrize("bins", [1, 2, BINS, 16])
def test_bins_are_read_side_by_side(bins: int) -> None:
    """All logits equal: the mean of the bins. One much larger: that bin."""
    raw = [torch.zeros(1, 4 * bins + C, *grid) for grid in GRIDS]
    mean = codec(bins).at(codec(bins).split(raw), torch.arange(30)[None])
    assert torch.equal(codec(bins).sides(mean), torch.full((1, 30, 4), (bins - 1) / 2))
    if bins > 1:
        wanted = [0, 1, bins - 1, bins // 2]
        for side, k in enumerate(wanted):
            raw[1][:, side * bins + k] = 100.0
        sure = codec(bins).at(codec(bins).split(raw), torch.arange(24, 30)[None])
        found = codec(bins).sides(sure)
        torch.testing.assert_close(found, torch.tensor(wanted).expand_as(found).float())


@pytest.mark.parametrize("bins", [1, BINS])
def test_all_forms_are_read_alike(bins: int) -> None:
    raw = maps(bins)
    boxes, scores = flat(raw, bins)
    wanted = codec(bins).predictions(raw)
    assert wanted.boxes.shape == (2, 30, 4)
    assert wanted.scores.shape == (2, 30, C)
    for form in (tuple(raw), (boxes, scores), {"boxes": boxes, "scores": scores, "feats": raw}):
        found = codec(bins).predictions(form)
        assert torch.equal(found.boxes, wanted.boxes)
        assert torch.equal(found.scores, wanted.scores)
        assert torch.equal(codec(bins).confidence(form), wanted.scores.amax(-1))
    single = PointCodec(levels=Levels(grids=GRIDS[:1], strides=STRIDES[:1]), num_classes=C, bins=bins)
    assert torch.equal(
        single.predictions(raw[0]).boxes[:, :, 2:] * 48, single.predictions(raw[:1]).boxes[:, :, 2:] * 48
    )


def test_predictors_are_gathered_from_where_they_are_read() -> None:
    raw = maps()
    output = codec().split(raw)
    predictor = torch.tensor([[0, 29, 24, 5, 5], [23, 1, 28, 24, 0]])
    sides = codec().sides(codec().at(output, predictor))
    points, strides = LEVELS.points(sides)[predictor], LEVELS.stride_of(sides)[predictor]
    everything = codec().boxes(raw).take_along_dim(predictor[..., None], 1)
    # The bins of maps are summed in another order.
    torch.testing.assert_close(codec().decode(sides, points, strides), everything, rtol=1e-14, atol=1e-13)
    fractions = codec().predictions(raw).boxes.take_along_dim(predictor[..., None], 1)
    torch.testing.assert_close(fractions * torch.tensor([WIDTH, HEIGHT] * 2), everything, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_half_precision_is_read_in_float32(dtype: torch.dtype) -> None:
    raw = maps(dtype=dtype)
    found = codec().predictions(raw)
    assert found.boxes.dtype == found.scores.dtype == torch.promote_types(dtype, torch.float32)
    assert torch.equal(found.boxes, codec().predictions([level.to(found.boxes.dtype) for level in raw]).boxes)


def test_grids_are_told_by_maps_features_or_the_size_of_the_image() -> None:
    raw = maps()
    boxes, scores = flat(raw)
    features = [torch.zeros(2, 64, *grid) for grid in GRIDS]
    named: dict[str, Any] = {"boxes": boxes, "scores": scores}
    for form in (raw, {**named, "feats": features}):
        assert grids_of_points(form, STRIDES, None) == GRIDS
    for form in ((boxes, scores), named):
        assert grids_of_points(form, STRIDES, (HEIGHT, WIDTH)) == GRIDS
    assert grids_of_points(named, STRIDES, (HEIGHT - 7, WIDTH - 7)) == GRIDS  # a network pads to whole cells
    assert grids_of_points(raw, STRIDES, (640, 640)) == GRIDS  # what is seen counts


def test_two_heads_follow_one_another() -> None:
    one, many = maps(), [level.flip(0) for level in maps()]
    both = TwoHeadedPointCodec(levels=Levels(grids=GRIDS * 2, strides=STRIDES * 2), num_classes=C, bins=BINS)
    found = both.predictions({"one2many": flat(many), "one2one": one})
    for part, head in zip(found.boxes.split(30, 1), (one, many), strict=True):
        torch.testing.assert_close(part, codec().predictions(head).boxes, rtol=1e-14, atol=0)
    assert torch.equal(found.scores[:, :30], codec().predictions(one).scores)
    place = both.places(torch.tensor([0, 29, 30, 59]))
    assert place.level.tolist() == [0, 1, 2, 3]
    assert place.row.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("bins", [1, 4, 16])
def test_what_the_bins_cannot_say_is_unreachable(bins: int) -> None:
    """At the point (20, 12) of the first level, of stride 8, R bins say at most 8 (R - 1) pixels."""
    mine = PointCodec(levels=codec().levels, num_classes=C, bins=bins)
    predictor, most = torch.tensor([[8] * 6]), 8.0 * (bins - 1)
    assert mine.levels.points(torch.zeros(()))[8].tolist() == [20.0, 12.0]
    sides = [
        (1, 1, 1, 1), (most, 1, 1, most), (most + 0.1, 1, 1, 1), (1, 1, 1, most + 0.1), (-0.1, 1, 9, 1),
        (1, most * 2, 1, 1),
    ]  # fmt: skip
    boxes = torch.tensor(
        [[[20 + (r - left) / 2, 12 + (b - t) / 2, left + r, t + b] for left, t, r, b in sides]],
        dtype=torch.float64,
    )
    everyone = torch.ones(1, 6, dtype=torch.bool)
    beyond = [False, False, True, True, True, True] if bins > 1 else [False] * 6
    assert mine.unreachable(boxes, predictor, everyone)[0].tolist() == beyond
    assert not mine.unreachable(boxes, predictor, ~everyone).any()


def test_what_is_reachable_is_what_decoding_can_say() -> None:
    """Bins that are all at their ends say the farthest box that is not unreachable."""
    raw = [torch.full_like(level, -50.0) for level in maps()]
    for level in raw:
        level[:, BINS - 1 : 4 * BINS : BINS] = 50.0
    boxes = codec().boxes(raw)
    predictor = torch.arange(boxes.shape[1]).expand(2, -1)
    everyone = torch.ones_like(predictor, dtype=torch.bool)
    assert not codec().unreachable(boxes * torch.tensor([1, 1, 0.999, 0.999]), predictor, everyone).any()
    assert codec().unreachable(boxes * torch.tensor([1, 1, 1.001, 1]), predictor, everyone).all()


GOOD = flat(maps())


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        (7, TypeError, r"^raw: expected tensors; got int$"),
        ([maps()[0], None], TypeError, r"^raw\[1\]: expected a tensor; got NoneType$"),
        ([maps()[0].long()], TypeError, r"^raw\[0\]: expected a floating dtype; got torch\.int64$"),
        ({"boxes": GOOD[0]}, ValueError, r"^raw: expected the entries boxes and scores; got \['boxes'\]$"),
        ({"one2one": GOOD}, ValueError, r"^raw: expected the entries boxes and scores; got \['one2one'\]$"),
        ([], ValueError, r"^raw: expected maps \(B, 19, rows, cols\), or boxes \(B, 16, A\) and .*; got \[\]$"),
        (torch.zeros(()), ValueError, r"^raw: expected maps .*; got \[\(\)\]$"),
        ([torch.zeros(())] * 2, ValueError, r"^raw: expected maps .*; got \[\(\), \(\)\]$"),
        (torch.zeros(2, 20, 4, 6), ValueError, r"^raw: .* for num_classes=3 and bins=4; got \[\(2, 20, 4, 6\)\]$"),
        (GOOD[::-1], ValueError, r"^raw: expected maps .*; got \[\(2, 3, 30\), \(2, 16, 30\)\]$"),
        ((GOOD[0], GOOD[1][:1]), ValueError, r"^raw: expected maps .*; got \[\(2, 16, 30\), \(1, 3, 30\)\]$"),
        ((GOOD[0], GOOD[1][..., 1:]), ValueError, r"^raw: expected maps .*; got \[\(2, 16, 30\), \(2, 3, 29\)\]$"),
        ([maps()[0], maps()[1][:1]], ValueError, r"^raw: expected maps .*; got \[\(2, .*, \(1, 19, 2, 3\)\]$"),
    ],
)  # fmt: skip
def test_other_outputs_are_one_clear_error(raw: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tensors_of(raw, num_classes=C, bins=BINS)
    with pytest.raises(error, match=message):
        codec().split(raw)


def test_other_grids_are_one_clear_error() -> None:
    with pytest.raises(ValueError, match=r"^raw: expected 30 locations for grids .*; got 24$"):
        codec().split(maps()[:1])
    with pytest.raises(
        ValueError, match=r"^raw: expected 3 maps, one for each of strides=\(8, 16, 32\); got 2$"
    ):
        grids_of_points(maps(), (8, 16, 32), None)
    with pytest.raises(
        ValueError, match=r"^image_size: expected \(height, width\) in pixels where .*; got None$"
    ):
        grids_of_points(GOOD, STRIDES, None)


def test_parts_are_named() -> None:
    raw = maps()
    output = codec().split(raw)
    assert isinstance(output, PointOutput)
    for level, distances, scores in zip(raw, output.distances, output.scores, strict=True):
        assert torch.equal(torch.cat((distances, scores), 1), level.flatten(2))
        assert distances.data_ptr() == level.data_ptr()  # a view, no copy
    assert output.joined_scores().shape == (2, C, 30)
