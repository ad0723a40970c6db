"""How many threads a step on the CPU should use, found out by trying."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from statistics import median

import torch

RECENT = 7  # steps whose median is the present pace
FIRST = 4  # steps before the first choice
TRIAL = 3  # steps with the other number of threads
SOON, LATE = 8.0, 60.0  # seconds between trials: at first, and at most while nothing changes
SLOWER = 1.4  # times the pace at the last choice: something else wants the cores, so try at once
HOPELESS = 2.5  # times the present time of a step: a trial ends there
BETTER = 0.93  # of the present time of a step: below this the other number is taken


class ThreadChoice:
    """All threads, or one: whichever makes a step faster now. Call `took` after each step.

    The threads of one operation wait for each other, hundreds of times a step. With the cores to themselves that is
    nothing. Where other programs run too, each wait lasts until the slowest thread has had its turn, and two threads
    can be ten times slower than one. What else runs on a machine changes, so the other number is tried for a few steps
    now and then.

    Args:
        most: the number beside one; by default what torch uses now.
        set_threads: called with the number to use from now on.
    """

    def __init__(
        self, *, most: int | None = None, set_threads: Callable[[int], None] = torch.set_num_threads
    ) -> None:
        self.most = torch.get_num_threads() if most is None else most
        self.threads = self.most
        self._set = set_threads
        self._times: deque[float] = deque(maxlen=RECENT)
        self._usual: float | None = None  # median at the last choice
        self._since = 0.0  # seconds since the last choice
        self._wait = SOON
        self._trial: list[float] | None = None

    def took(self, seconds: float) -> None:
        """A step took ``seconds``."""
        if self.most == 1:
            return
        if self._trial is not None:
            self._trial.append(seconds)
            if len(self._trial) == TRIAL or seconds > HOPELESS * median(self._times):
                self._choose(median(self._trial))
            return
        self._times.append(seconds)
        self._since += seconds
        if self._due():
            self._trial = []
            self._set(self._other)

    @property
    def _other(self) -> int:
        return 1 if self.threads == self.most else self.most

    def _due(self) -> bool:
        if self._usual is None:
            return len(self._times) == FIRST
        if len(self._times) < RECENT:
            return False
        return median(self._times) > SLOWER * self._usual or self._since >= self._wait

    def _choose(self, other: float) -> None:
        present = median(self._times)
        if other < BETTER * present:
            self.threads, self._usual, self._wait = self._other, other, SOON
        else:
            self._usual, self._wait = present, min(2 * self._wait, LATE)
            self._set(self.threads)
        self._times.clear()
        self._since = 0.0
        self._trial = None
