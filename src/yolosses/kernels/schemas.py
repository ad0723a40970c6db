"""What the operators of loops and those of Triton's kernels have in common: arguments, and what they give."""

from __future__ import annotations

import torch
from torch import Tensor

ASSIGNED = (
    "(Tensor pred_boxes, Tensor[] logits, Tensor gt_boxes, Tensor labels, Tensor mask, int[] sides, float[] strides,"
    " int topk, float alpha, float beta, float least_side, bool keep_best)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
"""Of task-aligned assignment."""
POINT_TABLES = (
    "int bins, int[] sides, float[] strides, float smoothing, Tensor predictor, Tensor object, Tensor mask,"
    " Tensor quality, Tensor boxes, Tensor labels, Tensor? weight, Tensor? location_weight, Tensor? class_weight,"
    " Tensor[] parts"
)
"""Of the three sums of YOLOv8's terms, and of their gradient."""


def empty_assignment(
    pred_boxes: Tensor, logits: object, gt_boxes: object, labels: object, mask: Tensor, sides: object, strides: object,
    topk: int, *_: object,
) -> tuple[Tensor, ...]:  # fmt: skip
    """(B, M * topk) predictor, object, mask, IoU and quality, and (B,) of the objects that have none; not yet
    written."""
    pairs = (len(mask), mask.shape[1] * topk)
    predictor, object = (mask.new_empty(pairs, dtype=torch.int64) for _ in range(2))
    iou, quality = (pred_boxes.new_empty(pairs) for _ in range(2))
    dropped = mask.new_empty(len(mask), dtype=torch.int64)
    return predictor, object, mask.new_empty(pairs), iou, quality, dropped


def empty_gradients(parts: list[Tensor]) -> list[Tensor]:
    """Like ``parts``, maps flattened in between, so that every layout in memory can be written to."""
    return [torch.empty_like(part.flatten(2)).view(part.shape) for part in parts]
