"""Task-aligned assignment by looking at the locations inside each object alone, in four launches. See
`assigners.TaskAligned`, which says the rules.

Bytes moved: of each pair of an object and a location inside it the predicted box and one logit, 18 to 20 bytes, and one
atomic maximum of 8; beside them nothing larger than two marks of 8 bytes a location, which are filled by one launch
more. No program waits for another, and no number of pairs is known to the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from yolosses.constants import INSIDE_MARGIN, QUALITY_EPS
from yolosses.kernels.operators import operator
from yolosses.kernels.ready import require_triton_assigns
from yolosses.kernels.schemas import ASSIGNED, empty_assignment, sides_of
from yolosses.kernels.triton.arithmetic import rounded_product
from yolosses.kernels.triton.complete_iou import complete_iou, paired_iou
from yolosses.kernels.triton.devices import on_its_device
from yolosses.kernels.triton.levels import starts_of, views

TILE, PARTS, PAIRS, MOST_KEYS = 128, 16, 64, 1024
"""Locations that a program looks at together, programs that share an object, pairs of a program, and keys that those
which share an object find together at most, but for one of them."""
EDGE, EPS = tl.constexpr(INSIDE_MARGIN), tl.constexpr(QUALITY_EPS)
LARGEST = tl.constexpr(2**31 - 1)
NEVER, ALWAYS = tl.constexpr(-(2**62)), tl.constexpr(2**63 - 1)
"""Keys below and above all others."""


class Marks(NamedTuple):
    """What programs tell each other by atomic maxima; -1 where nobody has.

    Attributes:
        claims: (B, A) int64, of each location the largest overlap of an object that has it inside, and the object.
        takers: (B, A, 2) int32, of the pairs that take a location `LARGEST` less the first, and the last.
        best: (B, M) int64, of each object the largest alignment of its pairs, and the first pair that has it.
        widest: (B, M, 2) int32, of each object the largest overlap of its pairs; the second is not used.
    """

    claims: Tensor
    takers: Tensor
    best: Tensor
    widest: Tensor

    @classmethod
    def empty(cls, images: int, locations: int, objects: int, device: torch.device) -> Marks:
        """In one piece of memory, which one launch fills."""
        sizes = [images * locations] * 2 + [images * objects] * 2
        parts = torch.full((sum(sizes),), -1, dtype=torch.int64, device=device).split(sizes)
        return cls(
            parts[0].view(images, locations), parts[1].view(torch.int32).view(images, locations, 2),
            parts[2].view(images, objects), parts[3].view(torch.int32).view(images, objects, 2),
        )  # fmt: skip


def assign(
    pred_boxes: Tensor,
    logits: Sequence[Tensor],
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
    *,
    grids: Sequence[tuple[int, int]],
    strides: Sequence[float],
    topk: int,
    alpha: float,
    beta: float,
    least_side: float,
    keep_best: bool,
) -> tuple[Tensor, ...]:
    """Pairs of locations and objects, computed in float32: see `schemas.ASSIGNED`.

    ``pred_boxes``: float32. ``labels``: those below 0 or above C - 1 count as the nearest. Padding is not read.

    Raises:
        ValueError: ``pred_boxes`` are not float32, see `ready.require_triton_assigns`.
    """
    require_triton_assigns(pred_boxes)
    found: tuple[Tensor, ...] = _assign(
        pred_boxes.detach(), [level.detach() for level in logits], gt_boxes.detach(), labels, mask, sides_of(grids),
        list(map(float, strides)), topk, float(alpha), float(beta), float(least_side), keep_best,
    )  # fmt: skip
    return found


@operator(f"triton_task_aligned{ASSIGNED}", empty_assignment, "triton")
@on_its_device
def _assign(
    pred_boxes: Tensor, logits: list[Tensor], gt_boxes: Tensor, labels: Tensor, mask: Tensor, sides: list[int],
    strides: list[float], topk: int, alpha: float, beta: float, least_side: float, keep_best: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """See `assign`."""
    predictor, object, counts, iou, quality, num_dropped = found = empty_assignment(
        pred_boxes, logits, gt_boxes, labels, mask, sides, strides, topk
    )
    images, pairs = predictor.shape
    if not predictor.numel():
        return (*found[:5], num_dropped.zero_())
    pred_boxes, mask = pred_boxes.contiguous(), mask.contiguous()
    gt_boxes, labels = gt_boxes.float().contiguous(), labels.contiguous()
    taken, marks = take(
        pred_boxes, logits, gt_boxes, labels, mask, sides, strides, topk, alpha, beta, least_side
    )
    parts, steps = views(logits)
    sizes = starts_of([level.shape[2] for level in logits])
    overlap, grid = torch.empty_like(iou), (images, triton.cdiv(pairs, PAIRS))
    _settle_kernel[grid](
        pred_boxes, parts, steps, sizes, gt_boxes, labels, taken, *marks, predictor, object, iou, quality, overlap,
        mask.shape[1], pred_boxes.shape[1], logits[0].shape[1], pairs, topk, len(parts), alpha, beta, PAIRS,
    )  # fmt: skip
    _quality_kernel[grid](
        mask, marks.best, marks.widest, predictor, object, counts, iou, quality, overlap, num_dropped,
        mask.shape[1], pairs, keep_best, PAIRS,
    )  # fmt: skip
    return found


def take(
    pred_boxes: Tensor, logits: Sequence[Tensor], gt_boxes: Tensor, labels: Tensor, mask: Tensor, sides: list[int],
    strides: list[float], topk: int, alpha: float, beta: float, least_side: float,
) -> tuple[Tensor, Marks]:  # fmt: skip
    """(B, M, topk) int64 locations that each object takes, best first and of equals the lowest, -1 where there are no
    more; and the marks, in which it is who claims and who takes each location."""
    (images, objects), locations = mask.shape, pred_boxes.shape[1]
    kept = triton.next_power_of_2(topk)
    shared, warps = max(1, min(PARTS, MOST_KEYS // kept)), max(1, min(8, kept // 128))
    taken = mask.new_empty(images, objects, topk, dtype=torch.int64)
    keys = mask.new_empty(images, objects, shared * kept, dtype=torch.int64)
    marks = Marks.empty(images, locations, objects, mask.device)
    parts, steps = views(logits)
    rows, cols = tuple(sides[::2]), tuple(sides[1::2])
    if mask.numel():
        _look_kernel[(images, objects, shared)](
            pred_boxes, parts, steps, starts_of([level.shape[2] for level in logits]), rows, cols, gt_boxes, labels,
            mask, keys, marks.claims, objects, locations, logits[0].shape[1],
            len(parts), tuple(strides), least_side, alpha, beta, topk, kept, TILE, shared,
            num_warps=warps,
        )  # fmt: skip
        _take_kernel[(images, objects)](
            keys, taken, marks.takers, objects, locations, topk, kept, shared * kept, num_warps=warps
        )
    return taken, marks


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
    # Bounded before they become whole numbers; NaN is no edge.
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
def _known(label, classes):
    return tl.minimum(tl.maximum(label, 0), classes - 1)


@triton.jit
def _score(logit):
    return 1 / (1 + tl.exp(-logit))


@triton.jit
def _aligned(score, overlap, ALPHA: tl.constexpr, BETA: tl.constexpr):
    """See `assigners.alignment.Alignment.of`."""
    scored = (score > 0).to(score.dtype) if ALPHA == 0 else _power(score, ALPHA)
    return scored * _power(overlap, BETA)


@triton.jit
def _overlap(gt_x, gt_y, gt_w, gt_h, x, y, w, h):
    """CIoU; 0 where it is negative or NaN."""
    value = complete_iou(gt_x - x, gt_y - y, gt_w, gt_h, w, h)
    return tl.where(value > 0, value, 0.0)


@triton.jit
def _look_kernel(
    pred_boxes, parts, steps, starts, rows, cols, gt_boxes, labels, mask, found, claims, objects, locations, classes,
    LEVELS: tl.constexpr, STRIDES: tl.constexpr, LEAST_SIDE: tl.constexpr, ALPHA: tl.constexpr, BETA: tl.constexpr,
    TOPK: tl.constexpr, KEPT: tl.constexpr, TILE: tl.constexpr, PARTS: tl.constexpr,
):  # fmt: skip
    """A part of an object's locations: the keys of the best."""
    image, number = tl.program_id(0).to(tl.int64), tl.program_id(1)
    place = image * objects + number
    there = tl.load(mask + place) != 0
    x, y, w, h = _load_box(gt_boxes + place * 4, there)
    label = _known(tl.load(labels + place, mask=there, other=0), classes)
    half_w, half_h = tl.where(w < LEAST_SIDE, LEAST_SIDE, w) / 2, tl.where(h < LEAST_SIDE, LEAST_SIDE, h) / 2
    left, right, top, bottom = x - half_w, x + half_w, y - half_h, y + half_h

    slot = tl.arange(0, KEPT)
    kept = tl.where(slot < TOPK, -1 - slot.to(tl.int64), ALWAYS)
    total = tl.zeros((), tl.int32)
    for level in tl.static_range(LEVELS):
        _, width = _window(left, right, STRIDES[level], cols[level])
        _, height = _window(top, bottom, STRIDES[level], rows[level])
        total += tl.where(there, width * height, 0)
    # The windows of all levels one after the other, so that a small object has a single tile.
    for begin in range(tl.program_id(2) * TILE, total, PARTS * TILE):
        rank = begin + tl.arange(0, TILE)
        inside, location = rank < 0, tl.zeros((TILE,), tl.int64)
        logit = tl.zeros((TILE,), tl.float32)
        for level in tl.static_range(LEVELS):
            col, width = _window(left, right, STRIDES[level], cols[level])
            row, height = _window(top, bottom, STRIDES[level], rows[level])
            cell_row, cell_col = row + rank // tl.maximum(width, 1), col + rank % tl.maximum(width, 1)
            point_x = rounded_product(cell_col.to(tl.float32) + 0.5, STRIDES[level])
            point_y = rounded_product(cell_row.to(tl.float32) + 0.5, STRIDES[level])
            here = (rank >= 0) & (rank < width * height)
            here = here & (point_x - left > EDGE) & (right - point_x > EDGE)
            here = here & (point_y - top > EDGE) & (bottom - point_y > EDGE)
            local = (cell_row * cols[level] + cell_col).to(tl.int64)
            inside, location = inside | here, tl.where(here, starts[level] + local, location)
            at = image * steps[3 * level] + label * steps[3 * level + 1] + local * steps[3 * level + 2]
            logit = tl.where(here, tl.load(parts[level] + at, mask=here, other=0.0).to(tl.float32), logit)
            rank -= width * height
        pred_x, pred_y, pred_w, pred_h = _load_box(pred_boxes + (image * locations + location) * 4, inside)
        overlap = _overlap(x, y, w, h, pred_x, pred_y, pred_w, pred_h)
        claim = _key(overlap, number + tl.zeros((TILE,), tl.int32))
        tl.atomic_max(claims + image * locations + location, claim, mask=inside, sem="relaxed")
        aligned = _aligned(_score(logit), overlap, ALPHA, BETA)
        kept = _keep_largest(kept, tl.where(inside & (aligned > 0), _key(aligned, location), NEVER))
    tl.store(found + (place * PARTS + tl.program_id(2)) * KEPT + slot, tl.where(slot < TOPK, kept, NEVER))


@triton.jit
def _take_kernel(
    found, taken, takers, objects, locations, TOPK: tl.constexpr, KEPT: tl.constexpr, FOUND: tl.constexpr
):
    """One object: the best of what the programs found."""
    image, number = tl.program_id(0).to(tl.int64), tl.program_id(1)
    place, slot = image * objects + number, tl.arange(0, KEPT)
    kept = tl.where(slot < TOPK, -1 - slot.to(tl.int64), ALWAYS)
    keys = tl.load(found + place * FOUND + tl.arange(0, FOUND))
    kept = _keep_largest(kept, tl.where(keys > 0, keys, NEVER))
    kept = tl.sort(tl.where(slot < TOPK, kept, NEVER), descending=True)
    found = (kept > 0) & (slot < TOPK)
    location = LARGEST - (kept & 0xFFFFFFFF)
    tl.store(taken + place * TOPK + slot, tl.where(found, location, -1), mask=slot < TOPK)
    pair, to = number * TOPK + slot, takers + (image * locations + location) * 2
    tl.atomic_max(to, -pair + LARGEST, mask=found, sem="relaxed")
    tl.atomic_max(to + 1, pair, mask=found, sem="relaxed")


@triton.jit
def _settle_kernel(
    pred_boxes, parts, steps, starts, gt_boxes, labels, taken, claims, takers, best, widest, predictor, object, iou,
    quality, overlaps, objects, locations, classes, pairs, topk,
    LEVELS: tl.constexpr, ALPHA: tl.constexpr, BETA: tl.constexpr, PAIRS: tl.constexpr,
):  # fmt: skip
    """Some pairs of an image: who gets the location, and how well both fit. The alignment, -1 where the pair does not
    count, waits in ``quality``."""
    image = tl.program_id(0).to(tl.int64)
    pair = tl.program_id(1) * PAIRS + tl.arange(0, PAIRS)
    inside, place = pair < pairs, image * pairs + pair
    location = tl.load(taken + place, mask=inside, other=-1)
    found = location >= 0
    at = image * locations + location
    first = LARGEST - tl.load(takers + at * 2, mask=found, other=0)
    last = tl.load(takers + at * 2 + 1, mask=found, other=0)
    claim = tl.load(claims + at, mask=found, other=0)
    who = tl.where(first == last, (pair // topk).to(tl.int64), LARGEST - (claim & 0xFFFFFFFF))
    chosen = found & (first == pair)
    gt_x, gt_y, gt_w, gt_h = _load_box(gt_boxes + (image * objects + who) * 4, chosen)
    x, y, w, h = _load_box(pred_boxes + at * 4, chosen)
    overlap = _overlap(gt_x, gt_y, gt_w, gt_h, x, y, w, h)
    label = _known(tl.load(labels + image * objects + who, mask=chosen, other=0), classes)
    logit = tl.zeros((PAIRS,), tl.float32)
    for level in tl.static_range(LEVELS):
        here = chosen & (location >= starts[level]) & (location < starts[level + 1])
        of = (
            image * steps[3 * level]
            + label * steps[3 * level + 1]
            + (location - starts[level]) * steps[3 * level + 2]
        )
        logit = tl.where(here, tl.load(parts[level] + of, mask=here, other=0.0).to(tl.float32), logit)
    aligned = _aligned(_score(logit), overlap, ALPHA, BETA)
    aligned = tl.where(aligned > 0, aligned, 0.0)
    to = image * objects + who
    tl.atomic_max(best + to, _key(aligned, pair), mask=chosen, sem="relaxed")
    tl.atomic_max(widest + to * 2, overlap.to(tl.int32, bitcast=True), mask=chosen, sem="relaxed")
    tl.store(predictor + place, tl.where(chosen, location, 0), mask=inside)
    tl.store(object + place, tl.where(chosen, who, 0), mask=inside)
    tl.store(
        iou + place, tl.where(chosen, paired_iou(x - gt_x, y - gt_y, w, h, gt_w, gt_h), 0.0), mask=inside
    )
    tl.store(quality + place, tl.where(chosen, aligned, -1.0), mask=inside)
    tl.store(overlaps + place, overlap, mask=inside)


@triton.jit
def _quality_kernel(
    mask, best, widest, predictor, object, counts, iou, quality, overlaps, num_dropped, objects, pairs,
    KEEP_BEST: tl.constexpr, PAIRS: tl.constexpr,
):  # fmt: skip
    """Some pairs of an image: the quality, now that the best of each object is known."""
    image = tl.program_id(0).to(tl.int64)
    pair = tl.program_id(1) * PAIRS + tl.arange(0, PAIRS)
    inside, place = pair < pairs, image * pairs + pair
    aligned = tl.load(quality + place, mask=inside, other=-1.0)
    chosen = aligned >= 0
    who = image * objects + tl.load(object + place, mask=chosen, other=0)
    key = tl.load(best + who, mask=chosen, other=0)
    if KEEP_BEST:
        chosen = chosen & (LARGEST - (key & 0xFFFFFFFF) == pair)
        most_overlap = tl.load(overlaps + place, mask=chosen, other=0.0)
        zero = tl.zeros((PAIRS,), tl.int64)
        tl.store(predictor + place, zero, mask=inside & (chosen == 0))
        tl.store(object + place, zero, mask=inside & (chosen == 0))
        tl.store(iou + place, zero.to(tl.float32), mask=inside & (chosen == 0))
    else:
        most_overlap = tl.load(widest + who * 2, mask=chosen, other=0).to(tl.float32, bitcast=True)
    most = (key >> 32).to(tl.int32).to(tl.float32, bitcast=True)
    tl.store(quality + place, tl.where(chosen, aligned * most_overlap / (most + EPS), 0.0), mask=inside)
    tl.store(counts + place, chosen, mask=inside)
    if tl.program_id(1) == 0:
        dropped = tl.zeros((PAIRS,), tl.int64)
        for begin in range(0, objects, PAIRS):
            number = begin + tl.arange(0, PAIRS)
            wanted = tl.load(mask + image * objects + number, mask=number < objects, other=0) != 0
            answered = tl.load(best + image * objects + number, mask=wanted, other=-1) >= 0
            dropped += (wanted & (answered == 0)).to(tl.int64)
        tl.store(num_dropped + image, tl.sum(dropped, 0))
