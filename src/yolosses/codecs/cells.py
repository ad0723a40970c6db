"""One map of cells over an image, numbered row by row: which cell holds a centre, which cells lie in a box.

A map may be larger or smaller than the image by less than a cell on each axis: a network pads an image whose side no
stride divides, or drops the border. ``span`` then says how many cells (height, width) the image takes, 12.5 for 100
pixels with a stride of 8, where the map has 13 or 12.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Grid = tuple[int, int]
"""(rows, columns)."""
Span = tuple[float, float]
"""Cells that an image takes on each axis, (down, across), fractions of cells included."""


def locate(boxes: Tensor, grid: Grid, span: Span | None = None) -> tuple[Tensor, Tensor]:
    """The cell that holds each box's centre, and the centre's offset within it.

    The cell is found in float32 whatever the dtype, as Darknet does, so that a centre on a border falls into the same
    cell everywhere; a centre beyond the last cell (on the image's right or bottom edge, with offset 1) belongs to it.

    Args:
        boxes: (..., 4) cxcywh, fractions of the image.
        span: of the image, in cells; None: exactly ``grid``.

    Returns:
        cell (...) int64 and offset (..., 2) x, y in cell units.
    """
    (rows, cols), (down, across) = grid, grid if span is None else span
    # One coordinate after the other in memory, so that each is a run of numbers in all that follows.
    centre = boxes.movedim(-1, 0)[:2]
    place = by_axis(torch.mul, centre, across, down)
    # Whole numbers in float32: with integers every sum and product would convert them anew.
    corner = place if place.dtype == torch.float32 else by_axis(torch.mul, centre.float(), across, down)
    corner = by_axis(lambda number, cells: number.clamp(0, cells - 1), corner.floor(), cols, rows)
    cell = torch.add(corner[0], corner[1], alpha=cols).long().clamp(0, rows * cols - 1)  # padding may be NaN
    return cell, (place - corner).movedim(0, -1)


def by_axis(operation: Callable[[Tensor, float], Tensor], pair: Tensor, x: float, y: float) -> Tensor:
    """``operation`` of both axes of ``pair`` (2, ...) with their numbers; in one go where these are the same.

    Not asked in a compiled graph, which would hold for square images only.
    """
    if not torch.compiler.is_compiling() and x == y:
        return operation(pair, x)
    return torch.stack((operation(pair[0], x), operation(pair[1], y)))


def cells_within(boxes: Tensor, mask: Tensor, grid: Grid, span: Span | None = None) -> Tensor:
    """(B, G) bool: cells whose centre lies in one of ``boxes`` (B, M, 4) cxcywh fractions where ``mask`` (B, M), and
    cells that hold the centre of one, however small it is, or where that is beyond the image, of its part within.
    ``span``: see `locate`.

    Linear in M + G: each box adds its rectangle of cells to a two-dimensional difference array, which is then summed
    up.
    """
    (rows, cols), (down, across) = grid, grid if span is None else span
    x0, x1 = _centres_between(boxes[..., 0], boxes[..., 2], cols, across)
    y0, y1 = _centres_between(boxes[..., 1], boxes[..., 3], rows, down)
    corner = torch.stack([y * (cols + 1) + x for y, x in ((y0, x0), (y1, x1), (y0, x1), (y1, x0))], 1)
    one = mask.int()
    step = torch.stack((one, one, -one, -one), 1)
    difference = one.new_zeros(len(boxes), (rows + 1) * (cols + 1)).scatter_add(
        1, corner.flatten(1), step.flatten(1)
    )
    covered = difference.view(-1, rows + 1, cols + 1).cumsum(1).cumsum(2)
    return (covered[:, :rows, :cols] > 0).flatten(1) | _holding(boxes, mask, grid, span)


def _centres_between(centre: Tensor, size: Tensor, cells: int, span: float) -> tuple[Tensor, Tensor]:
    """First and one past the last cell along one axis whose centre (index + 0.5) lies between the edges."""
    first = ((centre - size / 2) * span - 0.5).ceil().long().clamp(0, cells)
    end = ((centre + size / 2) * span - 0.5).floor().long().add(1).clamp(0, cells)
    return first, end.maximum(first)


def _holding(boxes: Tensor, mask: Tensor, grid: Grid, span: Span | None) -> Tensor:
    """(B, G) bool: cells that hold the centre of what is in the image of one of ``boxes`` (B, M, 4) where ``mask`` (B,
    M)."""
    centre, size, count = boxes[..., :2], boxes[..., 2:], grid[0] * grid[1]
    low, high = (centre - size / 2).clamp(0, 1), (centre + size / 2).clamp(0, 1)
    inside = (centre >= 0) & (centre <= 1)
    seen = mask & ((inside | (low < high)) & (size >= 0)).all(-1)
    middle = torch.where(inside, centre, (low + high) / 2)
    # Other centres meet in an extra place that is cut off, so that every shape stays constant.
    place = torch.where(seen, locate(middle, grid, span)[0], count)
    return mask.new_zeros(len(boxes), count + 1).scatter(1, place, True)[:, :count]
