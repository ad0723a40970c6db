"""Darknet's rules: the anchor whose shape is nearest is responsible for an object, in the cell of its centre; and a
predictor that overlaps some object well is not punished as background."""

from __future__ import annotations

import torch
from torch import Tensor

from yolosses import modes
from yolosses.assigners.operators import operator
from yolosses.assigners.touching import beside_one_another
from yolosses.boxes import paired_iou

CHUNK = 8
"""Objects that are compared with all predictors at once: memory grows with images x predictors, not with objects."""
FEW = 1 << 15
"""Pairs of an image that are compared sooner than the ones that touch are found."""


def shape_iou(sizes1: Tensor, sizes2: Tensor) -> Tensor:
    """IoU of boxes laid on one centre: (..., 2) w, h, shapes that broadcast -> (...). 0 where neither has an area."""
    common = torch.minimum(sizes1, sizes2).prod(-1)
    union = sizes1.prod(-1) + sizes2.prod(-1) - common
    return torch.where(union > 0, common / torch.where(union > 0, union, 1), 0)


def best_anchor(sizes: Tensor, anchors: Tensor) -> Tensor:
    """(...) the number of the anchor, of ``anchors`` (N, 2), whose shape is nearest to each of ``sizes`` (..., 2)
    in the same unit; the first of equals."""
    return shape_iou(sizes.unsqueeze(-2), anchors).argmax(-1)


def last_of_each(predictor: Tensor, mask: Tensor, *, num_predictors: int) -> Tensor:
    """(B, P) bool: of the pairs that count and share a predictor, the last: Darknet writes them one over
    another. ``predictor``: (B, P) int64; ``mask``: (B, P) bool."""
    # Pairs that do not count meet in an extra place, so that every shape stays constant.
    place = torch.where(mask, predictor, num_predictors)
    order = torch.arange(place.shape[1], device=place.device).expand_as(place)
    nobody = place.new_zeros(len(place), num_predictors + 1)
    return mask & (nobody.scatter_reduce(1, place, order, "amax").gather(1, place) == order)


@torch.no_grad()
def highest_iou(pred_boxes: Tensor, gt_boxes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(B, A) the largest IoU of each predicted box with any object, and (B, A) that object, the first of equals;
    0 and 0 where there is none.

    Args:
        pred_boxes: (B, A, 4), gt_boxes: (B, M, 4) cxcywh in one unit, finite also in padding. mask: (B, M) bool.
    """
    return _search(pred_boxes, gt_boxes, mask)


def _highest_iou(pred_boxes: Tensor, gt_boxes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    few = pred_boxes.shape[1] * gt_boxes.shape[1] <= FEW
    compare = compare_touching if modes.dynamic_lengths(pred_boxes) and not few else compare_all
    return compare(pred_boxes, gt_boxes, mask)


def compare_all(pred_boxes: Tensor, gt_boxes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """As `highest_iou`: all shapes are known beforehand, and nothing waits for the device."""
    highest = pred_boxes.new_zeros(pred_boxes.shape[:2])
    whose = torch.zeros_like(highest, dtype=torch.int64)
    for start in range(0, gt_boxes.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        iou = paired_iou(pred_boxes[:, None], gt_boxes[:, part, None])
        iou = torch.where(mask[:, part, None], iou, 0)
        who = iou.argmax(1, keepdim=True)
        value = iou.gather(1, who).squeeze(1)
        whose = torch.where(value > highest, who.squeeze(1) + start, whose)
        highest = torch.maximum(highest, value)
    return highest, whose


def compare_touching(pred_boxes: Tensor, gt_boxes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """As `highest_iou`: each object with the boxes that it may overlap, for a CPU."""
    highest = pred_boxes.new_zeros(pred_boxes.shape[:2])
    whose = torch.zeros_like(highest, dtype=torch.int64)
    for image, boxes in enumerate(pred_boxes):
        everyone = mask[image].nonzero().squeeze(1)
        if not len(everyone) or not len(boxes):
            continue
        truths, most, owner = gt_boxes[image, everyone], highest[image], whose[image]
        for object, near in beside_one_another(truths, boxes):
            value, row = paired_iou(boxes[near], truths[object, None]).max(0)  # the first of equals
            number, before, mine = everyone[object[row]], most[near], owner[near]
            first = (value > before) | ((value == before) & (value > 0) & (number < mine))
            owner[near], most[near] = torch.where(first, number, mine), torch.maximum(value, before)
    return highest, whose


def _shapes(pred_boxes: Tensor, gt_boxes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    highest = pred_boxes.new_empty(pred_boxes.shape[:2])
    return highest, torch.empty_like(highest, dtype=torch.int64)


_search = operator(
    "highest_iou(Tensor pred_boxes, Tensor gt_boxes, Tensor mask) -> (Tensor, Tensor)", _highest_iou, _shapes
)
