"""Learning rates over a run. A schedule maps progress in [0, 1] to a factor of the highest learning rate."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]

WARMUP = 0.05  # of the run


def warmup_cosine(progress: float, *, warmup: float = WARMUP, final: float = 0.01) -> float:
    """Linear up to 1 during the first ``warmup`` of the run, then half a cosine down to ``final``."""
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    along = min((progress - warmup) / (1 - warmup), 1.0)
    return final + (1 - final) * (1 + math.cos(math.pi * along)) / 2


def paper(progress: float) -> float:
    """The paper's steps (section 2.2) in proportion: from 0.1 slowly up to 1, 75 of 135 epochs at 1, 30 at
    0.1, 30 at 0.01.

    "For the first epochs we slowly raise the learning rate": here the first 4 of them, linearly.
    """
    epoch = 135 * progress
    if epoch < 4:
        return 0.1 + 0.9 * epoch / 4
    if epoch < 75:
        return 1.0
    return 0.1 if epoch < 105 else 0.01
