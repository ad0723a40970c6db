"""YOLOv1's five sums of squared errors and their gradient, one loop each: of the confidences, and of the numbers of the
pairs. Nothing of the size of the output is made but the gradient, which is written once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from yolosses import host
from yolosses.kernels.numba.loops import compiled, over_images, summing
from yolosses.kernels.numba.responsible import assign_loop, empty, fake
from yolosses.kernels.operators import operator

place = np.uintp
"""Of a number that is not negative: of another one, an array asks whether it counts from the end."""
TOGETHER = 16
"""Images whose numbers stay in the cache: their confidences are read first, one after the other, which brings along
what the pairs need here and there."""


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
    run = torch.ops.yolosses.squared_error_sums if torch.compiler.is_compiling() else _add
    boxes, labels, weight = objects
    sums, rest, pull = run(
        raw.detach(), layout, shape, roots, *pairs, confidence, boxes, labels, weight, class_weight, spared
    )
    predictor, _, mask = pairs
    return _with_gradient(raw, sums, rest, pull, predictor, mask, layout, shape)


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
    run = torch.ops.yolosses.assigned_error_sums if torch.compiler.is_compiling() else _assign_and_add
    sums, rest, pull, *found = run(raw.detach(), layout, shape, roots, overlaps, *objects, mask, class_weight)
    predictor, first, iou, num_dropped = found
    sums = _with_gradient(raw, sums, rest, pull, predictor, first, layout, shape)
    return sums, (predictor, first, iou, num_dropped)


def _with_gradient(raw: Tensor, sums: Tensor, *kept: Any) -> Tensor:
    found: Tensor = _Sums.apply(raw, sums, *kept)
    return found


class _Sums(torch.autograd.Function):
    """The sums that the loops found of ``raw``, and what they kept for the gradient."""

    @staticmethod
    def forward(
        ctx: Any, raw: Tensor, sums: Tensor, rest: Tensor, pull: Tensor, predictor: Tensor, mask: Tensor,
        layout: list[int], shape: list[int],
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(rest, pull, predictor, mask)
        ctx.rest = layout, shape, raw.shape[1]
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_sums: Tensor) -> tuple[Tensor | None, ...]:
        run = torch.ops.yolosses.squared_error_gradient if torch.compiler.is_compiling() else _pull
        return run(of_sums, *ctx.saved_tensors, *ctx.rest), *(None,) * 7


def _assign_and_add(
    raw: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool, overlaps: bool, boxes: Tensor,
    labels: Tensor, weight: Tensor | None, mask: Tensor, class_weight: Tensor | None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """See `assigned_error_sums`; and what `_add` returns beside the sums."""
    values, truth, wanted = raw.detach().numpy(), boxes.contiguous().numpy(), mask.contiguous().numpy()
    found, out = empty(values, truth, wanted), _empty(values, shape, wanted.shape)
    predictor, first, iou, _ = found
    arrays = (
        values, predictor, _none(np.int64, 2), first, iou if overlaps else _none(values.dtype, 2), truth,
        *_tables(values.dtype, labels, weight, class_weight, None),
    )  # fmt: skip
    over_images(
        _assigned_sum_loop, len(raw), raw.numel() // 4, wanted, found, tuple(layout), tuple(shape), roots, arrays, *out
    )  # fmt: skip
    return tuple(map(torch.from_numpy, (*out, *found)))


def _add(
    raw: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool, *tables: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """See `squared_error_sums`; and for the gradient the confidences (B, A) of the background, 0 elsewhere, and (B, P,
    5 + C) the errors of the pairs times their weights."""
    values = raw.detach().numpy()
    counts, confidence = (None if table is None else table.contiguous().numpy() for table in tables[2:4])
    assert counts is not None
    predictor, object, _, _, boxes, *others = tables
    assert predictor is not None
    assert boxes is not None
    out = _empty(values, shape, counts.shape)
    over_images(
        _sum_loop, len(raw), raw.numel() // 4, tuple(layout), tuple(shape), roots, values,
        predictor.contiguous().numpy(), _none(np.int64, 2) if object is None else object.contiguous().numpy(), counts,
        _none(values.dtype, 2) if confidence is None else confidence, boxes.contiguous().numpy(),
        *_tables(values.dtype, *others), *out,
    )  # fmt: skip
    sums, rest, pull = map(torch.from_numpy, out)
    return sums, rest, pull


def _sizes(images: int, shape: Sequence[int], pairs: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Of what `_add` returns."""
    rows, cols, k, classes = shape
    return (images, 5), (images, rows * cols * k), (*pairs, 5 + classes)


def _empty(raw: np.ndarray, shape: Sequence[int], pairs: Sequence[int]) -> tuple[np.ndarray, ...]:
    return tuple(np.empty(size, raw.dtype) for size in _sizes(len(raw), shape, pairs))


def _fake(raw: Tensor, shape: Sequence[int], mask: Tensor) -> tuple[Tensor, ...]:
    return tuple(raw.new_empty(size) for size in _sizes(len(raw), shape, mask.shape))


@functools.cache
def _none(dtype: Any, dimensions: int) -> np.ndarray:
    """An array without numbers, where there is nothing."""
    return np.empty((0,) * dimensions, dtype)


def _tables(
    dtype: Any,
    labels: Tensor | None,
    weight: Tensor | None,
    class_weight: Tensor | None,
    spared: Tensor | None,
) -> tuple[np.ndarray, ...]:
    """What the loops read of objects, classes and predictors."""
    assert labels is not None
    by_object, by_class = (
        _none(dtype, number) if table is None else np.ascontiguousarray(table.detach().numpy(), dtype)
        for table, number in ((weight, 2), (class_weight, 1))
    )
    free = _none(np.bool_, 2) if spared is None else spared.contiguous().numpy()
    return labels.contiguous().numpy(), by_object, by_class, free


def _pull(
    of_sums: Tensor, rest: Tensor, pull: Tensor, predictor: Tensor, mask: Tensor, layout: Sequence[int],
    shape: Sequence[int], length: int,
) -> Tensor:  # fmt: skip
    """The gradient (B, length) of the sums."""
    gradient = host.empty(len(rest), length, dtype=rest.dtype)
    arrays = (part.contiguous().numpy() for part in (of_sums, rest, pull, predictor, mask))
    over_images(
        _gradient_loop,
        len(rest),
        gradient.numel() // 4,
        tuple(layout),
        tuple(shape),
        *arrays,
        gradient.numpy(),
    )
    return gradient


_SHAPE = "int[] layout, int[] shape, bool roots"
operator(
    f"squared_error_sums(Tensor raw, {_SHAPE}, Tensor predictor, Tensor? object, Tensor mask, Tensor? confidence,"
    " Tensor boxes, Tensor labels, Tensor? weight, Tensor? class_weight, Tensor? spared) -> (Tensor, Tensor, Tensor)",
    _add,
    lambda raw, layout, shape, roots, predictor, object, mask, *rest: _fake(raw, shape, mask),
)
operator(
    f"assigned_error_sums(Tensor raw, {_SHAPE}, bool overlaps, Tensor boxes, Tensor labels, Tensor? weight,"
    " Tensor mask, Tensor? class_weight) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    _assign_and_add,
    lambda raw, layout, shape, roots, overlaps, boxes, labels, weight, mask, class_weight: (
        *_fake(raw, shape, mask), *fake(raw, boxes, mask)
    ),
)  # fmt: skip
operator(
    "squared_error_gradient(Tensor of_sums, Tensor rest, Tensor pull, Tensor predictor, Tensor mask, int[] layout,"
    " int[] shape, int length) -> Tensor",
    _pull,
    lambda of_sums, rest, pull, predictor, mask, layout, shape, length: rest.new_empty(len(rest), length),
)


@compiled
def _copy_confidences(begin, end, layout, shape, raw, rest):
    conf_at, conf_cell, conf_box = layout[3], layout[4], layout[5]
    rows, cols, k, _ = shape
    for image in range(begin, end):
        for cell in range(rows * cols):
            for box in range(k):
                at = place(conf_at + cell * conf_cell + box * conf_box)
                rest[image, place(cell * k + box)] = raw[image, at]


@summing
def _squares(rest, image):
    total = 0.0
    for who in range(rest.shape[1]):
        total += np.float64(rest[image, who]) * np.float64(rest[image, who])
    return total


@summing
def _classes(raw, image, at, classes, label, share, pull, pair):
    """The sum over the classes of a pair; into ``pull`` the errors times the weight."""
    total = raw.dtype.type(0)
    for each in range(classes):
        error = raw[image, at + place(each)] - raw.dtype.type(each == label)
        pull[image, pair, 5 + each] = error * share
        total += error * share * error
    return total


@compiled
def _weighed_classes(raw, image, at, classes, label, share, class_weight, pull, pair):
    """The same where classes have weights."""
    total = 0.0
    for each in range(classes):
        error = raw[image, at + place(each)] - raw.dtype.type(each == label)
        factor = share * class_weight[each]
        # What weighs nothing may be anything.
        pull[image, pair, 5 + each] = error * factor if factor != 0 else raw.dtype.type(0)
        total += np.float64(error * factor) * np.float64(error) if factor != 0 else 0.0
    return total


# Numbers are read one by one: a view of an array costs as much as the numbers of a pair.
@compiled
def _sum_pairs(
    image, layout, shape, roots, raw, predictor, object, mask, confidence, boxes, labels, weight, class_weight,
    spared, sums, rest, pull,
):  # fmt: skip
    """Of one image whose confidences are in ``rest``."""
    box_at, box_cell, box_box, conf_at, conf_cell, conf_box, class_at, class_cell = layout
    rows, cols, k, classes = shape
    one, wide = raw.dtype.type(1), boxes.dtype.type
    centre, size, obj, cls = 0.0, 0.0, 0.0, 0.0
    for pair in range(predictor.shape[1]):
        if not mask[image, pair]:
            continue
        who, number = predictor[image, pair], object[image, pair] if object.size else pair
        if not (0 <= who < rest.shape[1] and 0 <= number < boxes.shape[1]):
            raise IndexError("assignment: expected predictors and objects that there are")
        share = weight[image, number] if weight.size else one
        if share == 0:
            for each in range(5 + classes):
                pull[image, pair, each] = 0
            continue
        number, cell = place(number), np.int64(np.uint32(who) // np.uint32(k))
        row = np.int64(np.uint32(cell) // np.uint32(cols))
        box, col = who - cell * k, cell - row * cols
        # What the network should emit, see `codecs.GridCodec.encode`.
        x = boxes[image, number, 0] * wide(cols) - wide(col)
        y = boxes[image, number, 1] * wide(rows) - wide(row)
        w, h = boxes[image, number, 2], boxes[image, number, 3]
        if roots:
            w, h = np.sqrt(w), np.sqrt(h)
        at = box_at + cell * box_cell + box * box_box
        x, y = raw[image, place(at)] - raw.dtype.type(x), raw[image, place(at + 1)] - raw.dtype.type(y)
        w, h = raw[image, place(at + 2)] - raw.dtype.type(w), raw[image, place(at + 3)] - raw.dtype.type(h)
        sure = raw[image, place(conf_at + cell * conf_cell + box * conf_box)]
        sure -= raw.dtype.type(confidence[image, pair]) if confidence.size else one
        centre += (x * x + y * y) * share
        size += (w * w + h * h) * share
        obj += sure * sure * share
        pull[image, pair, 0], pull[image, pair, 1], pull[image, pair, 2] = x * share, y * share, w * share
        pull[image, pair, 3], pull[image, pair, 4] = h * share, sure * share
        at, label = place(class_at + cell * class_cell), labels[image, number]
        if class_weight.size:
            cls += _weighed_classes(raw, image, at, classes, label, share, class_weight, pull, pair)
        else:
            cls += _classes(raw, image, at, classes, label, share, pull, pair)
    for pair in range(predictor.shape[1]):
        if mask[image, pair]:
            rest[image, place(predictor[image, pair])] = 0
    if spared.size:
        for who in range(rest.shape[1]):
            if spared[image, who]:
                rest[image, who] = 0
    sums[image, 0], sums[image, 1], sums[image, 2], sums[image, 4] = centre, size, obj, cls
    sums[image, 3] = _squares(rest, image)


@compiled
def _sum_loop(
    begin, end, layout, shape, roots, raw, predictor, object, mask, confidence, boxes, labels, weight, class_weight,
    spared, sums, rest, pull,
):  # fmt: skip
    for image in range(begin, end):
        _copy_confidences(image, image + 1, layout, shape, raw, rest)
        _sum_pairs(
            image, layout, shape, roots, raw, predictor, object, mask, confidence, boxes, labels, weight, class_weight,
            spared, sums, rest, pull,
        )  # fmt: skip


@compiled
def _assigned_sum_loop(begin, end, mask, found, layout, shape, roots, arrays, sums, rest, pull):
    # Taken out of the tuples once: each time costs as much as some numbers.
    raw, predictor, object, first, confidence, boxes, labels, weight, class_weight, spared = arrays
    _, _, iou, num_dropped = found
    for image in range(begin, end, TOGETHER):
        after = min(image + TOGETHER, end)
        _copy_confidences(image, after, layout, shape, raw, rest)
        assign_loop(image, after, raw, layout, boxes, mask, shape, roots, predictor, first, iou, num_dropped)
        for each in range(image, after):
            _sum_pairs(
                each, layout, shape, roots, raw, predictor, object, first, confidence, boxes, labels, weight,
                class_weight, spared, sums, rest, pull,
            )  # fmt: skip


@compiled
def _gradient_loop(begin, end, layout, shape, of_sums, rest, pull, predictor, mask, gradient):
    box_at, box_cell, box_box, conf_at, conf_cell, conf_box, class_at, class_cell = layout
    rows, cols, k, classes = shape
    two = rest.dtype.type(2)
    for image in range(begin, end):
        of_xy, of_wh, of_obj = two * of_sums[image, 0], two * of_sums[image, 1], two * of_sums[image, 2]
        of_noobj, of_cls = two * of_sums[image, 3], two * of_sums[image, 4]
        for each in range(gradient.shape[1]):
            gradient[image, each] = 0
        for cell in range(rows * cols):
            for box in range(k):
                at = place(conf_at + cell * conf_cell + box * conf_box)
                gradient[image, at] = rest[image, place(cell * k + box)] * of_noobj
        for pair in range(predictor.shape[1]):
            if not mask[image, pair]:
                continue
            who = predictor[image, pair]
            cell = who // k
            at = box_at + cell * box_cell + (who - cell * k) * box_box
            gradient[image, place(at)] += pull[image, pair, 0] * of_xy
            gradient[image, place(at + 1)] += pull[image, pair, 1] * of_xy
            gradient[image, place(at + 2)] += pull[image, pair, 2] * of_wh
            gradient[image, place(at + 3)] += pull[image, pair, 3] * of_wh
            at = conf_at + cell * conf_cell + (who - cell * k) * conf_box
            gradient[image, place(at)] += pull[image, pair, 4] * of_obj
            at = place(class_at + cell * class_cell)
            for label in range(classes):
                gradient[image, at + place(label)] += pull[image, pair, 5 + label] * of_cls
