"""How loops are compiled and shared among threads.

Numba keeps what it compiled beside the source, or where ``NUMBA_CACHE_DIR`` says, until that file changes; a change of
another file, whose functions are in the loop, it does not see.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import torch
from torch import Tensor

from yolosses.kernels.numba.team import in_team

WORTH, WORTH_ALONE = 1 << 16, 1 << 21
"""Nanoseconds of work for each thread from which it pays to take another one: of torch's, and of our own, in whose way
those of torch are at first, which wait for work for a while."""
compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
summing = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc"})
"""For a sum whose order is free, so that many numbers are added at once."""
_threads: ThreadPoolExecutor | None = None


def over_images(loop: Callable[..., None], images: int, work: int, *arguments: object) -> None:
    """``loop(first, end, *arguments)`` for all images, in as many threads as torch uses where it is worth it; ``work``:
    about how many nanoseconds it takes. The loop lets go of Python's lock."""
    if work < 2 * WORTH:
        loop(0, images, *arguments)
        return
    parts = _parts(images, work // WORTH)
    if len(parts) > 1 and in_team(loop, parts, arguments):
        return
    first, *others = _parts(images, work // WORTH_ALONE)
    started = [_pool().submit(loop, *part, *arguments) for part in others]
    loop(*first, *arguments)
    for other in started:
        other.result()


def _parts(images: int, most: int) -> list[tuple[int, int]]:
    """The first of some images, and one after the last, of each thread."""
    threads = max(1, min(torch.get_num_threads(), images, most))
    return list(itertools.pairwise(images * number // threads for number in range(threads + 1)))


def behind(view: Tensor) -> tuple[np.ndarray, tuple[int, ...]]:
    """The numbers behind a view, one after the other, and its strides: of one type whatever its layout."""
    last = sum((n - 1) * step for n, step in zip(view.shape, view.stride(), strict=True))
    values = view.detach().as_strided((last + 1 if view.numel() else 0,), (1,))
    return values.numpy(), view.stride()


@compiled
def bounded(number, most):
    """A number rounded down, from 0 to ``most``; 0 where it is none."""
    if not number > 0:
        return 0
    return int(number) if number < most else most


def _pool() -> ThreadPoolExecutor:
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(thread_name_prefix="yolosses")
    return _threads


def _forget() -> None:
    """A forked process has none of its parent's threads."""
    global _threads
    _threads = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
