"""The square root that term 2 of YOLOv1 needs when a network emits sizes, not their roots."""

import torch
from torch import Tensor


def tangent_sqrt(size: Tensor, *, eps: float = 1e-4) -> Tensor:
    """sqrt(size) above ``eps``; its tangent at ``eps`` at and below it.

    A network's linear output can be 0 or negative, where sqrt has gradient infinity or is NaN. The tangent
    sqrt(eps) + (size - eps) / (2 sqrt(eps)) is finite for every input, continuous with its first derivative,
    and has the constant positive slope 1 / (2 sqrt(eps)), so that a size too small is always pushed up.
    ``eps`` is in units of ``size``: 1e-4 of the image's width is 0.05 pixels at 448.
    """
    if not eps > 0:
        raise ValueError(f"eps: expected a number > 0; got {eps!r}")
    root = eps**0.5
    # The clamp keeps sqrt away from 0 also where its branch is not taken: torch.where sends gradients through
    # both.
    return torch.where(size > eps, size.clamp(min=eps).sqrt(), root + (size - eps) / (2 * root))
