"""SimOTA: each object takes the locations that cost it least, as many as the boxes there allow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses import host
from yolosses.arguments import require_at_least, require_choice
from yolosses.assigners.pairs import settle, unanswered
from yolosses.assigners.sim_ota_central import EPS, largest_cost, log, take_central
from yolosses.boxes import paired_iou
from yolosses.codecs import ClassScores, Levels
from yolosses.kernels import require_numba
from yolosses.structures import Assignment

CHUNK = 8
"""Objects that are compared with all locations at once: memory grows with images x locations, not with objects."""


@dataclass(frozen=True, kw_only=True)
class SimOTA:
    """Ge et al. 2021 (YOLOX, section 2.1; from OTA, the same year) as the authors' program has it. For object j and
    location i with class scores q_i and IoU_ij, the cost is::

        c_ij = BCE(q_i, one-hot of j's class) - iou_cost log(IoU_ij + 1e-8) + outside_cost if i is not central to j

    1. A location is central to an object when its point lies less than ``radius`` of its strides from the object's
       centre on both axes. Candidates are the locations central to any object of the image.
    2. k_j is the sum of the object's ``topk`` largest IoUs over all candidates, rounded down, at least 1.
    3. An object takes its k_j candidates of least cost. With none central to it, that is one of another object's.
    4. A location taken by several objects goes to the one of least cost, of all objects of the image; of equals the
       first.

    An object far outside the image has no candidate if it is alone, and is dropped.

    Attributes:
        radius, topk, iou_cost, outside_cost: as above.
        impl: "torch", or "numba": a loop for a CPU for step 2, but in compiled graphs.
    """

    radius: float = 1.5
    topk: int = 10
    iou_cost: float = 3.0
    outside_cost: float = 1e6
    impl: str = "torch"

    def __post_init__(self) -> None:
        require_at_least("topk", self.topk, 1, kind=int)
        for name in ("radius", "iou_cost", "outside_cost"):
            require_at_least(name, getattr(self, name), 0)
        require_choice("impl", self.impl, ("torch", "numba"))

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
        """Who answers for what: P = M * topk pairs.

        Args:
            levels: where the A locations sit, in pixels. pred_boxes: (B, A, 4) cxcywh in pixels.
            pred_scores: of all locations; YOLOX takes the root of objectness times class.
            gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding. gt_labels: (B, M). mask: (B, M) bool.
        """
        if self.impl == "numba":
            require_numba(pred_boxes)
        labels = gt_labels.clamp(0, pred_scores.num_classes - 1)
        taken, valid, cheapest = self._take(levels, pred_boxes, pred_scores, gt_boxes, labels, mask)
        predictor, object, chosen = settle(taken, valid, cheapest)
        iou = paired_iou(
            pred_boxes.take_along_dim(predictor[..., None], 1), gt_boxes.take_along_dim(object[..., None], 1)
        )
        return Assignment(
            predictor=torch.where(chosen, predictor, 0),
            object=torch.where(chosen, object, 0),
            mask=chosen,
            iou=torch.where(chosen, iou, 0),
            num_dropped=unanswered(object, chosen, mask),
        )

    def _take(
        self,
        levels: Levels,
        pred_boxes: Tensor,
        pred_scores: ClassScores,
        gt_boxes: Tensor,
        labels: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, M, k) locations that each object takes, (B, M, k) whether they count, and (B, A) the object to which
        each location is cheapest."""
        points, strides = levels.points(pred_boxes), levels.stride_of(pred_boxes)
        bound = largest_cost(pred_scores.num_classes, self.iou_cost)
        if not host.lengths_are_free(pred_boxes) or self.outside_cost <= bound:
            return self._compare_all(pred_boxes, pred_scores, points, strides, gt_boxes, labels, mask)
        found = take_central(
            levels=levels, pred_boxes=pred_boxes, scores=pred_scores, gt_boxes=gt_boxes, labels=labels, mask=mask,
            radius=self.radius, topk=self.topk, iou_cost=self.iou_cost, impl=self.impl,
        )  # fmt: skip
        taken, valid, cheapest, complete = found
        rest = (~complete).nonzero().squeeze(1)
        if len(rest):
            taken[rest], valid[rest], cheapest[rest] = self._compare_all(
                pred_boxes[rest],
                pred_scores.of_images(rest),
                points,
                strides,
                gt_boxes[rest],
                labels[rest],
                mask[rest],
            )
        return taken, valid, cheapest

    def _compare_all(
        self,
        pred_boxes: Tensor,
        scores: ClassScores,
        points: Tensor,
        strides: Tensor,
        gt_boxes: Tensor,
        labels: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `_take`, by comparing every object with every location, some objects at a time."""
        pred_scores = scores.everywhere()
        images, num_predictors = pred_boxes.shape[:2]
        k = min(self.topk, num_predictors)
        rank = torch.arange(k, device=labels.device)
        absent = -log(pred_scores, complement=True).sum(-1)  # (B, A) the cost of belonging to no class
        parts = [slice(start, start + CHUNK) for start in range(0, gt_boxes.shape[1], CHUNK)]
        candidate = torch.zeros_like(absent, dtype=torch.bool)
        for part in parts:
            candidate = candidate | self._central(points, strides, gt_boxes[:, part], mask[:, part]).any(1)

        least = torch.full_like(absent, float("inf"))
        cheapest = labels.new_zeros(images, num_predictors)
        taken, valid = [], []
        for part in parts:
            central = self._central(points, strides, gt_boxes[:, part], mask[:, part])
            eligible = candidate[:, None] & mask[:, part, None]
            iou = torch.where(eligible, paired_iou(gt_boxes[:, part, None], pred_boxes[:, None]), 0)
            score = pred_scores.gather(2, labels[:, None, part].expand(-1, num_predictors, -1)).mT
            cost = absent[:, None] + log(score, complement=True) - log(score)
            cost = cost - self.iou_cost * (iou + EPS).log() + self.outside_cost * ~central
            cost = torch.where(eligible, cost, float("inf"))
            wanted = iou.topk(k, dim=2).values.sum(2, keepdim=True).long().clamp(min=1)
            top, index = cost.topk(k, dim=2, largest=False)
            taken.append(index)
            valid.append((rank < wanted) & top.isfinite())
            who = cost.argmin(1, keepdim=True)  # the first of equals
            value = cost.gather(1, who).squeeze(1)
            cheapest = torch.where(value < least, who.squeeze(1) + part.start, cheapest)
            least = torch.minimum(least, value)
        return torch.cat(taken, 1), torch.cat(valid, 1), cheapest

    def _central(self, points: Tensor, strides: Tensor, boxes: Tensor, mask: Tensor) -> Tensor:
        """(B, m, A) bool: locations central to the objects ``boxes`` (B, m, 4) where ``mask`` (B, m)."""
        reach = self.radius * strides
        near_x = (points[:, 0] - boxes[..., 0, None]).abs() < reach
        near_y = (points[:, 1] - boxes[..., 1, None]).abs() < reach
        return near_x & near_y & mask[..., None]
