"""Whether Triton or Numba can run here."""

import importlib.util
import os

import torch
from torch import Tensor

HAS_TRITON = importlib.util.find_spec("triton") is not None
HAS_NUMBA = importlib.util.find_spec("numba") is not None
"""Looked for once: a compiler that traces a loss cannot look."""


def require_triton(tensor: Tensor) -> None:
    """Raise unless ``impl="triton"`` works on ``tensor``.

    Raises:
        ModuleNotFoundError: triton is not installed. ValueError: ``tensor`` is not on a GPU, and Triton does not
            interpret its kernels (environment variable TRITON_INTERPRET=1, for tests: very slow).
    """
    if not HAS_TRITON:
        raise ModuleNotFoundError(
            "impl: 'triton' needs the package triton (Linux: pip install triton); got none"
        )
    if tensor.device.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        raise ValueError("impl: 'triton' expected tensors on a GPU; got cpu")


def require_triton_assigns(pred_boxes: Tensor) -> None:
    """Raise unless task-aligned assignment with ``impl="triton"`` knows the dtype of ``pred_boxes``.

    Raises:
        ValueError: ``pred_boxes`` are not float32: a key of 64 bits has no room for a location beside a longer number.
    """
    if pred_boxes.dtype != torch.float32:
        name = str(pred_boxes.dtype).removeprefix("torch.")
        raise ValueError(f"pred_boxes: expected float32 for impl='triton'; got {name}")


def require_numba(tensor: Tensor) -> None:
    """Raise unless ``impl="numba"`` works on ``tensor``.

    Raises:
        ModuleNotFoundError: numba is not installed. ValueError: ``tensor`` is not on a CPU.
    """
    if not HAS_NUMBA:
        raise ModuleNotFoundError("impl: 'numba' needs the package numba (pip install numba); got none")
    if tensor.device.type != "cpu":
        raise ValueError(f"impl: 'numba' expected tensors on a CPU; got {tensor.device}")
