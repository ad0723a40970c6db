"""What the loops of `numba` and the kernels of `triton` have in common: arguments, schemas of operators and shapes of
results. Arguments are described here, once.

Sizes: B images, M objects, P pairs, A locations or predictors of all levels, C classes, R bins, n locations of a level.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ASSIGNED = (
    "(Tensor pred_boxes, Tensor[] logits, Tensor gt_boxes, Tensor labels, Tensor mask, SymInt[] sides, float[] strides,"
    " SymInt topk, float alpha, float beta, float least_side, bool keep_best)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
"""Task-aligned assignment, see `assigners.TaskAligned`.

pred_boxes: (B, A, 4) cxcywh in pixels. logits: (B, C, n) of each level, any strides and floating dtype.
gt_boxes: (B, M, 4) cxcywh in pixels. labels: (B, M). mask: (B, M) bool, objects that take part.
grids: (rows, columns) of each level; sides: the same numbers in one list. strides: of the levels.
topk: at most A. alpha, beta, least_side, keep_best: see `assigners.TaskAligned`.

Returns (B, M * topk) predictor, object, mask, IoU and quality, see `Assignment`; and (B,) how many objects have none.
"""
POINT_TABLES = (
    "int bins, SymInt[] sides, float[] strides, float smoothing, Tensor predictor, Tensor object, Tensor mask,"
    " Tensor quality, Tensor boxes, Tensor labels, Tensor? weight, Tensor? location_weight, Tensor? class_weight,"
    " Tensor[] parts"
)
"""The three sums of YOLOv8's terms: 1 - CIoU, the cross-entropies of the classes, and the mean over the sides of the
distribution focal loss (with R = 1 of the absolute error in parts of the image).

bins: R. sides: rows and columns of each level one after the other. strides: of the levels. smoothing: of the labels.
predictor, object, mask, quality: (B, P) of an assignment; a location is in one pair with a true mask at most.
boxes: (B, M, 4) cxcywh in pixels, labels: (B, M), weight: (B, M) or None, of the objects.
location_weight: (B, A) of the cross-entropies, or None. class_weight: (C,) or None.
parts: see `codecs.point.tensors_of`, any strides and floating dtype.

Returns (B, 3) the sums of the boxes, the classes and the sides of each image, at least float32, differentiable once in
``parts``. A predictor or object that does not exist: numba raises IndexError, triton returns NaN for the image.
"""
GRID = "SymInt[] layout, SymInt[] shape, bool roots"
"""The five sums xy, wh, obj, noobj, cls of YOLOv1's squared errors.

raw: (B, L), contiguous. layout: see `codecs.GridCodec.offsets`. shape: rows, columns, boxes a cell, classes.
roots: whether ``raw`` has the square roots of sizes.
objects: boxes (B, M, 4) cxcywh as fractions of the image, labels (B, M), weight (B, M) or None. class_weight: (C,) or
None. mask: (B, M) bool, objects that take part; nothing is read of the others.
overlaps: whether the target of a responsible box's confidence is its IoU, else 1.
pairs: predictor, object and mask (B, P) of a given assignment; a predictor is in one pair with a true mask at most.
confidence: (B, P), the targets of the pairs' confidences; None: 1. spared: (B, A) bool or None: predictors that are not
background.

Returns (B, 5) sums of each image, differentiable once in ``raw``. Where responsible boxes are found, also (B, M)
predictor int64, whether it is responsible for the object, and their IoU (0 where not); (B,) how many objects have none.
"""


def empty_assignment(
    pred_boxes: Tensor, logits: object, gt_boxes: object, labels: object, mask: Tensor, sides: object, strides: object,
    topk: int, *_: object,
) -> tuple[Tensor, ...]:  # fmt: skip
    """What `ASSIGNED` returns, not yet written."""
    images, objects = mask.shape
    pairs = (images, objects * topk)
    predictor, object = (mask.new_empty(pairs, dtype=torch.int64) for _ in range(2))
    iou, quality = (pred_boxes.new_empty(pairs) for _ in range(2))
    dropped = mask.new_empty(images, dtype=torch.int64)
    return predictor, object, mask.new_empty(pairs), iou, quality, dropped


def empty_gradients(parts: list[Tensor]) -> list[Tensor]:
    """Like ``parts``, made of flattened maps, so that every layout in memory can be written to."""
    return [torch.empty_like(part.flatten(2)).view(part.shape) for part in parts]


def sides_of(grids: Sequence[tuple[int, int]]) -> list[int]:
    """Rows and columns of each level one after the other."""
    return [side for grid in grids for side in grid]
