"""The steps of a run: shown, logged, saved now and then, and stopped between two of them where a person asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from yolosses.apps.runs.failures import CommandError, Interrupted
from yolosses.apps.runs.interrupt import StopBetweenSteps
from yolosses.apps.runs.progress import TrainingDisplay
from yolosses.apps.runs.say import say
from yolosses.training.checkpoints import require_space, save_training, save_weights, write_tensors
from yolosses.training.loop import NonFiniteLossError, StepRecord, Training
from yolosses.training.run import RunFolder, Settings

if TYPE_CHECKING:
    from yolosses.training.tensorboard import Board

SAVE_EVERY_SECONDS = 30.0


def take_steps(
    training: Training,
    each: Callable[[StepRecord], object],
    *,
    pauses: Sequence[float] = (),
    at_pause: Callable[[], object] | None = None,
) -> None:
    """Train until the budget is used up.

    Args:
        each: called after every step.
        pauses: shares of the budget at which ``at_pause`` is called, while the clock stands still.

    Raises:
        Interrupted: a person stopped it, after a step.
        NonFiniteLossError: the loss or its gradient became infinite or NaN.
    """
    with StopBetweenSteps() as stop:
        for until in (*pauses, 1.0):
            for record in training.steps(until=until):
                each(record)
                if training.processes.any(stop.asked):
                    raise Interrupted
            if until < 1 and at_pause is not None:
                at_pause()


def train_to_the_end(
    console: Console,
    folder: RunFolder,
    settings: Settings,
    training: Training,
    *,
    go_on: str,
    pauses: Sequence[float] = (),
    at_pause: Callable[[], object] | None = None,
    board: Board | None = None,
) -> None:
    """Train, show it, log it, and save it now and then.

    Args:
        go_on: the command that goes on with the run, for a person who stops it.
        pauses: shares of the budget at which ``at_pause`` is called, while the clock stands still.
        board: takes every step too.

    Raises:
        Interrupted: a person stopped it; all is saved.
        CommandError: the loss or its gradient became infinite or NaN; the batch is saved.
    """
    require_space(folder.state_file, training)
    log, display = folder.open_log(last_step=training.place.step), TrainingDisplay(console, training)
    # By the clock: what saving takes does not count, or a slow disk would do nothing else.
    saved = time.monotonic()

    def save() -> None:
        log.sync()
        save_training(folder.state_file, training)

    def keep(record: StepRecord) -> None:
        nonlocal saved
        log.append(record)
        if board is not None:
            board(record)
        try:
            display.show(record)
        except (OSError, SystemExit):  # nobody reads any longer, and rich exits: what was learnt is kept
            save()
            raise
        if time.monotonic() - saved > SAVE_EVERY_SECONDS:
            save()
            saved = time.monotonic()

    with log, board or nullcontext():
        try:
            with display, kept_for_replay(folder, settings):
                take_steps(training, keep, pauses=pauses, at_pause=at_pause)
        except Interrupted:
            save()
            say(console, f"what was learnt is kept; go on with: {escape(go_on)}")
            raise
        save()
    # Those of other weights, if the run was longer before.
    folder.metrics_file.unlink(missing_ok=True)
    save_weights(folder.weights_file, training.average.module.state_dict())


@contextmanager
def kept_for_replay(folder: RunFolder, settings: Settings) -> Iterator[None]:
    """Keep the batch that stops a run, and say how to look at it."""
    try:
        yield
    except NonFiniteLossError as error:
        folder.path.mkdir(parents=True, exist_ok=True)  # that of another machine, perhaps
        write_tensors(folder.nonfinite_file, error.replay)
        show = f"yolosses explain {folder.path} {settings.data} --replay {folder.nonfinite_file}"
        raise CommandError(f"{error}. The batch is kept; look at it with: {show}") from error
