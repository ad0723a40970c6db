"""How many locations an object asks for in SimOTA: the sum of its largest IoUs over all candidates of its image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from yolosses.kernels.numba.loops import compiled, over_images


def sums_of_largest(
    boxes: Tensor, candidates: list[int], truths: Tensor, objects: list[int], topk: int
) -> Tensor:
    """(N,) the sum of the ``topk`` largest IoUs (`boxes.paired_iou`) of each object.

    Args:
        boxes: (4, K) cxcywh of the candidates, image by image, of which there are ``candidates`` in each.
        truths: (N, 4) the same of the objects.
    """
    sums = torch.empty(len(truths), dtype=boxes.dtype)
    first, begin = (
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64) for counts in (candidates, objects)
    )
    work = sum(of * to for of, to in zip(candidates, objects, strict=True))
    arrays = (boxes.contiguous().numpy(), truths.to(boxes.dtype).contiguous().numpy())
    over_images(_loop, len(objects), 2 * work, *arrays, first, begin, topk, sums.numpy())
    return sums


@compiled
def _overlaps(x, y, w, h, truth, out):
    real = out.dtype.type
    half, nothing = real(0.5), real(0)
    truth_x, truth_y, truth_w, truth_h = truth
    area, half_w, half_h = truth_w * truth_h, truth_w * half, truth_h * half
    for i in range(len(out)):
        dx, dy, own_w, own_h = truth_x - x[i], truth_y - y[i], w[i] * half, h[i] * half
        right, left = dx + half_w, dx - half_w
        below, above = dy + half_h, dy - half_h
        width = (right if right < own_w else own_w) - (left if left > -own_w else -own_w)
        height = (below if below < own_h else own_h) - (above if above > -own_h else -own_h)
        common = (width if width > nothing else nothing) * (height if height > nothing else nothing)
        union = area + w[i] * h[i] - common
        iou = common / union
        out[i] = iou if common > nothing and union > nothing else nothing


@compiled
def _sum_of_largest(values, largest):
    """``largest``: room for as many as are added up."""
    largest[:], last = 0, len(largest) - 1
    for value in values:
        if value > largest[last]:
            place = last
            while place > 0 and largest[place - 1] < value:
                largest[place] = largest[place - 1]
                place -= 1
            largest[place] = value
    total = values.dtype.type(0)
    for value in largest:
        total += value
    return total


@compiled
def _loop(begin, end, boxes, truths, first, of_image, topk, sums):
    overlaps, largest = np.empty(boxes.shape[1], boxes.dtype), np.empty(topk, boxes.dtype)
    for image in range(begin, end):
        low, high = first[image], first[image + 1]
        for number in range(of_image[image], of_image[image + 1]):
            found = overlaps[: high - low]
            _overlaps(
                boxes[0][low:high], boxes[1][low:high], boxes[2][low:high], boxes[3][low:high], truths[number], found
            )  # fmt: skip
            sums[number] = _sum_of_largest(found, largest)
