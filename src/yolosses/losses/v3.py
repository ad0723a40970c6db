"""YOLOv3: An Incremental Improvement. Redmon and Farhadi, 2018; with what the paper leaves open as the author's
program does it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import anchor_list, number, numbers
from yolosses.assigners.best_anchor import best_anchor, highest_iou
from yolosses.codecs import AnchorCodec
from yolosses.codecs.anchor import Maps
from yolosses.functional import binary_cross_entropy_with_logits as cross_entropy
from yolosses.losses.anchor_loss import AnchorLoss, Anchors
from yolosses.losses.darknet import (
    assigned,
    classes_of_slots,
    half_squared_error,
    objects_of,
    with_overlapping,
)
from yolosses.losses.pairs import Pairs, everyone
from yolosses.losses.v5 import ANCHORS
from yolosses.structures import Assignment, Cost, Targets


class YOLOv3Loss(AnchorLoss):
    """The loss of YOLOv3, over all levels::

        L = lambda_coord * sum 1obj (2 - w h) [BCE(tx, x^) + BCE(ty, y^)]                       "xy"
          + lambda_coord * sum 1obj (2 - w h) [(tw - log(w / a_w))^2 + (th - log(h / a_h))^2] / 2   "wh"
          + lambda_obj   * sum 1obj BCE(o, 1)                                                   "obj"
          + lambda_noobj * sum 1noobj BCE(o, 0)                                                 "noobj"
          + lambda_cls   * sum 1obj sum_c BCE(p_c, 1 for the object's class, else 0)            "cls"

    For each object the anchor of nearest shape, of all levels, is responsible in the cell of its centre (1obj). A
    predictor that is responsible for nothing is background (1noobj) unless its box has IoU > ``ignore_threshold`` with
    some object. w, h are fractions of the image (measured in pixels beside a_w, a_h, the anchor), x^, y^ the offset
    in the cell.

    Where objects share a predictor, box and weight are those of the last of them, and the classes are those of all;
    the others are counted in ``num_dropped``.

    Args:
        num_classes: C. anchors: (w, h) in pixels, K for each level. strides: of the levels in pixels, in the order
            of the maps.
        image_size: (height, width) of the pictures in pixels, where the strides do not divide them.
        other_anchors: (w, h) of levels that this loss does not see: an object that fits one of them best has no
            predictor here. The losses of the levels apart then add up to that of all together.
        lambda_coord, lambda_obj, lambda_noobj, lambda_cls: weights of the terms, all 1 in the publication.
        ignore_threshold: see above: 0.5 in the paper, 0.7 in the configuration for COCO.
        truth_threshold: below 1, predictors with a larger IoU with some object are responsible for it too, from
            whatever cell: the offset x^ may then lie outside 0..1, where "xy" has no least value. 1, off, in all of
            the author's configurations.
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
    of ``anchors``, then of ``other_anchors``, is best. In ignored regions predictors that are responsible for nothing
    are left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    other_anchors: Tensor

    def __init__(
        self,
        *,
        num_classes: int = 80,
        anchors: Anchors = ANCHORS,
        strides: Any = (8, 16, 32),
        image_size: Any = None,
        other_anchors: Any = (),
        lambda_coord: float = 1.0,
        lambda_obj: float = 1.0,
        lambda_noobj: float = 1.0,
        lambda_cls: float = 1.0,
        ignore_threshold: float = 0.5,
        truth_threshold: float = 1.0,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        self.lambda_coord, self.lambda_obj, self.lambda_noobj, self.lambda_cls = numbers(
            lambda_coord=lambda_coord, lambda_obj=lambda_obj, lambda_noobj=lambda_noobj, lambda_cls=lambda_cls
        )
        self._set_levels(anchors, strides, image_size, 1.0)
        self._keep_table("other_anchors", anchor_list("other_anchors", other_anchors, empty=True), -1, 2)
        self.ignore_threshold = number("ignore_threshold", ignore_threshold)
        self.truth_threshold = number("truth_threshold", truth_threshold)
        self.label_smoothing = number("label_smoothing", label_smoothing, most=1)
        self._finish(num_classes, class_weight, reduction, impl)

    def match(self, codec: AnchorCodec, raw: Maps, targets: Targets) -> Assignment:
        """1obj: one pair for each object, and with ``truth_threshold`` below 1 one for each predictor before them."""
        boxes = codec.boxes(raw)
        objects, truth, in_pixels = objects_of(codec, targets, boxes)
        highest, whose = highest_iou(boxes, in_pixels, targets.positive)
        predictor, mask = self._best_places(codec, truth, in_pixels)
        best = predictor, objects, mask & targets.positive
        pairs = with_overlapping(best, highest, whose, self.truth_threshold)
        return assigned(
            boxes, in_pixels, pairs, highest > self.ignore_threshold, targets.positive, last_wins=True
        )

    def _best_places(self, codec: AnchorCodec, truth: Targets, in_pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M) the predictor of the best anchor in the cell of each object, and whether it is one of these
        levels'."""
        own = self.anchors.flatten(0, 1)
        best = best_anchor(in_pixels[..., 2:], torch.cat((own, self.other_anchors)).to(in_pixels.dtype))
        k, predictor = codec.levels.boxes_per_cell, torch.zeros_like(best)
        for level in range(len(codec.grids)):
            cell, _ = codec.levels.locate(truth.boxes, level)
            here = codec.levels.starts[level] + best % k * codec.levels.cells(level) + cell
            predictor = torch.where(best // k == level, here, predictor)
        return predictor, best < len(own)

    def formula(self, codec: AnchorCodec, pairs: Pairs, objectness: Tensor) -> tuple[Cost, ...]:
        """The five terms."""
        xy, wh, logit, classes = pairs.split(2, 2, 1, codec.num_classes)
        every, zero, one = objectness[..., None], objectness.new_zeros(()), objectness.new_ones(())
        offset, size = codec.encode(pairs.boxes, pairs.predictor)
        obj, noobj = (pairs.weight * pairs.last())[..., None], pairs.background()[..., None]
        coord = obj * (2 - pairs.boxes[..., 2:].prod(-1, keepdim=True)).to(obj.dtype)
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)
        e = self.label_smoothing
        labels = classes_of_slots(pairs, codec.num_classes).to(classes.dtype) * (1 - e) + e / 2
        return (
            pairs.cost("xy", self.lambda_coord, cross_entropy, xy, offset, coord, ("x", "y")),
            pairs.cost("wh", self.lambda_coord, half_squared_error, wh, size, coord, ("log w", "log h")),
            pairs.cost("obj", self.lambda_obj, cross_entropy, logit, one, obj, ("confidence",)),
            everyone("noobj", self.lambda_noobj, cross_entropy, every, zero, noobj, ("confidence",)),
            pairs.cost("cls", self.lambda_cls, cross_entropy, classes, labels, cls),
        )
