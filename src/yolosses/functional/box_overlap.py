"""Losses of box regression: 1 minus a similarity of `yolosses.boxes`.

All take (pred, target), (..., 4) cxcywh in one common unit whose leading shapes broadcast, and give (...), unreduced,
in float32 at least: 0 where the boxes are the same. Gradients flow to both. What happens to boxes without size, or with
a negative one, is said in `yolosses.boxes.similarity`; there 1 - IoU alone has no gradient.
"""

from collections.abc import Callable

from torch import Tensor

from yolosses.boxes import paired_ciou, paired_diou, paired_eiou, paired_giou, paired_iou, paired_siou

BoxLoss = Callable[[Tensor, Tensor], Tensor]


def iou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - IoU, in [0, 1]. Boxes that do not overlap have no gradient."""
    return 1 - paired_iou(pred, target)


def squared_iou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - IoU^2, in [0, 1]: YOLOX. Its gradient is 2 IoU times that of `iou_loss`: the better the box, the harder the
    pull."""
    return 1 - paired_iou(pred, target).square()


def giou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - GIoU (Rezatofighi et al. 2019, algorithm 1), in [0, 2]. See `yolosses.boxes.paired_giou`."""
    return 1 - paired_giou(pred, target)


def diou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - DIoU (Zheng et al. 2020, eq. 7), in [0, 2]. See `yolosses.boxes.paired_diou`."""
    return 1 - paired_diou(pred, target)


def ciou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - CIoU (Zheng et al. 2020, eq. 10). See `yolosses.boxes.paired_ciou`."""
    return 1 - paired_ciou(pred, target)


def eiou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - EIoU, the efficient IoU (Zhang et al. 2021). See `yolosses.boxes.paired_eiou`."""
    return 1 - paired_eiou(pred, target)


def siou_loss(pred: Tensor, target: Tensor) -> Tensor:
    """1 - SIoU (Gevorgyan 2022). See `yolosses.boxes.paired_siou`."""
    return 1 - paired_siou(pred, target)
