"""How the terms of the loss went over a training run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

POINTS = 120


@dataclass(frozen=True, kw_only=True)
class TermHistory:
    """Means over stretches of steps.

    Attributes:
        num_steps: in the log.
        steps: the middle of each stretch. terms: mean of each weighted term there.
    """

    num_steps: int
    steps: tuple[float, ...]
    terms: dict[str, tuple[float, ...]]

    @property
    def totals(self) -> list[float]:
        """Mean loss of each stretch."""
        return [sum(values) for values in zip(*self.terms.values(), strict=True)]

    @property
    def shares(self) -> dict[str, list[float]]:
        """What part of the loss each term has, 0 to 1; 0 where the loss is 0."""
        return {
            name: [value / total if total else 0.0 for value, total in zip(values, self.totals, strict=True)]
            for name, values in self.terms.items()
        }


def term_history(rows: Iterable[Mapping[str, Any]], *, points: int = POINTS) -> TermHistory | None:
    """The rows of ``log.jsonl`` in at most ``points`` stretches of about the same number of steps. Steps whose loss is
    not finite are left out. None if fewer than two remain.
    """
    kept = [row for row in rows if math.isfinite(row["total"])]
    if len(kept) < 2:
        return None
    parts = np.array_split(np.arange(len(kept)), min(points, len(kept)))
    return TermHistory(
        num_steps=len(kept),
        steps=tuple(float(np.mean([kept[i]["step"] for i in part])) for part in parts),
        terms={
            name: tuple(float(np.mean([kept[i]["terms"][name] for i in part])) for part in parts)
            for name in kept[0]["terms"]
        },
    )
