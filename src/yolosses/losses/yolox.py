"""YOLOX: Exceeding YOLO Series in 2021. Ge, Liu, Wang, Li, Sun, arXiv 2107.08430."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import functions, numbers
from yolosses.assigners import PointAssigner, SimOTA
from yolosses.codecs import OffsetCodec
from yolosses.codecs.level_reading import read_levels
from yolosses.codecs.offset import OffsetRaw, offset_views
from yolosses.functional import BoxLoss, absolute_error, squared_iou_loss
from yolosses.functional import binary_cross_entropy_with_logits as cross_entropy
from yolosses.losses.pairs import Pairs, everyone, one_minus
from yolosses.losses.point_loss import PointLoss
from yolosses.losses.point_terms import class_cross_entropy
from yolosses.precision import at_least_float32
from yolosses.structures import Assignment, Cost


class YOLOXLoss(PointLoss):
    """The YOLOX loss: sums over the N locations that are responsible for an object, and over all locations for the
    objectness::

        L = 1/N [ lambda_box * sum (1 - IoU^2)                                                "box"
                + lambda_obj * sum_i BCE(obj_i, 1 if i is responsible else 0)          "obj"
                + lambda_cls * sum sum_c BCE(cls_c, IoU if c is the object's class else 0)    "cls"
                + lambda_l1  * sum |(dx, dy, dw, dh) - (dx^, dy^, dw^, dh^)| ]                "l1"       N >= 1

    Who is responsible comes from SimOTA (`assigners.SimOTA`, section 2.1). dx^, dy^, dw^, dh^ is what the location
    would have to emit for the object, see `OffsetCodec`.

    Args:
        num_classes: C. strides: of the levels in pixels, finest first.
        image_size: (height, width) of the pictures in pixels, where the strides do not divide them, and for an output
            whose shape does not tell the grids.
        lambda_box, lambda_obj, lambda_cls, lambda_l1: weights of the terms (5, 1, 1, 0). The publication sets
            ``lambda_l1`` to 1 for the last 15 epochs, in which the strong augmentation is off: set the attribute
            then.
        assigner: overrides SimOTA, for example `assigners.TaskAligned()`. If it gives a quality, that is the class
            target instead of the IoU.
        box_loss: another function (pred, target) -> (...) of boxes cxcywh, for example `functional.giou_loss`.
        class_weight: (C,) factors of the elements of the class term. class_pos_weight: a number or (C,), factors of the
            positive part of its cross-entropy, t log q.
        reduction: "mean" (divided by N), "sum", or "none" (one value an image).
        impl: "auto" or "torch", see `engines`.

    Shapes:
        raw: maps (B, 5+C, rows, cols), one a level, or one tensor (B, A, 5+C): dx, dy, dw, dh, objectness, classes.
        Any floating dtype; computed in at least float32.

    Detached: the assignment and the IoU that is the class target. Normaliser: N, or ``normalizer``.

    Deviations from the authors' program: two boxes without area have IoU 0, not NaN; dw and dh are read as 20 at
    most; an image whose objects have no candidate drops them, where that program stops. Objects that no location is
    responsible for are counted in ``num_dropped``. In ignored regions, locations that are responsible for nothing are
    left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    def __init__(
        self,
        *,
        num_classes: int = 80,
        strides: Any = (8, 16, 32),
        image_size: Any = None,
        lambda_box: float = 5.0,
        lambda_obj: float = 1.0,
        lambda_cls: float = 1.0,
        lambda_l1: float = 0.0,
        assigner: PointAssigner | None = None,
        box_loss: BoxLoss = squared_iou_loss,
        class_weight: Any = None,
        class_pos_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        self.lambda_box, self.lambda_obj, self.lambda_cls, self.lambda_l1 = numbers(
            lambda_box=lambda_box, lambda_obj=lambda_obj, lambda_cls=lambda_cls, lambda_l1=lambda_l1
        )
        self._set_levels(strides, image_size)
        self.assigner, self.box_loss = functions(assigner=assigner or SimOTA(), box_loss=box_loss)
        self._keep_pos_weight(class_pos_weight, num_classes)
        self._finish(num_classes, class_weight, reduction, impl)

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return 5 + self.num_classes

    def codec_for(self, raw: OffsetRaw) -> OffsetCodec:
        """The codec with the grids of ``raw``."""
        offset_views(raw, num_classes=self.num_classes)  # says first what is wrong with the form
        return OffsetCodec(levels=self.levels_of(raw), num_classes=self.num_classes)

    def read(self, codec: OffsetCodec, raw: OffsetRaw, pairs: Pairs, *, whole: bool) -> tuple[Tensor, Tensor]:
        """Of the pairs dx, dy, dw, dh, objectness and classes; of all locations the objectness."""
        if pairs.listed is None:
            return codec.at(raw, pairs.predictor), codec.objectness(raw)
        rows, objectness = read_levels(codec.split(raw), pairs.listed, channel=4)
        return at_least_float32(rows), at_least_float32(objectness)

    def formula(self, codec: OffsetCodec, pairs: Pairs, objectness: Tensor) -> tuple[Cost, ...]:
        """The four terms."""
        assert pairs.values is not None
        distances, _, classes = pairs.split(4, 1, codec.num_classes)
        boxes = codec.in_pixels(pairs.boxes).to(distances.dtype)
        fit = 1 - self.box_loss(codec.decode(pairs.values, pairs.predictor), boxes)[..., None]
        labels = pairs.one_hot(codec.num_classes) * pairs.quality[..., None]
        cls = pairs.each if self.class_weight is None else pairs.each * self.class_weight.to(fit.dtype)
        every, weight = objectness[..., None], pairs.everywhere()[..., None]
        wanted, offsets = codec.encode(boxes, pairs.predictor), ("dx", "dy", "dw", "dh")
        return (
            pairs.cost("box", self.lambda_box, one_minus, fit, torch.ones_like(fit), pairs.each, ("iou",)),
            everyone(
                "obj",
                self.lambda_obj,
                cross_entropy,
                every,
                pairs.positive()[..., None],
                weight,
                ("confidence",),
            ),
            pairs.cost(
                "cls", self.lambda_cls, class_cross_entropy(self.class_pos_weight), classes, labels, cls
            ),
            pairs.cost("l1", self.lambda_l1, absolute_error, distances, wanted, pairs.each, offsets),
        )

    def own_normalizer(self, assignment: Assignment) -> Tensor:
        """N: the number of pairs."""
        return assignment.mask.sum().to(torch.promote_types(assignment.iou.dtype, torch.float32))
