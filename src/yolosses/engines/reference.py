"""The formula itself, term by term: over a list of the valid pairs where shapes may be dynamic, else over all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from yolosses import modes
from yolosses.engines.recipes import GridSquares
from yolosses.engines.squares import squared_sums
from yolosses.structures import Assignment, Cost, Targets, Term, TermSum, by_image

Terms = Sequence[Term | TermSum]


@dataclass(frozen=True)
class Reference:
    """``impl="torch"``."""

    def match(self, loss: Any, codec: Any, raw: Any, targets: Targets) -> Assignment:
        """Which predictor is responsible for which object, ignored regions aside."""
        assignment: Assignment = loss.matched(codec, raw, targets)
        return assignment

    def terms(self, loss: Any, codec: Any, raw: Any, targets: Targets, assignment: Assignment) -> Terms:
        """The terms, each summed or not, differentiable in ``raw``."""
        whole = modes.is_exporting() or is_learned(targets)
        listed = loss.lists and not whole and modes.dynamic_lengths(assignment.mask)
        recipe = loss.recipe()
        if listed and isinstance(recipe, GridSquares) and all(recipe.scales):
            with torch.no_grad():
                pairs, costs = loss.evaluate(codec, raw, targets, assignment, listed=True, whole=False)
            return squared_sums(raw, codec, costs, pairs)
        pairs, costs = loss.evaluate(codec, raw, targets, assignment, listed=listed, whole=whole)
        if listed:
            return _summed(costs, pairs, loss.by_level)
        return [cost.term() if isinstance(cost, Cost) else cost for cost in costs]

    def both(self, loss: Any, codec: Any, raw: Any, targets: Targets) -> tuple[Assignment, Terms]:
        """The assignment, and the terms with it."""
        with torch.no_grad():
            assignment = loss.complete(codec, targets, self.match(loss, codec, raw, targets))
        return assignment, self.terms(loss, codec, raw, targets, assignment)


def is_learned(targets: Targets) -> bool:
    """Whether boxes or weights of objects want a derivative, backward or forward."""
    given = [values for values in (targets.boxes, targets.weight) if values is not None]
    if any(values.requires_grad for values in given):
        return True
    return not torch.compiler.is_compiling() and any(map(_has_tangent, given))


def _has_tangent(values: Tensor) -> bool:
    return unpack_dual(values).tangent is not None  # type: ignore[no-untyped-call]


def _summed(costs: Sequence[Cost | TermSum], pairs: Any, by_level: bool) -> Sequence[TermSum]:
    """The sums of each image. Terms over pairs are added up together: an operation costs more than its few numbers."""
    image, levels = pairs.image, 1
    if by_level:
        levels = len(pairs.listed.level_sizes)
        image = image * levels + pairs.level
    ones = pairs.each if pairs.unit else None
    over_pairs = [cost for cost in costs if isinstance(cost, Cost) and cost.object is not None]
    sums: dict[str, Tensor] = {}
    for switched_on in (True, False):  # apart: the gradient of what is off would be 0 times anything
        listed = [cost for cost in over_pairs if (cost.scale != 0) == switched_on]
        if listed:
            columns = torch.stack([cost.of_pairs(ones) for cost in listed], 1)
            table = by_image(columns, image, pairs.images * levels).view(-1, levels, len(listed))
            sums.update(zip((cost.name for cost in listed), table.unbind(2), strict=True))
    return [
        cost if isinstance(cost, TermSum)
        else TermSum(name=cost.name, scale=cost.scale, sums=sums[cost.name] if cost.name in sums else cost.of_images(),
                     part=0 if cost.name in sums or not by_level else levels)
        for cost in costs
    ]  # fmt: skip
