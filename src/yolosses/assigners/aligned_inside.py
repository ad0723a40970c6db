"""Task-aligned assignment by listing the locations inside each object: the work grows with the objects' area, not with
objects times locations. For the CPU, where nothing waits for a length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses import modes
from yolosses.assigners.alignment import Alignment, Wanted, best
from yolosses.assigners.windows import Block, Window, at_once, blocks_of, everywhere, windows_of
from yolosses.boxes import (
    Similarity,
    paired_ciou,
    paired_diou,
    paired_eiou,
    paired_giou,
    paired_iou,
    paired_siou,
)

KEPT = 1 << 22
"""Pairs whose locations are kept for the second pass: 70 MB."""
SHORTLIST = 2
"""Times as many locations as an object takes whose overlap is looked at first."""
SLACK, NOTHING = 1e-5, 1e-15
"""Of a number, more than rounding takes; pixels, of which the square is still a number."""
OVERLAPS = {
    similarity.__name__: similarity
    for similarity in (paired_iou, paired_giou, paired_diou, paired_ciou, paired_eiou, paired_siou)
}
"""What an operator can be told by name; none is larger than the IoU."""
LESS_DISTANCE = (paired_diou, paired_ciou, paired_eiou)
"""Those that take the penalty of the distance from the IoU, and no less."""


class _Objects(NamedTuple):
    """The objects of a batch without padding, N: ``image`` and ``number`` in it, ``base`` the place of the image's
    first location, ``boxes`` (N, 4), ``labels``."""

    image: Tensor
    number: Tensor
    base: Tensor
    boxes: Tensor
    labels: Tensor


def can_list(alignment: Alignment) -> bool:
    """Whether `take_by_listing` can do it: it needs an overlap that is no larger than the IoU, on a CPU."""
    return is_known(alignment.overlap) and modes.dynamic_lengths(alignment.pred_boxes)


def is_known(overlap: Similarity) -> bool:
    """Whether ``overlap`` is one of `OVERLAPS`."""
    return OVERLAPS.get(getattr(overlap, "__name__", "")) is overlap


def take_by_listing(
    alignment: Alignment, wanted: Wanted, gt_boxes: Tensor, labels: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same as `aligned_everywhere.take_by_comparing_all`."""
    levels, pred_boxes = alignment.levels, alignment.pred_boxes
    image, index = mask.nonzero().unbind(1)
    base = image * pred_boxes.shape[1]
    objects = _Objects(image, index, base, gt_boxes[image, index], labels[image, index])

    windows = windows_of(levels, objects.boxes, wanted.inside)
    blocks: Iterable[Block] = _Blocks(windows, base, least=wanted.topk)
    # One coordinate after the other in memory, so that each is a run of numbers in all that follows.
    coordinates = pred_boxes.flatten(0, 1).T.contiguous()
    found, positive = _best_inside(alignment, coordinates, blocks, objects, wanted.topk)
    if wanted.fallback:
        none = (~positive.any(1)).nonzero().squeeze(1)
        lost = _Objects(*(part[none] for part in objects))
        anywhere = _Blocks(everywhere(levels, none), base[none], least=1)
        found[none, :1], positive[none, :1] = _best_inside(alignment, coordinates, anywhere, lost, 1)

    taken = labels.new_zeros(*labels.shape, wanted.topk)
    valid = mask.new_zeros(*labels.shape, wanted.topk)
    taken[image, index], valid[image, index] = found - base[:, None], positive
    return taken, valid, _contender(alignment, wanted, coordinates, blocks, objects, found, positive)


class _Blocks:
    """The blocks of `blocks_of`, kept for a second pass where they are not too large."""

    def __init__(self, windows: list[Window], base: Tensor, least: int) -> None:
        self.windows, self.base, self.least = windows, base, least
        pairs = sum(int(window.size.sum()) for window in windows)
        self.kept = list(blocks_of(windows, base, least)) if pairs <= KEPT else None

    def __iter__(self) -> Iterator[Block]:
        return iter(blocks_of(self.windows, self.base, self.least) if self.kept is None else self.kept)


def _best_inside(
    alignment: Alignment, coordinates: Tensor, blocks: Iterable[Block], objects: _Objects, k: int
) -> tuple[Tensor, Tensor]:
    """(N, k) the places, image * A + predictor, of the best aligned locations in its windows of each object, and
    whether they count."""
    short = _shortlists(alignment, coordinates, blocks, objects, SHORTLIST * k)
    aligned = _aligned(alignment, coordinates, short, objects.boxes)
    positive, column = best(aligned, k)
    found = short.place.gather(1, column)
    # Where what is left out of a list could still be among the best, all is looked at.
    unsure = (aligned.topk(k).values[:, -1] <= short.left_out) & (short.left_out > 0)
    if not unsure.any():
        return found, positive
    for block in blocks:
        row = unsure[block.box].nonzero().squeeze(1)
        box, place = block.box[row], block.place[row]
        every = _Short(place, _scores(alignment, block, row, objects), short.left_out[box])
        positive[box], column = best(_aligned(alignment, coordinates, every, objects.boxes[box]), k)
        found[box] = place.gather(1, column)
    return found, positive


class _Short(NamedTuple):
    """Of each object, some locations in ascending order.

    Attributes:
        place: (N, S) image * A + predictor. score: (N, S), 0 where there is none.
        left_out: (N,) no alignment of a location that is not listed is above it.
    """

    place: Tensor
    score: Tensor
    left_out: Tensor


def _shortlists(
    alignment: Alignment, coordinates: Tensor, blocks: Iterable[Block], objects: _Objects, size: int
) -> _Short:
    """The ``size`` locations of each object of which a bound allows the best alignments.

    Every overlap is an IoU less penalties, some of which take most of its time: arc tangents, and gradients that are
    right everywhere.
    """
    extents, truths = _extents(coordinates), _extents(objects.boxes.T)
    distance = alignment.overlap in LESS_DISTANCE
    place = objects.base[:, None].repeat(1, size)
    score = coordinates.new_zeros(place.shape)
    left_out = coordinates.new_zeros(len(place))
    for block in blocks:
        scores, width = _scores(alignment, block, slice(None), objects), block.place.shape[1]
        if width <= size:
            place[block.box, :width], score[block.box, :width] = block.place, scores
            continue
        overlap = _overlap_at_most(extents, block.place, truths[:, block.box, None], distance=distance)
        bound = alignment.of(overlap, scores)
        top, column = bound.topk(size + 1)
        column = column[:, :-1].sort(1).values
        place[block.box], score[block.box] = block.place.gather(1, column), scores.gather(1, column)
        left_out[block.box] = top[:, -1]
    return _Short(place, score, left_out)


def _scores(alignment: Alignment, block: Block, row: Tensor | slice, objects: _Objects) -> Tensor:
    """Of the objects in some rows of a block the scores of its locations; 0 of what is not inside, so that nothing is
    aligned with it."""
    image, label = objects.image[block.box[row], None], objects.labels[block.box[row], None]
    parts = [
        alignment.pred_scores.at(level, image, location[row], label)
        for level, location in enumerate(block.locations)
    ]
    return torch.where(block.inside[row], torch.cat(parts, 1), 0)


def _aligned(alignment: Alignment, coordinates: Tensor, short: _Short, truths: Tensor) -> Tensor:
    """(N, S) the alignments of the locations in lists with ``truths`` (N, 4)."""
    found, rows = [], _rows(short.place)
    for place, score, truth in zip(
        *(torch.split(x, rows) for x in (short.place, short.score, truths)), strict=True
    ):
        boxes = coordinates.index_select(1, place.flatten()).view(4, *place.shape).movedim(0, 2)
        # Like the boxes, one coordinate after the other in memory.
        repeated = truth.T[..., None].expand(-1, *place.shape).contiguous().movedim(0, 2)
        found.append(alignment.of(alignment.overlap(repeated, boxes).clamp(min=0), score))
    return torch.cat(found)


def _rows(table: Tensor) -> int:
    """Rows that are compared at once."""
    return at_once(table.shape[1])


def _extents(boxes: Tensor) -> Tensor:
    """(5, N) of boxes (4, N) cxcywh: left, top, right and bottom, so far out that no rounding brings them in, and
    nothing is without size; and the area, rounded down."""
    centre, size = boxes[:2], boxes[2:].clamp(min=0)
    half = size / 2 + (centre.abs() + size) * SLACK + NOTHING
    area = (size[0] * size[1]).mul_(1 - SLACK).clamp_(min=torch.finfo(boxes.dtype).tiny)
    return torch.cat((centre - half, centre + half, area[None]))


def _overlap_at_most(extents: Tensor, place: Tensor, truth: Tensor, *, distance: bool) -> Tensor:
    """(n, W) bounds of the overlaps of the boxes at places (n, W) with truth, of which there are ``extents`` (5, n, 1):
    their IoUs, with ``distance`` less the penalty of the distance."""
    left, top, right, bottom, area = extents.index_select(1, place.flatten()).view(5, *place.shape)
    if distance:
        across = _apart(left, right, truth[0], truth[2])
        down = _apart(top, bottom, truth[1], truth[3])
        penalty = across[0].add_(down[0]).div_(across[1].add_(down[1])).mul_((1 - 4 * SLACK) / 4)
    width = torch.minimum(right, truth[2], out=right).sub_(torch.maximum(left, truth[0], out=left))
    height = torch.minimum(bottom, truth[3], out=bottom).sub_(torch.maximum(top, truth[1], out=top))
    common = width.clamp_(min=0).mul_(height.clamp_(min=0))
    union = area.add_(truth[4]).sub_(common)
    iou = common.div_(torch.maximum(union, common, out=union))
    return iou.sub_(penalty).clamp_(min=0) if distance else iou


def _apart(low: Tensor, high: Tensor, truth_low: Tensor, truth_high: Tensor) -> tuple[Tensor, Tensor]:
    """On one axis (2 x the distance of the centres)^2 and (length around both)^2."""
    twice = (low + high).sub_(truth_low + truth_high)
    around = torch.maximum(high, truth_high).sub_(torch.minimum(low, truth_low))
    return twice.square_(), around.square_()


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
    takers = torch.bincount(found[positive], minlength=images * num_predictors)
    several = takers > 1
    nobody = len(objects.number)
    contender = torch.full_like(takers, nobody)
    most = alignment.pred_boxes.new_full(takers.shape, -1)
    truths = objects.boxes.T.contiguous()
    for number, where in _joined(
        _competing(wanted, blocks, objects, found, positive, several, num_predictors)
    ):
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
                contested = several.index_select(0, block.place.flatten()).view(block.place.shape)
                rows, columns = contested.logical_and_(block.inside).nonzero().unbind(1)
                yield block.box[rows], block.place[rows, columns]
        case _:
            for places in torch.split(several.nonzero().squeeze(1), at_once(64)):
                pairs = (objects.image[:, None] == places // num_predictors).nonzero()
                for rows, columns in (part.unbind(1) for part in torch.split(pairs, at_once(1))):
                    yield rows, places[columns]


def _joined(parts: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """The same pairs in fewer parts: most blocks have few."""
    waiting: list[tuple[Tensor, Tensor]] = []
    for part in parts:
        waiting.append(part)
        if sum(len(number) for number, _ in waiting) >= at_once(1):
            yield torch.cat([number for number, _ in waiting]), torch.cat([where for _, where in waiting])
            waiting.clear()
    if waiting:
        yield torch.cat([number for number, _ in waiting]), torch.cat([where for _, where in waiting])
