"""The output of YOLOX: each location emits where its box is and how large, in cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.codecs.cells import Grid
from yolosses.codecs.class_scores import ClassScores
from yolosses.codecs.levels import Levels, take_by_level
from yolosses.precision import at_least_float32
from yolosses.structures import Place, Predictions

OffsetRaw = Tensor | Sequence[Tensor]

MAX_LOG_SIZE = 20.0
"""Beyond this a box is larger than any image; without a bound an output of 89 is infinite."""
MIN_SIZE = 1e-8
"""Cells. An object without extent has this size where its logarithm is wanted."""


@dataclass(frozen=True, kw_only=True)
class OffsetCodec:
    """In the cell at (col, row) of a level with stride ``n`` a location emits dx, dy, dw, dh, objectness, C classes::

        cx = (col + dx) n    cy = (row + dy) n    w = exp(dw) n    h = exp(dh) n

    dx and dy count from the cell's corner, not from its centre, and are not bounded. Boxes here are cxcywh in pixels;
    predictors are numbered level by level, row by row, see `Levels`.

    Attributes:
        levels: with one box a cell. num_classes: C.
    """

    levels: Levels
    num_classes: int

    @property
    def counts(self) -> tuple[int, ...]:
        """Predictors of each level."""
        return self.levels.counts

    def within(self, boxes: Tensor, mask: Tensor) -> Tensor:
        """(B, A) bool: predictors on ``boxes`` (B, M, 4) where ``mask`` (B, M), see `Levels.within`."""
        return self.levels.within(boxes, mask)

    @property
    def grids(self) -> tuple[Grid, ...]:
        """(rows, columns) of each level."""
        return self.levels.grids

    def places(self, predictor: Tensor) -> Place:
        """Level, row, column and box of predictors, int64 of any shape."""
        return self.levels.places(predictor)

    def locate(self, boxes: Tensor, level: int = 0) -> tuple[Tensor, Tensor]:
        """The cell of one level that holds each centre, and the offset within it, see `Levels.locate`."""
        return self.levels.locate(boxes, level)

    def split(self, raw: OffsetRaw) -> tuple[Tensor, ...]:
        """Views (B, rows * cols, 5+C) of ``raw``, one a level, see `offset_views`; `ValueError` where they are not
        those of these levels."""
        views = offset_views(raw, num_classes=self.num_classes)
        counts, wanted = tuple(view.shape[1] for view in views), self.levels.counts
        if len(views) == 1 and counts == (sum(wanted),):
            return torch.split(views[0], list(wanted), 1)
        if counts != wanted:
            raise ValueError(
                f"raw: expected {sum(wanted)} locations for grids {self.grids}; "
                f"got {sum(counts)} in {len(counts)} parts"
            )
        return views

    def at(self, raw: OffsetRaw, predictor: Tensor) -> Tensor:
        """(B, P, 5+C) the numbers of the predictors (B, P), at least float32."""
        views = self.split(raw)

        def take(level: int, local: Tensor, here: Tensor) -> Tensor:
            return views[level].gather(1, local[..., None].expand(-1, -1, views[level].shape[2]))

        return at_least_float32(take_by_level(self.levels, predictor, take))

    def objectness(self, raw: OffsetRaw) -> Tensor:
        """(B, A) logits of every predictor, at least float32."""
        return at_least_float32(torch.cat([view[..., 4] for view in self.split(raw)], 1))

    def classes(self, raw: OffsetRaw) -> Tensor:
        """(B, A, C) logits of every predictor, at least float32."""
        return at_least_float32(torch.cat([view[..., 5:] for view in self.split(raw)], 1))

    def boxes(self, raw: OffsetRaw) -> Tensor:
        """(B, A, 4) cxcywh in pixels, of every predictor."""
        values = torch.cat([view[..., :4] for view in self.split(raw)], 1)
        return self.decode(values, torch.arange(self.levels.num_predictors, device=values.device))

    def decode(self, values: Tensor, predictor: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh in pixels, of numbers (..., 4 or more) of predictors (...) that broadcast."""
        values = at_least_float32(values)
        corner, stride = self._corner_and_stride(predictor, values)
        size = values[..., 2:4].clamp(max=MAX_LOG_SIZE).exp()
        return torch.cat(((values[..., :2] + corner) * stride, size * stride), -1)

    def encode(self, boxes: Tensor, predictor: Tensor) -> Tensor:
        """dx, dy, dw, dh (..., 4) of boxes (..., 4) cxcywh in pixels. Inverse of `decode`."""
        corner, stride = self._corner_and_stride(predictor, boxes)
        size = (boxes[..., 2:] / stride).clamp(min=MIN_SIZE)
        return torch.cat((boxes[..., :2] / stride - corner, size.log()), -1)

    def in_pixels(self, boxes: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh from fractions of the image."""
        return self.levels.in_pixels(boxes)

    def scores(self, raw: OffsetRaw) -> Tensor:
        """(B, A, C) objectness times class probability."""
        return self.confidence(raw)[..., None] * self.classes(raw).sigmoid()

    def class_scores(self, raw: OffsetRaw) -> ClassScores:
        """The roots of objectness times class probability, to be looked up."""
        views = self.split(raw)
        return ClassScores(
            logits=tuple(view[..., 5:].mT for view in views), objectness=tuple(view[..., 4] for view in views)
        )

    def confidence(self, raw: OffsetRaw) -> Tensor:
        """(B, A) how sure each predictor is that it holds an object, whatever its class."""
        return self.objectness(raw).sigmoid()

    def predictions(self, raw: OffsetRaw) -> Predictions:
        """All boxes, and the score of every class: objectness times class probability."""
        return Predictions(self.levels.in_fractions(self.boxes(raw)), self.scores(raw))

    def _corner_and_stride(self, predictor: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """(..., 2) column and row of the cells, (..., 1) their strides."""
        place = self.places(predictor)
        corner = torch.stack((place.col, place.row), -1)
        return corner, self.levels.stride_of(like)[predictor][..., None]


def offset_views(raw: OffsetRaw, *, num_classes: int) -> tuple[Tensor, ...]:
    """Views (B, locations, 5+C) of what networks emit: maps (B, 5+C, rows, cols), one a level, finest first; or one
    tensor (B, A, 5+C) of all levels.

    Raises:
        TypeError: a part is no floating tensor. ValueError: a part has another shape, or none is there.
    """
    if not isinstance(raw, Tensor | Sequence):
        raise TypeError(f"raw: expected tensors; got {type(raw).__name__}")
    parts = (raw,) if isinstance(raw, Tensor) else tuple(raw)
    if not parts:
        raise ValueError("raw: expected one map a level; got none")
    channels, views = 5 + num_classes, []
    for index, part in enumerate(parts):
        name = "raw" if isinstance(raw, Tensor) else f"raw[{index}]"
        if not isinstance(part, Tensor):
            raise TypeError(f"{name}: expected a tensor; got {type(part).__name__}")
        if not part.is_floating_point():
            raise TypeError(f"{name}: expected a floating dtype; got {part.dtype}")
        if part.shape[0] != parts[0].shape[0]:
            raise ValueError(f"{name}: expected {parts[0].shape[0]} images like raw[0]; got {part.shape[0]}")
        if part.ndim == 4 and part.shape[1] == channels:
            views.append(part.flatten(2).mT)
        elif part.ndim == 3 and part.shape[2] == channels and len(parts) == 1:
            views.append(part)
        else:
            raise ValueError(
                f"{name}: expected maps (B, {channels}, rows, cols), one a level, or one tensor (B, A, {channels}), "
                f"for num_classes={num_classes}; got {tuple(part.shape)}"
            )
    return tuple(views)
