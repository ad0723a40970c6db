"""YOLOv5's rule: every anchor of about the object's size, in the object's cell and the cells beside it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.codecs import Levels

OFFSETS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (-0.5, 0.0), (0.0, -0.5))
"""What is taken from a centre, in cells, to come to its own cell and to the left, upper, right and lower one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AnchorPairs:
    """Pairs of predictors and objects, N = L * 5 * K * M an image: level by level, then by cell (own, left, upper,
    right, lower), anchor and object.

    Attributes:
        predictor, object: (B, N) int64; 0 where ``mask`` (B, N) is False.
    """

    predictor: Tensor
    object: Tensor
    mask: Tensor


@torch.no_grad()
def match_anchors(
    boxes: Tensor, mask: Tensor, *, levels: Levels, anchors: Tensor, threshold: float
) -> AnchorPairs:
    """An anchor fits an object when neither its width nor its height is more than ``threshold`` times larger or smaller
    (strict). It is then assigned to the object in the cell of the object's centre, and in the nearer neighbours of that
    cell: the left one if the centre lies in the left half of its cell, and so on, where there is a cell. A centre in
    the very middle of a cell has no neighbour; one on the border of two belongs to the later, which then also stands in
    for the neighbour beyond.

    Args:
        boxes: (B, M, 4) cxcywh, fractions of the image; finite also in padding. mask: (B, M) bool.
        anchors: (L, K, 2) w, h in the unit of ``levels.strides``.
    """
    images, objects = mask.shape
    k = levels.boxes_per_cell
    everyone = torch.arange(objects, device=mask.device).expand(images, len(OFFSETS), k, objects)
    predictors, masks = [], []
    maps = zip(levels.grids, levels.spans, levels.strides, strict=True)
    for level, ((rows, cols), (down, across), stride) in enumerate(maps):
        x, y, w, h = boxes.unbind(-1)
        x, y = x * across, y * down  # in cells
        size = torch.stack((w * across, h * down), -1)
        ratio = size[:, None] / (anchors[level] / stride).to(boxes.dtype)[None, :, None]  # (B, K, M, 2)
        fits = (torch.maximum(ratio, 1 / ratio).amax(-1) < threshold) & mask[:, None]
        beside = _beside(x, y, cols, rows)  # (B, 5, M)
        for_cell = []
        for dx, dy in OFFSETS:
            col = (x - dx).long().clamp(0, cols - 1)
            row = (y - dy).long().clamp(0, rows - 1)
            for_cell.append(row * cols + col)
        cell = torch.stack(for_cell, 1)[:, :, None].expand(-1, -1, k, -1)
        box = torch.arange(k, device=mask.device)[:, None]
        predictors.append((levels.starts[level] + box * rows * cols + cell).flatten(1))
        masks.append((fits[:, None] & beside[:, :, None]).flatten(1))
    pairs = torch.cat(masks, 1)
    return AnchorPairs(
        predictor=torch.where(pairs, torch.cat(predictors, 1), 0),
        object=torch.where(pairs, everyone.flatten(1).repeat(1, len(levels.grids)), 0),
        mask=pairs,
    )


def _beside(x: Tensor, y: Tensor, cols: int, rows: int) -> Tensor:
    """(B, 5, M) bool: which of the five cells take part, for centres in cells."""
    own = torch.ones_like(x, dtype=torch.bool)
    sides = [(place.frac() < 0.5) & (place > 1) for place in (x, y, cols - x, rows - y)]
    return torch.stack((own, *sides), 1)
