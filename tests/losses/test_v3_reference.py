"""YOLOv3Loss against the scalar loops of `tests.reference.yolov3`, on random cases of every option."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.losses.random_objects import random_objects, targets_of
from tests.reference.yolov3 import Settings, loss_of_image

import yolosses as yl

STRIDES, SIZE = (8, 16), (32, 48)  # height, width in pixels
GRIDS = [(SIZE[0] // stride, SIZE[1] // stride) for stride in STRIDES]
ANCHORS = (((10.0, 13.0), (16.5, 10.0)), ((20.0, 17.25), (30.0, 25.0)))


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    num_classes = draw(st.integers(1, 4))
    scale = st.floats(0, 6, allow_subnormal=False)
    return Settings(
        anchors=ANCHORS,
        strides=STRIDES,
        other_anchors=draw(st.sampled_from([(), ((25.0, 11.0),)])),
        num_classes=num_classes,
        lambda_coord=draw(scale),
        lambda_obj=draw(scale),
        lambda_noobj=draw(scale),
        lambda_cls=draw(scale),
        ignore_threshold=draw(st.sampled_from([0.1, 0.3, 0.5])),
        truth_threshold=draw(st.sampled_from([0.2, 0.4, 1.0])),
        label_smoothing=draw(st.sampled_from([0.0, 0.1])),
        class_weight=draw(st.none() | st.just(tuple(0.5 + c for c in range(num_classes)))),
    )


def loss_for(s: Settings) -> yl.YOLOv3Loss:
    options = asdict(s)
    weight = options.pop("class_weight")
    return yl.YOLOv3Loss(
        class_weight=None if weight is None else torch.tensor(weight, dtype=torch.float64),
        reduction="none",
        **options,
    )


@settings(max_examples=60)
@given(st.data())
def test_random_cases_agree(data: st.DataObject) -> None:
    s = data.draw(all_settings())
    batch = [data.draw(random_objects(GRIDS, s.num_classes)) for _ in range(data.draw(st.integers(1, 2)))]
    noise = torch.Generator().manual_seed(data.draw(st.integers(0, 10**6)))
    spread = data.draw(st.sampled_from([0.0, 0.3, 1.5]))
    raw = [
        spread * torch.randn(len(batch), 2, *grid, 5 + s.num_classes, generator=noise, dtype=torch.float64)
        for grid in GRIDS
    ]
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
        for name, value in result.unweighted.items():
            assert output.unweighted[name][image].item() == pytest.approx(value, rel=1e-9, abs=1e-12), name
        assert output.total[image].item() == pytest.approx(result.total, rel=1e-9, abs=1e-11)
        assert int(a.num_dropped[image]) == result.num_dropped
        found = {
            (tuple(int(part[image, pair]) for part in (place.level, place.box, place.row, place.col)), thing)
            for pair, (there, thing) in enumerate(
                zip(a.mask[image].tolist(), a.object[image].tolist(), strict=True)
            )
            if there
        }
        assert found == result.pairs
