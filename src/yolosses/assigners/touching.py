"""Which boxes touch which, so that objects are compared with what they may overlap alone. For the CPU, where a list may
have as many entries as there are."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 1 << 18
"""Pairs that are compared at once."""
TOGETHER = 32
"""Objects beside one another that are compared with the same boxes: those that touch any of them."""
SLACK = 1e-5
"""Of a number, more than rounding takes."""


def at_once(others: Tensor) -> int:
    """How many are compared with all of ``others`` (n, ...) at once."""
    return max(1, BLOCK // max(1, len(others)))


def beside_one_another(truths: Tensor, boxes: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Numbers of some of ``truths`` (J, 4) at a time, and of all ``boxes`` (K, 4) that touch any of them, and so may
    have an IoU above 0, at least of one box; each in ascending order. J and K are at least 1."""
    (low, high), of_boxes = _extents(truths), _extents(boxes)
    for object in torch.split(_by_neighbourhood(truths), TOGETHER):
        first, last = low[:, object].amin(1, keepdim=True), high[:, object].amax(1, keepdim=True)
        near = ((of_boxes[0] < last) & (of_boxes[1] > first)).all(0).nonzero().squeeze(1)
        if not len(near):
            near = object.new_zeros(1)
        object = object.sort().values
        for part in torch.split(object, at_once(near)):
            yield part, near


def _extents(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """(2, N) left and top, and right and bottom, so far out that no rounding brings them in; NaN is nowhere."""
    centre, size = boxes[:, :2].T, boxes[:, 2:].T.clamp(min=0)
    half = size / 2 + (centre.abs() + size) * SLACK
    return (centre - half).nan_to_num(nan=torch.inf), (centre + half).nan_to_num(nan=-torch.inf)


def _by_neighbourhood(boxes: Tensor) -> Tensor:
    """(N,) the numbers of ``boxes`` (N, 4), so that those beside one another in the image are beside one another here:
    by stripes from left to right, from top to bottom and back."""
    count = len(boxes)
    stripes = max(1, round((count / TOGETHER) ** 0.5))
    rank, down = (boxes[:, axis].argsort().argsort() for axis in (0, 1))
    stripe = rank * stripes // count
    order: Tensor = (stripe * count + torch.where(stripe % 2 == 0, down, count - 1 - down)).argsort()
    return order
