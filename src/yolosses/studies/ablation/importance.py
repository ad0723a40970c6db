"""Which parameter a measure depends on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from yolosses.studies.ablation.findings import is_ordered
from yolosses.studies.ablation.statistics import Table
from yolosses.studies.ablation.structures import Level, Result, StudyResults

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

LEAST_RESULTS = 4
CHANCE = 0.05
_FOREST_SEED = 0
_WIDE = 10.0  # a drawn range that spans so many times its lower end is looked at by its logarithm


def importance(study: StudyResults, measure: str) -> dict[str, float] | None:
    """Shares of the parameters, together 1, in what a measure differs by between settings: fANOVA (Hutter et al. 2014)
    by Optuna. What only a combination of parameters does is shared out in proportion.

    Values of a grid count the same each, whatever lies between them. A range that a sampler drew from counts by its
    length (of the logarithm, where it is wide).

    Returns:
        By parameter, in the order of the study. None with fewer than 4 results, or where the measure differs no more
        between the settings than between seeds: shares of chance say nothing.
    """
    kept = [result for result in study.results if _value(result, measure) is not None]
    varied = {
        name: there
        for name, levels in study.parameters.items()
        if len(there := [level for level in levels if any(r.setting[name] == level for r in kept)]) > 1
    }
    values = [_value(result, measure) for result in kept]
    if len(kept) < LEAST_RESULTS or not varied or len(set(values)) < 2 or _only_chance(study, measure):
        return None
    axes = {name: _axis(known, drawn=study.objective is not None) for name, known in varied.items()}
    with _silence():
        shares = _fanova(axes, kept, measure)
    total = sum(shares.values())
    if not total > 0:
        return None
    return {name: float(shares.get(name, 0.0) / total) for name in study.parameters}


def _axis(levels: Sequence[Level], *, drawn: bool) -> tuple[dict[Level, float], BaseDistribution]:
    """A parameter as Optuna knows it: where each value is on the axis, or which choice it is; and all that may be."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if not is_ordered(levels):
        places = range(len(levels))
        return dict(zip(levels, places, strict=True)), CategoricalDistribution(list(places))
    ascending = sorted(levels, key=float)
    if not drawn:  # with margins, so that the first and the last rank are as wide as the others
        ranks = {level: float(rank) for rank, level in enumerate(ascending)}
        return ranks, FloatDistribution(-0.5, len(levels) - 0.5)
    low, high = float(ascending[0]), float(ascending[-1])
    scale = math.log if low > 0 and high >= _WIDE * low else float
    return {level: scale(float(level)) for level in levels}, FloatDistribution(scale(low), scale(high))


def _fanova(
    axes: dict[str, tuple[dict[Level, float], BaseDistribution]], results: list[Result], measure: str
) -> dict[str, float]:
    import optuna

    rebuilt = optuna.create_study()
    for result in sorted(results, key=lambda result: result.trial):
        rebuilt.add_trial(
            optuna.trial.create_trial(
                params={name: places[result.setting[name]] for name, (places, _) in axes.items()},
                distributions={name: distribution for name, (_, distribution) in axes.items()},
                value=_value(result, measure),
            )
        )
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=_FOREST_SEED)
    try:
        return dict(optuna.importance.get_param_importances(rebuilt, evaluator=evaluator))
    except RuntimeError:  # no tree found a difference
        return {}


@contextmanager
def _silence() -> Iterator[None]:
    """Optuna says on standard error that a study was made; this one is nobody's business."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _value(result: Result, measure: str) -> float | None:
    value = result.measures.get(measure)
    return value if value is not None and math.isfinite(value) else None


def _only_chance(study: StudyResults, measure: str) -> bool:
    """Whether the means of the settings scatter no more than seeds make them (F test); False with one seed each."""
    from scipy.special import fdtrc  # as in `noise`

    table = Table.of(study, measure)
    if table.noise is None or table.noise.pooled.value == 0:
        return False
    there = np.isfinite(table.values)
    counts = there.sum(1)
    counts, values = counts[counts > 0], np.where(there, table.values, 0)[counts > 0]
    if len(counts) < 2:
        return True
    means = values.sum(1) / counts
    between = float((counts * (means - (counts * means).sum() / counts.sum()) ** 2).sum()) / (len(counts) - 1)
    return bool(fdtrc(len(counts) - 1, table.noise.pooled.df, between / table.noise.pooled.value) > CHANCE)
