"""Several maps of cells over one image, and where their predictors sit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from yolosses import modes
from yolosses.codecs.cells import Grid, Span, cells_within, locate
from yolosses.structures import Place

ImageSize = tuple[float, float]
"""(height, width) in pixels."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the predictors of several maps of cells sit, whatever image the maps are of.

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

    def cells(self, level: int) -> int:
        """Cells of a level."""
        rows, cols = self.grids[level]
        return rows * cols

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


@dataclass(frozen=True, kw_only=True, init=False)
class Levels(Layout):
    """The maps of a network with several scales, over one image.

    A network pads an image whose sides no stride divides to whole cells, or drops the border: 100 pixels at strides 8,
    16 and 32 make maps of 13, 7 and 4 cells, or of 12, 6 and 3. Fractions of the image are fractions of 100 pixels, not
    of the 104, 112 and 128 that the maps span, so that ``image_size`` has to be told.

    Attributes:
        grids, strides, boxes_per_cell: see `Layout`.
        image_size: (height, width) of the image that the network saw, in pixels (in the unit of ``strides``), without
            padding to whole cells. Not given: what the maps span, if that is the same for all levels.

    Raises:
        ValueError: ``image_size`` is not given and the maps do not all span one size; or a map is a whole cell or more
            larger or smaller than the image; or the number of ``strides`` is not that of ``grids``.
    """

    image_size: ImageSize

    def __init__(
        self,
        *,
        grids: tuple[Grid, ...],
        strides: tuple[float, ...],
        boxes_per_cell: int = 1,
        image_size: ImageSize | None = None,
    ) -> None:
        if len(grids) != len(strides):
            raise ValueError(f"strides: expected one for each of {len(grids)} levels; got {strides!r}")
        super().__init__(grids=grids, strides=strides, boxes_per_cell=boxes_per_cell)
        # The dataclass is frozen.
        object.__setattr__(self, "image_size", _image_size(grids, strides, image_size))

    @property
    def whole_cells(self) -> bool:
        """Whether the image ends with the last cells of the first level."""
        (rows, cols), stride = self.grids[0], self.strides[0]
        return self.image_size == (rows * stride, cols * stride)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Cells of each level that the image takes, (down, across): as many as the map has, or a fraction of a cell
        less or more."""
        height, width = self.image_size
        return tuple(
            (_cells(height, stride, rows), _cells(width, stride, cols))
            for (rows, cols), stride in zip(self.grids, self.strides, strict=True)
        )

    def locate(self, boxes: Tensor, level: int = 0) -> tuple[Tensor, Tensor]:
        """The cell of one level that holds the centre of each box (..., 4) cxcywh, fractions of the image, and the
        offset within it, see `cells.locate`."""
        return locate(boxes, self.grids[level], self.spans[level])

    def in_pixels(self, boxes: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh from fractions of the image."""
        height, width = self.image_size
        sides = (width, height, width, height)
        if modes.dynamic_lengths(boxes):
            return boxes * boxes.new_tensor(sides)
        if not torch.compiler.is_compiling() and height == width:
            return boxes * width
        # Creating the four numbers on the host would force a blocking copy to a GPU.
        return torch.stack([boxes[..., i] * side for i, side in enumerate(sides)], -1)

    def in_fractions(self, boxes: Tensor) -> Tensor:
        """Inverse of `in_pixels`."""
        height, width = self.image_size
        return torch.stack(
            [boxes[..., i] / side for i, side in enumerate((width, height, width, height))], -1
        )

    def within(self, boxes: Tensor, mask: Tensor) -> Tensor:
        """(B, A) bool: predictors whose cell's centre lies in one of ``boxes`` (B, M, 4) cxcywh fractions where
        ``mask`` (B, M), and on every level those whose cell holds the centre of one, see `cells.cells_within`."""
        per_level = [
            cells_within(boxes, mask, grid, span).repeat(1, self.boxes_per_cell)
            for grid, span in zip(self.grids, self.spans, strict=True)
        ]
        return torch.cat(per_level, 1)


def _image_size(
    grids: tuple[Grid, ...], strides: tuple[float, ...], image_size: ImageSize | None
) -> ImageSize:
    """``image_size``, or what the maps span; `ValueError` where they contradict one another."""
    spanned = [(rows * stride, cols * stride) for (rows, cols), stride in zip(grids, strides, strict=True)]
    if image_size is None:
        if any(size != spanned[0] for size in spanned[1:]):
            raise ValueError(
                f"image_size: expected (height, width) in pixels, because maps {grids} of strides {strides} do not all "
                "span one size; got None"
            )
        return spanned[0]
    height, width = image_size
    for (down, across), stride in zip(spanned, strides, strict=True):
        if abs(down - height) >= stride or abs(across - width) >= stride:
            raise ValueError(
                f"image_size: expected (height, width) of an image of which maps {grids} of strides={strides} have "
                f"height / stride rows and width / stride columns, rounded up or down; got {image_size}"
            )
    return image_size


def _cells(side: float, stride: float, cells: int) -> float:
    """``side`` in cells: ``cells`` itself where they span it, so that nothing is rounded."""
    return cells if cells * stride == side else side / stride


def unravel(number: Tensor, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """The index into each dimension of ``shape`` of places that are numbered in order."""
    places = []
    for size in reversed(shape[1:]):
        places.append(number % size)
        number = number // size
    return (number, *reversed(places))


def take_by_level(levels: Layout, predictor: Tensor, take: Callable[[int, Tensor, Tensor], Tensor]) -> Tensor:
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
