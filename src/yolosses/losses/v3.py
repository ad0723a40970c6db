"""YOLOv3: An Incremental Improvement. Redmon and Farhadi, 2018; with what the paper leaves open as the author's
program does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners.best_anchor import best_anchor, highest_iou, last_of_each
from yolosses.assigners.pairs import unanswered
from yolosses.boxes import paired_iou
from yolosses.codecs import AnchorCodec, Levels
from yolosses.codecs.anchor import Maps, grids_of, maps_of
from yolosses.codecs.cells import locate
from yolosses.functional import binary_cross_entropy_with_logits
from yolosses.losses.darknet import Slots, anchors_elsewhere, half_squared_error
from yolosses.losses.v5 import ANCHORS, Anchors, anchor_table
from yolosses.structures import Assignment, LossOutput, Predictions, Targets, Term, require_targets


class YOLOv3Loss(nn.Module):
    """The loss of YOLOv3, over all levels::

        L = lambda_coord * sum 1obj (2 - w h) [BCE(tx, x^) + BCE(ty, y^)]                       "xy"
          + lambda_coord * sum 1obj (2 - w h) [(tw - log(w / a_w))^2 + (th - log(h / a_h))^2] / 2   "wh"
          + lambda_obj   * sum 1obj BCE(o, 1)                                                   "obj"
          + lambda_noobj * sum 1noobj BCE(o, 0)                                                 "noobj"
          + lambda_cls   * sum 1obj sum_c BCE(p_c, 1 for the object's class, else 0)            "cls"

    For each object the anchor of nearest shape, of all levels, answers in the cell of its centre (1obj). A
    predictor that answers for nothing is background (1noobj) unless its box has IoU > ``ignore_threshold`` with
    some object. w, h are fractions of the image (measured in pixels beside a_w, a_h, the anchor), x^, y^ the offset
    in the cell.

    Where objects share a predictor, box and weight are those of the last of them, and the classes are those of all;
    the others are counted in ``num_dropped``.

    Args:
        num_classes: C. anchors: (w, h) in pixels, K for each level. strides: of the levels in pixels, in the order
            of the maps.
        other_anchors: (w, h) of levels that this loss does not see: an object that fits one of them best has no
            predictor here. The losses of the levels apart then add up to that of all together.
        lambda_coord, lambda_obj, lambda_noobj, lambda_cls: weights of the terms, all 1 in the publication.
        ignore_threshold: see above: 0.5 in the paper, 0.7 in the configuration for COCO.
        truth_threshold: below 1, predictors with a larger IoU with some object answer for it too, from whatever
            cell: the offset x^ may then lie outside 0..1, where "xy" has no least value. 1, off, in all of the
            author's configurations.
        label_smoothing: e; class targets 1 - e/2 and e/2.
        class_weight: (C,) factors of the elements of the class term.
        reduction: "mean" over images, "sum", or "none" (one value an image).

    Shapes:
        raw: one map a level, (B, K*(5+C), rows, cols) or (B, K, rows, cols, 5+C): tx, ty, tw, th, objectness,
        classes, all logits but tw, th. Any floating dtype; computed in at least float32. Decoding: `AnchorCodec`.

    Detached: assignment and the IoU that spares predictors. Normaliser: the number of images, or ``normalizer``.
    The gradient of the sum is minus the ``delta`` of the author's program, whose printed cost, a sum of squared
    deltas, is another number.

    Deviations: centres on the right or bottom edge belong to the last cell; an object at x = 0 does not end the
    list; objects whose best anchor is elsewhere are counted in ``num_dropped``; of anchors of equal shape the first
    of ``anchors``, then of ``other_anchors``, is best. In ignored regions predictors that answer for nothing are
    left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    anchors: Tensor
    other_anchors: Tensor
    class_weight: Tensor | None

    def __init__(
        self,
        *,
        num_classes: int = 80,
        anchors: Anchors = ANCHORS,
        strides: Sequence[float] = (8, 16, 32),
        other_anchors: Sequence[Sequence[float]] = (),
        lambda_coord: float = 1.0,
        lambda_obj: float = 1.0,
        lambda_noobj: float = 1.0,
        lambda_cls: float = 1.0,
        ignore_threshold: float = 0.5,
        truth_threshold: float = 1.0,
        label_smoothing: float = 0.0,
        class_weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        require_at_least("num_classes", num_classes, 1, kind=int)
        lambdas = {"coord": lambda_coord, "obj": lambda_obj, "noobj": lambda_noobj, "cls": lambda_cls}
        for name, value in lambdas.items():
            require_at_least(f"lambda_{name}", value, 0)
        require_at_least("ignore_threshold", ignore_threshold, 0)
        require_at_least("truth_threshold", truth_threshold, 0)
        require_at_least("label_smoothing", label_smoothing, 0)
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        self.register_buffer("anchors", anchor_table(anchors, strides), persistent=False)
        self.register_buffer("other_anchors", anchors_elsewhere(other_anchors), persistent=False)
        self.register_buffer("class_weight", class_weight, persistent=False)
        self.num_classes, self.strides = num_classes, tuple(strides)
        self.lambda_coord, self.lambda_obj = lambda_coord, lambda_obj
        self.lambda_noobj, self.lambda_cls = lambda_noobj, lambda_cls
        self.ignore_threshold, self.truth_threshold = ignore_threshold, truth_threshold
        self.label_smoothing, self.reduction = label_smoothing, reduction

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return int(self.anchors.shape[1]) * (5 + self.num_classes)

    def codec_for(self, raw: Maps) -> AnchorCodec:
        """The codec with the grids of ``raw``."""
        k = self.anchors.shape[1]
        maps = maps_of(raw, boxes_per_cell=k, num_classes=self.num_classes)
        levels = Levels(grids=grids_of(maps), strides=self.strides, boxes_per_cell=k)
        return AnchorCodec(
            levels=levels,
            anchors=self.anchors,
            num_classes=self.num_classes,
            scale_xy=(1.0,) * len(self.strides),
        )

    def forward(
        self,
        raw: Maps,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what and who is spared;
        ``normalizer``: see `LossOutput.reduce`."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.elementwise(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: Maps, targets: Targets) -> Assignment:
        """One pair for each object, and with ``truth_threshold`` below 1 one for each predictor before them."""
        codec = self.codec_for(raw)
        boxes = codec.boxes(raw)
        require_targets(targets, images=len(boxes), device=boxes.device)
        everyone = torch.arange(targets.mask.shape[1], device=boxes.device).expand_as(targets.labels)
        truth = targets.at(everyone, targets.positive)  # padding may hold any numbers
        in_pixels = codec.in_pixels(truth.boxes).to(boxes.dtype)
        highest, whose = highest_iou(boxes, in_pixels, targets.positive)
        predictor, mask = self._best_places(codec, truth, in_pixels)
        mask, object = mask & targets.positive, everyone
        if self.truth_threshold < 1:
            every = torch.arange(boxes.shape[1], device=boxes.device).expand_as(whose)
            predictor = torch.cat((every, predictor), 1)
            object, mask = torch.cat((whose, object), 1), torch.cat((highest > self.truth_threshold, mask), 1)
        predictor, object = torch.where(mask, predictor, 0), torch.where(mask, object, 0)
        pairs = boxes.take_along_dim(predictor[..., None], 1), in_pixels.take_along_dim(object[..., None], 1)
        last = last_of_each(predictor, mask, num_predictors=boxes.shape[1])
        spared = highest > self.ignore_threshold
        if targets.ignore is not None:
            spared = spared | codec.levels.within(targets.boxes, targets.mask & targets.ignore)
        return Assignment(
            predictor=predictor,
            object=object,
            mask=mask,
            iou=torch.where(mask, paired_iou(*pairs), 0),
            num_dropped=unanswered(object, last, targets.positive),
            spared=spared,
        )

    def _best_places(self, codec: AnchorCodec, truth: Targets, in_pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M) the predictor of the best anchor in the cell of each object, and whether it is one of these
        levels'."""
        own = self.anchors.flatten(0, 1)
        best = best_anchor(in_pixels[..., 2:], torch.cat((own, self.other_anchors)).to(in_pixels.dtype))
        k = codec.levels.boxes_per_cell
        predictor = torch.zeros_like(best)
        for level, grid in enumerate(codec.grids):
            cell, _ = locate(truth.boxes, grid)
            here = codec.levels.predictor(level, cell // grid[1], cell % grid[1], best % k)
            predictor = torch.where(best // k == level, here, predictor)
        return predictor, best < len(own)

    def elementwise(self, raw: Maps, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The five terms before any sum."""
        codec = self.codec_for(raw)
        every = codec.objectness(raw)[..., None]
        require_targets(targets, images=len(every), device=every.device)
        slots = Slots.of(assignment, targets, every.shape[1], self.num_classes)
        predictor, truth = assignment.predictor, slots.truth
        values = codec.at(raw, predictor)
        offset, size = codec.encode(truth.boxes, predictor)
        obj = slots.weight[..., None].to(values.dtype)
        coord = obj * (2 - truth.boxes[..., 2:].prod(-1, keepdim=True)).to(values.dtype)
        noobj = assignment.background(every.shape[1])[..., None].to(values.dtype)
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)
        # In the output's dtype: torch.where of two numbers would round them to float32.
        classes = slots.classes.to(values.dtype) * (1 - self.label_smoothing) + self.label_smoothing / 2
        cross_entropy, sigmoid = binary_cross_entropy_with_logits, torch.sigmoid
        pairs: dict[str, Any] = {"predictor": predictor, "object": assignment.object}
        return (
            Term.compare(
                "xy", self.lambda_coord, cross_entropy, values[..., :2], offset, coord,
                elements=("x", "y"), activation=sigmoid, **pairs,
            ),
            Term.compare(
                "wh", self.lambda_coord, half_squared_error, values[..., 2:4], size, coord,
                elements=("log w", "log h"), **pairs,
            ),
            Term.compare(
                "obj", self.lambda_obj, cross_entropy, values[..., 4:5], torch.ones_like(obj), obj,
                elements=("confidence",), activation=sigmoid, **pairs,
            ),
            Term.compare(
                "noobj", self.lambda_noobj, cross_entropy, every, torch.zeros_like(every), noobj,
                elements=("confidence",), activation=sigmoid,
            ),
            Term.compare(
                "cls", self.lambda_cls, cross_entropy, values[..., 5:], classes, cls, activation=sigmoid, **pairs,
            ),
        )  # fmt: skip

    def reduce(
        self, terms: Sequence[Term], assignment: Assignment, normalizer: Tensor | float | None = None
    ) -> LossOutput:
        """The sums of ``terms``, divided by ``normalizer``, see `LossOutput.reduce`."""
        return LossOutput.reduce(terms, assignment, reduction=self.reduction, normalizer=normalizer)

    def decode(self, raw: Maps) -> Predictions:
        """The boxes and scores that ``raw`` means."""
        return self.codec_for(raw).predictions(raw)

    def extra_repr(self) -> str:
        return (
            f"num_classes={self.num_classes}, anchors={tuple(self.anchors.shape)}, strides={self.strides}, "
            f"lambda_coord={self.lambda_coord:g}, lambda_noobj={self.lambda_noobj:g}, lambda_obj={self.lambda_obj:g}, "
            f"lambda_cls={self.lambda_cls:g}, ignore_threshold={self.ignore_threshold:g}, reduction={self.reduction!r}"
        )
