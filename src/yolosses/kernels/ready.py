"""Whether Triton can run here."""

import importlib.util
import os

from torch import Tensor


def require_triton(tensor: Tensor) -> None:
    """``impl="triton"`` works on ``tensor``, or one error says why not.

    Raises:
        ModuleNotFoundError: triton is not installed. ValueError: ``tensor`` is not on a GPU, and Triton does not
            interpret its kernels (environment variable TRITON_INTERPRET=1, for tests: very slow).
    """
    if importlib.util.find_spec("triton") is None:
        raise ModuleNotFoundError(
            "impl: 'triton' needs the package triton (Linux: pip install triton); got none"
        )
    if tensor.device.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        raise ValueError("impl: 'triton' expected tensors on a GPU; got cpu")
