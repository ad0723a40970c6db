"""SimOTA by listing the locations central to each object, some dozens, instead of comparing every object with every
location. For the CPU, where nothing waits for a length."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.assigners.windows import Block, blocks_of, windows_of
from yolosses.boxes import paired_iou
from yolosses.codecs import ClassScores
from yolosses.codecs.levels import Layout

LEAST_LOG = -100.0  # where `torch.nn.functional.binary_cross_entropy` stops as well
EPS = 1e-8
SLACK = 1e-2
"""Pixels by which boxes are widened where it is asked whether they touch, so that rounding hides none that do."""
BLOCK = 1 << 19
"""IoUs that are computed at once."""


class Central(NamedTuple):
    """What `take_central` found.

    Attributes:
        taken: (B, M, k) locations that each object takes. valid: (B, M, k) whether they count.
        cheapest: (B, A) the object to which each location is cheapest.
        complete: (B,) bool, False where an object wants more locations than are central to it.
    """

    taken: Tensor
    valid: Tensor
    cheapest: Tensor
    complete: Tensor


def largest_cost(num_classes: int, iou_cost: float) -> float:
    """No cost of a central location is larger, and none is below 0 but for rounding."""
    return -LEAST_LOG * (num_classes + 1) + 20 * iou_cost


def take_central(
    *,
    levels: Layout,
    pred_boxes: Tensor,
    scores: ClassScores,
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
    radius: float,
    topk: int,
    iou_cost: float,
) -> Central:
    """Who takes what where each object has enough central locations, and others cost more than any of them."""
    images, num_predictors = pred_boxes.shape[:2]
    k = min(topk, num_predictors)
    image, number = mask.nonzero().unbind(1)
    truths, label = gt_boxes[image, number], labels[image, number]

    def near(points: Tensor, boxes: Tensor, stride: float) -> Tensor:
        return (points - boxes[:, :1]).abs() < radius * stride

    # One coordinate after the other in memory, so that each is a run of numbers in all that follows.
    coordinates = pred_boxes.flatten(0, 1).T.contiguous()
    base = image * num_predictors
    blocks = list(blocks_of(windows_of(levels, truths, near), base, least=k))
    candidate = mask.new_zeros(images * num_predictors)
    for block in blocks:
        candidate[block.place[block.inside]] = True
    places = candidate.nonzero().squeeze(1)
    wanted = _numbers_wanted(coordinates, places, truths, image, num_predictors, images, topk=k)
    absent = pred_boxes.new_zeros(images * num_predictors)
    absent[places] = _cost_of_no_class(levels, scores, places)

    taken = labels.new_zeros(*labels.shape, k)
    valid = mask.new_zeros(*labels.shape, k)
    complete = mask.new_ones(images)
    least = torch.full_like(absent, float("inf"))
    owner = torch.zeros_like(candidate, dtype=torch.int64)
    found = torch.zeros_like(image)
    costs = []
    for block in blocks:
        place = block.place
        cost = _cost(block, coordinates, scores, truths, image, label, absent, iou_cost)
        costs.append((block, place, cost))
        number_inside = block.inside.sum(1)
        found[block.box] = number_inside
        order = cost.sort(dim=1, stable=True).indices[:, :k]
        of, which = image[block.box], number[block.box]
        taken[of, which] = place.gather(1, order) - base[block.box, None]
        rank = torch.arange(order.shape[1], device=order.device)
        valid[of, which] = rank < torch.minimum(wanted[block.box], number_inside)[:, None]
        least.scatter_reduce_(0, place.flatten(), cost.flatten(), "amin")
    nobody = len(image)
    owner.fill_(nobody)
    for block, place, cost in costs:
        cheapest = block.inside & (cost == least[place])
        rows, _ = cheapest.nonzero().unbind(1)
        owner.scatter_reduce_(0, place[cheapest], block.box[rows], "amin")  # the first of equals
    complete[image[found < wanted]] = False
    index = torch.cat((number, number.new_zeros(1)))
    return Central(taken, valid, index[owner].view(images, num_predictors), complete)


def _cost(
    block: Block,
    coordinates: Tensor,
    scores: ClassScores,
    truths: Tensor,
    image: Tensor,
    label: Tensor,
    absent: Tensor,
    iou_cost: float,
) -> Tensor:
    """(n, L) of the locations inside; inf elsewhere."""
    place = block.place
    boxes = coordinates.index_select(1, place.flatten()).view(4, *place.shape).movedim(0, 2)
    iou = paired_iou(truths[block.box, None], boxes)
    of, labels = image[block.box, None], label[block.box, None]
    score = torch.cat([scores.at(level, of, part, labels) for level, part in enumerate(block.locations)], 1)
    cost = absent[place] + log(score, complement=True) - log(score) - iou_cost * (iou + EPS).log()
    return torch.where(block.inside, cost, float("inf"))


def _numbers_wanted(
    coordinates: Tensor,
    places: Tensor,
    truths: Tensor,
    image: Tensor,
    num_predictors: int,
    images: int,
    *,
    topk: int,
) -> Tensor:
    """(N,) k of each object: the sum of its largest IoUs over all candidates of its image, rounded down, at least 1."""
    boxes = coordinates.index_select(1, places)
    of_candidates = torch.bincount(places // num_predictors, minlength=images).tolist()
    of_objects = torch.bincount(image, minlength=images).tolist()
    wanted, first = [torch.zeros_like(image[:0])], 0
    for objects, count in zip(torch.split(truths, of_objects), of_candidates, strict=True):
        here = boxes[:, first : first + count]
        first += count
        parts = torch.split(objects, max(1, BLOCK // max(count, 1)))
        wanted += [_sum_of_largest(part, here, topk).long().clamp(min=1) for part in parts]
    return torch.cat(wanted)


def _sum_of_largest(objects: Tensor, boxes: Tensor, topk: int) -> Tensor:
    """(n,) of objects (n, 4) with boxes (4, K), both cxcywh: the sum of the ``topk`` largest IoUs of each object."""
    low, high = boxes[:2] - boxes[2:] / 2 - SLACK, boxes[:2] + boxes[2:] / 2 + SLACK
    starts, ends = objects[:, :2] - objects[:, 2:] / 2, objects[:, :2] + objects[:, 2:] / 2
    # What both have in common on each axis: numbers are compared faster than truth values are joined.
    across, down = (
        torch.minimum(high[axis], ends[:, axis, None]).sub_(torch.maximum(low[axis], starts[:, axis, None]))
        for axis in (0, 1)
    )
    row, column = (torch.minimum(across, down, out=across) > 0).nonzero().unbind(1)
    truths = objects.T.contiguous().index_select(1, row).T
    iou = paired_iou(truths, boxes.index_select(1, column).T)
    counts = torch.bincount(row, minlength=len(objects))
    place = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
    table = iou.new_zeros(len(objects), max([topk, *counts.tolist()]))
    table[row, place] = iou
    return table.topk(topk, dim=1).values.sum(1)


def _cost_of_no_class(levels: Layout, scores: ClassScores, places: Tensor) -> Tensor:
    """(K,) the cost of belonging to no class, at places image * A + predictor in order."""
    predictor = places % levels.num_predictors
    image = places // levels.num_predictors
    logits = scores.logits[0]
    cost = logits.new_empty(len(places), dtype=torch.promote_types(logits.dtype, torch.float32))
    for level, (start, count) in enumerate(zip(levels.starts, levels.counts, strict=True)):
        here = ((predictor >= start) & (predictor < start + count)).nonzero().squeeze(1)
        for part in torch.split(here, BLOCK // scores.num_classes):
            rows = scores.rows(level, image[part], predictor[part] - start)
            cost[part] = -log(rows, complement=True).sum(-1)
    return cost


def log(probability: Tensor, *, complement: bool = False) -> Tensor:
    """log q, or log(1 - q), at least -100."""
    logarithm = (-probability).log1p() if complement else probability.log()
    return logarithm.clamp(min=LEAST_LOG)
