"""Watchers that make hidden costs fail a test: host synchronisation, dense intermediates, recompilation.

They see every ATen operation of forward and backward on the CPU; what would make a GPU wait is told by the name of
the operation. ``Tensor.tolist`` and ``.numpy()`` are no operations on the CPU: the meta device, where they raise, shows
those.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

# Operations whose result, or the shape of whose result, the host has to know before it can go on.
READS_VALUES = (
    "_local_scalar_dense",
    "allclose",
    "argwhere",
    "bincount",
    "equal",
    "is_nonzero",
    "isin",
    "item",
    "masked_select",
    "nonzero",
    "nonzero_numpy",
    "_unique",
    "_unique2",
    "unique_consecutive",
    "unique_dim",
    "unique_dim_consecutive",
)
# What copies numbers that Python holds into a tensor: on a GPU a transfer each time.
FROM_HOST = ("lift_fresh", "lift_fresh_copy")
MASK_DTYPES = (torch.bool, torch.uint8)


class HostSyncError(AssertionError):
    """An operation that would make the host wait for the device."""


class NoHostSync(TorchDispatchMode):
    """Fails on the first operation that reads a tensor's values back, or picks with a boolean mask."""

    def __init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in READS_VALUES:
            raise HostSyncError(f"{func} reads values back to the host")
        if name in FROM_HOST:
            raise HostSyncError(f"{func} copies a constant from the host to the device")
        if name in ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"):
            for index in args[1]:
                if isinstance(index, Tensor) and index.dtype in MASK_DTYPES:
                    raise HostSyncError(f"{func} with a boolean mask has a shape that depends on values")
        if name == "repeat_interleave" and (kwargs or {}).get("output_size") is None:
            raise HostSyncError(f"{func} without output_size has a shape that depends on values")
        return func(*args, **(kwargs or {}))


class LargestTensor(TorchDispatchMode):
    """Remembers the largest number of elements that any operation allocated. Views count as nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = self.nbytes = 0
        self.operation = ""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, Tensor):
                self.nbytes = max(self.nbytes, value.untyped_storage().nbytes())
                held = value.untyped_storage().nbytes() // max(value.element_size(), 1)
                if held > self.numel:
                    self.numel, self.operation = held, str(func)
        return result


def has_compiler() -> bool:
    """Whether `torch.compile` with inductor can build CPU code here."""
    return any(shutil.which(name) for name in ("g++", "c++", "clang++"))


@contextmanager
def compiled(module: nn.Module, *, backend: str) -> Iterator[Callable[..., Any]]:
    """``module`` compiled into one graph, that may be compiled once only: recompiling raises."""
    if backend == "inductor" and not has_compiler():
        pytest.skip("inductor needs a C++ compiler")
    torch._dynamo.reset()
    try:
        with torch._dynamo.config.patch(error_on_recompile=True):
            yield torch.compile(module, fullgraph=True, backend=backend, dynamic=False)
    finally:
        torch._dynamo.reset()
