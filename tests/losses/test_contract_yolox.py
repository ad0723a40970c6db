"""The contract of `tests.contract` for YOLOX."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from tests.contract import LossCase, LossContract, Raw, on_engines
from tests.losses.scenes import scattered

import yolosses as yl
from yolosses.functional import giou_loss

C = 3


def offset_raw(
    batch: int, seed: int, *, size: tuple[int, int], strides: tuple[int, ...], joined: bool
) -> Raw:
    """Boxes of about three cells around their cells."""
    noise = torch.Generator().manual_seed(seed)
    mean = torch.tensor([0.5, 0.5, 1.0, 1.0, -1.0, *[-0.5] * C], dtype=torch.float64)[:, None, None]
    maps = []
    for stride in strides:
        shape = (batch, 5 + C, size[0] // stride, size[1] // stride)
        maps.append(mean + 0.4 * torch.randn(shape, generator=noise, dtype=torch.float64))
    return torch.cat([level.flatten(2).mT for level in maps], 1) if joined else maps


def yolox_case(
    name: str,
    *,
    size: tuple[int, int] = (64, 64),
    strides: tuple[int, ...] = (8, 16, 32),
    joined: bool = False,
    **options: Any,
) -> LossCase:
    shape: dict[str, Any] = {"num_classes": C, "strides": strides, "image_size": size if joined else None}
    return LossCase(
        name=name,
        make_loss=partial(yl.YOLOXLoss, **shape, **options),
        make_raw=partial(offset_raw, size=size, strides=strides, joined=joined),
        make_targets=partial(scattered, num_classes=C),
        num_classes=C,
        large=partial(yolox_case, name, size=(384, 320), strides=strides, joined=joined, **options),
    )


CASES = (
    *on_engines(yolox_case("last epochs", size=(64, 96), lambda_l1=1.0), "fixed shapes"),
    yolox_case(
        "one tensor, task-aligned",
        strides=(8, 16),
        joined=True,
        assigner=yl.assigners.TaskAligned(),
        box_loss=giou_loss,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
class TestYOLOX(LossContract):
    pass
