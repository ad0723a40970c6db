"""The YOLOv1 loss as it is usually written well: dense (B, S, S, ...) targets, masks, sums of squares.

The contestant that `YOLOv1Loss` is measured against. It has no loop and no host synchronisation, and follows the same
rules (first object wins a cell, lowest index on ties, nearest box where nothing overlaps), so its value and gradient
are those of `YOLOv1Loss` with its defaults. It knows no weights, ignored regions or options.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from yolosses import Targets


class PlainYOLOv1Loss(nn.Module):
    """``(raw (B, S, S, 5K+C) or flat, targets) -> scalar``, the mean over images."""

    def __init__(
        self,
        grid: int = 7,
        boxes_per_cell: int = 2,
        num_classes: int = 20,
        lambda_coord: float = 5.0,
        lambda_noobj: float = 0.5,
    ) -> None:
        super().__init__()
        self.grid, self.boxes_per_cell, self.num_classes = grid, boxes_per_cell, num_classes
        self.lambda_coord, self.lambda_noobj = lambda_coord, lambda_noobj

    def forward(self, raw: Tensor, targets: Targets) -> Tensor:
        s, k, c = self.grid, self.boxes_per_cell, self.num_classes
        pred = raw.view(-1, s, s, 5 * k + c)
        boxes = pred[..., : 5 * k].reshape(-1, s, s, k, 5)
        xy, root, confidence = boxes[..., :2], boxes[..., 2:4], boxes[..., 4]
        classes = pred[..., 5 * k :]

        has_object, offset, size, label = self.dense_targets(targets)
        with torch.no_grad():
            pred_box = torch.cat((xy / s, root.square()), -1)
            true_box = torch.cat((offset / s, size), -1).unsqueeze(3)
            iou = iou_of(pred_box, true_box)
            distance = (pred_box - true_box).square().sum(-1)
            rank = torch.where((iou > 0).any(-1, keepdim=True), iou, -distance)
            best = F.one_hot(rank.argmax(-1), k).bool()
        obj = (best & has_object.unsqueeze(-1)).to(raw.dtype)  # 1obj_ij
        noobj = 1 - obj
        has = has_object.unsqueeze(-1).to(raw.dtype)  # 1obj_i
        one_hot = F.one_hot(label, c).to(raw.dtype)

        loss_xy = (obj.unsqueeze(-1) * (xy - offset.unsqueeze(3)).square()).sum()
        loss_wh = (obj.unsqueeze(-1) * (root - size.sqrt().unsqueeze(3)).square()).sum()
        loss_obj = (obj * (confidence - iou).square()).sum()
        loss_noobj = (noobj * confidence.square()).sum()
        loss_cls = (has * (classes - one_hot).square()).sum()
        total = self.lambda_coord * (loss_xy + loss_wh) + loss_obj + self.lambda_noobj * loss_noobj + loss_cls
        return total / raw.shape[0]

    def dense_targets(self, targets: Targets) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of each cell's first object: whether there is one (B, S, S), its offset and size (B, S, S, 2), its label."""
        s, (images, objects) = self.grid, targets.mask.shape
        place = targets.boxes[..., :2] * s
        col_row = place.long().clamp(0, s - 1)
        cell = torch.where(
            targets.mask, col_row[..., 1] * s + col_row[..., 0], s * s
        )  # padding: an extra cell
        order = torch.arange(objects, device=cell.device).expand_as(cell)
        owner = cell.new_full((images, s * s + 1), objects).scatter_reduce(1, cell, order, "amin")[:, : s * s]
        first = targets.mask & (
            torch.cat((owner, owner.new_full((images, 1), -1)), 1).gather(1, cell) == order
        )
        cell = torch.where(first, cell, s * s)

        def scatter(values: Tensor) -> Tensor:
            dense = values.new_zeros(images, s * s + 1, *values.shape[2:])
            index = cell if values.ndim == 2 else cell.unsqueeze(-1).expand_as(values)
            return dense.scatter(1, index, values)[:, : s * s].unflatten(1, (s, s))

        boxes = scatter(torch.cat((place - col_row, targets.boxes[..., 2:]), -1))
        return scatter(first), boxes[..., :2], boxes[..., 2:], scatter(targets.labels)


def iou_of(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU of boxes cxcywh that belong together; 0 where they do not overlap."""
    low = torch.maximum(boxes1[..., :2] - boxes1[..., 2:] / 2, boxes2[..., :2] - boxes2[..., 2:] / 2)
    high = torch.minimum(boxes1[..., :2] + boxes1[..., 2:] / 2, boxes2[..., :2] + boxes2[..., 2:] / 2)
    intersection = (high - low).clamp(min=0).prod(-1)
    union = boxes1[..., 2:].prod(-1) + boxes2[..., 2:].prod(-1) - intersection
    return torch.where(intersection > 0, intersection / union.clamp(min=1e-12), 0)
