"""YOLOv4Loss against the scalar loops of `tests.reference.yolov4`, on random cases of every option."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.losses.random_objects import random_objects, targets_of
from tests.reference.yolov4 import Settings, loss_of_image

import yolosses as yl
from yolosses.functional import ciou_loss, iou_loss

STRIDES, SIZE = (8, 16), (32, 48)  # height, width in pixels
GRIDS = [(SIZE[0] // stride, SIZE[1] // stride) for stride in STRIDES]
ANCHORS = (((10.0, 13.0), (16.5, 10.0)), ((20.0, 17.25), (30.0, 25.0)))
BOX_LOSSES = {"ciou": ciou_loss, "iou": iou_loss, "mse": None}


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    num_classes = draw(st.integers(1, 4))
    scale = st.floats(0, 6, allow_subnormal=False)
    return Settings(
        anchors=ANCHORS,
        strides=STRIDES,
        other_anchors=draw(st.sampled_from([(), ((25.0, 11.0),)])),
        num_classes=num_classes,
        scale_xy=draw(st.sampled_from([(1.0, 1.0), (1.2, 1.05), (2.0, 2.0)])),
        lambda_box=draw(scale),
        lambda_obj=draw(scale),
        lambda_noobj=draw(scale),
        lambda_cls=draw(scale),
        ignore_threshold=draw(st.sampled_from([0.1, 0.3, 0.7])),
        anchor_threshold=draw(st.sampled_from([0.213, 0.5, 1.0])),
        label_smoothing=draw(st.sampled_from([0.0, 0.1])),
        new_coords=draw(st.booleans()),
        box_term=draw(st.sampled_from(list(BOX_LOSSES))),
        class_weight=draw(st.none() | st.just(tuple(0.5 + c for c in range(num_classes)))),
    )


def loss_for(s: Settings) -> yl.YOLOv4Loss:
    options = asdict(s)
    weight, box_term = options.pop("class_weight"), options.pop("box_term")
    return yl.YOLOv4Loss(
        class_weight=None if weight is None else torch.tensor(weight, dtype=torch.float64),
        box_loss=BOX_LOSSES[box_term],
        reduction="none",
        **options,
    )


@settings(max_examples=80)
@given(st.data())
def test_random_cases_agree(data: st.DataObject) -> None:
    s = data.draw(all_settings())
    batch = [data.draw(random_objects(GRIDS, s.num_classes)) for _ in range(data.draw(st.integers(1, 2)))]
    noise = torch.Generator().manual_seed(data.draw(st.integers(0, 10**6)))
    spread = data.draw(st.sampled_from([0.01, 0.3, 1.5]))
    raw = [
        spread * torch.randn(len(batch), 2, *grid, 5 + s.num_classes, generator=noise, dtype=torch.float64)
        for grid in GRIDS
    ]
    if data.draw(st.booleans()):  # hardly sure of any class
        for level in raw:
            level[..., 5:] -= 1.5
    if s.new_coords:  # the network has squashed its outputs
        raw = [level.sigmoid() for level in raw]
    results = [
        loss_of_image([level[image].tolist() for level in raw], things, s)
        for image, things in enumerate(batch)
    ]
    # A choice that rounding could flip is nobody's fault.
    assume(all(result.margin > 1e-9 for result in results))

    loss_fn, targets = loss_for(s), targets_of(batch)
    output = loss_fn(raw, targets)
    a = output.assignment
    place = loss_fn.codec_for(raw).places(a.predictor)
    for image, result in enumerate(results):
        assert set(output.unweighted) == set(result.unweighted)
        for name, value in result.unweighted.items():
            assert output.unweighted[name][image].item() == pytest.approx(value, rel=1e-8, abs=1e-11), name
        assert output.total[image].item() == pytest.approx(result.total, rel=1e-8, abs=1e-10)
        assert int(a.num_dropped[image]) == result.num_dropped
        found = {
            (tuple(int(part[image, pair]) for part in (place.level, place.box, place.row, place.col)), thing)
            for pair, (there, thing) in enumerate(
                zip(a.mask[image].tolist(), a.object[image].tolist(), strict=True)
            )
            if there
        }
        assert found == result.pairs
