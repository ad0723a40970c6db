"""A network that is right to the pixel has pairs of IoU 1 and a box loss of 0, whatever the size of its image."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from yolosses.assigners import SimOTA, TaskAligned
from yolosses.assigners.anchor_ratio import match_anchors
from yolosses.boxes import paired_ciou, paired_iou
from yolosses.codecs import AnchorCodec, Levels, OffsetCodec, PointCodec

STRIDES = (8, 16, 32)
# (height, width), and whether maps of whole cells tell it.
SIZES = [((100, 100), False), ((97, 131), False), ((640, 480), True), ((640, 480), False), ((64, 96), True)]
PIXELS = torch.tensor([[60.0, 40, 36, 32], [20, 50, 30, 20], [20, 20, 10, 12], [90, 60, 8, 40]]).double()


def objects(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(1, M, 4) cxcywh in pixels, all within the image, and in fractions of it."""
    height, width = size
    scale = torch.tensor([width, height, width, height], dtype=torch.float64)
    pixels = PIXELS * scale.min() / 100
    return pixels[None], (pixels / scale)[None]


def levels_for(size: tuple[int, int], told_by_maps: bool, boxes_per_cell: int = 1) -> Levels:
    grids = tuple((math.ceil(size[0] / s), math.ceil(size[1] / s)) for s in STRIDES)
    return Levels(
        grids=grids,
        strides=STRIDES,
        boxes_per_cell=boxes_per_cell,
        image_size=None if told_by_maps else size,
    )


def exact(levels: Levels, pixels: Tensor) -> Tensor:
    """(1, A, 4) every predictor with the object whose centre is nearest to it."""
    apart = (levels.points(pixels)[:, None] - pixels[0, :, :2]).square().sum(-1)
    return pixels[:, apart.argmin(1)]


@pytest.mark.parametrize(("size", "told"), SIZES)
@pytest.mark.parametrize("assigner", [TaskAligned(least_side=16.0), SimOTA()], ids=["TaskAligned", "SimOTA"])
def test_point_assigners(size: tuple[int, int], told: bool, assigner: Any) -> None:
    """With distances that are counted from the pixel, not from a fraction of what the maps span."""
    levels, (pixels, fractions) = levels_for(size, told), objects(size)
    codec = PointCodec(levels=levels, num_classes=2, bins=1)
    points, strides = levels.points(pixels), levels.stride_of(pixels)
    boxes = exact(levels, pixels)
    low, high = boxes[0, :, :2] - boxes[0, :, 2:] / 2, boxes[0, :, :2] + boxes[0, :, 2:] / 2
    raw = torch.cat((points - low, high - points), 1).T[None] / strides
    scores = torch.zeros(1, 2, levels.num_predictors, dtype=torch.float64)
    emitted = {"boxes": raw, "scores": scores}
    truth = levels.in_pixels(fractions)
    torch.testing.assert_close(truth, pixels)
    found = assigner(
        levels=levels, pred_boxes=codec.boxes(emitted), pred_scores=codec.class_scores(emitted),
        gt_boxes=truth, gt_labels=torch.zeros(1, 4, dtype=torch.int64), mask=torch.ones(1, 4, dtype=torch.bool),
    )  # fmt: skip
    assert int(found.num_dropped) == 0
    assert found.mask.sum() >= 4
    assert found.iou[found.mask].tolist() == pytest.approx([1.0] * int(found.mask.sum()), abs=1e-9)
    mine = found.predictor[0][found.mask[0]]
    torch.testing.assert_close(
        codec.encode(truth[0, found.object[0][found.mask[0]]], points[mine], strides[mine]),
        raw[0].T[mine],
        rtol=0,
        atol=1e-9,
    )
    boxes = codec.predictions({"boxes": raw, "scores": scores}).boxes[0, mine]
    torch.testing.assert_close(boxes, fractions[0, found.object[0][found.mask[0]]], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("size", "told"), SIZES)
@pytest.mark.parametrize("size_decoding", ["exp", "squared_sigmoid"])
def test_anchors(size: tuple[int, int], told: bool, size_decoding: str) -> None:
    """In every cell that an anchor is matched in, numbers worked out from pixels say the object."""
    levels, (pixels, fractions) = levels_for(size, told, boxes_per_cell=2), objects(size)
    anchors = torch.tensor([[[16.0, 16], [33, 30]]]).double().repeat(3, 1, 1) * min(size) / 100
    codec = AnchorCodec(
        levels=levels, anchors=anchors, num_classes=1, scale_xy=(2.0,) * 3, size_decoding=size_decoding
    )
    found = match_anchors(
        fractions, torch.ones(1, 4, dtype=torch.bool), levels=levels, anchors=anchors, threshold=4.0
    )
    predictor, object = found.predictor[found.mask], found.object[found.mask]
    assert set(object.tolist()) == {0, 1, 2, 3}
    place, truth = levels.places(predictor), pixels[0, object]
    stride = torch.tensor(STRIDES).double()[place.level]
    offset = truth[:, :2] / stride[:, None] - torch.stack((place.col, place.row), -1)
    assert ((offset >= -0.5 - 1e-9) & (offset <= 1.5 + 1e-9)).all()  # what YOLOv5 can say
    ratio = truth[:, 2:] / anchors[0][place.box]
    t = ((offset + 0.5) / 2).clamp(1e-6, 1 - 1e-6).logit()
    size_numbers = ratio.log() if size_decoding == "exp" else (ratio.sqrt() / 2).logit()
    boxes = codec.decode(torch.cat((t, size_numbers), -1), predictor)
    iou = paired_iou(boxes, codec.in_pixels(fractions[0, object]))
    assert (1 - iou).abs().max() < 1e-4  # a centre on the border of what can be said is 1e-6 within it
    assert (1 - paired_ciou(boxes, codec.in_pixels(fractions[0, object]))).abs().max() < 1e-4
    torch.testing.assert_close(codec.in_fractions(boxes), fractions[0, object], rtol=0, atol=1e-4)
    if size_decoding == "exp":
        wanted_offset, wanted_size = codec.encode(fractions[0, object], predictor)
        torch.testing.assert_close(wanted_offset, offset)
        torch.testing.assert_close(wanted_size, size_numbers)


@pytest.mark.parametrize(("size", "told"), SIZES)
def test_offsets(size: tuple[int, int], told: bool) -> None:
    levels, (pixels, _) = levels_for(size, told), objects(size)
    codec, boxes = OffsetCodec(levels=levels, num_classes=1), exact(levels, pixels)
    place = levels.places(torch.arange(levels.num_predictors))
    stride = levels.stride_of(pixels)[:, None]
    corner = torch.stack((place.col, place.row), -1)
    raw = torch.cat((boxes[0, :, :2] / stride - corner, (boxes[0, :, 2:] / stride).log()), 1)
    raw = torch.cat((raw, torch.zeros(len(raw), 2)), 1)[None]
    torch.testing.assert_close(codec.boxes(raw), boxes)
    scale = torch.tensor([size[1], size[0]] * 2)
    torch.testing.assert_close(codec.predictions(raw).boxes * scale, boxes)


@pytest.mark.parametrize("size", [(100, 100), (97, 131)])
def test_matching_is_that_of_pixels(size: tuple[int, int]) -> None:
    """An object of the same pixels is matched with the same cells, by the same anchors, as in a padded picture."""
    pixels, fractions = objects(size)
    levels = levels_for(size, False, boxes_per_cell=2)
    padded = (math.ceil(size[0] / 32) * 32, math.ceil(size[1] / 32) * 32)
    whole = levels_for(padded, True, boxes_per_cell=2)
    anchors = torch.tensor([[[16.0, 16], [33, 30]]]).double().repeat(3, 1, 1)
    everyone = torch.ones(1, 4, dtype=torch.bool)
    of_padded = pixels / torch.tensor([padded[1], padded[0]] * 2)
    found = []
    for boxes, its in ((fractions, levels), (of_padded, whole)):
        pairs = match_anchors(boxes, everyone, levels=its, anchors=anchors, threshold=4.0)
        place = its.places(pairs.predictor[pairs.mask])
        objects_ = pairs.object[pairs.mask]
        found.append(set(zip(*(part.tolist() for part in (*place, objects_)), strict=True)))
    assert found[0] <= found[1]  # where the padded picture has cells that this one lacks
    assert {row[-1] for row in found[0]} == {row[-1] for row in found[1]}
    inside = {
        row for row in found[1] if row[1] < levels.grids[row[0]][0] and row[2] < levels.grids[row[0]][1]
    }
    assert found[0] == inside
