"""Which locations objects take by task-aligned assignment: the way that suits the device, and one operator in
compiled graphs."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from yolosses.assigners.aligned_everywhere import take_by_comparing_all
from yolosses.assigners.aligned_inside import OVERLAPS, can_list, is_known, take_by_listing
from yolosses.assigners.alignment import Alignment, Wanted
from yolosses.assigners.operators import operator
from yolosses.codecs import ClassScores
from yolosses.codecs.levels import Layout


def take_aligned(
    alignment: Alignment, wanted: Wanted, gt_boxes: Tensor, labels: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """See `aligned_everywhere.take_by_comparing_all`.

    An overlap function from outside the library cannot be named to an operator: it is traced, into a graph for each
    number of objects.
    """
    if not is_known(alignment.overlap):
        return take_by_comparing_all(alignment, wanted, gt_boxes, labels, mask)
    levels, scores = alignment.levels, alignment.pred_scores
    return _find(
        alignment.pred_boxes, list(scores.logits), list(scores.objectness or ()),
        [side for grid in levels.grids for side in grid], [float(stride) for stride in levels.strides],
        float(alignment.alpha), float(alignment.beta), alignment.overlap.__name__,
        wanted.topk, float(wanted.least_side), wanted.reach, wanted.fallback, wanted.contested,
        gt_boxes, labels, mask,
    )  # fmt: skip


def _search(
    pred_boxes: Tensor, logits: list[Tensor], objectness: list[Tensor], sides: list[int], strides: list[float],
    alpha: float, beta: float, overlap: str, topk: int, least_side: float, reach: float | None, fallback: bool,
    contested: str, gt_boxes: Tensor, labels: Tensor, mask: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    alignment = Alignment(
        levels=Layout(grids=tuple(zip(sides[::2], sides[1::2], strict=True)), strides=tuple(strides)),
        pred_boxes=pred_boxes,
        pred_scores=ClassScores(logits=tuple(logits), objectness=tuple(objectness) or None),
        alpha=alpha,
        beta=beta,
        overlap=OVERLAPS[overlap],
    )
    take = take_by_listing if can_list(alignment) else take_by_comparing_all
    return take(alignment, Wanted(topk, least_side, reach, fallback, contested), gt_boxes, labels, mask)


def _shapes(pred_boxes: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    topk, labels, mask = rest[7], rest[-2], rest[-1]
    shape = (*labels.shape, topk)
    return labels.new_empty(shape), mask.new_empty(shape), labels.new_empty(pred_boxes.shape[:2])


_find = operator(
    "task_aligned(Tensor pred_boxes, Tensor[] logits, Tensor[] objectness, SymInt[] sides, float[] strides, "
    "float alpha, float beta, str overlap, SymInt topk, float least_side, float? reach, bool fallback, str contested, "
    "Tensor gt_boxes, Tensor labels, Tensor mask) -> (Tensor, Tensor, Tensor)",
    _search,
    _shapes,
)
