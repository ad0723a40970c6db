"""The terms of a loss: before any sum, and summed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Penalty = Callable[[Tensor, Tensor], Tensor]


@dataclass(kw_only=True, eq=False)
class Cost:
    """What a term compares and how: a `Term` before its penalty is computed. Its attributes are those of `Term`.

    Attributes:
        penalty: elementwise function (pred, target).
        pred, target, weight: (B, N, E) or of listed pairs (N, E); ``target`` and ``weight`` broadcast to ``pred``.
    """

    name: str
    scale: float
    penalty: Penalty
    pred: Tensor
    target: Tensor
    weight: Tensor
    predictor: Tensor | None = None
    object: Tensor | None = None
    elements: tuple[str, ...] | None = None
    activation: Callable[[Tensor], Tensor] | None = None
    part: Tensor | None = None

    def term(self) -> Term:
        """With the penalty. Without ``predictor`` the places are all predictors in order."""
        pred, predictor = self.pred, self.predictor
        if predictor is None:
            predictor = torch.arange(pred.shape[1], device=pred.device).expand(pred.shape[:2])
        target = self.target.to(pred.dtype).expand_as(pred)
        return Term(
            name=self.name, scale=self.scale, penalty=self.penalty(pred, target), weight=self.weight, pred=pred,
            target=target, predictor=predictor, object=self.object, elements=self.elements,
            activation=self.activation, part=self.part,
        )  # fmt: skip

    def of_images(self) -> Tensor:
        """(B, 1) the sums of a term over all predictors, without ``scale``."""
        return weighted(self._penalty(), self.weight).flatten(1).sum(1, keepdim=True)

    def of_pairs(self, ones: Tensor | None) -> Tensor:
        """(N,) the sums over the elements of each listed pair, without ``scale``. ``ones``: a weight that is known to
        be
        1 everywhere."""
        penalty = self._penalty()
        return (penalty if self.weight is ones else weighted(penalty, self.weight)).sum(-1)

    def _penalty(self) -> Tensor:
        return self.penalty(self.pred, self.target.to(self.pred.dtype).expand_as(self.pred))


@dataclass(frozen=True, kw_only=True, eq=False)
class Term:
    """One term of a loss before any sum: N places of E elements in each image. What the value is made of, and
    what explains it.

    Attributes:
        name: key of the term in `LossOutput.terms`.
        scale: the term's hyper-parameter (lambda).
        penalty: (B, N, E) elementwise penalties.
        weight: (B, N, 1) or (B, N, E), the indicator of the term (0 where it does not apply) times the
            weights of objects and classes.
        pred, target: (B, N, E) what the penalty compared.
        predictor: (B, N) int64, the predictor at each place.
        object: (B, N) int64, the object it is responsible for, or None for background.
        elements: names of the E elements, or None where they are the classes.
        activation: from ``pred`` to the quantity that it stands for, where ``pred`` is a logit; or None.
        part: (N,) int64 or None, which entry of a normaliser with several entries each place is divided by.
    """

    name: str
    scale: float
    penalty: Tensor
    weight: Tensor
    pred: Tensor
    target: Tensor
    predictor: Tensor
    object: Tensor | None
    elements: tuple[str, ...] | None = None
    activation: Callable[[Tensor], Tensor] | None = None
    part: Tensor | None = None

    def per_image(self, normalizer: Tensor | float = 1.0) -> Tensor:
        """(B,) sum over the places divided by ``normalizer``, without ``scale``. A penalty that overflows where the
        term does not apply adds nothing."""
        by_place = weighted(self.penalty, self.weight).sum(2)
        if self.part is not None and isinstance(normalizer, Tensor) and normalizer.ndim:
            return (by_place / normalizer[self.part]).sum(1)
        return _divided(by_place.sum(1), normalizer)


@dataclass(frozen=True, kw_only=True, eq=False)
class TermSum:
    """One term of a loss, reduced to sums for each image: enough for training.

    Attributes:
        name, scale: as of `Term`.
        sums: (B, Q) of each image, without ``scale``, in Q parts.
        part: the index of the first of the Q entries of a normaliser that they are divided by, if it has several.
        table: (B, T) the sums of all T terms in order, if ``sums`` is a column of such a table; or None.
    """

    name: str
    scale: float
    sums: Tensor
    part: int = 0
    table: Tensor | None = None

    @classmethod
    def columns(cls, names: Sequence[str], scales: Sequence[float], table: Tensor) -> tuple[TermSum, ...]:
        """The terms of a ``table`` (B, T)."""
        columns = zip(names, scales, table.split_with_sizes([1] * table.shape[1], 1), strict=True)
        return tuple(cls(name=name, scale=scale, sums=sums, table=table) for name, scale, sums in columns)

    def per_image(self, normalizer: Tensor | float = 1.0) -> Tensor:
        """(B,) ``sums`` divided by ``normalizer``."""
        if isinstance(normalizer, Tensor) and normalizer.ndim:
            normalizer = normalizer[self.part : self.part + self.sums.shape[1]]
        divided = _divided(self.sums, normalizer)
        return divided.squeeze(1) if divided.shape[1] == 1 else divided.sum(1)


def weighted(penalty: Tensor, weight: Tensor) -> Tensor:
    """``penalty`` times ``weight``, numbers or bool; 0 where the weight is, whatever the penalty, infinity too."""
    if weight.dtype == torch.bool:
        return torch.where(weight, penalty, 0)
    return torch.where(weight != 0, penalty * weight, 0)


def _divided(sums: Tensor, normalizer: Tensor | float) -> Tensor:
    """``sums`` divided, unless by 1: for small batches even one redundant operation is measurable."""
    return sums if isinstance(normalizer, float) and normalizer == 1 else sums / normalizer


def by_image(values: Tensor, image: Tensor, images: int) -> Tensor:
    """(B, ...) sums of ``values`` (N, ...) over those with the same ``image`` (N,), or of values (B, P, ...), for which
    ``image`` is (B, 1)."""
    if image.ndim == 2:
        return values.sum(1)
    return values.new_zeros(images, *values.shape[1:]).index_add(0, image, values)
