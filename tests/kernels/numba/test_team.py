"""Loops run in torch's own threads: all of them, once, and what they raise arrives."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

pytest.importorskip("numba")

from yolosses.kernels.numba import team

PARTS = [(0, 3), (3, 4), (4, 9)]

pytestmark = pytest.mark.skipif(
    team._openmp() is None, reason="here it is not known how to call torch's threads"
)


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_the_library_is_one_that_is_loaded() -> None:
    """On Linux, where torch comes with its own, it is found."""
    assert team._openmp() is not None
    assert "omp" in Path("/proc/self/maps").read_text()


def test_every_part_once_in_several_threads() -> None:
    done: list[tuple[int, int, str]] = []
    threads: set[int] = set()

    def loop(first: int, last: int, name: str) -> None:
        time.sleep(0.2)  # lets go of the lock, as loops do
        threads.add(threading.get_ident())
        done.append((first, last, name))

    assert team.in_team(loop, PARTS, ("given",))
    assert sorted(done) == [(*part, "given") for part in PARTS]
    assert len(threads) == len(PARTS)


def test_fewer_threads_than_parts_do_all() -> None:
    done: list[tuple[int, int]] = []
    many = [(number, number + 1) for number in range(500)]
    assert team.in_team(lambda first, last: done.append((first, last)), many, ())
    assert sorted(done) == many


def test_what_a_thread_raises_is_raised() -> None:
    def loop(first: int, last: int) -> None:
        if first == 3:
            raise IndexError("assignment: expected predictors and objects that there are")

    with pytest.raises(IndexError, match=r"^assignment: expected predictors"):
        team.in_team(loop, PARTS, ())
    assert team.in_team(loop, PARTS[:1], ())


def test_torch_goes_on_with_its_threads() -> None:
    for _ in range(20):
        assert team.in_team(lambda first, last: None, PARTS, ())
        assert torch.ones(1 << 18).sum() == 1 << 18


def test_one_thread_does_all() -> None:
    done: list[int] = []
    torch.set_num_threads(1)
    assert team.in_team(lambda first, last: done.append(threading.get_ident()), PARTS, ())
    assert done == [threading.get_ident()] * len(PARTS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_no_team() -> None:
    team.in_team(lambda first, last: None, PARTS, ())
    child = os.fork()
    if child == 0:
        os._exit(1 if team.in_team(lambda first, last: None, PARTS, ()) else 0)
    assert os.waitpid(child, 0)[1] == 0
