"""Task-aligned assignment: an object is assigned the locations whose class score and box both fit it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.arguments import choice, integer, number
from yolosses.assigners.aligned_search import take_aligned
from yolosses.assigners.alignment import Alignment, Wanted
from yolosses.assigners.pairs import (
    count_unassigned,
    first_of_each,
    largest_of_each,
    resolve_conflicts,
    take_rows,
)
from yolosses.boxes import Similarity, paired_ciou, paired_iou
from yolosses.codecs import ClassScores, Levels
from yolosses.structures import Assignment

EPS = 1e-9


@dataclass(frozen=True, kw_only=True)
class AlignedRecipe:
    """What a kernel has to know to assign as a `TaskAligned` does that overlaps boxes by their CIoU, has neither
    ``reach`` nor ``fallback``, and chooses among the objects that a location lies inside of."""

    topk: int
    alpha: float
    beta: float
    least_side: float
    keep_best: bool


@dataclass(frozen=True, kw_only=True)
class TaskAligned:
    """Feng et al. 2021 (TOOD, eq. 4) as YOLOv6, v8 and v9 have it. For object j and location i with class score
    s_ij and overlap o_ij, the alignment is ``t_ij = s_ij^alpha o_ij^beta``.

    1. Candidates of an object: locations strictly inside its box.
    2. Of these it takes the ``topk`` with the largest alignment above 0.
       Of equals those with the lowest number.
    3. A location taken by several objects goes to the one that it overlaps most; of equals to the first.
    4. With ``keep_best`` each object then keeps only its best location.
    5. The quality of a pair, the soft target of its class, is ``t_ij max_i(o_ij) / (max_i(t_ij) + 1e-9)``.

    Attributes:
        topk, alpha, beta: as above. overlap: similarity of boxes cxcywh, negative ones count as 0.
        least_side: pixels. For step 1 alone a shorter side of a box counts as this long, about the box's centre, so
            that small objects have candidates (small-target-aware label assignment, STAL). The first stride is the rule
            of YOLO26's paper, the second stride that of its authors' program since 8.4, and 0 widens nothing.
        reach: strides. If given, a candidate's distances to the four sides are 0 to ``reach``, both included: what a
            location with ``reach`` + 1.01 bins can express.
        fallback: an object that takes nothing in step 2 takes the best aligned location anywhere.
        contested: the objects that step 3 chooses from: "inside", those that the location is a candidate of,
            whether they took it or not; "all" of the image; "taking", those that took it.
        keep_best: step 4.
    """

    topk: int = 10
    alpha: float = 0.5
    beta: float = 6.0
    overlap: Similarity = paired_ciou
    least_side: float = 0.0
    reach: float | None = None
    fallback: bool = False
    contested: str = "inside"
    keep_best: bool = False

    def __post_init__(self) -> None:
        integer("topk", self.topk)
        for name in ("alpha", "beta", "least_side"):
            number(name, getattr(self, name))
        if self.reach is not None:
            number("reach", self.reach)
        choice("contested", self.contested, ("inside", "all", "taking"))

    def recipe(self) -> AlignedRecipe | None:
        """What a kernel may be asked for in the place of a call, or None where it would be another assignment."""
        if (
            self.overlap is not paired_ciou
            or self.reach is not None
            or self.fallback
            or self.contested != "inside"
        ):
            return None
        return AlignedRecipe(
            topk=self.topk,
            alpha=self.alpha,
            beta=self.beta,
            least_side=self.least_side,
            keep_best=self.keep_best,
        )

    @torch.no_grad()
    def __call__(
        self,
        *,
        levels: Levels,
        pred_boxes: Tensor,
        pred_scores: ClassScores,
        gt_boxes: Tensor,
        gt_labels: Tensor,
        mask: Tensor,
    ) -> Assignment:
        """Which locations are assigned to which object: P = M * topk pairs, or M * A where there are fewer locations.

        Args:
            levels: where the A locations sit, in pixels. pred_boxes: (B, A, 4) cxcywh in pixels.
            pred_scores: of all locations. gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding.
            gt_labels: (B, M). mask: (B, M) bool.
        """
        labels = gt_labels.clamp(0, pred_scores.num_classes - 1)
        num_objects, count = gt_boxes.shape[1], levels.num_predictors
        alignment = Alignment(
            levels=levels, pred_boxes=pred_boxes, pred_scores=pred_scores, alpha=self.alpha, beta=self.beta,
            overlap=self.overlap,
        )  # fmt: skip
        wanted = Wanted(
            topk=self.topk if self.topk <= count else count, least_side=self.least_side, reach=self.reach,
            fallback=self.fallback, contested=self.contested,
        )  # fmt: skip
        taken, valid, contender = take_aligned(alignment, wanted, gt_boxes, labels, mask)
        predictor, object, chosen = resolve_conflicts(taken, valid, contender)

        boxes = take_rows(pred_boxes, predictor)
        truth = take_rows(gt_boxes, object)
        overlap = self.overlap(truth, boxes).clamp(min=0)
        aligned = alignment.of(overlap, pred_scores.of_pairs(levels, predictor, labels.gather(1, object)))
        if self.keep_best:
            best = largest_of_each(aligned, object, chosen, num_objects=num_objects).gather(1, object)
            chosen = first_of_each(object, chosen & (aligned == best), num_predictors=num_objects)
        most = largest_of_each(aligned, object, chosen, num_objects=num_objects).gather(1, object)
        widest = largest_of_each(overlap, object, chosen, num_objects=num_objects).gather(1, object)
        return Assignment(
            predictor=torch.where(chosen, predictor, 0),
            object=torch.where(chosen, object, 0),
            mask=chosen,
            iou=torch.where(chosen, paired_iou(boxes, truth), 0),
            num_dropped=count_unassigned(object, chosen, mask),
            quality=torch.where(chosen, aligned * widest / (most + EPS), 0),
        )
