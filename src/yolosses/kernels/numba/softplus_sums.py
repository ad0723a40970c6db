"""What all class logits have in common in their cross-entropies: the sum of log(1 + e^x), in one pass."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from yolosses.kernels.numba.elementary import softplus
from yolosses.kernels.numba.loops import behind, compiled, operator, over_images, summing

CHUNK, SMALL = 512, np.float32(2048)
"""Numbers that are added up in float32, and a sum of them above which float64 is used: a large number is added here,
and taken away where it is wanted."""


def softplus_sums(scores: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """(B,) float64.

    Args:
        scores: (B, C, n) float32 logits, any strides. location_weight: (B, 1, n), class_weight: (C,); None where all
            are 1.
    """
    run = torch.ops.yolosses.softplus_sums if torch.compiler.is_compiling() else _run
    return run(scores, location_weight, class_weight)  # type: ignore[no-any-return]


def _run(scores: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    sums, none = torch.empty(len(scores), dtype=torch.float64), torch.empty(0)
    by_location = none.expand(len(scores), 0) if location_weight is None else location_weight[:, 0]
    by_class = (none if class_weight is None else class_weight).expand(len(scores), -1)
    if scores.stride(2) > scores.stride(1):  # channels last in memory
        scores, by_location, by_class = scores.mT, by_class, by_location
    values, steps = behind(scores)
    over_images(
        _loop, len(scores), scores.numel(), values, steps, tuple(scores.shape),
        by_class.float().contiguous().numpy(), by_location.float().contiguous().numpy(), sums.numpy(),
    )  # fmt: skip
    return sums


operator(
    "softplus_sums(Tensor scores, Tensor? location_weight, Tensor? class_weight) -> Tensor",
    _run,
    lambda scores, *rest: scores.new_empty(len(scores), dtype=torch.float64),
)


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
def _loop(begin, end, values, steps, shape, by_row, by_column, sums):
    """Rows are classes and columns locations, or the other way round: those are columns that are neighbours."""
    _, rows, columns = shape
    next_to_each_other, row = steps[2] == 1, np.empty(columns, np.float32)
    for image in range(begin, end):
        sums[image] = 0
        for number in range(rows):
            at = image * steps[0] + number * steps[1]
            if next_to_each_other:
                x = values[at : at + columns]
            else:
                for column in range(columns):
                    row[column] = values[at + column * steps[2]]
                x = row
            total = _weighted_sum(x, by_column[image]) if by_column.size else _sum_of_row(x)
            sums[image] += total * by_row[image, number] if by_row.size else total
