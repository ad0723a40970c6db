"""What the losses of networks without anchors share: YOLOX, v6, and v8 to v12."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from yolosses.arguments import class_factors, image_size_of, integer, number, stride_sizes
from yolosses.assigners import PointAssigner
from yolosses.assigners.point import assign_points
from yolosses.codecs import Levels
from yolosses.codecs.point import grids_of_points
from yolosses.losses.base import Loss
from yolosses.structures import Assignment, Targets


class PointLoss(Loss):
    """Base of losses with one box at each location."""

    strides: tuple[float, ...]
    image_size: tuple[int, int] | None
    assigner: PointAssigner
    class_pos_weight: Tensor | None

    def _set_levels(self, strides: Any, image_size: Any) -> None:
        """Check and keep the geometry of the levels."""
        self.strides, self.image_size = stride_sizes(strides), image_size_of(image_size)

    def _keep_pos_weight(self, value: Any, num_classes: int) -> None:
        """Check and keep factors of the positive part of the classes' cross-entropy: one for all, or one for each."""
        if value is not None and (not hasattr(value, "__len__") or getattr(value, "ndim", 1) == 0):
            value = [number("class_pos_weight", value)] * integer("num_classes", num_classes)
        self._keep("class_pos_weight", class_factors("class_pos_weight", value, num_classes))

    def levels_of(self, raw: Any) -> Levels:
        """The levels of ``raw``."""
        grids = grids_of_points(raw, self.strides, self.image_size)
        return Levels(grids=grids, strides=self.strides, image_size=self.image_size)

    def match(self, codec: Any, raw: Any, targets: Targets) -> Assignment:
        """Which locations are responsible for which object, as the assigner says."""
        return assign_points(
            self.assigner,
            levels=codec.levels,
            boxes=codec.boxes(raw),
            scores=codec.class_scores(raw),
            targets=targets,
        )
