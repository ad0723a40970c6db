"""The twin of `kernels.logits` for float32: the sum of softplus of all class logits, and its gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from yolosses.kernels.numba.arithmetic import sigmoid, softplus
from yolosses.kernels.numba.levels import views
from yolosses.kernels.numba.loops import compiled, over_images, summing

CHUNK, SMALL = 512, np.float32(2048)
"""Values that are added in float32, and a sum of them above which float64 is used, because large positive logits cancel
against the target term later."""


def softplus_sums(
    levels: Sequence[Tensor], location_weight: Tensor | None, class_weight: Tensor | None
) -> Tensor:
    """The sum of softplus of the logits of each image: (B,) float64.

    Args:
        levels: (B, C, n) float32 logits of each level, any strides. location_weight: (B, A) over all levels,
            class_weight: (C,); None where all are 1.
    """
    images, classes = levels[0].shape[:2]
    sums = torch.empty(images, dtype=torch.float64, device="cpu")
    counts = np.array([level.shape[2] for level in levels])
    over_images(
        _sum_loop, images, images * classes * int(counts.sum()), *views(levels), classes, counts,
        _weights(location_weight, (0, 0)), _weights(class_weight, (0,)), sums.numpy(),
    )  # fmt: skip
    return sums


def write_sigmoid(
    targets: Sequence[Tensor],
    levels: Sequence[Tensor],
    of_sums: Tensor,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
) -> None:
    """Into ``targets``, like ``levels``: the gradient of `softplus_sums`, times ``of_sums`` (B,)."""
    images, classes = levels[0].shape[:2]
    counts = np.array([level.shape[2] for level in levels])
    over_images(
        _sigmoid_loop, images, images * classes * int(counts.sum()), *views(targets), *views(levels), classes, counts,
        _weights(location_weight, (0, 0)), _weights(class_weight, (0,)), of_sums.contiguous().numpy(),
    )  # fmt: skip


def write_zeros(targets: Sequence[Tensor]) -> None:
    """Into ``targets`` (B, ., n), float32. In the threads of the loops: one of torch's would spin in their way."""
    images = len(targets[0])
    over_images(_zero_loop, images, sum(level.numel() for level in targets) // 4, *views(targets),
                np.array([level.shape[1:] for level in targets]))  # fmt: skip


def _weights(weight: Tensor | None, nothing: tuple[int, ...]) -> np.ndarray:
    """An empty array stands in for None."""
    return np.empty(nothing, np.float32) if weight is None else weight.detach().float().contiguous().numpy()


@summing
def _sum(x):
    total = np.float32(0)
    for i in range(len(x)):
        total += softplus(x[i])
    return total


@compiled
def _careful_sum(x):
    total = 0.0
    for i in range(len(x)):
        total += np.float64(softplus(x[i]))
    return total


@summing
def _weighted_sum(x, weight):
    total = 0.0
    for i in range(len(x)):
        total += np.float64(softplus(x[i]) * weight[i])
    return total


@compiled
def _sum_of_row(x):
    total = 0.0
    for begin in range(0, len(x), CHUNK):
        part = x[begin : begin + CHUNK]
        few = _sum(part)
        total += np.float64(few) if few < SMALL else _careful_sum(part)
    return total


@compiled
def _sum_loop(begin, end, values, steps, classes, counts, of_location, of_class, sums):
    row = np.empty(classes, np.float32)
    for image in range(begin, end):
        sums[image], start = 0, 0
        for level in range(len(values)):
            read, step, count = values[level], steps[level], counts[level]
            first, weights = (
                image * step[0],
                of_location[image if of_location.size else 0 :, start : start + count],
            )
            if step[2] == 1:
                for label in range(classes):
                    x = read[first + label * step[1] :][:count]
                    total = _weighted_sum(x, weights[0]) if weights.size else _sum_of_row(x)
                    sums[image] += total * of_class[label] if of_class.size else total
            else:  # channels last in memory, or any other strides, 0 too
                for location in range(count):
                    at = first + location * step[2]
                    for label in range(classes):
                        row[label] = read[at + label * step[1]]
                    total = _weighted_sum(row, of_class) if of_class.size else _sum_of_row(row)
                    sums[image] += total * weights[0, location] if weights.size else total
            start += count


@compiled
def _sigmoid_row(x, factor, out):
    for i in range(len(x)):
        out[i] = sigmoid(x[i]) * factor


@compiled
def _weighted_sigmoid_row(x, factor, weight, out):
    for i in range(len(x)):
        out[i] = sigmoid(x[i]) * (factor * weight[i])


@compiled
def _sigmoid_loop(
    begin, end, targets, target_steps, values, steps, classes, counts, of_location, of_class, of_sums
):
    row, found = np.empty(classes, np.float32), np.empty(classes, np.float32)
    for image in range(begin, end):
        start = 0
        for level in range(len(values)):
            read, step, count = values[level], steps[level], counts[level]
            write, to_step = targets[level], target_steps[level]
            first, to = image * step[0], image * to_step[0]
            weights = of_location[image if of_location.size else 0 :, start : start + count]
            if step[2] == 1 and to_step[2] == 1:
                for label in range(classes):
                    factor = of_sums[image] * of_class[label] if of_class.size else of_sums[image]
                    x, out = read[first + label * step[1] :][:count], write[to + label * to_step[1] :][:count]
                    if weights.size:
                        _weighted_sigmoid_row(x, factor, weights[0], out)
                    else:
                        _sigmoid_row(x, factor, out)
            else:
                for location in range(count):
                    at, out = first + location * step[2], to + location * to_step[2]
                    for label in range(classes):
                        row[label] = read[at + label * step[1]]
                    factor = of_sums[image] * weights[0, location] if weights.size else of_sums[image]
                    if of_class.size:
                        _weighted_sigmoid_row(row, factor, of_class, found)
                    else:
                        _sigmoid_row(row, factor, found)
                    for label in range(classes):
                        write[out + label * to_step[1]] = found[label]
            start += count


@compiled
def _zero_loop(begin, end, values, steps, shapes):
    for image in range(begin, end):
        for level in range(len(values)):
            write, step = values[level], steps[level]
            inner = 2 if step[2] == 1 else 1  # channels last in memory
            outer = 3 - inner
            for number in range(shapes[level, outer - 1]):
                at, count = image * step[0] + number * step[outer], shapes[level, inner - 1]
                if step[inner] == 1:
                    write[at:][:count] = 0
                else:
                    for each in range(count):
                        write[at + each * step[inner]] = 0
