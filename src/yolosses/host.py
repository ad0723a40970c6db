"""What the host may look at."""

import torch
from torch import Tensor


def lengths_are_free(tensor: Tensor) -> bool:
    """Whether a shape may depend on the values of ``tensor``: on a CPU nothing waits for a length, while a GPU's host
    would wait, and a compiled graph needs shapes that are known beforehand."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()
