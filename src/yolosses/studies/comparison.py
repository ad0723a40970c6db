"""Losses side by side: what runs with one budget came to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, Literal

from yolosses.explain.terms import term_shares

Score = Literal["map50", "map50_95"]
LAST = 0.1  # of the steps of a run, over which the terms are averaged


@dataclass(frozen=True, kw_only=True)
class Point:
    """The scores of a run on its way. ``seconds`` of training, pauses for scoring not counted."""

    images: int
    seconds: float
    map50: float | None
    map50_95: float | None


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """What came out of one run.

    Attributes:
        parameters: of the network.
        term: the largest term of the loss at the end, and its share; None where the loss is 0.
        error: the kind of error that costs most (TIDE), and what mAP50 would gain without it; None where none does.
        points: scores along the way, the last at the end.
    """

    loss: str
    seed: int
    parameters: int
    term: tuple[str, float] | None
    error: tuple[str, float] | None
    points: tuple[Point, ...]

    @property
    def map50(self) -> float | None:
        """At the end."""
        return self.points[-1].map50

    @property
    def map50_95(self) -> float | None:
        """At the end."""
        return self.points[-1].map50_95

    @property
    def images_per_second(self) -> float:
        """In training."""
        return self.points[-1].images / max(self.points[-1].seconds, 1e-9)


@dataclass(frozen=True, kw_only=True)
class ComparedLoss:
    """All runs of one loss, with different seeds."""

    loss: str
    runs: tuple[ComparedRun, ...]

    def mean(self, score: Score) -> float | None:
        """Over the runs; None where it is not defined."""
        values = self._values(score)
        return fmean(values) if values else None

    def deviation(self, score: Score) -> float | None:
        """Standard deviation over the runs; None for fewer than two."""
        values = self._values(score)
        return stdev(values) if len(values) > 1 else None

    def spread(self, score: Score) -> tuple[float, float] | None:
        """The lowest and the highest of the runs; None for fewer than two."""
        values = self._values(score)
        return (min(values), max(values)) if len(values) > 1 else None

    @property
    def images_per_second(self) -> float:
        """Mean over the runs."""
        return fmean(run.images_per_second for run in self.runs)

    @property
    def term(self) -> tuple[str, float] | None:
        """The term that is the largest in most runs, and its mean share there."""
        return _most([run.term for run in self.runs])

    @property
    def error(self) -> tuple[str, float] | None:
        """The kind of error that costs most in most runs, and its mean cost there."""
        return _most([run.error for run in self.runs])

    def points(self) -> tuple[tuple[Point, ...], ...]:
        """By place along the way, the points of all runs."""
        return tuple(zip(*(run.points for run in self.runs), strict=False))

    def _values(self, score: Score) -> list[float]:
        found = (getattr(run, score) for run in self.runs)
        return [value for value in found if value is not None]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs on the same data with the same budget.

    Attributes:
        budget: {"minutes": 5.0} or {"epochs": 20} of each run.
        num_pictures: of each split.
        model: the network of our own runs.
    """

    data: str
    train_split: str
    eval_split: str
    num_pictures: dict[str, int]
    image_size: tuple[int, int]
    budget: dict[str, float | int]
    runs: tuple[ComparedRun, ...]
    model: str = "tiny"

    def ranked(self) -> tuple[ComparedLoss, ...]:
        """The losses by mAP50:95, the best first."""
        losses = dict.fromkeys(run.loss for run in self.runs)
        grouped = [
            ComparedLoss(loss=loss, runs=tuple(run for run in self.runs if run.loss == loss))
            for loss in losses
        ]
        return tuple(sorted(grouped, key=lambda loss: -(loss.mean("map50_95") or -1.0)))

    def to_json(self) -> dict[str, Any]:
        """Plain values, with a summary that is worked out."""
        summary = [
            {
                "loss": loss.loss,
                "runs": len(loss.runs),
                "map50": loss.mean("map50"),
                "map50_95": loss.mean("map50_95"),
                "map50_95_deviation": loss.deviation("map50_95"),
                "map50_95_spread": loss.spread("map50_95"),
                "images_per_second": loss.images_per_second,
                "term": loss.term,
                "error": loss.error,
            }
            for loss in self.ranked()
        ]
        return {**asdict(self), "summary": summary}


def largest_term(log: Sequence[Mapping[str, Any]]) -> tuple[str, float] | None:
    """The term with the largest share of the loss in the last tenth of the rows of a log."""
    rows = log[-max(1, int(LAST * len(log))) :]
    names = rows[0]["terms"] if rows else ()
    shares = term_shares({name: sum(row["terms"][name] for row in rows) for name in names})
    known = {name: float(share) for name, share in shares.items() if not math.isnan(share)}
    return max(known.items(), key=lambda pair: pair[1], default=None)


def costliest_error(costs: Mapping[Any, float | None]) -> tuple[str, float] | None:
    """Of TIDE's kinds of errors, the one that costs most; None where none costs anything."""
    known = {name: cost for name, cost in costs.items() if cost}
    return max(known.items(), key=lambda pair: pair[1], default=None)


def _most(found: Sequence[tuple[str, float] | None]) -> tuple[str, float] | None:
    known = [pair for pair in found if pair is not None]
    if not known:
        return None
    name = Counter(name for name, _ in known).most_common(1)[0][0]
    return name, fmean(value for other, value in known if other == name)
