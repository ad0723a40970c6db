"""YOLOv6Loss against the scalar loops of `tests.reference.yolov6`, on random images."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.reference.yolov6 import Location, Object, loss_of_image
from torch import Tensor

import yolosses as yl
from yolosses.functional import giou_loss, siou_loss

STRIDES, SIZE = (8, 16), (48, 64)  # height, width in pixels


@st.composite
def objects(draw: st.DrawFn, num_classes: int) -> list[Object]:
    """Up to ten objects, sometimes crowded, partly outside the image, weighted or ignored."""
    crowded, things = draw(st.booleans()), []
    for _ in range(draw(st.integers(0, 10))):
        x, y = draw(st.floats(0, 1)) * SIZE[1], draw(st.floats(0, 1)) * SIZE[0]
        if crowded:
            x, y = 20 + x / 10, 20 + y / 10
        w, h = draw(st.floats(4, 60)), draw(st.floats(4, 60))
        things.append(
            Object(
                box=(x - w / 2, y - h / 2, x + w / 2, y + h / 2),
                label=draw(st.integers(0, num_classes - 1)),
                weight=draw(st.sampled_from([1.0, 0.0, 0.3, 2.0])),
                ignore=draw(st.integers(0, 5)) == 0,
            )
        )
    return things


def random_maps(num_classes: int, bins: int, seed: int, spread: float) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    mean = torch.tensor([1.3] * (4 * bins) + [-0.5] * num_classes, dtype=torch.float64)
    maps = []
    for s in STRIDES:
        shape = (1, len(mean), SIZE[0] // s, SIZE[1] // s)
        level = mean[:, None, None] + spread * torch.randn(shape, generator=noise, dtype=torch.float64)
        if bins == 1:
            level[:, :4] = level[:, :4].clamp(min=0.01)  # the loops know no boxes turned inside out
        maps.append(level)
    return maps


def locations_of(maps: list[Tensor], bins: int) -> list[Location]:
    return [
        Location(
            col=col,
            row=row,
            stride=stride,
            sides=level[0, : 4 * bins, row, col].view(4, bins).tolist(),
            logits=level[0, 4 * bins :, row, col].tolist(),
        )
        for level, stride in zip(maps, STRIDES, strict=True)
        for row in range(level.shape[2])
        for col in range(level.shape[3])
    ]


def targets_of(things: list[Object]) -> yl.Targets:
    scale = torch.tensor([SIZE[1], SIZE[0]] * 2, dtype=torch.float64)
    corners = torch.tensor([thing.box for thing in things], dtype=torch.float64).reshape(-1, 4)
    return yl.Targets.from_cxcywh(
        [yl.boxes.xyxy_to_cxcywh(corners) / scale],
        [torch.tensor([thing.label for thing in things])],
        weight=[torch.tensor([thing.weight for thing in things], dtype=torch.float64)],
        ignore=[torch.tensor([thing.ignore for thing in things], dtype=torch.bool)],
    )


@settings(max_examples=60)
@given(st.data())
def test_random_images_agree(data: st.DataObject) -> None:
    num_classes, bins = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([1, 4]))
    similarity = data.draw(st.sampled_from(["siou", "giou"]))
    things = data.draw(objects(num_classes))
    maps = random_maps(
        num_classes, bins, data.draw(st.integers(0, 10**6)), data.draw(st.sampled_from([0.1, 0.4, 1.5]))
    )
    class_weight = [0.5 + c for c in range(num_classes)]
    wanted = loss_of_image(locations_of(maps, bins), things, class_weight, similarity)
    assume(wanted.margin > 1e-9)
    loss_fn = yl.YOLOv6Loss(
        num_classes=num_classes,
        bins=bins,
        strides=STRIDES,
        box_loss=siou_loss if similarity == "siou" else giou_loss,
        class_weight=torch.tensor(class_weight, dtype=torch.float64),
        reduction="sum",
    )
    output = loss_fn(maps, targets_of(things))
    for name, value in output.unweighted.items():
        assert value.item() == pytest.approx(wanted.unweighted[name], rel=1e-9, abs=1e-12)
    a = output.assignment
    assert a.quality is not None
    rows = zip(*(part[0].tolist() for part in (a.predictor, a.object, a.mask, a.quality)), strict=True)
    pairs = [(i, j, q) for i, j, there, q in rows if there]
    assert {i: j for i, j, _ in pairs} == wanted.owner
    assert {i: q for i, _, q in pairs} == pytest.approx(wanted.quality, rel=1e-9)
    assert int(output.num_dropped) == wanted.num_dropped
