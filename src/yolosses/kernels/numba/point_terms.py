"""YOLOv8's terms at the pairs of a location and an object, and their gradient: loops that read the pairs' numbers from
the maps, and add to the gradient of the maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from yolosses.constants import DFL_MARGIN
from yolosses.kernels.numba.arithmetic import exp
from yolosses.kernels.numba.complete_iou import complete_iou_gradient
from yolosses.kernels.numba.levels import views
from yolosses.kernels.numba.loops import compiled, over_images

A_PAIR = 500
"""Nanoseconds that a pair takes, about."""
KEPT = 13
"""Numbers of a pair that the gradient needs: true distances, predicted ones, the gradient of the box term for these,
and the weight."""


class Pairs(NamedTuple):
    """Of P pairs and M objects in each image.

    Attributes:
        predictor, object: (B, P) int64. mask: (B, P) bool. quality: (B, P).
        boxes: (B, M, 4) cxcywh in pixels. labels: (B, M) int64. weight: (B, M) or None.
        class_weight: (C,) or None. smoothing: of the labels.
    """

    predictor: Tensor
    object: Tensor
    mask: Tensor
    quality: Tensor
    boxes: Tensor
    labels: Tensor
    weight: Tensor | None
    class_weight: Tensor | None
    smoothing: float


class Maps(NamedTuple):
    """Where the numbers are.

    Attributes:
        boxes: (B, 4R, n), scores: (B, C, n), of each level, or of all together. bins: R.
        grids, strides: of the levels.
    """

    boxes: Sequence[Tensor]
    scores: Sequence[Tensor]
    bins: int
    grids: Sequence[tuple[int, int]]
    strides: Sequence[float]


def point_terms(maps: Maps, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The sums of the terms of each image.

    Returns:
        (B, 2) of 1 - CIoU (`boxes.paired_ciou`) and of the mean over the sides of `functional.distribution_focal` (with
        R = 1 of the absolute error in parts of the image), each times weight and quality; (B,) float64 the products of
        targets and logits, to be subtracted from the sums of softplus; and for the gradient the probabilities (B * P,
        4, R), and `KEPT` other numbers (B * P, .), of the pairs with a true mask one after the other.
    """
    (images, pairs_each), like = pairs.mask.shape, maps.boxes[0]
    numbers = like.new_empty(images * pairs_each, 4, maps.bins)
    probabilities = torch.empty_like(numbers) if maps.bins > 1 else numbers
    kept, sums = like.new_empty(len(numbers), KEPT), like.new_empty(images, 2)
    taken = sums.new_empty(images, dtype=torch.float64)
    tables, geometry, first = _tables(pairs, like.dtype), _geometry(maps), _first(maps, pairs)
    count = int(first[-1])
    over_images(
        _gather, images, A_PAIR // 2 * count, *views(maps.boxes), *geometry, *tables[:3], first, numbers.numpy()
    )  # fmt: skip
    logs = numbers[:count]
    if maps.bins > 1 and like.dtype == torch.float32:
        over_images(
            _softmax_loop, images, 16 * maps.bins * count, first, numbers.numpy(), probabilities.numpy()
        )
    elif maps.bins > 1:
        logs = logs.log_softmax(-1)
        torch.exp(logs, out=probabilities[:count])
    over_images(
        _term_loop, images, A_PAIR * count, *geometry, *tables[:7], first, logs.numpy(), probabilities.numpy(),
        kept.numpy(), sums.numpy(),
    )  # fmt: skip
    over_images(
        _class_loop, images, A_PAIR * count // 8, *views(maps.scores), *geometry, *tables, maps.scores[0].shape[1],
        taken.numpy(),
    )  # fmt: skip
    return sums, taken, probabilities, kept


def write_gradient(
    gradients: Maps, pairs: Pairs, probabilities: Tensor, kept: Tensor, of_sums: Tensor, of_taken: Tensor
) -> None:
    """Add to ``gradients`` the pairs' parts: of the sums times ``of_sums`` (B, 2), less the targets times ``of_taken``
    (B,)."""
    tables, geometry, first = _tables(pairs, of_sums.dtype), _geometry(gradients), _first(gradients, pairs)
    images, count = len(of_sums), int(first[-1])
    over_images(
        _box_gradient_loop, images, A_PAIR * count, *views(gradients.boxes), *geometry, *tables[:3], first,
        probabilities.numpy(), kept.numpy(), of_sums.contiguous().numpy(),
    )  # fmt: skip
    over_images(
        _class_gradient_loop, images, A_PAIR * count // 8, *views(gradients.scores), *geometry, *tables,
        gradients.scores[0].shape[1], of_taken.contiguous().numpy(),
    )  # fmt: skip


def _first(maps: Maps, pairs: Pairs) -> np.ndarray:
    """The number of each image's first pair among those with a true mask; and how many these are."""
    first = np.zeros(len(pairs.mask) + 1, np.int64)
    tables = (part.contiguous().numpy() for part in (pairs.predictor, pairs.object, pairs.mask))
    _count(*tables, sum(rows * cols for rows, cols in maps.grids), pairs.boxes.shape[1], first)
    return first


def _geometry(maps: Maps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each level: the first location, columns, which view it is in, and its first location there; the stride; and
    width and height of the image."""
    rows, start, together = [], 0, len(maps.boxes) == 1
    for level, (height, width) in enumerate(maps.grids):
        rows.append((start, width, 0 if together else level, start if together else 0))
        start += height * width
    strides = np.array(maps.strides, maps.boxes[0].detach().numpy().dtype)
    return np.array(rows), strides, strides[0] * np.array(maps.grids[0][::-1], strides.dtype)


def _tables(pairs: Pairs, dtype: torch.dtype) -> tuple[object, ...]:
    """What the loops read of the pairs. An empty array stands in for None."""
    kind = torch.empty(0, dtype=dtype, device="cpu").numpy().dtype

    def real(table: Tensor | None, dimensions: int) -> np.ndarray:
        if table is None:
            return np.empty((0,) * dimensions, kind)
        return np.ascontiguousarray(table.detach().numpy(), kind)

    whole = (table.contiguous().numpy() for table in (pairs.predictor, pairs.object, pairs.mask))
    return (
        *whole, real(pairs.quality, 2), real(pairs.boxes, 3), pairs.labels.contiguous().numpy(), real(pairs.weight, 2),
        real(pairs.class_weight, 1), kind.type(pairs.smoothing),
    )  # fmt: skip


@compiled
def _count(predictor, object, mask, predictors, objects, first):
    for image in range(len(mask)):
        first[image + 1] = first[image]
        for pair in range(mask.shape[1]):
            if mask[image, pair]:
                first[image + 1] += 1
                if not (0 <= predictor[image, pair] < predictors and 0 <= object[image, pair] < objects):
                    raise IndexError("assignment: expected predictors and objects that there are")


@compiled
def _find(levels, who):
    """The level of a location, and its number within."""
    level = len(levels) - 1
    while levels[level, 0] > who:
        level -= 1
    return level, who - levels[level, 0]


@compiled
def _places(image, view, levels, strides, predictor, mask, first, number, location, stride):
    """The numbers, locations and strides of an image's pairs with a true mask in a view; returns how many."""
    count, running = 0, first[image]
    for pair in range(mask.shape[1]):
        if mask[image, pair]:
            level, local = _find(levels, predictor[image, pair])
            if levels[level, 2] == view:
                number[count], location[count] = running, levels[level, 3] + local
                stride[count] = strides[level]
                count += 1
            running += 1
    return count


@compiled
def _gather(begin, end, values, steps, levels, strides, size, predictor, object, mask, first, numbers):
    """Channel by channel, so that what is read lies near each other."""
    number, location = np.empty(mask.shape[1], np.int64), np.empty(mask.shape[1], np.int64)
    bins, stride = numbers.shape[2], np.empty(mask.shape[1], numbers.dtype)
    for image in range(begin, end):
        for view in range(len(values)):
            read, step = values[view], steps[view]
            count = _places(image, view, levels, strides, predictor, mask, first, number, location, stride)
            for channel in range(4 * bins):
                at = image * step[0] + channel * step[1]
                for pair in range(count):
                    numbers[number[pair], channel // bins, channel % bins] = read[
                        at + location[pair] * step[2]
                    ]


@compiled
def _softmax(logits, probabilities):
    """Logarithms of the probabilities in place of the ``logits`` (float32), and the probabilities. NaN of NaN."""
    most, real = logits[0], True
    for bin in range(len(logits)):
        most = logits[bin] if logits[bin] > most else most
        real = real and logits[bin] == logits[bin]
    if not (real and np.isfinite(most)):
        logits[:], probabilities[:] = np.nan, np.nan
        return
    total = np.float32(0)
    for bin in range(len(logits)):
        probabilities[bin] = exp(logits[bin] - most)
    for bin in range(len(logits)):
        total += probabilities[bin]
    shift = most + np.log(total)
    for bin in range(len(logits)):
        probabilities[bin] /= total
        logits[bin] -= shift


@compiled
def _softmax_loop(begin, end, first, numbers, probabilities):
    for pair in range(first[begin], first[end]):
        for side in range(4):
            _softmax(numbers[pair, side], probabilities[pair, side])


@compiled
def _two_bins(wanted, bins):
    """The bin below a target in bins, and the share of the bin above."""
    real = type(wanted)
    wanted = wanted if not wanted < 0 else real(0)
    wanted = wanted if not wanted > real(bins - 1 - DFL_MARGIN) else real(bins - 1 - DFL_MARGIN)
    # NaN has no bin: the first two become NaN.
    below = int(wanted) if wanted == wanted else 0
    return below, wanted - real(below)


@compiled
def _box_terms(logs, probabilities, truth, x, y, stride, size, share, kept):
    """1 - CIoU and the mean of the sides of a pair; into ``kept`` what the gradient needs."""
    real, bins = type(stride), logs.shape[1]
    half, of_sides = real(0.5), real(0)
    half_w, half_h = truth[2] * half, truth[3] * half
    kept[0], kept[2] = (x - (truth[0] - half_w)) / stride, (truth[0] + half_w - x) / stride
    kept[1], kept[3] = (y - (truth[1] - half_h)) / stride, (truth[1] + half_h - y) / stride
    for side in range(4):
        if bins == 1:
            kept[4 + side] = logs[side, 0]
            of_sides += abs(kept[4 + side] - kept[side]) * (stride / size[side % 2])
            continue
        kept[4 + side] = 0
        for bin in range(bins):
            kept[4 + side] += probabilities[side, bin] * real(bin)
        below, part = _two_bins(kept[side], bins)
        of_sides -= logs[side, below] * (real(1) - part) + logs[side, below + 1] * part
    left, top, right, bottom = kept[4] * stride, kept[5] * stride, kept[6] * stride, kept[7] * stride
    overlap, of_x, of_y, of_w, of_h = complete_iou_gradient(
        x + (right - left) * half - truth[0], y + (bottom - top) * half - truth[1], left + right, top + bottom,
        truth[2], truth[3],
    )  # fmt: skip
    factor = stride * share
    kept[8], kept[10] = (of_x * half - of_w) * factor, -(of_w + of_x * half) * factor
    kept[9], kept[11] = (of_y * half - of_h) * factor, -(of_h + of_y * half) * factor
    kept[12] = share
    return real(1) - overlap, of_sides * real(0.25)


@compiled
def _term_loop(
    begin, end, levels, strides, size, predictor, object, mask, quality, boxes, labels, weight, first, logs,
    probabilities, kept, sums,
):  # fmt: skip
    real = sums.dtype.type
    half = real(0.5)
    for image in range(begin, end):
        box, sides, number = 0.0, 0.0, first[image]
        for pair in range(mask.shape[1]):
            if not mask[image, pair]:
                continue
            who, owner = predictor[image, pair], object[image, pair]
            level, local = _find(levels, who)
            own = weight[image, owner] if weight.size else real(1)
            share = own * quality[image, pair]
            if share == 0:  # a weight of 0 also silences inf and NaN
                kept[number] = 0
            else:
                stride, cols = strides[level], levels[level, 1]
                missing, of_sides = _box_terms(
                    logs[number], probabilities[number], boxes[image, owner], (real(local % cols) + half) * stride,
                    (real(local // cols) + half) * stride, stride, size, share, kept[number],
                )  # fmt: skip
                box += missing * share
                sides += of_sides * share
            number += 1
        sums[image, 0], sums[image, 1] = box, sides


@compiled
def _row(image, who, levels, steps):
    """The view that holds the classes of a location, the first of them, and the step to the next."""
    level, local = _find(levels, who)
    view = levels[level, 2]
    return view, image * steps[view, 0] + (levels[level, 3] + local) * steps[view, 2], steps[view, 1]


@compiled
def _class_loop(
    begin, end, values, steps, levels, strides, size, predictor, object, mask, quality, boxes, labels, weight,
    class_weight, smoothing, classes, taken,
):  # fmt: skip
    """Into ``taken``: the sums of target times logit."""
    for image in range(begin, end):
        taken[image] = 0
        for pair in range(mask.shape[1]):
            if not mask[image, pair]:
                continue
            owner, label = object[image, pair], labels[image, object[image, pair]]
            view, at, step = _row(image, predictor[image, pair], levels, steps)
            own = weight[image, owner] if weight.size else quality.dtype.type(1)
            target = own * quality[image, pair] * (1 - smoothing)
            if 0 <= label < classes and target != 0:
                target = target * class_weight[label] if class_weight.size else target
                taken[image] += np.float64(target) * values[view][at + label * step]
            if smoothing > 0 and own != 0:
                for each in range(classes):
                    target = own * (smoothing / classes) * (class_weight[each] if class_weight.size else 1)
                    taken[image] += np.float64(target) * values[view][at + each * step]


@compiled
def _class_gradient_loop(
    begin, end, values, steps, levels, strides, size, predictor, object, mask, quality, boxes, labels, weight,
    class_weight, smoothing, classes, of_sums,
):  # fmt: skip
    """Subtracts the targets times ``of_sums`` from ``values``."""
    for image in range(begin, end):
        for pair in range(mask.shape[1]):
            if not mask[image, pair]:
                continue
            owner, label = object[image, pair], labels[image, object[image, pair]]
            view, at, step = _row(image, predictor[image, pair], levels, steps)
            own = (weight[image, owner] if weight.size else quality.dtype.type(1)) * of_sums[image]
            if 0 <= label < classes:
                target = own * quality[image, pair] * (1 - smoothing)
                values[view][at + label * step] -= (
                    target * class_weight[label] if class_weight.size else target
                )
            if smoothing > 0:
                for each in range(classes):
                    target = own * (smoothing / classes) * (class_weight[each] if class_weight.size else 1)
                    values[view][at + each * step] -= target


@compiled
def _box_gradient_loop(
    begin, end, values, steps, levels, strides, size, predictor, object, mask, first, probabilities, kept, of_sums
):  # fmt: skip
    """Channel by channel, so that neighbouring memory is written."""
    number, location = np.empty(mask.shape[1], np.int64), np.empty(mask.shape[1], np.int64)
    stride = np.empty(mask.shape[1], kept.dtype)
    bins = probabilities.shape[2]
    most = 0
    for image in range(begin, end):
        most = max(most, first[image + 1] - first[image])
    found = np.empty((most, 4, bins), kept.dtype)
    for image in range(begin, end):
        of_box, of_mean = of_sums[image, 0], of_sums[image, 1] * kept.dtype.type(0.25)
        for view in range(len(values)):
            write, step = values[view], steps[view]
            count = _places(image, view, levels, strides, predictor, mask, first, number, location, stride)
            for pair in range(count):
                who = number[pair]
                _sides_gradient(
                    probabilities[who], kept[who], of_box, of_mean, stride[pair], size, found[pair]
                )
            for channel in range(4 * bins):
                side, bin = channel // bins, channel % bins
                at = image * step[0] + channel * step[1]
                for pair in range(count):
                    write[at + location[pair] * step[2]] += found[pair, side, bin]


@compiled
def _sides_gradient(probabilities, kept, of_box, of_mean, stride, size, out):
    """The gradient (4, R) of a pair's numbers."""
    real, bins = type(stride), out.shape[1]
    for side in range(4):
        wanted, distance, of_side, share = (
            kept[side],
            kept[4 + side],
            of_box * kept[8 + side],
            of_mean * kept[12],
        )
        if bins == 1:
            sign = real(distance > wanted) - real(distance < wanted)
            out[side, 0] = of_side + sign * share * (stride / size[side % 2])
            continue
        for bin in range(bins):
            out[side, bin] = probabilities[side, bin] * ((real(bin) - distance) * of_side + share)
        below, part = _two_bins(wanted, bins)
        out[side, below] -= (real(1) - part) * share
        out[side, below + 1] -= part * share
