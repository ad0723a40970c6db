"""Golden vectors: what a reference program put in and got out, one family a file.

Each family is a pair ``NAME.json`` (options, scalars, the meaning of every array) and ``NAME.npz`` (the arrays).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).parent


@dataclass(frozen=True, kw_only=True, eq=False)
class GoldenCase:
    """One recorded run: what its options were, what went in, what came out."""

    id: str
    name: str
    tags: frozenset[str]
    options: Mapping[str, Any]
    arrays: Mapping[str, Tensor]
    record: Mapping[str, Any]  # the json entry as it stands: cost, printed averages, notes

    def __str__(self) -> str:
        return f"{self.id}-{self.name}"

    def terms(self, kind: str) -> dict[str, float]:
        """The five sums over the batch in float64; ``kind``: "sse", "paper" or "darknet_cost_parts"."""
        return {name: float(value) for name, value in self.record["terms"][kind].items()}


@cache
def golden_cases(program: str, family: str) -> tuple[GoldenCase, ...]:
    """All cases of ``tests/golden/PROGRAM/FAMILY``."""
    entries = json.loads((ROOT / program / f"{family}.json").read_text(encoding="utf-8"))["cases"]
    with np.load(ROOT / program / f"{family}.npz") as stored:
        return tuple(
            GoldenCase(
                id=entry["id"],
                name=entry["name"],
                tags=frozenset(entry.get("tags", ())),
                options=entry["options"],
                arrays={
                    name: torch.from_numpy(stored[where["key"]]) for name, where in entry["arrays"].items()
                },
                record=entry,
            )
            for entry in entries
        )
