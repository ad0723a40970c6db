"""YOLOv5 (Jocher et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from yolosses import host
from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners.anchor_ratio import AnchorPairs, match_anchors
from yolosses.assigners.pairs import unanswered
from yolosses.boxes import paired_ciou, paired_iou
from yolosses.codecs import AnchorCodec, Levels
from yolosses.codecs.anchor import Maps, grids_of, maps_of
from yolosses.functional import BoxLoss, Penalty, binary_cross_entropy_with_logits, ciou_loss
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

ANCHORS = (
    ((10.0, 13.0), (16.0, 30.0), (33.0, 23.0)),
    ((30.0, 61.0), (62.0, 45.0), (59.0, 119.0)),
    ((116.0, 90.0), (156.0, 198.0), (373.0, 326.0)),
)  # of COCO at 640 pixels
BALANCE = {3: (4.0, 1.0, 0.4)}
OTHER_BALANCE = (4.0, 1.0, 0.25, 0.06, 0.02)

Anchors = Sequence[Sequence[Sequence[float]]]


class YOLOv5Loss(nn.Module):
    """The loss of YOLOv5: means over the pairs of each level, and over all predictors for the objectness::

        L = sum over levels l of [ lambda_box * mean over pairs (1 - CIoU)
                                 + lambda_obj * balance_l * mean over predictors BCE(o, max(0, CIoU) or 0)
                                 + lambda_cls * mean over pairs and classes BCE(p_c, 1 for the object's class, else 0) ]

    An anchor answers for every object of about its size, in up to five cells (`assigners.anchor_ratio`). Where several
    objects share a predictor, box and class terms count each of them; the objectness target is that of the last pair in
    order of cell, anchor and object, on every device.

    Args:
        num_classes: C.
        anchors: (w, h) in pixels, K for each level. strides: of the levels in pixels, finest first.
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
    the number of pairs of each level, at least 1, and of images; ``normalizer`` is the like, or one number for all. The
    value is the sum of the items that the reference logs; it trains on that times the number of images.

    Deviations: no epsilon in CIoU; no automatic balance of the levels. Objects that no anchor fits are counted in
    ``num_dropped``. In ignored regions, predictors that answer for nothing are left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    anchors: Tensor
    class_weight: Tensor | None

    def __init__(
        self,
        *,
        num_classes: int = 80,
        anchors: Anchors = ANCHORS,
        strides: Sequence[float] = (8, 16, 32),
        lambda_box: float = 0.05,
        lambda_obj: float = 1.0,
        lambda_cls: float = 0.5,
        balance: Sequence[float] | None = None,
        anchor_threshold: float = 4.0,
        objectness_from_iou: float = 1.0,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
        cls_pos_weight: float = 1.0,
        obj_pos_weight: float = 1.0,
        box_loss: BoxLoss = ciou_loss,
        class_weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        require_at_least("num_classes", num_classes, 1, kind=int)
        factors: dict[str, Any] = {
            "lambda_box": lambda_box,
            "lambda_obj": lambda_obj,
            "lambda_cls": lambda_cls,
            "cls_pos_weight": cls_pos_weight,
            "obj_pos_weight": obj_pos_weight,
            "focal_gamma": focal_gamma,
        }
        shares = {"label_smoothing": label_smoothing, "objectness_from_iou": objectness_from_iou}
        for name, value in (factors | shares).items():
            require_at_least(name, value, 0)
        for name, value in shares.items():
            if value > 1:
                raise ValueError(f"{name}: expected a number from 0 to 1; got {value!r}")
        require_at_least("anchor_threshold", anchor_threshold, 1)
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        self.register_buffer("anchors", anchor_table(anchors, strides), persistent=False)
        self.register_buffer("class_weight", class_weight, persistent=False)
        self.num_classes, self.strides = num_classes, tuple(strides)
        self.lambda_box, self.lambda_obj, self.lambda_cls = lambda_box, lambda_obj, lambda_cls
        count = len(self.strides)
        self.balance = tuple(balance) if balance is not None else BALANCE.get(count, OTHER_BALANCE[:count])
        if len(self.balance) != count or min(self.balance, default=0) < 0:
            raise ValueError(
                f"balance: expected a number >= 0 for each of {count} levels; got {self.balance!r}"
            )
        self.anchor_threshold, self.objectness_from_iou = anchor_threshold, objectness_from_iou
        self.label_smoothing, self.box_loss, self.reduction = label_smoothing, box_loss, reduction
        self.cls_penalty = _cross_entropy(cls_pos_weight, focal_gamma)
        self.obj_penalty = _cross_entropy(obj_pos_weight, focal_gamma)

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
            levels=levels, anchors=self.anchors, num_classes=self.num_classes,
            scale_xy=(2.0,) * len(self.strides), size_decoding="squared_sigmoid",
        )  # fmt: skip

    def forward(
        self,
        raw: Maps,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what, and the objectness targets;
        ``normalizer``: see above."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.terms(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: Maps, targets: Targets) -> Assignment:
        """Which predictors answer for which object, and how well they fit now."""
        codec = self.codec_for(raw)
        first = codec.split(raw)[0]
        require_targets(targets, images=len(first), device=first.device)
        everyone = torch.arange(targets.mask.shape[1], device=first.device).expand_as(targets.labels)
        truth = targets.at(everyone, targets.positive)  # padding may hold any numbers
        pairs = self.pairs(codec, raw, truth, targets.positive)
        matched = truth.at(pairs.object, pairs.mask)
        iou, quality = self._fit(codec, raw, pairs, matched.boxes)
        spared = None
        if targets.ignore is not None:
            spared = codec.levels.within(targets.boxes, targets.mask & targets.ignore)
        return Assignment(
            predictor=pairs.predictor,
            object=pairs.object,
            mask=pairs.mask,
            iou=iou,
            num_dropped=unanswered(pairs.object, pairs.mask, targets.positive),
            spared=spared,
            quality=quality,
        )

    def _fit(
        self, codec: AnchorCodec, raw: Maps, pairs: AnchorPairs, gt_boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, P) IoU and CIoU, not negative, of the pairs that count, now."""
        numbers = codec.box_numbers(raw, pairs.predictor, pairs.mask)
        boxes = codec.decode(numbers, pairs.predictor)
        wanted = codec.in_pixels(gt_boxes).to(boxes.dtype)
        return (
            torch.where(pairs.mask, paired_iou(boxes, wanted), 0),
            torch.where(pairs.mask, paired_ciou(boxes, wanted).clamp(min=0), 0),
        )

    def pairs(self, codec: AnchorCodec, raw: Maps, truth: Targets, mask: Tensor) -> AnchorPairs:
        """Which predictors answer for which object; here whatever they predict."""
        return match_anchors(
            truth.boxes, mask, levels=codec.levels, anchors=self.anchors, threshold=self.anchor_threshold
        )

    def terms(self, raw: Maps, targets: Targets, assignment: Assignment) -> tuple[Term | TermSum, ...]:
        """The three terms, those of the pairs already summed: the same as `elementwise`, of the pairs that count
        alone."""
        codec = self.codec_for(raw)
        views = codec.split(raw)
        if not host.lengths_are_free(views[0]):
            return self.elementwise(raw, targets, assignment)
        require_targets(targets, images=len(views[0]), device=views[0].device)
        truth = targets.at(assignment.object, assignment.mask)
        pairs, pick = pairs_of(assignment, codec.levels.counts)
        values, objectness = read_rows(views, pairs, channel=4)
        weight = (
            torch.ones_like(values[:, 0]) if truth.weight is None else pick(truth.weight).to(values.dtype)
        )
        assert pairs.level_sizes is not None
        level = torch.arange(len(views)).repeat_interleave(torch.tensor(pairs.level_sizes))
        box, classes = self._at_pairs(
            codec, values, pick(truth.boxes), pick(truth.labels), weight[..., None],
            predictor=pairs.predictor, object=pick(assignment.object), part=level,
        )  # fmt: skip
        images = len(views[0])
        return (
            TermSum.of(box, pairs.image, images, len(views)),
            self._objectness(codec, objectness, truth, assignment),
            TermSum.of(classes, pairs.image, images, len(views)),
        )

    def elementwise(self, raw: Maps, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The three terms before any sum."""
        codec = self.codec_for(raw)
        first = codec.split(raw)[0]
        require_targets(targets, images=len(first), device=first.device)
        predictor, truth = assignment.predictor, targets.at(assignment.object, assignment.mask)
        values = codec.at(raw, predictor)
        weight = assignment.mask[..., None].to(values.dtype)
        if truth.weight is not None:
            weight = weight * truth.weight[..., None].to(values.dtype)
        box, classes = self._at_pairs(
            codec, values, truth.boxes, truth.labels, weight,
            predictor=predictor, object=assignment.object, part=self._level_of_pairs(assignment),
        )  # fmt: skip
        return box, self._objectness(codec, codec.objectness(raw), truth, assignment), classes

    def _at_pairs(
        self,
        codec: AnchorCodec,
        values: Tensor,
        boxes: Tensor,
        labels: Tensor,
        weight: Tensor,
        **pairs: Any,
    ) -> tuple[Term, Term]:
        """The terms of the boxes and of the classes, of the numbers (..., 5+C) of the pairs (...)."""
        fit = 1 - self.box_loss(
            codec.decode(values, pairs["predictor"]), codec.in_pixels(boxes).to(values.dtype)
        )
        classes = labels[..., None] == torch.arange(self.num_classes, device=values.device)
        smooth = self.label_smoothing / 2
        of_class = weight / self.num_classes
        if self.class_weight is not None:
            of_class = of_class * self.class_weight.to(values.dtype)
        return (
            Term.compare(
                "box", self.lambda_box, _missing, fit[..., None], torch.ones_like(fit)[..., None], weight,
                elements=("iou",), **pairs,
            ),
            Term.compare(
                "cls", self.lambda_cls if self.num_classes > 1 else 0.0, self.cls_penalty, values[..., 5:],
                classes.to(values.dtype) * (1 - 2 * smooth) + smooth, of_class, activation=torch.sigmoid, **pairs,
            ),
        )  # fmt: skip

    def _objectness(self, codec: AnchorCodec, logits: Tensor, truth: Targets, assignment: Assignment) -> Term:
        """Of the objectness ``logits`` (B, A)."""
        images, predictors = logits.shape
        # Of several pairs the last one counts; pairs that do not count meet in a place of their own.
        place = torch.where(assignment.mask, assignment.predictor, predictors)
        order = torch.arange(1, place.shape[1] + 1, device=place.device).expand_as(place)
        last = place.new_zeros(images, predictors + 1).scatter_reduce(1, place, order, "amax")[:, :-1]
        pair = (last - 1).clamp(min=0)
        g, quality = self.objectness_from_iou, assignment.quality
        fit = (assignment.iou if quality is None else quality).to(logits.dtype)
        fit = ((1 - g) + g * fit).gather(1, pair)
        target = torch.where(last > 0, fit, 0)
        weight = torch.ones_like(logits)
        if truth.weight is not None:
            weight = torch.where(last > 0, truth.weight.to(logits.dtype).gather(1, pair), weight)
        if assignment.spared is not None:
            weight = torch.where(assignment.spared & (last == 0), 0, weight)
        share = [b / n for b, n in zip(self.balance, codec.levels.counts, strict=True)]
        weight = weight * codec.levels.fill(share, logits)
        part = torch.full((predictors,), len(self.strides), device=logits.device)
        return Term.compare(
            "obj", self.lambda_obj, self.obj_penalty, logits[..., None], target[..., None], weight[..., None],
            elements=("confidence",), activation=torch.sigmoid, part=part,
        )  # fmt: skip

    def reduce(
        self,
        terms: Sequence[Term | TermSum],
        assignment: Assignment,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The sums of ``terms``, divided as above, see `LossOutput.reduce`."""
        images, levels = assignment.mask.shape[0], len(self.strides)
        by_level = torch.stack([part.sum() for part in assignment.mask.chunk(levels, 1)])
        counts = torch.cat((by_level, torch.full_like(by_level[:1], images))).clamp(min=1)
        first = terms[0]
        own = counts.to(first.sums.dtype if isinstance(first, TermSum) else first.penalty.dtype)
        return LossOutput.reduce(terms, assignment, reduction=self.reduction, normalizer=normalizer, own=own)

    def decode(self, raw: Maps) -> Predictions:
        """The boxes and scores that ``raw`` means."""
        return self.codec_for(raw).predictions(raw)

    def _level_of_pairs(self, assignment: Assignment) -> Tensor:
        count = len(self.strides)
        each = assignment.mask.shape[1] // count
        number = torch.arange(count, device=assignment.mask.device)
        return number.repeat_interleave(each, output_size=count * each)

    def extra_repr(self) -> str:
        return (
            f"num_classes={self.num_classes}, anchors={tuple(self.anchors.shape)}, strides={self.strides}, "
            f"lambda_box={self.lambda_box:g}, lambda_obj={self.lambda_obj:g}, lambda_cls={self.lambda_cls:g}, "
            f"anchor_threshold={self.anchor_threshold:g}, reduction={self.reduction!r}"
        )


def anchor_table(anchors: Anchors, strides: Sequence[float]) -> Tensor:
    """(L, K, 2) float32. Raises ``ValueError`` unless there are equally many (w, h) above 0 for each level."""
    try:
        table = [[(float(w), float(h)) for w, h in level] for level in anchors]
    except (TypeError, ValueError):
        table = []
    counts = {len(level) for level in table}
    least = min((side for level in table for size in level for side in size), default=0.0)
    if len(table) != len(strides) or len(counts) != 1 or not least > 0:
        raise ValueError(
            f"anchors: expected for each of {len(strides)} levels equally many (w, h) above 0; got {anchors!r}"
        )
    return torch.tensor(table, dtype=torch.float32)


def _missing(similarity: Tensor, target: Tensor) -> Tensor:
    """What is missing to a similarity of 1."""
    return target - similarity


def _cross_entropy(pos_weight: float, gamma: float) -> Penalty:
    """Binary cross-entropy, its positive part weighted, or its focal form."""
    if gamma > 0:
        return partial(_focal, pos_weight=pos_weight, gamma=gamma)
    if pos_weight == 1:
        return binary_cross_entropy_with_logits
    return partial(_weighted, pos_weight=pos_weight)


def _weighted(logits: Tensor, target: Tensor, *, pos_weight: float) -> Tensor:
    """-w t log q - (1 - t) log(1 - q)."""
    return -pos_weight * target * logsigmoid(logits) - (1 - target) * logsigmoid(-logits)


def _focal(logits: Tensor, target: Tensor, *, pos_weight: float, gamma: float) -> Tensor:
    """The focal loss of `functional.sigmoid_focal` with alpha 0.25, of a weighted cross-entropy."""
    missed = (-logits).sigmoid() * target + logits.sigmoid() * (1 - target)
    alpha = 0.25 * target + 0.75 * (1 - target)
    # A saturated logit makes it exactly 0, where a power below 1 has an infinite gradient.
    return alpha * missed.clamp(min=1e-12).pow(gamma) * _weighted(logits, target, pos_weight=pos_weight)
