"""The training loop: batches in, steps of an optimiser, one record of every term for each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from yolosses.explain import ExplainableLoss, find_nonfinite
from yolosses.explain.raw_output import tensors_of, with_tensors
from yolosses.structures import LossOutput, Targets
from yolosses.training.data import Batch, Batches
from yolosses.training.network import InParts
from yolosses.training.processes import ALONE, Processes, StoppedElsewhere
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
    ``gradient_norm`` is before clipping; None: the step was left out, because the gradient was too large for float16.
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
    gradient_norm: float | None

    def to_json(self) -> dict[str, Any]:
        """As a plain dict."""
        return asdict(self)


@dataclass(frozen=True)
class Part:
    """A part of a batch: its images, what the network said of them, and the loss."""

    images: slice
    targets: Targets
    raw: Any
    output: LossOutput


@dataclass(kw_only=True)
class Training:
    """Everything a run consists of; iterate `steps` to train.

    Attributes:
        loss: any loss of the library. A function like it does for one process and batches in one part.
        average: running average of the weights, updated after each step.
        schedule: factor of each parameter group's ``initial_lr`` (its lr at the start) over progress.
        clip_norm: gradients are scaled down to this norm.
        settle_at: from this share of the budget on, pictures are no longer moved and scaled
            (`Augmentation.settled`), so that the network ends on objects of the sizes it will meet. Decided at the
            start of each epoch.
        before_step: called with the progress before each step: sets what the loss changes in the course of a run. It
            depends on nothing else, so a run that is resumed goes on as it would have.
        network: what computes with the weights of ``model``, see `network_of`; None: the model as it is.
        precision: of the network's operations, by `torch.autocast`. The loss computes in float32. With float16 the
            gradient is scaled up against underflow, and a step whose gradient overflows is left out.
        processes: those that train together. Each sees its share of each batch, and all take the same steps.
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
    network: nn.Module | None = None
    precision: torch.dtype = torch.float32
    processes: Processes = ALONE
    place: Place = field(default_factory=Place)

    def __post_init__(self) -> None:
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision is torch.float16)
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
            StoppedElsewhere: that happened in another process.
        """
        mark = time.perf_counter()
        while self.progress < until:
            for batch in self.batches.epoch(
                self.place.epoch, first=self.place.batch, settled=self._epoch_began_at >= self.settle_at
            ):
                values = self._step(batch)
                now = time.perf_counter()
                # One clock, or some would stop a step before the others.
                self.place.seconds, mark = self.processes.of_first(self.place.seconds + now - mark), now
                self.place.batch = batch.number + 1
                self.place.step += 1
                self.place.images += int(values.pop("images"))
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
        parts = self._forward(batch)
        values = self._values(parts, batch)
        if not math.isfinite(values["total"]):
            raise self._non_finite_loss(parts, batch)
        self.optimizer.zero_grad()
        total = torch.stack([part.output.total for part in parts]).sum()
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm))
        left_out = not math.isfinite(norm)
        if left_out and not self.scaler.get_scale() > 1:  # without float16 it is 1
            raise self._non_finite("gradient", parts[0], batch)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if not left_out:
            self.average.update_parameters(self.model)
        return {
            **values,
            "gradient_norm": None if left_out else norm,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
        }

    def _forward(self, batch: Batch) -> list[Part]:
        """The batch through the network and the loss, in the parts that the network makes."""
        images = batch.images.to(self.device, non_blocking=True, memory_format=torch.channels_last)
        targets = batch.targets.to(self.device, non_blocking=True)
        network = InParts(self.model, 1) if self.network is None else self.network
        with torch.autocast(self.device.type, self.precision, enabled=self.precision is not torch.float32):
            raws = network(images)
        ends = [0, *(len(part) for part in images.tensor_split(len(raws)))]
        places = [slice(sum(ends[: k + 1]), sum(ends[: k + 2])) for k in range(len(raws))]
        truths = [targets[place] for place in places]
        outputs = self._losses(raws, truths)
        return [Part(*values) for values in zip(places, truths, raws, outputs, strict=True)]

    def _losses(self, raws: Sequence[Any], targets: Sequence[Targets]) -> list[LossOutput]:
        """The loss of each part. Their sum, or its mean over the processes, is the loss of the whole batch."""
        if len(raws) == 1 and self.processes.count == 1:
            return [self.loss(raws[0], targets[0])]
        loss: Any = self.loss
        assignments = [loss.assign(raw, truth) for raw, truth in zip(raws, targets, strict=True)]
        total = self.processes.summed(sum(map(loss.own_normalizer, assignments)))
        normalizer = loss.shared_normalizer(total, self.processes.count)
        return [
            loss(raw, truth, assignment, normalizer)
            for raw, truth, assignment in zip(raws, targets, assignments, strict=True)
        ]

    def _values(self, parts: Sequence[Part], batch: Batch) -> dict[str, Any]:
        """Numbers of the whole batch, of all parts and processes."""
        # One read-back for all numbers: each would make a GPU wait once more.
        names = list(parts[0].output.terms)
        means = torch.stack([_means(part.output) for part in parts]).sum(0) / self.processes.count
        counts = torch.stack([_counts(part.output) for part in parts]).sum(0)
        known = counts.new_tensor([batch.num_hidden, len(batch.indices)])
        numbers = self.processes.summed(torch.cat([means, counts, known])).tolist()
        total, *terms, answered, dropped, hidden, images = numbers
        return {
            "total": total,
            "terms": dict(zip(names, terms[: len(names)], strict=True)),
            "unweighted": dict(zip(names, terms[len(names) :], strict=True)),
            "num_answered": int(answered),
            "num_dropped": int(dropped),
            "num_hidden": int(hidden),
            "images": int(images),
        }

    def _record(self, values: dict[str, Any]) -> StepRecord:
        place = self.place
        return StepRecord(
            step=place.step, epoch=place.epoch, seconds=place.seconds, images=place.images, **values
        )

    def _non_finite_loss(self, parts: Sequence[Part], batch: Batch) -> Exception:
        """What to raise where the loss of some part is not finite: one process says why."""
        found = [part for part in parts if not part.output.total.isfinite()]
        if self.processes.lowest(bool(found)) != self.processes.rank:
            return StoppedElsewhere()
        return self._non_finite("loss", found[0], batch)

    def _non_finite(self, what: str, part: Part, batch: Batch) -> Exception:
        if what == "gradient" and not self.processes.first:  # it is the same everywhere
            return StoppedElsewhere()
        raw = with_tensors(part.raw, [tensor.detach() for tensor in tensors_of(part.raw)])
        names = list(batch.names[part.images])
        loss: Any = self.loss
        found = None
        if isinstance(loss, ExplainableLoss):
            found = find_nonfinite(
                loss, raw, part.targets, class_names=self.batches.dataset.class_names, image_names=names
            )
        wrong = ", ".join(name for name, value in part.output.terms.items() if not value.isfinite())
        culprit = found or f"{f'term {wrong}, ' if wrong else ''}with the pictures {', '.join(names)}"
        targets = batch.targets[part.images]
        kept = {f.name: getattr(targets, f.name) for f in fields(Targets)}
        return NonFiniteLossError(
            f"the {what} is not finite at step {self.place.step + 1}: {culprit}; a lower learning rate may help",
            {
                "images": batch.images[part.images],
                "raw": with_tensors(raw, [tensor.cpu() for tensor in tensors_of(raw)]),
                **{k: v for k, v in kept.items() if v is not None},
                "names": names,
                "step": self.place.step + 1,
            },
        )


def _means(output: LossOutput) -> Tensor:
    """The total, the terms and these without their weights."""
    values = [output.total, *output.terms.values(), *output.unweighted.values()]
    return torch.stack([value.detach().double() for value in values])


def _counts(output: LossOutput) -> Tensor:
    """Objects with and without a predictor."""
    return torch.stack([output.assignment.mask.sum(), output.num_dropped]).double()
