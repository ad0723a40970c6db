"""Task-aligned assignment by looking at the locations inside each object alone, one launch a level. See
`assigners.TaskAligned`, which says the rules.

Bytes moved: of each pair of an object and a location inside it the predicted box and one logit, 18 to 20 bytes, and one
atomic maximum of 8; beside them nothing larger than the claims (B, A), 8 bytes a location, which are filled, read and
decoded by three launches more. No program waits for another, and no number of pairs is known to the host.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from yolosses.kernels.triton.point_boxes import complete_iou, rounded_product

TILE = 256
"""Locations that a program looks at together."""
# Those of `assigners.alignment`, which may import kernels and not be imported.
EDGE = tl.constexpr(1e-9)
LARGEST = tl.constexpr(2**31 - 1)
NOBODY = 2**31 - 1 - 2**32
"""Below every claim, and decoded as one of the first object."""
NEVER, ALWAYS = tl.constexpr(-(2**62)), tl.constexpr(2**63 - 1)
"""Keys below and above all others."""


def take(
    pred_boxes: Tensor,
    logits: tuple[Tensor, ...],
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
    *,
    grids: tuple[tuple[int, int], ...],
    strides: tuple[float, ...],
    topk: int,
    alpha: float,
    beta: float,
    least_side: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Which locations the objects take: what `assigners.aligned_everywhere` gives for CIoU and candidates strictly
    inside, who also contest a location. All is computed in float32.

    Args:
        pred_boxes: (B, A, 4) float32, cxcywh in pixels. logits: views (B, C, n), one a level, any strides and floating
            dtype. gt_boxes: (B, M, 4) cxcywh in pixels. labels: (B, M) int64, 0 to C - 1.
        mask: (B, M) bool, objects that take part. Of the others nothing is read.
        grids: (rows, columns) of each level, of one box a cell. strides: in pixels.
        topk, alpha, beta, least_side: see `assigners.TaskAligned`.

    Returns:
        (B, M, topk) int64 locations that each object takes, best first and of equals the lowest (0 where there are no
        more), (B, M, topk) bool whether they count, and (B, A) int64 the object that gets each location if several
        take it: of those that have it inside the one with the largest CIoU, of equals the first; 0 where none has it.

    Raises:
        ValueError: ``pred_boxes`` are not float32: a key of 64 bits has no room for a place beside a longer number.
    """
    if pred_boxes.dtype != torch.float32:
        name = str(pred_boxes.dtype).removeprefix("torch.")
        raise ValueError(f"pred_boxes: expected float32 for impl='triton'; got {name}")
    (images, objects), predictors = mask.shape, pred_boxes.shape[1]
    taken = torch.empty(images, objects, topk, dtype=torch.int64, device=mask.device)
    valid = torch.empty(images, objects, topk, dtype=torch.bool, device=mask.device)
    claims = torch.full((images, predictors), NOBODY, dtype=torch.int64, device=mask.device)
    if mask.numel():
        inputs = (
            pred_boxes.contiguous(),
            gt_boxes.float().contiguous(),
            labels.contiguous(),
            mask.contiguous(),
        )
        start = 0
        for level, ((rows, cols), stride, scores) in enumerate(zip(grids, strides, logits, strict=True)):
            _take_kernel[(images, objects)](
                inputs[0], scores, *inputs[1:], taken, valid, claims, *scores.stride(),
                objects, rows, cols, start, predictors,
                float(stride), float(least_side), float(alpha), float(beta), topk, triton.next_power_of_2(topk), TILE,
                level == 0, level == len(grids) - 1,
            )  # fmt: skip
            start += rows * cols
    return taken, valid, LARGEST.value - (claims & 0xFFFFFFFF)


@triton.jit
def _power(base, exponent: tl.constexpr):
    """See `assigners.alignment.power`; the base is not negative."""
    if exponent == 0:
        return tl.full(base.shape, 1.0, base.dtype)
    if exponent == 1:
        return base
    if exponent == 0.5:
        return tl.sqrt(base)
    if exponent == 2:
        return base * base
    if exponent == 6:
        square = base * base
        return square * square * square
    positive = base > 0
    return tl.where(positive, tl.exp2(exponent * tl.log2(tl.where(positive, base, 1.0))), 0.0)


@triton.jit
def _window(low, high, stride, cells):
    """First and number of the cells along one axis whose centres may lie between two edges: one more at each end than
    there are, so that no rounding misses one."""
    first = low / stride - 0.5
    last = high / stride + 0.5
    # Bounded before they become whole numbers; a NaN is no edge.
    first = tl.where(first > 0, tl.minimum(tl.floor(first), cells), 0.0).to(tl.int32)
    last = tl.where(last > 0, tl.minimum(tl.floor(last) + 1, cells), 0.0).to(tl.int32)
    return first, tl.maximum(last - first, 0)


@triton.jit
def _load_box(boxes, mask):
    x = tl.load(boxes, mask=mask, other=0.0)
    y = tl.load(boxes + 1, mask=mask, other=0.0)
    w = tl.load(boxes + 2, mask=mask, other=0.0)
    h = tl.load(boxes + 3, mask=mask, other=0.0)
    return x, y, w, h


@triton.jit
def _key(value, number):
    """Larger for a larger value, which is not negative, and of equals for the lower number."""
    return (value.to(tl.int32, bitcast=True).to(tl.int64) << 32) + (LARGEST - number)


@triton.jit
def _keep_largest(kept, keys):
    """The largest of both, in any order. As long as one is found, it takes the place of the smallest: a key is in
    neither twice."""
    most, least = tl.max(keys, 0), tl.min(kept, 0)
    while most > least:
        kept = tl.where(kept == least, most, kept)
        keys = tl.where(keys == most, NEVER, keys)
        most, least = tl.max(keys, 0), tl.min(kept, 0)
    return kept


@triton.jit
def _take_kernel(
    pred_boxes, logits, gt_boxes, labels, mask, taken, valid, claims,
    image_stride, class_stride, location_stride, objects, rows, cols, start, predictors,
    STRIDE: tl.constexpr, LEAST_SIDE: tl.constexpr, ALPHA: tl.constexpr, BETA: tl.constexpr,
    TOPK: tl.constexpr, KEPT: tl.constexpr, TILE: tl.constexpr, FIRST: tl.constexpr, LAST: tl.constexpr,
):  # fmt: skip
    """One object and one level. Between levels ``taken`` holds the keys of the best of the levels before."""
    image, number = tl.program_id(0).to(tl.int64), tl.program_id(1)
    place = image * objects + number
    there = tl.load(mask + place) != 0
    x, y, w, h = _load_box(gt_boxes + place * 4, there)
    label = tl.load(labels + place, mask=there, other=0)
    half_w, half_h = tl.where(w < LEAST_SIDE, LEAST_SIDE, w) / 2, tl.where(h < LEAST_SIDE, LEAST_SIDE, h) / 2
    left, right, top, bottom = x - half_w, x + half_w, y - half_h, y + half_h
    col, width = _window(left, right, STRIDE, cols)
    row, height = _window(top, bottom, STRIDE, rows)
    size = tl.where(there, width * height, 0)

    slot = tl.arange(0, KEPT)
    to = taken + place * TOPK + slot
    kept = -1 - slot.to(tl.int64) if FIRST else tl.load(to, mask=slot < TOPK, other=0)
    kept = tl.where(slot < TOPK, kept, ALWAYS)
    for begin in range(0, size, TILE):
        rank = begin + tl.arange(0, TILE)
        cell_row, cell_col = row + rank // width, col + rank % width
        point_x = rounded_product(cell_col.to(tl.float32) + 0.5, STRIDE)
        point_y = rounded_product(cell_row.to(tl.float32) + 0.5, STRIDE)
        across = (point_x - left > EDGE) & (right - point_x > EDGE)
        inside = (rank < size) & across & (point_y - top > EDGE) & (bottom - point_y > EDGE)
        location = cell_row * cols + cell_col
        predictor = start + location.to(tl.int64)
        pred_x, pred_y, pred_w, pred_h = _load_box(pred_boxes + (image * predictors + predictor) * 4, inside)
        overlap = complete_iou(x - pred_x, y - pred_y, w, h, pred_w, pred_h)
        overlap = tl.where(overlap > 0, overlap, 0.0)  # a NaN counts as nothing too
        claim = _key(overlap, number + tl.zeros((TILE,), tl.int32))
        tl.atomic_max(claims + image * predictors + predictor, claim, mask=inside, sem="relaxed")

        at = logits + image * image_stride + label * class_stride + location.to(tl.int64) * location_stride
        score = 1 / (1 + tl.exp(-tl.load(at, mask=inside, other=0.0).to(tl.float32)))
        aligned = _power(score, ALPHA) * _power(overlap, BETA)
        keys = tl.where(inside & (aligned > 0), _key(aligned, predictor), NEVER)
        kept = _keep_largest(kept, keys)
    if LAST:
        kept = tl.sort(tl.where(slot < TOPK, kept, NEVER), descending=True)
        tl.store(valid + place * TOPK + slot, kept > 0, mask=slot < TOPK)
        kept = tl.where(kept > 0, LARGEST - (kept & 0xFFFFFFFF), 0)
    tl.store(to, kept, mask=slot < TOPK)
