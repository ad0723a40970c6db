"""Predictors and the objects that they are responsible for: the vocabulary that formulas are written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from yolosses.arguments import normal_tensor
from yolosses.codecs.level_reading import Listed, in_memory_order
from yolosses.functional import Activation, Penalty, activation_of, identity
from yolosses.structures import Assignment, Cost, Targets


@dataclass(kw_only=True, eq=False)
class Pairs:
    """Pairs of a predictor and an object that it is responsible for: a list (N,) of the valid ones, or all (B, P) of
    an assignment, where invalid ones have a neutral object and the weight 0.

    Attributes:
        image, predictor, object: int64; image broadcasts to the others.
        boxes: (..., 4) cxcywh, fractions of the image. labels: int64. Both of the object.
        iou, quality: of the pair, 0 where it is invalid.
        weight: of the object, 0 where the pair is invalid, and ``each`` (..., 1) the same; ``unit``: no object has a
            weight other than 1.
        slot: the predictor's number in the batch, image * A + predictor; B * A where the pair is invalid.
        images, predictors: B and A. spared: (B, A) bool or None, see `Assignment`.
        listed: of a list level by level: how to read it. values: (..., E) what the predictor emits, once it is read.
    """

    image: Tensor
    predictor: Tensor
    object: Tensor
    boxes: Tensor
    labels: Tensor
    iou: Tensor
    quality: Tensor
    weight: Tensor
    unit: bool
    slot: Tensor
    images: int
    predictors: int
    spared: Tensor | None
    order: Tensor
    mask: Tensor | None = None
    listed: Listed | None = None
    values: Tensor | None = None

    def __post_init__(self) -> None:
        self.each = self.weight[..., None]

    @classmethod
    def all(
        cls, assignment: Assignment, targets: Targets, dtype: torch.dtype, level_counts: Sequence[int]
    ) -> Pairs:
        """All pairs of an assignment, (B, P): every shape is known beforehand."""
        own = {name: normal_tensor(getattr(assignment, name)) for name in ("predictor", "object", "mask")}
        a, predictors = replace(assignment, **own), sum(level_counts)  # autograd may have to save them
        truth = targets.at(a.object, a.mask)
        image = torch.arange(len(a.mask), device=a.mask.device)[:, None]
        weight = a.mask.to(dtype) if truth.weight is None else a.mask * truth.weight.to(dtype)
        iou = torch.where(a.mask, a.iou, 0).to(dtype)
        quality = iou if a.quality is None else torch.where(a.mask, a.quality, 0).to(dtype)
        return cls(
            image=image, predictor=a.predictor, object=a.object, boxes=truth.boxes, labels=truth.labels, iou=iou,
            quality=quality, weight=weight, unit=truth.weight is None, images=len(a.mask), predictors=predictors,
            spared=a.spared, slot=torch.where(a.mask, image * predictors + a.predictor, len(a.mask) * predictors),
            order=torch.arange(a.mask.numel(), device=a.mask.device).view(a.mask.shape), mask=a.mask,
        )  # fmt: skip

    @classmethod
    def list(
        cls, assignment: Assignment, targets: Targets, dtype: torch.dtype, level_counts: Sequence[int]
    ) -> Pairs:
        """The valid pairs, (N,), in the memory order of their predictors."""
        a, predictors, (images, slots) = assignment, sum(level_counts), assignment.mask.shape
        order = a.mask.flatten().nonzero().squeeze(1)
        image = order // slots
        predictor = a.predictor.flatten().index_select(0, order)
        if len(level_counts) == 1:
            listed = Listed(image, predictor, [order.shape[0]], distinct=False)
        else:
            listed, sorting = in_memory_order(image, predictor, level_counts, images)
            image, predictor, order = listed.image, listed.predictor, order[sorting]
        object, iou = (column.flatten().index_select(0, order) for column in (a.object, a.iou))
        quality = iou if a.quality is None else a.quality.flatten().index_select(0, order)
        at = image, object
        unit = targets.weight is None
        weight = torch.ones_like(iou, dtype=dtype) if targets.weight is None else targets.weight[at].to(dtype)
        return cls(
            image=image, predictor=predictor, object=object, boxes=targets.boxes[at], labels=targets.labels[at],
            iou=iou.to(dtype), quality=quality.to(dtype), weight=weight, unit=unit, images=images,
            predictors=predictors, slot=image * predictors + predictor, spared=a.spared, order=order, listed=listed,
        )  # fmt: skip

    def keep(self, values: Tensor) -> None:
        """``values``, what the predictors emit. Those of invalid pairs may be inf or NaN."""
        self.values = values if self.mask is None else torch.where(self.mask[..., None], values, 0)

    @property
    def level(self) -> Tensor:
        """(N,) the level of each pair of a list."""
        assert self.listed is not None
        sizes = torch.tensor(self.listed.level_sizes, device="cpu")
        return torch.arange(len(sizes), device="cpu").repeat_interleave(sizes)

    def split(self, *sizes: int) -> tuple[Tensor, ...]:
        """``values`` in parts of these sizes."""
        assert self.values is not None
        return self.values.split_with_sizes(sizes, -1)

    def one_hot(self, num_classes: int) -> Tensor:
        """(..., C) bool: the class of the object."""
        return self.labels[..., None] == torch.arange(num_classes, device=self.labels.device)

    def at_predictors(self, values: Tensor, *, width: int = 1, only: Tensor | None = None) -> Tensor:
        """(B, A) ``values`` (...) at the predictors of the pairs, or of those in ``only`` (...), and 0 elsewhere; no
        predictor may be in two of them. With ``width`` C, (B, A * C): at the class of the object."""
        size, place = self.images * self.predictors * width, self.slot
        if width > 1:
            known = (self.slot < self.images * self.predictors) & (self.labels >= 0) & (self.labels < width)
            place = torch.where(known, self.slot * width + self.labels, size)
        if only is not None:
            place = torch.where(only, place, size)
        # Invalid pairs go to an extra slot that is cut off, so that every shape is static.
        table = values.new_zeros(size + 1).scatter(0, place.flatten(), values.flatten())
        return table[:size].view(self.images, self.predictors * width)

    def positive(self) -> Tensor:
        """(B, A) bool: the predictors that are responsible for an object."""
        size = self.images * self.predictors
        taken = self.slot.new_zeros(size + 1, dtype=torch.bool).index_fill(0, self.slot.flatten(), True)
        return taken[:size].view(self.images, self.predictors)

    def background(self) -> Tensor:
        """(B, A) bool: the predictors that are responsible for nothing and not spared."""
        free = self.positive().logical_not()
        return free if self.spared is None else free & ~self.spared

    def everywhere(self, only: Tensor | None = None) -> Tensor:
        """(B, A) weight of all predictors: 1 for background, 0 for spared ones, for the others that of their object; of
        several that in ``only``."""
        return torch.where(self.background(), 1, self.at_predictors(self.weight, only=only))

    def last(self) -> Tensor:
        """(...) bool: valid pairs that are the last of their predictor in the order of the assignment."""
        size = self.images * self.predictors
        last = self.order.new_full((size + 1,), -1).scatter_reduce(
            0, self.slot.flatten(), self.order.flatten(), "amax"
        )
        return (last[self.slot] == self.order) & (self.slot < size)

    def cost(
        self, name: str, scale: float, penalty: Penalty, pred: Tensor, target: Tensor, weight: Tensor,
        elements: tuple[str, ...] | None = None, *, part: Tensor | None = None,
    ) -> Cost:  # fmt: skip
        """A term over the pairs: ``penalty`` (pred, target) times ``weight``, all (..., E) or (..., 1)."""
        return Cost(
            name=name, scale=scale, penalty=penalty, pred=pred, target=target, weight=weight, elements=elements,
            predictor=self.predictor, object=self.object, activation=shown_activation(penalty), part=part,
        )  # fmt: skip


def everyone(
    name: str, scale: float, penalty: Penalty, pred: Tensor, target: Tensor, weight: Tensor,
    elements: tuple[str, ...] | None = None, *, part: Tensor | None = None,
) -> Cost:  # fmt: skip
    """A term over all predictors: (B, A, E) or (B, A, 1). ``weight`` may be bool."""
    return Cost(
        name=name, scale=scale, penalty=penalty, pred=pred, target=target, weight=weight, elements=elements,
        activation=shown_activation(penalty), part=part,
    )  # fmt: skip


def shown_activation(penalty: Penalty) -> Activation | None:
    """From a logit to the quantity, for explanations; None where the output is the quantity."""
    activation = activation_of(penalty)
    return None if activation is identity else activation


def one_minus(similarity: Tensor, target: Tensor) -> Tensor:
    """The penalty of a similarity whose target is 1."""
    return target - similarity
