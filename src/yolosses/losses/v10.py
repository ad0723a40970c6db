"""YOLOv10: Real-Time End-to-End Object Detection. Wang et al., NeurIPS 2024; and YOLO26."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import integer, number
from yolosses.codecs import Levels
from yolosses.codecs.point import HEADS, PointRaw, TwoHeadedPointCodec
from yolosses.functional import BoxLoss, ciou_loss
from yolosses.losses.base import Loss, Terms, first_tensor
from yolosses.losses.v8 import YOLOv8Loss
from yolosses.structures import Assignment, Predictions, Targets, Term, require_assignment

SHORT = ("o2o", "o2m")


class YOLOv10Loss(Loss):
    """Two heads over the same features, each with the loss of `YOLOv8Loss`: of one head several locations are
    responsible for an object, of the other one, so that it needs no suppression afterwards (consistent dual
    assignments, section 3.1)::

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
    is responsible for it. ``decode`` gives the one2one head's detections.

    Normaliser: (2,) S of the one2one head and of the other; ``normalizer`` has the same shape, or is one number for
    both. Detached, deviations and errors: as in `YOLOv8Loss`.
    """

    def __init__(
        self,
        *,
        num_classes: int = 80,
        bins: int = 16,
        strides: Any = (8, 16, 32),
        image_size: Any = None,
        one_to_many_weight: float = 0.8,
        one_to_one_weight: float | None = None,
        lambda_box: float = 7.5,
        lambda_cls: float = 0.5,
        lambda_dfl: float = 1.5,
        topk: int = 10,
        one_to_one_topk: int = 7,
        alpha: float = 0.5,
        beta: float = 6.0,
        least_side: float | str = "code",
        box_loss: BoxLoss = ciou_loss,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        class_pos_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        one = one_to_one_weight
        self.one_to_one_weight = None if one is None else number("one_to_one_weight", one)
        most = 1 if one is None else math.inf  # 1 - a is the other's weight
        self.one_to_many_weight = number("one_to_many_weight", one_to_many_weight, most=most)

        head = partial(
            YOLOv8Loss, num_classes=num_classes, bins=bins, strides=strides, image_size=image_size,
            lambda_box=lambda_box, lambda_cls=lambda_cls, lambda_dfl=lambda_dfl, alpha=alpha, beta=beta,
            least_side=least_side, box_loss=box_loss, label_smoothing=label_smoothing, class_weight=class_weight,
            class_pos_weight=class_pos_weight, reduction=reduction, impl=impl,
        )  # fmt: skip
        self.one_to_one_topk = integer("one_to_one_topk", one_to_one_topk)
        self.one_to_one, self.one_to_many = head(topk=one_to_one_topk), head(topk=topk)
        assigner: Any = self.one_to_one.assigner
        self.one_to_one.assigner = replace(assigner, keep_best=one_to_one_topk > 1)
        self.num_classes, self.bins = self.one_to_one.num_classes, self.one_to_one.bins
        self.strides, self.reduction = self.one_to_one.strides, reduction

    @property
    def channels(self) -> int:
        """Numbers that each head emits at each location."""
        return self.one_to_one.channels

    @property
    def class_weight(self) -> Tensor | None:  # type: ignore[override]
        """(C,) factors of the class terms."""
        return self.one_to_one.class_weight

    @property
    def impl(self) -> str:
        """What computes the sums of both heads, see `engines`."""
        return self.one_to_one.impl

    @impl.setter
    def impl(self, value: str) -> None:
        self.one_to_one.impl = self.one_to_many.impl = value

    @property
    def validate(self) -> bool:
        """Whether the heads look at labels, see `Loss`."""
        return self.one_to_one.validate

    @validate.setter
    def validate(self, value: bool) -> None:
        self.one_to_one.validate = self.one_to_many.validate = value

    def codec_for(self, raw: PointRaw) -> TwoHeadedPointCodec:
        """The codec of both heads together, the one2one head's levels first."""
        one, other = (loss.codec_for(head) for loss, head in zip(self._losses, _heads(raw), strict=True))
        if one.grids != other.grids:
            raise ValueError(f"raw: expected both heads of the same grids; got {one.grids} and {other.grids}")
        levels = Levels(grids=one.grids * 2, strides=one.levels.strides * 2, image_size=one.levels.image_size)
        return TwoHeadedPointCodec(levels=levels, num_classes=one.num_classes, bins=one.bins)

    def _evaluated(
        self, raw: PointRaw, targets: Targets, assignment: Assignment | None
    ) -> tuple[Assignment, Terms]:
        if assignment is not None:
            return assignment, self.terms(raw, targets, assignment)
        locations = self._locations(raw)  # says first what is wrong with the form
        heads = zip(self._losses, _heads(raw), strict=True)
        (one, ones), (many, others) = (loss._evaluated(head, targets, None) for loss, head in heads)
        return self._joined(one, many, locations), self._of_both([ones, others], locations)

    @torch.no_grad()
    def assign(self, raw: PointRaw, targets: Targets) -> Assignment:
        """Which locations of both heads are responsible for which object."""
        locations, heads = self._locations(raw), zip(self._losses, _heads(raw), strict=True)
        one, many = (loss.assign(head, targets) for loss, head in heads)
        return self._joined(one, many, locations)

    def _joined(self, one: Assignment, many: Assignment, locations: int) -> Assignment:
        """The assignment of each head of ``locations`` as that of both."""
        many = replace(many, predictor=torch.where(many.mask, many.predictor + locations, 0))
        spared = None
        if one.spared is not None and many.spared is not None:
            spared = torch.cat((one.spared, many.spared), 1)
        first, second = _columns(one), _columns(many)
        both: dict[str, Any] = {name: torch.cat((first[name], second[name]), 1) for name in first}
        head = torch.arange(both["mask"].shape[1], device=one.mask.device) >= one.mask.shape[1]
        return replace(one, **both, spared=spared, part=head.long())

    def terms(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> Terms:
        """The six terms as they are added up in training."""
        return self._of_heads(YOLOv8Loss.terms, raw, targets, assignment)

    def elementwise(self, raw: PointRaw, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The six terms before any sum."""
        return tuple(self._of_heads(YOLOv8Loss.elementwise, raw, targets, assignment))

    def _of_heads(
        self, terms: Callable[..., Terms], raw: PointRaw, targets: Targets, assignment: Assignment
    ) -> list[Any]:
        """``terms`` of each head, as those of both."""
        locations = self._locations(raw)
        require_assignment(assignment, images=len(first_tensor(raw)))
        first = targets.mask.shape[1] * min(self.one_to_one_topk, locations)
        sizes = [first, assignment.mask.shape[1] - first]
        columns = {name: torch.split(column, sizes, 1) for name, column in _columns(assignment).items()}
        spared = (None, None) if assignment.spared is None else assignment.spared.chunk(2, 1)

        def half(index: int) -> Assignment:
            own: dict[str, Any] = {name: column[index] for name, column in columns.items()}
            own["predictor"] = torch.where(own["mask"], own["predictor"] - index * locations, 0)
            return replace(assignment, **own, spared=spared[index], part=None)

        heads = zip(self._losses, _heads(raw), (half(0), half(1)), strict=True)
        return self._of_both([terms(loss, head, targets, part) for loss, head, part in heads], locations)

    def _of_both(self, terms: Sequence[Sequence[Any]], locations: int) -> list[Any]:
        """The terms of each head of ``locations`` as those of both."""
        a, found = self.one_to_many_weight, []
        weights = (1 - a if self.one_to_one_weight is None else self.one_to_one_weight, a)
        for head, term in ((index, term) for index in (0, 1) for term in terms[index]):
            own: dict[str, Any] = {"table": None, "part": head}
            if isinstance(term, Term):
                part = term.predictor.new_full(term.predictor.shape[1:], head)
                own = {"predictor": term.predictor + head * locations, "part": part}
            found.append(
                replace(term, name=f"{SHORT[head]}_{term.name}", scale=weights[head] * term.scale, **own)
            )
        return found

    def own_normalizer(self, assignment: Assignment) -> Tensor:
        """(2,) the sum of the qualities of all pairs of the one2one head, and of the other."""
        assert assignment.part is not None
        quality = _columns(assignment)["quality"].sum(0)
        return quality.new_zeros(2).index_add(0, assignment.part, quality)

    def decode(self, raw: PointRaw) -> Predictions:
        """The boxes and scores of the one2one head: no suppression needed. ``codec_for(raw).predictions`` has both."""
        return self.one_to_one.decode(_heads(raw)[0])

    def _option(self, name: str, default: Any) -> Any:
        return super()._option(name, self.one_to_many._option(name, default))

    @property
    def _losses(self) -> tuple[YOLOv8Loss, YOLOv8Loss]:
        return self.one_to_one, self.one_to_many

    def _locations(self, raw: PointRaw) -> int:
        """A, of one head."""
        return self.codec_for(raw).levels.num_predictors // 2


def one_to_many_weight(epoch: int, epochs: int, *, start: float = 0.8, end: float = 0.1) -> float:
    """The weight a of the one2many head after ``epoch`` of ``epochs`` are over: from ``start`` straight to ``end``."""
    return max(1 - epoch / max(epochs - 1, 1), 0) * (start - end) + end


def _heads(raw: PointRaw) -> tuple[Any, Any]:
    """What the one2one and the one2many head emit."""
    if not isinstance(raw, Mapping) or not all(name in raw for name in HEADS):
        got = sorted(map(str, raw)) if isinstance(raw, Mapping) else type(raw).__name__
        raise ValueError(f"raw: expected a mapping with the entries one2many and one2one; got {got}")
    return raw[HEADS[0]], raw[HEADS[1]]


def _columns(a: Assignment) -> dict[str, Tensor]:
    """Predictor, object, mask, IoU and quality of the pairs."""
    quality = torch.where(a.mask, a.iou if a.quality is None else a.quality, 0)
    return {"predictor": a.predictor, "object": a.object, "mask": a.mask, "iou": a.iou, "quality": quality}
