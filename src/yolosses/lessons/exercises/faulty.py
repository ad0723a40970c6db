"""A YOLOv1 loss for one picture as people write it, and eight copies of it with one fault each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets

BOXES = 2  # a cell


class PlainLoss:
    """YOLOv1's loss of one picture, right. A faulty version replaces one of its methods.

    raw: (S, S, 10 + C): two times x, y, w, h, confidence, then the classes; x, y in cell units, w, h fractions of
    the picture. objects: (cell, x, y, w, h, label) each, in the same units; of two in a cell the first counts.
    """

    def __call__(self, raw: Tensor, objects: Sequence[Sequence[Any]]) -> Tensor:
        return self.value(raw, *_checked(raw, objects))

    def value(self, raw: Tensor, cells: Tensor, truth: Tensor, labels: Tensor) -> Tensor:
        """The loss of objects as tensors: cell (M,), x, y, w, h (M, 4) and label (M,), no two in one cell."""
        boxes = raw[..., : 5 * BOXES].reshape(-1, BOXES, 5)
        scores = raw[..., 5 * BOXES :].reshape(len(boxes), -1)
        pred, each = boxes[cells], torch.arange(len(cells))
        iou = _iou(pred[..., :4], truth, cells, len(raw))
        best = self.responsible(iou, pred[..., 4])
        pred, iou = pred[each, best], iou[each, best]
        noobj = self.background(torch.ones_like(boxes[..., 4]), cells, best)
        one_hot = torch.eye(scores.shape[1], dtype=raw.dtype)[labels]

        xy = self.add((pred[:, :2] - self.centre(truth, cells, len(raw))) ** 2)
        wh = self.add((self.root(pred[:, 2:4]) - truth[:, 2:].sqrt()) ** 2)
        obj = self.add((pred[:, 4] - self.confidence(iou)) ** 2)
        background = self.add(noobj * boxes[..., 4] ** 2)
        classes = self.add(self.classes((scores[cells] - one_hot) ** 2))
        total: Tensor = 5 * xy + 5 * wh + obj + 0.5 * background + classes
        return total

    def __repr__(self) -> str:
        return "loss(raw, objects)"

    def centre(self, truth, cells, side):
        return truth[:, :2]

    def root(self, size):
        return torch.where(size > 0, size.clamp(min=1e-6).sqrt(), size)

    def responsible(self, iou, confidence):
        return iou.argmax(1)

    def confidence(self, iou):
        return iou.detach()

    def background(self, noobj, cells, best):
        noobj[cells, best] = 0
        return noobj

    def classes(self, squares):
        return squares

    def add(self, squares):
        return squares.sum()


class PictureUnits(PlainLoss):
    def centre(self, truth, cells, side):
        corner = torch.stack([cells % side, cells // side], 1)
        return (corner + truth[:, :2]) / side


class Mean(PlainLoss):
    def add(self, squares):
        return squares.mean()


class ClassesOfEachBox(PlainLoss):
    def classes(self, squares):
        return squares[:, None].expand(-1, BOXES, -1)


class BareRoot(PlainLoss):
    def root(self, size):
        return size.sqrt()


class EmptyCellsOnly(PlainLoss):
    def background(self, noobj, cells, best):
        noobj[cells] = 0
        return noobj


class ConfidenceOne(PlainLoss):
    def confidence(self, iou):
        return torch.ones_like(iou)


class MostConfident(PlainLoss):
    def responsible(self, iou, confidence):
        return confidence.argmax(1)


class MovingTarget(PlainLoss):
    def confidence(self, iou):
        return iou


VERSIONS = (
    PictureUnits(), Mean(), ClassesOfEachBox(), BareRoot(), EmptyCellsOnly(), ConfidenceOne(), MostConfident(),
    MovingTarget(),
)  # fmt: skip


def library_loss(raw: Tensor, objects: Sequence[Sequence[Any]]) -> Tensor:
    """The same loss by `YOLOv1Loss`."""
    cells, truth, labels = _checked(raw, objects)
    corner = torch.stack([cells % len(raw), cells // len(raw)], 1)
    boxes = torch.cat([(corner + truth[:, :2]) / len(raw), truth[:, 2:]], 1)
    loss = YOLOv1Loss(
        grid=len(raw), boxes_per_cell=BOXES, num_classes=raw.shape[-1] - 5 * BOXES, size_encoding="linear",
        impl="torch",
    )  # fmt: skip
    total = loss(raw[None], Targets.from_cxcywh([boxes], [labels])).total
    assert isinstance(total, Tensor)
    return total


def _checked(raw: Any, objects: Sequence[Sequence[Any]]) -> tuple[Tensor, Tensor, Tensor]:
    """Cell (M,), box (M, 4) and label (M,) of the objects, the first of each cell."""
    if (
        not isinstance(raw, Tensor)
        or raw.ndim != 3
        or raw.shape[0] != raw.shape[1]
        or raw.shape[2] <= 5 * BOXES
    ):
        came = tuple(raw.shape) if isinstance(raw, Tensor) else type(raw).__name__
        raise ValueError(f"raw: expected a tensor (S, S, 10 + C); got {came}")
    first: dict[int, Sequence[Any]] = {}
    for each in objects:
        if (
            len(each) != 6
            or not 0 <= each[0] < raw.shape[0] ** 2
            or not 0 <= each[5] < raw.shape[2] - 5 * BOXES
        ):
            raise ValueError(
                f"objects: expected (cell, x, y, w, h, label) with cell below {raw.shape[0] ** 2} and label below "
                f"{raw.shape[2] - 5 * BOXES}; got {tuple(each)}"
            )
        first.setdefault(int(each[0]), each)
    rows = list(first.values())
    truth = torch.tensor([row[1:5] for row in rows], dtype=raw.dtype).reshape(-1, 4)
    return (
        torch.tensor(list(first), dtype=torch.long),
        truth,
        torch.tensor([int(row[5]) for row in rows]).long(),
    )


def _iou(pred: Tensor, truth: Tensor, cells: Tensor, side: int) -> Tensor:
    """(M, B) IoU of the boxes (M, B, 4) of a cell with its object."""
    corner = torch.stack([cells % side, cells // side], 1)
    first, second = _corners(pred, corner[:, None], side), _corners(truth[:, None], corner[:, None], side)
    low, high = torch.maximum(first[0], second[0]), torch.minimum(first[1], second[1])
    shared = _area(high - low)
    return shared / (_area(pred[..., 2:]) + _area(truth[:, None, 2:]) - shared)


def _area(size: Tensor) -> Tensor:
    width, height = size.clamp(min=0).unbind(-1)
    return width * height


def _corners(box: Tensor, corner: Tensor, side: int) -> tuple[Tensor, Tensor]:
    centre, half = (corner + box[..., :2]) / side, box[..., 2:].clamp(min=0) / 2
    return centre - half, centre + half
