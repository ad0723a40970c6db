"""Ctrl-C, and the signals that ask for the same: between two steps of a run, and everywhere else."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


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


class StopBetweenSteps:
    """Context in which the first Ctrl-C (or SIGTERM, SIGHUP) is only noted, in ``asked``; a second one stops at
    once."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopBetweenSteps:
        for number in _signals():
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
