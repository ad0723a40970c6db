"""YOLOv5 (Jocher et al. 2020)."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import functions, level_numbers, number, numbers
from yolosses.assigners.anchor_ratio import AnchorPairs, match_anchors
from yolosses.assigners.pairs import count_unassigned
from yolosses.boxes import paired_ciou, paired_iou
from yolosses.codecs import AnchorCodec
from yolosses.codecs.anchor import Maps
from yolosses.functional import BoxLoss, Penalty, binary_cross_entropy_with_logits, ciou_loss
from yolosses.functional.classification import weighted_cross_entropy, weighted_focal
from yolosses.losses.anchor_loss import AnchorLoss, Anchors
from yolosses.losses.pairs import Pairs, everyone, one_minus
from yolosses.structures import Assignment, Cost, Targets

ANCHORS = (
    ((10.0, 13.0), (16.0, 30.0), (33.0, 23.0)),
    ((30.0, 61.0), (62.0, 45.0), (59.0, 119.0)),
    ((116.0, 90.0), (156.0, 198.0), (373.0, 326.0)),
)  # of COCO at 640 pixels
BALANCE = {3: (4.0, 1.0, 0.4)}
OTHER_BALANCE = (4.0, 1.0, 0.25, 0.06, 0.02)


class YOLOv5Loss(AnchorLoss):
    """The loss of YOLOv5: means over the pairs of each level, and over all predictors for the objectness::

        L = sum over levels l of [ lambda_box * mean over pairs (1 - CIoU)
                                 + lambda_obj * balance_l * mean over predictors BCE(o, max(0, CIoU) or 0)
                                 + lambda_cls * mean over pairs and classes BCE(p_c, 1 for the object's class, else 0) ]

    An anchor is responsible for every object of about its size, in up to five cells (`assigners.anchor_ratio`). Where
    several objects share a predictor, box and class terms count each of them; the objectness target is that of the
    last pair in order of cell, anchor and object, on every device.

    Args:
        num_classes: C.
        anchors: (w, h) in pixels, K for each level. strides: of the levels in pixels, finest first.
        image_size: (height, width) of the pictures in pixels, where the strides do not divide them.
        lambda_box, lambda_obj, lambda_cls: weights of the terms, used as they are. The reference's trainer first
            multiplies all three by 3 / levels, lambda_obj also by (image side / 640)^2, and lambda_cls by C / 80. The
            class term is left out where C is 1.
        balance: of the levels' objectness; None: 4, 1, 0.4 of three levels, else 4, 1, 0.25, 0.06, 0.02.
        anchor_threshold: how many times an anchor's sides may differ from the object's.
        objectness_from_iou: g; the objectness target is (1 - g) + g max(0, CIoU), whatever ``box_loss`` is.
        label_smoothing: e; class targets 1 - e/2 and e/2.
        focal_gamma: above 0 the class and objectness terms are focal losses with alpha 0.25.
        cls_pos_weight, obj_pos_weight: factors of the positive part of their cross-entropies, also of focal ones.
        box_loss: another function (pred, target) -> (...) of boxes cxcywh.
        class_weight: (C,) factors of the columns of the class term.
        reduction: "mean" (the means above), "sum" (of pairs; of images for the objectness), or "none" (one sum an
            image).

    Shapes:
        raw: one map a level, (B, K*(5+C), rows, cols) or (B, K, rows, cols, 5+C): tx, ty, tw, th, objectness, classes.
        Any floating dtype; computed in at least float32. Decoding: `AnchorCodec` with scale 2 and squared sigmoids.

    Detached: the assignment, the objectness targets (the assignment's ``quality``) and CIoU's alpha. Normaliser: (L+1,)
    the number of pairs of each level, at least 1, and of images; ``normalizer`` has the same shape, or is one number
    for all. The value is the sum of the items that the reference logs; it trains on that times the number of images.

    Deviations: no epsilon in CIoU; no automatic balance of the levels. Objects that no anchor fits are counted in
    ``num_dropped``. In ignored regions, predictors that are responsible for nothing are left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    by_level = True

    def __init__(
        self,
        *,
        num_classes: int = 80,
        anchors: Anchors = ANCHORS,
        strides: Any = (8, 16, 32),
        image_size: Any = None,
        lambda_box: float = 0.05,
        lambda_obj: float = 1.0,
        lambda_cls: float = 0.5,
        balance: Any = None,
        anchor_threshold: float = 4.0,
        objectness_from_iou: float = 1.0,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
        cls_pos_weight: float = 1.0,
        obj_pos_weight: float = 1.0,
        box_loss: BoxLoss = ciou_loss,
        class_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        self.lambda_box, self.lambda_obj, self.lambda_cls = numbers(
            lambda_box=lambda_box, lambda_obj=lambda_obj, lambda_cls=lambda_cls
        )
        self._set_levels(anchors, strides, image_size, 2.0)
        self.decoding = {"size_decoding": "squared_sigmoid"}
        levels = len(self.strides)
        balance = BALANCE.get(levels, OTHER_BALANCE[:levels]) if balance is None else balance
        self.balance = level_numbers("balance", balance, levels)
        self.anchor_threshold = number("anchor_threshold", anchor_threshold, least=1)
        self.objectness_from_iou = number("objectness_from_iou", objectness_from_iou, most=1)
        self.label_smoothing = number("label_smoothing", label_smoothing, most=1)
        self.focal_gamma = number("focal_gamma", focal_gamma)
        (self.box_loss,) = functions(box_loss=box_loss)
        self.cls_pos_weight = number("cls_pos_weight", cls_pos_weight)
        self.obj_pos_weight = number("obj_pos_weight", obj_pos_weight)
        self._finish(num_classes, class_weight, reduction, impl)

    def match(self, codec: AnchorCodec, raw: Maps, targets: Targets) -> Assignment:
        """The pairs, and how well they fit now: the objectness targets."""
        device = targets.mask.device
        everyone = torch.arange(targets.mask.shape[1], device=device).expand_as(targets.labels)
        truth = targets.at(everyone, targets.positive)  # padding may hold any numbers
        pairs = self.candidates(codec, raw, truth, targets.positive)
        boxes = codec.decode(codec.box_numbers(raw, pairs.predictor, pairs.mask), pairs.predictor)
        wanted = codec.in_pixels(truth.at(pairs.object, pairs.mask).boxes).to(boxes.dtype)
        return Assignment(
            predictor=pairs.predictor, object=pairs.object, mask=pairs.mask,
            iou=torch.where(pairs.mask, paired_iou(boxes, wanted), 0),
            quality=torch.where(pairs.mask, paired_ciou(boxes, wanted).clamp(min=0), 0),
            num_dropped=count_unassigned(pairs.object, pairs.mask, targets.positive),
        )  # fmt: skip

    def candidates(self, codec: AnchorCodec, raw: Maps, truth: Targets, mask: Tensor) -> AnchorPairs:
        """Which predictors are responsible for which object; here whatever they predict."""
        return match_anchors(
            truth.boxes, mask, levels=codec.levels, anchors=self.anchors, threshold=self.anchor_threshold
        )

    def formula(self, codec: AnchorCodec, pairs: Pairs, objectness: Tensor) -> tuple[Cost, ...]:
        """The three terms: of the pairs of each level, and of the objectness of all predictors."""
        assert pairs.values is not None
        boxes, classes = codec.decode(pairs.values, pairs.predictor), pairs.values[..., 5:]
        fit = 1 - self.box_loss(boxes, codec.in_pixels(pairs.boxes).to(boxes.dtype))[..., None]
        e, one = self.label_smoothing, torch.ones_like(fit)
        labels = pairs.one_hot(self.num_classes).to(classes.dtype) * (1 - e) + e / 2
        of_class = pairs.each / self.num_classes
        if self.class_weight is not None:
            of_class = of_class * self.class_weight.to(of_class.dtype)
        lambda_cls = self.lambda_cls if self.num_classes > 1 else 0.0
        level, cross_entropy = self._level_of(pairs), self._cross_entropy(self.cls_pos_weight)
        return (
            pairs.cost("box", self.lambda_box, one_minus, fit, one, pairs.each, ("iou",), part=level),
            self._objectness(codec, pairs, objectness),
            pairs.cost("cls", lambda_cls, cross_entropy, classes, labels, of_class, part=level),
        )

    def _objectness(self, codec: AnchorCodec, pairs: Pairs, logits: Tensor) -> Cost:
        """Of several pairs of a predictor the last one decides."""
        g, last = self.objectness_from_iou, pairs.last()
        target = pairs.at_predictors((1 - g) + g * pairs.quality, only=last)
        share = [b / n for b, n in zip(self.balance, codec.levels.counts, strict=True)]
        weight = pairs.everywhere(only=last) * codec.levels.fill(share, logits)
        part = torch.full(logits.shape[1:], len(self.strides), device=logits.device)
        return everyone(
            "obj", self.lambda_obj, self._cross_entropy(self.obj_pos_weight), logits[..., None], target[..., None],
            weight[..., None], ("confidence",), part=part,
        )  # fmt: skip

    def _cross_entropy(self, pos_weight: float) -> Penalty:
        """Binary cross-entropy, its positive part weighted, or its focal form."""
        if self.focal_gamma > 0:
            return partial(weighted_focal, pos_weight=pos_weight, gamma=self.focal_gamma)
        return (
            binary_cross_entropy_with_logits
            if pos_weight == 1
            else partial(weighted_cross_entropy, pos_weight=pos_weight)
        )

    def own_normalizer(self, assignment: Assignment) -> Tensor:
        """(L+1,) the number of pairs of each level, and of images."""
        counts = [level.sum() for level in assignment.mask.chunk(len(self.strides), 1)]
        images = torch.full_like(counts[0], len(assignment.mask))
        return torch.stack([*counts, images]).to(torch.promote_types(assignment.iou.dtype, torch.float32))

    def _level_of(self, pairs: Pairs) -> Tensor:
        """The level of each pair: of a list (N,); of all, which are ordered by levels, (P,)."""
        if pairs.listed is not None:
            return pairs.level
        count, device = len(self.strides), pairs.slot.device
        each = pairs.slot.shape[1] // count
        return torch.arange(count, device=device).repeat_interleave(each, output_size=count * each)
