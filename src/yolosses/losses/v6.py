"""YOLOv6: A Single-Stage Object Detection Framework for Industrial Applications. Li et al., arXiv 2209.02976, and
v3.0, arXiv 2301.05586."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners import PointAssigner, TaskAligned
from yolosses.assigners.point import assign_points
from yolosses.boxes import paired_iou
from yolosses.codecs import Levels, YOLOv6Codec
from yolosses.codecs.point import PointRaw, grids_of_points, tensors_of
from yolosses.codecs.v6 import channels_first
from yolosses.functional import BoxLoss, distribution_focal, siou_loss, varifocal
from yolosses.functional.distribution import MARGIN
from yolosses.losses.dense import missing, pair_weight, predictor_weight, quality_of, spread
from yolosses.structures import Assignment, LossOutput, Predictions, Targets, Term, require_targets


class YOLOv6Loss(nn.Module):
    """The loss of YOLOv6: sums over the locations that answer for an object, weighted by the quality q of each pair,
    and over all locations for the classes::

        L = 1/S [ lambda_box * sum q (1 - SIoU)                                                        "box"
                + lambda_cls * sum_i sum_c VFL(s_ic, q_i if c is the class of i's object else 0)       "cls"
                + lambda_dfl * sum q mean over four sides of DFL ]                                     "dfl"

    with S = max(1, sum q). VFL (Zhang et al. 2021, eq. 2) is the binary cross-entropy times q where c is the class of
    i's object, and times 0.75 sigmoid(s)^2 elsewhere; gradient flows through that weight. Who answers, and q, comes
    from task-aligned assignment (`assigners.TaskAligned`) with IoU. The first epochs of the authors' training, which
    assign by ATSS, are not covered.

    Args:
        num_classes: C. bins: R numbers a side that the network emits. 1 (YOLOv6-N and S): they are the distances, and
            there is no third term. 17 (M and L): a distribution over 0 to 16.
        strides: of the levels in pixels, finest first.
        image_size: (height, width), only needed for outputs whose shape does not tell the grids.
        lambda_box, lambda_cls, lambda_dfl: weights of the terms (2.5, 1, 0.5).
        topk, alpha, beta: of the assigner.
        assigner: another one in its place, for example `assigners.SimOTA()`.
        box_loss: another function (pred, target) -> (...) of boxes cxcywh; M and L have `functional.giou_loss`.
        activated: the scores of ``raw`` are probabilities, as the authors' heads emit them, not logits.
        class_weight: (C,) factors of the columns of the class term.
        reduction: "mean" (divided by S), "sum", or "none" (one value an image).

    Shapes:
        raw: maps (B, 4R+C, rows, cols), one a level; or (scores (B, A, C), distances (B, A, 4R)); or (feats, scores,
        distances) as the authors' heads emit, with a map of each level in feats. Distances are left, top, right,
        bottom in strides. Any floating dtype; computed in at least float32.

    Detached: assignment, q and S. Normaliser: S, or ``normalizer``.

    Deviations from the authors' program: no epsilon in the box losses, which are finite for boxes without area;
    float32 where that program goes over to float64; an object takes no location of alignment 0; objects at the origin
    count. Objects that no location answers for are counted in ``num_dropped``. In ignored regions, locations that
    answer for nothing are left alone. Labels outside 0..C-1 are an error of `Targets.validate`.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        *,
        num_classes: int = 80,
        bins: int = 1,
        strides: Sequence[float] = (8, 16, 32),
        image_size: tuple[int, int] | None = None,
        lambda_box: float = 2.5,
        lambda_cls: float = 1.0,
        lambda_dfl: float = 0.5,
        topk: int = 13,
        alpha: float = 1.0,
        beta: float = 6.0,
        assigner: PointAssigner | None = None,
        box_loss: BoxLoss = siou_loss,
        activated: bool = False,
        class_weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        require_at_least("num_classes", num_classes, 1, kind=int)
        require_at_least("bins", bins, 1, kind=int)
        for name, value in {"box": lambda_box, "cls": lambda_cls, "dfl": lambda_dfl}.items():
            require_at_least(f"lambda_{name}", value, 0)
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        self.num_classes, self.bins, self.strides = num_classes, bins, tuple(strides)
        self.image_size, self.activated = image_size, activated
        self.lambda_box, self.lambda_cls, self.lambda_dfl = lambda_box, lambda_cls, lambda_dfl
        self.assigner = assigner or TaskAligned(
            topk=topk, alpha=alpha, beta=beta, overlap=paired_iou, contested="all"
        )
        self.box_loss, self.reduction = box_loss, reduction
        self.register_buffer("class_weight", class_weight, persistent=False)

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return 4 * self.bins + self.num_classes

    def codec_for(self, raw: PointRaw) -> YOLOv6Codec:
        """The codec with the grids of ``raw``."""
        form: dict[str, Any] = {"num_classes": self.num_classes, "bins": self.bins}
        parts = channels_first(raw, **form)
        tensors_of(parts, **form)  # says first what is wrong with the form
        levels = Levels(grids=grids_of_points(parts, self.strides, self.image_size), strides=self.strides)
        return YOLOv6Codec(levels=levels, activated=self.activated, **form)

    def forward(
        self,
        raw: PointRaw,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what; ``normalizer``: see
        `LossOutput.reduce`."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.elementwise(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: PointRaw, targets: Targets) -> Assignment:
        """Which locations answer for which object, and how well."""
        codec = self.codec_for(raw)
        output = codec.split(raw)
        require_targets(targets, images=len(output.scores[0]), device=output.scores[0].device)
        return assign_points(
            self.assigner, levels=codec.levels, boxes=codec.boxes(output), scores=codec.class_scores(output),
            targets=targets,
        )  # fmt: skip

    def elementwise(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The terms before any sum."""
        codec = self.codec_for(raw)
        output = codec.split(raw)
        require_targets(targets, images=len(output.scores[0]), device=output.scores[0].device)
        predictor, truth = assignment.predictor, targets.at(assignment.object, assignment.mask)
        numbers = codec.at(output, predictor)
        sides = codec.sides(numbers)
        points, strides = codec.levels.points(sides)[predictor], codec.levels.stride_of(sides)[predictor]
        boxes = codec.in_pixels(truth.boxes).to(sides.dtype)

        weight = pair_weight(assignment, truth, sides.dtype)
        quality = quality_of(assignment).to(sides.dtype)
        fitting = (weight * quality)[..., None]
        fit = 1 - self.box_loss(codec.decode(sides, points, strides), boxes)[..., None]
        pairs: dict[str, Any] = {"predictor": predictor, "object": assignment.object}
        box = Term.compare(
            "box", self.lambda_box, missing, fit, torch.ones_like(fit), fitting, elements=("iou",), **pairs
        )
        classes = self._classes(output.joined_scores().mT, truth.labels, assignment, quality, weight)
        if self.bins == 1:
            return box, classes
        wanted = codec.encode(boxes, points, strides).clamp(0, self.bins - 1 - MARGIN)
        dfl = Term(
            name="dfl", scale=self.lambda_dfl, penalty=distribution_focal(numbers, wanted) / 4, weight=fitting,
            pred=sides.clone(), target=wanted, elements=("left", "top", "right", "bottom"), **pairs,
        )  # fmt: skip
        return box, classes, dfl

    def _classes(
        self, logits: Tensor, labels: Tensor, assignment: Assignment, quality: Tensor, weight: Tensor
    ) -> Term:
        """The varifocal term of all locations, of ``labels``, ``quality`` and ``weight`` (B, P) of the pairs."""
        locations, classes = logits.shape[1:]
        known = assignment.mask & (labels >= 0) & (labels < classes)
        place, size = assignment.predictor * classes + labels, locations * classes
        target = spread(quality, place, known, size).view_as(logits)
        label = spread(torch.ones_like(quality), place, known, size).view_as(logits)
        everyone = predictor_weight(assignment, weight, locations)[..., None]
        if self.class_weight is not None:
            everyone = everyone * self.class_weight.to(logits.dtype)
        return Term(
            name="cls", scale=self.lambda_cls, penalty=varifocal(logits, target, label), weight=everyone, pred=logits,
            target=target, predictor=torch.arange(locations, device=logits.device).expand(logits.shape[:2]),
            object=None, activation=torch.sigmoid,
        )  # fmt: skip

    def reduce(
        self, terms: Sequence[Term], assignment: Assignment, normalizer: Tensor | float | None = None
    ) -> LossOutput:
        """The sums of ``terms``, divided by S or ``normalizer``, see `LossOutput.reduce`."""
        total_quality = quality_of(assignment).sum().clamp(min=1)
        return LossOutput.reduce(
            terms, assignment, reduction=self.reduction, normalizer=normalizer, own=total_quality
        )

    def decode(self, raw: PointRaw) -> Predictions:
        """The boxes and scores that ``raw`` means."""
        return self.codec_for(raw).predictions(raw)

    def extra_repr(self) -> str:
        return (
            f"num_classes={self.num_classes}, bins={self.bins}, strides={self.strides}, "
            f"lambda_box={self.lambda_box:g}, lambda_cls={self.lambda_cls:g}, lambda_dfl={self.lambda_dfl:g}, "
            f"assigner={self.assigner}, activated={self.activated}, reduction={self.reduction!r}"
        )
