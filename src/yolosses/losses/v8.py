"""YOLOv8 (Jocher et al. 2023), and with the same loss YOLOv9, YOLO11 and YOLOv12."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners import PointAssigner, TaskAligned
from yolosses.assigners.point import assign_points
from yolosses.codecs import Levels, PointCodec
from yolosses.codecs.point import PointOutput, PointRaw, grids_of_points, tensors_of
from yolosses.functional import BoxLoss, binary_cross_entropy_with_logits, ciou_loss, distribution_focal
from yolosses.functional.distribution import MARGIN
from yolosses.kernels import require_numba, require_triton
from yolosses.losses.dense import missing, pair_weight, predictor_weight, quality_of, spread
from yolosses.losses.fused_points import fused_sums
from yolosses.losses.pairs import pairs_of
from yolosses.losses.sparse_classes import SparseTargets, read_pairs_and_classes
from yolosses.structures import (
    Assignment,
    LossOutput,
    Predictions,
    Targets,
    Term,
    TermSum,
    require_targets,
)


class YOLOv8Loss(nn.Module):
    """The loss of YOLOv8, v9, 11 and v12: sums over the locations that answer for an object, weighted by the quality q
    of each pair, and over all locations for the classes::

        L = 1/S [ lambda_box * sum q (1 - CIoU)
                + lambda_cls * sum_i sum_c BCE(s_ic, q_i if c is the class of i's object else 0)
                + lambda_dfl * sum q mean over four sides of DFL ]        S = max(1, sum q)

    Who answers, and q, comes from task-aligned assignment (`assigners.TaskAligned`, TOOD eq. 4 and 5).

    Args:
        num_classes: C. bins: R numbers a side that the network emits; with 1 (YOLO26) they are the distances, and the
            third term is "l1", the mean absolute error of the four distances as fractions of the image.
        strides: of the levels in pixels, finest first.
        image_size: (height, width), only needed for outputs whose shape does not tell the grids.
        lambda_box, lambda_cls, lambda_dfl: weights of the terms (7.5, 0.5, 1.5); the last also of "l1".
        topk, alpha, beta: of the assigner. least_side: pixels that small objects are widened to when their candidates
            are looked for; None: the second stride (the reference since 8.4); 0: not at all (up to 8.3).
        assigner: another one in its place, for example `assigners.SimOTA()`; the four above then do nothing.
        box_loss: another function (pred, target) -> (...) of boxes cxcywh.
        label_smoothing: e; the class target t becomes t (1 - e) + e / C at locations that answer for an object.
        class_weight: (C,) factors of the columns of the class term.
        reduction: "mean" (divided by S), "sum", or "none" (one value an image).
        impl: "torch"; or "triton", kernels for a GPU, or "numba", loops for a CPU: assignment, boxes and sides,
            cross-entropies of the classes. Another ``assigner`` has a way of its own, another ``box_loss`` the torch
            way; Triton needs with float64 a given ``assignment``, or an ``assigner`` of the torch way.

    Shapes:
        raw: maps (B, 4R+C, rows, cols), one a level; or (boxes (B, 4R, A), scores (B, C, A)), or these under the names
        "boxes", "scores" (and "feats") as newer heads return them. Any floating dtype; computed in at least float32.

    Detached: assignment, q, S and CIoU's alpha. Normaliser: S, or ``normalizer``. The value is the sum of the items
    that the reference implementation logs; it trains on that times the number of images.

    Deviations: no epsilon in CIoU; an object whose locations all have alignment 0 takes none (there: arbitrary ones of
    weight 0); objects at the origin are not dropped; with fewer than ``topk`` locations an object takes what there is.
    Objects that no location answers for are counted in ``num_dropped``. In ignored regions, locations that answer for
    nothing are left alone. ``label_smoothing`` is not in the reference.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        *,
        num_classes: int = 80,
        bins: int = 16,
        strides: Sequence[float] = (8, 16, 32),
        image_size: tuple[int, int] | None = None,
        lambda_box: float = 7.5,
        lambda_cls: float = 0.5,
        lambda_dfl: float = 1.5,
        topk: int = 10,
        alpha: float = 0.5,
        beta: float = 6.0,
        least_side: float | None = None,
        assigner: PointAssigner | None = None,
        box_loss: BoxLoss = ciou_loss,
        label_smoothing: float = 0.0,
        class_weight: Tensor | None = None,
        reduction: str = "mean",
        impl: str = "torch",
    ) -> None:
        super().__init__()
        require_at_least("num_classes", num_classes, 1, kind=int)
        require_at_least("bins", bins, 1, kind=int)
        for name, value in {"box": lambda_box, "cls": lambda_cls, "dfl": lambda_dfl}.items():
            require_at_least(f"lambda_{name}", value, 0)
        require_at_least("label_smoothing", label_smoothing, 0)
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        require_choice("impl", impl, ("torch", "triton", "numba"))
        self.impl = impl
        self.num_classes, self.bins, self.strides = num_classes, bins, tuple(strides)
        self.image_size = image_size
        self.lambda_box, self.lambda_cls, self.lambda_dfl = lambda_box, lambda_cls, lambda_dfl
        if least_side is None:
            least_side = widened_to(strides)
        self.assigner = assigner or TaskAligned(
            topk=topk, alpha=alpha, beta=beta, least_side=least_side, impl=impl
        )
        self.box_loss, self.label_smoothing, self.reduction = box_loss, label_smoothing, reduction
        self.register_buffer("class_weight", class_weight, persistent=False)

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return 4 * self.bins + self.num_classes

    def codec_for(self, raw: PointRaw) -> PointCodec:
        """The codec with the grids of ``raw``."""
        tensors_of(
            raw, num_classes=self.num_classes, bins=self.bins
        )  # says first what is wrong with the form
        grids = grids_of_points(raw, self.strides, self.image_size)
        levels = Levels(grids=grids, strides=self.strides)
        return PointCodec(levels=levels, num_classes=self.num_classes, bins=self.bins)

    def forward(
        self,
        raw: PointRaw,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what; ``normalizer``: see
        `LossOutput.reduce`."""
        codec = self.codec_for(raw)
        if assignment is None:
            assignment = self._assign(codec, raw, targets)
        return self.reduce(self._terms(codec, raw, targets, assignment), assignment, normalizer)

    def assign(self, raw: PointRaw, targets: Targets) -> Assignment:
        """Which locations answer for which object, and how well."""
        return self._assign(self.codec_for(raw), raw, targets)

    @torch.no_grad()
    def _assign(self, codec: PointCodec, raw: PointRaw, targets: Targets) -> Assignment:
        output = codec.split(raw)
        require_targets(targets, images=len(output.scores[0]), device=output.scores[0].device)
        return assign_points(
            self.assigner, levels=codec.levels, boxes=self._decoded(codec, output, targets),
            scores=codec.class_scores(output), targets=targets,
        )  # fmt: skip

    def _decoded(self, codec: PointCodec, output: PointOutput, targets: Targets) -> Tensor:
        """(B, A, 4) the boxes of all locations; those that no object can take may be left out."""
        assigner, like = self.assigner, output.distances[0]
        if not isinstance(assigner, TaskAligned) or assigner.impl == "torch" or like.dtype == torch.float64:
            return codec.boxes(output)
        if assigner.impl == "triton":
            require_triton(like)
            from yolosses.kernels.triton import point_decode

            return point_decode.decode_boxes(
                output.distances, grids=codec.grids, strides=codec.levels.strides, bins=self.bins
            )
        require_numba(like)
        if like.dtype != torch.float32:
            return codec.boxes(output)
        from yolosses.kernels.numba.point_decode import decode_boxes

        return decode_boxes(
            output.distances, codec.in_pixels(targets.boxes), targets.positive, grids=codec.grids,
            strides=codec.levels.strides, bins=self.bins, least_side=assigner.least_side,
        )  # fmt: skip

    def terms(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> tuple[Term | TermSum, ...]:
        """The three terms, that of the classes already summed: the same as `elementwise`, with fewer passes over
        memory."""
        return self._terms(self.codec_for(raw), raw, targets, assignment)

    def _terms(
        self, codec: PointCodec, raw: PointRaw, targets: Targets, assignment: Assignment
    ) -> tuple[Term | TermSum, ...]:
        if self.impl != "torch" and self.box_loss is ciou_loss:
            return self._terms_by_kernels(codec, raw, targets, assignment)
        truth, quality, of_pair = self._at_pairs(codec, raw, targets, assignment)
        parts = tensors_of(raw, num_classes=self.num_classes, bins=self.bins)
        weight_of = None
        if truth.weight is not None or assignment.spared is not None:
            weight_of = predictor_weight(assignment, of_pair, codec.levels.num_predictors)
        counts = codec.levels.counts if parts[0].ndim == 4 else (codec.levels.num_predictors,)
        pairs, pick = pairs_of(assignment, counts)
        boxes, label, quality, of_pair, object = (
            pick(values) for values in (truth.boxes, truth.labels, quality, of_pair, assignment.object)
        )
        sparse = self._sparse_targets(label, quality, of_pair, weight_of)
        numbers, sums = read_pairs_and_classes(parts, 4 * self.bins, pairs, sparse)
        numbers, weight = numbers.reshape(*numbers.shape[:-1], 4, self.bins), quality * of_pair
        terms = self._boxes(codec, numbers, boxes, pairs.predictor, object, weight)
        box, sides = (TermSum.of(term, pairs.image, len(parts[0])) for term in terms)
        return box, TermSum(name="cls", scale=self.lambda_cls, sums=sums[:, None]), sides

    def _terms_by_kernels(
        self, codec: PointCodec, raw: PointRaw, targets: Targets, assignment: Assignment
    ) -> tuple[TermSum, ...]:
        """The same, of all three in one."""
        parts = tensors_of(raw, num_classes=self.num_classes, bins=self.bins)
        require_targets(targets, images=len(parts[0]), device=parts[0].device)
        location_weight = None
        if targets.weight is not None or assignment.spared is not None:
            truth = targets.at(assignment.object, assignment.mask)
            of_pair = pair_weight(assignment, truth, torch.promote_types(parts[0].dtype, torch.float32))
            location_weight = predictor_weight(assignment, of_pair, codec.levels.num_predictors)
        sums = fused_sums(
            self.impl,
            parts,
            codec,
            targets,
            assignment,
            location_weight,
            self.class_weight,
            self.label_smoothing,
        )
        names = ("box", "cls", "dfl" if self.bins > 1 else "l1")
        return TermSum.columns(names, (self.lambda_box, self.lambda_cls, self.lambda_dfl), sums)

    def elementwise(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The three terms before any sum."""
        codec = self.codec_for(raw)
        truth, quality, of_pair = self._at_pairs(codec, raw, targets, assignment)
        output = codec.split(raw)
        numbers = codec.at(output, assignment.predictor)
        box, sides = self._boxes(
            codec, numbers, truth.boxes, assignment.predictor, assignment.object, quality * of_pair
        )
        return box, self._classes(output.joined_scores().mT, truth, assignment, quality, of_pair), sides

    def _at_pairs(
        self, codec: PointCodec, raw: PointRaw, targets: Targets, assignment: Assignment
    ) -> tuple[Targets, Tensor, Tensor]:
        """Of the pairs the objects, the qualities and the weights."""
        scores = codec.split(raw).scores[0]
        require_targets(targets, images=len(scores), device=scores.device)
        truth = targets.at(assignment.object, assignment.mask)
        dtype = torch.promote_types(scores.dtype, torch.float32)
        return truth, quality_of(assignment).to(dtype), pair_weight(assignment, truth, dtype)

    def _boxes(
        self,
        codec: PointCodec,
        numbers: Tensor,
        boxes: Tensor,
        predictor: Tensor,
        object: Tensor,
        weight: Tensor,
    ) -> tuple[Term, Term]:
        """The terms of the boxes and of their sides, of the numbers (..., 4, R) at the pairs (...)."""
        weight = weight[..., None]
        sides = codec.sides(numbers)
        points, strides = _points_and_strides(codec, predictor, sides)
        boxes = codec.in_pixels(boxes).to(sides.dtype)
        wanted = codec.encode(boxes, points, strides)
        fit = 1 - self.box_loss(codec.decode(sides, points, strides), boxes)[..., None]
        pairs: dict[str, Any] = {"predictor": predictor, "object": object}
        box = Term.compare(
            "box", self.lambda_box, missing, fit, torch.ones_like(fit), weight, elements=("iou",), **pairs
        )
        return box, self._sides(codec, numbers, sides, wanted, strides, weight, pairs)

    def _sparse_targets(
        self, label: Tensor, quality: Tensor, of_pair: Tensor, location_weight: Tensor | None
    ) -> SparseTargets:
        """What `_classes` writes into a table."""
        e = self.label_smoothing
        known = (label >= 0) & (label < self.num_classes)
        label = torch.where(known, label, 0)
        at_label = torch.where(known, of_pair * quality * (1 - e), 0)
        weight = None if self.class_weight is None else self.class_weight.to(of_pair.dtype)
        return SparseTargets(
            label=label,
            at_label=at_label if weight is None else at_label * weight[label],
            at_all=of_pair * (e / self.num_classes) if e else None,
            location_weight=location_weight,
            class_weight=weight,
        )  # fmt: skip

    def _classes(
        self, logits: Tensor, truth: Targets, assignment: Assignment, quality: Tensor, of_pair: Tensor
    ) -> Term:
        """Over all locations and classes: the quality where a location answers for an object of the class, else 0."""
        locations, classes = logits.shape[1:]
        predictor, label = assignment.predictor, truth.labels
        known = assignment.mask & (label >= 0) & (label < classes)
        target = spread(quality, predictor * classes + label, known, locations * classes)
        target = target.view(-1, locations, classes)
        if self.label_smoothing:
            answers = spread(torch.ones_like(quality), predictor, assignment.mask, locations)[..., None]
            share = self.label_smoothing * answers
            target = target * (1 - share) + share / classes
        weight = predictor_weight(assignment, of_pair, locations)[..., None]
        if self.class_weight is not None:
            weight = weight * self.class_weight.to(weight.dtype)
        return Term.compare(
            "cls", self.lambda_cls, binary_cross_entropy_with_logits, logits, target, weight,
            activation=torch.sigmoid,
        )  # fmt: skip

    def _sides(
        self,
        codec: PointCodec,
        numbers: Tensor,
        sides: Tensor,
        wanted: Tensor,
        strides: Tensor,
        weight: Tensor,
        pairs: dict[str, Any],
    ) -> Term:
        elements = ("left", "top", "right", "bottom")
        # Apart from the sides that the box is made of, so that the gradient of each term can be told from the other's.
        pred = sides.clone()
        if self.bins > 1:
            wanted = wanted.clamp(0, self.bins - 1 - MARGIN)
            return Term(
                name="dfl", scale=self.lambda_dfl, penalty=distribution_focal(numbers, wanted) / 4,
                weight=weight, pred=pred, target=wanted, elements=elements, **pairs,
            )  # fmt: skip
        return Term(
            name="l1", scale=self.lambda_dfl, penalty=((pred - wanted) * _of_image(codec, strides)).abs() / 4,
            weight=weight, pred=pred, target=wanted, elements=elements, **pairs,
        )  # fmt: skip

    def reduce(
        self,
        terms: Sequence[Term | TermSum],
        assignment: Assignment,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The sums of ``terms``, divided by S or ``normalizer``, see `LossOutput.reduce`."""
        return LossOutput.reduce(
            terms, assignment, reduction=self.reduction, normalizer=normalizer, own=total_quality(assignment)
        )

    def decode(self, raw: PointRaw) -> Predictions:
        """The boxes and scores that ``raw`` means."""
        return self.codec_for(raw).predictions(raw)

    def extra_repr(self) -> str:
        return (
            f"num_classes={self.num_classes}, bins={self.bins}, strides={self.strides}, "
            f"lambda_box={self.lambda_box:g}, lambda_cls={self.lambda_cls:g}, lambda_dfl={self.lambda_dfl:g}, "
            f"assigner={self.assigner}, reduction={self.reduction!r}"
        )


def _points_and_strides(codec: PointCodec, predictor: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """(..., 2) and (...), in pixels, of predictors (...)."""
    return codec.levels.points(like)[predictor], codec.levels.stride_of(like)[predictor]


def _of_image(codec: PointCodec, strides: Tensor) -> Tensor:
    """(..., 4) what a stride is of the image, in the direction of each side."""
    height, width = codec.levels.image_size
    return torch.stack([strides / side for side in (width, height, width, height)], -1)


def widened_to(strides: Sequence[float]) -> float:
    """Pixels of a side that small objects are widened to when their candidates are looked for: the second stride."""
    return strides[min(1, len(strides) - 1)]


def total_quality(assignment: Assignment) -> Tensor:
    """S: the sum of the qualities of all pairs of the batch, at least 1."""
    return quality_of(assignment).sum().clamp(min=1)
