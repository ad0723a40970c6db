"""YOLOv1's responsible boxes in one launch: the cell of each object, whether it is the first there, and the best of the
cell's boxes. See `assigners.assign_responsible`, which says the rules."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

OBJECTS = 16
"""Objects of a program."""


def responsible(
    boxes: Tensor, gt_boxes: Tensor, mask: Tensor, *, grid: tuple[int, int], roots: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Who answers for each object.

    Args:
        boxes: (B, G, K, 4), any strides: x, y in cell units, and w, h or with ``roots`` their square roots.
        gt_boxes: (B, M, 4) cxcywh, fractions of the image. mask: (B, M) bool, objects that take part.

    Returns:
        (B, M) predictor int64, whether the object is answered for, and the IoU (0 where not; at least float32).
    """
    images, objects = mask.shape
    dtype = torch.promote_types(torch.promote_types(boxes.dtype, gt_boxes.dtype), torch.float32)
    predictor = torch.empty(images, objects, dtype=torch.int64, device=mask.device)
    first = torch.empty_like(mask, memory_format=torch.contiguous_format)
    iou = torch.empty(images, objects, dtype=dtype, device=mask.device)
    if mask.numel():
        _responsible_kernel[(images, triton.cdiv(objects, OBJECTS))](
            boxes, gt_boxes.contiguous(), mask.contiguous(), predictor, first, iou, *boxes.stride(),
            objects, *grid, boxes.shape[2], roots, OBJECTS,
        )  # fmt: skip
    return predictor, first, iou


@triton.jit
def _cell(x, y, rows, cols):
    """Column and row of a centre, found in float32, whole numbers in it."""
    col = tl.minimum(tl.maximum(tl.floor(x.to(tl.float32) * cols), 0.0), cols - 1.0)
    row = tl.minimum(tl.maximum(tl.floor(y.to(tl.float32) * rows), 0.0), rows - 1.0)
    return col, row


@triton.jit
def _common(apart, size, gt_size):
    """Length that two intervals share, whose centres are so far apart: see `boxes.paired_iou`."""
    low = tl.maximum(apart - size / 2, -gt_size / 2)
    high = tl.minimum(apart + size / 2, gt_size / 2)
    return tl.maximum(high - low, 0.0)


@triton.jit
def _responsible_kernel(
    boxes, gt_boxes, mask, predictor, first, iou,
    image_stride, cell_stride, box_stride, number_stride, objects, rows, cols, k,
    ROOTS: tl.constexpr, OBJECTS: tl.constexpr,
):  # fmt: skip
    image = tl.program_id(0).to(tl.int64)
    dtype: tl.constexpr = iou.dtype.element_ty
    number = tl.program_id(1) * OBJECTS + tl.arange(0, OBJECTS)
    place = image * objects + number
    takes_part = tl.load(mask + place, mask=number < objects, other=0) != 0
    # Padding may hold any numbers, so that they are not read.
    gt = gt_boxes + place * 4
    x = tl.load(gt, mask=takes_part, other=0.5).to(dtype)
    y = tl.load(gt + 1, mask=takes_part, other=0.5).to(dtype)
    gt_w = tl.load(gt + 2, mask=takes_part, other=0.5).to(dtype)
    gt_h = tl.load(gt + 3, mask=takes_part, other=0.5).to(dtype)
    col, row = _cell(x, y, rows, cols)
    before = tl.zeros((OBJECTS,), tl.int32)
    for other in range(objects):
        that = image * objects + other
        there = tl.load(mask + that + tl.zeros((OBJECTS,), tl.int32)) != 0
        other_x = tl.load(gt_boxes + that * 4 + tl.zeros((OBJECTS,), tl.int32), mask=there, other=0.5)
        other_y = tl.load(gt_boxes + that * 4 + 1 + tl.zeros((OBJECTS,), tl.int32), mask=there, other=0.5)
        other_col, other_row = _cell(other_x, other_y, rows, cols)
        same = there & (other_col == col) & (other_row == row) & (number > other)
        before += same.to(tl.int32)
    answered = takes_part & (before == 0)

    cell = (row * cols + col).to(tl.int64)
    gt_x, gt_y = (x * cols - col) / cols, (y * rows - row) / rows
    best_iou, nearest = tl.zeros((OBJECTS,), dtype), tl.full((OBJECTS,), float("inf"), dtype)
    best_box, nearest_box = tl.zeros((OBJECTS,), tl.int64), tl.zeros((OBJECTS,), tl.int64)
    for box in range(k):
        at = boxes + image * image_stride + cell * cell_stride + box * box_stride
        px = tl.load(at, mask=answered, other=0.0).to(dtype) / cols
        py = tl.load(at + number_stride, mask=answered, other=0.0).to(dtype) / rows
        w = tl.load(at + 2 * number_stride, mask=answered, other=0.0).to(dtype)
        h = tl.load(at + 3 * number_stride, mask=answered, other=0.0).to(dtype)
        if ROOTS:
            w, h = w * w, h * h
        common = _common(px - gt_x, w, gt_w) * _common(py - gt_y, h, gt_h)
        union = w * h + gt_w * gt_h - common
        overlaps = (common > 0) & (union > 0)
        value = tl.where(overlaps, common / tl.where(overlaps, union, 1.0), 0.0)
        better = value > best_iou
        best_iou, best_box = tl.where(better, value, best_iou), tl.where(better, box, best_box)
        dx, dy, dw, dh = px - gt_x, py - gt_y, w - gt_w, h - gt_h
        distance = dx * dx + dy * dy + dw * dw + dh * dh
        # A distance that is not a number is the nearest, so that it shows in the loss.
        nearer = (distance < nearest) | (distance != distance)
        nearest, nearest_box = tl.where(nearer, distance, nearest), tl.where(nearer, box, nearest_box)
    chosen = tl.where(best_iou > 0, best_box, nearest_box)
    inside = number < objects
    tl.store(predictor + place, tl.where(answered, cell * k + chosen, 0), mask=inside)
    tl.store(first + place, answered, mask=inside)
    tl.store(iou + place, tl.where(answered, best_iou, 0.0), mask=inside)
