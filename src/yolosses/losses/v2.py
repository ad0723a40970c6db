"""YOLO9000: Better, Faster, Stronger (YOLOv2). Redmon and Farhadi, CVPR 2017; with what the paper leaves open as
the author's program does it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import anchor_list, choice, number, numbers, switch
from yolosses.assigners.best_anchor import best_anchor, highest_iou, shape_iou
from yolosses.assigners.pairs import take_rows
from yolosses.codecs import AnchorCodec
from yolosses.codecs.anchor import Maps
from yolosses.functional import binary_cross_entropy_with_logits, softmax_cross_entropy
from yolosses.losses.anchor_loss import AnchorLoss
from yolosses.losses.darknet import assigned, classes_of_slots, half_squared_error, objects_of
from yolosses.losses.pairs import Pairs, everyone
from yolosses.structures import Assignment, Cost, Targets

ANCHORS = ((1.3221, 1.73145), (3.19275, 4.00944), (5.05587, 8.09892), (9.47112, 4.84053), (11.2364, 10.0071))
"""Of VOC, in cells of 32 pixels."""


class YOLOv2Loss(AnchorLoss):
    """The loss of YOLOv2, over one map of cells with K anchors each; o is the objectness and T its target::

        L = lambda_coord * sum 1obj (2 - w h) [(x - x^)^2 + (y - y^)^2] / 2                             "xy"
          + lambda_coord * sum 1obj (2 - w h) [(tw - log(w / a_w))^2 + (th - log(h / a_h))^2] / 2       "wh"
          + lambda_obj   * sum 1obj (o - T)^2 / 2                                                      "obj"
          + lambda_noobj * sum 1noobj o^2 / 2                                                          "noobj"
          + lambda_cls   * sum 1obj CE(classes)                                                        "cls"
          + lambda_prior * sum 1free [(x - 0.5)^2 + (y - 0.5)^2 + tw^2 + th^2] / 2                      "prior"

    x, y = sigmoid(tx, ty), o = sigmoid(to). For each object the anchor of nearest shape is
    responsible in the cell of its centre (1obj). A predictor that is responsible for nothing (1free) is background
    (1noobj) unless its box has IoU > ``ignore_threshold`` with some object. The halves are those of the author's
    program: its cross-entropy has no half, so the weights only mean what they mean there with them.

    Where objects share a predictor, box, objectness and weight are those of the last of them; so is the class with
    softmax, and without it the classes are those of all. The others are counted in ``num_dropped``.

    Args:
        num_classes: C. anchors: K of (w, h) in cells.
        lambda_coord, lambda_obj, lambda_noobj, lambda_cls: weights of the terms: 1, 5, 1, 1 in the author's
            configuration.
        lambda_prior: 0.01; the term "prior" draws predictors that are responsible for nothing to their anchor, centred
            in the cell.
        prior_pull: whether that term counts. The author's program has it for the first 12,800 images. This is an
            attribute to be switched (``loss.prior_pull = images_seen < 12_800``): the training loop knows what it
            has shown, and a counter in the loss would count validation, and explanations, too.
        ignore_threshold: 0.6. objectness_target: "iou" of the box with its object, or "one".
        match: "anchor", or "prediction": the shapes that the cell's predictors have now are compared with the object.
        class_term: "softmax", cross-entropy over the classes, or "sigmoid", binary cross-entropy of each.
        image_size: (height, width) of the pictures in pixels, where they are no multiple of ``stride``. stride: pixels
            of a cell, for ``image_size`` alone.
        class_weight: (C,) factors of the elements of the class term.
        reduction: "mean" over images, "sum", or "none" (one value an image).

    Shapes:
        raw: (B, K*(5+C), rows, cols) or (B, K, rows, cols, 5+C), or a list of that one map: tx, ty, tw, th, to,
        classes. Any floating dtype; computed in at least float32. Decoding: `AnchorCodec` in cells.

    Detached: assignment, T, and the IoU that spares predictors. Normaliser: the number of images, or
    ``normalizer``. The gradient of the sum by x, y, o, tw, th and the class logits is minus the ``delta`` of the
    author's program, whose printed cost, a sum of squared deltas, is another number.

    Deviations: centres on the right or bottom edge belong to the last cell; an object at x = 0 does not end the
    list. ``background`` and class trees of the author's program are left out. In ignored regions predictors that are
    responsible for nothing are no background; the term "prior" has them nevertheless.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    def __init__(
        self,
        *,
        num_classes: int = 20,
        anchors: Any = ANCHORS,
        lambda_coord: float = 1.0,
        lambda_obj: float = 5.0,
        lambda_noobj: float = 1.0,
        lambda_cls: float = 1.0,
        lambda_prior: float = 0.01,
        prior_pull: bool = False,
        ignore_threshold: float = 0.6,
        objectness_target: str = "iou",
        match: str = "anchor",
        class_term: str = "softmax",
        image_size: Any = None,
        stride: float = 32,
        class_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        self.lambda_coord, self.lambda_obj, self.lambda_noobj, self.lambda_cls, self.lambda_prior = numbers(
            lambda_coord=lambda_coord,
            lambda_obj=lambda_obj,
            lambda_noobj=lambda_noobj,
            lambda_cls=lambda_cls,
            lambda_prior=lambda_prior,
        )
        self._set_levels([anchor_list("anchors", anchors)], (1,), image_size, 1.0)
        self.stride = number("stride", stride, least=1)
        self.prior_pull, self.ignore_threshold = (
            switch("prior_pull", prior_pull),
            number("ignore_threshold", ignore_threshold),
        )
        self.objectness_target = choice("objectness_target", objectness_target, ("iou", "one"))
        self.compared = choice("match", match, ("anchor", "prediction"))
        self.class_term = choice("class_term", class_term, ("softmax", "sigmoid"))
        self.decoding = {"class_activation": class_term}
        self._finish(num_classes, class_weight, reduction, impl)

    def codec_for(self, raw: Maps) -> AnchorCodec:
        """The codec with the grid of ``raw``, in cells."""
        if isinstance(raw, (list, tuple)) and len(raw) != 1:
            raise ValueError(f"raw: expected one map; got {len(raw)}")
        return super().codec_for(raw)

    def _size_in_units(self) -> tuple[float, float] | None:
        return (
            None
            if self.image_size is None
            else (self.image_size[0] / self.stride, self.image_size[1] / self.stride)
        )

    def match(self, codec: AnchorCodec, raw: Maps, targets: Targets) -> Assignment:
        """1obj: one pair for each object, and how well the predicted box fits it now."""
        boxes = codec.boxes(raw)
        objects, truth, in_cells = objects_of(codec, targets, boxes)
        highest, _ = highest_iou(boxes, in_cells, targets.positive)
        cell, _ = codec.locate(truth.boxes)
        predictor = self._best_box(codec, boxes, in_cells, cell) * codec.levels.cells(0) + cell
        pairs = predictor, objects, targets.positive
        return assigned(
            boxes, in_cells, pairs, highest > self.ignore_threshold, targets.positive, last_wins=True
        )

    def _best_box(self, codec: AnchorCodec, boxes: Tensor, in_cells: Tensor, cell: Tensor) -> Tensor:
        """(B, M) which of the K predictors of an object's cell is responsible for it."""
        if self.compared == "anchor":
            return best_anchor(in_cells[..., 2:], self.anchors[0].to(in_cells.dtype))
        number = torch.arange(codec.levels.boxes_per_cell, device=cell.device)
        candidates = number * codec.levels.cells(0) + cell[..., None]
        sizes = take_rows(boxes, candidates.flatten(1))[..., 2:].view(*candidates.shape, 2)
        return shape_iou(in_cells[..., None, 2:], sizes).argmax(-1)

    def read(self, codec: AnchorCodec, raw: Maps, pairs: Pairs, *, whole: bool) -> tuple[Tensor, Any]:
        """As `AnchorLoss.read`, and tx, ty, tw, th of all predictors."""
        values, objectness = super().read(codec, raw, pairs, whole=whole)
        numbers = codec.numbers(raw)
        return values, (objectness, numbers if whole or self.prior_pull else numbers.detach())

    def formula(
        self, codec: AnchorCodec, pairs: Pairs, everywhere: tuple[Tensor, Tensor]
    ) -> tuple[Cost, ...]:
        """The six terms."""
        xy, wh, logit, classes = pairs.split(2, 2, 1, codec.num_classes)
        objectness, (txy, twh) = everywhere[0][..., None].sigmoid(), torch.split(everywhere[1], 2, -1)
        offset, size = codec.encode(pairs.boxes, pairs.predictor)
        obj = (pairs.weight * pairs.last())[..., None]
        coord = obj * (2 - pairs.boxes[..., 2:].prod(-1, keepdim=True)).to(obj.dtype)
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)
        wanted = pairs.iou[..., None] if self.objectness_target == "iou" else torch.ones_like(logit)
        softmaxed = self.class_term == "softmax"
        label = pairs.one_hot(codec.num_classes) if softmaxed else classes_of_slots(pairs, codec.num_classes)
        cross_entropy = softmax_cross_entropy if softmaxed else binary_cross_entropy_with_logits
        drawn = torch.cat((txy.sigmoid(), twh), -1)
        anchor = torch.cat((torch.full_like(txy, 0.5), torch.zeros_like(twh)), -1)
        zero, free, prior = (
            objectness.new_zeros(()),
            pairs.background()[..., None],
            ~pairs.positive()[..., None],
        )
        lambda_prior, half = self.lambda_prior if self.prior_pull else 0.0, half_squared_error
        return (
            pairs.cost("xy", self.lambda_coord, half, xy.sigmoid(), offset, coord, ("x", "y")),
            pairs.cost("wh", self.lambda_coord, half, wh, size, coord, ("log w", "log h")),
            pairs.cost("obj", self.lambda_obj, half, logit.sigmoid(), wanted, obj, ("confidence",)),
            everyone("noobj", self.lambda_noobj, half, objectness, zero, free, ("confidence",)),
            pairs.cost("cls", self.lambda_cls, cross_entropy, classes, label, cls),
            everyone("prior", lambda_prior, half, drawn, anchor, prior, ("x", "y", "log w", "log h")),
        )

    def _option(self, name: str, default: Any) -> Any:
        return self.compared if name == "match" else super()._option(name, default)
