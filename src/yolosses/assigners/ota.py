"""YOLOv7's refinement of YOLOv5's pairs: of all candidates each object keeps the few that cost least (simplified optimal
transport, Ge et al. 2021)."""

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
    """The candidates of an image are all its pairs, whatever object made them, one predictor possibly several times. Object
    j pays for candidate n ``sum_c BCE(q_nc, 1 for j's class, else 0) - 3 log(IoU_jn + 1e-8)``, q = sqrt(class probability x
    objectness), and takes as many of the cheapest as its ten largest IoUs sum up to. A candidate that several take goes to
    the one that pays least, of all objects of the image.

    Args:
        pairs: from `match_anchors`, N candidates.
        pred_boxes: (B, N, 4) cxcywh in pixels, objectness: (B, N), classes: (B, N, C) logits of the candidates.
        gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding. gt_labels, mask: (B, M).

    Returns:
        The same candidates with other objects and another mask.
    """
    log_q = (logsigmoid(classes) + logsigmoid(objectness)[..., None]) / 2
    log_rest = torch.log1p(-log_q.exp()).clamp(min=LEAST_LOG)
    all_wrong = -log_rest.sum(-1)  # what it costs if no class is the true one
    labels = gt_labels.clamp(0, classes.shape[2] - 1)
    images, candidates = pairs.mask.shape
    lowest = all_wrong.new_full((images, candidates), torch.inf)
    payer, taken_by = torch.zeros_like(pairs.object), torch.zeros_like(pairs.object)
    takers = torch.zeros_like(pairs.object)
    for start in range(0, gt_boxes.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        counts = mask[:, part, None] & pairs.mask[:, None]
        iou = paired_iou(gt_boxes[:, part, None], pred_boxes[:, None])
        which = labels[:, None, part].expand(-1, candidates, -1)
        cost = all_wrong[:, None] + (log_rest.gather(2, which) - log_q.gather(2, which)).mT
        cost = torch.where(counts, cost - IOU_WEIGHT * (iou + 1e-8).log(), torch.inf)
        k = min(MOST, candidates)
        number = torch.where(counts, iou, 0).topk(k, 2).values.sum(2).long().clamp(min=1)
        # Not topk: one predictor that is there twice costs the same twice, and then the first is meant, on every device.
        cheapest, index = (part[..., :k] for part in cost.sort(dim=2, stable=True))
        rank = torch.arange(k, device=cost.device)
        takes = (rank < number[..., None]) & cheapest.isfinite()
        object = torch.arange(start, start + takes.shape[1], device=cost.device)[None, :, None].expand_as(
            takes
        )
        place = torch.where(takes, index, candidates).flatten(1)
        room = takers.new_zeros(images, candidates + 1)
        takers = takers + room.scatter_add(1, place, torch.ones_like(place))[:, :-1]
        taken_by = torch.maximum(taken_by, room.scatter_reduce(1, place, object.flatten(1), "amax")[:, :-1])
        who = cost.argmin(1, keepdim=True)  # the first of equals
        value = cost.gather(1, who).squeeze(1)
        payer = torch.where(value < lowest, who.squeeze(1) + start, payer)
        lowest = torch.minimum(lowest, value)
    kept = takers > 0
    return replace(
        pairs,
        predictor=torch.where(kept, pairs.predictor, 0),
        object=torch.where(kept, torch.where(takers > 1, payer, taken_by), 0),
        mask=kept,
    )
