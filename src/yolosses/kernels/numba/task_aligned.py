"""Task-aligned assignment in loops over the images: see `assigners.TaskAligned`, which says the rules.

Most of the locations inside an object cannot be among its best: their IoU minus the distance penalty, which vectorises,
is below what would be needed even with a score of 1. The whole CIoU is computed of the others alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from yolosses.constants import QUALITY_EPS
from yolosses.kernels.numba.arithmetic import not_negative
from yolosses.kernels.numba.complete_iou import angle, complete_iou, paired_iou
from yolosses.kernels.numba.levels import views
from yolosses.kernels.numba.loops import compiled, over_images
from yolosses.kernels.numba.windows import window
from yolosses.kernels.operators import operator
from yolosses.kernels.schemas import ASSIGNED, empty_assignment, sides_of

SLACK = 1e-4
"""Of an overlap, more than rounding errors."""
LIKELY = 0.75
"""Of the largest bound of an object's locations, from which on they are looked at first."""
A_OBJECT = 4000
"""Nanoseconds that an object takes, about."""


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
    """Pairs of locations and objects: see `schemas.ASSIGNED`.

    ``pred_boxes``: float32 or float64; those inside no object are not read. ``labels``: 0 to C - 1.
    """
    found: tuple[Tensor, ...] = _assign(
        pred_boxes.detach(), [level.detach() for level in logits], gt_boxes.detach(), labels, mask, sides_of(grids),
        list(map(float, strides)), topk, float(alpha), float(beta), float(least_side), keep_best,
    )  # fmt: skip
    return found


@operator(f"task_aligned_pairs{ASSIGNED}", empty_assignment, "numba")
def _assign(
    pred_boxes: Tensor, logits: list[Tensor], gt_boxes: Tensor, labels: Tensor, mask: Tensor, sides: list[int],
    strides: list[float], topk: int, alpha: float, beta: float, least_side: float, keep_best: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """See `assign`."""
    found = empty_assignment(pred_boxes, logits, gt_boxes, labels, mask, sides, strides, topk)
    real = pred_boxes.contiguous().numpy()
    numbers = np.array([alpha, beta, least_side], real.dtype)
    over_images(
        _loop, len(mask), A_OBJECT * mask.numel(), real, *views([level.to(pred_boxes.dtype) for level in logits]),
        np.array(sides).reshape(-1, 2), np.array(strides, real.dtype),
        gt_boxes.to(pred_boxes.dtype).contiguous().numpy(), labels.contiguous().numpy(), mask.contiguous().numpy(),
        topk, numbers, keep_best, *(part.numpy() for part in found),
    )  # fmt: skip
    return found


@compiled
def _power(base, exponent):
    """See `assigners.alignment.power`; the base is not negative."""
    if exponent == 6:
        square = base * base
        return square * square * square
    if exponent == 0.5:
        return np.sqrt(base)
    if exponent == 1:
        return base
    return base**exponent


@compiled
def _score(logits, steps, image, label, location):
    logit = logits[image * steps[0] + label * steps[1] + location * steps[2]]
    real = type(logit)
    return real(1) / (real(1) + np.exp(-logit))


@compiled
def _overlap(boxes, angles, place, truth, truth_angle):
    """CIoU of the truth with a box; 0 where that is negative or NaN. ``angles``: of the boxes, negative where not yet
    known."""
    x, y, w, h = boxes[place, 0], boxes[place, 1], boxes[place, 2], boxes[place, 3]
    if angles[place] < 0:
        angles[place] = angle(not_negative(w), not_negative(h))
    value = complete_iou(truth[0] - x, truth[1] - y, truth[2], truth[3], w, h, truth_angle, angles[place])
    return value if value > 0 else type(value)(0)


@compiled
def _coordinates(boxes, out):
    """Of boxes (A, 4) cxcywh the centres, the halves of the sizes, and the areas: (5, A)."""
    half = boxes.dtype.type(0.5)
    for place in range(len(boxes)):
        width, height = not_negative(boxes[place, 2]), not_negative(boxes[place, 3])
        out[0, place], out[1, place] = boxes[place, 0], boxes[place, 1]
        out[2, place], out[3, place], out[4, place] = width * half, height * half, width * height


@compiled
def _bound(x, y, half_w, half_h, area, truth, out):
    """Into ``out``: an upper bound of CIoU, the IoU minus the distance penalty, of neighbours with the truth; NaN of
    NaN."""
    real = out.dtype.type
    truth_x, truth_y, truth_w, truth_h = truth[0], truth[1], not_negative(truth[2]), not_negative(truth[3])
    truth_area, true_half_w, true_half_h = truth_w * truth_h, truth_w * real(0.5), truth_h * real(0.5)
    for i in range(len(out)):
        dx, dy = truth_x - x[i], truth_y - y[i]
        right, left = dx + true_half_w, dx - true_half_w
        below, above = dy + true_half_h, dy - true_half_h
        right = right if right < half_w[i] else half_w[i]
        left = left if left > -half_w[i] else -half_w[i]
        below = below if below < half_h[i] else half_h[i]
        above = above if above > -half_h[i] else -half_h[i]
        width, height = right - left, below - above
        across = truth_w + half_w[i] + half_w[i] - width
        down = truth_h + half_h[i] + half_h[i] - height
        common = (width if width > 0 else real(0)) * (height if height > 0 else real(0))
        iou = common / (truth_area + area[i] - common)
        out[i] = iou - (dx * dx + dy * dy) / (across * across + down * down)


@compiled
def _bounds_inside(coordinates, grids, windows, truth, places, bounds, ends):
    """Of the locations inside an object the numbers and the bounds, and where those of each level end."""
    count, start = 0, 0
    for level in range(len(grids)):
        top, bottom, left, right = windows[level]
        for row in range(top, bottom):
            first = start + row * grids[level, 1] + left
            last, after = first + right - left, count + right - left
            _bound(
                coordinates[0, first:last], coordinates[1, first:last], coordinates[2, first:last],
                coordinates[3, first:last], coordinates[4, first:last], truth, bounds[count:after],
            )  # fmt: skip
            for place in range(first, last):
                places[count] = place
                count += 1
        start += grids[level, 0] * grids[level, 1]
        ends[level] = count


@compiled
def _insert(taken, aligned, count, place, value):
    """Into the ``count`` best so far, where it is among them: best first, of equals the lowest."""
    at = min(count, len(taken) - 1)
    if count > at and not (value > aligned[at] or (value == aligned[at] and place < taken[at])):
        return
    while at > 0 and (aligned[at - 1] < value or (aligned[at - 1] == value and taken[at - 1] > place)):
        aligned[at], taken[at] = aligned[at - 1], taken[at - 1]
        at -= 1
    aligned[at], taken[at] = value, place


@compiled
def _take(
    image, boxes, angles, logits, steps, starts, truth, label, alpha, beta, places, bounds, ends, taken, aligned
):  # fmt: skip
    """Into ``taken`` those of ``places`` with the best alignments, best first and of equals the lowest; how many they
    are."""
    real, count, last = type(alpha), 0, len(taken) - 1
    slack, truth_angle = real(SLACK), angle(not_negative(truth[2]), not_negative(truth[3]))
    # A bound of the overlap below which nothing is of interest; what does not overlap is not, but with beta = 0.
    least = -slack if beta > 0 else real(-np.inf)
    largest = real(0)
    for index in range(ends[-1]):
        largest = bounds[index] if bounds[index] > largest else largest
    # First those that are likely to be among the best, so that the others are soon known not to be.
    likely = largest * real(LIKELY)
    for second in range(2):
        for level in range(len(starts)):
            scores, step = logits[level], steps[level]
            for index in range(ends[level - 1] if level else 0, ends[level]):
                bound, place = bounds[index], places[index]
                if bound <= least or (bound >= likely) == second:
                    continue
                score = _score(scores, step, image, label, place - starts[level])
                if not score > 0:
                    continue
                score = _power(score, alpha)
                if count > last:
                    most = not_negative(bound) * (real(1) + slack) + slack
                    if score * _power(most, beta) < aligned[last]:
                        continue
                value = score * _power(_overlap(boxes, angles, place, truth, truth_angle), beta)
                if not value > 0:
                    continue
                _insert(taken, aligned, count, place, value)
                count = min(count + 1, last + 1)
                if count > last and beta > 0:
                    least = aligned[last] ** (real(1) / beta) * (real(1) - slack) - slack
    return count


@compiled
def _contend(boxes, angles, grids, windows, gt, mask, takers, contender, widest):
    """Into ``contender`` the object that overlaps each contested location most; of equals the first."""
    contender[:], widest[:] = -1, -1
    for number in range(len(mask)):
        if not mask[number]:
            continue
        truth, start = gt[number], 0
        truth_angle = angle(not_negative(truth[2]), not_negative(truth[3]))
        for level in range(len(grids)):
            top, bottom, left, right = windows[number, level]
            for row in range(top, bottom):
                for place in range(
                    start + row * grids[level, 1] + left, start + row * grids[level, 1] + right
                ):
                    if takers[place] > 1:
                        overlap = _overlap(boxes, angles, place, truth, truth_angle)
                        if overlap > widest[place]:
                            contender[place], widest[place] = number, overlap
            start += grids[level, 0] * grids[level, 1]


@compiled
def _settle(
    image, boxes, angles, logits, steps, starts, gt, labels, alpha, beta, keep_best, taken, count, takers, contender,
    predictor, object, chosen, iou, quality,
):  # fmt: skip
    """The pairs of an image, where each location is in one, and how well they fit. ``takers``: of each location, 0
    afterwards."""
    real, (objects, topk) = type(alpha), taken.shape
    aligned, overlap = np.empty(objects * topk, boxes.dtype), np.empty(objects * topk, boxes.dtype)
    most, widest, best = np.zeros(objects, boxes.dtype), np.zeros(objects, boxes.dtype), np.full(objects, -1)
    predictor[:], object[:], chosen[:], iou[:], quality[:] = 0, 0, False, 0, 0
    for number in range(objects):
        for slot in range(count[number]):
            place, pair = taken[number, slot], number * topk + slot
            if takers[place] == 0:  # it is in a pair already
                continue
            owner = contender[place] if takers[place] > 1 else number
            takers[place] = 0
            predictor[pair], object[pair], chosen[pair] = place, owner, True
            truth, box = gt[owner], boxes[place]
            iou[pair] = paired_iou(box[0] - truth[0], box[1] - truth[1], box[2], box[3], truth[2], truth[3])
            truth_angle = angle(not_negative(truth[2]), not_negative(truth[3]))
            overlap[pair] = _overlap(boxes, angles, place, truth, truth_angle)
            level = len(starts) - 1
            while starts[level] > place:
                level -= 1
            score = _score(logits[level], steps[level], image, labels[owner], place - starts[level])
            aligned[pair] = _power(score, alpha) * _power(overlap[pair], beta)
            if best[owner] < 0 or aligned[pair] > most[owner]:
                best[owner] = pair
            most[owner], widest[owner] = max(most[owner], aligned[pair]), max(widest[owner], overlap[pair])
    for pair in range(objects * topk):
        owner = object[pair]
        if not chosen[pair]:
            continue
        if keep_best and best[owner] != pair:
            predictor[pair], object[pair], chosen[pair], iou[pair] = 0, 0, False, 0
            continue
        wide = overlap[pair] if keep_best else widest[owner]
        quality[pair] = aligned[pair] * wide / (most[owner] + real(QUALITY_EPS))


@compiled
def _num_dropped(object, chosen, mask):
    """How many objects have no pair."""
    answered = np.zeros(len(mask), np.bool_)
    for pair in range(len(chosen)):
        if chosen[pair]:
            answered[object[pair]] = True
    count = 0
    for number in range(len(mask)):
        count += mask[number] and not answered[number]
    return count


@compiled
def _loop(
    begin, end, boxes, logits, steps, grids, strides, gt, labels, mask, topk, numbers, keep_best,
    predictor, object, chosen, iou, quality, num_dropped,
):  # fmt: skip
    alpha, beta, least_side = numbers
    objects, predictors = mask.shape[1], boxes.shape[1]
    windows = np.zeros((objects, len(grids), 4), np.int64)
    taken, count = np.empty((objects, topk), np.int64), np.empty(objects, np.int64)
    best = np.empty(topk, boxes.dtype)
    takers, contender = np.empty(predictors, np.int32), np.empty(predictors, np.int64)
    widest = np.empty(predictors, boxes.dtype)
    coordinates, angles = np.empty((5, predictors), boxes.dtype), np.empty(predictors, boxes.dtype)
    places, bounds = np.empty(predictors, np.int64), np.empty(predictors, boxes.dtype)
    starts, ends = np.zeros(len(grids), np.int64), np.zeros(len(grids), np.int64)
    for level in range(1, len(grids)):
        starts[level] = starts[level - 1] + grids[level - 1, 0] * grids[level - 1, 1]
    for image in range(begin, end):
        _coordinates(boxes[image], coordinates)
        angles[:], takers[:] = -1, 0
        contested = False
        for number in range(objects):
            count[number] = 0
            if not mask[image, number]:
                continue
            truth = gt[image, number]
            for level in range(len(grids)):
                rows, cols = grids[level]
                stride = strides[level]
                windows[number, level, :2] = window(truth[1], truth[3], least_side, stride, rows)
                windows[number, level, 2:] = window(truth[0], truth[2], least_side, stride, cols)
            _bounds_inside(coordinates, grids, windows[number], truth, places, bounds, ends)
            count[number] = _take(
                image, boxes[image], angles, logits, steps, starts, truth, labels[image, number], alpha, beta, places,
                bounds, ends, taken[number], best,
            )  # fmt: skip
            for slot in range(count[number]):
                takers[taken[number, slot]] += 1
                contested = contested or takers[taken[number, slot]] > 1
        if contested:
            _contend(boxes[image], angles, grids, windows, gt[image], mask[image], takers, contender, widest)

        _settle(
            image, boxes[image], angles, logits, steps, starts, gt[image], labels[image], alpha, beta, keep_best, taken,
            count, takers, contender, predictor[image], object[image], chosen[image], iou[image], quality[image],
        )  # fmt: skip
        num_dropped[image] = _num_dropped(object[image], chosen[image], mask[image])
