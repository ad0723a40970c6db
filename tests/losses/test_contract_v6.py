"""The contract of `tests.contract` for YOLOv6."""

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


def distance_raw(
    batch: int, seed: int, *, size: tuple[int, int], strides: tuple[int, ...], bins: int, activated: bool
) -> Raw:
    """Boxes of about three cells around their cells: maps of logits, or (scores, distances) with probabilities."""
    noise = torch.Generator().manual_seed(seed)
    mean = torch.tensor([1.5] * (4 * bins) + [-1.0] * C, dtype=torch.float64)[:, None, None]
    maps = []
    for stride in strides:
        shape = (batch, 4 * bins + C, size[0] // stride, size[1] // stride)
        maps.append(mean + 0.4 * torch.randn(shape, generator=noise, dtype=torch.float64))
    if not activated:
        return maps
    flat = torch.cat([level.flatten(2).mT for level in maps], 1)
    return [flat[..., 4 * bins :].sigmoid(), flat[..., : 4 * bins].contiguous()]


def v6_case(
    name: str,
    *,
    size: tuple[int, int] = (64, 64),
    strides: tuple[int, ...] = (8, 16, 32),
    bins: int = 1,
    activated: bool = False,
    **options: Any,
) -> LossCase:
    shape: dict[str, Any] = {"num_classes": C, "strides": strides, "bins": bins, "activated": activated}
    return LossCase(
        name=name,
        make_loss=partial(yl.YOLOv6Loss, **shape, image_size=size if activated else None, **options),
        make_raw=partial(distance_raw, size=size, strides=strides, bins=bins, activated=activated),
        make_targets=partial(scattered, num_classes=C),
        num_classes=C,
        classes_everywhere=True,
        large=partial(
            v6_case, name, size=(384, 320), strides=strides, bins=bins, activated=activated, **options
        ),
    )


CASES = (
    *on_engines(v6_case("S", size=(64, 96)), "fixed shapes"),
    v6_case("M, SimOTA", strides=(8, 16), bins=4, box_loss=giou_loss, assigner=yl.assigners.SimOTA()),
    v6_case("probabilities", strides=(8, 16), activated=True),
)


@pytest.mark.parametrize("case", CASES, ids=str)
class TestYOLOv6(LossContract):
    pass
