"""YOLOv2Loss against the scalar loops of `tests.reference.yolov2`, on random cases of every option."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.losses.random_objects import random_objects, targets_of
from tests.reference.yolov2 import Settings, loss_of_image

import yolosses as yl

ANCHORS = ((1.0, 1.5), (2.25, 1.25), (3.0, 3.5))


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    num_classes = draw(st.integers(1, 4))
    scale = st.floats(0, 6, allow_subnormal=False)
    return Settings(
        anchors=ANCHORS[: draw(st.integers(1, 3))],
        num_classes=num_classes,
        lambda_coord=draw(scale),
        lambda_obj=draw(scale),
        lambda_noobj=draw(scale),
        lambda_cls=draw(scale),
        lambda_prior=draw(scale),
        prior_pull=draw(st.booleans()),
        ignore_threshold=draw(st.sampled_from([0.1, 0.3, 0.6])),
        objectness_target=draw(st.sampled_from(["iou", "one"])),
        match=draw(st.sampled_from(["anchor", "prediction"])),
        class_term=draw(st.sampled_from(["softmax", "sigmoid"])),
        class_weight=draw(st.none() | st.just(tuple(0.5 + c for c in range(num_classes)))),
    )


def loss_for(s: Settings) -> yl.YOLOv2Loss:
    options = asdict(s)
    weight = options.pop("class_weight")
    return yl.YOLOv2Loss(
        class_weight=None if weight is None else torch.tensor(weight, dtype=torch.float64),
        reduction="none",
        **options,
    )


@settings(max_examples=60)
@given(st.data())
def test_random_cases_agree(data: st.DataObject) -> None:
    s = data.draw(all_settings())
    rows, cols = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    batch = [
        data.draw(random_objects([(rows, cols)], s.num_classes)) for _ in range(data.draw(st.integers(1, 2)))
    ]
    noise = torch.Generator().manual_seed(data.draw(st.integers(0, 10**6)))
    shape = (len(batch), len(s.anchors), rows, cols, 5 + s.num_classes)
    raw = torch.randn(shape, generator=noise, dtype=torch.float64) * data.draw(
        st.sampled_from([0.0, 0.3, 1.5])
    )
    results = [loss_of_image(image.tolist(), things, s) for image, things in zip(raw, batch, strict=True)]
    # A choice that rounding could flip is nobody's fault.
    assume(all(result.margin > 1e-9 for result in results))

    loss_fn, targets = loss_for(s), targets_of(batch)
    output = loss_fn(raw, targets)
    codec, a = loss_fn.codec_for(raw), output.assignment
    place = codec.places(a.predictor)
    for image, result in enumerate(results):
        for name, value in result.unweighted.items():
            assert output.unweighted[name][image].item() == pytest.approx(value, rel=1e-9, abs=1e-12), name
        assert output.total[image].item() == pytest.approx(result.total, rel=1e-9, abs=1e-11)
        assert int(a.num_dropped[image]) == result.num_dropped
        for index, wanted in enumerate(result.pairs):
            assert bool(a.mask[image, index]) == (wanted is not None)
            if wanted is not None:
                assert tuple(int(p[image, index]) for p in (place.box, place.row, place.col)) == wanted
            assert a.iou[image, index].item() == pytest.approx(result.iou[index], abs=1e-12)
