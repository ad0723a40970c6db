"""YOLOX: Exceeding YOLO Series in 2021. Ge, Liu, Wang, Li, Sun, arXiv 2107.08430."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from yolosses import host
from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners import PointAssigner, SimOTA
from yolosses.assigners.point import assign_points
from yolosses.codecs import Levels, OffsetCodec
from yolosses.codecs.offset import OffsetRaw, offset_views
from yolosses.codecs.point import grids_of_points
from yolosses.functional import (
    BoxLoss,
    absolute_error,
    binary_cross_entropy_with_logits,
    squared_iou_loss,
)
from yolosses.losses.dense import missing, pair_weight, predictor_weight, quality_of, spread
from yolosses.losses.pairs import pairs_of
from yolosses.losses.rows import read_rows
from yolosses.structures import (
    Assignment,
    LossOutput,
    Predictions,
    Targets,
    Term,
    TermSum,
    require_targets,
)


class YOLOXLoss(nn.Module):
    """The YOLOX loss: sums over the N locations that answer for an object, and over all locations for the
    objectness::

        L = 1/N [ lambda_box * sum (1 - IoU^2)                                                "box"
                + lambda_obj * sum_i BCE(obj_i, 1 if i answers for an object else 0)          "obj"
                + lambda_cls * sum sum_c BCE(cls_c, IoU if c is the object's class else 0)    "cls"
                + lambda_l1  * sum |(dx, dy, dw, dh) - (dx^, dy^, dw^, dh^)| ]                "l1"       N >= 1

    Who answers comes from SimOTA (`assigners.SimOTA`, section 2.1). dx^, dy^, dw^, dh^ is what the location would
    have to emit for the object, see `OffsetCodec`.

    Args:
        num_classes: C. strides: of the levels in pixels, finest first.
        image_size: (height, width), only needed for an output whose shape does not tell the grids.
        lambda_box, lambda_obj, lambda_cls, lambda_l1: weights of the terms (5, 1, 1, 0). The publication sets
            ``lambda_l1`` to 1 for the last 15 epochs, in which the strong augmentation is off: set the attribute
            then.
        assigner: another one in the place of SimOTA, for example `assigners.TaskAligned()`. Where it gives a quality,
            that is the target of the class instead of the IoU.
        box_loss: another function (pred, target) -> (...) of boxes cxcywh, for example `functional.giou_loss`.
        class_weight: (C,) factors of the elements of the class term.
        reduction: "mean" (divided by N), "sum", or "none" (one value an image).
        impl: "torch", or "numba": a loop for a CPU in SimOTA. Another ``assigner`` has a way of its own.

    Shapes:
        raw: maps (B, 5+C, rows, cols), one a level, or one tensor (B, A, 5+C): dx, dy, dw, dh, objectness, classes.
        Any floating dtype; computed in at least float32.

    Detached: the assignment and the IoU that is the class target. Normaliser: N, or ``normalizer``.

    Deviations from the authors' program: two boxes without area have IoU 0, not NaN; dw and dh are read as 20 at
    most; an image whose objects have no candidate drops them, where that program stops. Objects that no location
    answers for are counted in ``num_dropped``. In ignored regions, locations that answer for nothing are left alone.
    Labels outside 0..C-1 are an error of `Targets.validate`.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        *,
        num_classes: int = 80,
        strides: Sequence[float] = (8, 16, 32),
        image_size: tuple[int, int] | None = None,
        lambda_box: float = 5.0,
        lambda_obj: float = 1.0,
        lambda_cls: float = 1.0,
        lambda_l1: float = 0.0,
        assigner: PointAssigner | None = None,
        box_loss: BoxLoss = squared_iou_loss,
        class_weight: Tensor | None = None,
        reduction: str = "mean",
        impl: str = "torch",
    ) -> None:
        super().__init__()
        require_at_least("num_classes", num_classes, 1, kind=int)
        lambdas = {"box": lambda_box, "obj": lambda_obj, "cls": lambda_cls, "l1": lambda_l1}
        for name, value in lambdas.items():
            require_at_least(f"lambda_{name}", value, 0)
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        require_choice("impl", impl, ("torch", "numba"))
        self.num_classes, self.strides, self.image_size = num_classes, tuple(strides), image_size
        self.lambda_box, self.lambda_obj = lambda_box, lambda_obj
        self.lambda_cls, self.lambda_l1 = lambda_cls, lambda_l1
        self.assigner = assigner or SimOTA(impl=impl)
        self.box_loss, self.reduction = box_loss, reduction
        self.register_buffer("class_weight", class_weight, persistent=False)

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return 5 + self.num_classes

    def codec_for(self, raw: OffsetRaw) -> OffsetCodec:
        """The codec with the grids of ``raw``."""
        offset_views(raw, num_classes=self.num_classes)  # says first what is wrong with the form
        levels = Levels(grids=grids_of_points(raw, self.strides, self.image_size), strides=self.strides)
        return OffsetCodec(levels=levels, num_classes=self.num_classes)

    def forward(
        self,
        raw: OffsetRaw,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what; ``normalizer``: see
        `LossOutput.reduce`."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.terms(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: OffsetRaw, targets: Targets) -> Assignment:
        """Which locations answer for which object, and their IoU now."""
        codec = self.codec_for(raw)
        boxes = codec.boxes(raw)
        require_targets(targets, images=len(boxes), device=boxes.device)
        return assign_points(
            self.assigner, levels=codec.levels, boxes=boxes, scores=codec.class_scores(raw), targets=targets
        )

    def terms(self, raw: OffsetRaw, targets: Targets, assignment: Assignment) -> tuple[Term | TermSum, ...]:
        """The four terms, those of the pairs already summed: the same as `elementwise`, of the pairs that count
        alone."""
        codec = self.codec_for(raw)
        views = codec.split(raw)
        if not host.lengths_are_free(views[0]):
            return self.elementwise(raw, targets, assignment)
        images = len(views[0])
        require_targets(targets, images=images, device=views[0].device)
        truth = targets.at(assignment.object, assignment.mask)
        pairs, pick = pairs_of(assignment, codec.levels.counts)
        values, objectness = read_rows(views, pairs, channel=4)
        weight = pair_weight(assignment, truth, values.dtype)
        box, classes, distances = self._at_pairs(
            codec, values, pick(truth.boxes), pick(truth.labels), pick(quality_of(assignment)), pick(weight),
            predictor=pairs.predictor, object=pick(assignment.object),
        )  # fmt: skip
        return (
            TermSum.of(box, pairs.image, images),
            self._objectness(objectness, assignment, weight),
            TermSum.of(classes, pairs.image, images),
            TermSum.of(distances, pairs.image, images),
        )

    def elementwise(self, raw: OffsetRaw, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The four terms before any sum."""
        codec = self.codec_for(raw)
        objectness = codec.objectness(raw)
        require_targets(targets, images=len(objectness), device=objectness.device)
        predictor, truth = assignment.predictor, targets.at(assignment.object, assignment.mask)
        values = codec.at(raw, predictor)
        weight = pair_weight(assignment, truth, values.dtype)
        box, classes, distances = self._at_pairs(
            codec, values, truth.boxes, truth.labels, quality_of(assignment), weight,
            predictor=predictor, object=assignment.object,
        )  # fmt: skip
        return box, self._objectness(objectness, assignment, weight), classes, distances

    def _objectness(self, logits: Tensor, assignment: Assignment, weight: Tensor) -> Term:
        """Of all ``logits`` (B, A); ``weight`` (B, P) of the pairs."""
        count = logits.shape[1]
        everyone = predictor_weight(assignment, weight, count)[..., None]
        answers = spread(torch.ones_like(weight), assignment.predictor, assignment.mask, count)
        return Term.compare(
            "obj", self.lambda_obj, binary_cross_entropy_with_logits, logits[..., None], answers[..., None],
            everyone, elements=("confidence",), activation=torch.sigmoid,
        )  # fmt: skip

    def _at_pairs(
        self,
        codec: OffsetCodec,
        values: Tensor,
        gt_boxes: Tensor,
        labels: Tensor,
        quality: Tensor,
        weight: Tensor,
        **pairs: Any,
    ) -> tuple[Term, Term, Term]:
        """The terms of the boxes, the classes and the distances, of the numbers (..., 5+C) of the pairs (...)."""
        predictor, positive = pairs["predictor"], weight[..., None]
        boxes = codec.in_pixels(gt_boxes).to(values.dtype)
        fit = 1 - self.box_loss(codec.decode(values, predictor), boxes)[..., None]
        label = labels[..., None] == torch.arange(self.num_classes, device=values.device)
        of_class = positive if self.class_weight is None else positive * self.class_weight.to(values.dtype)
        return (
            Term.compare(
                "box", self.lambda_box, missing, fit, torch.ones_like(fit), positive, elements=("iou",), **pairs
            ),
            Term.compare(
                "cls", self.lambda_cls, binary_cross_entropy_with_logits, values[..., 5:],
                label * quality[..., None], of_class, activation=torch.sigmoid, **pairs,
            ),
            Term.compare(
                "l1", self.lambda_l1, absolute_error, values[..., :4], codec.encode(boxes, predictor), positive,
                elements=("dx", "dy", "dw", "dh"), **pairs,
            ),
        )  # fmt: skip

    def reduce(
        self,
        terms: Sequence[Term | TermSum],
        assignment: Assignment,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The sums of ``terms``, divided by N or ``normalizer``, see `LossOutput.reduce`."""
        positives = assignment.mask.sum().clamp(min=1)
        return LossOutput.reduce(
            terms, assignment, reduction=self.reduction, normalizer=normalizer, own=positives
        )

    def decode(self, raw: OffsetRaw) -> Predictions:
        """The boxes and scores that ``raw`` means."""
        return self.codec_for(raw).predictions(raw)

    def extra_repr(self) -> str:
        return (
            f"num_classes={self.num_classes}, strides={self.strides}, lambda_box={self.lambda_box:g}, "
            f"lambda_obj={self.lambda_obj:g}, lambda_cls={self.lambda_cls:g}, lambda_l1={self.lambda_l1:g}, "
            f"assigner={self.assigner}, reduction={self.reduction!r}"
        )
