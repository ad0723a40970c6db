"""Task-aligned assignment: the locations whose class score and box both fit an object answer for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.arguments import require_at_least
from yolosses.assigners.pairs import first_of_each, largest_of_each, unanswered
from yolosses.boxes import Similarity, paired_ciou, paired_iou
from yolosses.structures import Assignment

CHUNK = 8
"""Objects that are compared with all locations at once: memory grows with images x locations, not with objects."""
EDGE = 1e-9
EPS = 1e-9


@dataclass(frozen=True, kw_only=True)
class TaskAligned:
    """Feng et al. 2021 (TOOD, eq. 4) as YOLOv6 and v8 have it. For object j and location i with class score s_ij and
    overlap o_ij, the alignment is ``t_ij = s_ij^alpha o_ij^beta``.

    1. Candidates of an object: locations strictly inside its box.
    2. Of these it takes the ``topk`` with the largest alignment above 0.
    3. A location taken by several objects goes to the one that it overlaps most, of all objects of the image.
    4. With ``keep_best`` each object then keeps only its best location.
    5. The quality of a pair, the soft target of its class, is ``t_ij max_i(o_ij) / (max_i(t_ij) + 1e-9)``.

    Attributes:
        topk, alpha, beta: as above. overlap: similarity of boxes cxcywh, negative ones count as 0.
        least_side: pixels that a box is widened to for step 1 alone, so that small objects have candidates.
        keep_best: step 4.
        contested_inside: in step 3 an object can only win locations inside its box.
    """

    topk: int = 10
    alpha: float = 0.5
    beta: float = 6.0
    overlap: Similarity = paired_ciou
    least_side: float = 0.0
    keep_best: bool = False
    contested_inside: bool = True

    def __post_init__(self) -> None:
        require_at_least("topk", self.topk, 1, kind=int)
        for name in ("alpha", "beta", "least_side"):
            require_at_least(name, getattr(self, name), 0)

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
        """Who answers for what: P = M * topk pairs.

        Args:
            pred_boxes: (B, A, 4) cxcywh in pixels. pred_scores: (B, A, C) probabilities.
            points: (A, 2) x, y in pixels. strides: (A,), not used here.
            gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding. gt_labels: (B, M). mask: (B, M) bool.
        """
        labels = gt_labels.clamp(0, pred_scores.shape[2] - 1)
        num_predictors, num_objects = pred_boxes.shape[1], gt_boxes.shape[1]
        taken, valid, contender = self._take(pred_boxes, pred_scores, points, gt_boxes, labels, mask)
        k = taken.shape[2]
        predictor, valid = taken.flatten(1), valid.flatten(1)
        own = torch.arange(num_objects, device=taken.device).repeat_interleave(k, output_size=num_objects * k)
        place = torch.where(valid, predictor, num_predictors)
        takers = torch.zeros_like(place).new_zeros(len(place), num_predictors + 1)
        takers = takers.scatter_add(1, place, torch.ones_like(place)).gather(1, place)
        object = torch.where(takers > 1, contender.gather(1, predictor), own.expand_as(predictor))
        chosen = first_of_each(predictor, valid, num_predictors=num_predictors)

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
        gt_boxes: Tensor,
        labels: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, M, k) locations that each object takes, (B, M, k) whether they count, and (B, A) the object that each
        location overlaps most."""
        images, num_predictors = pred_boxes.shape[:2]
        k = min(self.topk, num_predictors)
        most = pred_boxes.new_full((images, num_predictors), -1)
        contender = labels.new_zeros(images, num_predictors)
        taken, valid = [], []
        for start in range(0, gt_boxes.shape[1], CHUNK):
            part = slice(start, start + CHUNK)
            inside = self._inside(points, gt_boxes[:, part]) & mask[:, part, None]
            overlap = self.overlap(gt_boxes[:, part, None], pred_boxes[:, None]).clamp(min=0)
            score = pred_scores.gather(2, labels[:, None, part].expand(-1, num_predictors, -1)).mT
            alignment = torch.where(inside, score.pow(self.alpha) * overlap.pow(self.beta), 0)
            top, index = alignment.topk(k, dim=2)
            taken.append(index)
            valid.append(top > 0)
            eligible = inside if self.contested_inside else mask[:, part, None]
            overlap = torch.where(eligible, overlap, -1)
            who = overlap.argmax(1, keepdim=True)  # the first of equals
            value = overlap.gather(1, who).squeeze(1)
            contender = torch.where(value > most, who.squeeze(1) + start, contender)
            most = torch.maximum(most, value)
        return torch.cat(taken, 1), torch.cat(valid, 1), contender

    def _inside(self, points: Tensor, boxes: Tensor) -> Tensor:
        """(B, m, A) bool: locations strictly inside the boxes (B, m, 4), none of them narrower than ``least_side``."""
        half = boxes[..., 2:].clamp(min=self.least_side) / 2
        low, high = (boxes[..., :2] - half).unsqueeze(2), (boxes[..., :2] + half).unsqueeze(2)
        return ((points - low > EDGE) & (high - points > EDGE)).all(-1)
