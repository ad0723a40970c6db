"""The terms that anchor-free losses share: of boxes, of their sides, and of the classes at all locations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from yolosses.codecs import PointCodec
from yolosses.codecs.point_reading import At, read_points
from yolosses.constants import DFL_MARGIN
from yolosses.functional import BoxLoss, Penalty, binary_cross_entropy_with_logits, distribution_focal
from yolosses.functional.classification import weighted_cross_entropy
from yolosses.losses.pairs import Pairs, everyone, one_minus
from yolosses.structures import Assignment, Cost, Targets, TermSum
from yolosses.structures.terms import by_image

SIDES = ("left", "top", "right", "bottom")


def box_and_sides(
    codec: PointCodec, pairs: Pairs, box_loss: BoxLoss, lambda_box: float, lambda_sides: float
) -> tuple[Cost, Cost]:
    """The terms "box", and "dfl" of the bins or with one bin "l1" of the distances, both weighted by the quality."""
    assert pairs.values is not None
    numbers = pairs.values.view(*pairs.values.shape[:-1], 4, codec.bins)
    weight = (pairs.quality * pairs.weight)[..., None]
    sides = codec.sides(numbers)
    points, strides = (
        codec.levels.points(sides)[pairs.predictor],
        codec.levels.stride_of(sides)[pairs.predictor],
    )
    boxes = codec.in_pixels(pairs.boxes).to(sides.dtype)
    wanted = codec.encode(boxes, points, strides)
    fit = 1 - box_loss(codec.decode(sides, points, strides), boxes)[..., None]
    box = pairs.cost("box", lambda_box, one_minus, fit, torch.ones_like(fit), weight, ("iou",))
    # Cloned, so that the gradient of this term can be separated from that of the box.
    pred = sides.clone()
    if codec.bins > 1:
        wanted = wanted.clamp(0.0, codec.bins - 1 - DFL_MARGIN)  # bounds of one type: ONNX asks for it
        return box, pairs.cost(
            "dfl",
            lambda_sides,
            lambda *_: distribution_focal(numbers, wanted) / 4,
            pred,
            wanted,
            weight,
            SIDES,
        )
    height, width = codec.levels.image_size
    of_image = torch.stack([strides / side for side in (width, height, width, height)], -1)
    return box, pairs.cost(
        "l1", lambda_sides, lambda p, t: ((p - t) * of_image).abs() / 4, pred, wanted, weight, SIDES
    )


def class_cross_entropy(pos_weight: Tensor | None) -> Penalty:
    """Binary cross-entropy, its positive part times ``pos_weight`` (C,)."""
    if pos_weight is None:
        return binary_cross_entropy_with_logits
    return partial(weighted_cross_entropy, pos_weight=pos_weight)


@dataclass(frozen=True, eq=False)
class WholeLogits:
    """(B, A, C) class logits of all locations, for the elements of a term; and (C,) weights or None."""

    logits: Tensor
    class_weight: Tensor | None
    pos_weight: Tensor | None = None

    def cross_entropy(self, name: str, scale: float, pairs: Pairs, smoothing: float) -> Cost:
        """BCE over all locations and classes. The target is the quality at the class of the object, else 0; with
        ``smoothing`` e, t (1 - e) + e / C at locations that are responsible for an object."""
        classes = self.logits.shape[2]
        target = pairs.at_predictors(pairs.quality, width=classes).view_as(self.logits)
        if smoothing:
            share = smoothing * pairs.positive()[..., None].to(target.dtype)
            target = target * (1 - share) + share / classes
        penalty = class_cross_entropy(self.pos_weight)
        return everyone(name, scale, penalty, self.logits, target, self.weight(pairs))

    def weight(self, pairs: Pairs) -> Tensor:
        """(B, A, 1) or (B, A, C) of the elements."""
        weight = pairs.everywhere()[..., None]
        return weight if self.class_weight is None else weight * self.class_weight.to(weight.dtype)


@dataclass(frozen=True, kw_only=True, eq=False)
class SummedLogits:
    """The same summed, and read at the pairs: the target is 0 almost everywhere, so no table of it is made."""

    logit: Tensor
    total: Tensor
    softplus: Tensor
    label: Tensor
    known: Tensor
    num_classes: int
    class_weight: Tensor | None
    pos_weight: Tensor | None

    def cross_entropy(self, name: str, scale: float, pairs: Pairs, smoothing: float) -> TermSum:
        """See `WholeLogits.cross_entropy`: sum of softplus(x), less the sum of t x."""
        target = torch.where(self.known, pairs.weight * pairs.quality * (1 - smoothing), 0)
        if self.class_weight is not None:
            target = target * self.class_weight.to(target.dtype)[self.label]
        taken = target * self.logit
        if self.pos_weight is not None:  # -w t log q in the place of -t log q
            extra = self.pos_weight.to(target.dtype)[self.label] - 1
            taken = taken + extra * target * F.logsigmoid(self.logit)
        if smoothing:
            taken = taken + pairs.weight * (smoothing / self.num_classes) * self.total
        sums = self.softplus - by_image(taken.double(), pairs.image, pairs.images)
        return TermSum(name=name, scale=scale, sums=sums.to(taken.dtype)[:, None])


def read_points_and_classes(
    codec: PointCodec,
    parts: Sequence[Tensor],
    pairs: Pairs,
    class_weight: Tensor | None,
    pos_weight: Tensor | None,
    *,
    smoothed: bool,
) -> tuple[Tensor, SummedLogits]:
    """(..., 4R) the numbers of the pairs' boxes, and what the cross-entropies of all classes need."""
    known = (pairs.labels >= 0) & (pairs.labels < codec.num_classes)
    label = torch.where(known, pairs.labels, 0)
    weight = None if class_weight is None else class_weight.to(pairs.weight.dtype)
    everywhere = None if pairs.unit and pairs.spared is None else pairs.everywhere().detach()
    listed = pairs.listed
    sizes, distinct = (None, False) if listed is None else (listed.level_sizes, listed.distinct)
    at = At(pairs.image, pairs.predictor, label, everywhere, weight, sizes, distinct, smoothed)
    read = read_points(parts, 4 * codec.bins, at, pairs.mask)
    if pairs.mask is not None:
        known = known & pairs.mask
    logits = SummedLogits(
        logit=read.logit, total=read.total, softplus=read.softplus, label=label, known=known,
        num_classes=codec.num_classes, class_weight=weight, pos_weight=pos_weight,
    )  # fmt: skip
    return read.numbers, logits


def with_unreachable(codec: PointCodec, targets: Targets, assignment: Assignment) -> Assignment:
    """``assignment`` with the number of objects that are larger than any location can say."""
    if codec.bins == 1:
        return assignment
    too_large = targets.positive & (codec.in_pixels(targets.boxes)[..., 2:] > codec.largest).any(-1)
    return replace(assignment, num_unreachable=too_large.sum(1))


def total_quality(assignment: Assignment) -> Tensor:
    """The sum of the qualities of all pairs of the batch."""
    quality = assignment.iou if assignment.quality is None else assignment.quality
    return torch.where(assignment.mask, quality, 0).sum()
