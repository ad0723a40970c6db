"""Small scenes for YOLOv1, and options of its loss that kernels know."""

from __future__ import annotations

from typing import Any

import torch

import yolosses as yl

OPTIONS: dict[str, dict[str, Any]] = {
    "paper": {},
    "Darknet's layout": {"layout": "darknet"},
    "linear sizes": {"size_encoding": "linear", "size_term": "linear"},
    "confidence one": {"confidence_target": "one"},
    "three boxes, not square": {"grid": (2, 3), "boxes_per_cell": 3},
    "class weights": {"class_weight": torch.linspace(0.5, 2, 4, dtype=torch.float64)},
}


def scene() -> yl.Targets:
    """Three objects in each of three images, but for one hole whose numbers are NaN and an ignored region; weighted."""
    noise = torch.Generator().manual_seed(2)
    mask, ignore = torch.ones(3, 3, dtype=torch.bool), torch.zeros(3, 3, dtype=torch.bool)
    mask[1, 0], ignore[2, 1] = False, True
    boxes = 0.2 + 0.6 * torch.rand(3, 3, 4, generator=noise, dtype=torch.float64)
    return yl.Targets(
        boxes=torch.where(mask[..., None], boxes, torch.nan),
        labels=torch.randint(4, (3, 3), generator=noise),
        mask=mask,
        weight=torch.where(mask, torch.rand(3, 3, generator=noise, dtype=torch.float64), torch.nan),
        ignore=ignore,
    )
