"""YOLOv7's refinement of YOLOv5's pairs: of all candidates each object keeps the few that cost least (simplified
optimal transport, Ge et al. 2021)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from yolosses import modes
from yolosses.assigners.anchor_ratio import AnchorPairs
from yolosses.assigners.operators import operator
from yolosses.assigners.ota_costs import cheapest, class_cost, highest_price, pair_cost
from yolosses.assigners.ota_touching import refine_by_touching
from yolosses.boxes import paired_iou

CHUNK = 8
"""Objects that are compared with all candidates at once: memory grows with candidates, not with objects times these."""


@torch.no_grad()
def refine_pairs(
    pairs: AnchorPairs,
    *,
    pred_boxes: Tensor,
    objectness: Tensor,
    classes: Tensor,
    gt_boxes: Tensor,
    gt_labels: Tensor,
    mask: Tensor,
) -> AnchorPairs:
    """The candidates of an image are all its pairs, whatever object made them, one predictor possibly several times.
    Object j pays for candidate n ``sum_c BCE(q_nc, 1 for j's class, else 0) - 3 log(IoU_jn + 1e-8)``, q = sqrt(class
    probability x objectness), and takes as many of the cheapest as its ten largest IoUs sum up to. A candidate that
    several take goes to the one that pays least, of all objects of the image.

    Args:
        pairs: from `match_anchors`, N candidates.
        pred_boxes: (B, N, 4) cxcywh in pixels, objectness: (B, N), classes: (B, N, C) logits of the candidates. What
            they are of pairs that do not count is not looked at.
        gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding. gt_labels, mask: (B, M).

    Returns:
        The same candidates with other objects and another mask.
    """
    labels = gt_labels.clamp(0, classes.shape[2] - 1)
    object, kept = _refine(pairs.mask, pred_boxes, objectness, classes, gt_boxes, labels, mask)
    return replace(
        pairs,
        predictor=torch.where(kept, pairs.predictor, 0),
        object=torch.where(kept, object, 0),
        mask=kept,
    )


def _search(
    counts: Tensor,
    pred_boxes: Tensor,
    objectness: Tensor,
    classes: Tensor,
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
) -> tuple[Tensor, Tensor]:
    """(B, N) the object of each candidate, and whether any takes it; ``counts`` (B, N): which candidates do."""
    refine = refine_by_touching if modes.dynamic_lengths(pred_boxes) else refine_by_comparing_all
    return refine(counts, pred_boxes, objectness, classes, gt_boxes, labels, mask)


def refine_by_comparing_all(
    counts: Tensor,
    pred_boxes: Tensor,
    objectness: Tensor,
    classes: Tensor,
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
) -> tuple[Tensor, Tensor]:
    """As `ota_touching.refine_by_touching`, by comparing every object with every candidate: all shapes are known
    beforehand, and nothing waits for the device."""
    of_class = class_cost(classes, objectness)
    lowest = torch.full_like(of_class[..., 0], torch.inf)
    payer, taker, takers = (torch.zeros_like(counts, dtype=torch.int64) for _ in range(3))
    for start in range(0, gt_boxes.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        pairs = mask[:, part, None] & counts[:, None]
        iou = torch.where(pairs, paired_iou(gt_boxes[:, part, None], pred_boxes[:, None]), 0)
        which = labels[:, None, part].expand(-1, iou.shape[2], -1)
        cost = torch.where(pairs, pair_cost(of_class.gather(2, which).mT, iou), torch.inf)
        takes = cheapest(cost, *highest_price(cost, iou))
        number = torch.arange(start, start + iou.shape[1], device=iou.device)[:, None]
        taker = torch.maximum(taker, torch.where(takes, number, 0).amax(1))
        takers = takers + takes.sum(1)
        value, who = cost.min(1)
        payer = torch.where(value < lowest, who + start, payer)
        lowest = torch.minimum(lowest, value)
    return torch.where(takers > 1, payer, taker), takers > 0


def _shapes(counts: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(counts, dtype=torch.int64), torch.empty_like(counts)


_refine = operator(
    "ota_refinement(Tensor counts, Tensor pred_boxes, Tensor objectness, Tensor classes, Tensor gt_boxes, "
    "Tensor labels, Tensor mask) -> (Tensor, Tensor)",
    _search,
    _shapes,
)
