"""SimOTA: each object takes the locations that cost it least, as many as the boxes there allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from yolosses import modes
from yolosses.arguments import integer, number
from yolosses.assigners.operators import operator
from yolosses.assigners.pairs import count_unassigned, resolve_conflicts, take_rows
from yolosses.assigners.sim_ota_central import EPS, largest_cost, log, take_central
from yolosses.boxes import paired_iou
from yolosses.codecs import ClassScores, Levels
from yolosses.codecs.levels import Layout
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
    """

    radius: float = 1.5
    topk: int = 10
    iou_cost: float = 3.0
    outside_cost: float = 1e6

    def __post_init__(self) -> None:
        integer("topk", self.topk)
        for name in ("radius", "iou_cost", "outside_cost"):
            number(name, getattr(self, name))

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
            pred_scores: of all locations; YOLOX takes the root of objectness times class.
            gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding. gt_labels: (B, M). mask: (B, M) bool.
        """
        labels = gt_labels.clamp(0, pred_scores.num_classes - 1)
        count = levels.num_predictors
        taken, valid, cheapest = _find(
            pred_boxes, list(pred_scores.logits), list(pred_scores.objectness or ()),
            [side for grid in levels.grids for side in grid], [float(stride) for stride in levels.strides],
            float(self.radius), self.topk if self.topk <= count else count, float(self.iou_cost),
            float(self.outside_cost), gt_boxes, labels, mask,
        )  # fmt: skip
        predictor, object, chosen = resolve_conflicts(taken, valid, cheapest)
        iou = paired_iou(take_rows(pred_boxes, predictor), take_rows(gt_boxes, object))
        return Assignment(
            predictor=torch.where(chosen, predictor, 0),
            object=torch.where(chosen, object, 0),
            mask=chosen,
            iou=torch.where(chosen, iou, 0),
            num_dropped=count_unassigned(object, chosen, mask),
        )


def _search(
    pred_boxes: Tensor, logits: list[Tensor], objectness: list[Tensor], sides: list[int], strides: list[float],
    radius: float, topk: int, iou_cost: float, outside_cost: float, gt_boxes: Tensor, labels: Tensor, mask: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(B, M, k) locations that each object takes, (B, M, k) whether they count, and (B, A) the object to which each
    location is cheapest."""
    levels = Layout(grids=tuple(zip(sides[::2], sides[1::2], strict=True)), strides=tuple(strides))
    scores = ClassScores(logits=tuple(logits), objectness=tuple(objectness) or None)
    points = levels.points(pred_boxes), radius * levels.stride_of(pred_boxes)

    def compare_all(images: Tensor | slice) -> tuple[Tensor, Tensor, Tensor]:
        return take_by_comparing_all(
            pred_boxes=pred_boxes[images], scores=scores.of_images(images), points=points, gt_boxes=gt_boxes[images],
            labels=labels[images], mask=mask[images], topk=topk, iou_cost=iou_cost, outside_cost=outside_cost,
        )  # fmt: skip

    if not modes.dynamic_lengths(pred_boxes) or outside_cost <= largest_cost(scores.num_classes, iou_cost):
        return compare_all(slice(None))
    taken, valid, cheapest, complete = take_central(
        levels=levels, pred_boxes=pred_boxes, scores=scores, gt_boxes=gt_boxes, labels=labels, mask=mask,
        radius=radius, topk=topk, iou_cost=iou_cost,
    )  # fmt: skip
    rest = (~complete).nonzero().squeeze(1)
    if len(rest):
        taken[rest], valid[rest], cheapest[rest] = compare_all(rest)
    return taken, valid, cheapest


def _shapes(pred_boxes: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    topk, labels, mask = rest[5], rest[-2], rest[-1]
    shape = (*labels.shape, topk)
    return labels.new_empty(shape), mask.new_empty(shape), labels.new_empty(pred_boxes.shape[:2])


_find = operator(
    "sim_ota(Tensor pred_boxes, Tensor[] logits, Tensor[] objectness, SymInt[] sides, float[] strides, float radius, "
    "SymInt topk, float iou_cost, float outside_cost, Tensor gt_boxes, Tensor labels, Tensor mask) "
    "-> (Tensor, Tensor, Tensor)",
    _search,
    _shapes,
)


def take_by_comparing_all(
    *,
    pred_boxes: Tensor,
    scores: ClassScores,
    points: tuple[Tensor, Tensor],
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
    topk: int,
    iou_cost: float,
    outside_cost: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Every object with every location, some objects at a time: shapes are known beforehand, and nothing waits for the
    device. ``points``: (A, 2) x, y of the locations in pixels, and (A,) how near a centre has to be."""
    pred_scores = scores.everywhere()
    images, num_predictors = pred_boxes.shape[:2]
    rank = torch.arange(topk, device=labels.device)
    absent = -log(pred_scores, complement=True).sum(-1)  # (B, A) the cost of belonging to no class
    parts = [slice(start, start + CHUNK) for start in range(0, gt_boxes.shape[1], CHUNK)]
    candidate = torch.zeros_like(absent, dtype=torch.bool)
    for part in parts:
        candidate = candidate | _central(*points, gt_boxes[:, part], mask[:, part]).any(1)

    least = torch.full_like(absent, float("inf"))
    cheapest = labels.new_zeros(images, num_predictors)
    taken, valid = [], []
    for part in parts:
        central = _central(*points, gt_boxes[:, part], mask[:, part])
        eligible = candidate[:, None] & mask[:, part, None]
        iou = torch.where(eligible, paired_iou(gt_boxes[:, part, None], pred_boxes[:, None]), 0)
        score = pred_scores.gather(2, labels[:, None, part].expand(-1, num_predictors, -1)).mT
        cost = absent[:, None] + log(score, complement=True) - log(score)
        cost = cost - iou_cost * (iou + EPS).log() + outside_cost * ~central
        cost = torch.where(eligible, cost, float("inf"))
        wanted = iou.topk(topk, dim=2).values.sum(2, keepdim=True).long().clamp(min=1)
        top, index = cost.topk(topk, dim=2, largest=False)
        taken.append(index)
        valid.append((rank < wanted) & top.isfinite())
        who = cost.argmin(1, keepdim=True)  # the first of equals
        value = cost.gather(1, who).squeeze(1)
        cheapest = torch.where(value < least, who.squeeze(1) + part.start, cheapest)
        least = torch.minimum(least, value)
    return torch.cat(taken, 1), torch.cat(valid, 1), cheapest


def _central(points: Tensor, reach: Tensor, boxes: Tensor, mask: Tensor) -> Tensor:
    """(B, m, A) bool: locations central to the objects ``boxes`` (B, m, 4) where ``mask`` (B, m)."""
    near_x = (points[:, 0] - boxes[..., 0, None]).abs() < reach
    near_y = (points[:, 1] - boxes[..., 1, None]).abs() < reach
    return near_x & near_y & mask[..., None]
