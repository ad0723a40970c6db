"""YOLOv8's three sums: a launch for the pairs, one for the class logits of all locations, and one that adds up; and two
for the gradient, which is that of the whole output. The twin of `kernels.numba.point_sums`.

Bytes moved: forward reads the class logits once and the numbers of the pairs' sides once; backward reads both once more
and writes every number of the gradient once, those of the pairs twice. No table of targets is made, and nothing is kept
between the two.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from yolosses.constants import DFL_MARGIN
from yolosses.kernels.operators import operator, with_gradient
from yolosses.kernels.schemas import POINT_TABLES, empty_gradients
from yolosses.kernels.triton.arithmetic import not_negative
from yolosses.kernels.triton.complete_iou import complete_iou, complete_iou_gradient
from yolosses.kernels.triton.devices import on_its_device
from yolosses.kernels.triton.levels import blocks_of, in_a_row, starts_of, views
from yolosses.kernels.triton.point_decode import box_of, point_of

BLOCK = 2048
"""Logits of a program."""
TILE, MOST_PAIRS = 512, 128
"""Numbers of one side that a program holds, and its most pairs."""
MARGIN = tl.constexpr(DFL_MARGIN)


def point_sums(
    bins: int, sides: list[int], strides: list[float], smoothing: float, predictor: Tensor, object: Tensor,
    mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None,
    location_weight: Tensor | None, class_weight: Tensor | None, parts: Sequence[Tensor],
) -> Tensor:  # fmt: skip
    """(B, 3) sums of the boxes, the classes and the sides of each image: see `schemas.POINT_TABLES`."""
    tables = (predictor, object, mask, quality, boxes, labels, weight, location_weight, class_weight)
    dtype = functools.reduce(torch.promote_types, [part.dtype for part in parts])
    parts, settings = [part.to(dtype) for part in parts], (bins, sides, strides, smoothing)
    sums = _forward(*settings, *tables, [part.detach() for part in parts])
    return _with_gradient(sums, parts, tables, (len(parts), *settings))


def _shapes(parts: Sequence[Tensor]) -> Tensor:
    like = parts[0]
    return like.new_empty(like.shape[0], 3, dtype=torch.promote_types(like.dtype, torch.float32))


@operator(f"triton_point_sums({POINT_TABLES}) -> Tensor", lambda *arguments: _shapes(arguments[-1]), "triton")
@on_its_device
def _forward(
    bins: int, sides: Sequence[int], strides: Sequence[float], smoothing: float, predictor: Tensor, object: Tensor,
    mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None,
    location_weight: Tensor | None, class_weight: Tensor | None, parts: list[Tensor],
) -> Tensor:  # fmt: skip
    """See `point_sums`."""
    sums = _shapes(parts)
    if not len(sums):
        return sums
    distances, scores = _levels(parts, sides, bins)
    pairs, rows, blocks = _by_pairs(predictor, bins)
    of_pairs = sums.new_empty(len(sums), blocks, 3)
    tables = (predictor, object, mask, quality, boxes, labels, weight, location_weight, class_weight)
    pointers, flags = _pointers(parts[0], tables)
    geometry = starts_of([level.shape[2] for level in scores]), tuple(sides[1::2])
    (boxes_at, box_steps), (scores_at, score_steps) = views(distances), views(scores)
    _pairs_kernel[(len(sums), blocks)](
        boxes_at, box_steps, scores_at, score_steps, *geometry, *pointers, of_pairs, boxes.shape[1], pairs,
        scores[0].shape[1], strides[0] * sides[1], strides[0] * sides[0],
        len(scores), tuple(strides), flags[0], flags[2], smoothing, bins, triton.next_power_of_2(bins), rows,
    )  # fmt: skip
    first = blocks_of([level[0].numel() for level in scores], BLOCK)
    # Each program leaves its own sum: adding atomically would make the last bits depend on who comes first.
    everywhere = sums.new_empty(len(sums), first[-1])
    _softplus_kernel[(first[-1], len(sums))](
        scores_at, score_steps, geometry[0], first, pointers[7], pointers[8], everywhere, scores[0].shape[1],
        len(scores), in_a_row(scores), *flags[1:], BLOCK,
    )  # fmt: skip
    _total_kernel[(len(sums),)](of_pairs, everywhere, sums, blocks, first[-1], 256)
    return sums


@operator(
    f"triton_point_sums_gradient(Tensor of_sums, {POINT_TABLES}) -> Tensor[]",
    lambda *arguments: empty_gradients(arguments[-1]),
    "triton",
)
@on_its_device
def _backward(
    of_sums: Tensor, bins: int, sides: Sequence[int], strides: Sequence[float], smoothing: float, predictor: Tensor,
    object: Tensor, mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None,
    location_weight: Tensor | None, class_weight: Tensor | None, parts: list[Tensor],
) -> list[Tensor]:  # fmt: skip
    """The gradients of ``parts``."""
    gradients = empty_gradients(parts)
    if not len(of_sums):
        return gradients
    distances, scores = _levels(parts, sides, bins)
    of_distances, of_scores = _levels(gradients, sides, bins)
    pairs, rows, blocks = _by_pairs(predictor, bins)
    tables = (predictor, object, mask, quality, boxes, labels, weight, location_weight, class_weight)
    pointers, flags = _pointers(parts[0], tables)
    geometry = starts_of([level.shape[2] for level in scores]), tuple(sides[1::2])
    (boxes_at, box_steps), (scores_at, score_steps) = views(distances), views(scores)
    (to_boxes, to_box_steps), (to_scores, to_score_steps) = views(of_distances), views(of_scores)
    of_sums = of_sums.contiguous()
    first = blocks_of([level[0].numel() for level in (*of_scores, *of_distances)], BLOCK)
    in_rows = [a and b for a, b in zip(in_a_row(scores), in_a_row(of_scores), strict=True)]
    _sigmoid_kernel[(first[-1], len(of_sums))](
        scores_at, score_steps, to_scores, to_score_steps, to_boxes, to_box_steps, geometry[0], first, pointers[7],
        pointers[8], of_sums, scores[0].shape[1], 4 * bins,
        len(scores), tuple(in_rows), in_a_row(of_distances), *flags[1:], BLOCK,
    )  # fmt: skip
    _pairs_gradient_kernel[(len(of_sums), blocks)](
        boxes_at, box_steps, scores_at, score_steps, to_boxes, to_box_steps, to_scores, to_score_steps, *geometry,
        *pointers, of_sums, boxes.shape[1], pairs, scores[0].shape[1], strides[0] * sides[1], strides[0] * sides[0],
        len(scores), tuple(strides), *flags, smoothing, bins, triton.next_power_of_2(bins), rows,
    )  # fmt: skip
    return gradients


def _gradient(of_sums: Tensor, *arguments: Any) -> list[Tensor]:
    """`_backward` with the arguments of `with_gradient`."""
    *tensors, count, bins, sides, strides, smoothing = arguments
    parts, tables = tensors[:count], tensors[count:]
    return _backward(of_sums, bins, sides, strides, smoothing, *tables, list(parts))  # type: ignore[no-any-return]


_with_gradient = with_gradient("triton", _gradient)


def _levels(parts: Sequence[Tensor], sides: Sequence[int], bins: int) -> tuple[list[Tensor], list[Tensor]]:
    """Views (B, 4R, n) and (B, C, n) of each level."""
    if parts[0].ndim == 4:
        flat = [part.flatten(2) for part in parts]
        return [level[:, : 4 * bins] for level in flat], [level[:, 4 * bins :] for level in flat]
    counts = [rows * cols for rows, cols in zip(sides[::2], sides[1::2], strict=True)]
    boxes, scores = (list(part.split(counts, 2)) for part in parts)
    return boxes, scores


def _by_pairs(predictor: Tensor, bins: int) -> tuple[int, int, int]:
    """Pairs of an image, pairs of a program, and programs of an image."""
    pairs = predictor.shape[1]
    rows = max(1, min(MOST_PAIRS, TILE // triton.next_power_of_2(bins)))
    return pairs, rows, triton.cdiv(pairs, rows)


def _pointers(like: Tensor, tables: Sequence[Tensor | None]) -> tuple[list[Tensor], list[bool]]:
    """What the kernels read, where any tensor stands in for None; and whether there are weights of objects, of
    locations and of classes."""
    flags = [table is not None for table in tables[6:]]
    return [like if table is None else table.contiguous() for table in tables], flags


@triton.jit
def _target(wanted, R: tl.constexpr, PADDED: tl.constexpr):
    """The shares of the two bins next to the target, 0 for the others."""
    last = tl.full(wanted.shape, R - 1 - MARGIN, wanted.dtype)
    wanted = not_negative(wanted)
    wanted = tl.where(wanted > last, last, wanted)
    lower = tl.floor(wanted)
    share, bin = (wanted - lower)[:, None], tl.arange(0, PADDED)[None, :]
    # By comparison of places, so that NaN, which has none, makes the first bins NaN.
    index = tl.where(lower == lower, lower, 0.0).to(tl.int32)[:, None]
    return tl.where(bin == index, 1 - share, tl.where(bin == index + 1, share, 0.0))


@triton.jit
def _focal(log_probability, distance, wanted, R: tl.constexpr, PADDED: tl.constexpr):
    if R == 1:
        return tl.abs(distance - wanted)
    target = _target(wanted, R, PADDED)
    # The logarithm of padding's probability is infinite: times a target of 0 it would be NaN.
    return -tl.sum(tl.where(target == 0, 0.0, log_probability) * target, 1)


@triton.jit
def _encode(point, centre, size, stride):
    """The two distances in strides on one axis."""
    return (point - (centre - size / 2)) / stride, (centre + size / 2 - point) / stride


@triton.jit
def _pair(
    row, inside, image, predictor, object, mask, quality, boxes, weight, starts, cols, objects, pairs,
    LEVELS: tl.constexpr, STRIDES: tl.constexpr, HAS_WEIGHT: tl.constexpr, dtype: tl.constexpr,
):  # fmt: skip
    """Of some pairs of an image: location, object, whether its mask is true and it exists, whether its mask is true and
    it does not, whether its weight is not 0, weight of the object, quality, true box, point and stride."""
    place = image * pairs + row
    marked = tl.load(mask + place, mask=inside, other=0) != 0
    who = tl.load(predictor + place, mask=marked, other=0)
    number = tl.load(object + place, mask=marked, other=0)
    # Locations or objects that do not exist are neither read nor written, and the sum is NaN.
    known = (who >= 0) & (who < starts[LEVELS]) & (number >= 0) & (number < objects)
    there, wrong = marked & known, marked & (known == 0)
    who, number = tl.where(there, who, 0), image * objects + tl.where(there, number, 0)
    fit = tl.load(quality + place, mask=there, other=0.0).to(dtype)
    share = tl.full(row.shape, 1.0, dtype)
    if HAS_WEIGHT:
        share = tl.load(weight + number, mask=there, other=0.0).to(dtype)
    counts = there & (share * fit != 0)
    x = tl.load(boxes + number * 4, mask=counts, other=0.5).to(dtype)
    y = tl.load(boxes + number * 4 + 1, mask=counts, other=0.5).to(dtype)
    w = tl.load(boxes + number * 4 + 2, mask=counts, other=1.0).to(dtype)
    h = tl.load(boxes + number * 4 + 3, mask=counts, other=1.0).to(dtype)
    point_x, point_y = point_of(who, cols[0], STRIDES[0], dtype)
    stride = tl.full(row.shape, STRIDES[0], dtype)
    for level in tl.static_range(1, LEVELS):
        here = who >= starts[level]
        of_x, of_y = point_of(tl.where(here, who - starts[level], 0), cols[level], STRIDES[level], dtype)
        point_x, point_y = tl.where(here, of_x, point_x), tl.where(here, of_y, point_y)
        stride = tl.where(here, STRIDES[level], stride)
    return who, number, there, wrong, counts, share, fit, x, y, w, h, point_x, point_y, stride


@triton.jit
def _rows_of(parts, steps, starts, image, who, LEVELS: tl.constexpr):
    """Where the numbers of some locations begin, of whichever level, and how far apart they are."""
    kind: tl.constexpr = parts[0].dtype.element_ty
    address, step = tl.zeros(who.shape, tl.int64), tl.zeros(who.shape, tl.int64)
    for level in tl.static_range(LEVELS):
        here = who >= starts[level]
        place = image * steps[3 * level] + (who - starts[level]) * steps[3 * level + 2]
        place = parts[level].to(tl.int64) + place * (kind.primitive_bitwidth // 8)
        address = tl.where(here, place, address)
        step = tl.where(here, steps[3 * level + 1], step)
    return address.to(tl.pointer_type(kind)), step


@triton.jit
def _side(row, step, counts, side, dtype: tl.constexpr, R: tl.constexpr, PADDED: tl.constexpr):
    """Of one side of some locations the logarithms of the probabilities of its bins, and the distance in strides that
    they mean. With R = 1 twice the distance itself."""
    bin = tl.arange(0, PADDED)
    place = row[:, None] + (side * R + bin)[None, :] * step[:, None]
    logit = tl.load(place, mask=counts[:, None] & (bin < R)[None, :], other=0.0).to(dtype)
    if R == 1:
        return logit, tl.sum(logit, 1)
    logit = tl.where((bin < R)[None, :], logit, float("-inf"))
    logit = logit - tl.max(logit, 1)[:, None]
    power = tl.exp(logit)
    total = tl.sum(power, 1)
    distance = tl.sum(power / total[:, None] * bin.to(dtype)[None, :], 1)
    return logit - tl.log(total)[:, None], distance


@triton.jit
def _classes_of_pairs(
    number, there, share, fit, labels, class_weight, classes, HAS_CLASS_WEIGHT: tl.constexpr, SMOOTHING: tl.constexpr,
    dtype: tl.constexpr,
):  # fmt: skip
    """Of some pairs the class, weight times target of it, and the same of every class but for the class's weight."""
    label = tl.load(labels + number, mask=there, other=-1)
    known = there & (label >= 0) & (label < classes)
    label = tl.where(known, label, 0)
    at_label = tl.where(known, share * fit * (1 - SMOOTHING), 0.0)
    if HAS_CLASS_WEIGHT:
        at_label *= tl.load(class_weight + label, mask=known, other=0.0).to(dtype)
    return label, at_label, tl.where(there, share * SMOOTHING / classes, 0.0)


@triton.jit
def _pairs_kernel(
    box_parts, box_steps, parts, steps, starts, cols,
    predictor, object, mask, quality, boxes, labels, weight, location_weight, class_weight, sums,
    objects, pairs, classes, width, height,
    LEVELS: tl.constexpr, STRIDES: tl.constexpr, HAS_WEIGHT: tl.constexpr, HAS_CLASS_WEIGHT: tl.constexpr,
    SMOOTHING: tl.constexpr, R: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Some pairs of an image: the sums of the boxes, of targets times logits, and of the sides."""
    image = tl.program_id(0).to(tl.int64)
    dtype: tl.constexpr = sums.dtype.element_ty
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    who, number, there, wrong, counts, share, fit, x, y, w, h, point_x, point_y, stride = _pair(
        row, row < pairs, image, predictor, object, mask, quality, boxes, weight, starts, cols, objects, pairs,
        LEVELS, STRIDES, HAS_WEIGHT, dtype,
    )  # fmt: skip
    at, step = _rows_of(box_parts, box_steps, starts, image, who, LEVELS)
    logs_l, left = _side(at, step, counts, 0, dtype, R, PADDED)
    logs_t, top = _side(at, step, counts, 1, dtype, R, PADDED)
    logs_r, right = _side(at, step, counts, 2, dtype, R, PADDED)
    logs_b, bottom = _side(at, step, counts, 3, dtype, R, PADDED)
    px, pw = box_of(point_x, left, right, stride)
    py, ph = box_of(point_y, top, bottom, stride)
    missing = 1 - complete_iou(px - x, py - y, pw, ph, w, h)
    true_l, true_r = _encode(point_x, x, w, stride)
    true_t, true_b = _encode(point_y, y, h, stride)
    of_x, of_y = _of_image(stride, width, R), _of_image(stride, height, R)
    focal = _focal(logs_l, left, true_l, R, PADDED) * of_x + _focal(logs_t, top, true_t, R, PADDED) * of_y
    focal += (
        _focal(logs_r, right, true_r, R, PADDED) * of_x + _focal(logs_b, bottom, true_b, R, PADDED) * of_y
    )

    label, at_label, at_all = _classes_of_pairs(
        number, there, share, fit, labels, class_weight, classes, HAS_CLASS_WEIGHT, SMOOTHING, dtype
    )
    at, step = _rows_of(parts, steps, starts, image, who, LEVELS)
    taken = at_label * tl.load(at + label * step, mask=at_label != 0, other=0.0).to(dtype)
    if SMOOTHING > 0:
        for each in range(classes):
            share_of = at_all
            if HAS_CLASS_WEIGHT:
                share_of = at_all * tl.load(class_weight + each).to(dtype)
            taken += share_of * tl.load(at + each * step, mask=at_all != 0, other=0.0).to(dtype)
    out = sums + (image * tl.num_programs(1) + tl.program_id(1)) * 3
    tl.store(out, tl.sum(tl.where(wrong, float("nan"), tl.where(counts, missing * share * fit, 0.0)), 0))
    tl.store(out + 1, tl.sum(taken, 0))
    tl.store(out + 2, tl.sum(tl.where(counts, focal / 4 * share * fit, 0.0), 0))


@triton.jit
def _of_image(stride, side, R: tl.constexpr):
    """What a stride is of the image, which distances themselves are measured in."""
    return stride / side if R == 1 else tl.full(stride.shape, 1.0, stride.dtype)


@triton.jit
def _softplus_kernel(
    parts, steps, starts, blocks, location_weight, class_weight, partial, classes,
    LEVELS: tl.constexpr, IN_A_ROW: tl.constexpr, HAS_LOCATION: tl.constexpr, HAS_CLASS: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Some logits of an image: the sum of their softplus."""
    block, image = tl.program_id(0), tl.program_id(1).to(tl.int64)
    for level in tl.static_range(LEVELS):
        if (block >= blocks[level]) & (block < blocks[level + 1]):
            count = starts[level + 1] - starts[level]
            element = (block - blocks[level]) * BLOCK + tl.arange(0, BLOCK)
            inside = element < classes * count
            at = _at(element, count, steps[3 * level + 1], steps[3 * level + 2], IN_A_ROW[level])
            x = tl.load(parts[level] + image * steps[3 * level] + at, mask=inside, other=0.0)
            x = x.to(partial.dtype.element_ty)  # at least float32
            value = tl.maximum(x, 0.0) + _log1p(tl.exp(-tl.abs(x)))
            value = _weighed(
                value, element, inside, count, image * starts[LEVELS] + starts[level], location_weight, class_weight,
                HAS_LOCATION, HAS_CLASS,
            )  # fmt: skip
            value = tl.sum(tl.where(inside, value, 0.0), 0)
            tl.store(partial + image * blocks[LEVELS] + block, value)


@triton.jit
def _at(element, count, channel_step, location_step, IN_A_ROW: tl.constexpr):
    """Where a number is, of channels of so many locations."""
    if IN_A_ROW:
        return element
    else:  # noqa: RET505 - Triton compiles what follows a return too
        return (element // count).to(tl.int64) * channel_step + (element % count).to(tl.int64) * location_step


@triton.jit
def _weighed(
    value, element, inside, count, first, location_weight, class_weight, HAS_LOCATION: tl.constexpr,
    HAS_CLASS: tl.constexpr,
):  # fmt: skip
    if HAS_LOCATION:
        value = value * tl.load(location_weight + first + element % count, mask=inside, other=0.0).to(
            value.dtype
        )
    if HAS_CLASS:
        value = value * tl.load(class_weight + element // count, mask=inside, other=0.0).to(value.dtype)
    return value


@triton.jit
def _log1p(x):
    """log(1 + x), exact also where 1 + x rounds to 1 (Goldberg 1991, theorem 4)."""
    one = 1.0 + x
    return tl.where(one == 1.0, x, tl.log(one) * (x / tl.where(one == 1.0, 1.0, one - 1.0)))


@triton.jit
def _total_kernel(of_pairs, everywhere, sums, programs, blocks, BLOCK: tl.constexpr):
    """One image: the sums of what the programs found."""
    image = tl.program_id(0).to(tl.int64)
    box, sides = tl.zeros((BLOCK,), tl.float64), tl.zeros((BLOCK,), tl.float64)
    classes = tl.zeros((BLOCK,), tl.float64)
    for begin in range(0, blocks, BLOCK):
        place = begin + tl.arange(0, BLOCK)
        classes += tl.load(everywhere + image * blocks + place, mask=place < blocks, other=0.0).to(tl.float64)
    for begin in range(0, programs, BLOCK):
        place = begin + tl.arange(0, BLOCK)
        at = of_pairs + (image * programs + place) * 3
        box += tl.load(at, mask=place < programs, other=0.0).to(tl.float64)
        classes -= tl.load(at + 1, mask=place < programs, other=0.0).to(tl.float64)
        sides += tl.load(at + 2, mask=place < programs, other=0.0).to(tl.float64)
    dtype: tl.constexpr = sums.dtype.element_ty
    tl.store(sums + image * 3, tl.sum(box, 0).to(dtype))
    tl.store(sums + image * 3 + 1, tl.sum(classes, 0).to(dtype))
    tl.store(sums + image * 3 + 2, tl.sum(sides, 0).to(dtype))


@triton.jit
def _sigmoid(x):
    """Of the two forms the one whose exponential cannot overflow."""
    small = tl.exp(-tl.abs(x))
    return tl.where(x >= 0, 1.0, small) / (1.0 + small)


@triton.jit
def _sigmoid_kernel(
    parts, steps, to_scores, to_steps, to_boxes, to_box_steps, starts, blocks, location_weight, class_weight, of_sums,
    classes, box_channels,
    LEVELS: tl.constexpr, IN_A_ROW: tl.constexpr, BOXES_IN_A_ROW: tl.constexpr, HAS_LOCATION: tl.constexpr,
    HAS_CLASS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Some numbers of the gradient of an image as if there were no pairs: of the logits, or of the sides, which are
    0."""
    block, image = tl.program_id(0), tl.program_id(1).to(tl.int64)
    dtype: tl.constexpr = of_sums.dtype.element_ty
    for level in tl.static_range(LEVELS):
        count = starts[level + 1] - starts[level]
        if (block >= blocks[level]) & (block < blocks[level + 1]):
            element = (block - blocks[level]) * BLOCK + tl.arange(0, BLOCK)
            inside = element < classes * count
            at = _at(element, count, steps[3 * level + 1], steps[3 * level + 2], IN_A_ROW[level])
            x = tl.load(parts[level] + image * steps[3 * level] + at, mask=inside, other=0.0).to(dtype)
            value = _sigmoid(x) * tl.load(of_sums + image * 3 + 1)
            value = _weighed(
                value, element, inside, count, image * starts[LEVELS] + starts[level], location_weight, class_weight,
                HAS_LOCATION, HAS_CLASS,
            )  # fmt: skip
            at = _at(element, count, to_steps[3 * level + 1], to_steps[3 * level + 2], IN_A_ROW[level])
            to = to_scores[level] + image * to_steps[3 * level] + at
            tl.store(to, value.to(to_scores[level].dtype.element_ty), mask=inside)
        if (block >= blocks[LEVELS + level]) & (block < blocks[LEVELS + level + 1]):
            element = (block - blocks[LEVELS + level]) * BLOCK + tl.arange(0, BLOCK)
            at = _at(
                element,
                count,
                to_box_steps[3 * level + 1],
                to_box_steps[3 * level + 2],
                BOXES_IN_A_ROW[level],
            )
            to = to_boxes[level] + image * to_box_steps[3 * level] + at
            nothing = tl.zeros((BLOCK,), to_boxes[level].dtype.element_ty)
            tl.store(to, nothing, mask=element < box_channels * count)


@triton.jit
def _store_side(
    row,
    step,
    counts,
    side,
    logs,
    distance,
    wanted,
    of_distance,
    of_focal,
    R: tl.constexpr,
    PADDED: tl.constexpr,
):
    bin = tl.arange(0, PADDED)
    if R == 1:
        error = distance - wanted
        sign = tl.where(error > 0, 1.0, tl.where(error < 0, -1.0, 0.0))
        value = (of_distance + of_focal * sign)[:, None]
    else:
        probability = tl.exp(logs)
        value = probability * (bin.to(distance.dtype)[None, :] - distance[:, None]) * of_distance[:, None]
        value += (probability - _target(wanted, R, PADDED)) * of_focal[:, None]
    place = row[:, None] + (side * R + bin)[None, :] * step[:, None]
    tl.store(place, value.to(row.dtype.element_ty), mask=counts[:, None] & (bin < R)[None, :])


@triton.jit
def _pairs_gradient_kernel(
    box_parts, box_steps, parts, steps, to_boxes, to_box_steps, to_scores, to_steps, starts, cols,
    predictor, object, mask, quality, boxes, labels, weight, location_weight, class_weight, of_sums,
    objects, pairs, classes, width, height,
    LEVELS: tl.constexpr, STRIDES: tl.constexpr, HAS_WEIGHT: tl.constexpr, HAS_LOCATION: tl.constexpr,
    HAS_CLASS_WEIGHT: tl.constexpr, SMOOTHING: tl.constexpr, R: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Some pairs of an image: all of the gradient that pairs change, instead of what is there."""
    image = tl.program_id(0).to(tl.int64)
    dtype: tl.constexpr = of_sums.dtype.element_ty
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    who, number, there, _, counts, share, fit, x, y, w, h, point_x, point_y, stride = _pair(
        row, row < pairs, image, predictor, object, mask, quality, boxes, weight, starts, cols, objects, pairs,
        LEVELS, STRIDES, HAS_WEIGHT, dtype,
    )  # fmt: skip
    at, step = _rows_of(box_parts, box_steps, starts, image, who, LEVELS)
    logs_l, left = _side(at, step, counts, 0, dtype, R, PADDED)
    logs_t, top = _side(at, step, counts, 1, dtype, R, PADDED)
    logs_r, right = _side(at, step, counts, 2, dtype, R, PADDED)
    logs_b, bottom = _side(at, step, counts, 3, dtype, R, PADDED)
    px, pw = box_of(point_x, left, right, stride)
    py, ph = box_of(point_y, top, bottom, stride)
    of_x, of_y, of_w, of_h = complete_iou_gradient(px - x, py - y, pw, ph, w, h)
    factor = -stride * tl.load(of_sums + image * 3) * share * fit
    of_l, of_r = factor * (of_w - of_x / 2), factor * (of_w + of_x / 2)
    of_t, of_b = factor * (of_h - of_y / 2), factor * (of_h + of_y / 2)
    true_l, true_r = _encode(point_x, x, w, stride)
    true_t, true_b = _encode(point_y, y, h, stride)
    focal = tl.load(of_sums + image * 3 + 2) * share * fit / 4
    across, down = focal * _of_image(stride, width, R), focal * _of_image(stride, height, R)
    at, step = _rows_of(to_boxes, to_box_steps, starts, image, who, LEVELS)
    _store_side(at, step, counts, 0, logs_l, left, true_l, of_l, across, R, PADDED)
    _store_side(at, step, counts, 1, logs_t, top, true_t, of_t, down, R, PADDED)
    _store_side(at, step, counts, 2, logs_r, right, true_r, of_r, across, R, PADDED)
    _store_side(at, step, counts, 3, logs_b, bottom, true_b, of_b, down, R, PADDED)

    label, at_label, at_all = _classes_of_pairs(
        number, there, share, fit, labels, class_weight, classes, HAS_CLASS_WEIGHT, SMOOTHING, dtype
    )
    everywhere = tl.full((ROWS,), 1.0, dtype)
    if HAS_LOCATION:
        everywhere = tl.load(location_weight + image * starts[LEVELS] + who, mask=there, other=0.0).to(dtype)
    of_classes = tl.load(of_sums + image * 3 + 1)
    at, step = _rows_of(parts, steps, starts, image, who, LEVELS)
    to, to_step = _rows_of(to_scores, to_steps, starts, image, who, LEVELS)
    for each in range(classes if SMOOTHING > 0 else 1):
        of_class = each + tl.zeros_like(label) if SMOOTHING > 0 else label
        share_of, own = everywhere, tl.zeros((ROWS,), dtype)
        if HAS_CLASS_WEIGHT:
            share_of = everywhere * tl.load(class_weight + of_class).to(dtype)
        if SMOOTHING > 0:
            own = at_all
            if HAS_CLASS_WEIGHT:
                own = at_all * tl.load(class_weight + of_class).to(dtype)
        own += tl.where(of_class == label, at_label, 0.0)
        changes = there & (own != 0)
        value = _sigmoid(tl.load(at + of_class * step, mask=changes, other=0.0).to(dtype)) * share_of - own
        tl.store(to + of_class * to_step, (value * of_classes).to(to.dtype.element_ty), mask=changes)
