"""What grids make of the data: objects that share a cell, responsible boxes, the loss of an output of zeros."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from yolosses.assigners.responsible import first_in_cell
from yolosses.losses.v1 import TERMS, YOLOv1Loss
from yolosses.structures import Targets
from yolosses.studies.doctor.structures import GridFit
from yolosses.training.data import Record

_PICTURES, _OBJECTS = 64, 65536  # at once; all pictures take as much memory as the fullest


def fit_grid(records: Sequence[Record], grid: int, *, boxes_per_cell: int, num_classes: int) -> GridFit:
    """Lay a grid of ``grid`` x ``grid`` cells over every picture."""
    loss = YOLOv1Loss(grid=grid, boxes_per_cell=boxes_per_cell, num_classes=num_classes, reduction="sum")
    codec = loss.codec
    lost_by_class = torch.zeros(num_classes, dtype=torch.int64)
    occupancy = torch.zeros(codec.num_cells, dtype=torch.int64)
    objects = positive = background = with_loss = below = crowded = 0
    sums = dict.fromkeys(TERMS, (0.0, 0.0))
    for some in _batches(records):
        targets = _targets(some)
        takes_part, (cell, _) = targets.positive, codec.locate(targets.boxes)
        first = first_in_cell(cell, takes_part, num_cells=codec.num_cells)
        lost = takes_part & ~first
        in_cell = torch.zeros(len(targets), codec.num_cells, dtype=torch.int64)
        in_cell.scatter_add_(1, cell, takes_part.long())
        output = loss(torch.zeros(len(targets), codec.num_cells * codec.channels), targets)
        objects += int(takes_part.sum())
        with_loss += int(lost.any(1).sum())
        lost_by_class += torch.bincount(targets.labels[lost], minlength=num_classes)
        occupancy += in_cell.sum(0)
        crowded = max(crowded, int(in_cell.max()))
        below += int(((targets.boxes[..., 2:] * grid < 1).all(-1) & takes_part).sum())
        positive += int(output.assignment.mask.sum())
        background += int(output.assignment.background(codec.num_cells * boxes_per_cell).sum())
        sums = {
            name: (raw + float(output.unweighted[name]), weighted + float(output.terms[name]))
            for name, (raw, weighted) in sums.items()
        }
    return GridFit(
        grid=grid,
        objects=objects,
        lost=int(lost_by_class.sum()),
        pictures_with_loss=with_loss,
        lost_by_class=tuple(lost_by_class.tolist()),
        most_in_a_cell=crowded,
        boxes=len(records) * codec.num_cells * boxes_per_cell,
        positive=positive,
        background=background,
        below_a_cell=below,
        occupancy=occupancy.view(grid, grid).numpy(),
        zero_loss={
            name: (raw / len(records), weighted / len(records)) for name, (raw, weighted) in sums.items()
        },
        scales=output.scales,
    )


def _batches(records: Sequence[Record]) -> Iterator[list[Record]]:
    """In order, none with so many pictures that filling them up to the fullest would take much memory."""
    batch: list[Record] = []
    for record in records:
        fullest = max(len(each.labels) for each in (*batch, record))
        if batch and (len(batch) == _PICTURES or fullest * (len(batch) + 1) > _OBJECTS):
            yield batch
            batch = []
        batch.append(record)
    if batch:
        yield batch


def _targets(records: Sequence[Record]) -> Targets:
    return Targets.from_cxcywh(
        [torch.from_numpy(record.boxes) for record in records],
        [torch.from_numpy(record.labels) for record in records],
        ignore=[torch.from_numpy(np.ascontiguousarray(record.ignore)) for record in records],
    )
