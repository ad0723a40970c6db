"""YOLOv1's five sums of squared errors and their gradient, one loop each: of the confidences, and of the numbers of the
pairs. Nothing of the size of the output is made but the gradient, which is written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from yolosses import host
from yolosses.kernels.numba.loops import compiled, operator, over_images
from yolosses.kernels.numba.responsible import assign_loop, empty

TOGETHER = 16
"""Images that stay in the cache."""


def squared_error_sums(
    raw: Tensor,
    layout: list[int],
    shape: list[int],
    roots: bool,
    pairs: tuple[Tensor, Tensor, Tensor],
    confidence: Tensor | None,
    objects: tuple[Tensor, Tensor, Tensor | None],
    class_weight: Tensor | None,
    spared: Tensor | None,
) -> Tensor:
    """The sums xy, wh, obj, noobj, cls of each image: (B, 5), differentiable in ``raw``.

    Args:
        raw: (B, L) float32 or float64, contiguous. layout: see `codecs.GridCodec.offsets`.
        shape: rows, columns, boxes a cell, classes. roots: whether ``raw`` has the square roots of sizes.
        pairs: predictor, object and mask (B, P) of an assignment.
        confidence: (B, P), what the confidences of the pairs should be; None: 1.
        objects: boxes (B, M, 4) cxcywh fractions, labels (B, M), weight (B, M) or None.
        class_weight: (C,) or None. spared: (B, A) bool or None: predictors that are no background.
    """
    boxes, labels, weight = objects
    tables = (*pairs, confidence, boxes, labels, weight, class_weight, spared)
    sums: Tensor = _Sums.apply(raw, layout, shape, roots, *tables)
    return sums


def assigned_error_sums(
    raw: Tensor,
    layout: list[int],
    shape: list[int],
    roots: bool,
    objects: tuple[Tensor, Tensor, Tensor | None],
    mask: Tensor,
    class_weight: Tensor | None,
    overlaps: bool,
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """`squared_error_sums` of the pairs of `responsible`, and what that returns. ``overlaps``: whether the confidences
    should be the IoUs, else 1."""
    sums, *found = _AssignedSums.apply(raw, layout, shape, roots, overlaps, *objects, mask, class_weight)
    predictor, first, iou, num_dropped = found
    return sums, (predictor, first, iou, num_dropped)


class _AssignedSums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, raw: Tensor, layout: list[int], shape: list[int], roots: bool, overlaps: bool, boxes: Tensor,
        labels: Tensor, weight: Tensor | None, mask: Tensor, class_weight: Tensor | None,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        run = torch.ops.yolosses.assigned_error_sums if torch.compiler.is_compiling() else _assign_and_add
        sums, rest, predictor, first, iou, num_dropped = run(
            raw, layout, shape, roots, overlaps, boxes, labels, weight, mask, class_weight
        )
        ctx.mark_non_differentiable(predictor, first, iou, num_dropped)
        tables = predictor, first, iou if overlaps else None, boxes, labels, weight, class_weight
        ctx.save_for_backward(raw, rest, *tables)
        ctx.rest = layout, shape, roots
        return sums, predictor, first, iou, num_dropped

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_sums: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        raw, rest, predictor, first, *tables = ctx.saved_tensors
        return _pulled(of_sums, raw, rest, *ctx.rest, predictor, None, first, *tables), *(None,) * 9


def _assign_and_add(
    raw: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool, overlaps: bool, boxes: Tensor,
    labels: Tensor, weight: Tensor | None, mask: Tensor, class_weight: Tensor | None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """See `assigned_error_sums`; and what `_add` returns beside the sums."""
    found, out = empty(raw, boxes, mask), _empty(raw, layout, shape)
    predictor, first, iou, _ = found
    arrays = _arrays(
        raw, predictor, None, first, iou if overlaps else None, boxes, labels, weight, class_weight, None
    )
    over_images(
        _assigned_sum_loop, len(raw), _work(arrays), mask.contiguous().numpy(), tuple(part.numpy() for part in found),
        tuple(layout), tuple(shape), roots, arrays, *(part.numpy() for part in out),
    )  # fmt: skip
    return *out, *found


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, raw: Tensor, layout: list[int], shape: list[int], roots: bool, *tables: Tensor | None
    ) -> Tensor:
        ctx.rest = layout, shape, roots
        add = torch.ops.yolosses.squared_error_sums if torch.compiler.is_compiling() else _add
        sums, rest = add(raw, layout, shape, roots, *tables)
        ctx.save_for_backward(raw, rest, *tables[:-1])
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_sums: Tensor) -> tuple[Tensor | None, ...]:
        raw, rest, *tables = ctx.saved_tensors
        return _pulled(of_sums, raw, rest, *ctx.rest, *tables), *(None,) * 12


def _pulled(*arguments: Any) -> Tensor:
    pull = torch.ops.yolosses.squared_error_gradient if torch.compiler.is_compiling() else _pull
    gradient: Tensor = pull(*arguments)
    return gradient


def _add(
    raw: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool, *tables: Tensor | None
) -> tuple[Tensor, Tensor]:
    """See `squared_error_sums`; and the confidences (B, A) of the background, 0 elsewhere."""
    sums, rest = _empty(raw, layout, shape)
    arrays = _arrays(raw, *tables)
    over_images(
        _sum_loop, len(raw), _work(arrays), tuple(layout), tuple(shape), roots, *arrays, sums.numpy(), rest.numpy()
    )  # fmt: skip
    return sums, rest


def _empty(raw: Tensor, layout: Sequence[int], shape: Sequence[int], *rest: object) -> tuple[Tensor, Tensor]:
    """What `_add` returns, not yet written."""
    rows, cols, k, _classes = shape
    return raw.new_empty(len(raw), 5), raw.new_empty(len(raw), rows * cols * k)


def _pull(
    of_sums: Tensor, raw: Tensor, rest: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool,
    *tables: Tensor | None,
) -> Tensor:  # fmt: skip
    """The gradient of the sums."""
    gradient = host.empty(*raw.shape, dtype=raw.dtype)
    arrays = _arrays(raw, *tables, None)
    over_images(
        _gradient_loop, len(raw), _work(arrays), tuple(layout), tuple(shape), roots, *arrays,
        of_sums.contiguous().numpy(), rest.numpy(), gradient.numpy(),
    )  # fmt: skip
    return gradient


def _arrays(raw: Tensor, *tables: Tensor | None) -> tuple[np.ndarray, ...]:
    """What the loops read. Where there is nothing an array without numbers stands in. The confidences are no copy, as
    they may not be there yet."""
    predictor, object, mask, confidence, boxes, labels, weight, class_weight, spared = tables
    assert boxes is not None
    values = raw.detach().numpy()

    def like(table: Tensor | None, dimensions: int, dtype: Any = values.dtype) -> np.ndarray:
        if table is None:
            return np.empty((0,) * dimensions, values.dtype if dtype is None else dtype)
        return np.ascontiguousarray(table.detach().numpy(), dtype)

    return (
        values, like(predictor, 2, np.int64), like(object, 2, np.int64), like(mask, 2, np.bool_),
        like(confidence, 2, None),
        np.ascontiguousarray(boxes.numpy()), like(labels, 2, np.int64), like(weight, 2), like(class_weight, 1),
        like(spared, 2, np.bool_),
    )  # fmt: skip


def _work(arrays: tuple[np.ndarray, ...]) -> int:
    return arrays[0].size // 4


_SHAPE = "int[] layout, int[] shape, bool roots"
_TABLES = (
    "Tensor predictor, Tensor? object, Tensor mask, Tensor? confidence, Tensor boxes, Tensor labels, Tensor? weight,"
    " Tensor? class_weight"
)
operator(
    f"squared_error_sums(Tensor raw, {_SHAPE}, {_TABLES}, Tensor? spared) -> (Tensor, Tensor)", _add, _empty
)
operator(
    f"assigned_error_sums(Tensor raw, {_SHAPE}, bool overlaps, Tensor boxes, Tensor labels, Tensor? weight,"
    " Tensor mask, Tensor? class_weight) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    _assign_and_add,
    lambda raw, layout, shape, roots, overlaps, boxes, labels, weight, mask, class_weight: (
        *_empty(raw, layout, shape), *empty(raw, boxes, mask)
    ),
)  # fmt: skip
operator(
    f"squared_error_gradient(Tensor of_sums, Tensor raw, Tensor rest, {_SHAPE}, {_TABLES}) -> Tensor", _pull,
    lambda of_sums, raw, *rest: torch.empty_like(raw),
)  # fmt: skip


@compiled
def _wanted(row, box, cell, cols, rows, roots):
    """Into ``row``: x, y, w, h that the network should emit in ``cell``, see `codecs.GridCodec.encode`."""
    one = box.dtype.type
    row[0], row[1] = box[0] * one(cols) - one(cell % cols), box[1] * one(rows) - one(cell // cols)
    row[2], row[3] = box[2], box[3]
    if roots:
        row[2], row[3] = np.sqrt(row[2]), np.sqrt(row[3])


@compiled
def _sum_loop(
    begin, end, layout, shape, roots, raw, predictor, object, mask, confidence, boxes, labels, weight, class_weight,
    spared, sums, rest,
):  # fmt: skip
    box_at, box_cell, box_box, conf_at, conf_cell, conf_box, class_at, class_cell = layout
    rows, cols, k, classes = shape
    alone, row, one = np.empty(rows * cols * k, np.bool_), np.empty(4, raw.dtype), raw.dtype.type(1)
    for image in range(begin, end):
        for who in range(len(alone)):
            alone[who] = not (spared.size and spared[image, who])
        centre, size, obj, noobj, cls = 0.0, 0.0, 0.0, 0.0, 0.0
        for pair in range(predictor.shape[1]):
            if not mask[image, pair]:
                continue
            who, number = predictor[image, pair], object[image, pair] if object.size else pair
            if not (0 <= who < len(alone) and 0 <= number < boxes.shape[1]):
                raise IndexError("assignment: expected predictors and objects that there are")
            alone[who] = False
            share = weight[image, number] if weight.size else one
            if share == 0:  # what weighs nothing may be anything
                continue
            cell = who // k
            _wanted(row, boxes[image, number], cell, cols, rows, roots)
            at = box_at + cell * box_cell + (who - cell * k) * box_box
            dx, dy = raw[image, at] - row[0], raw[image, at + 1] - row[1]
            dw, dh = raw[image, at + 2] - row[2], raw[image, at + 3] - row[3]
            at = conf_at + cell * conf_cell + (who - cell * k) * conf_box
            dc = raw[image, at] - (confidence[image, pair] if confidence.size else one)
            centre += (dx * dx + dy * dy) * share
            size += (dw * dw + dh * dh) * share
            obj += dc * dc * share
            at = class_at + cell * class_cell
            for label in range(classes):
                error = raw[image, at + label] - (label == labels[image, number])
                if class_weight.size == 0:
                    cls += error * error * share
                elif class_weight[label] != 0:
                    cls += error * error * share * class_weight[label]
        for cell in range(rows * cols):
            for box in range(k):
                value = raw[image, conf_at + cell * conf_cell + box * conf_box]
                value = value if alone[cell * k + box] else 0 * one
                rest[image, cell * k + box] = value
                noobj += value * value
        sums[image, 0], sums[image, 1], sums[image, 2], sums[image, 3] = centre, size, obj, noobj
        sums[image, 4] = cls


@compiled
def _assigned_sum_loop(begin, end, mask, found, layout, shape, roots, arrays, sums, rest):
    """Some images at a time, whose numbers stay in the cache."""
    for image in range(begin, end, TOGETHER):
        after = min(image + TOGETHER, end)
        assign_loop(image, after, arrays[0], layout, arrays[5], mask, shape, roots, *found)
        _sum_loop(image, after, layout, shape, roots, *arrays, sums, rest)


@compiled
def _gradient_loop(
    begin, end, layout, shape, roots, raw, predictor, object, mask, confidence, boxes, labels, weight, class_weight,
    spared, of_sums, rest, gradient,
):  # fmt: skip
    box_at, box_cell, box_box, conf_at, conf_cell, conf_box, class_at, class_cell = layout
    rows, cols, k, classes = shape
    row, one, two = np.empty(4, raw.dtype), raw.dtype.type(1), raw.dtype.type(2)
    for image in range(begin, end):
        gradient[image] = 0
        factor = two * of_sums[image, 3]
        for cell in range(rows * cols):
            for box in range(k):
                gradient[image, conf_at + cell * conf_cell + box * conf_box] = (
                    rest[image, cell * k + box] * factor
                )
        for pair in range(predictor.shape[1]):
            who, number = predictor[image, pair], object[image, pair] if object.size else pair
            share = weight[image, number] if weight.size else one
            if not mask[image, pair] or share == 0:
                continue
            cell = who // k
            _wanted(row, boxes[image, number], cell, cols, rows, roots)
            at = box_at + cell * box_cell + (who - cell * k) * box_box
            for side in range(4):
                factor = two * of_sums[image, side // 2] * share
                gradient[image, at + side] += (raw[image, at + side] - row[side]) * factor
            at = conf_at + cell * conf_cell + (who - cell * k) * conf_box
            error = raw[image, at] - (confidence[image, pair] if confidence.size else one)
            gradient[image, at] += error * (two * of_sums[image, 2] * share)
            at, factor = class_at + cell * class_cell, two * of_sums[image, 4] * share
            for label in range(classes):
                error = raw[image, at + label] - raw.dtype.type(label == labels[image, number])
                if class_weight.size == 0:
                    gradient[image, at + label] += error * factor
                elif class_weight[label] != 0:
                    gradient[image, at + label] += error * factor * class_weight[label]
