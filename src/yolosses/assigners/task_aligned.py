"""Task-aligned assignment: the locations whose class score and box both fit an object answer for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.arguments import require_at_least, require_choice
from yolosses.assigners.pairs import first_of_each, largest_of_each, settle, unanswered
from yolosses.boxes import Similarity, paired_ciou, paired_iou
from yolosses.structures import Assignment

CHUNK = 8
"""Objects that are compared with all locations at once: memory grows with images x locations, not with objects."""
EDGE = 1e-9
EPS = 1e-9


@dataclass(frozen=True, kw_only=True)
class TaskAligned:
    """Feng et al. 2021 (TOOD, eq. 4) as YOLOv6, v8 and v9 have it. For object j and location i with class score
    s_ij and overlap o_ij, the alignment is ``t_ij = s_ij^alpha o_ij^beta``.

    1. Candidates of an object: locations strictly inside its box.
    2. Of these it takes the ``topk`` with the largest alignment above 0.
    3. A location taken by several objects goes to the one that it overlaps most; of equals to the first.
    4. With ``keep_best`` each object then keeps only its best location.
    5. The quality of a pair, the soft target of its class, is ``t_ij max_i(o_ij) / (max_i(t_ij) + 1e-9)``.

    Attributes:
        topk, alpha, beta: as above. overlap: similarity of boxes cxcywh, negative ones count as 0.
        least_side: pixels that a box is widened to for step 1 alone, so that small objects have candidates.
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
        require_at_least("topk", self.topk, 1, kind=int)
        for name in ("alpha", "beta", "least_side"):
            require_at_least(name, getattr(self, name), 0)
        if self.reach is not None:
            require_at_least("reach", self.reach, 0)
        require_choice("contested", self.contested, ("inside", "all", "taking"))

    @torch.no_grad()
    def __call__(
        self,
        *,
        pred_boxes: Tensor,
        pred_scores: Tensor,
        points: Tensor,
        strides: Tensor,
        gt_boxes: Tensor,
        gt_labels: Tensor,
        mask: Tensor,
    ) -> Assignment:
        """Who answers for what: P = M * topk pairs, or M * A where there are fewer locations.

        Args:
            pred_boxes: (B, A, 4) cxcywh in pixels. pred_scores: (B, A, C) probabilities.
            points: (A, 2) x, y in pixels. strides: (A,) in pixels.
            gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding. gt_labels: (B, M). mask: (B, M) bool.
        """
        labels, num_objects = gt_labels.clamp(0, pred_scores.shape[2] - 1), gt_boxes.shape[1]
        taken, valid, contender = self._take(pred_boxes, pred_scores, points, strides, gt_boxes, labels, mask)
        predictor, object, chosen = settle(taken, valid, contender)

        boxes = pred_boxes.take_along_dim(predictor[..., None], 1)
        truth = gt_boxes.take_along_dim(object[..., None], 1)
        overlap = self.overlap(truth, boxes).clamp(min=0)
        score = pred_scores.flatten(1).gather(1, predictor * pred_scores.shape[2] + labels.gather(1, object))
        alignment = score.pow(self.alpha) * overlap.pow(self.beta)
        if self.keep_best:
            best = largest_of_each(alignment, object, chosen, num_objects=num_objects).gather(1, object)
            chosen = first_of_each(object, chosen & (alignment == best), num_predictors=num_objects)
        most = largest_of_each(alignment, object, chosen, num_objects=num_objects).gather(1, object)
        widest = largest_of_each(overlap, object, chosen, num_objects=num_objects).gather(1, object)
        return Assignment(
            predictor=torch.where(chosen, predictor, 0),
            object=torch.where(chosen, object, 0),
            mask=chosen,
            iou=torch.where(chosen, paired_iou(boxes, truth), 0),
            num_dropped=unanswered(object, chosen, mask),
            quality=torch.where(chosen, alignment * widest / (most + EPS), 0),
        )

    def _take(
        self,
        pred_boxes: Tensor,
        pred_scores: Tensor,
        points: Tensor,
        strides: Tensor,
        gt_boxes: Tensor,
        labels: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, M, k) locations that each object takes, (B, M, k) whether they count, and (B, A) the object that gets
        each location if several take it."""
        images, num_predictors = pred_boxes.shape[:2]
        k = min(self.topk, num_predictors)
        most = pred_boxes.new_full((images, num_predictors), -1)
        contender = labels.new_zeros(images, num_predictors)
        taken, valid = [], []
        for start in range(0, gt_boxes.shape[1], CHUNK):
            part = slice(start, start + CHUNK)
            there = mask[:, part, None]
            inside = self._inside(points, strides, gt_boxes[:, part]) & there
            overlap = self.overlap(gt_boxes[:, part, None], pred_boxes[:, None]).clamp(min=0)
            score = pred_scores.gather(2, labels[:, None, part].expand(-1, num_predictors, -1)).mT
            alignment = score.pow(self.alpha) * overlap.pow(self.beta)
            top, index = torch.where(inside, alignment, 0).topk(k, dim=2)
            if self.fallback:
                top, index = _or_best(top, index, torch.where(there, alignment, 0))
            taken.append(index)
            valid.append(top > 0)
            match self.contested:
                case "inside":
                    eligible = inside
                case "all":
                    eligible = there
                case _:
                    eligible = torch.zeros_like(inside).scatter(2, index, top > 0)
            overlap = torch.where(eligible, overlap, -1)
            who = overlap.argmax(1, keepdim=True)  # the first of equals
            value = overlap.gather(1, who).squeeze(1)
            contender = torch.where(value > most, who.squeeze(1) + start, contender)
            most = torch.maximum(most, value)
        return torch.cat(taken, 1), torch.cat(valid, 1), contender

    def _inside(self, points: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
        """(B, m, A) bool: the candidates of the boxes (B, m, 4)."""
        half = boxes[..., 2:].clamp(min=self.least_side) / 2
        low = points - (boxes[..., :2] - half).unsqueeze(2)
        high = (boxes[..., :2] + half).unsqueeze(2) - points
        if self.reach is None:
            return ((low > EDGE) & (high > EDGE)).all(-1)
        limit = (self.reach * strides)[:, None]
        return ((low >= 0) & (high >= 0) & (low <= limit) & (high <= limit)).all(-1)


def _or_best(top: Tensor, index: Tensor, alignment: Tensor) -> tuple[Tensor, Tensor]:
    """The best aligned location of all (B, m, A) in the first place (B, m, k) of those that found none."""
    best, where = alignment.max(2, keepdim=True)
    none = top[..., :1] <= 0
    return (
        torch.cat((torch.where(none, best, top[..., :1]), top[..., 1:]), 2),
        torch.cat((torch.where(none, where, index[..., :1]), index[..., 1:]), 2),
    )
