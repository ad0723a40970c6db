"""What a loss tells an engine that may have kernels for the same sums."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from yolosses.assigners.task_aligned import AlignedRecipe
from yolosses.codecs import GridCodec


@dataclass(frozen=True, kw_only=True, eq=False)
class GridSquares:
    """YOLOv1's five sums of squared errors of what the network emits: xy, wh, obj, noobj, cls.

    Attributes:
        names, scales: of the terms. iou_is_target: whether the confidence of a responsible box should be its IoU, or 1.
        class_weight: (C,) or None.
    """

    codec: GridCodec
    names: tuple[str, ...]
    scales: tuple[float, ...]
    iou_is_target: bool
    class_weight: Tensor | None


@dataclass(frozen=True, kw_only=True, eq=False)
class PointSums:
    """YOLOv8's three sums: 1 - CIoU, binary cross-entropies of the classes, and DFL or the absolute error of the sides.

    Attributes:
        names, scales: of the terms. label_smoothing: of the classes. class_weight: (C,) or None.
        assigner: options of its task-aligned assignment; None: an assigner that no kernel knows.
    """

    names: tuple[str, ...]
    scales: tuple[float, ...]
    label_smoothing: float
    class_weight: Tensor | None
    assigner: AlignedRecipe | None


Recipe = GridSquares | PointSums
