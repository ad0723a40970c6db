"""What a loss and a codec return."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses import modes
from yolosses.arguments import choice
from yolosses.structures.assignment import Assignment
from yolosses.structures.terms import Term, TermSum


@dataclass(frozen=True, kw_only=True, eq=False)
class LossOutput:
    """A loss and where its value comes from. ``print(output)`` shows the table.

    Attributes:
        total: scalar, the sum of ``terms``; (B,) with ``reduction="none"``.
        terms: weighted by their lambda; like ``total`` in shape. One that is switched off (0) is 0 without a graph,
            whatever it measures.
        unweighted: the same without the lambda.
        per_image: (B, number of terms), weighted; its sum over images is ``terms``.
        scales: the lambda of each term.
        assignment: which predictor is responsible for which object.
        normalizer: what the sum was divided by: a number, or several for a loss whose parts are means of their own.
        num_unreachable: scalar int64, objects of the batch larger than any location can say (bins of v6 and v8).
        num_dropped: scalar int64, objects of the batch that no predictor is responsible for.
    """

    total: Tensor
    terms: dict[str, Tensor]
    unweighted: dict[str, Tensor]
    per_image: Tensor
    scales: dict[str, float]
    assignment: Assignment
    normalizer: Tensor | float
    num_dropped: Tensor
    num_unreachable: Tensor

    @classmethod
    def reduce(
        cls,
        terms: Sequence[Term | TermSum],
        assignment: Assignment,
        *,
        reduction: str,
        normalizer: Tensor | float | None = None,
        own: Tensor | float | None = None,
    ) -> LossOutput:
        """Sum terms.

        Args:
            reduction: "mean" divides by ``normalizer`` (default: ``own``), "sum" by nothing, "none" keeps the images
                apart.
            normalizer: for "mean" only. With data-parallel training, whose gradients are averaged, see
                `Loss.shared_normalizer`.
            own: the normaliser of this batch; None: the number of images.

        Raises:
            ValueError: unknown reduction, or a normalizer where none is used.
        """
        choice("reduction", reduction, ("mean", "sum", "none"))
        if normalizer is not None and reduction != "mean":
            raise ValueError(
                f"normalizer: expected None with reduction={reduction!r}; it divides only a mean"
            )
        if own is None:
            own = max(assignment.mask.shape[0], 1)
        divisor = (own if normalizer is None else normalizer) if reduction == "mean" else 1.0
        several = isinstance(divisor, Tensor) and divisor.ndim > 0
        table, columns = _table(terms, divisor if several else 1.0)
        unscaled = table if several else table / divisor
        scales = [term.scale for term in terms]
        if all(scales):
            per_image = _scaled(unscaled, scales)
        else:
            # Without what is switched off, which may be no number, and whose gradient would be 0 times that.
            live = torch.stack(
                [
                    column * scale if scale else torch.zeros_like(column)
                    for column, scale in zip(columns, scales, strict=True)
                ],
                1,
            )
            per_image = live if several else live / divisor
        plain, weighted = (
            (unscaled, per_image) if reduction == "none" else (unscaled.sum(0), per_image.sum(0))
        )
        names = [term.name for term in terms]
        dropped, unreachable = assignment.num_dropped, assignment.num_unreachable
        return cls(
            total=weighted.sum(-1),
            terms=dict(zip(names, weighted.unbind(-1), strict=True)),
            unweighted=dict(zip(names, plain.unbind(-1), strict=True)),
            per_image=per_image,
            scales={term.name: term.scale for term in terms},
            assignment=assignment,
            normalizer=divisor,
            num_dropped=dropped.sum(),
            num_unreachable=dropped.new_zeros(()) if unreachable is None else unreachable.sum(),
        )

    @property
    def raw_terms(self) -> dict[str, Tensor]:
        """The former name of ``unweighted``."""
        warnings.warn("raw_terms: renamed to unweighted", DeprecationWarning, stacklevel=2)
        return self.unweighted

    def __str__(self) -> str:
        total = self.total.detach().double().sum().item()
        lines = [f"{'term':<8}{'value':>12}{'weight':>9}{'weighted':>12}{'share':>8}"]
        lines.append("─" * len(lines[0]))
        for name, scale in self.scales.items():
            value = self.unweighted[name].detach().double().sum().item()
            weighted = self.terms[name].detach().double().sum().item()
            share = f"{weighted / total:.1%}" if total else "-"
            lines.append(f"{name:<8}{value:>12.4f}{scale:>9g}{weighted:>12.4f}{share:>8}")
        lines.append(lines[1])
        lines.append(f"{'total':<29}{total:>12.4f}")
        assigned, dropped = self.assignment.num_objects(), int(self.num_dropped)
        unreachable = f", {n} beyond the reach of the bins" if (n := int(self.num_unreachable)) else ""
        lines.append(
            f"{len(self.per_image)} images, {assigned} objects assigned, {dropped} dropped{unreachable}"
        )
        return "\n".join(lines)


def _table(terms: Sequence[Term | TermSum], divisor: Tensor | float) -> tuple[Tensor, Sequence[Tensor]]:
    """(B, T) the sums of the terms divided by ``divisor``, and its columns as the terms give them."""
    table = terms[0].table if isinstance(terms[0], TermSum) and not isinstance(divisor, Tensor) else None
    if table is not None and len(terms) == table.shape[1]:
        together = all(isinstance(term, TermSum) and term.table is table for term in terms)
        if together:
            return table, table.unbind(1)
    columns = [term.per_image(divisor) for term in terms]
    return torch.stack(columns, 1), columns


def _scaled(columns: Tensor, scales: list[float]) -> Tensor:
    """``columns`` (B, T), each times its scale."""
    if modes.on_cpu(columns):
        return columns * columns.new_tensor(scales)
    # Creating the tensor on the host would force a blocking copy to the GPU.
    return torch.stack([column * scale for column, scale in zip(columns.unbind(1), scales, strict=True)], 1)


class Predictions(NamedTuple):
    """Decoded output of a network: A predicted boxes an image, before any threshold or suppression.

    ``boxes``: (B, A, 4) cxcywh, fractions of the image; ``scores``: (B, A, C), one score a class.
    """

    boxes: Tensor
    scores: Tensor
