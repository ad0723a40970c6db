"""YOLOv8 (Jocher et al. 2023), and with the same loss YOLOv9, YOLO11 and YOLOv12."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from yolosses.arguments import choice, functions, integer, number, numbers
from yolosses.assigners import PointAssigner, TaskAligned
from yolosses.codecs import PointCodec
from yolosses.codecs.point import PointRaw, tensors_of
from yolosses.engines import PointSums
from yolosses.functional import BoxLoss, ciou_loss
from yolosses.losses.pairs import Pairs
from yolosses.losses.point_loss import PointLoss
from yolosses.losses.point_terms import (
    SummedLogits,
    WholeLogits,
    box_and_sides,
    read_points_and_classes,
    total_quality,
    with_unreachable,
)
from yolosses.structures import Assignment, Cost, Targets, TermSum


class YOLOv8Loss(PointLoss):
    """The loss of YOLOv8, v9, 11 and v12: sums over the locations that are responsible for an object, weighted by the
    quality q of each pair, and over all locations for the classes::

        L = 1/S [ lambda_box * sum q (1 - CIoU)
                + lambda_cls * sum_i sum_c BCE(s_ic, q_i if c is the class of i's object else 0)
                + lambda_dfl * sum q mean over four sides of DFL ]        S = max(1, sum q)

    Who is responsible, and q, comes from task-aligned assignment (`assigners.TaskAligned`, TOOD eq. 4 and 5).

    Args:
        num_classes: C. bins: R numbers a side that the network emits; with 1 (YOLO26) they are the distances, and the
            third term is "l1", the mean absolute error of the four distances as fractions of the image.
        strides: of the levels in pixels, finest first.
        image_size: (height, width) of the pictures in pixels, where the strides do not divide them, and for outputs
            whose shape does not tell the grids.
        lambda_box, lambda_cls, lambda_dfl: weights of the terms (7.5, 0.5, 1.5); the last also of "l1".
        topk, alpha, beta: of the assigner. least_side: pixels that sides of small objects are widened to when their
            candidates are looked for: "code", the second stride (the reference since 8.4); "paper", the first (STAL as
            the YOLO26 paper has it); or a number, 0 for not at all (up to 8.3).
        assigner: overrides the default one, for example `assigners.SimOTA()`; the four above are then ignored.
        box_loss: another function (pred, target) -> (...) of boxes cxcywh.
        label_smoothing: e; the class target t becomes t (1 - e) + e / C at locations that are responsible for
            an object.
        class_weight: (C,) factors of the columns of the class term. class_pos_weight: a number or (C,), factors of the
            positive part of its cross-entropy, t log q.
        reduction: "mean" (divided by S), "sum", or "none" (one value an image).
        impl: "auto", "torch", "triton" or "numba", see `engines`. Kernels know the default ``box_loss``; another
            ``assigner`` than `TaskAligned` runs as it is.

    Shapes:
        raw: maps (B, 4R+C, rows, cols), one a level; or (boxes (B, 4R, A), scores (B, C, A)), or these under the names
        "boxes", "scores" (and "feats") as newer heads return them. Any floating dtype; computed in at least float32.

    Detached: assignment, q, S and CIoU's alpha. Normaliser: S, or ``normalizer``. The value is the sum of the items
    that the reference implementation logs; it trains on that times the number of images.

    Deviations: no epsilon in CIoU; an object whose locations all have alignment 0 takes none (there: arbitrary ones of
    weight 0); objects at the origin are not dropped; with fewer than ``topk`` locations an object takes what there is.
    Objects that no location is responsible for are counted in ``num_dropped``. In ignored regions, locations that are
    responsible for nothing are left alone. ``label_smoothing`` is not in the reference.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit; naming it.
    """

    def __init__(
        self,
        *,
        num_classes: int = 80,
        bins: int = 16,
        strides: Any = (8, 16, 32),
        image_size: Any = None,
        lambda_box: float = 7.5,
        lambda_cls: float = 0.5,
        lambda_dfl: float = 1.5,
        topk: int = 10,
        alpha: float = 0.5,
        beta: float = 6.0,
        least_side: float | str = "code",
        assigner: PointAssigner | None = None,
        box_loss: BoxLoss = ciou_loss,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        class_pos_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__()
        self.lambda_box, self.lambda_cls, self.lambda_dfl = numbers(
            lambda_box=lambda_box, lambda_cls=lambda_cls, lambda_dfl=lambda_dfl
        )
        self._set_levels(strides, image_size)
        self.bins = integer("bins", bins)
        assigner = assigner or TaskAligned(
            topk=topk, alpha=alpha, beta=beta, least_side=_least_side(least_side, self.strides)
        )
        self.assigner, self.box_loss = functions(assigner=assigner, box_loss=box_loss)
        self.label_smoothing = number("label_smoothing", label_smoothing, most=1)
        self._keep_pos_weight(class_pos_weight, num_classes)
        self._finish(num_classes, class_weight, reduction, impl)

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return 4 * self.bins + self.num_classes

    def codec_for(self, raw: PointRaw) -> PointCodec:
        """The codec with the grids of ``raw``."""
        tensors_of(raw, num_classes=self.num_classes, bins=self.bins)  # says what is wrong with its form
        return PointCodec(levels=self.levels_of(raw), num_classes=self.num_classes, bins=self.bins)

    @property
    def lists(self) -> bool:  # type: ignore[override]
        """Whether the sums need no table of all targets: with both of these all classes of a location have one."""
        return self.label_smoothing == 0 or self.class_pos_weight is None

    def read(
        self, codec: PointCodec, raw: PointRaw, pairs: Pairs, *, whole: bool
    ) -> tuple[Tensor, WholeLogits | SummedLogits]:
        """Of the pairs the numbers that measure the sides; of all locations the class logits, or what their
        cross-entropies sum up to."""
        weights = self.class_weight, self.class_pos_weight
        if not whole and self.lists:
            parts = tensors_of(raw, num_classes=self.num_classes, bins=self.bins)
            return read_points_and_classes(codec, parts, pairs, *weights, smoothed=self.label_smoothing > 0)
        output = codec.split(raw)
        logits = WholeLogits(output.joined_scores().mT, *weights)
        return codec.at(output, pairs.predictor).flatten(-2), logits

    def formula(
        self, codec: PointCodec, pairs: Pairs, classes: WholeLogits | SummedLogits
    ) -> tuple[Cost | TermSum, ...]:
        """The three terms."""
        box, sides = box_and_sides(codec, pairs, self.box_loss, self.lambda_box, self.lambda_dfl)
        return box, classes.cross_entropy("cls", self.lambda_cls, pairs, self.label_smoothing), sides

    def recipe(self) -> PointSums | None:
        """The three sums, with the default ``box_loss`` and without ``class_pos_weight``."""
        if self.box_loss is not ciou_loss or self.class_pos_weight is not None:
            return None
        wanted = getattr(self.assigner, "recipe", None)
        return PointSums(
            names=("box", "cls", "dfl" if self.bins > 1 else "l1"),
            scales=(self.lambda_box, self.lambda_cls, self.lambda_dfl), label_smoothing=self.label_smoothing,
            class_weight=self.class_weight, assigner=None if wanted is None else wanted(),
        )  # fmt: skip

    def complete(self, codec: PointCodec, targets: Targets, assignment: Assignment) -> Assignment:
        """See `Loss.complete`; and how many objects are too large for the bins."""
        return with_unreachable(codec, targets, super().complete(codec, targets, assignment))

    def own_normalizer(self, assignment: Assignment) -> Tensor:
        """S: the sum of the qualities of all pairs."""
        return total_quality(assignment)


def _least_side(value: float | str | None, strides: tuple[float, ...]) -> float:
    """Pixels of a side that small objects are widened to when their candidates are looked for."""
    value = "code" if value is None else value
    if isinstance(value, str):
        return strides[0] if choice("least_side", value, ("code", "paper")) == "paper" else strides[:2][-1]
    return number("least_side", value)
