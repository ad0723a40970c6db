"""The three sums of YOLOv8's terms with ``impl="numba"``: loops over the pairs, and one pass over the class logits, for
the value and for the one gradient of the size of the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from yolosses import host
from yolosses.kernels.numba import point_terms
from yolosses.kernels.numba.softplus_sums import softplus_sums
from yolosses.kernels.operators import operator
from yolosses.kernels.schemas import POINT_TABLES, empty_gradients
from yolosses.losses import sparse_classes
from yolosses.losses.sparse_classes import part_of, views_of, write_sigmoid
from yolosses.precision import at_least_float32


def point_sums(
    bins: int, sides: list[int], strides: list[float], smoothing: float, predictor: Tensor, object: Tensor,
    mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None,
    location_weight: Tensor | None, class_weight: Tensor | None, parts: Sequence[Tensor],
) -> Tensor:  # fmt: skip
    """As `kernels.triton.point_sums.point_sums`."""
    tables = (predictor, object, mask, quality, boxes, labels, weight, location_weight, class_weight)
    sums: Tensor = _Sums.apply(bins, sides, strides, smoothing, *tables, *map(at_least_float32, parts))  # type: ignore[no-untyped-call]
    return sums


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, bins: int, sides: list[int], strides: list[float], smoothing: float, *tensors: Tensor | None
    ) -> Tensor:
        tables, parts = tensors[:9], list(tensors[9:])
        run: Any = torch.ops.yolosses.point_sums if torch.compiler.is_compiling() else _add
        sums, probabilities, kept = run(bins, sides, strides, smoothing, *tables, parts)
        ctx.save_for_backward(probabilities, kept, *tensors)
        ctx.rest = bins, sides, strides, smoothing
        return sums  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_sums: Tensor) -> tuple[Tensor | None, ...]:
        probabilities, kept, *tensors = ctx.saved_tensors
        run: Any = torch.ops.yolosses.point_sums_gradient if torch.compiler.is_compiling() else _pull
        gradients = run(of_sums, probabilities, kept, *ctx.rest, *tensors[:9], list(tensors[9:]))
        return *(None,) * 13, *gradients


def _add(
    bins: int, sides: list[int], strides: list[float], smoothing: float, predictor: Tensor, object: Tensor,
    mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor, weight: Tensor | None,
    location_weight: Tensor | None, class_weight: Tensor | None, parts: list[Tensor],
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """See `point_sums`; and what the gradient needs."""
    pairs = point_terms.Pairs(
        predictor, object, mask, quality, boxes, labels, weight, class_weight, smoothing
    )
    maps = _maps(parts, bins, sides, strides)
    of_boxes, taken, probabilities, kept = point_terms.point_terms(maps, pairs)
    everywhere = softplus_sums if of_boxes.dtype == torch.float32 else _softplus_sums
    classes = everywhere(maps.scores, location_weight, class_weight) - taken
    sums = torch.stack((of_boxes[:, 0], classes.to(of_boxes.dtype), of_boxes[:, 1]), 1)
    return sums, probabilities, kept


def _softplus_sums(
    levels: Sequence[Tensor], location_weight: Tensor | None, class_weight: Tensor | None
) -> Tensor:
    """The torch way of `softplus_sums`, for float64."""
    found, start = torch.zeros(len(levels[0]), dtype=torch.float64), 0
    for scores in levels:
        weights = part_of(location_weight, start, scores)
        found += sparse_classes.softplus_sums(scores, weights, class_weight)
        start += scores.shape[2]
    return found


def _pull(
    of_sums: Tensor, probabilities: Tensor, kept: Tensor, bins: int, sides: list[int], strides: list[float],
    smoothing: float, predictor: Tensor, object: Tensor, mask: Tensor, quality: Tensor, boxes: Tensor, labels: Tensor,
    weight: Tensor | None, location_weight: Tensor | None, class_weight: Tensor | None, parts: list[Tensor],
) -> list[Tensor]:  # fmt: skip
    """The gradients of ``parts``."""
    pairs = point_terms.Pairs(
        predictor, object, mask, quality, boxes, labels, weight, class_weight, smoothing
    )
    # Of flattened maps, so that every layout in memory can be written to.
    found, start = [host.empty_like(part.flatten(2)) for part in parts], 0
    of_box, of_classes, of_sides = of_sums.unbind(1)
    maps = parts[0].ndim == 4
    logits = [scores for _, scores in views_of(parts, 4 * bins, maps)]
    gradients = _maps(found, bins, sides, strides, maps=maps)
    for boxes_gradient, scores_gradient, scores in zip(
        gradients.boxes, gradients.scores, logits, strict=True
    ):
        boxes_gradient.zero_()
        weights = part_of(location_weight, start, scores)
        write_sigmoid(scores_gradient, scores, of_classes, weights, class_weight)
        start += scores.shape[2]
    point_terms.write_gradient(
        gradients, pairs, probabilities, kept, torch.stack((of_box, of_sides), 1), of_classes
    )
    return [gradient.view(part.shape) for gradient, part in zip(found, parts, strict=True)]


def _maps(
    parts: Sequence[Tensor], bins: int, sides: list[int], strides: list[float], *, maps: bool | None = None
) -> point_terms.Maps:
    """``maps``: whether ``parts`` are maps, not boxes and scores; None: by their dimensions."""
    views = views_of(
        [part.detach() for part in parts], 4 * bins, parts[0].ndim == 4 if maps is None else maps
    )
    boxes, scores = zip(*views, strict=True)
    return point_terms.Maps(boxes, scores, bins, list(zip(sides[::2], sides[1::2], strict=True)), strides)


def _shapes(
    bins: int, sides: object, strides: object, smoothing: object, predictor: Tensor, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    like, pairs = rest[-1][0], predictor.numel()
    sizes = ((len(predictor), 3), (pairs, 4, bins), (pairs, point_terms.KEPT))
    sums, probabilities, kept = (like.new_empty(size) for size in sizes)
    return sums, probabilities, kept


operator(f"point_sums({POINT_TABLES}) -> (Tensor, Tensor, Tensor)", _add, _shapes)
operator(
    f"point_sums_gradient(Tensor of_sums, Tensor probabilities, Tensor kept, {POINT_TABLES}) -> Tensor[]", _pull,
    lambda *arguments: empty_gradients(arguments[-1]),
)  # fmt: skip
