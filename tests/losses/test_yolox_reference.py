"""YOLOXLoss against the scalar loops of `tests.reference.yolox`, on random images."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.reference.yolox import Location, Object, loss_of_image
from torch import Tensor

import yolosses as yl

STRIDES, SIZE = (8, 16), (48, 64)  # height, width in pixels
RAW_TERMS = ("box", "obj", "cls", "l1")


@st.composite
def objects(draw: st.DrawFn, num_classes: int) -> list[Object]:
    """Up to ten objects, sometimes crowded, sometimes outside the image, weighted or ignored."""
    crowded, things = draw(st.booleans()), []
    for _ in range(draw(st.integers(0, 10))):
        x, y = draw(st.floats(-0.3, 1.3)) * SIZE[1], draw(st.floats(-0.3, 1.3)) * SIZE[0]
        if crowded:
            x, y = 20 + x / 10, 20 + y / 10
        things.append(
            Object(
                box=(x, y, draw(st.floats(1, 60)), draw(st.floats(1, 60))),
                label=draw(st.integers(0, num_classes - 1)),
                weight=draw(st.sampled_from([1.0, 0.0, 0.3, 2.0])),
                ignore=draw(st.integers(0, 5)) == 0,
            )
        )
    return things


def random_maps(num_classes: int, seed: int, spread: float) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    mean = torch.tensor([0.5, 0.5, 0.7, 0.7] + [-0.5] * (1 + num_classes), dtype=torch.float64)
    return [
        mean[:, None, None]
        + spread
        * torch.randn(1, 5 + num_classes, SIZE[0] // s, SIZE[1] // s, generator=noise, dtype=torch.float64)
        for s in STRIDES
    ]


def locations_of(maps: list[Tensor]) -> list[Location]:
    return [
        Location(col=col, row=row, stride=stride, numbers=level[0, :, row, col].tolist())
        for level, stride in zip(maps, STRIDES, strict=True)
        for row in range(level.shape[2])
        for col in range(level.shape[3])
    ]


def targets_of(things: list[Object]) -> yl.Targets:
    scale = torch.tensor([SIZE[1], SIZE[0]] * 2, dtype=torch.float64)
    return yl.Targets.from_cxcywh(
        [torch.tensor([thing.box for thing in things], dtype=torch.float64).reshape(-1, 4) / scale],
        [torch.tensor([thing.label for thing in things])],
        weight=[torch.tensor([thing.weight for thing in things], dtype=torch.float64)],
        ignore=[torch.tensor([thing.ignore for thing in things], dtype=torch.bool)],
        validate=False,  # some lie outside
    )


@settings(max_examples=60)
@given(st.data())
def test_random_images_agree(data: st.DataObject) -> None:
    num_classes = data.draw(st.integers(1, 4))
    things = data.draw(objects(num_classes))
    maps = random_maps(
        num_classes, data.draw(st.integers(0, 10**6)), data.draw(st.sampled_from([0.1, 0.4, 1.5]))
    )
    class_weight = [0.5 + c for c in range(num_classes)]
    wanted = loss_of_image(locations_of(maps), things, class_weight)
    assume(wanted.margin > 1e-7)  # costs of 1e6 have no more digits
    loss_fn = yl.YOLOXLoss(
        num_classes=num_classes,
        strides=STRIDES,
        lambda_l1=1.0,
        class_weight=torch.tensor(class_weight, dtype=torch.float64),
        reduction="sum",
    )
    output = loss_fn(maps, targets_of(things))
    for name in RAW_TERMS:
        assert output.unweighted[name].item() == pytest.approx(wanted.unweighted[name], rel=1e-9, abs=1e-10)
    a = output.assignment
    pairs = zip(a.predictor[0].tolist(), a.object[0].tolist(), a.mask[0].tolist(), strict=True)
    assert {i: j for i, j, there in pairs if there} == wanted.owner
    assert int(a.mask.sum()) == len(wanted.owner)
    assert int(output.num_dropped) == wanted.num_dropped
