"""How loops are told where the maps of several levels are: as flat arrays of one type, whatever their layout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor


def flat_storage(view: Tensor) -> tuple[np.ndarray, tuple[int, ...]]:
    """The memory of a view from its first element to its last, and the view's strides."""
    last = sum((n - 1) * step for n, step in zip(view.shape, view.stride(), strict=True))
    values = view.detach().as_strided((last + 1 if view.numel() else 0,), (1,))
    return values.numpy(), view.stride()


def views(levels: Sequence[Tensor]) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The `flat_storage` of each level, and their strides (levels, dimensions)."""
    values, steps = zip(*map(flat_storage, levels), strict=True)
    return values, np.array(steps)
