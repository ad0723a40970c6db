"""What the host may look at, and where its memory comes from."""

import math

import numpy as np
import torch
from torch import Tensor

LARGE, PAGE = 1 << 22, 1 << 21
"""Bytes from which numpy asks for large pages, and of a large page."""


def on_host(tensor: Tensor) -> bool:
    """Whether ``tensor`` is in the host's own memory, so that nothing waits for its values."""
    return tensor.device.type == "cpu"


def lengths_are_free(tensor: Tensor) -> bool:
    """Whether a shape may depend on the values of ``tensor``: not on a GPU, whose host would wait, and not in a
    compiled graph, which needs shapes that are known beforehand."""
    return on_host(tensor) and not torch.compiler.is_compiling()


def empty(*shape: int, dtype: torch.dtype) -> Tensor:
    """As `torch.empty`, on the CPU.

    The memory of a large one is numpy's, which asks the system for large pages. In pages of 4 KiB, of which torch's is,
    handing out fresh memory takes several times as long as writing it, and a gradient is as large as a network's
    output.
    """
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE or torch.compiler.is_compiling():
        return torch.empty(shape, dtype=dtype)
    # From the beginning of a page to the end of one: what is left over at both ends would be small ones.
    memory = np.empty(-(-size // PAGE) * PAGE + PAGE, np.uint8)
    begin = -memory.ctypes.data % PAGE
    return torch.from_numpy(memory[begin : begin + size]).view(dtype).view(shape)


def empty_like(tensor: Tensor, memory_format: torch.memory_format = torch.preserve_format) -> Tensor:
    """As `torch.empty_like`, on a CPU with the memory of `empty`."""
    if not lengths_are_free(tensor):
        return torch.empty_like(tensor, memory_format=memory_format)
    if tensor.is_contiguous():
        return empty(*tensor.shape, dtype=tensor.dtype)
    strides = torch.empty_like(tensor, device="meta", memory_format=memory_format).stride()
    return empty(tensor.numel(), dtype=tensor.dtype).as_strided(tensor.shape, strides)
