"""The loop over the steps of a run: pauses in their places, and an end between two steps where a person asks for it."""

import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from yolosses.apps.runs.failures import Interrupted
from yolosses.apps.runs.steps import take_steps
from yolosses.training.processes import ALONE


class TenSteps:
    """What `take_steps` asks of a training: ten steps, one a second."""

    device, processes, place = torch.device("cpu"), ALONE, SimpleNamespace(seconds=0.0)

    def __init__(self) -> None:
        self.step = 0

    def steps(self, *, until: float = 1.0) -> Iterator[Any]:
        while self.step < 10 * until:
            self.step += 1
            yield SimpleNamespace(step=self.step, seconds=float(self.step))


def test_pauses_come_between_the_steps_and_none_at_the_end() -> None:
    seen: list[int | str] = []
    take_steps(
        TenSteps(),  # type: ignore[arg-type]
        lambda record: seen.append(record.step),
        pauses=(0.2, 0.5),
        at_pause=lambda: seen.append("pause"),
    )
    assert seen == [1, 2, "pause", 3, 4, 5, "pause", 6, 7, 8, 9, 10]


def test_a_signal_ends_it_after_the_step_with_the_handler_as_before() -> None:
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def each(record: Any) -> None:
        if record.step == 3:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(record.step)

    with pytest.raises(Interrupted):
        take_steps(TenSteps(), each)  # type: ignore[arg-type]
    assert seen == [1, 2, 3]
    assert signal.getsignal(signal.SIGINT) is before
