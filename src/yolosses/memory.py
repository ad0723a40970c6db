"""Memory for large results on a CPU."""

import math

import numpy as np
import torch
from torch import Tensor

from yolosses import modes

LARGE, PAGE = 1 << 22, 1 << 21
"""Bytes from which numpy asks for large pages, and of a large page."""


def empty(*shape: int, dtype: torch.dtype) -> Tensor:
    """As `torch.empty`, on the CPU.

    Large buffers are allocated through NumPy, which uses transparent huge pages: faulting in 4 KiB pages, as torch's
    allocator does, costs several times more than writing them, and a gradient is as large as a network's output.
    """
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE or modes.is_traced():
        return torch.empty(shape, dtype=dtype, device="cpu")
    # From the beginning of a page to the end of one: what is left over at both ends would be small ones.
    buffer = np.empty(-(-size // PAGE) * PAGE + PAGE, np.uint8)
    begin = -buffer.ctypes.data % PAGE
    return torch.from_numpy(buffer[begin : begin + size]).view(dtype).view(shape)


def zeros(shape: torch.Size, like: Tensor) -> Tensor:
    """As ``like.new_zeros``, on a CPU with the memory of `empty`."""
    if not modes.dynamic_lengths(like):
        return like.new_zeros(shape)
    return empty(*shape, dtype=like.dtype).zero_()


def empty_like(tensor: Tensor, memory_format: torch.memory_format = torch.preserve_format) -> Tensor:
    """As `torch.empty_like`, on a CPU with the memory of `empty`."""
    if not modes.dynamic_lengths(tensor):
        return torch.empty_like(tensor, memory_format=memory_format)
    if tensor.is_contiguous():
        return empty(*tensor.shape, dtype=tensor.dtype)
    return laid_out_as(torch.empty_like(tensor, device="meta", memory_format=memory_format), tensor.dtype)


def laid_out_as(layout: Tensor, dtype: torch.dtype) -> Tensor:
    """On the CPU, with the shape and the strides of ``layout``, a dense tensor on whatever device."""
    return empty(layout.numel(), dtype=dtype).as_strided(layout.shape, layout.stride())
