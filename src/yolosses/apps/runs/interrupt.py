"""Ctrl-C, and the signals that ask for the same: between two steps of a run, and everywhere else."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from types import FrameType
from typing import Self


def _signals() -> list[signal.Signals]:
    """Ctrl-C, `kill`, and a terminal that is closed (unless `nohup` has it ignored)."""
    asked = [signal.SIGINT, signal.SIGTERM]
    closed = getattr(signal, "SIGHUP", None)  # not on Windows
    if closed is not None and signal.getsignal(closed) != signal.SIG_IGN:
        asked.append(closed)
    return asked


def stop_on_signals() -> None:
    """From now on each of the signals raises `KeyboardInterrupt`."""
    for number in _signals():
        signal.signal(number, signal.default_int_handler)


def ignore_signals() -> None:
    """From now on none of the signals does anything: the process is about to end."""
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


class StopBetweenSteps(ExitStack):
    """Context in which the first Ctrl-C (or SIGTERM, SIGHUP) is only noted, in ``asked``; a second one stops at
    once."""

    asked = False

    def __enter__(self) -> Self:
        for number in _signals():
            self.callback(signal.signal, number, signal.signal(number, self._note))
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.close()
