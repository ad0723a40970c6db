"""Every family with the publication's defaults for three classes, and an output of its form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

import yolosses as yl

C, SIDE = 3, 64


class Family(NamedTuple):
    """``raw``: a function (images) -> an output of small random numbers for pictures of 64 x 64 pixels."""

    make: Callable[..., Any]
    raw: Callable[[int], Any]


def maps(channels: int, strides: tuple[int, ...] = (8, 16, 32)) -> Callable[[int], list[Tensor]]:
    def raw(images: int) -> list[Tensor]:
        noise = torch.Generator().manual_seed(0)
        return [torch.randn(images, channels, SIDE // s, SIDE // s, generator=noise) for s in strides]

    return raw


FAMILIES = {
    "v1": Family(yl.YOLOv1Loss, lambda images: maps(10 + C, (8,))(images)[0][..., :7, :7].movedim(1, -1)),
    "v2": Family(yl.YOLOv2Loss, lambda images: maps(5 * (5 + C), (32,))(images)[0]),
    "v3": Family(yl.YOLOv3Loss, maps(3 * (5 + C))),
    "v4": Family(yl.YOLOv4Loss, maps(3 * (5 + C))),
    "v5": Family(yl.YOLOv5Loss, maps(3 * (5 + C))),
    "v6": Family(yl.YOLOv6Loss, maps(4 + C)),
    "v7": Family(yl.YOLOv7Loss, maps(3 * (5 + C))),
    "v8": Family(yl.YOLOv8Loss, maps(64 + C)),
    "v10": Family(
        yl.YOLOv10Loss, lambda images: {"one2one": maps(64 + C)(images), "one2many": maps(64 + C)(images)}
    ),
    "yolox": Family(yl.YOLOXLoss, maps(5 + C)),
}
EACH = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def leaves(raw: Any) -> list[Tensor]:
    """The tensors of an output, that collect gradients from now on."""
    parts = raw.values() if isinstance(raw, dict) else [raw]
    found = [level for part in parts for level in ([part] if isinstance(part, Tensor) else part)]
    return [level.requires_grad_() for level in found]
