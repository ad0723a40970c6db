"""YOLOv7's refinement where an object is compared with the candidates that its box touches alone. For the CPU, where
nothing waits for a length.

All other candidates have an IoU of 0, so that their costs depend on the object's class alone, and are some 55 larger
(-3 log 1e-8) than with an IoU of 1. Where what an object pays at most is below the least of these, and so is what is
paid for a contested candidate, they cannot matter. Elsewhere, which is rare, they are looked at too: the result is that
of comparing everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.assigners.ota_costs import cheapest, class_cost, highest_price, pair_cost
from yolosses.assigners.touching import at_once, beside_one_another
from yolosses.boxes import paired_iou


def refine_by_touching(
    counts: Tensor,
    pred_boxes: Tensor,
    objectness: Tensor,
    classes: Tensor,
    gt_boxes: Tensor,
    labels: Tensor,
    mask: Tensor,
) -> tuple[Tensor, Tensor]:
    """(B, N) the object of each candidate, and (B, N) whether an object takes it, see `ota.refine_pairs`. ``counts``:
    (B, N) which are candidates."""
    owner, kept = torch.zeros_like(counts, dtype=torch.int64), torch.zeros_like(counts)
    for image in range(len(counts)):
        candidate, object = counts[image].nonzero().squeeze(1), mask[image].nonzero().squeeze(1)
        if not len(candidate) or not len(object):
            continue
        present, label = torch.unique(labels[image, object], return_inverse=True)
        of_class = class_cost(classes[image, candidate], objectness[image, candidate])
        choice = _Choice.of(
            gt_boxes[image, object], label, pred_boxes[image, candidate], of_class.index_select(1, present).T
        )
        takers, who = choice.make()
        owner[image, candidate], kept[image, candidate] = object[who], takers > 0
    return owner, kept


@dataclass(kw_only=True, eq=False)
class _Choice:
    """That of the J objects of one image among its K candidates; U classes are present.

    Attributes:
        truths: (J, 4), boxes: (K, 4) cxcywh. label: (J,) which of the present classes.
        of_class: (U, K) costs of belonging to the classes; apart: the same with an IoU of 0.
        takers: (K,) how many objects take each candidate; taker: one of them.
        least: (K,) the least that an object pays of those that were compared with the candidate; payer: that object,
            the first of equals.
    """

    truths: Tensor
    label: Tensor
    boxes: Tensor
    of_class: Tensor
    apart: Tensor
    takers: Tensor
    taker: Tensor
    least: Tensor
    payer: Tensor

    @classmethod
    def of(cls, truths: Tensor, label: Tensor, boxes: Tensor, of_class: Tensor) -> _Choice:
        zero, of_class = label.new_zeros(len(boxes)), of_class.contiguous()
        return cls(
            truths=truths, label=label, boxes=boxes, of_class=of_class,
            apart=pair_cost(of_class, torch.zeros_like(of_class)), takers=zero, taker=zero.clone(),
            least=of_class.new_full(zero.shape, torch.inf), payer=torch.full_like(zero, len(truths)),
        )  # fmt: skip

    def make(self) -> tuple[Tensor, Tensor]:
        """(K,) how many objects take each candidate, and (K,) which of them gets it."""
        from_here = torch.where(self.apart.isnan(), torch.inf, self.apart).amin(1)
        # One coordinate after the other in memory, so that each is a run of numbers in all that follows.
        coordinates = self.boxes.T.contiguous()
        for object, near in beside_one_another(self.truths, self.boxes):
            boxes = coordinates.index_select(1, near).T
            iou, cost = self._compare(object, near, boxes)
            self._offer(object, near, cost)
            number, price = highest_price(cost, iou)
            # Also where a cost is NaN.
            unsure = ~(price.squeeze(1) < from_here[self.label[object]])
            takes = cost <= torch.where(unsure[:, None], -torch.inf, price)
            ties = (takes.sum(1) > number.squeeze(1)).nonzero().squeeze(1)
            takes[ties] = cheapest(cost[ties], number[ties], price[ties])
            rows, columns = takes.nonzero().unbind(1)
            self._take(object[rows], near[columns])
            self._take_of_all(object, near, unsure, cost, iou)
        self._resolve_conflicts()
        return self.takers, self.taker

    def _compare(self, object: Tensor, near: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(n, N) IoU and cost of objects (n,) with candidates (N,), whose boxes are given."""
        iou = paired_iou(self.truths[object, None], boxes)
        return iou, pair_cost(self.of_class.index_select(1, near)[self.label[object]], iou)

    def _offer(self, object: Tensor, near: Tensor, cost: Tensor) -> None:
        """What objects pay for candidates near them."""
        value, row = cost.min(0)  # the first of equals
        number, before = object[row], self.least[near]
        first = (value < before) | ((value == before) & (number < self.payer[near]))
        self.payer[near] = torch.where(first, number, self.payer[near])
        self.least[near] = torch.minimum(value, before)

    def _take(self, number: Tensor, column: Tensor) -> None:
        self.takers.scatter_add_(0, column, torch.ones_like(column))
        self.taker[column] = number

    def _take_of_all(self, object: Tensor, near: Tensor, unsure: Tensor, cost: Tensor, iou: Tensor) -> None:
        """The choice of the ``unsure`` ones among all candidates."""
        rows = unsure.nonzero().squeeze(1)
        if not len(rows):
            return
        for some in torch.split(rows, at_once(self.boxes)):
            costs = self.apart[self.label[object[some]]]
            ious = torch.zeros_like(costs)
            costs[:, near], ious[:, near] = cost[some], iou[some]
            taken, columns = cheapest(costs, *highest_price(costs, ious)).nonzero().unbind(1)
            self._take(object[some][taken], columns)

    def _resolve_conflicts(self) -> None:
        """Contested candidates go to those that pay least, of all objects."""
        contested = self.takers > 1
        clear = self.least < self.apart.amin(0)
        self.taker = torch.where(contested & clear, self.payer, self.taker)
        everyone = torch.arange(len(self.truths), device=contested.device)
        for some in torch.split((contested & ~clear).nonzero().squeeze(1), at_once(self.truths)):
            _, cost = self._compare(everyone, some, self.boxes[some])
            self.taker[some] = cost.min(0).indices
