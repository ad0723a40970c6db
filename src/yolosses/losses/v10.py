"""YOLOv10: Real-Time End-to-End Object Detection. Wang et al., NeurIPS 2024; and YOLO26."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.arguments import require_at_least
from yolosses.assigners import TaskAligned
from yolosses.codecs import Levels, PointCodec
from yolosses.codecs.point import PointRaw, grids_of_points
from yolosses.losses.v8 import YOLOv8Loss, total_quality
from yolosses.structures import Assignment, LossOutput, Predictions, Targets, Term

HEADS = ("one2one", "one2many")


class YOLOv10Loss(nn.Module):
    """Two heads over the same features, each with the loss of `YOLOv8Loss`: of one several locations answer for an object,
    of the other one, so that it needs no suppression afterwards (consistent dual assignments, section 3.1)::

        L = a L_one2many + (1 - a) L_one2one

    Each L is divided by its own sum of qualities S. The one2one head takes each object's 7 best locations, lets contested
    ones go to the object that they overlap most, and keeps the best of what is left.

    Args:
        one_to_many_weight: a. It falls during training, see `one_to_many_weight`: set the attribute between epochs.
        one_to_one_weight: None for 1 - a; with 1 and a = 1 the plain sum of the publication.
        topk, one_to_one_topk: locations that an object takes. Up to 8.3 the reference had ``one_to_one_topk=1``, where an
            object that loses its only location has none.
        options: every other keyword of `YOLOv8Loss`; ``bins=1`` is YOLO26, with "l1" in place of "dfl".

    Shapes:
        raw: {"one2many": ..., "one2one": ...}, each as `YOLOv8Loss` takes it. The one2one head should see detached
        features; that is the network's part.

    Terms: "o2o_box", "o2o_cls", "o2o_dfl", "o2m_box", ... In `Assignment` the locations of the one2one head come first (0 to
    A-1), those of the other after them (A to 2A-1). ``decode`` gives the one2one head's detections.
    """

    def __init__(
        self,
        *,
        one_to_many_weight: float = 0.8,
        one_to_one_weight: float | None = None,
        topk: int = 10,
        one_to_one_topk: int = 7,
        reduction: str = "mean",
        alpha: float = 0.5,
        beta: float = 6.0,
        strides: Sequence[float] = (8, 16, 32),
        least_side: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        require_at_least("one_to_many_weight", one_to_many_weight, 0)
        if one_to_one_weight is not None:
            require_at_least("one_to_one_weight", one_to_one_weight, 0)
        shared = {**options, "strides": strides, "reduction": reduction}
        self.one_to_many = YOLOv8Loss(topk=topk, alpha=alpha, beta=beta, least_side=least_side, **shared)
        inside = self.one_to_many.assigner
        side = inside.least_side if isinstance(inside, TaskAligned) else 0.0
        self.one_to_one = YOLOv8Loss(
            assigner=TaskAligned(
                topk=one_to_one_topk, alpha=alpha, beta=beta, least_side=side, keep_best=one_to_one_topk > 1
            ),
            **{name: value for name, value in shared.items() if name != "assigner"},
        )
        self.one_to_many_weight, self.one_to_one_weight = one_to_many_weight, one_to_one_weight
        self.reduction = reduction

    @property
    def channels(self) -> int:
        """Numbers that each head emits at each location."""
        return self.one_to_one.channels

    @property
    def class_weight(self) -> Tensor | None:
        """(C,) factors of the class terms."""
        return self.one_to_one.class_weight

    def codec_for(self, raw: PointRaw) -> PointCodec:
        """The codec of both heads together, the one2one head's levels first."""
        one = self.one_to_one
        grids = grids_of_points(_heads(raw), one.strides, one.image_size)
        return PointCodec(
            levels=Levels(grids=grids, strides=one.strides * 2), num_classes=one.num_classes, bins=one.bins
        )

    def forward(
        self,
        raw: PointRaw,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what; ``normalizer``: one number for both
        heads, or (2,): the one2one head's, the other's; see `LossOutput.reduce`."""
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.elementwise(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: PointRaw, targets: Targets) -> Assignment:
        """Which locations of both heads answer for which object."""
        heads = _heads(raw)
        one = self.one_to_one.assign(heads["one2one"], targets)
        many = self.one_to_many.assign(heads["one2many"], targets)
        locations = self.codec_for(raw).levels.num_predictors // 2
        many = replace(many, predictor=torch.where(many.mask, many.predictor + locations, 0))
        joined = {
            f.name: torch.cat((getattr(one, f.name), getattr(many, f.name)), 1)
            for f in fields(one)
            if f.name != "num_dropped" and getattr(one, f.name) is not None
        }
        return Assignment(**joined, num_dropped=one.num_dropped)

    def elementwise(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The six terms before any sum."""
        heads = _heads(raw)
        locations = self.codec_for(raw).levels.num_predictors // 2
        a = self.one_to_many_weight
        b = 1 - a if self.one_to_one_weight is None else self.one_to_one_weight
        parts = zip(
            ("o2o", "o2m"), HEADS, (self.one_to_one, self.one_to_many), self._apart(assignment, locations), (b, a),
            strict=True,
        )  # fmt: skip
        terms: list[Term] = []
        for index, (short, name, loss, mine, weight) in enumerate(parts):
            for term in loss.elementwise(heads[name], targets, mine):
                entry = torch.full_like(term.predictor[:1], index).squeeze(0) if len(term.predictor) else None
                if entry is None:
                    entry = term.predictor.new_full(term.predictor.shape[1:], index)
                terms.append(
                    replace(
                        term,
                        name=f"{short}_{term.name}",
                        scale=weight * term.scale,
                        predictor=term.predictor + index * locations,
                        part=entry,
                    )
                )
        return tuple(terms)

    def reduce(
        self, terms: Sequence[Term], assignment: Assignment, normalizer: Tensor | float | None = None
    ) -> LossOutput:
        """The sums of ``terms``, each head's divided by its own sum of qualities, or by ``normalizer``."""
        own = torch.stack([total_quality(part) for part in self._apart(assignment, 0)])
        return LossOutput.reduce(terms, assignment, reduction=self.reduction, normalizer=normalizer, own=own)

    def decode(self, raw: PointRaw) -> Predictions:
        """The boxes and scores of the one2one head: no suppression needed."""
        heads = _heads(raw)
        return self.one_to_one.decode(heads["one2one"])

    def _apart(self, assignment: Assignment, locations: int) -> tuple[Assignment, Assignment]:
        """The pairs of either head, its locations from 0."""
        pairs = assignment.mask.shape[1]
        ours = pairs * _topk(self.one_to_one) // (_topk(self.one_to_one) + _topk(self.one_to_many))

        def side(start: int, end: int, half: int) -> Assignment:
            cut = {
                f.name: getattr(assignment, f.name)[:, start:end]
                for f in fields(assignment)
                if f.name not in ("num_dropped", "spared") and getattr(assignment, f.name) is not None
            }
            cut["predictor"] = torch.where(cut["mask"], cut["predictor"] - half * locations, 0)
            spared = assignment.spared
            if spared is not None:
                spared = spared.chunk(2, 1)[half]
            return Assignment(**cut, num_dropped=assignment.num_dropped, spared=spared)

        return side(0, ours, 0), side(ours, pairs, 1)

    def extra_repr(self) -> str:
        return f"one_to_many_weight={self.one_to_many_weight:g}, one_to_one_weight={self.one_to_one_weight}"


def one_to_many_weight(epoch: int, epochs: int, *, start: float = 0.8, end: float = 0.1) -> float:
    """The weight a of the one2many head after ``epoch`` of ``epochs`` are over: from ``start`` straight to ``end``."""
    return max(1 - epoch / max(epochs - 1, 1), 0) * (start - end) + end


def _topk(loss: YOLOv8Loss) -> int:
    assert isinstance(loss.assigner, TaskAligned)
    return loss.assigner.topk


def _heads(raw: PointRaw) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping) or set(HEADS) - raw.keys():
        got = sorted(map(str, raw)) if isinstance(raw, Mapping) else type(raw).__name__
        raise ValueError(f"raw: expected a mapping with the entries one2many and one2one; got {got}")
    return raw
