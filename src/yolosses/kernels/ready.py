"""Whether Triton, or Numba, can run here."""

import importlib.util
import os

import torch
from torch import Tensor


def require_triton(tensor: Tensor) -> None:
    """``impl="triton"`` works on ``tensor``, or one error says why not.

    Raises:
        ModuleNotFoundError: triton is not installed. ValueError: ``tensor`` is not on a GPU, and Triton does not
            interpret its kernels (environment variable TRITON_INTERPRET=1, for tests: very slow).
    """
    if _missing("triton"):
        raise ModuleNotFoundError(
            "impl: 'triton' needs the package triton (Linux: pip install triton); got none"
        )
    if tensor.device.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        raise ValueError("impl: 'triton' expected tensors on a GPU; got cpu")


def require_numba(tensor: Tensor) -> None:
    """``impl="numba"`` works on ``tensor``, or one error says why not.

    Raises:
        ModuleNotFoundError: numba is not installed. ValueError: ``tensor`` is not on a CPU.
    """
    if _missing("numba"):
        raise ModuleNotFoundError("impl: 'numba' needs the package numba (pip install numba); got none")
    if tensor.device.type != "cpu":
        raise ValueError(f"impl: 'numba' expected tensors on a CPU; got {tensor.device}")


def _missing(package: str) -> bool:
    """Not looked for by a compiler, some of which cannot: there the import says it."""
    return not torch.compiler.is_compiling() and importlib.util.find_spec(package) is None
