"""What the losses of YOLOv2 to v4 share: one slot for each predictor, that several objects may want."""

from __future__ import annotations

import torch
from torch import Tensor

from yolosses.assigners.best_anchor import last_of_each
from yolosses.assigners.pairs import count_unassigned, take_rows
from yolosses.boxes import paired_iou
from yolosses.codecs import AnchorCodec
from yolosses.losses.pairs import Pairs
from yolosses.structures import Assignment, Targets


def objects_of(codec: AnchorCodec, targets: Targets, like: Tensor) -> tuple[Tensor, Targets, Tensor]:
    """(B, M) their numbers, the objects with neutral ones for padding, and (B, M, 4) their boxes in pixels."""
    everyone = torch.arange(targets.mask.shape[1], device=like.device).expand_as(targets.labels)
    truth = targets.at(everyone, targets.positive)
    return everyone, truth, codec.in_pixels(truth.boxes).to(like.dtype)


def with_overlapping(
    best: tuple[Tensor, Tensor, Tensor], highest: Tensor, whose: Tensor, threshold: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Before the pairs ``best`` (predictor, object, mask) one of each predictor with the object that it overlaps most,
    if by more than ``threshold``; 1 for none."""
    if threshold >= 1:
        return best
    every = torch.arange(highest.shape[1], device=highest.device).expand_as(whose)
    predictor, object, mask = (
        torch.cat(both, 1) for both in zip((every, whose, highest > threshold), best, strict=True)
    )
    return predictor, object, mask


def assigned(
    boxes: Tensor, gt_boxes: Tensor, pairs: tuple[Tensor, Tensor, Tensor], spared: Tensor, positive: Tensor,
    *, last_wins: bool,
) -> Assignment:  # fmt: skip
    """The assignment of pairs (predictor, object, mask), each (B, P), of ``boxes`` (B, A, 4) and ``gt_boxes`` (B, M, 4)
    in pixels. ``last_wins``: of several objects of a predictor all but the last are dropped."""
    predictor, object, mask = pairs
    predictor, object = torch.where(mask, predictor, 0), torch.where(mask, object, 0)
    both = take_rows(boxes, predictor), take_rows(gt_boxes, object)
    kept = last_of_each(predictor, mask, num_predictors=boxes.shape[1]) if last_wins else mask
    return Assignment(
        predictor=predictor, object=object, mask=mask, iou=torch.where(mask, paired_iou(*both), 0),
        num_dropped=count_unassigned(object, kept, positive), spared=spared,
    )  # fmt: skip


def classes_of_slots(pairs: Pairs, num_classes: int) -> Tensor:
    """(..., C) bool: the classes of all pairs of the same predictor."""
    slots = pairs.images * pairs.predictors + 1
    known = (pairs.slot < slots - 1) & (pairs.labels >= 0) & (pairs.labels < num_classes)
    entry = torch.where(known, pairs.slot * num_classes + pairs.labels, (slots - 1) * num_classes)
    table = known.new_zeros(slots * num_classes).index_fill(0, entry.flatten(), True)
    return table.view(slots, num_classes)[pairs.slot]


def half_squared_error(pred: Tensor, target: Tensor) -> Tensor:
    """(p - t)^2 / 2: what Darknet descends where its delta is t - p."""
    return (pred - target).square() / 2
