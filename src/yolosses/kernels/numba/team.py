"""The threads of torch, to run loops in.

Torch's threads, of OpenMP, wait for their next work by trying again and again for some milliseconds, so that threads of
our own beside them would wait for a processor. Here the loops are given to them, through OpenMP's own entry.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

ALL = 0
"""Threads, for OpenMP."""
_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_forked = False


class _Job(NamedTuple):
    """Attributes:
    loop: to call with a first and a last number and ``arguments``. parts: those numbers, of which each thread takes
        the next ones. done: those that were called. errors: what was raised.
    """

    loop: Callable[..., None]
    arguments: tuple[object, ...]
    parts: Iterator[tuple[int, int]]
    done: list[tuple[int, int]]
    errors: list[BaseException]


def in_team(loop: Callable[..., None], parts: list[tuple[int, int]], arguments: tuple[object, ...]) -> bool:
    """Call ``loop(first, last, *arguments)`` for each of ``parts`` in the threads of torch; False, and nothing is
    called, where it is not known how to. The loop lets go of Python's lock, or one waits for the other."""
    parallel = _openmp()
    if parallel is None or _forked or not _one_at_a_time():
        return False
    # Whoever is free takes the next part. All threads are asked, as torch does: those that a smaller team has no use
    # for would end, and have to be made again for the next operation.
    job = _Job(loop, arguments, iter(parts), [], [])
    holder = ctypes.py_object(job)
    parallel(_work, ctypes.byref(holder), ALL, 0)
    try:
        if job.errors:
            raise job.errors[0]
    finally:
        job.errors.clear()  # what was raised knows this job
    if len(job.done) != len(parts):  # an interrupt between two lines of a thread
        raise RuntimeError(f"threads: expected {len(parts)} parts to be done; got {len(job.done)}")
    return True


def _one_at_a_time() -> bool:
    """Whether Python has a lock: without one two threads may take the same part."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def _do(data: int) -> None:
    job: _Job = ctypes.cast(data, ctypes.POINTER(ctypes.py_object)).contents.value
    try:
        for first, last in job.parts:
            job.loop(first, last, *job.arguments)
            job.done.append((first, last))
    except BaseException as error:
        job.errors.append(error)


_work = _FUNCTION(_do)


@functools.cache
def _openmp() -> Callable[..., None] | None:
    """The entry of the library that torch's threads are of, where it is certain which one that is: on Linux, and of
    several the one that came with torch."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    torch.ones(1 << 16, device="cpu").sum()  # it is loaded by its first use at the latest
    names = {line.split(maxsplit=5)[-1].strip() for line in maps.read_text().splitlines() if "omp" in line}
    found = [
        path for path in map(Path, sorted(names)) if path.name.startswith(("libgomp", "libomp", "libiomp"))
    ]
    own = [path for path in found if Path(torch.__file__).parent in path.parents]
    if len(own or found) != 1:
        return None
    try:
        parallel: Any = ctypes.CDLL(str((own or found)[0])).GOMP_parallel
    except (OSError, AttributeError):
        return None
    parallel.argtypes, parallel.restype = [_FUNCTION, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
    return parallel  # type: ignore[no-any-return]


def _forget() -> None:
    """A forked process has none of its parent's threads, and OpenMP does not know."""
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
