"""How the terms of the loss went over training runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yolosses.explain.terms import term_shares

POINTS = 120
MEAN_POINTS = 60  # of the mean of several runs


@dataclass(frozen=True, kw_only=True)
class TermHistory:
    """Means of each weighted term at some steps. ``steps``: at least two, ascending."""

    steps: tuple[float, ...]
    terms: dict[str, tuple[float, ...]]

    @property
    def totals(self) -> list[float]:
        """Mean loss at each step."""
        return [sum(values) for values in zip(*self.terms.values(), strict=True)]

    @property
    def shares(self) -> dict[str, list[float]]:
        """What part of the loss each term has, 0 to 1; 0 where the loss is 0."""
        return {
            name: np.nan_to_num(values, nan=0.0).tolist() for name, values in term_shares(self.terms).items()
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
        steps=tuple(float(np.mean([kept[i]["step"] for i in part])) for part in parts),
        terms={
            name: tuple(float(np.mean([kept[i]["terms"][name] for i in part])) for part in parts)
            for name in kept[0]["terms"]
        },
    )


def mean_history(histories: Sequence[Mapping[str, Any]]) -> TermHistory | None:
    """Over several runs, as far as the shortest went; None if none has a history.

    Args:
        histories: ``steps`` and ``terms`` of each run, as a study keeps them; empty where there are none.
    """
    kept = [run for run in histories if len(run.get("steps", ())) > 1]
    if not kept:
        return None
    first, last = max(run["steps"][0] for run in kept), min(run["steps"][-1] for run in kept)
    if last <= first:
        kept, first, last = kept[:1], kept[0]["steps"][0], kept[0]["steps"][-1]
    steps = np.linspace(first, last, MEAN_POINTS)
    names = [name for name in kept[0]["terms"] if all(name in run["terms"] for run in kept)]
    parts = {name: [np.interp(steps, run["steps"], run["terms"][name]) for run in kept] for name in names}
    terms = {name: tuple(np.mean(part, axis=0).tolist()) for name, part in parts.items()}
    return TermHistory(steps=tuple(steps.tolist()), terms=terms)
