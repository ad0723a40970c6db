"""Which settings of a study are shown where, and the intervals of their measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial

from yolosses.studies.ablation.findings import is_ordered, objective
from yolosses.studies.ablation.importance import importance
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import level_name
from yolosses.studies.ablation.statistics import Interval, Table
from yolosses.studies.ablation.structures import Level, Setting, StudyResults

_MANY = 8  # values of a parameter that a sampler drew: more are scattered points and no longer levels
_MOST_WORDS = 4  # settings that are picked out along a parameter whose values have no order


@dataclass(frozen=True, kw_only=True)
class Along:
    """The settings along one parameter, or without one, by any names.

    Attributes:
        settings: of each value that has results: a whole setting, or a part of one, which stands for all that have it.
        fixed: values of the other parameters. averaged: the others, which each number is the mean over.
    """

    parameter: str
    settings: dict[Level, Setting]
    fixed: Setting = field(default_factory=dict)
    averaged: tuple[str, ...] = ()

    @property
    def named(self) -> list[tuple[str, Setting]]:
        """The settings with the names of the values, in their order."""
        return [(level_name(level), self.settings[level]) for level in in_order(self.settings)]


class Selection:
    """What a report shows of a study. Each interval is computed once."""

    def __init__(self, study: StudyResults) -> None:
        self.study = study
        tables = cache(partial(Table.of, study))
        self._interval = cache(lambda measure, setting: tables(measure).level(dict(setting)))
        self.shares = cache(partial(importance, study))
        """Importance of each parameter for a measure; None where it cannot be told."""

    def interval(self, measure: str, setting: Mapping[str, Level]) -> Interval | None:
        """Of a measure, over all results with these values."""
        found: Interval | None = self._interval(measure, tuple(sorted(setting.items())))
        return found

    def along_intervals(self, along: Along, measure: str) -> dict[Level, Interval]:
        """Of the settings along a parameter, those that have the measure."""
        found = {level: self.interval(measure, setting) for level, setting in along.settings.items()}
        return {level: interval for level, interval in found.items() if interval is not None}

    @property
    def objective(self) -> str:
        """The measure by which settings are ranked."""
        return objective(self.study)

    @property
    def default(self) -> Setting | None:
        """The loss as it comes, if it was measured."""
        setting = {
            name: self.study.defaults[name] for name in self.study.parameters if name in self.study.defaults
        }
        complete = len(setting) == len(self.study.parameters)
        return setting if complete and self.study.of(setting) else None

    def is_default(self, setting: Mapping[str, Level]) -> bool:
        """Whether it has the default of every parameter that it names."""
        return all(self.study.defaults.get(name) == level for name, level in setting.items())

    @property
    def best(self) -> Setting | None:
        """The setting with the highest mean of the objective; None if none has one."""
        return next(iter(self.ranked), None)

    @property
    def ranked(self) -> list[Setting]:
        """Settings by the mean of the objective, best first; those without one are left out."""
        found = [(self.interval(self.objective, setting), setting) for setting in self.study.settings]
        means = [(interval.mean, setting) for interval, setting in found if interval is not None]
        high_is_better = MEASURES[self.objective].better != "low"
        return [setting for _, setting in sorted(means, key=lambda entry: entry[0], reverse=high_is_better)]

    def levels(self, parameter: str) -> list[Level]:
        """Values with results, in the order of the study."""
        measured = {result.setting[parameter] for result in self.study.results}
        return [level for level in self.study.parameters[parameter] if level in measured]

    def is_drawn(self, parameter: str) -> bool:
        """Whether a sampler drew its values from a range, so that hardly one was measured twice."""
        levels = self.levels(parameter)
        if self.study.objective is None or not is_ordered(levels):
            return False
        return len(levels) > _MANY or 2 * len(levels) > len(self.study.results)

    @property
    def compared(self) -> list[str]:
        """Parameters with two values or more, which stand on an axis or in a list."""
        return [
            name for name in self.study.parameters if len(self.levels(name)) > 1 and not self.is_drawn(name)
        ]

    @property
    def drawn(self) -> list[str]:
        """Parameters with many scattered values."""
        return [name for name in self.study.parameters if len(self.levels(name)) > 1 and self.is_drawn(name)]

    def over(self, parameter: str) -> Along:
        """The values of a parameter, each averaged over all others."""
        others = [name for name in self.study.parameters if name != parameter]
        return Along(
            parameter=parameter,
            settings={level: {parameter: level} for level in self.levels(parameter)},
            fixed={name: self.levels(name)[0] for name in others if len(self.levels(name)) == 1},
            averaged=tuple(name for name in others if len(self.levels(name)) > 1),
        )

    def along(self, parameter: str) -> Along:
        """The values of a parameter where the others have their defaults; others without results there are averaged."""
        fixed: Setting = {}
        averaged = []
        for name in self.study.parameters:
            if name == parameter:
                continue
            default = self.study.defaults.get(name)
            known = self.levels(name)
            if len(known) == 1:
                fixed[name] = known[0]
            elif default is not None and self._reaches(parameter, {**fixed, name: default}):
                fixed[name] = default
            else:
                averaged.append(name)
        settings = {level: {**fixed, parameter: level} for level in self.levels(parameter)}
        return Along(
            parameter=parameter,
            settings={level: setting for level, setting in settings.items() if self.study.of(setting)},
            fixed=fixed,
            averaged=tuple(averaged),
        )

    def outstanding(self, best: str, default: str) -> Along:
        """The best and the default setting, by these names, where there is no parameter to go along."""
        named = {best: self.best, default: None if self.default == self.best else self.default}
        return Along(
            parameter="", settings={name: setting for name, setting in named.items() if setting is not None}
        )

    def _reaches(self, parameter: str, fixed: Setting) -> bool:
        """Whether at least two values of the parameter were measured there."""
        return len({result.setting[parameter] for result in self.study.of(fixed)}) > 1

    def picked(self, parameter: str) -> Along:
        """Along a parameter: its lowest, its default and its highest value, or the first few without order."""
        along = self.along(parameter)
        levels = list(along.settings)
        if is_ordered(levels):
            ordered = in_order(levels)
            chosen = [ordered[0], ordered[-1]]
        else:
            chosen = levels[:_MOST_WORDS]
        default = self.study.defaults.get(parameter)
        kept = [level for level in levels if level in chosen or level == default]
        return replace(along, settings={level: along.settings[level] for level in kept})

    def pair(self, measures: tuple[str, ...]) -> tuple[str, str] | None:
        """The two parameters to draw maps over: those that matter most for ``measures``, in the study's order."""
        names = self.compared
        if len(names) < 2:
            return None
        if len(names) == 2:
            return names[0], names[1]
        found = [self.shares(measure) or {} for measure in measures]
        weights = {name: sum(shares.get(name, 0.0) for shares in found) for name in names}
        first, second = sorted(sorted(names, key=lambda name: -weights[name])[:2], key=names.index)
        return first, second


def in_order(levels: Iterable[Level]) -> list[Level]:
    """Numbers ascending; words as they come."""
    found = list(levels)
    return sorted(found, key=float) if is_ordered(found) else found
