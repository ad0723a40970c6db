"""The processes that train one network together, as `torchrun` starts them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

Value = TypeVar("Value")
CPU = torch.device("cpu")
LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun and its like set


class StoppedElsewhere(Exception):  # noqa: N818  it is no error of this process
    """Another process failed, and says why."""


@dataclass(frozen=True)
class Processes:
    """One process of ``count``, the one numbered ``rank``. All of them call each method together, or all would wait.

    ``device``: where tensors have to be for what is exchanged. Alone, nothing is.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = CPU

    @property
    def first(self) -> bool:
        """Whether this is the process that prints, writes and evaluates."""
        return self.rank == 0

    def share(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The part of a batch that this process computes: all parts have the same length, or one more."""
        return np.array_split(indices, self.count)[self.rank]

    def summed(self, values: Tensor) -> Tensor:
        """``values`` added up over the processes, in place."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def any(self, here: bool) -> bool:
        """Whether it is true of one of them."""
        return self.lowest(here) is not None

    def lowest(self, here: bool) -> int | None:
        """The lowest rank of which it is true, or None."""
        if self.count == 1:
            return 0 if here else None
        flags = torch.zeros(self.count, device=self.device)
        flags[self.rank] = here
        ranks = self.summed(flags).nonzero()
        return int(ranks[0]) if len(ranks) else None

    def of_first(self, value: Value) -> Value:
        """What the first process has."""
        if self.count == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, device=self.device)
        return values[0]

    def gathered(self, value: Value) -> list[Value]:
        """What each has, by rank."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values


ALONE = Processes()


def launched() -> bool:
    """Whether `torchrun`, or what sets the same variables, started this process."""
    return all(name in os.environ for name in LAUNCHED)


def local_rank() -> int:
    """The number of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0")) if launched() else 0


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """The group of the processes that were started together, with NCCL on GPUs and gloo elsewhere."""
    if not launched():
        yield Processes(device=device)
        return
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo", device_id=device if on_gpu else None)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), device)
    except RuntimeError as error:
        if dist.get_rank() and _of_another(error):
            raise StoppedElsewhere from error
        raise
    finally:
        # Some runs of torch 2.14 aborted at their end where DDP was still there without its group.
        gc.collect()
        dist.destroy_process_group()


def _of_another(error: RuntimeError) -> bool:
    """Whether a process waited for one that is gone: gloo has no exception of its own for that."""
    return (
        isinstance(error, dist.DistError)
        or "onnection closed" in str(error)
        or "onnection reset" in str(error)
    )
