"""The precision that losses are computed in."""

import torch
from torch import Tensor


def at_least_float32(value: Tensor) -> Tensor:
    """float16 and bfloat16 become float32, in which overlaps and sums are safe; float32 and float64 stay."""
    return value if value.dtype in (torch.float32, torch.float64) else value.to(torch.float32)
