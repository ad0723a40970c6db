"""How loops are compiled and shared among threads.

Numba keeps what it compiled beside the source, or where ``NUMBA_CACHE_DIR`` says, until that file changes; it does not
see a change of another file whose functions the loop calls.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from itertools import pairwise
from queue import SimpleQueue

import numba
import torch

WORTH = 1 << 18
"""Nanoseconds of work from which another thread pays: handing a part over takes some ten microseconds."""
PARTS = 4
"""Parts for each thread. Torch's own threads spin for some milliseconds after an operation, and a thread that has to
share its processor with one of them should do fewer parts than the others, not keep them waiting."""
compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
summing = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc"})
"""For a sum whose order is free, so that it is vectorised."""


def over_images(loop: Callable[..., None], images: int, work: int, *arguments: object) -> None:
    """``loop(first, end, *arguments)`` for all images, in as many threads as torch uses where it pays.

    The caller is one of the threads: it waits for another one only if that is at work. What ``loop`` raises in any
    thread is raised here, and so is an interrupt, after which nobody begins another part.

    Args:
        loop: compiled without Python's lock. work: about how many nanoseconds it takes.
    """
    threads = min(torch.get_num_threads(), images, work // WORTH)
    if threads < 2:
        loop(0, images, *arguments)
        return
    count = min(images, PARTS * threads)
    parts = deque(pairwise(images * number // count for number in range(count + 1)))

    def take_parts() -> None:
        while parts:
            try:
                part = parts.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                loop(*part, *arguments)
            except BaseException:
                parts.clear()
                raise

    helpers: list[Future[None]] = []
    try:
        _pool().start(threads - 1, take_parts, helpers)
        take_parts()
    finally:
        parts.clear()
        helpers = [helper for helper in helpers if not helper.cancel()]
        wait(helpers)
    for helper in helpers:
        helper.result()


@compiled
def bounded(number, most):
    """A number rounded down, from 0 to ``most``; 0 for NaN."""
    if not number > 0:
        return 0
    return int(number) if number < most else most


class _Pool:
    """Threads that wait for tasks. Not a `ThreadPoolExecutor`, which the interpreter waits for at its end: for ever, if
    an interrupt arrives while it starts a thread."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[tuple[Future[None], Callable[[], None]]] = SimpleQueue()
        self.count = 0

    def start(self, times: int, task: Callable[[], None], futures: list[Future[None]]) -> None:
        """``task`` in as many threads as are free, at most ``times``; adds what tells the end of each to
        ``futures``."""
        for _ in range(times):
            future: Future[None] = Future()
            futures.append(future)
            self.tasks.put((future, task))
        with suppress(RuntimeError):  # no more threads: the caller does what they would have done
            while self.count < times:
                self.count += 1
                threading.Thread(target=self.work, name="yolosses", daemon=True).start()

    def work(self) -> None:
        while True:
            future, task = self.tasks.get()
            if future.set_running_or_notify_cancel():
                try:
                    task()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(None)
            del future, task  # an idle thread keeps no arrays alive


_threads = _Pool()


def _pool() -> _Pool:
    return _threads


def _forget() -> None:
    """A forked process has none of its parent's threads."""
    global _threads
    _threads = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
