"""What the host may look at."""

import torch
from torch import Tensor


def on_host(tensor: Tensor) -> bool:
    """Whether ``tensor`` is in the host's own memory, so that nothing waits for its values."""
    return tensor.device.type == "cpu"


def lengths_are_free(tensor: Tensor) -> bool:
    """Whether a shape may depend on the values of ``tensor``: not on a GPU, whose host would wait, and not in a
    compiled graph, which needs shapes that are known beforehand."""
    return on_host(tensor) and not torch.compiler.is_compiling()
