"""YOLOv1 whole: one launch for the responsible boxes and the five sums of squared errors, one for their gradient. See
`assigners.assign_responsible`, which says the rules.

Bytes moved: forward reads the confidences, and the other numbers of the cells that hold an object; backward reads
these once more and writes every number of the gradient once. Between the two 4 bytes a box are kept: the object that it
is responsible for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from yolosses.kernels.operators import operator, with_gradient
from yolosses.kernels.schemas import GRID
from yolosses.kernels.triton.arithmetic import rounded_product
from yolosses.kernels.triton.devices import on_its_device

OBJECTS = 16
"""Objects that are looked at together."""
MOST_CELLS, TILE = 64, 8192
"""Cells of a program at most, and numbers of a tile of cells and classes."""
BLOCK = 512
"""Numbers of the gradient that a program writes."""


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
    """The responsible boxes and the sums (B, 5), at least float32: see `schemas.GRID`. ``raw``: any floating dtype."""
    raw = raw.contiguous()
    sums, answer, *found = _forward_assigned(
        raw.detach(), layout, shape, roots, overlaps, *objects, mask, class_weight
    )
    predictor, first, iou, num_dropped = found
    tables = (*objects, class_weight, None, iou if overlaps else None, answer, None)
    return _with_gradient(sums, (raw,), tables, (layout, shape, roots)), (predictor, first, iou, num_dropped)


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
    """The sums (B, 5) of a given assignment, at least float32: see `schemas.GRID`. ``raw``: any floating dtype."""
    raw, (rows, cols, k, _), (predictor, object, mask) = raw.contiguous(), shape, pairs
    images, count = mask.shape
    place = torch.where(mask, predictor, rows * cols * k)  # pairs with a false mask share an extra place
    number = torch.arange(count, dtype=torch.int32, device=mask.device).expand_as(place)
    answer = number.new_full((images, rows * cols * k + 1), -1).scatter(1, place, number)
    tables = (*objects, class_weight, object, confidence, answer, spared)
    return _with_gradient(
        _forward(raw.detach(), *tables, layout, shape, roots), (raw,), tables, (layout, shape, roots)
    )


def _empty(raw: Tensor, shape: Sequence[int], boxes: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
    """What `_forward_assigned` returns but for the sums, not yet written."""
    rows, cols, k, _ = shape
    dtype = torch.promote_types(torch.promote_types(raw.dtype, boxes.dtype), torch.float32)
    return (
        mask.new_empty(mask.shape[0], rows * cols * k + 1, dtype=torch.int32),
        mask.new_empty(mask.shape, dtype=torch.int64), mask.new_empty(mask.shape),
        mask.new_empty(mask.shape, dtype=dtype), mask.new_empty(mask.shape[0], dtype=torch.int64),
    )  # fmt: skip


def _empty_sums(raw: Tensor) -> Tensor:
    return raw.new_empty(raw.shape[0], 5, dtype=torch.promote_types(raw.dtype, torch.float32))


_TABLES = (
    "Tensor boxes, Tensor labels, Tensor? weight, Tensor? class_weight, Tensor? object, Tensor? confidence,"
    f" Tensor answer, Tensor? spared, {GRID}"
)


@operator(
    f"triton_assigned_errors(Tensor raw, {GRID}, bool overlaps, Tensor boxes,"
    " Tensor labels, Tensor? weight, Tensor mask, Tensor? class_weight)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    lambda raw, layout, shape, roots, overlaps, boxes, labels, weight, mask, class_weight: (
        _empty_sums(raw), *_empty(raw, shape, boxes, mask)
    ),
    "triton",
)  # fmt: skip
@on_its_device
def _forward_assigned(
    raw: Tensor, layout: Sequence[int], shape: Sequence[int], roots: bool, overlaps: bool, boxes: Tensor,
    labels: Tensor, weight: Tensor | None, mask: Tensor, class_weight: Tensor | None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """See `assigned_error_sums`; and the object that each box is responsible for, or -1: (B, A + 1) int32."""
    answer, predictor, first, iou, _ = found = _empty(raw, shape, boxes, mask)
    sums, dropped = _launch_sums(
        raw, layout, shape, roots, (boxes, labels, weight, class_weight, None, iou if overlaps else None, answer, None),
        (mask, predictor, first, iou),
    )  # fmt: skip
    return sums, *found[:4], dropped


@operator(
    f"triton_squared_errors(Tensor raw, {_TABLES}) -> Tensor", lambda raw, *_: _empty_sums(raw), "triton"
)
@on_its_device
def _forward(
    raw: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None, class_weight: Tensor | None,
    object: Tensor | None, confidence: Tensor | None, answer: Tensor, spared: Tensor | None, layout: Sequence[int],
    shape: Sequence[int], roots: bool,
) -> Tensor:  # fmt: skip
    """See `squared_error_sums`."""
    tables = (boxes, labels, weight, class_weight, object, confidence, answer, spared)
    return _launch_sums(raw, layout, shape, roots, tables, None)[0]


def _launch_sums(
    raw: Tensor,
    layout: Sequence[int],
    shape: Sequence[int],
    roots: bool,
    tables: Sequence[Tensor | None],
    found: tuple[Tensor, Tensor, Tensor, Tensor] | None,
) -> tuple[Tensor, Tensor]:
    """The sums, and how many objects have no responsible box. ``found``: mask, and what is written of its objects."""
    rows, cols, _, classes = shape
    padded = triton.next_power_of_2(classes)
    cells = min(MOST_CELLS, max(1, TILE // padded), triton.next_power_of_2(rows * cols))
    chunks = triton.cdiv(rows * cols, cells)
    sums = raw.new_empty(len(raw), chunks, 5, dtype=torch.promote_types(raw.dtype, torch.float32))
    dropped = raw.new_empty(len(raw), chunks, dtype=torch.int64)
    pointers, flags = _pointers(raw, tables)
    mask, *written = found or (raw, raw, raw, raw)
    if len(raw):
        _sums_kernel[(len(raw), chunks)](
            raw, *pointers, mask.contiguous(), *written, sums, dropped, *_counts(tables), *layout, raw.shape[1], *shape,
            roots, found is not None, *flags, cells, OBJECTS, padded,
        )  # fmt: skip
    return (sums[:, 0], dropped[:, 0]) if chunks == 1 else (sums.sum(1), dropped.sum(1))


@operator(
    f"triton_squared_errors_gradient(Tensor of_sums, Tensor raw, {_TABLES}) -> Tensor",
    lambda of_sums, raw, *_: torch.empty_like(raw),
    "triton",
)
@on_its_device
def _backward(
    of_sums: Tensor, raw: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None, class_weight: Tensor | None,
    object: Tensor | None, confidence: Tensor | None, answer: Tensor, spared: Tensor | None, layout: Sequence[int],
    shape: Sequence[int], roots: bool,
) -> Tensor:  # fmt: skip
    """The gradient of the sums times ``of_sums`` (B, 5)."""
    gradient = torch.empty_like(raw)
    tables = (boxes, labels, weight, class_weight, object, confidence, answer, spared)
    pointers, flags = _pointers(raw, tables)
    if len(raw):
        _gradient_kernel[(len(raw), triton.cdiv(raw.shape[1], BLOCK))](
            raw, *pointers, of_sums.contiguous(), gradient, *_counts(tables), *layout, raw.shape[1], *shape,
            roots, layout[1] == layout[4], *flags, BLOCK,
        )  # fmt: skip
    return gradient


_with_gradient = with_gradient("triton", lambda *arguments: [_backward(*arguments)])


def _pointers(raw: Tensor, tables: Sequence[Tensor | None]) -> tuple[list[Tensor], list[bool]]:
    """What the kernels read, where any tensor stands in for None; and whether there are weight, class weight, object,
    confidence and spared."""
    flags = [tables[index] is not None for index in (2, 3, 4, 5, 7)]
    return [raw if table is None else table.contiguous() for table in tables], flags


def _counts(tables: Sequence[Tensor | None]) -> tuple[int, int]:
    """Objects and pairs of an image."""
    boxes, object = tables[0], tables[4]
    assert boxes is not None
    return boxes.shape[1], (boxes if object is None else object).shape[1]


@triton.jit
def _cell_of(x, y, rows, cols):
    """The cell of a centre, found in float32."""
    col = tl.minimum(tl.maximum(tl.floor(x.to(tl.float32) * cols), 0.0), cols - 1.0)
    row = tl.minimum(tl.maximum(tl.floor(y.to(tl.float32) * rows), 0.0), rows - 1.0)
    return (row * cols + col).to(tl.int32)


@triton.jit
def _owners(
    boxes, mask, predictor, first, iou, image, cell, inside, objects, rows, cols, OBJECTS: tl.constexpr
):
    """The first object of each cell, or ``objects``; and how many others the cells hold, which are marked as having no
    responsible box."""
    owner, dropped = tl.zeros_like(cell) + objects, tl.zeros((OBJECTS,), tl.int32)
    chunk = tl.program_id(1)
    for start in range(0, objects, OBJECTS):
        number = start + tl.arange(0, OBJECTS)
        place = image * objects + number
        flag = tl.load(mask + place, mask=number < objects, other=0)
        there = flag != 0
        # Padding may hold any numbers, so that they are not read.
        x = tl.load(boxes + place * 4, mask=there, other=0.5)
        y = tl.load(boxes + place * 4 + 1, mask=there, other=0.5)
        hit = (_cell_of(x, y, rows, cols)[None, :] == cell[:, None]) & there[None, :] & inside[:, None]
        owner = tl.minimum(owner, tl.min(tl.where(hit, number[None, :], objects), 1))
        here = tl.max(hit.to(tl.int32), 0) != 0
        answered = tl.max((hit & (owner[:, None] == number[None, :])).to(tl.int32), 0)
        missed = here & (answered == 0)
        dropped += missed.to(tl.int32)
        # What takes no part is in no cell, and written with the first ones.
        nobody = missed | ((number < objects) & (flag == 0) & (chunk + tl.zeros_like(number) == 0))
        tl.store(predictor + place, tl.zeros((OBJECTS,), tl.int64), mask=nobody)
        tl.store(first + place, number < 0, mask=nobody)
        tl.store(iou + place, tl.zeros((OBJECTS,), iou.dtype.element_ty), mask=nobody)
    return owner, tl.sum(dropped, 0)


@triton.jit
def _common(apart, size, gt_size):
    """Length that two intervals share whose centres are ``apart``: see `boxes.paired_iou`; 0 of NaN."""
    low, high = apart - size / 2, apart + size / 2
    low = tl.where(low <= -gt_size / 2, -gt_size / 2, low)
    high = tl.where(high >= gt_size / 2, gt_size / 2, high)
    return tl.where(high > low, high - low, 0.0)


@triton.jit
def _best_box(
    raw,
    box_at,
    box_cell,
    box_box,
    gt,
    cell,
    answered,
    rows,
    cols,
    k,
    ROOTS: tl.constexpr,
    dtype: tl.constexpr,
):
    """Of each cell's boxes the one that overlaps the object at ``gt`` most, or where none does the nearest; and its
    IoU."""
    x = tl.load(gt, mask=answered, other=0.5)
    y = tl.load(gt + 1, mask=answered, other=0.5)
    gt_w = tl.load(gt + 2, mask=answered, other=0.5).to(dtype)
    gt_h = tl.load(gt + 3, mask=answered, other=0.5).to(dtype)
    gt_x = ((rounded_product(x, (tl.zeros_like(x) + cols)) - (cell % cols)) / cols).to(dtype)
    gt_y = ((rounded_product(y, (tl.zeros_like(y) + rows)) - (cell // cols)) / rows).to(dtype)
    best_iou, nearest = tl.zeros_like(gt_w), tl.zeros_like(gt_w) + float("inf")
    best, nearest_box = tl.zeros_like(cell), tl.zeros_like(cell)
    for box in tl.static_range(k):
        at = raw + box_at + cell * box_cell + box * box_box
        px = tl.load(at, mask=answered, other=0.0).to(dtype) / cols
        py = tl.load(at + 1, mask=answered, other=0.0).to(dtype) / rows
        w = tl.load(at + 2, mask=answered, other=0.0).to(dtype)
        h = tl.load(at + 3, mask=answered, other=0.0).to(dtype)
        if ROOTS:
            w, h = rounded_product(w, w), rounded_product(h, h)
        common = rounded_product(_common(px - gt_x, w, gt_w), _common(py - gt_y, h, gt_h))
        union = rounded_product(w, h) + rounded_product(gt_w, gt_h) - common
        overlaps = (common > 0) & (union > 0)
        value = tl.where(overlaps, common / tl.where(overlaps, union, 1.0), 0.0)
        better = value > best_iou
        best_iou, best = tl.where(better, value, best_iou), tl.where(better, box, best)
        dx, dy, dw, dh = px - gt_x, py - gt_y, w - gt_w, h - gt_h
        distance = rounded_product(dx, dx) + rounded_product(dy, dy) + rounded_product(dw, dw)
        distance += rounded_product(dh, dh)
        # A NaN distance is the nearest, the first of several, so that it shows in the loss.
        nearer = (distance < nearest) | ((distance != distance) & (nearest == nearest))
        nearest, nearest_box = tl.where(nearer, distance, nearest), tl.where(nearer, box, nearest_box)
    return tl.where(best_iou > 0, best, nearest_box), tl.where(answered, best_iou, 0.0)


@triton.jit
def _wanted(gt, side, cell, mask, rows, cols, dtype: tl.constexpr, ROOTS: tl.constexpr):
    """What the network should emit for a side (x, y, w or h) of the object at ``gt``, see `codecs.GridCodec.encode`."""
    value = tl.load(gt + side, mask=mask, other=0.5)
    along = tl.where(side == 0, cols, rows)
    offset = rounded_product(value, (tl.zeros_like(value) + along)) - tl.where(
        side == 0, cell % cols, cell // cols
    )
    size = value.to(dtype)
    if ROOTS:
        size = tl.sqrt_rn(size) if dtype == tl.float32 else tl.sqrt(size)
    return tl.where(side < 2, offset.to(dtype), size)


@triton.jit
def _square(error, factor, counts):
    return tl.where(counts, error * error * factor, 0.0)


@triton.jit
def _sums_kernel(
    raw, boxes, labels, weight, class_weight, object, confidence, answer, spared, mask, predictor, first, iou, sums,
    dropped, objects, pairs,
    box_at: tl.constexpr, box_cell: tl.constexpr, box_box: tl.constexpr, conf_at: tl.constexpr,
    conf_cell: tl.constexpr, conf_box: tl.constexpr, class_at: tl.constexpr, class_cell: tl.constexpr,
    length: tl.constexpr, rows: tl.constexpr, cols: tl.constexpr, k: tl.constexpr, classes: tl.constexpr,
    ROOTS: tl.constexpr, ASSIGNS: tl.constexpr, HAS_WEIGHT: tl.constexpr, HAS_CLASS_WEIGHT: tl.constexpr,
    HAS_OBJECT: tl.constexpr, HAS_CONFIDENCE: tl.constexpr, HAS_SPARED: tl.constexpr,
    CELLS: tl.constexpr, OBJECTS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Some cells of an image. With ``ASSIGNS`` the responsible boxes are found and written, else read."""
    image, chunk = tl.program_id(0).to(tl.int64), tl.program_id(1)
    dtype: tl.constexpr = sums.dtype.element_ty
    cell = chunk * CELLS + tl.arange(0, CELLS)
    inside = cell < rows * cols
    predictors, raw = rows * cols * k, raw + image * length
    answer += image * (predictors + 1)
    if ASSIGNS:
        owner, others = _owners(
            boxes, mask, predictor, first, iou, image, cell, inside, objects, rows, cols, OBJECTS
        )
        answered = owner < objects
        best, best_iou = _best_box(
            raw, box_at, box_cell, box_box, boxes + (image * objects + owner) * 4, cell, answered, rows, cols, k,
            ROOTS, iou.dtype.element_ty,
        )  # fmt: skip
        place = image * objects + owner
        tl.store(predictor + place, (cell * k + best).to(tl.int64), mask=answered)
        tl.store(first + place, answered, mask=answered)
        tl.store(iou + place, best_iou, mask=answered)
        tl.store(dropped + image * tl.num_programs(1) + chunk, others.to(tl.int64))

    centre, size = tl.zeros((CELLS,), dtype), tl.zeros((CELLS,), dtype)
    obj, noobj, cls = tl.zeros((CELLS,), dtype), tl.zeros((CELLS,), dtype), tl.zeros((CELLS,), dtype)
    label = tl.arange(0, CLASSES)
    for box in tl.static_range(k):
        who = cell * k + box
        if ASSIGNS:
            pair = tl.where(answered & (best == box), owner, -1)
            tl.store(answer + who, pair, mask=inside)
        else:
            pair = tl.load(answer + who, mask=inside, other=-1)
        taken, number = pair >= 0, pair
        if HAS_OBJECT:
            number = tl.load(object + image * pairs + pair, mask=taken, other=0)
            # An object that does not exist is not read, and the sum is NaN.
            obj += tl.where(taken & ((number < 0) | (number >= objects)), float("nan"), 0.0)
            taken = taken & (number >= 0) & (number < objects)
        wanted = tl.full((CELLS,), 1.0, dtype)
        if HAS_CONFIDENCE:
            if ASSIGNS:
                wanted = best_iou.to(dtype)
            else:
                wanted = tl.load(confidence + image * pairs + pair, mask=taken, other=0.0).to(dtype)
        place = image * objects + number
        share = tl.full((CELLS,), 1.0, dtype)
        if HAS_WEIGHT:
            share = tl.load(weight + place, mask=taken, other=0.0).to(dtype)
        # A weight of 0 also silences inf and NaN.
        counts = taken & (share != 0)
        at = raw + box_at + cell * box_cell + box * box_box
        for side in tl.static_range(4):
            error = tl.load(at + side, mask=counts, other=0.0).to(dtype) - _wanted(
                boxes + place * 4, side + tl.zeros_like(cell), cell, counts, rows, cols, dtype, ROOTS
            )
            if side < 2:
                centre += _square(error, share, counts)
            else:
                size += _square(error, share, counts)
        value = tl.load(raw + conf_at + cell * conf_cell + box * conf_box, mask=inside, other=0.0).to(dtype)
        obj += _square(value - wanted, share, counts)
        alone = inside & (pair < 0)
        if HAS_SPARED:
            alone = alone & (tl.load(spared + image * predictors + who, mask=inside, other=0) == 0)
        noobj += tl.where(alone, value * value, 0.0)
        tile = counts[:, None] & (label < classes)[None, :]
        factor = share[:, None] + tl.zeros((CELLS, CLASSES), dtype)
        if HAS_CLASS_WEIGHT:
            factor *= tl.load(class_weight + label, mask=label < classes, other=0.0).to(dtype)[None, :]
            tile = tile & (factor != 0)
        value = tl.load(
            raw + class_at + cell[:, None] * class_cell + label[None, :], mask=tile, other=0.0
        ).to(dtype)
        true = tl.load(labels + place, mask=counts, other=0)
        error = value - (label[None, :] == true[:, None]).to(dtype)
        cls += tl.sum(_square(error, factor, tile), 1)
    out = sums + (image * tl.num_programs(1) + chunk) * 5
    tl.store(out, tl.sum(centre, 0))
    tl.store(out + 1, tl.sum(size, 0))
    tl.store(out + 2, tl.sum(obj, 0))
    tl.store(out + 3, tl.sum(noobj, 0))
    tl.store(out + 4, tl.sum(cls, 0))


@triton.jit
def _place(
    element, box_at, box_cell, box_box, conf_at, conf_cell, conf_box, class_at, class_cell, k, CELLWISE: tl.constexpr
):  # fmt: skip
    """Of each number of an image's output: the cell, the box (0 of a class), the side (4: the confidence; 5: a class),
    and the class."""
    if CELLWISE:
        cell, within = element // box_cell, element % box_cell
        classy = within >= class_at
        box = tl.where(classy, 0, within // box_box)
        return cell, box, tl.where(classy, 5, within % box_box), within - class_at
    classy, boxy = element < conf_at, element >= box_at
    of_conf, of_box = element - conf_at, element - box_at
    cell = tl.where(classy, element // class_cell, tl.where(boxy, of_box // box_cell, of_conf // conf_cell))
    box = tl.where(classy, 0, tl.where(boxy, of_box % box_cell // box_box, of_conf % conf_cell // conf_box))
    side = tl.where(classy, 5, tl.where(boxy, of_box % box_box, 4))
    return cell, box, side, element % class_cell


@triton.jit
def _gradient_kernel(
    raw, boxes, labels, weight, class_weight, object, confidence, answer, spared, of_sums, gradient, objects, pairs,
    box_at: tl.constexpr, box_cell: tl.constexpr, box_box: tl.constexpr, conf_at: tl.constexpr,
    conf_cell: tl.constexpr, conf_box: tl.constexpr, class_at: tl.constexpr, class_cell: tl.constexpr,
    length: tl.constexpr, rows: tl.constexpr, cols: tl.constexpr, k: tl.constexpr, classes: tl.constexpr,
    ROOTS: tl.constexpr, CELLWISE: tl.constexpr, HAS_WEIGHT: tl.constexpr, HAS_CLASS_WEIGHT: tl.constexpr,
    HAS_OBJECT: tl.constexpr, HAS_CONFIDENCE: tl.constexpr, HAS_SPARED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Numbers of an image in the order of memory, each of which knows what it is of."""
    image = tl.program_id(0).to(tl.int64)
    dtype: tl.constexpr = of_sums.dtype.element_ty
    element = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside, predictors = element < length, rows * cols * k
    cell, box, side, label = _place(
        element, box_at, box_cell, box_box, conf_at, conf_cell, conf_box, class_at, class_cell, k, CELLWISE
    )
    answer += image * (predictors + 1)
    own = tl.load(answer + cell * k + box, mask=inside & (side < 5), other=-1)
    alone = inside & (side == 4) & (own < 0)
    if HAS_SPARED:
        free = tl.load(spared + image * predictors + cell * k + box, mask=alone, other=0) == 0
        alone = alone & free
    total = tl.zeros((BLOCK,), dtype)
    # A class is of all boxes of its cell, another number of its own box alone.
    for other in tl.static_range(k):
        pair = tl.load(answer + cell * k + other, mask=inside & (side == 5), other=-1)
        pair = tl.where((other == 0) & (side < 5), own, pair)
        taken, number = pair >= 0, pair
        if HAS_OBJECT:
            number = tl.load(object + image * pairs + pair, mask=taken, other=0)
            taken = taken & (number >= 0) & (number < objects)
        place = image * objects + number
        share = tl.full((BLOCK,), 1.0, dtype)
        if HAS_WEIGHT:
            share = tl.load(weight + place, mask=taken, other=0.0).to(dtype)
        if HAS_CLASS_WEIGHT:
            factor = tl.load(class_weight + label, mask=taken & (side == 5), other=1.0).to(dtype)
            share = share * factor
        counts = taken & (share != 0)
        wanted = _wanted(
            boxes + place * 4, tl.minimum(side, 3), cell, counts & (side < 4), rows, cols, dtype, ROOTS
        )
        sure = tl.full((BLOCK,), 1.0, dtype)
        if HAS_CONFIDENCE:
            at = confidence + image * pairs + pair
            sure = tl.load(at, mask=counts & (side == 4), other=0.0).to(dtype)
        true = tl.load(labels + place, mask=counts & (side == 5), other=0)
        wanted = tl.where(side == 5, (label == true).to(dtype), tl.where(side == 4, sure, wanted))
        value = tl.load(raw + image * length + element, mask=counts, other=0.0).to(dtype)
        total += tl.where(counts, (value - wanted) * share, 0.0)
    value = tl.load(raw + image * length + element, mask=alone, other=0.0).to(dtype)
    term = tl.where(alone, 3, tl.where(side == 5, 4, side // 2))
    total = 2 * tl.load(of_sums + image * 5 + term) * tl.where(alone, value, total)
    tl.store(gradient + image * length + element, total.to(gradient.dtype.element_ty), mask=inside)
