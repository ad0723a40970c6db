"""YOLOv1's rule: of the boxes of the cell that holds an object's centre, the one that fits best is
responsible."""

import torch
from torch import Tensor

from yolosses.boxes import paired_iou
from yolosses.structures import Assignment


@torch.no_grad()
def assign_responsible(
    pred_boxes: Tensor, gt_boxes: Tensor, cell: Tensor, mask: Tensor, *, num_cells: int
) -> Assignment:
    """1obj_ij: box j of cell i is responsible when its IoU with the object is the highest of the cell's
    boxes.

    Where no box of the cell overlaps the object at all, the smallest root mean square distance of (x, y, w,
    h) decides (Darknet's rule; its limit of 20 on that distance, beyond which it writes out of bounds, is
    left out). Ties go to the lowest index. A cell is responsible for one object, the first in order; the
    others are counted in ``num_dropped``.

    Args:
        pred_boxes: (B, M, K, 4) cxcywh, the boxes of each object's own cell.
        gt_boxes: (B, M, 4) cxcywh in the same frame.
        cell: (B, M) int64, the cell that holds each object's centre.
        mask: (B, M) bool, objects that take part.
        num_cells: G.

    Returns:
        One pair for each object (P = M), predictors numbered cell * K + box.
    """
    first = first_in_cell(cell, mask, num_cells=num_cells)
    iou = paired_iou(pred_boxes, gt_boxes.unsqueeze(2))
    dx, dy, dw, dh = (pred_boxes - gt_boxes.unsqueeze(2)).square().unbind(-1)
    distance = dx + dy + dw + dh  # ranks like its root
    best, rank = _largest(torch.where((iou > 0).any(-1, keepdim=True), iou, -distance))
    return Assignment(
        predictor=torch.where(first, cell * pred_boxes.shape[2] + best, 0),
        object=torch.arange(cell.shape[1], device=cell.device).expand_as(cell),
        mask=first,
        iou=torch.where(first & (rank > 0), rank, 0),
        num_dropped=(mask & ~first).sum(1),
    )


def _largest(values: Tensor) -> tuple[Tensor, Tensor]:
    """Place and value of the largest of the few (..., K), of equals the first. A NaN is larger than all, so that it
    shows in the loss."""
    most, place = values[..., 0], torch.zeros_like(values[..., 0], dtype=torch.int64)
    for box in range(1, values.shape[-1]):
        value = values[..., box]
        larger = ~(value <= most) & (most == most)
        most, place = torch.where(larger, value, most), torch.where(larger, box, place)
    return place, most


def first_in_cell(cell: Tensor, mask: Tensor, *, num_cells: int) -> Tensor:
    """(B, M) bool: the objects that come first in their cell. ``cell``: (B, M) int64; ``mask``: (B, M)
    bool."""
    order = torch.arange(cell.shape[1], device=cell.device).expand_as(cell)
    # Objects that take no part meet in an extra cell of their own, so that every shape stays constant.
    place = torch.where(mask, cell, num_cells)
    # Cells without an object are never read, and so not filled.
    first = cell.new_empty(cell.shape[0], num_cells + 1).scatter_(1, place, cell.shape[1])
    first = first.scatter_reduce_(1, place, order, "amin")
    return mask & (first.gather(1, place) == order)
