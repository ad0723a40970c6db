"""Random labelled boxes for the comparisons of YOLOv2 and v3 with their scalar loops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from hypothesis import assume
from hypothesis import strategies as st
from tests.reference.yolov1 import Object

import yolosses as yl

# Centres nearer to a cell's border, or regions nearer to a cell's centre, are left to other tests.
BORDER = 1e-5


@st.composite
def random_objects(
    draw: st.DrawFn, grids: Sequence[tuple[int, int]], num_classes: int, most: int = 5
) -> list[Object]:
    """Often in one cell and of one shape, sometimes ignored, sometimes weighted. ``grids``: (rows, columns)."""
    centre, size = st.floats(0.01, 0.99), st.floats(0.05, 0.9)
    crowd = draw(st.booleans())
    objects = []
    for _ in range(draw(st.integers(0, most))):
        x, y, w, h = draw(centre), draw(centre), draw(size), draw(size)
        if crowd:
            x, y, w, h = 0.3 + x / 20, 0.3 + y / 20, 0.4 + w / 10, 0.4 + h / 10
        thing = Object(
            x=x,
            y=y,
            w=w,
            h=h,
            label=draw(st.integers(0, num_classes - 1)),
            weight=draw(st.sampled_from([1.0, 0.0, 0.3, 2.0])),
            ignore=draw(st.integers(0, 4)) == 0,
        )
        assume(all(clear_of_borders(thing, grid) for grid in grids))
        objects.append(thing)
    return objects


def clear_of_borders(thing: Object, grid: tuple[int, int]) -> bool:
    for centre, size, cells in ((thing.x, thing.w, grid[1]), (thing.y, thing.h, grid[0])):
        edges = (centre * cells, (centre - size / 2) * cells - 0.5, (centre + size / 2) * cells - 0.5)
        if any(abs(value - round(value)) < BORDER for value in edges):
            return False
    return True


def targets_of(batch: list[list[Object]]) -> yl.Targets:
    return yl.Targets.from_cxcywh(
        [torch.tensor([(o.x, o.y, o.w, o.h) for o in image], dtype=torch.float64) for image in batch],
        [torch.tensor([o.label for o in image]) for image in batch],
        weight=[torch.tensor([o.weight for o in image], dtype=torch.float64) for image in batch],
        ignore=[torch.tensor([o.ignore for o in image]) for image in batch],
    )
