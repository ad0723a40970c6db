"""YOLOv1's five sums of squared errors and their gradient, one loop each: over the confidences, and over the numbers of
the pairs. Nothing of the output's size is made but the gradient, which is written once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from yolosses import memory
from yolosses.kernels.numba.loops import compiled, over_images, summing
from yolosses.kernels.numba.responsible import assign_loop, empty, fake
from yolosses.kernels.operators import operator, with_gradient
from yolosses.kernels.schemas import GRID

place = np.uintp
"""Unsigned index type: avoids Numba's wrap-around check for negative indices."""
TOGETHER = 16
"""Images whose numbers stay in the cache: their confidences are read first, one after the other, which prefetches what
the pairs need."""


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
    """The responsible boxes and the sums (B, 5): see `schemas.GRID`. ``raw``: float32 or float64."""
    raw = raw.contiguous()
    sums, rest, errors, *found = _forward_assigned(
        raw.detach(), layout, shape, roots, overlaps, *objects, mask, class_weight
    )
    predictor, first, iou, num_dropped = found
    sums = _with_gradient(sums, (raw,), (rest, errors, predictor, first), (layout, shape, raw.shape[1]))
    return sums, (predictor, first, iou, num_dropped)


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
    """The sums (B, 5) of a given assignment: see `schemas.GRID`. ``raw``: float32 or float64."""
    raw, (predictor, _, mask), (boxes, labels, weight) = raw.contiguous(), pairs, objects
    sums, rest, errors = _forward(
        raw.detach(), layout, shape, roots, *pairs, confidence, boxes, labels, weight, class_weight, spared
    )
    return _with_gradient(sums, (raw,), (rest, errors, predictor, mask), (layout, shape, raw.shape[1]))


def _sizes(images: Any, shape: Sequence[int], pairs: Sequence[int]) -> tuple[tuple[Any, ...], ...]:
    """Of what `_forward` returns."""
    rows, cols, k, classes = shape
    return (images, 5), (images, rows * cols * k), (*pairs, 5 + classes)


def _empty(raw: np.ndarray, shape: Sequence[int], pairs: Sequence[int]) -> tuple[np.ndarray, ...]:
    return tuple(np.empty(size, raw.dtype) for size in _sizes(len(raw), shape, pairs))


def _fake(raw: Tensor, shape: Sequence[int], mask: Tensor) -> tuple[Tensor, ...]:
    return tuple(raw.new_empty(size) for size in _sizes(raw.shape[0], shape, mask.shape))


@functools.cache
def _none(dtype: Any, dimensions: int) -> np.ndarray:
    """An empty array stands in for None."""
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


@operator(
    f"assigned_error_sums(Tensor raw, {GRID}, bool overlaps, Tensor boxes, Tensor labels, Tensor? weight,"
    " Tensor mask, Tensor? class_weight) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    lambda raw, layout, shape, roots, overlaps, boxes, labels, weight, mask, class_weight: (
        *_fake(raw, shape, mask), *fake(raw, boxes, mask)
    ),
    "numba",
)  # fmt: skip
def _forward_assigned(
    raw: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool, overlaps: bool, boxes: Tensor,
    labels: Tensor, weight: Tensor | None, mask: Tensor, class_weight: Tensor | None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """See `assigned_error_sums`: what `_forward` returns, and the responsible boxes."""
    values, truth = raw.detach().numpy(), boxes.detach().contiguous().numpy()
    wanted = mask.contiguous().numpy()
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


@operator(
    f"squared_error_sums(Tensor raw, {GRID}, Tensor predictor, Tensor? object, Tensor mask, Tensor? confidence,"
    " Tensor boxes, Tensor labels, Tensor? weight, Tensor? class_weight, Tensor? spared) -> (Tensor, Tensor, Tensor)",
    lambda raw, layout, shape, roots, predictor, object, mask, *rest: _fake(raw, shape, mask),
    "numba",
)
def _forward(
    raw: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool, *tables: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """See `squared_error_sums`; and for the gradient the confidences (B, A) of the background, 0 elsewhere, and the
    errors (B, P, 5 + C) of the pairs times their weights."""
    values = raw.detach().numpy()
    counts, confidence = (
        None if table is None else table.detach().contiguous().numpy() for table in tables[2:4]
    )
    assert counts is not None
    predictor, object, _, _, boxes, *others = tables
    assert predictor is not None
    assert boxes is not None
    out = _empty(values, shape, counts.shape)
    over_images(
        _sum_loop, len(raw), raw.numel() // 4, tuple(layout), tuple(shape), roots, values,
        predictor.contiguous().numpy(), _none(np.int64, 2) if object is None else object.contiguous().numpy(), counts,
        _none(values.dtype, 2) if confidence is None else confidence, boxes.detach().contiguous().numpy(),
        *_tables(values.dtype, *others), *out,
    )  # fmt: skip
    sums, rest, errors = map(torch.from_numpy, out)
    return sums, rest, errors


@operator(
    "squared_error_gradient(Tensor of_sums, Tensor rest, Tensor pull, Tensor predictor, Tensor mask, SymInt[] layout,"
    " SymInt[] shape, SymInt length) -> Tensor",
    lambda of_sums, rest, errors, predictor, mask, layout, shape, length: rest.new_empty(
        rest.shape[0], length
    ),
    "numba",
)
def _backward(
    of_sums: Tensor, rest: Tensor, errors: Tensor, predictor: Tensor, mask: Tensor, layout: Sequence[int],
    shape: Sequence[int], length: int,
) -> Tensor:  # fmt: skip
    """The gradient (B, length) of the sums."""
    gradient = memory.empty(len(rest), length, dtype=rest.dtype)
    arrays = (part.contiguous().numpy() for part in (of_sums, rest, errors, predictor, mask))
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


_with_gradient = with_gradient("numba", lambda of_sums, raw, *rest: [_backward(of_sums, *rest)])


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
def _classes(raw, image, at, classes, label, share, errors, pair):
    """The sum over the classes of a pair; into ``errors`` the errors times the weight."""
    total = raw.dtype.type(0)
    for each in range(classes):
        error = raw[image, at + place(each)] - raw.dtype.type(each == label)
        errors[image, pair, 5 + each] = error * share
        total += error * share * error
    return total


@compiled
def _weighed_classes(raw, image, at, classes, label, share, class_weight, errors, pair):
    """The same where classes have weights."""
    total = 0.0
    for each in range(classes):
        error = raw[image, at + place(each)] - raw.dtype.type(each == label)
        factor = share * class_weight[each]
        # A weight of 0 also silences inf and NaN.
        errors[image, pair, 5 + each] = error * factor if factor != 0 else raw.dtype.type(0)
        total += np.float64(error * factor) * np.float64(error) if factor != 0 else 0.0
    return total


# Numbers are read one by one: a view of an array costs as much as the numbers of a pair.
@compiled
def _sum_pairs(
    image, layout, shape, roots, raw, predictor, object, mask, confidence, boxes, labels, weight, class_weight,
    spared, sums, rest, errors,
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
                errors[image, pair, each] = 0
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
        errors[image, pair, 0], errors[image, pair, 1], errors[image, pair, 2] = (
            x * share,
            y * share,
            w * share,
        )
        errors[image, pair, 3], errors[image, pair, 4] = h * share, sure * share
        at, label = place(class_at + cell * class_cell), labels[image, number]
        if class_weight.size:
            cls += _weighed_classes(raw, image, at, classes, label, share, class_weight, errors, pair)
        else:
            cls += _classes(raw, image, at, classes, label, share, errors, pair)
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
    spared, sums, rest, errors,
):  # fmt: skip
    for image in range(begin, end):
        _copy_confidences(image, image + 1, layout, shape, raw, rest)
        _sum_pairs(
            image, layout, shape, roots, raw, predictor, object, mask, confidence, boxes, labels, weight, class_weight,
            spared, sums, rest, errors,
        )  # fmt: skip


@compiled
def _assigned_sum_loop(begin, end, mask, found, layout, shape, roots, arrays, sums, rest, errors):
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
                class_weight, spared, sums, rest, errors,
            )  # fmt: skip


@compiled
def _gradient_loop(begin, end, layout, shape, of_sums, rest, errors, predictor, mask, gradient):
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
            gradient[image, place(at)] += errors[image, pair, 0] * of_xy
            gradient[image, place(at + 1)] += errors[image, pair, 1] * of_xy
            gradient[image, place(at + 2)] += errors[image, pair, 2] * of_wh
            gradient[image, place(at + 3)] += errors[image, pair, 3] * of_wh
            at = conf_at + cell * conf_cell + (who - cell * k) * conf_box
            gradient[image, place(at)] += errors[image, pair, 4] * of_obj
            at = place(class_at + cell * class_cell)
            for label in range(classes):
                gradient[image, at + place(label)] += errors[image, pair, 5 + label] * of_cls
