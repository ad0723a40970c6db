"""What all class logits have in common in their cross-entropies: the sum of log(1 + e^x), in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from yolosses.kernels.numba.elementary import softplus
from yolosses.kernels.numba.loops import behind, compiled, over_images, summing

CHUNK, SMALL = 512, np.float32(2048)
"""Numbers that are added up in float32, and a sum of them above which float64 is used: a large number is added here,
and taken away where it is wanted."""


def softplus_sums(
    levels: Sequence[Tensor], location_weight: Tensor | None, class_weight: Tensor | None
) -> Tensor:
    """(B,) float64.

    Args:
        levels: (B, C, n) float32 logits of each level, any strides. location_weight: (B, A) over all levels,
            class_weight: (C,); None where all are 1.
    """
    images, classes = levels[0].shape[:2]
    sums = torch.empty(images, dtype=torch.float64)
    values, steps = zip(*map(behind, levels), strict=True)
    counts = np.array([level.shape[2] for level in levels])
    over_images(
        _loop, images, images * classes * int(counts.sum()), values, np.array(steps), classes, counts,
        _weights(location_weight, (0, 0)), _weights(class_weight, (0,)), sums.numpy(),
    )  # fmt: skip
    return sums


def _weights(weight: Tensor | None, nothing: tuple[int, ...]) -> np.ndarray:
    """An array without numbers stands in where there are none."""
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
def _loop(begin, end, values, steps, classes, counts, of_location, of_class, sums):
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
            else:  # channels last in memory
                for location in range(count):
                    x = read[first + location * step[2] :][: (classes - 1) * step[1] + 1]
                    x = x if step[1] == 1 else x[:: step[1]].copy()
                    total = _weighted_sum(x, of_class) if of_class.size else _sum_of_row(x)
                    sums[image] += total * weights[0, location] if weights.size else total
            start += count
