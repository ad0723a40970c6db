"""Reading a grid's output: the numbers of some predictors, and the confidence of all, with ONE gradient of its size.

Plain indexing would make a gradient of the output's size for each selection. Reading is linear: its backward is a
write, whose backward is the read. So it is right to any order of derivative, also under `torch.func`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from yolosses import memory, modes
from yolosses.codecs.grid import GridCodec
from yolosses.function import Function


def read_grid(raw: Tensor, codec: GridCodec, image: Tensor, predictor: Tensor) -> tuple[Tensor, Tensor]:
    """What predictors emit, in the dtype of ``raw``.

    Args:
        raw: as `GridCodec.split` takes it. predictor: (N,) or (B, P) int64; image: of each, broadcasts to it.

    Returns:
        (..., 5 + C) x, y, w, h, confidence, classes of the predictors, and (B, A) the confidence of all.
    """
    # Without a gradient, what a Function takes is left out, which is longer than to read a small batch; and a compiler
    # makes one gradient of plain indexing by itself.
    read = _Read.apply if torch.is_grad_enabled() and not modes.is_traced() else _Read.forward
    found: tuple[Tensor, Tensor] = read(raw, codec, image, predictor)
    return found


def write_grid(
    rows: Tensor,
    every: Tensor,
    codec: GridCodec,
    image: Tensor,
    predictor: Tensor,
    *,
    shape: torch.Size,
    distinct: bool = False,
) -> Tensor:
    """The transpose of `read_grid`, of ``shape``: what several pairs share is added up. ``distinct``: no predictor is
    in two pairs, and ``every`` is 0 at theirs."""
    write = _Write.apply if torch.is_grad_enabled() else _Write.forward
    raw: Tensor = write(rows, every, codec, image, predictor, shape, distinct)
    return raw


class _Read(Function):
    @staticmethod
    def forward(raw: Tensor, codec: GridCodec, image: Tensor, predictor: Tensor) -> tuple[Tensor, Tensor]:
        boxes, confidence, classes = codec.split(raw)
        k = codec.boxes_per_cell
        cell = predictor // k
        box = predictor - cell * k
        if predictor.ndim == 1 and codec.layout == "cell":
            # Whole cells, of which one box is kept, are read in half of the time.
            cells = raw.reshape(-1, codec.num_cells, codec.channels)[image, cell]
            boxes, classes = cells.split_with_sizes((5 * k, codec.num_classes), 1)
            box = torch.arange(len(box), device="cpu") * k + box
            rows = torch.cat((boxes.reshape(-1, 5).index_select(0, box), classes), 1)
        else:
            at = image, cell, box
            rows = torch.cat((boxes[at], confidence[at][..., None], classes[image, cell]), -1)
        return rows, confidence.clone(memory_format=torch.contiguous_format).flatten(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
        raw, ctx.codec, image, predictor = inputs
        ctx.save_for_backward(image, predictor)
        ctx.save_for_forward(image, predictor)
        ctx.shape = raw.shape

    @staticmethod
    def backward(ctx: Any, of_rows: Tensor, of_all: Tensor) -> tuple[Any, ...]:
        return write_grid(of_rows, of_all, ctx.codec, *ctx.saved_tensors, shape=ctx.shape), None, None, None

    @staticmethod
    def jvp(ctx: Any, raw: Tensor, *_: object) -> tuple[Tensor, Tensor]:
        return read_grid(raw, ctx.codec, *ctx.saved_tensors)


class _Write(Function):
    @staticmethod
    def forward(
        rows: Tensor, every: Tensor, codec: GridCodec, image: Tensor, predictor: Tensor, shape: torch.Size,
        distinct: bool,
    ) -> Tensor:  # fmt: skip
        raw = memory.zeros(shape, rows)
        boxes, confidence, classes = codec.split(raw)
        cell = predictor // codec.boxes_per_cell
        at = image, cell, predictor - cell * codec.boxes_per_cell
        confidence.copy_(every.view(confidence.shape))
        boxes.index_put_(at, rows[..., :4], accumulate=not distinct)
        confidence.index_put_(at, rows[..., 4], accumulate=not distinct)
        classes.index_put_((image, cell), rows[..., 5:], accumulate=True)  # boxes of one cell share them
        return raw

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
        _, _, ctx.codec, image, predictor, ctx.shape, _ = inputs
        ctx.save_for_backward(image, predictor)
        ctx.save_for_forward(image, predictor)

    @staticmethod
    def backward(ctx: Any, of_raw: Tensor) -> tuple[Any, ...]:
        return *read_grid(of_raw, ctx.codec, *ctx.saved_tensors), None, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, rows: Tensor, every: Tensor, *_: object) -> Tensor:
        return write_grid(rows, every, ctx.codec, *ctx.saved_tensors, shape=ctx.shape)
