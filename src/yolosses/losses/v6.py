"""YOLOv6: A Single-Stage Object Detection Framework for Industrial Applications. Li et al., arXiv 2209.02976, and
v3.0, arXiv 2301.05586."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import functions, integer, numbers, switch
from yolosses.assigners import PointAssigner, TaskAligned
from yolosses.boxes import paired_iou
from yolosses.codecs import YOLOv6Codec
from yolosses.codecs.point import PointRaw, tensors_of
from yolosses.codecs.v6 import channels_first
from yolosses.functional import BoxLoss, siou_loss, varifocal
from yolosses.losses.pairs import Pairs
from yolosses.losses.point_loss import PointLoss
from yolosses.losses.point_terms import WholeLogits, box_and_sides, total_quality, with_unreachable
from yolosses.structures import Assignment, Cost, Targets


class YOLOv6Loss(PointLoss):
    """The loss of YOLOv6: sums over the locations that are responsible for an object, weighted by the quality q of
    each pair, and over all locations for the classes::

        L = 1/S [ lambda_box * sum q (1 - SIoU)                                                        "box"
                + lambda_cls * sum_i sum_c VFL(s_ic, q_i if c is the class of i's object else 0)       "cls"
                + lambda_dfl * sum q mean over four sides of DFL ]                                     "dfl"

    with S = max(1, sum q). VFL (Zhang et al. 2021, eq. 2) is the binary cross-entropy times q where c is the class of
    i's object, and times 0.75 sigmoid(s)^2 elsewhere; gradient flows through that weight. Who is responsible, and q,
    comes from task-aligned assignment (`assigners.TaskAligned`) with IoU. The first epochs of the authors' training,
    which assign by ATSS, are not covered.

    Args:
        num_classes: C. bins: R numbers a side that the network emits. 1 (YOLOv6-N and S): they are the distances, and
            there is no third term. 17 (M and L): a distribution over 0 to 16.
        strides: of the levels in pixels, finest first.
        image_size: (height, width) of the pictures in pixels, where the strides do not divide them, and for outputs
            whose shape does not tell the grids.
        lambda_box, lambda_cls, lambda_dfl: weights of the terms (2.5, 1, 0.5).
        topk, alpha, beta: of the assigner.
        assigner: overrides the default one, for example `assigners.SimOTA()`; the three above are then ignored.
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
    count. Objects that no location is responsible for are counted in ``num_dropped``. In ignored regions, locations
    that are responsible for nothing are left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    lists = False  # the varifocal weight needs a table of all targets

    def __init__(
        self,
        *,
        num_classes: int = 80,
        bins: int = 1,
        strides: Any = (8, 16, 32),
        image_size: Any = None,
        lambda_box: float = 2.5,
        lambda_cls: float = 1.0,
        lambda_dfl: float = 0.5,
        topk: int = 13,
        alpha: float = 1.0,
        beta: float = 6.0,
        assigner: PointAssigner | None = None,
        box_loss: BoxLoss = siou_loss,
        activated: bool = False,
        class_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        self.lambda_box, self.lambda_cls, self.lambda_dfl = numbers(
            lambda_box=lambda_box, lambda_cls=lambda_cls, lambda_dfl=lambda_dfl
        )
        self._set_levels(strides, image_size)
        self.bins, self.activated = integer("bins", bins), switch("activated", activated)
        assigner = assigner or TaskAligned(
            topk=topk, alpha=alpha, beta=beta, overlap=paired_iou, contested="all"
        )
        self.assigner, self.box_loss = functions(assigner=assigner, box_loss=box_loss)
        self._finish(num_classes, class_weight, reduction, impl)

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return 4 * self.bins + self.num_classes

    def codec_for(self, raw: PointRaw) -> YOLOv6Codec:
        """The codec with the grids of ``raw``."""
        form: dict[str, Any] = {"num_classes": self.num_classes, "bins": self.bins}
        parts = channels_first(raw, **form)
        tensors_of(parts, **form)  # says first what is wrong with the form
        return YOLOv6Codec(levels=self.levels_of(parts), activated=self.activated, **form)

    def read(
        self, codec: YOLOv6Codec, raw: PointRaw, pairs: Pairs, *, whole: bool
    ) -> tuple[Tensor, WholeLogits]:
        """Of the pairs the numbers that measure the sides; of all locations the class logits."""
        output = codec.split(raw)
        logits = WholeLogits(output.joined_scores().mT, self.class_weight)
        return codec.at(output, pairs.predictor).flatten(-2), logits

    def formula(self, codec: YOLOv6Codec, pairs: Pairs, classes: WholeLogits) -> tuple[Cost, ...]:
        """The three terms, without the last with one bin."""
        box, dfl = box_and_sides(codec, pairs, self.box_loss, self.lambda_box, self.lambda_dfl)
        cls = self._varifocal(codec, pairs, classes)
        return (box, cls) if self.bins == 1 else (box, cls, dfl)

    def _varifocal(self, codec: YOLOv6Codec, pairs: Pairs, classes: WholeLogits) -> Cost:
        """Over all locations and classes."""
        logits, width = classes.logits, codec.num_classes
        target = pairs.at_predictors(pairs.quality, width=width).view_as(logits)
        label = pairs.at_predictors(torch.ones_like(pairs.quality), width=width).view_as(logits)
        return Cost(
            name="cls", scale=self.lambda_cls, penalty=lambda p, t: varifocal(p, t, label), pred=logits, target=target,
            weight=classes.weight(pairs), activation=torch.sigmoid,
        )  # fmt: skip

    def complete(self, codec: YOLOv6Codec, targets: Targets, assignment: Assignment) -> Assignment:
        """See `Loss.complete`; and how many objects are too large for the bins."""
        return with_unreachable(codec, targets, super().complete(codec, targets, assignment))

    def own_normalizer(self, assignment: Assignment) -> Tensor:
        """S: the sum of the qualities of all pairs."""
        return total_quality(assignment)
