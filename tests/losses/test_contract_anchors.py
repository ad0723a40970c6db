"""The contract of `tests.contract` for the losses with anchors: YOLOv2 to v5 and v7."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from tests.contract import LossCase, LossContract, Raw, on_engines
from tests.losses.scenes import scattered

import yolosses as yl
from yolosses.functional import giou_loss

C = 3
ANCHORS = (((20.0, 24.0), (30.0, 18.0)), ((28.0, 30.0), (16.0, 40.0)))
STRIDES = (8, 16)


def anchor_raw(
    batch: int,
    seed: int,
    *,
    size: tuple[int, int],
    strides: tuple[int, ...],
    apart: bool,
    spread: float,
    squashed: bool,
) -> Raw:
    """Boxes of about their anchors' size, near their cells."""
    noise = torch.Generator().manual_seed(seed)
    maps = []
    for stride in strides:
        rows, cols = size[0] // stride, size[1] // stride
        level = spread * torch.randn(batch, 2, 5 + C, rows, cols, generator=noise, dtype=torch.float64)
        level[:, :, 4:] -= 0.5
        level = level.sigmoid() if squashed else level
        maps.append(level if apart else level.flatten(1, 2))
    return maps if len(maps) > 1 else maps[0]


def anchor_case(
    name: str,
    loss: Callable[..., Any],
    *,
    size: tuple[int, int] = (64, 64),
    strides: tuple[int, ...] = STRIDES,
    apart: bool = False,
    spread: float = 0.5,
    squashed: bool = False,
    **options: Any,
) -> LossCase:
    look: dict[str, Any] = {"strides": strides, "apart": apart, "spread": spread, "squashed": squashed}
    return LossCase(
        name=name,
        make_loss=partial(loss, num_classes=C, **options),
        make_raw=partial(anchor_raw, size=size, **look),
        make_targets=partial(scattered, num_classes=C),
        num_classes=C,
        large=partial(anchor_case, name, loss, size=(384, 320), **look, **options),
        smooth={"box_loss": giou_loss} if name in ("v4", "v5", "v7") else {},
    )


LEVELS: dict[str, Any] = {"anchors": ANCHORS, "strides": STRIDES}
IN_CELLS = ((1.4, 1.6), (2.0, 1.2))

CASES = (
    *on_engines(
        anchor_case("v2", partial(yl.YOLOv2Loss, anchors=IN_CELLS), strides=(16,), prior_pull=True),
        "fixed shapes",
    ),
    anchor_case(
        "v2 by prediction, sigmoid",
        partial(yl.YOLOv2Loss, anchors=IN_CELLS),
        strides=(16,),
        apart=True,
        match="prediction",
        class_term="sigmoid",
        objectness_target="one",
    ),
    *on_engines(
        anchor_case("v3", partial(yl.YOLOv3Loss, **LEVELS), ignore_threshold=0.3, label_smoothing=0.1),
        "fixed shapes",
    ),
    anchor_case(
        "v3, truths by overlap", partial(yl.YOLOv3Loss, **LEVELS), size=(64, 96), truth_threshold=0.98
    ),
    *on_engines(
        anchor_case("v4", partial(yl.YOLOv4Loss, **LEVELS, scale_xy=(1.1, 1.05)), ignore_threshold=0.3),
        "fixed shapes",
    ),
    anchor_case(
        "v4 with squared errors, squashed",
        partial(yl.YOLOv4Loss, **LEVELS, scale_xy=(2.0, 2.0)),
        squashed=True,
        box_loss=None,
        new_coords=True,
        label_smoothing=0.1,
    ),
    *on_engines(anchor_case("v5", partial(yl.YOLOv5Loss, **LEVELS)), "fixed shapes"),
    anchor_case(
        "v5, focal",
        partial(yl.YOLOv5Loss, **LEVELS),
        apart=True,
        focal_gamma=1.5,
        cls_pos_weight=2.0,
        label_smoothing=0.1,
        objectness_from_iou=0.5,
        box_loss=giou_loss,
    ),
    *on_engines(
        anchor_case("v7", partial(yl.YOLOv7Loss, **LEVELS), cls_pos_weight=2.0, obj_pos_weight=0.5),
        "fixed shapes",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
class TestAnchors(LossContract):
    pass
