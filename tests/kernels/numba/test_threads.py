"""Loops are shared among threads: every image once, what is raised arrives, and a forked process finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import torch
from tests.kernels.scenes import crowded, losses, raw_for

import yolosses as yl

pytest.importorskip("numba")

from yolosses.kernels.numba import loops

LONG = 10**9


@pytest.fixture(autouse=True)
def three_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(loops, "_threads", loops._Pool())
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("images", [1, 2, 3, 7, 500])
@pytest.mark.parametrize("work", [0, LONG])
def test_every_image_once(images: int, work: int) -> None:
    done: list[int] = []
    loops.over_images(lambda first, end: done.extend(range(first, end)), images, work)
    assert sorted(done) == list(range(images))


def test_in_several_threads_but_for_little_work() -> None:
    threads: set[int] = set()

    def loop(first: int, end: int) -> None:
        time.sleep(0.05)  # lets go of the lock, as loops do
        threads.add(threading.get_ident())

    loops.over_images(loop, 12, LONG)
    assert len(threads) == 3
    threads.clear()
    loops.over_images(loop, 12, loops.WORTH)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("image", [0, 6, 11])
def test_what_a_thread_raises_is_raised_and_ends_all(image: int) -> None:
    def loop(first: int, end: int) -> None:
        time.sleep(0.01)
        if first <= image < end:
            raise IndexError("assignment: expected predictors and objects that there are")

    with pytest.raises(IndexError, match=r"^assignment: expected predictors"):
        loops.over_images(loop, 12, LONG)
    loops.over_images(lambda first, end: None, 12, LONG)


def test_busy_threads_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller does all parts itself."""
    free, done, busy = threading.Event(), [], []
    loops._pool().start(2, lambda: free.wait(30) or None, busy)
    while not all(one.running() for one in busy):
        time.sleep(0.01)
    monkeypatch.setattr(loops._pool(), "count", 100)
    try:
        loops.over_images(lambda first, end: done.append(threading.get_ident()), 12, LONG)
    finally:
        free.set()
    assert set(done) == {threading.get_ident()}


def test_losses_in_several_threads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "WORTH", 1)
    loss, raw, targets = losses(yl.YOLOv8Loss, 4, "numba")[0], raw_for(yl.YOLOv8Loss, 4), crowded()
    wanted, found = loss(raw, targets).per_image, []
    threads = [threading.Thread(target=lambda: found.append(loss(raw, targets).per_image)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert all(torch.equal(one, wanted) for one in found)


INTERRUPTED = """
import os, signal, threading, time
import torch
from yolosses.kernels.numba import loops

def loop(first, end):
    if first == 0:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
torch.set_num_threads(3)
try:
    loops.over_images(loop, 60, 10**9)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a process of one's own")
def test_an_interrupt_arrives_and_nothing_hangs() -> None:
    assert signal.SIGINT
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "interrupted\n", done.stderr[-2000:]
    assert time.monotonic() - start < 30


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_process_finishes(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one thread of torch a whole loss; loops alone with several."""
    monkeypatch.setattr(loops, "WORTH", 1)
    loss, raw, targets = losses(yl.YOLOv8Loss, 4, "numba")[0], raw_for(yl.YOLOv8Loss, 4), crowded()
    wanted = loss(raw, targets).total.sum()  # the parent has threads
    assert loops._pool().count
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(60)
            torch.set_num_threads(threads)
            done: list[int] = []
            if threads > 1:
                loops.over_images(lambda first, end: done.extend(range(first, end)), 12, LONG)
                code = 0 if sorted(done) == list(range(12)) else 2
            else:
                value = loss(raw, targets).total.sum()
                value.backward()
                code = 0 if torch.equal(value, wanted) else 3
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
