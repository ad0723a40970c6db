"""YOLOv8's three sums: loops over the pairs, and one pass over the class logits, for the value and for the one gradient
of the output's size. The twin of `kernels.triton.point_sums`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from yolosses import memory
from yolosses.kernels import logits
from yolosses.kernels.numba import logits as loops
from yolosses.kernels.numba import point_terms
from yolosses.kernels.operators import operator, with_gradient
from yolosses.kernels.schemas import POINT_TABLES, empty_gradients


def point_sums(
    bins: int, sides: list[int], strides: list[float], smoothing: float, predictor: Tensor, object: Tensor,
    mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None,
    location_weight: Tensor | None, class_weight: Tensor | None, parts: Sequence[Tensor],
) -> Tensor:  # fmt: skip
    """(B, 3) sums of the boxes, the classes and the sides of each image: see `schemas.POINT_TABLES`."""
    tables = (predictor, object, mask, quality, boxes, labels, weight, location_weight, class_weight)
    dtype = functools.reduce(torch.promote_types, [part.dtype for part in parts], torch.float32)
    parts, settings = [part.to(dtype) for part in parts], (bins, sides, strides, smoothing)
    sums, probabilities, kept = _forward(*settings, *tables, [part.detach() for part in parts])
    return _with_gradient(sums, parts, (probabilities, kept, *tables), (len(parts), *settings))


def _shapes(
    bins: int, sides: object, strides: object, smoothing: object, predictor: Tensor, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    like, (images, pairs) = rest[-1][0], predictor.shape
    sizes = ((images, 3), (images * pairs, 4, bins), (images * pairs, point_terms.KEPT))
    sums, probabilities, kept = (like.new_empty(size) for size in sizes)
    return sums, probabilities, kept


@operator(f"point_sums({POINT_TABLES}) -> (Tensor, Tensor, Tensor)", _shapes, "numba")
def _forward(
    bins: int, sides: list[int], strides: list[float], smoothing: float, predictor: Tensor, object: Tensor,
    mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None,
    location_weight: Tensor | None, class_weight: Tensor | None, parts: list[Tensor],
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """See `point_sums`; and what the gradient needs, see `point_terms.point_terms`."""
    pairs = point_terms.Pairs(
        predictor, object, mask, quality, boxes, labels, weight, class_weight, smoothing
    )
    maps = _maps(parts, bins, sides, strides, maps=parts[0].ndim == 4)
    of_boxes, taken, probabilities, kept = point_terms.point_terms(maps, pairs)
    if of_boxes.dtype == torch.float32:
        everywhere = loops.softplus_sums(maps.scores, location_weight, class_weight)
    else:
        everywhere, start = torch.zeros_like(taken), 0
        for scores in maps.scores:
            weights = logits.part_of(location_weight, start, scores)
            everywhere += logits.softplus_sums(scores, weights, class_weight)
            start += scores.shape[2]
    classes = everywhere - taken
    sums = torch.stack((of_boxes[:, 0], classes.to(of_boxes.dtype), of_boxes[:, 1]), 1)
    return sums, probabilities, kept


@operator(
    f"point_sums_gradient(Tensor of_sums, Tensor probabilities, Tensor kept, {POINT_TABLES}) -> Tensor[]",
    lambda *arguments: empty_gradients(arguments[-1]),
    "numba",
)
def _backward(
    of_sums: Tensor, probabilities: Tensor, kept: Tensor, bins: int, sides: list[int], strides: list[float],
    smoothing: float, predictor: Tensor, object: Tensor, mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor,
    weight: Tensor | None, location_weight: Tensor | None, class_weight: Tensor | None, parts: list[Tensor],
) -> list[Tensor]:  # fmt: skip
    """The gradients of ``parts``."""
    pairs = point_terms.Pairs(
        predictor, object, mask, quality, boxes, labels, weight, class_weight, smoothing
    )
    # Of flattened maps, so that every layout in memory can be written to.
    found, maps = [memory.empty_like(part.flatten(2)) for part in parts], parts[0].ndim == 4
    of_box, of_classes, of_sides = of_sums.unbind(1)
    gradients, values = (_maps(part, bins, sides, strides, maps=maps) for part in (found, parts))
    if of_sums.dtype == torch.float32:
        loops.write_zeros(gradients.boxes)
        loops.write_sigmoid(gradients.scores, values.scores, of_classes, location_weight, class_weight)
    else:
        start = 0
        for boxes_gradient, target, scores in zip(
            gradients.boxes, gradients.scores, values.scores, strict=True
        ):
            boxes_gradient.zero_()
            weights = logits.part_of(location_weight, start, scores)
            logits.write_sigmoid(target, scores, of_classes, weights, class_weight)
            start += scores.shape[2]
    point_terms.write_gradient(
        gradients, pairs, probabilities, kept, torch.stack((of_box, of_sides), 1), of_classes
    )
    return [gradient.view(part.shape) for gradient, part in zip(found, parts, strict=True)]


def _gradient(of_sums: Tensor, *arguments: Any) -> list[Tensor]:
    """`_backward` with the arguments of `with_gradient`."""
    *tensors, count, bins, sides, strides, smoothing = arguments
    parts, (probabilities, kept, *tables) = tensors[:count], tensors[count:]
    return _backward(of_sums, probabilities, kept, bins, sides, strides, smoothing, *tables, list(parts))  # type: ignore[no-any-return]


_with_gradient = with_gradient("numba", _gradient)


def _maps(
    parts: Sequence[Tensor], bins: int, sides: list[int], strides: list[float], *, maps: bool
) -> point_terms.Maps:
    """``maps``: whether ``parts`` are maps, flattened or not, else boxes and scores."""
    boxes, scores = zip(*logits.views_of(parts, 4 * bins, maps), strict=True)
    return point_terms.Maps(boxes, scores, bins, list(zip(sides[::2], sides[1::2], strict=True)), strides)
