"""YOLOv5Loss and YOLOv7Loss against the scalar loops of `tests.reference.yolov5`, on random batches of every option."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.random_objects import random_objects, targets_of
from tests.reference.yolov1 import Object
from tests.reference.yolov5 import Pair, Result, Settings, loss_of_batch
from torch import Tensor

import yolosses as yl

STRIDES, GRIDS = (8, 16), ((4, 6), (2, 3))
SIZES = st.tuples(st.floats(6, 60), st.floats(6, 60))


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    num_classes, boxes = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    scale, factor = st.floats(0, 3, allow_subnormal=False), st.sampled_from([0.5, 1.0, 2.0])
    level = st.tuples(*[SIZES] * boxes)
    return Settings(
        num_classes=num_classes,
        anchors=draw(st.tuples(level, level)),
        strides=STRIDES,
        grids=GRIDS,
        balance=draw(st.tuples(scale, scale)),
        lambda_box=draw(scale),
        lambda_obj=draw(scale),
        lambda_cls=draw(scale),
        anchor_threshold=draw(st.sampled_from([2.0, 4.0])),
        objectness_from_iou=draw(st.sampled_from([1.0, 0.5, 0.0])),
        label_smoothing=draw(st.sampled_from([0.0, 0.1])),
        focal_gamma=draw(st.sampled_from([0.0, 1.5])),
        cls_pos_weight=draw(factor),
        obj_pos_weight=draw(factor),
        class_weight=draw(st.none() | st.tuples(*[st.floats(0, 3, allow_subnormal=False)] * num_classes)),
    )


def random_maps(s: Settings, batch: int, seed: int, spread: float) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    shapes = [(batch, len(s.anchors[0]), *grid, 5 + s.num_classes) for grid in GRIDS]
    return [spread * torch.randn(shape, generator=noise, dtype=torch.float64) for shape in shapes]


def loss_for(s: Settings) -> yl.YOLOv5Loss:
    options = {f.name: getattr(s, f.name) for f in fields(s) if f.name not in ("grids", "ota")}
    if s.class_weight is not None:
        options["class_weight"] = torch.tensor(s.class_weight, dtype=torch.float64)
    return (yl.YOLOv7Loss(ota=True, **options) if s.ota else yl.YOLOv5Loss(**options)).double()


def with_float32_anchors(s: Settings) -> Settings:
    anchors = torch.tensor(s.anchors, dtype=torch.float32).double().tolist()
    return replace(s, anchors=tuple(tuple((w, h) for w, h in level) for level in anchors))


def pairs_of(loss_fn: yl.YOLOv5Loss, maps: list[Tensor], assignment: yl.Assignment) -> list[list[Pair]]:
    place = loss_fn.codec_for(maps).places(assignment.predictor)
    columns = torch.stack((place.level, place.box, place.row, place.col, assignment.object), -1)
    return [
        [Pair(*row) for row in rows[mask].tolist()]
        for rows, mask in zip(columns, assignment.mask, strict=True)
    ]


def check(maps: list[Tensor], batch: list[list[Object]], s: Settings) -> Result:
    wanted = loss_of_batch([level.tolist() for level in maps], batch, s)
    if wanted.margin <= 1e-9:  # a choice that rounding could flip is nobody's fault
        return wanted
    loss_fn = loss_for(s)
    output = loss_fn(maps, targets_of(batch))
    assert pairs_of(loss_fn, maps, output.assignment) == wanted.pairs
    for name, value in wanted.unweighted.items():
        assert output.unweighted[name].item() == pytest.approx(value, rel=1e-9, abs=1e-12), name
    assert output.total.item() == pytest.approx(wanted.total, rel=1e-9, abs=1e-12)
    assert int(output.num_dropped) == wanted.num_dropped
    return wanted


@pytest.mark.parametrize("ota", [False, True], ids=["v5", "v7"])
@settings(max_examples=60)
@given(st.data())
def test_random_batches_agree(ota: bool, data: st.DataObject) -> None:
    s = replace(with_float32_anchors(data.draw(all_settings())), ota=ota)
    batch = [data.draw(random_objects(GRIDS, s.num_classes)) for _ in range(data.draw(st.integers(1, 3)))]
    spread = data.draw(st.sampled_from([0.1, 0.7, 2.0]))
    check(random_maps(s, len(batch), data.draw(st.integers(0, 10**6)), spread), batch, s)


@pytest.mark.parametrize("ota", [False, True], ids=["v5", "v7"])
def test_a_crowd_agrees(ota: bool) -> None:
    """More objects than are compared at once, many of them for the same predictors."""
    noise = torch.Generator().manual_seed(2)
    numbers = torch.rand(2, 21, 4, generator=noise, dtype=torch.float64).tolist()
    batch = [
        [
            Object(x=0.1 + 0.5 * x, y=0.2 + 0.3 * y, w=0.1 + 0.4 * w, h=0.1 + 0.6 * h, label=index % 3)
            for index, (x, y, w, h) in enumerate(image)
        ]
        for image in numbers
    ]
    batch[0] += batch[0][:4]  # and some objects twice
    anchors = (((10.0, 13.0), (16.0, 20.0)), ((22.0, 11.0), (30.0, 30.0)))
    s = Settings(num_classes=3, anchors=anchors, strides=STRIDES, grids=GRIDS, balance=(4.0, 1.0), ota=ota)
    wanted = check(random_maps(s, 2, 5, 0.7), batch, s)
    assert wanted.margin > 1e-9
    predictors = [{(p.level, p.box, p.row, p.col) for p in pairs} for pairs in wanted.pairs]
    assert sum(map(len, wanted.pairs)) > sum(map(len, predictors)), "no predictor is in several pairs"
    if ota:
        assert wanted.num_dropped > 0
