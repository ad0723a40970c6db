"""Every elementwise contribution of a loss value, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yolosses.explain.structures import Floats, Ints
from yolosses.structures import LossOutput, Place, Targets, Term

NONE = -1
"""Stands in the columns ``object`` and ``label`` for background, which has neither."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contributions:
    """N places of the loss where it is not zero by definition, one in each row of every column.

    Attributes:
        terms: names that ``term`` counts through.
        term, image: int64.
        predictor: int64, and where it sits: ``level``, ``row``, ``col`` of the cell, ``box`` within the cell.
        object: int64 index in `Targets`, -1 for background.
        label: int64 class: of the element in a term with one element a class, else of the object; -1 for
            background.
        element: int64 index within the term's elements.
        pred, target: what the penalty compared; ``pred`` is decoded where it compared a logit.
        penalty: as computed, without any weight.
        weight: the indicator, times the weights of objects and classes, divided by the normaliser.
        scale: the term's lambda.
        gradient: derivative of the total with respect to what the penalty took as prediction.
    """

    terms: tuple[str, ...]
    term: Ints
    image: Ints
    predictor: Ints
    level: Ints
    row: Ints
    col: Ints
    box: Ints
    object: Ints
    label: Ints
    element: Ints
    pred: Floats
    target: Floats
    penalty: Floats
    weight: Floats
    scale: Floats
    gradient: Floats

    @property
    def raw_value(self) -> Floats:
        """Share of the loss without the lambda."""
        return self.penalty * self.weight

    @property
    def value(self) -> Floats:
        """Share of the loss; the sum over all rows is the loss."""
        return self.raw_value * self.scale

    def __len__(self) -> int:
        return len(self.term)

    def column(self, name: str) -> Ints | Floats:
        """A column by its name.

        Raises:
            ValueError: no column has that name.
        """
        known = [*self._stored(), "raw_value", "value"]
        if name not in known:
            raise ValueError(f"by: expected columns among {', '.join(known)}; got {name!r}")
        column: Ints | Floats = getattr(self, name)
        return column

    def where(self, **equal: int | str) -> Contributions:
        """The rows whose columns have these values; a term may be given by its name."""
        keep = np.ones(len(self), dtype=bool)
        for name, wanted in equal.items():
            keep &= self.column(name) == (self.terms.index(wanted) if isinstance(wanted, str) else wanted)
        return self.take(keep)

    def take(self, rows: NDArray[np.bool_] | Ints) -> Contributions:
        """Some of the rows: a mask, or indices."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self._stored()})

    def sums(self, *by: str) -> dict[tuple[int, ...], tuple[float, float]]:
        """``(sum of raw_value, sum of value)`` for each combination of the columns ``by`` that occurs, in order;
        without columns the whole, under ``()``.

        Sums over any columns add up to the loss: rows without an object or a class stand under -1.
        """
        columns = [self.column(name) for name in by] or [np.zeros(len(self), np.int64)]
        groups, inverse = np.unique(np.stack(columns, 1), axis=0, return_inverse=True)
        raw = np.bincount(inverse.ravel(), self.raw_value, len(groups)).tolist()
        weighted = np.bincount(inverse.ravel(), self.value, len(groups)).tolist()
        keys = (tuple(group[: len(by)]) for group in groups.tolist())
        return dict(zip(keys, zip(raw, weighted, strict=True), strict=True))

    @classmethod
    def _stored(cls) -> list[str]:
        return [f.name for f in fields(cls) if f.name != "terms"]


def collect(
    terms: Sequence[Term], gradients: Sequence[Tensor], output: LossOutput, targets: Targets, places: Place
) -> Contributions:
    """The columns of ``terms``.

    Args:
        gradients: derivative of the total with respect to each term's ``pred``.
        places: of all predictors, each field (A,).
    """
    parts = [
        _columns(index, term, gradient, output.normalizer, targets, places)
        for index, (term, gradient) in enumerate(zip(terms, gradients, strict=True))
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Contributions(terms=tuple(term.name for term in terms), **columns)


def _columns(
    index: int, term: Term, gradient: Tensor, normalizer: Tensor | float, targets: Targets, places: Place
) -> dict[str, Ints | Floats]:
    weight = term.weight.detach().expand_as(term.penalty)
    counted = weight != 0
    image, spot, element = counted.nonzero(as_tuple=True)
    predictor = term.predictor[image, spot]
    pred = term.pred.detach() if term.activation is None else term.activation(term.pred.detach())
    if term.object is None:
        obj = label = torch.full_like(image, NONE)
    else:
        obj = term.object[image, spot]
        label = element if term.elements is None else targets.labels[image, obj]
    divisor = torch.as_tensor(normalizer, dtype=torch.float64, device=weight.device)
    if divisor.ndim and term.part is not None:
        divisor = divisor[term.part][spot]
    columns = {
        "term": torch.full_like(image, index), "image": image, "predictor": predictor, "object": obj, "label": label,
        "element": element, **{name: part[predictor] for name, part in places._asdict().items()},
        "pred": pred[counted], "target": term.target[counted], "penalty": term.penalty[counted],
        "weight": weight[counted].double() / divisor,
        "scale": torch.full_like(image, term.scale, dtype=torch.float64), "gradient": gradient[counted],
    }  # fmt: skip
    return {
        name: value.detach().to(torch.float64 if value.is_floating_point() else torch.int64).cpu().numpy()
        for name, value in columns.items()
    }
