"""Penalties between a predicted and a true box: 1 - similarity, one number a pair.

Each takes boxes (..., 4) cxcywh in one common unit and returns (...); see the similarity in `yolosses.boxes`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from yolosses.boxes import paired_ciou, paired_diou, paired_eiou, paired_giou, paired_iou, paired_siou

BoxLoss = Callable[[Tensor, Tensor], Tensor]


def iou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - IoU (Yu et al. 2016, linear form). No gradient where the boxes do not overlap."""
    return 1 - paired_iou(pred, target)


def squared_iou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - IoU^2: YOLOX's."""
    return 1 - paired_iou(pred, target).square()


def giou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - GIoU (Rezatofighi et al. 2019)."""
    return 1 - paired_giou(pred, target)


def diou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - DIoU (Zheng et al. 2020, eq. 7)."""
    return 1 - paired_diou(pred, target)


def ciou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - CIoU (Zheng et al. 2020, eq. 10); alpha carries no gradient."""
    return 1 - paired_ciou(pred, target)


def eiou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - Efficient IoU (Zhang et al. 2021, eq. 6)."""
    return 1 - paired_eiou(pred, target)


def siou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - SIoU (Gevorgyan 2022)."""
    return 1 - paired_siou(pred, target)
