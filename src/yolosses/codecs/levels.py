"""Several maps of cells over one image, and where their predictors sit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from yolosses import host
from yolosses.codecs.cells import Grid, cells_within, locate
from yolosses.structures import Place


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The maps of a network with several scales.

    Predictors are numbered level by level in the order of ``grids``; within a level box by box, row by row, column by
    column: (K, rows, cols), the order in which such networks emit them.

    Attributes:
        grids: (rows, columns) of each level.
        strides: size of a cell of each level in pixels.
        boxes_per_cell: K, predictors in each cell.
    """

    grids: tuple[Grid, ...]
    strides: tuple[float, ...]
    boxes_per_cell: int = 1

    def __post_init__(self) -> None:
        if len(self.grids) != len(self.strides):
            raise ValueError(
                f"strides: expected one for each of {len(self.grids)} levels; got {self.strides!r}"
            )

        (height, width), step = self.image_size, max(self.strides)
        for (rows, cols), stride in zip(self.grids, self.strides, strict=True):
            if abs(rows * stride - height) >= step or abs(cols * stride - width) >= step:
                raise ValueError(
                    f"grids: expected maps of the same image, one for each of strides={self.strides}; got {self.grids}"
                )

    @property
    def image_size(self) -> tuple[float, float]:
        """(height, width) in pixels that the first level spans."""
        (rows, cols), stride = self.grids[0], self.strides[0]
        return rows * stride, cols * stride

    @property
    def counts(self) -> tuple[int, ...]:
        """Predictors of each level."""
        return tuple(rows * cols * self.boxes_per_cell for rows, cols in self.grids)

    @property
    def starts(self) -> tuple[int, ...]:
        """Number of the first predictor of each level."""
        return tuple(accumulate(self.counts, initial=0))[:-1]

    @property
    def num_predictors(self) -> int:
        """A, over all levels."""
        return sum(self.counts)

    def places(self, predictor: Tensor) -> Place:
        """Level, row, column and box of predictors, int64 of any shape."""
        level = row = col = box = torch.zeros_like(predictor)
        for index, (start, (rows, cols)) in enumerate(zip(self.starts, self.grids, strict=True)):
            here, local = predictor >= start, predictor - start
            level = torch.where(here, index, level)
            row = torch.where(here, local // cols % rows, row)
            col = torch.where(here, local % cols, col)
            box = torch.where(here, local // (rows * cols), box)
        return Place(level, row, col, box)

    def predictor(self, level: int, row: Tensor, col: Tensor, box: Tensor | int = 0) -> Tensor:
        """The number of the predictor at a place; inverse of `places`."""
        rows, cols = self.grids[level]
        return self.starts[level] + (box * rows + row) * cols + col

    def locate(self, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """The cell of the first level that holds each box's centre, see `cells.locate`."""
        return locate(boxes, self.grids[0])

    def points(self, like: Tensor) -> Tensor:
        """(A, 2) x, y of the centre of each predictor's cell in pixels; dtype (at least float32) and device of
        ``like``."""
        dtype = torch.promote_types(like.dtype, torch.float32)

        def centres(grid: Grid, stride: float) -> Tensor:
            rows, cols = grid
            x = (torch.arange(cols, device=like.device, dtype=dtype) + 0.5) * stride
            y = (torch.arange(rows, device=like.device, dtype=dtype) + 0.5) * stride
            both = torch.stack((x.expand(rows, cols), y[:, None].expand(rows, cols)), -1)
            return both.expand(self.boxes_per_cell, *grid, 2).reshape(-1, 2)

        return torch.cat([centres(g, s) for g, s in zip(self.grids, self.strides, strict=True)])

    def stride_of(self, like: Tensor) -> Tensor:
        """(A,) stride of each predictor's level in pixels; dtype (at least float32) and device of ``like``."""
        return self.fill(list(self.strides), like)

    def fill(self, values: list[float], like: Tensor) -> Tensor:
        """(A,) the value of each predictor's level; dtype (at least float32) and device of ``like``."""
        dtype = torch.promote_types(like.dtype, torch.float32)
        parts = zip(self.counts, values, strict=True)
        return torch.cat([torch.full((n,), v, dtype=dtype, device=like.device) for n, v in parts])

    def in_pixels(self, boxes: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh from fractions of the image."""
        height, width = self.image_size
        sides = (width, height, width, height)
        if host.on_host(boxes):
            return boxes * boxes.new_tensor(sides)
        if height == width:
            return boxes * width
        # What the host makes it would have to send, and wait for.
        return torch.stack([boxes[..., i] * side for i, side in enumerate(sides)], -1)

    def in_fractions(self, boxes: Tensor) -> Tensor:
        """Inverse of `in_pixels`."""
        height, width = self.image_size
        return torch.stack(
            [boxes[..., i] / side for i, side in enumerate((width, height, width, height))], -1
        )

    def within(self, boxes: Tensor, mask: Tensor) -> Tensor:
        """(B, A) bool: predictors whose cell's centre lies in one of ``boxes`` (B, M, 4) cxcywh fractions where
        ``mask`` (B, M)."""
        per_level = [cells_within(boxes, mask, grid).repeat(1, self.boxes_per_cell) for grid in self.grids]
        return torch.cat(per_level, 1)


def unravel(number: Tensor, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """The index into each dimension of ``shape`` of places that are numbered in order."""
    places = []
    for size in reversed(shape[1:]):
        places.append(number % size)
        number = number // size
    return (number, *reversed(places))


def take_by_level(levels: Levels, predictor: Tensor, take: Callable[[int, Tensor, Tensor], Tensor]) -> Tensor:
    """Values at ``predictor`` (B, P), fetched level by level without joining the maps.

    ``take(level, local, here)`` returns (B, P, ...) the values of one level at ``local`` (B, P), valid indices in
    that level also where ``here`` (B, P) is False.
    """
    result: Tensor | None = None
    for level, (start, count) in enumerate(zip(levels.starts, levels.counts, strict=True)):
        here = (predictor >= start) & (predictor < start + count)
        found = take(level, (predictor - start).clamp(0, count - 1), here)
        inside = here.view(*here.shape, *(1,) * (found.ndim - 2))
        result = found if result is None else torch.where(inside, found, result)
    assert result is not None
    return result
