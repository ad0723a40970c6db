"""YOLOv7's refinement of YOLOv5's pairs: of all candidates each object keeps the few that cost least (simplified
optimal transport, Ge et al. 2021)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from yolosses.assigners.anchor_ratio import AnchorPairs
from yolosses.boxes import paired_iou

CHUNK = 8
MOST = 10
"""Predictors that an object can have: its number is the sum of its ten largest IoUs, rounded down, at least 1."""
IOU_WEIGHT = 3.0
EPS = 1e-8
LEAST_LOG = -100.0


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
        pred_boxes: (B, N, 4) cxcywh in pixels, objectness: (B, N), classes: (B, N, C) logits of the candidates.
        gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding. gt_labels, mask: (B, M).

    Returns:
        The same candidates with other objects and another mask.
    """
    log_q = (logsigmoid(classes) + logsigmoid(objectness)[..., None]) / 2
    log_rest = (-log_q.expm1()).log().clamp(min=LEAST_LOG)  # log(1 - q)
    all_wrong = -log_rest.sum(-1)  # what it costs if no class is the true one
    labels = gt_labels.clamp(0, classes.shape[2] - 1)
    lowest = torch.full_like(all_wrong, torch.inf)
    payer, taker, takers = (torch.zeros_like(pairs.object) for _ in range(3))
    for start in range(0, gt_boxes.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        counts = mask[:, part, None] & pairs.mask[:, None]
        iou = torch.where(counts, paired_iou(gt_boxes[:, part, None], pred_boxes[:, None]), 0)
        which = labels[:, None, part].expand(-1, iou.shape[2], -1)
        cost = all_wrong[:, None] + (log_rest.gather(2, which) - log_q.gather(2, which)).mT
        cost = torch.where(counts, cost - IOU_WEIGHT * (iou + EPS).log(), torch.inf)
        takes = _cheapest(cost, iou)
        number = torch.arange(start, start + iou.shape[1], device=iou.device)[:, None]
        taker = torch.maximum(taker, torch.where(takes, number, 0).amax(1))
        takers = takers + takes.sum(1)
        value, who = cost.min(1)
        payer = torch.where(value < lowest, who + start, payer)
        lowest = torch.minimum(lowest, value)
    kept = takers > 0
    return replace(
        pairs,
        predictor=torch.where(kept, pairs.predictor, 0),
        object=torch.where(kept, torch.where(takers > 1, payer, taker), 0),
        mask=kept,
    )


def _cheapest(cost: Tensor, iou: Tensor) -> Tensor:
    """(B, m, N) bool: the candidates that each object takes. One predictor that is there several times costs the same
    each time; of equals the first are taken, which `topk` does not promise."""
    most = min(MOST, cost.shape[2])
    number = iou.topk(most, 2).values.sum(2, keepdim=True).long().clamp(1, most)
    limit = cost.topk(most, 2, largest=False).values.gather(2, number - 1)
    below, equal = cost < limit, cost == limit
    left = number - below.sum(2, keepdim=True)
    return (below | (equal & (equal.cumsum(2) <= left))) & cost.isfinite()
