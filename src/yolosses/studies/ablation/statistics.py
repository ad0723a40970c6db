"""Means over seeds and differences between values of a parameter, each with a 95 % interval.

The intervals speak of the seeds alone: what would come out with other seeds, the values of all parameters as they are.
They are Student's, with the variance and the degrees of freedom that `ablation.noise` gives: three values know nothing
of the scatter that they did not happen to show, so settings lend each other theirs.

A difference pairs the runs that agree in seed and in all other parameters, and averages the pairs with equal weight for
each setting of the others: that the parameter does more in some settings than in others is an interaction, a property
of the mean reported and no noise, so only the scatter of seeds widens the interval. What a seed adds to both ends alike
drops out; pairs of one seed that still move together over the settings of the others count as fewer than they are.

How often such intervals hold the truth is measured in the tests, with 2, 3 and 5 seeds and unequal noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.noise import Array, Noise, Variance, noise_of, t_quantile
from yolosses.studies.ablation.structures import Level, Result, Setting, StudyResults

CONFIDENCE = 0.95
_UNBOUNDED = ("centre_error", "size_error")  # percentages that can be more than 100 %

Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over runs.

    Attributes:
        low, high: of the 95 % interval; both nan where there is none: with one seed.
        count: runs with a value. left_out: runs for which the measure is not defined.
    """

    mean: float
    low: float
    high: float
    count: int
    left_out: int = 0

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a measure does from one value of a parameter to another.

    Attributes:
        start, end: at either value, over the same other settings and seeds. change: from start to end, over pairs of
            runs that differ in nothing but the parameter.
        p: probability of a change so large by chance alone; 1 where there is no interval.
        identical: the paired runs agree in every measure, to the last digit: two names for the same thing.
    """

    start: Interval
    end: Interval
    change: Interval
    p: float
    identical: bool = False

    @property
    def clear(self) -> bool:
        """The interval of the change leaves out 0."""
        return self.change.low > 0 or self.change.high < 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """The runs of a study in one measure: for many intervals of it, quicker than one by one.

    Attributes:
        settings: S of them. values: (S, K), one column a seed; NaN where a run is missing.
        runs: by positions of setting and seed, those without a value too.
        bounds: that means of the measure cannot leave.
        noise: how far the seeds scatter; None if no setting has two.
    """

    settings: tuple[Setting, ...]
    values: Array
    runs: dict[tuple[int, int], Result]
    bounds: tuple[float, float]
    noise: Noise | None

    @classmethod
    def of(cls, study: StudyResults, measure: str) -> Table:
        """From a study. Of several runs with the same setting and seed the first is taken."""
        settings = study.settings
        seeds = sorted({result.seed for result in study.results})
        row = {tuple(setting.values()): i for i, setting in enumerate(settings)}
        column = {seed: k for k, seed in enumerate(seeds)}
        runs: dict[tuple[int, int], Result] = {}
        values = np.full((len(settings), len(seeds)), np.nan)
        for result in sorted(study.results, key=lambda result: result.trial):
            place = row[tuple(result.setting[name] for name in study.parameters)], column[result.seed]
            if place not in runs:
                runs[place] = result
                value = result.measures.get(measure)
                values[place] = value if value is not None and math.isfinite(value) else np.nan
        return cls(
            settings=settings,
            values=values,
            runs=runs,
            bounds=_bounds(measure, values),
            noise=noise_of(values),
        )

    def level(self, setting: Setting) -> Interval | None:
        """Mean of the results with these values of some parameters or of all. None if there is no value to average."""
        rows = self._rows(setting)
        return self._level(rows[np.isfinite(self.values[rows]).any(1)], np.isfinite(self.values), rows)

    def difference(
        self, parameter: str, start: Level, end: Level, *, at: Setting | None = None
    ) -> Difference | None:
        """Change of the measure where ``parameter`` goes from ``start`` to ``end``, averaged over the other parameters.
        None if no two runs differ in the parameter alone.

        Args:
            at: values of some or all of the others, to look there only.
        """
        others = {name: value for name, value in (at or {}).items() if name != parameter}
        starts, ends = (self._rows({**others, parameter: level}) for level in (start, end))
        ending = {self._others(row, parameter): row for row in ends}
        matched = [(row, ending[key]) for row in starts if (key := self._others(row, parameter)) in ending]
        pairs = {(a, b): np.isfinite(self.values[a] + self.values[b]) for a, b in matched}
        pairs = {rows: there for rows, there in pairs.items() if there.any()}
        if not pairs:
            return None
        first, last = (np.array([rows[side] for rows in pairs], dtype=np.intp) for side in (0, 1))
        there = np.zeros(self.values.shape, dtype=bool)
        there[first] = there[last] = np.array(list(pairs.values()))
        at_start, at_end = self._level(first, there, starts), self._level(last, there, ends)
        assert at_start is not None
        assert at_end is not None
        identical = all(
            self.runs[a, int(k)].measures == self.runs[b, int(k)].measures
            for (a, b), seeds in pairs.items()
            for k in np.flatnonzero(seeds)
        )
        change, p = self._change(parameter, first, last, there, identical=identical)
        return Difference(start=at_start, end=at_end, change=change, p=p, identical=identical)

    def _rows(self, setting: Setting) -> Rows:
        """Of all settings with these values."""
        fitting = [all(s[name] == value for name, value in setting.items()) for s in self.settings]
        return np.flatnonzero(fitting)

    def _others(self, row: int, parameter: str) -> tuple[Level, ...]:
        return tuple(value for name, value in self.settings[row].items() if name != parameter)

    def _level(self, rows: Rows, there: NDArray[np.bool_], all_rows: Rows) -> Interval | None:
        """Mean over the runs that are ``there``, each setting with equal weight."""
        if not len(rows):
            return None
        weights = _weights(there[rows])
        mean = float(np.nansum(weights * np.where(there[rows], self.values[rows], 0)))
        count = int(there[rows].sum())
        left_out = sum((row, k) in self.runs for row in all_rows for k in range(self.values.shape[1]))
        left_out -= int(np.isfinite(self.values[all_rows]).sum())
        half = math.nan
        if self.noise is not None and there[rows].any(0).sum() >= 2:
            half = _half_width(self._quiet(rows, weights) or self._of_level(rows, weights))
        low, high = np.clip((mean - half, mean + half), *self.bounds)  # nan stays nan
        return Interval(mean=mean, low=float(low), high=float(high), count=count, left_out=left_out)

    def _change(
        self, parameter: str, first: Rows, last: Rows, there: NDArray[np.bool_], *, identical: bool
    ) -> tuple[Interval, float]:
        weights = _weights(there[first])
        changes = np.where(there[first], self.values[last] - self.values[first], 0)
        mean, count = float((weights * changes).sum()), int(there[first].sum())
        if self.noise is None or there[first].any(0).sum() < 2:
            return Interval(mean=mean, low=math.nan, high=math.nan, count=count), 1.0
        if identical:
            return Interval(mean=0.0, low=0.0, high=0.0, count=count), 1.0
        if np.abs(changes).max() <= 1e-12 * float(np.nanmax(np.abs(self.values))):
            mean = 0.0
        ends = [self._quiet(rows, weights) or self._of_sum(rows, weights) for rows in (first, last)]
        variance = ends[0] + ends[1]
        variance = Variance(value=variance.value, df=min(variance.df, self.noise.pooled.df))
        if len(first) > 1:
            variance = _times(variance, self._together(parameter))
        half = _half_width(variance)
        return Interval(mean=mean, low=mean - half, high=mean + half, count=count), _p_value(mean, variance)

    def _quiet(self, rows: Rows, weights: Array) -> Variance | None:
        """See `Noise.of_quiet_sum`."""
        assert self.noise is not None
        groups = [self._groups(np.array([row], dtype=np.intp)) for row in rows]
        return self.noise.of_quiet_sum(rows, (weights**2).sum(1), groups)

    def _of_level(self, rows: Rows, weights: Array) -> Variance:
        """Variance of a mean of runs, what the seeds add to all settings included."""
        assert self.noise is not None
        runs = self._of_sum(rows, weights)
        together = [self._together(name) for name in self._shared(rows)] if len(rows) > 1 else []
        runs = max((_times(runs, factor) for factor in together), key=lambda v: v.value, default=runs)
        common = self.noise.common
        return runs + Variance(value=common.value * float((weights.sum(0) ** 2).sum()), df=common.df)

    def _of_sum(self, rows: Rows, weights: Array) -> Variance:
        """Variance of a weighted sum of runs, without what the seeds add to all settings."""
        assert self.noise is not None
        return self.noise.of_sum(rows, (weights**2).sum(1), self._groups(rows))

    def _groups(self, rows: Rows) -> list[Rows]:
        """All settings that share a value with all of these, one group a parameter, without those of one run."""
        groups = [self._repeated({name: level}) for name, level in self._shared(rows).items()]
        return [group for group in groups if len(group)]

    def _shared(self, rows: Rows) -> Setting:
        """The values that all of these settings have."""
        first, *others = (self.settings[row] for row in rows)
        return {name: level for name, level in first.items() if all(s[name] == level for s in others)}

    def _repeated(self, setting: Setting) -> Rows:
        """Of all settings with these values that have more than one run."""
        assert self.noise is not None
        rows = self._rows(setting)
        return rows[self.noise.own_df[rows] > 0]

    def _together(self, parameter: str) -> Variance | None:
        """Whether the runs of one seed move together wherever the parameter has one value."""
        assert self.noise is not None
        levels = dict.fromkeys(setting[parameter] for setting in self.settings)
        return self.noise.together([self._repeated({parameter: level}) for level in levels])


def _weights(there: NDArray[np.bool_]) -> Array:
    """Of runs (settings, seeds), sum 1: each setting counts the same, and within it each run."""
    weights: Array = there / there.sum(1, keepdims=True) / len(there)
    return weights


def _times(variance: Variance, factor: Variance | None) -> Variance:
    if factor is None:
        return variance
    return Variance(value=variance.value * factor.value, df=min(variance.df, factor.df))


def _half_width(variance: Variance) -> float:
    return t_quantile((1 + CONFIDENCE) / 2, variance.rounded_df) * math.sqrt(variance.value)


def _p_value(mean: float, variance: Variance) -> float:
    from scipy.special import stdtr  # as in `noise`

    if variance.value == 0:
        return 0.0 if mean else 1.0
    return 2 * float(stdtr(variance.rounded_df, -abs(mean) / math.sqrt(variance.value)))


def _bounds(measure: str, values: Array) -> tuple[float, float]:
    """Means of fractions and counts are not below 0; of fractions not above 1."""
    known = values[np.isfinite(values)]
    percent = measure in MEASURES and MEASURES[measure].percent and measure not in _UNBOUNDED
    low = 0.0 if measure in MEASURES and (known >= 0).all() else -math.inf
    return low, 1.0 if percent and (known <= 1).all() else math.inf
