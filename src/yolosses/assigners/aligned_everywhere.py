"""Task-aligned assignment by comparing every object with every location, some objects at a time: every shape is known
beforehand, and nothing makes the host wait for the device."""

from __future__ import annotations

import torch
from torch import Tensor

from yolosses.assigners.alignment import Alignment, Wanted, best
from yolosses.codecs.levels import Layout

CHUNK = 8
"""Objects that are compared with all locations at once: memory grows with images x locations, not with objects."""


def take_by_comparing_all(
    alignment: Alignment, wanted: Wanted, gt_boxes: Tensor, labels: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Which locations the objects take, for boxes (B, M, 4), labels and mask (B, M).

    Returns:
        (B, M, k) locations that each object takes, (B, M, k) whether they count, and (B, A) the object that gets each
        location if several take it.
    """
    images, num_predictors = alignment.pred_boxes.shape[:2]
    most = alignment.pred_boxes.new_full((images, num_predictors), -1)
    contender = labels.new_zeros(images, num_predictors)
    taken, valid = [], []
    for start in range(0, gt_boxes.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        there = mask[:, part, None]
        inside = _inside(alignment.levels, wanted, gt_boxes[:, part]) & there
        overlap = alignment.overlap(gt_boxes[:, part, None], alignment.pred_boxes[:, None]).clamp(min=0)
        aligned = alignment.of(overlap, _scores(alignment, labels[:, part]))
        positive, index = best(torch.where(inside, aligned, 0), wanted.topk)
        if wanted.fallback:
            positive, index = _or_best(positive, index, torch.where(there, aligned, 0))
        taken.append(index)
        valid.append(positive)
        match wanted.contested:
            case "inside":
                eligible = inside
            case "all":
                eligible = there
            case _:
                eligible = torch.zeros_like(inside).scatter(2, index, positive)
        overlap = torch.where(eligible, overlap, -1)
        who = overlap.argmax(1, keepdim=True)  # the first of equals
        value = overlap.gather(1, who).squeeze(1)
        contender = torch.where(value > most, who.squeeze(1) + start, contender)
        most = torch.maximum(most, value)
    return torch.cat(taken, 1), torch.cat(valid, 1), contender


def _inside(levels: Layout, wanted: Wanted, boxes: Tensor) -> Tensor:
    """(B, m, A) bool: the candidates of the boxes (B, m, 4)."""
    parts = []
    for (rows, cols), stride in zip(levels.grids, levels.strides, strict=True):
        x, y = (
            (torch.arange(n, device=boxes.device, dtype=boxes.dtype) + 0.5) * stride for n in (cols, rows)
        )
        across, down = wanted.inside(x, boxes[..., 0::2], stride), wanted.inside(y, boxes[..., 1::2], stride)
        parts.append((down[..., :, None] & across[..., None, :]).flatten(2))
    return torch.cat(parts, 2)


def _scores(alignment: Alignment, labels: Tensor) -> Tensor:
    """(B, m, A) the scores of all locations for the classes ``labels`` (B, m)."""
    image = torch.arange(len(labels), device=labels.device)[:, None, None]
    counts = alignment.levels.counts
    locations = (torch.arange(count, device=labels.device) for count in counts)
    return torch.cat(
        [
            alignment.pred_scores.at(level, image, location, labels[..., None])
            for level, location in enumerate(locations)
        ],
        2,
    )


def _or_best(positive: Tensor, index: Tensor, alignment: Tensor) -> tuple[Tensor, Tensor]:
    """The best aligned location of all (B, m, A) in the first place (B, m, k) of those that found none."""
    found, where = best(alignment, 1)
    none = ~positive[..., :1]
    return (
        torch.cat((torch.where(none, found, positive[..., :1]), positive[..., 1:]), 2),
        torch.cat((torch.where(none, where, index[..., :1]), index[..., 1:]), 2),
    )
