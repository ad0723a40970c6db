"""YOLOv1Loss against the scalar loops of `tests.reference.yolov1`, on random cases of every option."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.reference.yolov1 import Object, Result, Settings, loss_of_image
from torch import Tensor

import yolosses as yl

MAX_OBJECTS = 6
BORDER = (
    1e-5  # centres nearer to a cell's border, or regions nearer to a cell's centre, are left to other tests
)


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    num_classes = draw(st.integers(1, 5))
    scale = st.floats(0, 6, allow_subnormal=False)
    weights = st.tuples(*[st.floats(0, 3, allow_subnormal=False)] * num_classes)
    return Settings(
        rows=draw(st.integers(1, 5)),
        cols=draw(st.integers(1, 5)),
        boxes_per_cell=draw(st.integers(1, 3)),
        num_classes=num_classes,
        lambda_coord=draw(scale),
        lambda_noobj=draw(scale),
        lambda_obj=draw(scale),
        lambda_cls=draw(scale),
        size_encoding=draw(st.sampled_from(["sqrt", "linear"])),
        size_term=draw(st.sampled_from(["sqrt", "linear"])),
        confidence_target=draw(st.sampled_from(["iou", "one"])),
        class_term=draw(st.sampled_from(["squared_error", "cross_entropy"])),
        class_weight=draw(st.none() | weights),
    )


@st.composite
def images(draw: st.DrawFn, s: Settings) -> list[Object]:
    """Up to six objects, often in one cell, sometimes ignored, sometimes weighted."""
    centre, size = st.floats(0.01, 0.99), st.floats(0.01, 1)
    crowd = draw(st.booleans())
    objects = []
    for _ in range(draw(st.integers(0, MAX_OBJECTS))):
        x, y = (draw(centre), draw(centre))
        if crowd:
            x, y = 0.3 + x / 20, 0.3 + y / 20
        thing = Object(
            x=x,
            y=y,
            w=draw(size),
            h=draw(size),
            label=draw(st.integers(0, s.num_classes - 1)),
            weight=draw(st.sampled_from([1.0, 0.0, 0.3, 2.0])),
            ignore=draw(st.integers(0, 4)) == 0,
        )
        assume(clear_of_borders(thing, s))
        objects.append(thing)
    return objects


def clear_of_borders(thing: Object, s: Settings) -> bool:
    for centre, size, cells in ((thing.x, thing.w, s.cols), (thing.y, thing.h, s.rows)):
        edges = (centre * cells, (centre - size / 2) * cells - 0.5, (centre + size / 2) * cells - 0.5)
        if any(abs(value - round(value)) < BORDER for value in edges):
            return False
    return True


def random_cells(s: Settings, batch: int, seed: int, kind: str) -> Tensor:
    """(B, rows, cols, 5K + C) raw outputs of one of several characters."""
    noise = torch.Generator().manual_seed(seed)
    channels = 5 * s.boxes_per_cell + s.num_classes
    raw = torch.randn(batch, s.rows, s.cols, channels, generator=noise, dtype=torch.float64)
    if kind == "near":
        return 0.5 + 0.2 * raw
    if kind == "far":
        return 3 + raw  # boxes far from their cell: mostly nothing overlaps
    if kind == "tied":
        boxes = raw[..., :5].repeat(1, 1, 1, s.boxes_per_cell)
        return torch.cat((0.5 + 0.2 * boxes, raw[..., 5 * s.boxes_per_cell :]), -1)
    return torch.zeros_like(raw) if kind == "zero" else raw


def loss_for(s: Settings) -> yl.YOLOv1Loss:
    options = asdict(s)
    grid, weight = (options.pop("rows"), options.pop("cols")), options.pop("class_weight")
    return yl.YOLOv1Loss(
        grid=grid,
        class_weight=None if weight is None else torch.tensor(weight, dtype=torch.float64),
        reduction="none",
        **options,
    )


def targets_of(batch: list[list[Object]]) -> yl.Targets:
    return yl.Targets.from_cxcywh(
        [torch.tensor([(o.x, o.y, o.w, o.h) for o in image], dtype=torch.float64) for image in batch],
        [torch.tensor([o.label for o in image]) for image in batch],
        weight=[torch.tensor([o.weight for o in image], dtype=torch.float64) for image in batch],
        ignore=[torch.tensor([o.ignore for o in image]) for image in batch],
    )


def reference_of(raw: Tensor, batch: list[list[Object]], s: Settings) -> list[Result]:
    return [
        loss_of_image(image.flatten(0, 1).tolist(), objects, s)
        for image, objects in zip(raw, batch, strict=True)
    ]


def check(raw: Tensor, batch: list[list[Object]], s: Settings, results: list[Result]) -> None:
    output = loss_for(s)(raw, targets_of(batch))
    assignment = output.assignment
    for image, result in enumerate(results):
        for name, value in result.unweighted.items():
            assert output.unweighted[name][image].item() == pytest.approx(value, rel=1e-9, abs=1e-13), name
        assert output.total[image].item() == pytest.approx(result.total, rel=1e-9, abs=1e-12)
        assert int(assignment.num_dropped[image]) == result.num_dropped
        for index in range(assignment.mask.shape[1]):
            assert bool(assignment.mask[image, index]) == (index in result.responsible)
            if index in result.responsible:
                cell, box = result.responsible[index]
                assert int(assignment.predictor[image, index]) == cell * s.boxes_per_cell + box
                assert int(assignment.object[image, index]) == index
                assert assignment.iou[image, index].item() == pytest.approx(result.iou[index], abs=1e-12)
            else:
                assert assignment.iou[image, index] == 0


@settings(max_examples=150)
@given(st.data())
def test_random_cases_agree(data: st.DataObject) -> None:
    s = data.draw(all_settings())
    batch = [data.draw(images(s)) for _ in range(data.draw(st.integers(1, 3)))]
    kind = data.draw(st.sampled_from(["wild", "near", "far", "tied", "zero"]))
    raw = random_cells(s, len(batch), data.draw(st.integers(0, 10**6)), kind)
    results = reference_of(raw, batch, s)
    # A choice that rounding could flip is nobody's fault; exact ties are decided by rule.
    assume(all(result.margin == 0 or result.margin > 1e-9 for result in results))
    check(raw, batch, s, results)


@pytest.mark.parametrize("size_term", ["sqrt", "linear"])
@pytest.mark.parametrize("size_encoding", ["sqrt", "linear"])
@pytest.mark.parametrize("kind", ["wild", "near", "far"])
def test_a_full_paper_sized_batch_agrees(kind: str, size_encoding: str, size_term: str) -> None:
    s = Settings(size_encoding=size_encoding, size_term=size_term)
    noise = torch.Generator().manual_seed(1)
    batch = [
        [
            Object(x=x, y=y, w=0.05 + 0.9 * w, h=0.05 + 0.9 * h, label=(3 * index) % 20)
            for index, (x, y, w, h) in enumerate(
                torch.rand(12, 4, generator=noise, dtype=torch.float64).tolist()
            )
        ]
        for _ in range(4)
    ]
    raw = random_cells(s, 4, 2, kind)
    results = reference_of(raw, batch, s)
    check(raw, batch, s, results)
    assert sum(result.num_dropped for result in results) > 0
