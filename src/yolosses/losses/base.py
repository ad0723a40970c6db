"""What all losses share. A publication says who is responsible (`match`), of which numbers (`read`) and what it costs
(`formula`), once; an engine adds it up."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from yolosses import engines, modes
from yolosses.arguments import choice, class_factors, integer, normalizer_value
from yolosses.losses.pairs import Pairs
from yolosses.structures import (
    Assignment,
    Cost,
    LossOutput,
    Predictions,
    Targets,
    Term,
    TermSum,
    require_assignment,
    require_targets,
)
from yolosses.structures.target_checks import check_labels

Terms = Sequence[Term | TermSum]


class Loss(nn.Module):
    """Base of the losses.

    A publication gives `codec_for`, `match`, `read` and `formula`; `forward`, `assign`, `terms`, `elementwise`,
    `reduce` and `decode` are the same for all.

    Attributes:
        validate: whether labels of small batches on the CPU are checked against ``num_classes`` in each call.
    """

    num_classes: int
    reduction: str
    class_weight: Tensor | None
    validate: bool = True
    lists: ClassVar[bool] = True
    """Whether the formula accepts a list of the valid pairs; else it always gets all pairs."""
    by_level: ClassVar[bool] = False
    """Whether the sums over pairs are divided level by level."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Tensor] = {}

    def _finish(self, num_classes: int, class_weight: Any, reduction: str, impl: str) -> None:
        """Check and keep what every loss has; the last step of a constructor."""
        self.num_classes = integer("num_classes", num_classes)
        weight = class_factors("class_weight", class_weight, self.num_classes)
        self._keep("class_weight", weight)
        self.reduction = choice("reduction", reduction, ("mean", "sum", "none"))
        self.impl = impl

    @property
    def impl(self) -> str:
        """What computes the sums, see `engines`. Checked when it is set and in each call."""
        return self._impl

    @impl.setter
    def impl(self, value: str) -> None:
        engines.check(value, self.recipe(), type(self).__name__)
        self._impl = value

    # --- what a publication says ----------------------------------------------------------------------------------

    def codec_for(self, raw: Any) -> Any:
        """The codec that reads ``raw``."""
        raise NotImplementedError

    def match(self, codec: Any, raw: Any, targets: Targets) -> Assignment:
        """Which predictor is responsible for which object. ``raw`` carries no gradient."""
        raise NotImplementedError

    def read(self, codec: Any, raw: Any, pairs: Pairs, *, whole: bool) -> tuple[Tensor, Any]:
        """(..., E) the numbers of the pairs' predictors, and what the formula needs of all predictors. ``whole``:
        elements are wanted, not only their sums."""
        raise NotImplementedError

    def formula(self, codec: Any, pairs: Pairs, everywhere: Any) -> Sequence[Cost | TermSum]:
        """What each term compares and how, or its sums."""
        raise NotImplementedError

    def recipe(self) -> engines.Recipe | None:
        """What a kernel would have to compute; None where only the formula knows."""
        return None

    def own_normalizer(self, assignment: Assignment) -> Tensor:
        """What the mean of this batch divides by, before it is raised to at least 1: scalar or (Q,). Sums over
        processes, or over the parts of a batch, are those of the whole; see `shared_normalizer`. Here: the number of
        images."""
        return assignment.iou.new_full((), assignment.mask.shape[0], dtype=torch.float32)

    # --- the same for all -----------------------------------------------------------------------------------------

    def forward(
        self,
        raw: Any,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch.

        Args:
            raw, targets: see the class. assignment: freezes who is responsible, and all that was measured with it.
            normalizer: divides the sums in the place of the own normaliser, with reduction "mean" only: one number, or
                a tensor as `own_normalizer` gives. For several processes: `shared_normalizer`.
        """
        assignment, terms = self._evaluated(raw, targets, assignment)
        return self.reduce(terms, assignment, normalizer)

    def _evaluated(
        self, raw: Any, targets: Targets, assignment: Assignment | None
    ) -> tuple[Assignment, Terms]:
        codec, engine, targets = self._start(raw, targets, assignment)
        if assignment is None:
            return engine.both(self, codec, raw, targets)
        return assignment, engine.terms(self, codec, raw, targets, assignment)

    @torch.no_grad()
    def assign(self, raw: Any, targets: Targets) -> Assignment:
        """Which predictor is responsible for which object, and how well it fits now. Predictors on ignored regions are
        spared: neither responsible nor background."""
        codec, engine, targets = self._start(raw, targets)
        return self.complete(codec, targets, engine.match(self, codec, raw, targets))

    def terms(self, raw: Any, targets: Targets, assignment: Assignment) -> Terms:
        """The terms as they are added up in training: the sums of `elementwise`, with fewer passes over memory."""
        codec, engine, targets = self._start(raw, targets, assignment)
        return engine.terms(self, codec, raw, targets, assignment)

    def elementwise(self, raw: Any, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The terms before any sum: what the value is made of."""
        codec, _, targets = self._start(raw, targets, assignment)
        _, costs = self.evaluate(codec, raw, targets, assignment, listed=False, whole=True)
        return tuple(cost.term() for cost in costs if isinstance(cost, Cost))

    def reduce(
        self, terms: Terms, assignment: Assignment, normalizer: Tensor | float | None = None
    ) -> LossOutput:
        """The sums of ``terms``, divided by ``normalizer``, see `LossOutput.reduce`."""
        own = self.own_normalizer(assignment).clamp(min=1)
        normalizer = normalizer_value(normalizer, own.shape)
        return LossOutput.reduce(terms, assignment, reduction=self.reduction, normalizer=normalizer, own=own)

    @staticmethod
    def shared_normalizer(total: Tensor, processes: int = 1) -> Tensor:
        """The ``normalizer`` with which the mean over ``processes`` of the losses is the loss of one process that sees
        all images. ``total``: the sum of all their `own_normalizer`. With gradients that are added up, as over the
        parts of a batch, ``processes`` is 1."""
        return total.clamp(min=1) / processes

    def decode(self, raw: Any) -> Predictions:
        """The boxes and scores that ``raw`` means."""
        predictions: Predictions = self.codec_for(raw).predictions(raw)
        return predictions

    def matched(self, codec: Any, raw: Any, targets: Targets) -> Assignment:
        """`match` of what ``raw`` holds now: constants, also for forward-mode derivatives."""
        return self.match(codec, map_tensors(Tensor.detach, raw), targets)

    def complete(self, codec: Any, targets: Targets, assignment: Assignment) -> Assignment:
        """``assignment`` with the predictors on ignored regions spared, and what else is reported of it."""
        if targets.ignore is None:
            return assignment
        spared = codec.within(targets.boxes, targets.mask & targets.ignore)
        return replace(assignment, spared=spared if assignment.spared is None else assignment.spared | spared)

    def evaluate(
        self, codec: Any, raw: Any, targets: Targets, assignment: Assignment, *, listed: bool, whole: bool
    ) -> tuple[Pairs, Sequence[Cost | TermSum]]:
        """The formula of an assignment, over a list of its valid pairs or over all pairs; ``whole``: see `read`."""
        dtype = torch.promote_types(first_tensor(raw).dtype, torch.float32)
        pairs = (Pairs.list if listed else Pairs.all)(assignment, targets, dtype, codec.counts)
        values, everywhere = self.read(codec, raw, pairs, whole=whole)
        pairs.keep(values)
        return pairs, self.formula(codec, pairs, everywhere)

    def _start(
        self, raw: Any, targets: Targets, assignment: Assignment | None = None
    ) -> tuple[Any, engines.Engine, Targets]:
        """The codec and the engine of a call, and the targets, checked."""
        codec, like = self.codec_for(raw), first_tensor(raw)
        require_targets(targets, images=like.shape[0], device=like.device)
        if assignment is not None:
            require_assignment(assignment, images=like.shape[0])
        if self.validate and modes.dynamic_lengths(like):
            _require_classes(targets, self.num_classes)
        return codec, engines.choose(self.impl, self.recipe(), like, targets, type(self).__name__), targets

    def extra_repr(self) -> str:
        """The weights of the terms, and what is not the default."""
        shown = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = self._option(name, parameter.default)
            if name.startswith("lambda_") or name == "num_classes" or not _same(value, parameter.default):
                shown.append(f"{name}={_short(value)}")
        return ", ".join(shown)

    def _option(self, name: str, default: Any) -> Any:
        """What an argument of the constructor is now."""
        return getattr(self, name, getattr(getattr(self, "codec", None), name, default))

    def _keep(self, name: str, values: Tensor | None) -> None:
        """Keep constants as a buffer that is not saved, and whose numbers no conversion of the module changes."""
        self.register_buffer(name, values, persistent=False)
        if values is not None and not values.is_meta:
            self._kept[name] = values

    def _keep_table(self, name: str, rows: Any, *shape: int) -> None:
        """Keep Python's numbers, in float32 and on torch's default device."""
        table = torch.tensor(rows, dtype=torch.float32, device="cpu").reshape(shape)
        self._keep(name, table.to(torch.get_default_device()))
        self._kept[name] = table

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """Constants move with the module, and keep their dtype: in bfloat16 0.3 and an anchor of 12.3 would be other
        numbers. Those that were kept come back from the meta device."""
        before = {name: buffer for name, buffer in self._buffers.items() if buffer is not None}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, buffer in before.items():
            value = self._kept.get(name, buffer) if buffer.is_meta else buffer
            device = self._buffers[name].device  # type: ignore[union-attr]
            self._buffers[name] = self._buffers[name] if value.is_meta else value.to(device)
        return self


def first_tensor(raw: Any) -> Tensor:
    """The first tensor of a network's output: tensors, sequences and mappings of them."""
    while not isinstance(raw, Tensor):
        raw = next(iter(raw.values() if isinstance(raw, Mapping) else raw))
    return raw


def map_tensors(change: Callable[[Tensor], Tensor], raw: Any) -> Any:
    """``raw`` with all its tensors changed."""
    if isinstance(raw, Tensor):
        return change(raw)
    if isinstance(raw, Mapping):
        return {name: map_tensors(change, part) for name, part in raw.items()}
    return [map_tensors(change, part) for part in raw]


def _require_classes(targets: Targets, num_classes: int) -> None:
    """Raise ``ValueError`` where an object has no class of 0..C-1."""
    if targets.labels.numel():
        least, most = targets.labels.aminmax()
        if least < 0 or most >= num_classes:  # padding and ignored regions may have any
            check_labels(targets.labels, targets.positive, num_classes)


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, Tensor) and isinstance(default, tuple):  # anchors
        numbers = torch.tensor(default, dtype=value.dtype, device="cpu")
        return numbers.numel() == value.numel() and torch.equal(value.cpu(), numbers.view(value.shape))
    return value is default or (
        not isinstance(value, Tensor) and type(value) is type(default) and value == default
    )


def _short(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"tensor{tuple(value.shape)}"
    return f"{value:g}" if isinstance(value, float) else getattr(value, "__name__", repr(value))
