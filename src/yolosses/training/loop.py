"""The training loop: batches in, steps of an optimiser, one record of every term for each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from yolosses.explain import ExplainableLoss, find_nonfinite
from yolosses.explain.raw_output import tensors_of, with_tensors
from yolosses.structures import LossOutput, Targets
from yolosses.training.data import Batch, Batches
from yolosses.training.schedule import Schedule

SETTLE_AT = 0.65  # of the budget
Loss = Callable[[Any, Targets], LossOutput]


class NonFiniteLossError(RuntimeError):
    """The loss or its gradient became infinite or NaN; the message names step, term, picture, box and operand.

    Attributes:
        replay: what `yolosses explain --replay` shows: images, raw output and targets of the batch as tensors, names of
            the pictures and the step. `torch.load` reads it with ``weights_only=True``.
    """

    def __init__(self, message: str, replay: dict[str, Any]) -> None:
        super().__init__(message)
        self.replay = replay


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long a run lasts: a number of epochs, or of minutes by the clock (pauses before a resumption do not
    count)."""

    epochs: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.minutes is None):
            raise ValueError(f"epochs, minutes: expected exactly one; got {self.epochs!r}, {self.minutes!r}")
        name, value = ("minutes", self.minutes) if self.epochs is None else ("epochs", self.epochs)
        if value is None or not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a number > 0; got {value!r}")

    def progress(self, place: Place, batches_per_epoch: int) -> float:
        """Share of the budget that is used up; the run ends at 1."""
        if self.minutes is not None:
            return place.seconds / (60 * self.minutes)
        assert self.epochs is not None
        return place.step / (self.epochs * batches_per_epoch)


@dataclass(kw_only=True)
class Place:
    """Where a run is. ``batch`` is the next one of ``epoch``; ``seconds`` of training so far."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    images: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One optimiser step, as it stands in ``log.jsonl``. Terms are means over the images of the batch.

    Of the objects of the batch, ``num_answered`` have a predictor that is responsible for them, ``num_dropped`` do not
    (for YOLOv1: they share a cell with another), and ``num_hidden`` were left out by the random crops.
    """

    step: int
    epoch: int
    seconds: float
    images: int
    learning_rate: float
    total: float
    terms: dict[str, float]
    unweighted: dict[str, float]
    num_answered: int
    num_dropped: int
    num_hidden: int
    gradient_norm: float

    def to_json(self) -> dict[str, Any]:
        """As a plain dict."""
        return asdict(self)


@dataclass(kw_only=True)
class Training:
    """Everything a run consists of; iterate `steps` to train.

    Attributes:
        loss: any loss of the library, or a function like it.
        average: running average of the weights, updated after each step.
        schedule: factor of each parameter group's ``initial_lr`` (its lr at the start) over progress.
        clip_norm: gradients are scaled down to this norm.
        settle_at: from this share of the budget on, pictures are no longer moved and scaled
            (`Augmentation.settled`), so that the network ends on objects of the sizes it will meet. Decided at the
            start of each epoch.
        before_step: called with the progress before each step: sets what the loss changes in the course of a run. It
            depends on nothing else, so a run that is resumed goes on as it would have.
    """

    model: nn.Module
    loss: Loss
    batches: Batches
    optimizer: Optimizer
    average: AveragedModel
    schedule: Schedule
    budget: Budget
    device: torch.device
    clip_norm: float = 10.0
    settle_at: float = SETTLE_AT
    before_step: Callable[[float], object] | None = None
    place: Place = field(default_factory=Place)

    def __post_init__(self) -> None:
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])

    @property
    def progress(self) -> float:
        """Share of the budget used so far."""
        return self.budget.progress(self.place, len(self.batches))

    def steps(self, *, until: float = 1.0) -> Iterator[StepRecord]:
        """Train until the share ``until`` of the budget is used up, one record a step. Between two steps the run may be
        saved, or left for good; after the last one it may be evaluated, and asked for more steps: the clock stands
        still in between.

        Raises:
            NonFiniteLossError: the loss or its gradient is not finite. The weights are those before that step.
        """
        mark = time.perf_counter()
        while self.progress < until:
            for batch in self.batches.epoch(
                self.place.epoch, first=self.place.batch, settled=self._epoch_began_at >= self.settle_at
            ):
                values = self._step(batch)
                now = time.perf_counter()
                self.place.seconds, mark = self.place.seconds + now - mark, now
                self.place.batch = batch.number + 1
                self.place.step += 1
                self.place.images += len(batch.indices)
                yield self._record(values)
                if self.progress >= until:
                    return
            self.place.epoch += 1
            self.place.batch = 0

    @property
    def _epoch_began_at(self) -> float:
        # By its first step, so that an epoch that is resumed halfway goes on as it began.
        return self.budget.progress(
            replace(self.place, step=self.place.step - self.place.batch), len(self.batches)
        )

    def _step(self, batch: Batch) -> dict[str, Any]:
        self.model.train()
        if self.before_step is not None:
            self.before_step(self.progress)
        factor = self.schedule(self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = factor * group["initial_lr"]
        images = batch.images.to(self.device, non_blocking=True, memory_format=torch.channels_last)
        raw, targets = self.model(images), batch.targets.to(self.device, non_blocking=True)
        output = self.loss(raw, targets)
        values = _values(output)
        if not math.isfinite(values["total"]):
            raise self._non_finite("loss", values["terms"], batch, raw)
        self.optimizer.zero_grad()
        output.total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        if not math.isfinite(norm):
            raise self._non_finite("gradient", values["terms"], batch, raw)
        self.optimizer.step()
        self.average.update_parameters(self.model)
        return {
            **values,
            "num_hidden": batch.num_hidden,
            "gradient_norm": float(norm),
            "learning_rate": self.optimizer.param_groups[0]["lr"],
        }

    def _record(self, values: dict[str, Any]) -> StepRecord:
        place = self.place
        return StepRecord(
            step=place.step, epoch=place.epoch, seconds=place.seconds, images=place.images, **values
        )

    def _non_finite(self, what: str, terms: dict[str, float], batch: Batch, raw: Any) -> NonFiniteLossError:
        raw = with_tensors(raw, [part.detach() for part in tensors_of(raw)])
        names = [self.batches.dataset.records[index].name for index in batch.indices]
        targets = batch.targets.to(self.device)
        loss: Any = self.loss
        found = None
        if isinstance(loss, ExplainableLoss):
            found = find_nonfinite(
                loss, raw, targets, class_names=self.batches.dataset.class_names, image_names=names
            )
        wrong = ", ".join(name for name, value in terms.items() if not math.isfinite(value))
        culprit = found or f"{f'term {wrong}, ' if wrong else ''}with the pictures {', '.join(names)}"
        kept = {f.name: getattr(batch.targets, f.name) for f in fields(Targets)}
        return NonFiniteLossError(
            f"the {what} is not finite at step {self.place.step + 1}: {culprit}; a lower learning rate may help",
            {
                "images": batch.images,
                "raw": with_tensors(raw, [part.cpu() for part in tensors_of(raw)]),
                **{k: v for k, v in kept.items() if v is not None},
                "names": names,
                "step": self.place.step + 1,
            },
        )


def _values(output: LossOutput) -> dict[str, Any]:
    # One read-back for all numbers: each would make a GPU wait once more.
    names = list(output.terms)
    counts = [output.assignment.mask.sum(), output.num_dropped]
    columns = [output.total, *output.terms.values(), *output.unweighted.values(), *counts]
    total, *numbers, answered, dropped = torch.stack(
        [column.detach().double() for column in columns]
    ).tolist()
    return {
        "total": total,
        "terms": dict(zip(names, numbers[: len(names)], strict=True)),
        "unweighted": dict(zip(names, numbers[len(names) :], strict=True)),
        "num_answered": int(answered),
        "num_dropped": int(dropped),
    }
