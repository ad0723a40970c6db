"""YOLOv4: Optimal Speed and Accuracy of Object Detection. Bochkovskiy, Wang, Liao, 2020; with what the paper leaves
open as the authors' program does it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import anchor_list, functions, number, numbers, switch
from yolosses.assigners.best_anchor import best_anchor, highest_iou
from yolosses.boxes import Similarity, paired_iou
from yolosses.codecs import AnchorCodec
from yolosses.codecs.anchor import Maps
from yolosses.functional import BoxLoss, Penalty, binary_cross_entropy_with_logits, ciou_loss
from yolosses.losses.anchor_loss import AnchorLoss, Anchors
from yolosses.losses.darknet import (
    assigned,
    classes_of_slots,
    half_squared_error,
    objects_of,
    with_overlapping,
)
from yolosses.losses.pairs import Pairs, everyone, one_minus
from yolosses.losses.v7 import ANCHORS
from yolosses.structures import Assignment, Cost, Targets

SURE_CLASS = 0.25
"""A predictor is only spared for its overlap if some class has more than this probability."""


class YOLOv4Loss(AnchorLoss):
    """The loss of YOLOv4, over all levels::

        L = lambda_box   * sum 1obj (1 - CIoU)                                                "box"
          + lambda_obj   * sum 1obj BCE(o, 1)                                                 "obj"
          + lambda_noobj * sum 1noobj BCE(o, 0)                                               "noobj"
          + lambda_cls   * sum 1obj sum_c BCE(p_c, 1 for the object's class, else 0)          "cls"

    For each object the anchor of nearest shape, of all levels, is responsible in the cell of its centre, and
    so is every other anchor whose shape-IoU with it is above ``anchor_threshold`` (1obj). A predictor that is
    responsible for nothing is background (1noobj) unless its box has IoU > ``ignore_threshold`` with some object and
    some class has probability > 0.25.

    Where objects share a predictor, each counts for the box (with ``anchor_threshold`` below 1, divided by the number
    of their classes), and the classes are those of all.

    Args:
        num_classes: C. anchors: (w, h) in pixels, K for each level. strides: of the levels in pixels, in the order of
            the maps.
        image_size: (height, width) of the pictures in pixels, where the strides do not divide them.
        other_anchors: (w, h) of levels that this loss does not see: an object that fits one of them best has no
            predictor here for that.
        scale_xy: of each level: how far a centre can leave its cell, see `AnchorCodec`.
        lambda_box, lambda_obj, lambda_noobj, lambda_cls: weights of the terms (0.07, 1, 1, 1).
        box_loss: function (pred, target) -> (...) of boxes cxcywh; None for YOLOv3's terms "xy" and "wh" in place of
            "box" ("mse" there).
        ignore_threshold: see above. anchor_threshold: see above; 1 for the best anchor alone.
        truth_threshold: see `YOLOv3Loss`; 1, off, in all of the authors' configurations.
        anchor_similarity: of an object and an anchor on one centre, for ``anchor_threshold``.
        new_coords: the network has squashed all its outputs itself, and w = (2 tw)^2 a_w (YOLOv4-CSP). Its errors are
            then half squares, whose gradient its own sigmoid goes on from.
        label_smoothing: e; class targets 1 - e/2 and e/2.
        class_weight: (C,) factors of the elements of the class term.
        reduction: "mean" over images, "sum", or "none" (one value an image).

    Shapes:
        raw: one map a level, (B, K*(5+C), rows, cols) or (B, K, rows, cols, 5+C): tx, ty, tw, th, objectness, classes.
        Any floating dtype; computed in at least float32. Decoding: `AnchorCodec`.

    Detached: assignment, CIoU's alpha, and the IoU that spares predictors. Normaliser: the number of images, or
    ``normalizer``.

    Deviations: the box term is differentiated as it stands, where the authors' program has directions of its own (twice
    the derivative by w and h, the wrong sign for the distance of DIoU and CIoU, none of the chain rule's factors) and
    clips them to ``max_delta``: a matter of the optimiser. Left out: ``objectness_smooth``, ``focal_loss``,
    ``counters_per_class`` (weigh objects or classes instead). Objects without a predictor are counted
    in ``num_dropped``; in ignored regions predictors that are responsible for nothing are left alone.

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
        scale_xy: Any = (1.2, 1.1, 1.05),
        lambda_box: float = 0.07,
        lambda_obj: float = 1.0,
        lambda_noobj: float = 1.0,
        lambda_cls: float = 1.0,
        box_loss: BoxLoss | None = ciou_loss,
        ignore_threshold: float = 0.7,
        anchor_threshold: float = 0.213,
        truth_threshold: float = 1.0,
        anchor_similarity: Similarity = paired_iou,
        new_coords: bool = False,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        self.lambda_box, self.lambda_obj, self.lambda_noobj, self.lambda_cls = numbers(
            lambda_box=lambda_box, lambda_obj=lambda_obj, lambda_noobj=lambda_noobj, lambda_cls=lambda_cls
        )
        self._set_levels(anchors, strides, image_size, scale_xy)
        self._keep_table("other_anchors", anchor_list("other_anchors", other_anchors, empty=True), -1, 2)
        self.ignore_threshold = number("ignore_threshold", ignore_threshold)
        self.anchor_threshold = number("anchor_threshold", anchor_threshold)
        self.truth_threshold = number("truth_threshold", truth_threshold)
        self.label_smoothing = number("label_smoothing", label_smoothing, most=1)
        (self.anchor_similarity,) = functions(anchor_similarity=anchor_similarity)
        self.box_loss = None if box_loss is None else functions(box_loss=box_loss)[0]
        self.new_coords = switch("new_coords", new_coords)
        if new_coords:
            self.decoding = {"size_decoding": "squared_sigmoid", "activated": True}
        self._finish(num_classes, class_weight, reduction, impl)

    def match(self, codec: AnchorCodec, raw: Maps, targets: Targets) -> Assignment:
        """1obj: P = M * L * K pairs, every object with every anchor; the mask says which are responsible."""
        boxes = codec.boxes(raw)
        objects, truth, in_pixels = objects_of(codec, targets, boxes)
        predictor, mask = self._places(codec, truth, in_pixels)
        mask = (mask & targets.positive[..., None]).flatten(1)
        highest, whose = highest_iou(boxes, in_pixels, targets.positive)
        best = predictor.flatten(1), objects[..., None].expand_as(predictor).flatten(1), mask
        pairs = with_overlapping(best, highest, whose, self.truth_threshold)
        classes = codec.classes(raw)
        sure = (classes if self.new_coords else classes.sigmoid()).amax(-1) > SURE_CLASS
        spared = (highest > self.ignore_threshold) & sure
        return assigned(boxes, in_pixels, pairs, spared, targets.positive, last_wins=False)

    def _places(self, codec: AnchorCodec, truth: Targets, in_pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M, L*K) the predictor of each anchor in the cell of each object, and whether it is responsible."""
        own, sizes = self.anchors.flatten(0, 1).to(in_pixels.dtype), in_pixels[..., 2:]
        best = best_anchor(sizes, torch.cat((own, self.other_anchors.to(own.dtype))))
        number = torch.arange(len(own), device=own.device)
        alike = self.anchor_similarity(_centred(sizes.unsqueeze(-2)), _centred(own))
        chosen = (best[..., None] == number) | (alike > self.anchor_threshold)
        k, places = codec.levels.boxes_per_cell, []
        for level in range(len(codec.grids)):
            cell, _ = codec.levels.locate(truth.boxes, level)
            places.append(
                codec.levels.starts[level] + number[:k] * codec.levels.cells(level) + cell[..., None]
            )
        return torch.cat(places, -1), chosen

    def formula(self, codec: AnchorCodec, pairs: Pairs, objectness: Tensor) -> tuple[Cost, ...]:
        """The terms."""
        _, _, logit, classes = pairs.split(2, 2, 1, codec.num_classes)
        every, zero = objectness[..., None], objectness.new_zeros(())
        obj, noobj = (pairs.weight * pairs.last())[..., None], pairs.background()[..., None]
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)
        of_slot, e = classes_of_slots(pairs, codec.num_classes), self.label_smoothing
        labels = of_slot.to(classes.dtype) * (1 - e) + e / 2
        return (
            *self._boxes(codec, pairs, of_slot),
            pairs.cost(
                "obj", self.lambda_obj, self._penalty, logit, torch.ones_like(obj), obj, ("confidence",)
            ),
            everyone("noobj", self.lambda_noobj, self._penalty, every, zero, noobj, ("confidence",)),
            pairs.cost("cls", self.lambda_cls, self._penalty, classes, labels, cls),
        )

    def _boxes(self, codec: AnchorCodec, pairs: Pairs, of_slot: Tensor) -> tuple[Cost, ...]:
        """The box term, or both of YOLOv3's."""
        assert pairs.values is not None
        weight, predictor = pairs.each, pairs.predictor
        if self.anchor_threshold < 1:
            weight = weight / of_slot.sum(-1, keepdim=True).clamp(min=1)
        if self.box_loss is not None:
            boxes = codec.decode(pairs.values, predictor)
            fit = 1 - self.box_loss(boxes, codec.in_pixels(pairs.boxes).to(boxes.dtype))[..., None]
            return (
                pairs.cost("box", self.lambda_box, one_minus, fit, torch.ones_like(fit), weight, ("iou",)),
            )
        xy, wh, _, _ = pairs.split(2, 2, 1, codec.num_classes)
        weight = weight * (2 - pairs.boxes[..., 2:].prod(-1, keepdim=True)).to(weight.dtype)
        offset, size = codec.encode(pairs.boxes, predictor)
        scale = codec.scale_of(predictor, xy)
        # s BCE(t, t') has the gradient s sigmoid(t) - (s-1)/2 - x^: what the authors' program descends.
        centre = (offset + (scale - 1) / 2) / scale
        size = (size / 2).exp() / 2 if self.new_coords else size
        return (
            pairs.cost("xy", self.lambda_box, self._penalty, xy, centre, weight * scale, ("x", "y")),
            pairs.cost("wh", self.lambda_box, half_squared_error, wh, size, weight, ("log w", "log h")),
        )

    @property
    def _penalty(self) -> Penalty:
        return half_squared_error if self.new_coords else binary_cross_entropy_with_logits


def _centred(sizes: Tensor) -> Tensor:
    """Boxes (..., 4) of these sizes around one point."""
    return torch.cat((torch.zeros_like(sizes), sizes), -1)
