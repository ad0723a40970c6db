"""The contract of `tests.contract`, for every family and enough of its configurations to reach every branch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from tests.contract import InterpretedContract, LossCase, LossContract, on_engines
from torch import Tensor

import yolosses as yl
from yolosses.functional import (
    absolute_error,
    binary_cross_entropy_with_logits,
    huber,
    sigmoid_focal,
)

OBJECTS = ((0, 2), (), (1, 0, 3))  # cells of the objects of every three images, by rank


def grid_raw(grid: tuple[int, int], channels: int, flat: bool) -> Callable[[int, int], Tensor]:
    def make(batch: int, seed: int) -> Tensor:
        noise = torch.Generator().manual_seed(seed)
        raw = 0.45 + 0.35 * torch.randn(batch, *grid, channels, generator=noise, dtype=torch.float64)
        return raw.flatten(1) if flat else raw

    return make


def grid_targets(grid: tuple[int, int], num_classes: int) -> Callable[[int], yl.Targets]:
    """At most one object a cell, each within the image."""
    rows, cols = grid
    cells = [0, rows * cols - 1, cols, rows * cols // 2]

    def box(image: int, rank: int) -> list[float]:
        row, col = divmod(cells[rank], cols)
        x, y = (col + 0.3 + 0.1 * rank) / cols, (row + 0.7 - 0.1 * image) / rows
        return [x, y, (0.9 - 0.2 * rank) * 2 * min(x, 1 - x), (0.3 + 0.2 * rank) * 2 * min(y, 1 - y)]

    def make(batch: int) -> yl.Targets:
        ranks = [OBJECTS[image % 3] for image in range(batch)]
        boxes = [
            torch.tensor([box(image % 3, rank) for rank in row], dtype=torch.float64)
            for image, row in enumerate(ranks)
        ]
        labels = [
            torch.tensor([(image + rank) % num_classes for rank in row]) for image, row in enumerate(ranks)
        ]
        return yl.Targets.from_cxcywh(boxes, labels).validate(num_classes)

    return make


def v1_case(
    name: str,
    *,
    grid: int | tuple[int, int] = 3,
    boxes_per_cell: int = 2,
    num_classes: int = 3,
    backend: str = "aot_eager",
    flat: bool = False,
    **options: Any,
) -> LossCase:
    size = (grid, grid) if isinstance(grid, int) else grid
    shape: dict[str, Any] = {"grid": grid, "boxes_per_cell": boxes_per_cell, "num_classes": num_classes}
    return LossCase(
        name=name,
        make_loss=partial(yl.YOLOv1Loss, **shape, **options),
        make_raw=grid_raw(size, 5 * boxes_per_cell + num_classes, flat),
        make_targets=grid_targets(size, num_classes),
        num_classes=num_classes,
        backend=backend,
        large=partial(v1_case, name, **{**shape, "grid": (40, 50)}, flat=flat, **options),
    )


V1 = (
    *on_engines(v1_case("paper", backend="inductor"), "fixed shapes", "numba"),
    v1_case("linear sizes", size_encoding="linear", size_term="linear"),
    v1_case("roots of linear sizes", size_encoding="linear", size_term="sqrt"),
    v1_case("squares of roots", size_encoding="sqrt", size_term="linear"),
    v1_case("confidence one", confidence_target="one"),
    v1_case("cross-entropy", class_term="cross_entropy"),
    v1_case("Darknet layout", layout="darknet", flat=True),
    v1_case("flat, one box, one class", flat=True, boxes_per_cell=1, num_classes=1),
    *on_engines(
        v1_case(
            "linear, confidence one, Darknet layout, not square",
            layout="darknet",
            flat=True,
            grid=(2, 5),
            size_encoding="linear",
            size_term="linear",
            confidence_target="one",
            boxes_per_cell=3,
        ),
        "numba",
    ),
    v1_case(
        "logits",
        xy_penalty=binary_cross_entropy_with_logits,
        wh_penalty=binary_cross_entropy_with_logits,
        obj_penalty=partial(sigmoid_focal, gamma=1.5),
        noobj_penalty=sigmoid_focal,
        cls_penalty=binary_cross_entropy_with_logits,
    ),
    v1_case(
        "robust",
        xy_penalty=huber,
        wh_penalty=partial(huber, delta=0.1),
        obj_penalty=absolute_error,
        noobj_penalty=huber,
        cls_penalty=absolute_error,
    ),
)


@pytest.mark.parametrize("case", V1, ids=str)
class TestYOLOv1(LossContract):
    pass


@pytest.mark.parametrize("case", on_engines(v1_case("paper"), "triton")[1:], ids=str)
class TestYOLOv1Interpreted(InterpretedContract):
    pass
