"""Task-aligned assignment by listing the locations inside each object: the work grows with the objects' area, not with
objects times locations. For the CPU, where nothing waits for a length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.assigners.alignment import Alignment, Wanted, best
from yolosses.assigners.windows import BLOCK, Window, blocks_of, everywhere, windows_of
from yolosses.boxes import paired_ciou, paired_diou, paired_eiou, paired_giou, paired_iou, paired_siou
from yolosses.codecs import ClassScores, Levels

OVERLAPS = {
    similarity.__name__: similarity
    for similarity in (paired_iou, paired_giou, paired_diou, paired_ciou, paired_eiou, paired_siou)
}
"""What an operator can be told by name."""


class _Objects(NamedTuple):
    """The objects of a batch without padding, N: ``image`` and ``number`` in it, ``boxes`` (N, 4), ``labels``."""

    image: Tensor
    number: Tensor
    boxes: Tensor
    labels: Tensor


def can_list(alignment: Alignment) -> bool:
    """Whether `take_by_listing` can do it."""
    known = OVERLAPS.get(getattr(alignment.overlap, "__name__", "")) is alignment.overlap
    return known and alignment.pred_boxes.device.type == "cpu"


def take_by_listing(
    alignment: Alignment, wanted: Wanted, gt_boxes: Tensor, labels: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same as `aligned_everywhere.take_by_comparing_all`."""
    levels, scores = alignment.levels, alignment.pred_scores
    taken, valid, contender = _take(
        alignment.pred_boxes, list(scores.logits), list(scores.objectness or ()),
        [side for grid in levels.grids for side in grid], list(levels.strides),
        alignment.alpha, alignment.beta, alignment.overlap.__name__,
        wanted.topk, wanted.least_side, wanted.reach, wanted.fallback, wanted.contested,
        gt_boxes, labels, mask,
    )  # fmt: skip
    return taken, valid, contender


# One operator, so that a compiled graph has shapes that are known beforehand around it.
@torch.library.custom_op("yolosses::task_aligned", mutates_args=())
def _take(
    pred_boxes: Tensor,
    logits: list[Tensor],
    objectness: list[Tensor],
    sides: list[int],
    strides: list[float],
    alpha: float,
    beta: float,
    overlap: str,
    topk: int,
    least_side: float,
    reach: float | None,
    fallback: bool,
    contested: str,
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    levels = Levels(grids=tuple(zip(sides[::2], sides[1::2], strict=True)), strides=tuple(strides))
    scores = ClassScores(logits=tuple(logits), objectness=tuple(objectness) or None)
    alignment = Alignment(
        levels=levels, pred_boxes=pred_boxes, pred_scores=scores, alpha=alpha, beta=beta,
        overlap=OVERLAPS[overlap],
    )  # fmt: skip
    wanted = Wanted(topk, least_side, reach, fallback, contested)
    image, index = mask.nonzero().unbind(1)
    objects = _Objects(image, index, gt_boxes[image, index], labels[image, index])

    windows = windows_of(levels, objects.boxes, wanted.inside)
    found, positive = _best_inside(alignment, windows, objects, wanted.topk)
    if fallback:
        none = (~positive.any(1)).nonzero().squeeze(1)
        lost = _Objects(*(part[none] for part in objects))
        best_anywhere, there = _best_inside(alignment, everywhere(levels, none), lost, 1)
        found[none, :1], positive[none, :1] = best_anywhere, there

    taken = labels.new_zeros(*labels.shape, topk)
    valid = mask.new_zeros(*labels.shape, topk)
    taken[image, index], valid[image, index] = found, positive
    return taken, valid, _contender(alignment, wanted, windows, objects, found, positive)


@_take.register_fake
def _(pred_boxes: Tensor, *rest: object) -> tuple[Tensor, Tensor, Tensor]:
    topk, labels, mask = rest[7], rest[-2], rest[-1]
    assert isinstance(topk, int)
    assert isinstance(labels, Tensor)
    assert isinstance(mask, Tensor)
    shape = (*labels.shape, topk)
    return labels.new_empty(shape), mask.new_empty(shape), labels.new_empty(pred_boxes.shape[:2])


def _best_inside(
    alignment: Alignment, windows: list[Window], objects: _Objects, k: int
) -> tuple[Tensor, Tensor]:
    """(N, k) the best aligned locations in its windows of each object, and whether they count."""
    found = objects.number.new_zeros(len(objects.number), k)
    positive = torch.zeros_like(found, dtype=torch.bool)
    for block in blocks_of(windows, least=k):
        image, label = objects.image[block.box, None], objects.labels[block.box, None]
        score = torch.cat(
            [
                alignment.pred_scores.at(level, image, location, label)
                for level, location in enumerate(block.locations)
            ],
            1,
        )
        truth = objects.boxes[block.box, None]
        overlap = alignment.overlap(truth, alignment.pred_boxes[image, block.predictor]).clamp(min=0)
        aligned = torch.where(block.inside, alignment.of(overlap, score), 0)
        positive[block.box], place = best(aligned, k)
        found[block.box] = block.predictor.gather(1, place)
    return found, positive


def _contender(
    alignment: Alignment,
    wanted: Wanted,
    windows: list[Window],
    objects: _Objects,
    found: Tensor,
    positive: Tensor,
) -> Tensor:
    """(B, A) the object that gets each location that several objects take."""
    images, num_predictors = alignment.pred_boxes.shape[:2]
    place = objects.image[:, None] * num_predictors + found
    takers = torch.bincount(place[positive], minlength=images * num_predictors)
    several = takers > 1
    nobody = len(objects.number)
    contender = torch.full_like(takers, nobody)
    most = alignment.pred_boxes.new_full(takers.shape, -1)
    flat = alignment.pred_boxes.flatten(0, 1)
    for number, where in _competing(wanted, windows, objects, place, positive, several, num_predictors):
        overlap = alignment.overlap(objects.boxes[number], flat[where]).clamp(min=0)
        before = most[where]
        most.scatter_reduce_(0, where, overlap, "amax")
        widest = most[where]
        contender[where[widest > before]] = nobody
        holds = overlap == widest
        contender.scatter_reduce_(0, where[holds], number[holds], "amin")  # the first of equals
    index = torch.cat((objects.number, objects.number.new_zeros(1)))
    return index[contender].view(images, num_predictors)


def _competing(
    wanted: Wanted,
    windows: list[Window],
    objects: _Objects,
    place: Tensor,
    positive: Tensor,
    several: Tensor,
    num_predictors: int,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs (n,) of an object's number and a place, image * A + predictor, that several objects take, and to which it
    has a claim; some at a time."""
    match wanted.contested:
        case "taking":
            rows, columns = (positive & several[place]).nonzero().unbind(1)
            yield rows, place[rows, columns]
        case "inside":
            for block in blocks_of(windows, least=1):
                there = objects.image[block.box, None] * num_predictors + block.predictor
                rows, columns = (block.inside & several[there]).nonzero().unbind(1)
                yield block.box[rows], there[rows, columns]
        case _:
            for places in torch.split(several.nonzero().squeeze(1), BLOCK // 64):
                pairs = (objects.image[:, None] == places // num_predictors).nonzero()
                for rows, columns in (part.unbind(1) for part in torch.split(pairs, BLOCK)):
                    yield rows, places[columns]
