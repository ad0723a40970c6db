"""One small batch whose every value is known by hand: grid 2 x 3, two boxes a cell, two classes."""

import torch
from torch import Tensor

import yolosses as yl

NAMES = ("cat", "dog")


def loss_fn(**changes: object) -> yl.YOLOv1Loss:
    return yl.YOLOv1Loss(**{"grid": (2, 3), "boxes_per_cell": 2, "num_classes": 2, **changes})


def scene() -> tuple[Tensor, yl.Targets]:
    """Image 0: a dog in cell (1,2), of which box 1 holds a good part; a cat in the same cell that is dropped; an
    ignored region at the left edge. Image 1: nothing, but box 0 of cell (0,1) is confident."""
    raw = torch.zeros(2, 2, 3, 12)
    cell = raw[0, 1, 2]
    cell[5:10] = torch.tensor([0.25, 0.5, 0.5, 0.4, 0.1])  # box 1: x, y, sqrt w, sqrt h, confidence
    cell[0:5] = torch.tensor([0.0, 0.0, 0.1, 0.1, 0.3])  # box 0
    cell[10:] = torch.tensor([0.75, 0.2])
    raw[1, 0, 1, 4] = 0.9
    targets = yl.Targets.from_cxcywh(
        [
            torch.tensor([[2.5 / 3, 0.75, 0.36, 0.25], [2.25 / 3, 0.6, 0.1, 0.1], [0.05, 0.2, 0.05, 0.05]]),
            torch.zeros(0, 4),
        ],
        [torch.tensor([1, 0, 0]), torch.zeros(0, dtype=torch.int64)],
        ignore=[torch.tensor([False, False, True]), torch.zeros(0, dtype=torch.bool)],
    )
    return raw, targets
