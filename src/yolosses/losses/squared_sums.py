"""The five sums of squared errors of YOLOv1 and their gradient, with one pass over the output for each.

What answers for an object is a row of 5 + C numbers; of everything else only the confidence counts. So the rows and the
confidences are read once, and one gradient is written: zero, but for the confidences and the rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from yolosses import host
from yolosses.codecs import GridCodec
from yolosses.precision import at_least_float32
from yolosses.structures import by_image


def image_of(per_object: Tensor) -> Tensor:
    """(B, 1) the image of each row of (B, M)."""
    return torch.arange(len(per_object), device=per_object.device)[:, None]


def squared_sums(
    raw: Tensor,
    codec: GridCodec,
    image: Tensor,
    predictor: Tensor,
    target: Tensor,
    weight: Tensor | None,
    background: Tensor | None,
) -> Tensor:
    """The sums of each image before any lambda.

    Args:
        raw: as `GridCodec.split` takes it.
        predictor: (N,) of the pairs, and ``image`` (N,) of each; or (B, P) with all that do not count, and (B, 1).
        target: (..., 5 + C) for each pair what its row should be: x, y, w, h as the network emits them, confidence,
            classes. No gradient.
        weight: broadcasts to ``target``, 0 where the pair does not count; or None, where all count alike.
        background: (B, A) bool, whose confidence should be 0; or None: all that are in no pair, all of which count.

    Returns:
        (B, 5) of xy, wh, obj, noobj and cls; at least float32.
    """
    sums: Tensor = _Sums.apply(raw, codec, image, predictor, target, weight, background)  # type: ignore[no-untyped-call]
    return sums


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        raw: Tensor,
        codec: GridCodec,
        image: Tensor,
        predictor: Tensor,
        target: Tensor,
        weight: Tensor | None,
        background: Tensor | None,
    ) -> Tensor:
        k, images = codec.boxes_per_cell, len(raw)
        cell = predictor // k
        box = predictor - cell * k
        boxes, confidence, classes = codec.split(raw)
        every = at_least_float32(confidence).clone(memory_format=torch.contiguous_format).flatten(1)
        row = torch.cat(
            (boxes[image, cell, box], confidence[image, cell, box][..., None], classes[image, cell]), -1
        )
        error = at_least_float32(row) - target
        if weight is not None:
            # Where a pair does not count the row may hold anything, infinity too.
            error = torch.where(weight != 0, error, 0)
        pull = error if weight is None else error * weight
        if background is not None:
            every = torch.where(background, every, 0)
        else:
            every[image, predictor] = 0
        ctx.save_for_backward(pull, every, image, cell, box)
        ctx.like, ctx.codec, ctx.listed = raw, codec, predictor.ndim == 1
        square = pull * error
        by_pair = (square[..., :2].sum(-1), square[..., 2:4].sum(-1), square[..., 4], square[..., 5:].sum(-1))
        xy, wh, obj, cls = by_image(torch.stack(by_pair, -1), image, images).unbind(1)
        return torch.stack((xy, wh, obj, every.square().sum(1), cls), 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_sums: Tensor) -> tuple[Tensor | None, ...]:
        pull, every, image, cell, box = ctx.saved_tensors
        xy, wh, obj, noobj, cls = torch.split(2 * of_sums, 1, 1)
        of_row = torch.cat((xy, xy, wh, wh, obj, cls.expand(-1, ctx.codec.num_classes)), 1)
        rows = (pull * of_row[image]).to(ctx.like.dtype)
        gradient = host.empty_like(ctx.like, torch.contiguous_format).zero_()
        boxes, confidence, classes = ctx.codec.split(gradient)
        confidence.copy_((every * noobj).view(confidence.shape))
        # Pairs that do not count all point to the first predictor, where they add nothing.
        add = not ctx.listed
        boxes.index_put_((image, cell, box), rows[..., :4], accumulate=add)
        confidence.index_put_((image, cell, box), rows[..., 4], accumulate=add)
        classes.index_put_((image, cell), rows[..., 5:], accumulate=True)  # boxes of one cell share them
        return gradient, None, None, None, None, None, None
