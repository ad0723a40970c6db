"""A small picture with objects and a network's output for it: what the exercises on YOLOv1 are checked with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from yolosses.boxes import paired_iou
from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets

Array = NDArray[np.float64]


class Object(NamedTuple):
    """A true box: its cell, the centre's offset in that cell (cell units), its size (fractions), its class."""

    cell: int
    x: float
    y: float
    w: float
    h: float
    label: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One picture of S x S cells (numbered row by row), at most one object a cell.

    Attributes:
        boxes: (S*S, B, 4) predicted x, y (offset in the cell, cell units), w, h (fractions of the picture).
        confidence: (S*S, B). scores: (S*S, C).
    """

    grid: int
    objects: tuple[Object, ...]
    boxes: Array
    confidence: Array
    scores: Array

    @property
    def num_classes(self) -> int:
        return int(self.scores.shape[1])

    @property
    def boxes_per_cell(self) -> int:
        return int(self.boxes.shape[1])

    @cached_property
    def raw(self) -> Array:
        """(S, S, 5B + C): what the network emits; B times x, y, sqrt w, sqrt h, confidence, then the classes."""
        roots = np.concatenate([self.boxes[..., :2], np.sqrt(self.boxes[..., 2:])], -1)
        boxes = np.concatenate([roots, self.confidence[..., None]], -1)
        flat = np.concatenate([boxes.reshape(len(boxes), -1), self.scores], -1)
        return flat.reshape(self.grid, self.grid, -1)

    @cached_property
    def truths(self) -> Array:
        """(M, 4) true boxes: centre x, y, width, height, as fractions of the picture."""
        rows = [((o.cell % self.grid + o.x) / self.grid, (o.cell // self.grid + o.y) / self.grid, o.w, o.h)
                for o in self.objects]  # fmt: skip
        return np.asarray(rows, dtype=np.float64).reshape(-1, 4)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(M,) classes of the objects."""
        return np.asarray([o.label for o in self.objects], dtype=np.int64)

    @cached_property
    def placed(self) -> Array:
        """(S*S, B, 4) predicted boxes: centre x, y, width, height, as fractions of the picture."""
        cell = np.arange(self.grid**2)[:, None]
        corner = np.stack([cell % self.grid, cell // self.grid], -1)
        return np.concatenate([(corner + self.boxes[..., :2]) / self.grid, self.boxes[..., 2:]], -1)

    @cached_property
    def iou(self) -> Array:
        """(S*S, B) IoU of each predicted box with the object of its cell, 0 where there is none."""
        iou = np.zeros(self.confidence.shape)
        for truth, object_ in zip(self.truths, self.objects, strict=True):
            pred = torch.from_numpy(self.placed[object_.cell])
            iou[object_.cell] = paired_iou(pred, torch.from_numpy(truth).expand_as(pred)).numpy()
        return iou

    @cached_property
    def loss(self) -> YOLOv1Loss:
        """The library's loss that reads this scene."""
        return YOLOv1Loss(
            grid=self.grid, boxes_per_cell=self.boxes_per_cell, num_classes=self.num_classes, impl="torch"
        )

    @cached_property
    def targets(self) -> Targets:
        return Targets.from_cxcywh([torch.from_numpy(self.truths)], [torch.from_numpy(self.labels)])

    @cached_property
    def obj(self) -> Array:
        """(S*S, B) 1obj_ij: 1 where box j of cell i is responsible for an object, as the library assigns it."""
        assignment = self.loss.assign(torch.from_numpy(self.raw)[None], self.targets)
        obj = np.zeros(self.confidence.size)
        obj[assignment.predictor[0][assignment.mask[0]].numpy()] = 1
        return obj.reshape(self.confidence.shape)

    def of_cells(self, *fields: str) -> Array:
        """(S*S, len(fields)) these fields of the object of each cell, 0 where there is none."""
        table = np.zeros((self.grid**2, len(fields)))
        for object_ in self.objects:
            table[object_.cell] = [getattr(object_, field) for field in fields]
        return table

    @cached_property
    def one_hot(self) -> Array:
        """(S*S, C) 1 for the class of the cell's object, else 0."""
        table = np.zeros((self.grid**2, self.num_classes))
        for object_ in self.objects:
            table[object_.cell, object_.label] = 1
        return table
