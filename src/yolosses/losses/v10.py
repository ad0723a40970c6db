"""YOLOv10: Real-Time End-to-End Object Detection. Wang et al., NeurIPS 2024; and YOLO26."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.arguments import require_at_least
from yolosses.assigners import TaskAligned
from yolosses.codecs import Levels
from yolosses.codecs.point import HEADS, PointRaw, TwoHeadedPointCodec
from yolosses.functional import BoxLoss, ciou_loss
from yolosses.losses.dense import quality_of
from yolosses.losses.v8 import YOLOv8Loss, total_quality, widened_to
from yolosses.structures import Assignment, LossOutput, Predictions, Targets, Term, TermSum

SHORT = ("o2o", "o2m")


class YOLOv10Loss(nn.Module):
    """Two heads over the same features, each with the loss of `YOLOv8Loss`: of one head several locations answer for
    an object, of the other one, so that it needs no suppression afterwards (consistent dual assignments, section 3.1)::

        L = a L_one2many + (1 - a) L_one2one

    Each L is divided by its own sum of qualities S. Of the one2one head each object takes its 7 best locations,
    contested ones go to the object that they overlap most, and each keeps the best of what is left.

    Args:
        one_to_many_weight: a. It falls during training, see `one_to_many_weight`: set the attribute between epochs.
        one_to_one_weight: None for 1 - a; with 1 and a = 1 the plain sum of the publication.
        topk, one_to_one_topk: locations that an object takes. The publication has ``one_to_one_topk=1``, where an
            object that loses its only location has none.
        bins: R; with 1 (YOLO26) the third term is "l1" in place of "dfl". The other arguments: see `YOLOv8Loss`.

    Shapes:
        raw: {"one2many": ..., "one2one": ...}, each as `YOLOv8Loss` takes it. The one2one head should see detached
        features; that is the network's part.

    Terms: "o2o_box", "o2o_cls", "o2o_dfl", "o2m_box", ... In `Assignment` the locations of the one2one head come first
    (0 to A-1), those of the other after them (A to 2A-1); an object is dropped when no location of the one2one head
    answers for it. ``decode`` gives the one2one head's detections.

    Normaliser: (2,) S of the one2one head and of the other; ``normalizer`` is the like, or one number for both.
    Detached, deviations and errors: as in `YOLOv8Loss`.
    """

    def __init__(
        self,
        *,
        num_classes: int = 80,
        bins: int = 16,
        strides: Sequence[float] = (8, 16, 32),
        image_size: tuple[int, int] | None = None,
        one_to_many_weight: float = 0.8,
        one_to_one_weight: float | None = None,
        lambda_box: float = 7.5,
        lambda_cls: float = 0.5,
        lambda_dfl: float = 1.5,
        topk: int = 10,
        one_to_one_topk: int = 7,
        alpha: float = 0.5,
        beta: float = 6.0,
        least_side: float | None = None,
        box_loss: BoxLoss = ciou_loss,
        label_smoothing: float = 0.0,
        class_weight: Tensor | None = None,
        reduction: str = "mean",
        impl: str = "torch",
    ) -> None:
        super().__init__()
        require_at_least("one_to_many_weight", one_to_many_weight, 0)
        if one_to_one_weight is not None:
            require_at_least("one_to_one_weight", one_to_one_weight, 0)
        require_at_least("one_to_one_topk", one_to_one_topk, 1, kind=int)

        def head(topk: int, *, keep_best: bool) -> YOLOv8Loss:
            return YOLOv8Loss(
                num_classes=num_classes, bins=bins, strides=strides, image_size=image_size, lambda_box=lambda_box,
                lambda_cls=lambda_cls, lambda_dfl=lambda_dfl, box_loss=box_loss, label_smoothing=label_smoothing,
                class_weight=class_weight, reduction=reduction, impl=impl, assigner=TaskAligned(
                    topk=topk, alpha=alpha, beta=beta, keep_best=keep_best, impl=impl,
                    least_side=widened_to(strides) if least_side is None else least_side,
                ),
            )  # fmt: skip

        self.one_to_one = head(one_to_one_topk, keep_best=one_to_one_topk > 1)
        self.one_to_many = head(topk, keep_best=False)
        self.one_to_many_weight, self.one_to_one_weight = one_to_many_weight, one_to_one_weight
        self.num_classes, self.bins, self.strides = num_classes, bins, tuple(strides)
        self.one_to_one_topk, self.reduction = one_to_one_topk, reduction

    @property
    def channels(self) -> int:
        """Numbers that each head emits at each location."""
        return self.one_to_one.channels

    @property
    def class_weight(self) -> Tensor | None:
        """(C,) factors of the class terms."""
        return self.one_to_one.class_weight

    def codec_for(self, raw: PointRaw) -> TwoHeadedPointCodec:
        """The codec of both heads together, the one2one head's levels first."""
        one, other = (self.one_to_one.codec_for(head) for head in _heads(raw))
        if one.grids != other.grids:
            raise ValueError(f"raw: expected both heads of the same grids; got {one.grids} and {other.grids}")
        levels = Levels(grids=one.grids * 2, strides=one.levels.strides * 2)
        return TwoHeadedPointCodec(levels=levels, num_classes=one.num_classes, bins=one.bins)

    def forward(
        self,
        raw: PointRaw,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what; ``normalizer``: see above."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        pairs = self._one_to_one_pairs(targets, self._locations(raw))
        return self._reduce(self.terms(raw, targets, assignment), assignment, normalizer, pairs=pairs)

    @torch.no_grad()
    def assign(self, raw: PointRaw, targets: Targets) -> Assignment:
        """Which locations of both heads answer for which object. Objects that none of the one2one head answers for are
        counted as dropped."""
        one, many = (loss.assign(head, targets) for loss, head in zip(self._losses, _heads(raw), strict=True))
        many = replace(many, predictor=torch.where(many.mask, many.predictor + self._locations(raw), 0))
        spared = None
        if one.spared is not None and many.spared is not None:
            spared = torch.cat((one.spared, many.spared), 1)
        both = zip(_pairs_of(one), _pairs_of(many), strict=True)
        predictor, object, mask, iou, quality = (torch.cat(parts, 1) for parts in both)
        return Assignment(
            predictor=predictor, object=object, mask=mask, iou=iou, quality=quality,
            num_dropped=one.num_dropped, spared=spared,
        )  # fmt: skip

    def terms(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> tuple[Term | TermSum, ...]:
        """The six terms, those of the classes already summed, see `YOLOv8Loss.terms`."""
        heads = self._of_heads(raw, targets, assignment)
        return tuple(
            self._of_head(term, index, self._locations(raw))
            if isinstance(term, Term)
            else self._sum_of_head(term, index)
            for index, (loss, head, half) in enumerate(heads)
            for term in loss.terms(head, targets, half)
        )

    def elementwise(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The six terms before any sum."""
        heads = self._of_heads(raw, targets, assignment)
        return tuple(
            self._of_head(term, index, self._locations(raw))
            for index, (loss, head, half) in enumerate(heads)
            for term in loss.elementwise(head, targets, half)
        )

    def _of_heads(
        self, raw: PointRaw, targets: Targets, assignment: Assignment
    ) -> list[tuple[YOLOv8Loss, Any, Assignment]]:
        """Loss, output and assignment of each head."""
        locations = self._locations(raw)
        pairs = self._one_to_one_pairs(targets, locations)
        return list(zip(self._losses, _heads(raw), _apart(assignment, pairs, locations), strict=True))

    def _one_to_one_pairs(self, targets: Targets, locations: int) -> int:
        return targets.mask.shape[1] * min(self.one_to_one_topk, locations)

    def _of_head(self, term: Term, index: int, locations: int) -> Term:
        """``term`` of one head as one of both."""
        name, scale = self._name_and_scale(term, index)
        predictor = term.predictor + index * locations
        part = term.predictor.new_full(term.predictor.shape[1:], index)
        return replace(term, name=name, scale=scale, predictor=predictor, part=part)

    def _sum_of_head(self, term: TermSum, index: int) -> TermSum:
        name, scale = self._name_and_scale(term, index)
        return replace(term, name=name, scale=scale, part=index)

    def _name_and_scale(self, term: Term | TermSum, index: int) -> tuple[str, float]:
        a = self.one_to_many_weight
        weights = (1 - a if self.one_to_one_weight is None else self.one_to_one_weight, a)
        return f"{SHORT[index]}_{term.name}", weights[index] * term.scale

    def reduce(
        self, terms: Sequence[Term], assignment: Assignment, normalizer: Tensor | float | None = None
    ) -> LossOutput:
        """The sums of ``terms``, each head's divided by its own sum of qualities, or by ``normalizer``."""
        return self._reduce(terms, assignment, normalizer, pairs=terms[0].penalty.shape[1])

    def _reduce(
        self,
        terms: Sequence[Term | TermSum],
        assignment: Assignment,
        normalizer: Tensor | float | None,
        *,
        pairs: int,
    ) -> LossOutput:
        """``pairs``: how many are of the one2one head."""
        own = torch.stack([total_quality(half) for half in _apart(assignment, pairs, 0)])
        return LossOutput.reduce(terms, assignment, reduction=self.reduction, normalizer=normalizer, own=own)

    def decode(self, raw: PointRaw) -> Predictions:
        """The boxes and scores of the one2one head: no suppression needed. ``codec_for(raw).predictions`` has both."""
        return self.one_to_one.decode(_heads(raw)[0])

    @property
    def _losses(self) -> tuple[YOLOv8Loss, YOLOv8Loss]:
        return self.one_to_one, self.one_to_many

    def _locations(self, raw: PointRaw) -> int:
        """A, of one head."""
        return self.codec_for(raw).levels.num_predictors // 2

    def extra_repr(self) -> str:
        return f"one_to_many_weight={self.one_to_many_weight:g}, one_to_one_weight={self.one_to_one_weight}"


def one_to_many_weight(epoch: int, epochs: int, *, start: float = 0.8, end: float = 0.1) -> float:
    """The weight a of the one2many head after ``epoch`` of ``epochs`` are over: from ``start`` straight to ``end``."""
    return max(1 - epoch / max(epochs - 1, 1), 0) * (start - end) + end


def _heads(raw: PointRaw) -> tuple[Any, Any]:
    """What the one2one and the one2many head emit."""
    if not isinstance(raw, Mapping) or not all(name in raw for name in HEADS):
        got = sorted(map(str, raw)) if isinstance(raw, Mapping) else type(raw).__name__
        raise ValueError(f"raw: expected a mapping with the entries one2many and one2one; got {got}")
    return raw[HEADS[0]], raw[HEADS[1]]


def _pairs_of(assignment: Assignment) -> tuple[Tensor, ...]:
    a = assignment
    return a.predictor, a.object, a.mask, a.iou, quality_of(a)


def _apart(assignment: Assignment, pairs: int, locations: int) -> tuple[Assignment, Assignment]:
    """The first ``pairs`` pairs, and the others with their predictors counted from ``locations``."""
    size = [pairs, assignment.mask.shape[1] - pairs]
    parts = [torch.split(part, size, 1) for part in _pairs_of(assignment)]
    spared = (None, None) if assignment.spared is None else assignment.spared.chunk(2, 1)

    def half(index: int) -> Assignment:
        predictor, object, mask, iou, quality = (part[index] for part in parts)
        return Assignment(
            predictor=torch.where(mask, predictor - index * locations, 0), object=object, mask=mask, iou=iou,
            quality=quality, num_dropped=assignment.num_dropped, spared=spared[index],
        )  # fmt: skip

    return half(0), half(1)
