"""YOLOv1's five sums of squared errors and their gradient, one launch each.

Bytes moved: forward reads the confidences, and of other numbers those of the pairs alone; backward reads these once
more and writes every number of the gradient once.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

PAIRS, CELLS = 16, 32
"""Pairs of a tile of the forward kernel, cells of one of the backward kernel."""


def squared_error_sums(
    boxes: Tensor,
    confidence: Tensor,
    classes: Tensor,
    predictor: Tensor,
    target: Tensor,
    weight: Tensor,
    background: Tensor,
) -> Tensor:
    """The sums xy, wh, obj, noobj, cls of each image.

    Args:
        boxes: (B, G, K, 4), confidence: (B, G, K), classes: (B, G, C), parts of one output, any strides.
        predictor: (B, P) int64, cell * K + box; a pair that does not count has weight 0.
        target: (B, P, 5 + C) and weight: (B, P, 5 + C) of x, y, w, h, confidence, classes; at least float32.
        background: (B, A) bool.

    Returns:
        (B, 5) in the dtype of ``target``.
    """
    images, pairs, columns = target.shape
    sums = torch.empty(images, 5, dtype=target.dtype, device=target.device)
    weight = weight.expand_as(target)
    if images:
        _sums_kernel[(images,)](
            boxes, confidence, classes, predictor.contiguous(), target.contiguous(), weight, background.contiguous(),
            sums, *boxes.stride(), *confidence.stride(), *classes.stride(), *weight.stride(),
            pairs, confidence.shape[1] * confidence.shape[2], confidence.shape[2], columns - 5,
            PAIRS, triton.next_power_of_2(columns - 5), 256,
        )  # fmt: skip
    return sums


def write_squared_error_gradient(
    gradients: tuple[Tensor, Tensor, Tensor],
    parts: tuple[Tensor, Tensor, Tensor],
    predictor: Tensor,
    target: Tensor,
    weight: Tensor,
    background: Tensor,
    of_sums: Tensor,
) -> None:
    """Into ``gradients``, like ``parts`` (boxes, confidence, classes): the gradient of `squared_error_sums` times
    ``of_sums`` (B, 5). Every number is written."""
    images, pairs, columns = target.shape
    boxes, confidence, classes = parts
    cells, k = confidence.shape[1:]
    weight = weight.expand_as(target)
    if images:
        _gradient_kernel[(images, triton.cdiv(cells, CELLS))](
            boxes, confidence, classes, *gradients, predictor.contiguous(), target.contiguous(), weight,
            background.contiguous(), of_sums.contiguous(), *boxes.stride(), *confidence.stride(), *classes.stride(),
            *gradients[0].stride(), *gradients[1].stride(), *gradients[2].stride(), *weight.stride(),
            pairs, cells, k, columns - 5,
            CELLS, triton.next_power_of_2(k), triton.next_power_of_2(columns - 5),
        )  # fmt: skip


@triton.jit
def _sums_kernel(
    boxes, confidence, classes, predictor, target, weight, background, sums,
    bi, bg, bk, bj, ci, cg, ck, pi, pg, pc, wi, wp, we,
    pairs, predictors, k, num_classes,
    PAIRS: tl.constexpr, CLASSES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One image. Strides: of boxes by image, cell, box, number; of confidence, of classes, of weight."""
    image = tl.program_id(0).to(tl.int64)
    dtype: tl.constexpr = sums.dtype.element_ty
    noobj = tl.zeros((BLOCK,), dtype)
    for start in range(0, predictors, BLOCK):
        place = start + tl.arange(0, BLOCK)
        alone = tl.load(background + image * predictors + place, mask=place < predictors, other=0) != 0
        at = confidence + image * ci + (place // k) * cg + (place % k) * ck
        value = tl.load(at, mask=alone, other=0.0).to(dtype)
        noobj += value * value
    centre, size = tl.zeros((PAIRS,), dtype), tl.zeros((PAIRS,), dtype)
    obj, cls = tl.zeros((PAIRS,), dtype), tl.zeros((PAIRS, CLASSES), dtype)
    label = tl.arange(0, CLASSES)
    for start in range(0, pairs, PAIRS):
        pair = start + tl.arange(0, PAIRS)
        there = pair < pairs
        who = tl.load(predictor + image * pairs + pair, mask=there, other=0)
        cell, box = who // k, who % k
        row, of = target + (image * pairs + pair) * (5 + num_classes), weight + image * wi + pair * wp
        for j in tl.static_range(5):
            if j < 4:
                at = boxes + image * bi + cell * bg + box * bk + j * bj
            else:
                at = confidence + image * ci + cell * cg + box * ck
            factor = tl.load(of + j * we, mask=there, other=0.0).to(dtype)
            # Where a pair does not count its numbers may be anything, and are not read.
            counts = there & (factor != 0)
            error = tl.load(at, mask=counts, other=0.0).to(dtype) - tl.load(row + j, mask=counts, other=0.0)
            square = error * error * factor
            if j < 2:
                centre += square
            elif j < 4:
                size += square
            else:
                obj += square
        tile = there[:, None] & (label < num_classes)[None, :]
        factor = tl.load(of[:, None] + (5 + label)[None, :] * we, mask=tile, other=0.0).to(dtype)
        tile = tile & (factor != 0)
        at = classes + image * pi + cell[:, None] * pg + label[None, :] * pc
        error = tl.load(at, mask=tile, other=0.0).to(dtype) - tl.load(
            row[:, None] + 5 + label[None, :], mask=tile, other=0.0
        )
        cls += error * error * factor
    out = sums + image * 5
    tl.store(out, tl.sum(centre, 0))
    tl.store(out + 1, tl.sum(size, 0))
    tl.store(out + 2, tl.sum(obj, 0))
    tl.store(out + 3, tl.sum(noobj, 0))
    tl.store(out + 4, tl.sum(tl.sum(cls, 1), 0))


@triton.jit
def _gradient_kernel(
    boxes, confidence, classes, of_boxes, of_confidence, of_classes,
    predictor, target, weight, background, of_sums,
    bi, bg, bk, bj, ci, cg, ck, pi, pg, pc, gbi, gbg, gbk, gbj, gci, gcg, gck, gpi, gpg, gpc, wi, wp, we,
    pairs, cells, k, num_classes,
    CELLS: tl.constexpr, BOXES: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Some cells of an image: all their numbers, to which each pair of the cells adds its own."""
    image = tl.program_id(0).to(tl.int64)
    dtype: tl.constexpr = of_sums.dtype.element_ty
    cell = tl.program_id(1) * CELLS + tl.arange(0, CELLS)
    box, label = tl.arange(0, BOXES), tl.arange(0, CLASSES)
    tile = (cell < cells)[:, None] & (box < k)[None, :]
    class_tile = (cell < cells)[:, None] & (label < num_classes)[None, :]
    factor = of_sums + image * 5
    of_xy, of_wh, of_obj = 2 * tl.load(factor), 2 * tl.load(factor + 1), 2 * tl.load(factor + 2)
    of_noobj, of_cls = 2 * tl.load(factor + 3), 2 * tl.load(factor + 4)

    at = confidence + image * ci + cell[:, None] * cg + box[None, :] * ck
    alone = (
        tl.load(background + image * cells * k + cell[:, None] * k + box[None, :], mask=tile, other=0) != 0
    )
    conf = tl.load(at, mask=tile & alone, other=0.0).to(dtype) * of_noobj
    x, y = tl.zeros((CELLS, BOXES), dtype), tl.zeros((CELLS, BOXES), dtype)
    w, h = tl.zeros((CELLS, BOXES), dtype), tl.zeros((CELLS, BOXES), dtype)
    cls = tl.zeros((CELLS, CLASSES), dtype)
    at_box = boxes + image * bi + cell[:, None] * bg + box[None, :] * bk
    at_class = classes + image * pi + cell[:, None] * pg + label[None, :] * pc
    for pair in range(pairs):
        who = tl.load(predictor + image * pairs + pair)
        row, of = target + (image * pairs + pair) * (5 + num_classes), weight + image * wi + pair * wp
        here = (cell == who // k)[:, None]
        hit = tile & here & (box == who % k)[None, :]
        for j in tl.static_range(5):
            share = tl.where(hit, tl.load(of + j * we).to(dtype), 0.0)
            counts = share != 0
            at_number = at_box + j * bj if j < 4 else at
            error = tl.load(at_number, mask=counts, other=0.0).to(dtype) - tl.load(row + j)
            error = tl.where(counts, error * share, 0.0)
            if j == 0:
                x += error * of_xy
            elif j == 1:
                y += error * of_xy
            elif j == 2:
                w += error * of_wh
            elif j == 3:
                h += error * of_wh
            else:
                conf += error * of_obj
        share = tl.load(of + (5 + label) * we, mask=label < num_classes, other=0.0).to(dtype)
        share = tl.where(class_tile & here, share[None, :], 0.0)
        counts = share != 0
        wanted = tl.load(row + 5 + label, mask=label < num_classes, other=0.0)
        error = tl.load(at_class, mask=counts, other=0.0).to(dtype) - wanted[None, :]
        cls += tl.where(counts, error * share, 0.0) * of_cls
    out: tl.constexpr = of_boxes.dtype.element_ty
    to = of_boxes + image * gbi + cell[:, None] * gbg + box[None, :] * gbk
    tl.store(to, x.to(out), mask=tile)
    tl.store(to + gbj, y.to(out), mask=tile)
    tl.store(to + 2 * gbj, w.to(out), mask=tile)
    tl.store(to + 3 * gbj, h.to(out), mask=tile)
    tl.store(of_confidence + image * gci + cell[:, None] * gcg + box[None, :] * gck, conf.to(out), mask=tile)
    tl.store(
        of_classes + image * gpi + cell[:, None] * gpg + label[None, :] * gpc, cls.to(out), mask=class_tile
    )
