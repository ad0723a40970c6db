"""YOLO9000: Better, Faster, Stronger (YOLOv2). Redmon and Farhadi, CVPR 2017; with what the paper leaves open as
the author's program does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners.best_anchor import best_anchor, highest_iou, last_of_each, shape_iou
from yolosses.assigners.pairs import unanswered
from yolosses.boxes import paired_iou
from yolosses.codecs import AnchorCodec, Levels
from yolosses.codecs.anchor import Maps, grids_of, maps_of
from yolosses.codecs.cells import locate
from yolosses.functional import binary_cross_entropy_with_logits, softmax, softmax_cross_entropy
from yolosses.losses.darknet import Slots, half_squared_error
from yolosses.structures import Assignment, LossOutput, Predictions, Targets, Term, require_targets

ANCHORS = ((1.3221, 1.73145), (3.19275, 4.00944), (5.05587, 8.09892), (9.47112, 4.84053), (11.2364, 10.0071))
"""Of VOC, in cells of 32 pixels."""


class YOLOv2Loss(nn.Module):
    """The loss of YOLOv2, over one map of cells with K anchors each; o is the objectness and T its target::

        L = lambda_coord * sum 1obj (2 - w h) [(x - x^)^2 + (y - y^)^2] / 2                             "xy"
          + lambda_coord * sum 1obj (2 - w h) [(tw - log(w / a_w))^2 + (th - log(h / a_h))^2] / 2       "wh"
          + lambda_obj   * sum 1obj (o - T)^2 / 2                                                      "obj"
          + lambda_noobj * sum 1noobj o^2 / 2                                                          "noobj"
          + lambda_cls   * sum 1obj CE(classes)                                                        "cls"
          + lambda_prior * sum 1free [(x - 0.5)^2 + (y - 0.5)^2 + tw^2 + th^2] / 2                      "prior"

    x, y = sigmoid(tx, ty), o = sigmoid(to). For each object the anchor of nearest shape answers in the cell of its
    centre (1obj). A predictor that answers for nothing (1free) is background (1noobj) unless its box has IoU >
    ``ignore_threshold`` with some object. The halves are those of the author's program: its cross-entropy has no
    half, so the weights only mean what they mean there with them.

    Where objects share a predictor, box, objectness and weight are those of the last of them; so is the class with
    softmax, and without it the classes are those of all. The others are counted in ``num_dropped``.

    Args:
        num_classes: C. anchors: K of (w, h) in cells.
        lambda_coord, lambda_obj, lambda_noobj, lambda_cls: weights of the terms: 1, 5, 1, 1 in the author's
            configuration.
        lambda_prior: 0.01; the term "prior" draws predictors that answer for nothing to their anchor, centred in
            the cell.
        prior_pull: whether that term counts. The author's program has it for the first 12,800 images. This is an
            attribute to be switched (``loss.prior_pull = images_seen < 12_800``): the training loop knows what it
            has shown, and a counter in the loss would count validation, and explanations, too.
        ignore_threshold: 0.6. objectness_target: "iou" of the box with its object, or "one".
        match: "anchor", or "prediction": the shapes that the cell's predictors have now are compared with the object.
        class_term: "softmax", cross-entropy over the classes, or "sigmoid", binary cross-entropy of each.
        class_weight: (C,) factors of the elements of the class term.
        reduction: "mean" over images, "sum", or "none" (one value an image).

    Shapes:
        raw: (B, K*(5+C), rows, cols) or (B, K, rows, cols, 5+C), or a list of that one map: tx, ty, tw, th, to,
        classes. Any floating dtype; computed in at least float32. Decoding: `AnchorCodec` in cells.

    Detached: assignment, T, and the IoU that spares predictors. Normaliser: the number of images, or
    ``normalizer``. The gradient of the sum by x, y, o, tw, th and the class logits is minus the ``delta`` of the
    author's program, whose printed cost, a sum of squared deltas, is another number.

    Deviations: centres on the right or bottom edge belong to the last cell; an object at x = 0 does not end the
    list. ``background`` and class trees of the author's program are left out. In ignored regions predictors that
    answer for nothing are no background; the term "prior" has them nevertheless.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    anchors: Tensor
    class_weight: Tensor | None

    def __init__(
        self,
        *,
        num_classes: int = 20,
        anchors: Sequence[Sequence[float]] = ANCHORS,
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
        class_weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        require_at_least("num_classes", num_classes, 1, kind=int)
        lambdas = {"coord": lambda_coord, "obj": lambda_obj, "noobj": lambda_noobj, "cls": lambda_cls}
        for name, value in {**lambdas, "prior": lambda_prior}.items():
            require_at_least(f"lambda_{name}", value, 0)
        require_at_least("ignore_threshold", ignore_threshold, 0)
        require_choice("objectness_target", objectness_target, ("iou", "one"))
        require_choice("match", match, ("anchor", "prediction"))
        require_choice("class_term", class_term, ("softmax", "sigmoid"))
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        if not anchors or any(len(anchor) != 2 or min(anchor) <= 0 for anchor in anchors):
            raise ValueError(f"anchors: expected (w, h) in cells, above 0; got {anchors!r}")
        table = torch.tensor([list(map(tuple, anchors))], dtype=torch.float32)
        self.register_buffer("anchors", table, persistent=False)
        self.register_buffer("class_weight", class_weight, persistent=False)
        self.num_classes = num_classes
        self.lambda_coord, self.lambda_obj = lambda_coord, lambda_obj
        self.lambda_noobj, self.lambda_cls = lambda_noobj, lambda_cls
        self.lambda_prior, self.prior_pull = lambda_prior, prior_pull
        self.ignore_threshold, self.objectness_target = ignore_threshold, objectness_target
        self.match, self.class_term, self.reduction = match, class_term, reduction

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return int(self.anchors.shape[1]) * (5 + self.num_classes)

    def codec_for(self, raw: Maps) -> AnchorCodec:
        """The codec with the grid of ``raw``, in cells."""
        k = self.anchors.shape[1]
        maps = maps_of(raw, boxes_per_cell=k, num_classes=self.num_classes)
        if len(maps) != 1:
            raise ValueError(f"raw: expected one map; got {len(maps)}")
        levels = Levels(grids=grids_of(maps), strides=(1.0,), boxes_per_cell=k)
        return AnchorCodec(
            levels=levels, anchors=self.anchors, num_classes=self.num_classes, scale_xy=(1.0,),
            class_activation=self.class_term,
        )  # fmt: skip

    def forward(
        self,
        raw: Maps,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what, T, and who is spared;
        ``normalizer``: see `LossOutput.reduce`."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.elementwise(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: Maps, targets: Targets) -> Assignment:
        """One pair for each object, and how well the predicted box fits it now."""
        codec = self.codec_for(raw)
        boxes = codec.boxes(raw)
        require_targets(targets, images=len(boxes), device=boxes.device)
        everyone = torch.arange(targets.mask.shape[1], device=boxes.device).expand_as(targets.labels)
        truth = targets.at(everyone, targets.positive)  # padding may hold any numbers
        in_cells = codec.in_pixels(truth.boxes).to(boxes.dtype)
        highest, _ = highest_iou(boxes, in_cells, targets.positive)
        cell, _ = locate(truth.boxes, codec.grids[0])
        box = self._best_box(codec, boxes, in_cells, cell)
        rows, cols = codec.grids[0]
        predictor = torch.where(targets.positive, box * rows * cols + cell, 0)
        last = last_of_each(predictor, targets.positive, num_predictors=boxes.shape[1])
        pred = boxes.take_along_dim(predictor[..., None], 1)
        spared = highest > self.ignore_threshold
        if targets.ignore is not None:
            spared = spared | codec.levels.within(targets.boxes, targets.mask & targets.ignore)
        return Assignment(
            predictor=predictor,
            object=torch.where(targets.positive, everyone, 0),
            mask=targets.positive,
            iou=torch.where(targets.positive, paired_iou(pred, in_cells), 0),
            num_dropped=unanswered(everyone, last, targets.positive),
            spared=spared,
        )

    def _best_box(self, codec: AnchorCodec, boxes: Tensor, in_cells: Tensor, cell: Tensor) -> Tensor:
        """(B, M) which of the K predictors of an object's cell answers for it."""
        if self.match == "anchor":
            return best_anchor(in_cells[..., 2:], self.anchors[0].to(in_cells.dtype))
        k = codec.levels.boxes_per_cell
        rows, cols = codec.grids[0]
        candidates = torch.arange(k, device=cell.device) * rows * cols + cell[..., None]
        sizes = boxes[..., 2:].take_along_dim(candidates.flatten(1)[..., None], 1).view(*candidates.shape, 2)
        return shape_iou(in_cells[..., None, 2:], sizes).argmax(-1)

    def elementwise(self, raw: Maps, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The six terms before any sum."""
        codec = self.codec_for(raw)
        logits = codec.objectness(raw)[..., None]
        require_targets(targets, images=len(logits), device=logits.device)
        slots = Slots.of(assignment, targets, logits.shape[1], self.num_classes)
        predictor, truth = assignment.predictor, slots.truth
        values = codec.at(raw, predictor)
        offset, size = codec.encode(truth.boxes, predictor)
        obj = slots.weight[..., None].to(values.dtype)
        coord = obj * (2 - truth.boxes[..., 2:].prod(-1, keepdim=True)).to(values.dtype)
        free = assignment.background(logits.shape[1])[..., None].to(values.dtype)
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)
        wanted = assignment.iou[..., None].to(values.dtype)
        wanted = wanted if self.objectness_target == "iou" else torch.ones_like(wanted)
        of_label = truth.labels[..., None] == torch.arange(self.num_classes, device=values.device)
        softmaxed = self.class_term == "softmax"
        every = logits.sigmoid()
        pairs: dict[str, Any] = {"predictor": predictor, "object": assignment.object}
        return (
            Term.compare(
                "xy", self.lambda_coord, half_squared_error, values[..., :2].sigmoid(), offset, coord,
                elements=("x", "y"), **pairs,
            ),
            Term.compare(
                "wh", self.lambda_coord, half_squared_error, values[..., 2:4], size, coord,
                elements=("log w", "log h"), **pairs,
            ),
            Term.compare(
                "obj", self.lambda_obj, half_squared_error, values[..., 4:5].sigmoid(), wanted, obj,
                elements=("confidence",), **pairs,
            ),
            Term.compare(
                "noobj", self.lambda_noobj, half_squared_error, every, torch.zeros_like(every), free,
                elements=("confidence",),
            ),
            Term.compare(
                "cls", self.lambda_cls, softmax_cross_entropy if softmaxed else binary_cross_entropy_with_logits,
                values[..., 5:], of_label if softmaxed else slots.classes, cls,
                activation=softmax if softmaxed else torch.sigmoid, **pairs,
            ),
            self._prior(codec, raw, assignment),
        )  # fmt: skip

    def _prior(self, codec: AnchorCodec, raw: Maps, assignment: Assignment) -> Term:
        """All predictors but those that answer, drawn to their anchors; spared ones too."""
        values = codec.numbers(raw)
        centres = values[..., :2].sigmoid()
        pred = torch.cat((centres, values[..., 2:]), -1)
        target = torch.cat((torch.full_like(centres, 0.5), torch.zeros_like(centres)), -1)
        images, count = values.shape[:2]
        place = torch.where(assignment.mask, assignment.predictor, count)
        free = assignment.mask.new_ones(images, count + 1).scatter(1, place, False)[:, :count, None]
        return Term.compare(
            "prior", self.lambda_prior if self.prior_pull else 0.0, half_squared_error, pred, target,
            free.to(pred.dtype), elements=("x", "y", "log w", "log h"),
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
            f"num_classes={self.num_classes}, anchors={self.anchors.shape[1]}, lambda_coord={self.lambda_coord:g}, "
            f"lambda_noobj={self.lambda_noobj:g}, lambda_obj={self.lambda_obj:g}, lambda_cls={self.lambda_cls:g}, "
            f"prior_pull={self.prior_pull}, ignore_threshold={self.ignore_threshold:g}, reduction={self.reduction!r}"
        )
