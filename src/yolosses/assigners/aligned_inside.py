"""Task-aligned assignment by listing the locations inside each object: the work grows with the objects' area, not with
objects times locations. For the CPU, where nothing waits for a length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses import host
from yolosses.assigners.alignment import Alignment, Wanted, best
from yolosses.assigners.windows import BLOCK, Block, Window, blocks_of, everywhere, windows_of
from yolosses.boxes import paired_ciou, paired_diou, paired_eiou, paired_giou, paired_iou, paired_siou
from yolosses.codecs import ClassScores, Levels

KEPT = 1 << 22
"""Pairs whose locations are kept for the second pass: 40 MB."""
SHORTLIST = 4
"""Times as many locations as an object takes whose overlap is looked at first."""
ROUNDED_UP = 1 + 1e-5
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
    return known and host.on_host(alignment.pred_boxes)


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
    blocks: Iterable[Block] = _Blocks(windows, least=topk)
    # One coordinate after the other in memory, so that each is a run of numbers in all that follows.
    coordinates = pred_boxes.flatten(0, 1).T.contiguous()
    found, positive = _best_inside(alignment, coordinates, blocks, objects, topk)
    if fallback:
        none = (~positive.any(1)).nonzero().squeeze(1)
        lost = _Objects(*(part[none] for part in objects))
        anywhere = _Blocks(everywhere(levels, none), least=1)
        found[none, :1], positive[none, :1] = _best_inside(alignment, coordinates, anywhere, lost, 1)

    taken = labels.new_zeros(*labels.shape, topk)
    valid = mask.new_zeros(*labels.shape, topk)
    taken[image, index], valid[image, index] = found, positive
    return taken, valid, _contender(alignment, wanted, coordinates, blocks, objects, found, positive)


@_take.register_fake
def _(pred_boxes: Tensor, *rest: object) -> tuple[Tensor, Tensor, Tensor]:
    topk, labels, mask = rest[7], rest[-2], rest[-1]
    assert isinstance(topk, int)
    assert isinstance(labels, Tensor)
    assert isinstance(mask, Tensor)
    shape = (*labels.shape, topk)
    return labels.new_empty(shape), mask.new_empty(shape), labels.new_empty(pred_boxes.shape[:2])


class _Blocks:
    """The blocks of `blocks_of`, kept for a second pass where they are not too large."""

    def __init__(self, windows: list[Window], least: int) -> None:
        self.windows, self.least = windows, least
        pairs = sum(int(window.size.sum()) for window in windows)
        self.kept = list(blocks_of(windows, least)) if pairs <= KEPT else None

    def __iter__(self) -> Iterator[Block]:
        return iter(blocks_of(self.windows, self.least) if self.kept is None else self.kept)


def _best_inside(
    alignment: Alignment, coordinates: Tensor, blocks: Iterable[Block], objects: _Objects, k: int
) -> tuple[Tensor, Tensor]:
    """(N, k) the best aligned locations in its windows of each object, and whether they count."""
    num_predictors = alignment.pred_boxes.shape[1]
    found = objects.number.new_zeros(len(objects.number), k)
    positive = torch.zeros_like(found, dtype=torch.bool)
    for block in blocks:
        image, label = objects.image[block.box, None], objects.labels[block.box, None]
        score = torch.cat(
            [
                alignment.pred_scores.at(level, image, location, label)
                for level, location in enumerate(block.locations)
            ],
            1,
        )
        truth = objects.boxes[block.box, None]
        place = (block.predictor + image * num_predictors).flatten()
        boxes = coordinates.index_select(1, place).view(4, *block.predictor.shape).movedim(0, 2)
        positive[block.box], column = _best_of(alignment, truth, boxes, score, block.inside, k)
        found[block.box] = block.predictor.gather(1, column)
    return found, positive


def _best_of(
    alignment: Alignment, truth: Tensor, boxes: Tensor, score: Tensor, inside: Tensor, k: int
) -> tuple[Tensor, Tensor]:
    """`best` of the alignments of boxes (n, W, 4) with truth (n, 1, 4), where ``inside`` (n, W).

    Every overlap is an IoU less penalties, so that the IoU, which takes a third of the time, bounds it from above.
    Those with the largest bounds are looked at; where what is left out could still be among the best, all are.
    """

    def aligned(rows: Tensor | None, column: Tensor | None) -> Tensor:
        parts = [boxes, score[..., None], inside[..., None]]
        if rows is not None:
            parts = [part[rows] for part in parts]
        if column is not None:
            parts = [part.take_along_dim(column[..., None], 1) for part in parts]
        some = truth if rows is None else truth[rows]
        overlap = alignment.overlap(some, parts[0]).clamp(min=0)
        return torch.where(parts[2][..., 0], alignment.of(overlap, parts[1][..., 0]), 0)

    few = SHORTLIST * k
    if inside.shape[1] <= 2 * few:
        return best(aligned(None, None), k)
    iou = paired_iou(truth, boxes) * ROUNDED_UP
    top = torch.where(inside, alignment.of(iou, score), 0).topk(few + 1)
    short = top.indices[:, :few].sort(1).values  # in order, because of equals the first is taken
    alignments = aligned(None, short)
    positive, column = best(alignments, k)
    column = short.gather(1, column)
    left_out = top.values[:, few]
    least = alignments.topk(k).values[:, -1]
    unsure = ((least <= left_out) & (left_out > 0)).nonzero().squeeze(1)
    positive[unsure], column[unsure] = best(aligned(unsure, None), k)
    return positive, column


def _contender(
    alignment: Alignment,
    wanted: Wanted,
    coordinates: Tensor,
    blocks: Iterable[Block],
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
    truths = objects.boxes.T.contiguous()
    for number, where in _competing(wanted, blocks, objects, place, positive, several, num_predictors):
        boxes = coordinates.index_select(1, where).T
        overlap = alignment.overlap(truths.index_select(1, number).T, boxes).clamp(min=0)
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
    blocks: Iterable[Block],
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
            for block in blocks:
                there = objects.image[block.box, None] * num_predictors + block.predictor
                rows, columns = (block.inside & several[there]).nonzero().unbind(1)
                yield block.box[rows], there[rows, columns]
        case _:
            for places in torch.split(several.nonzero().squeeze(1), BLOCK // 64):
                pairs = (objects.image[:, None] == places // num_predictors).nonzero()
                for rows, columns in (part.unbind(1) for part in torch.split(pairs, BLOCK)):
                    yield rows, places[columns]
