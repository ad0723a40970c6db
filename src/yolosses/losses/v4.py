"""YOLOv4: Optimal Speed and Accuracy of Object Detection. Bochkovskiy, Wang, Liao, 2020; with what the paper leaves
open as the authors' program does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners.best_anchor import best_anchor, highest_iou
from yolosses.assigners.pairs import unanswered
from yolosses.boxes import Similarity, paired_iou
from yolosses.codecs import AnchorCodec, Levels
from yolosses.codecs.anchor import Maps, grids_of, maps_of
from yolosses.codecs.cells import locate
from yolosses.functional import BoxLoss, Penalty, binary_cross_entropy_with_logits, ciou_loss
from yolosses.losses.darknet import Slots, anchors_elsewhere, half_squared_error
from yolosses.losses.v5 import Anchors, anchor_table
from yolosses.losses.v7 import ANCHORS
from yolosses.structures import Assignment, LossOutput, Predictions, Targets, Term, require_targets

SURE_CLASS = 0.25
"""A predictor is only spared for its overlap if some class has more than this probability."""


class YOLOv4Loss(nn.Module):
    """The loss of YOLOv4, over all levels::

        L = lambda_box   * sum 1obj (1 - CIoU)                                                "box"
          + lambda_obj   * sum 1obj BCE(o, 1)                                                 "obj"
          + lambda_noobj * sum 1noobj BCE(o, 0)                                               "noobj"
          + lambda_cls   * sum 1obj sum_c BCE(p_c, 1 for the object's class, else 0)          "cls"

    For each object the anchor of nearest shape, of all levels, answers in the cell of its centre, and every other
    anchor whose shape-IoU with it is above ``anchor_threshold`` does so too (1obj). A predictor that answers for
    nothing is background (1noobj) unless its box has IoU > ``ignore_threshold`` with some object and some class has
    probability > 0.25.

    Where objects share a predictor, each counts for the box (with ``anchor_threshold`` below 1, divided by the number
    of their classes), and the classes are those of all.

    Args:
        num_classes: C. anchors: (w, h) in pixels, K for each level. strides: of the levels in pixels, in the order of
            the maps.
        other_anchors: (w, h) of levels that this loss does not see: an object that fits one of them best has no
            predictor here for that.
        scale_xy: of each level: how far a centre can leave its cell, see `AnchorCodec`.
        lambda_box, lambda_obj, lambda_noobj, lambda_cls: weights of the terms (0.07, 1, 1, 1).
        box_loss: function (pred, target) -> (...) of boxes cxcywh; None for YOLOv3's terms "xy" and "wh" in place of
            "box" ("mse" there).
        ignore_threshold: see above. anchor_threshold: see above; 1 for the best anchor alone.
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
    ``counters_per_class`` (weigh objects or classes instead), ``truth_thresh``. Objects without a predictor are counted
    in ``num_dropped``; in ignored regions predictors that answer for nothing are left alone.

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
        scale_xy: Sequence[float] = (1.2, 1.1, 1.05),
        lambda_box: float = 0.07,
        lambda_obj: float = 1.0,
        lambda_noobj: float = 1.0,
        lambda_cls: float = 1.0,
        box_loss: BoxLoss | None = ciou_loss,
        ignore_threshold: float = 0.7,
        anchor_threshold: float = 0.213,
        anchor_similarity: Similarity = paired_iou,
        new_coords: bool = False,
        label_smoothing: float = 0.0,
        class_weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        require_at_least("num_classes", num_classes, 1, kind=int)
        lambdas = {"box": lambda_box, "obj": lambda_obj, "noobj": lambda_noobj, "cls": lambda_cls}
        for name, value in lambdas.items():
            require_at_least(f"lambda_{name}", value, 0)
        require_at_least("ignore_threshold", ignore_threshold, 0)
        require_at_least("label_smoothing", label_smoothing, 0)
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        self.register_buffer("anchors", anchor_table(anchors, strides), persistent=False)
        self.register_buffer("other_anchors", anchors_elsewhere(other_anchors), persistent=False)
        self.register_buffer("class_weight", class_weight, persistent=False)
        self.num_classes, self.strides, self.scale_xy = num_classes, tuple(strides), tuple(scale_xy)
        if len(self.scale_xy) != len(self.strides):
            raise ValueError(
                f"scale_xy: expected one for each of {len(self.strides)} levels; got {scale_xy!r}"
            )
        self.lambda_box, self.lambda_obj = lambda_box, lambda_obj
        self.lambda_noobj, self.lambda_cls = lambda_noobj, lambda_cls
        self.box_loss, self.ignore_threshold = box_loss, ignore_threshold
        self.anchor_threshold, self.anchor_similarity = anchor_threshold, anchor_similarity
        self.new_coords, self.label_smoothing, self.reduction = new_coords, label_smoothing, reduction

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return int(self.anchors.shape[1]) * (5 + self.num_classes)

    def codec_for(self, raw: Maps) -> AnchorCodec:
        """The codec with the grids of ``raw``."""
        k = self.anchors.shape[1]
        maps = maps_of(raw, boxes_per_cell=k, num_classes=self.num_classes)
        return AnchorCodec(
            levels=Levels(grids=grids_of(maps), strides=self.strides, boxes_per_cell=k),
            anchors=self.anchors, num_classes=self.num_classes, scale_xy=self.scale_xy,
            size_decoding="squared_sigmoid" if self.new_coords else "exp", activated=self.new_coords,
        )  # fmt: skip

    def forward(
        self,
        raw: Maps,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what and who is spared; ``normalizer``:
        see `LossOutput.reduce`."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.elementwise(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: Maps, targets: Targets) -> Assignment:
        """P = M * L * K pairs: every object with every anchor, of which those count that answer."""
        codec = self.codec_for(raw)
        boxes = codec.boxes(raw)
        require_targets(targets, images=len(boxes), device=boxes.device)
        everyone = torch.arange(targets.mask.shape[1], device=boxes.device).expand_as(targets.labels)
        truth = targets.at(everyone, targets.positive)  # padding may hold any numbers
        in_pixels = codec.in_pixels(truth.boxes).to(boxes.dtype)
        predictor, mask = self._places(codec, truth, in_pixels, targets.positive)
        object = torch.where(mask, everyone[..., None], 0).flatten(1)
        predictor, mask = torch.where(mask, predictor, 0).flatten(1), mask.flatten(1)
        pred, wanted = (
            part.take_along_dim(index[..., None], 1)
            for part, index in ((boxes, predictor), (in_pixels, object))
        )
        highest, _ = highest_iou(boxes, in_pixels, targets.positive)
        classes = codec.classes(raw)
        sure = (classes if self.new_coords else classes.sigmoid()).amax(-1) > SURE_CLASS
        spared = (highest > self.ignore_threshold) & sure
        if targets.ignore is not None:
            spared = spared | codec.levels.within(targets.boxes, targets.mask & targets.ignore)
        return Assignment(
            predictor=predictor,
            object=object,
            mask=mask,
            iou=torch.where(mask, paired_iou(pred, wanted), 0),
            num_dropped=unanswered(object, mask, targets.positive),
            spared=spared,
        )

    def _places(
        self, codec: AnchorCodec, truth: Targets, in_pixels: Tensor, positive: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, M, L*K) the predictor of each anchor in the cell of each object, and whether it answers."""
        own, sizes = self.anchors.flatten(0, 1).to(in_pixels.dtype), in_pixels[..., 2:]
        best = best_anchor(sizes, torch.cat((own, self.other_anchors.to(own.dtype))))
        number = torch.arange(len(own), device=own.device)
        alike = self.anchor_similarity(_centred(sizes.unsqueeze(-2)), _centred(own))
        answers = (best[..., None] == number) | (alike > self.anchor_threshold)
        k, places = codec.levels.boxes_per_cell, []
        for level, grid in enumerate(codec.grids):
            cell = locate(truth.boxes, grid)[0][..., None]
            places.append(codec.levels.predictor(level, cell // grid[1], cell % grid[1], number[:k]))
        return torch.cat(places, -1), answers & positive[..., None]

    def elementwise(self, raw: Maps, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The terms before any sum."""
        codec = self.codec_for(raw)
        every = codec.objectness(raw)[..., None]
        require_targets(targets, images=len(every), device=every.device)
        slots = Slots.of(assignment, targets, every.shape[1], self.num_classes)
        values = codec.at(raw, assignment.predictor)
        obj = slots.weight[..., None].to(values.dtype)
        noobj = assignment.background(every.shape[1])[..., None].to(values.dtype)
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)
        smooth = self.label_smoothing / 2
        classes = slots.classes.to(values.dtype) * (1 - 2 * smooth) + smooth
        penalty: Penalty = half_squared_error if self.new_coords else binary_cross_entropy_with_logits
        activation = None if self.new_coords else torch.sigmoid
        pairs: dict[str, Any] = {"predictor": assignment.predictor, "object": assignment.object}
        return (
            *self._boxes(codec, values, slots, assignment),
            Term.compare(
                "obj", self.lambda_obj, penalty, values[..., 4:5], torch.ones_like(obj), obj,
                elements=("confidence",), activation=activation, **pairs,
            ),
            Term.compare(
                "noobj", self.lambda_noobj, penalty, every, torch.zeros_like(every), noobj,
                elements=("confidence",), activation=activation,
            ),
            Term.compare(
                "cls", self.lambda_cls, penalty, values[..., 5:], classes, cls, activation=activation, **pairs,
            ),
        )  # fmt: skip

    def _boxes(
        self, codec: AnchorCodec, values: Tensor, slots: Slots, assignment: Assignment
    ) -> tuple[Term, ...]:
        """The box term, or both of YOLOv3's."""
        truth, predictor = slots.truth, assignment.predictor
        weight = assignment.mask[..., None].to(values.dtype)
        if truth.weight is not None:
            weight = weight * truth.weight[..., None].to(values.dtype)
        if self.anchor_threshold < 1:
            weight = weight / slots.classes.sum(-1, keepdim=True).clamp(min=1)
        pairs: dict[str, Any] = {"predictor": predictor, "object": assignment.object}
        if self.box_loss is not None:
            fit = 1 - self.box_loss(
                codec.decode(values, predictor), codec.in_pixels(truth.boxes).to(values.dtype)
            )
            return (
                Term.compare(
                    "box", self.lambda_box, _missing, fit[..., None], torch.ones_like(fit)[..., None], weight,
                    elements=("iou",), **pairs,
                ),
            )  # fmt: skip
        weight = weight * (2 - truth.boxes[..., 2:].prod(-1, keepdim=True)).to(values.dtype)
        offset, size = codec.encode(truth.boxes, predictor)
        scale = codec.scale_of(predictor, values)
        # s BCE(t, t') has the gradient s sigmoid(t) - (s-1)/2 - x^: what the authors' program descends.
        centre = (offset + (scale - 1) / 2) / scale
        penalty: Penalty = half_squared_error if self.new_coords else binary_cross_entropy_with_logits
        if self.new_coords:
            size = (size / 2).exp() / 2
        return (
            Term.compare(
                "xy", self.lambda_box, penalty, values[..., :2], centre, weight * scale, elements=("x", "y"),
                activation=None if self.new_coords else torch.sigmoid, **pairs,
            ),
            Term.compare(
                "wh", self.lambda_box, half_squared_error, values[..., 2:4], size, weight,
                elements=("log w", "log h"), **pairs,
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
            f"scale_xy={self.scale_xy}, lambda_box={self.lambda_box:g}, lambda_obj={self.lambda_obj:g}, "
            f"lambda_noobj={self.lambda_noobj:g}, lambda_cls={self.lambda_cls:g}, "
            f"anchor_threshold={self.anchor_threshold:g}, reduction={self.reduction!r}"
        )


def _centred(sizes: Tensor) -> Tensor:
    """Boxes (..., 4) of these sizes around one point."""
    return torch.cat((torch.zeros_like(sizes), sizes), -1)


def _missing(similarity: Tensor, target: Tensor) -> Tensor:
    """What is missing to a similarity of 1."""
    return target - similarity
