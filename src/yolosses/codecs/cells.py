"""One map of cells over an image, numbered row by row: which cell holds a centre, which cells lie in a box."""

from collections.abc import Callable

import torch
from torch import Tensor

Grid = tuple[int, int]
"""(rows, columns)."""


def locate(boxes: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    """The cell that holds each box's centre, and the centre's offset within it.

    The cell is found in float32 whatever the dtype, as Darknet does, so that a centre on a border falls into the same
    cell everywhere; a centre on the image's right or bottom edge belongs to the last cell, with offset 1.

    Args:
        boxes: (..., 4) cxcywh, fractions of the image.

    Returns:
        cell (...) int64 and offset (..., 2) x, y in cell units.
    """
    rows, cols = grid
    # One coordinate after the other in memory, so that each is a run of numbers in all that follows.
    centre = boxes.movedim(-1, 0)[:2]
    place = by_axis(torch.mul, centre, cols, rows)
    # Whole numbers in float32: with integers every sum and product would convert them anew.
    corner = place if place.dtype == torch.float32 else by_axis(torch.mul, centre.float(), cols, rows)
    corner = by_axis(lambda number, cells: number.clamp(0, cells - 1), corner.floor(), cols, rows)
    cell = torch.add(corner[0], corner[1], alpha=cols).long().clamp(0, rows * cols - 1)  # padding may be NaN
    return cell, (place - corner).movedim(0, -1)


def by_axis(operation: Callable[[Tensor, int], Tensor], pair: Tensor, x: int, y: int) -> Tensor:
    """``operation`` of both axes of ``pair`` (2, ...) with their numbers; in one go where these are the same."""
    if x == y:
        return operation(pair, x)
    return torch.stack((operation(pair[0], x), operation(pair[1], y)))


def cells_within(boxes: Tensor, mask: Tensor, grid: Grid) -> Tensor:
    """(B, G) bool: cells whose centre lies in one of ``boxes`` (B, M, 4) cxcywh fractions where ``mask`` (B, M).

    Linear in M + G: each box adds its rectangle of cells to a two-dimensional difference array, which is then summed
    up.
    """
    rows, cols = grid
    x0, x1 = _centres_between(boxes[..., 0], boxes[..., 2], cols)
    y0, y1 = _centres_between(boxes[..., 1], boxes[..., 3], rows)
    corner = torch.stack([y * (cols + 1) + x for y, x in ((y0, x0), (y1, x1), (y0, x1), (y1, x0))], 1)
    one = mask.int()
    step = torch.stack((one, one, -one, -one), 1)
    difference = one.new_zeros(len(boxes), (rows + 1) * (cols + 1)).scatter_add(
        1, corner.flatten(1), step.flatten(1)
    )
    covered = difference.view(-1, rows + 1, cols + 1).cumsum(1).cumsum(2)
    return (covered[:, :rows, :cols] > 0).flatten(1)


def _centres_between(centre: Tensor, size: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """First and one past the last cell along one axis whose centre (index + 0.5) lies between the edges."""
    first = ((centre - size / 2) * cells - 0.5).ceil().long().clamp(0, cells)
    end = ((centre + size / 2) * cells - 0.5).floor().long().add(1).clamp(0, cells)
    return first, end.maximum(first)
