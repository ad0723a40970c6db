"""What a study shows: which parameter moves which measure, which value is best, and with which an ability is lost.

Of every parameter the main measures are compared between its lowest and its highest value (of one without an order,
between the loss's own value and each other), and the objective between the best value and the loss's own. These are
many comparisons: what is called clear is so by Holm's method (1979) over all those of one parameter, so that of twenty
parameters that do nothing at all, about one is said to do something. The best value is picked by the results that then
judge it, so its p value counts for as many comparisons as it was picked from (Bonferroni).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from yolosses.studies.ablation.measures import MEASURES, Ability
from yolosses.studies.ablation.statistics import CONFIDENCE, Difference, Table
from yolosses.studies.ablation.structures import Level, StudyResults

Kind = Literal["unable", "best", "raises", "lowers", "no_difference", "no_statement"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAIN_MEASURES: dict[str, Ability] = {
    "map50": "score",
    "map50_95": "score",
    "precision": "score",
    "recall": "score",
    "mean_iou": "localisation",
    "centre_error": "localisation",
    "size_error": "localisation",
    "covered": "localisation",
    "tide_localisation": "localisation",
    "background_fp": "background",
    "background_fp_fixed": "background",
    "empty_confidence": "background",
    "tide_background": "background",
    "missed": "objects",
    "recall_fixed": "objects",
    "class_accuracy": "classes",
    "calibration_error": "calibration",
}
"""Those that findings speak of, and the ability that each stands for there."""

FAR = 4.0
"""An ability is lost with a value if its measures are so many times worse than with the best value, from one interval's
near end to the other's."""

LEAST_BACKGROUND = 1.0
"""Background detections a picture at score 0.25 that are worth a word, however few there are with the best value."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to say about one parameter.

    Attributes:
        kind: "raises", "lowers": measures that move clearly that way from ``start`` to ``end``, all of one ability.
            "no_difference": measures that do not move clearly between the two, among so many.
            "best": ``end`` has the best objective; ``start`` is the loss's own value, or where that is the best itself
            or was not measured, the next best.
            "unable": with ``end`` the ability is lost that the detector has with ``start``.
            "no_statement": nothing can be compared, with one seed, or without runs that differ in this alone; or with
            ``measures``, these cannot, as too few runs have a value.
        measures: most telling first. differences: of each, from ``start`` to ``end``.
        ability: that the measures stand for.
        clear: of "best": that it can be told from ``start``. True of "raises", "lowers" and "unable".
        ends: of "best": from the lowest and from the highest value to it, where it lies between and is clearly better
            than both; otherwise empty.
    """

    kind: Kind
    parameter: str
    start: Level | None = None
    end: Level | None = None
    measures: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    ability: Ability | None = None
    clear: bool = False
    ends: tuple[Difference, ...] = ()

    @property
    def measure(self) -> str | None:
        """The first of the measures."""
        return self.measures[0] if self.measures else None

    @property
    def strength(self) -> float:
        """How many times as large as its uncertainty the largest change is."""
        return max((_strength(difference) for difference in self.differences), default=0.0)


def findings(study: StudyResults) -> tuple[Finding, ...]:
    """All findings, most important first: what is lost, what is best, what moves clearly (the most certain first), and
    what does not.
    """
    tables = {
        measure: Table.of(study, measure) for measure in dict.fromkeys((objective(study), *MAIN_MEASURES))
    }
    found: list[Finding] = []
    for parameter in study.parameters:
        found += _of_parameter(study, tables, parameter)
    order = {kind: position for position, kind in enumerate(KINDS)}
    order["lowers"] = order["raises"]
    return tuple(sorted(found, key=lambda finding: (order[finding.kind], -finding.strength)))


def objective(study: StudyResults) -> str:
    """The measure that values are ranked by."""
    return study.objective if study.objective in MEASURES else "map50"


def is_ordered(levels: Sequence[Level]) -> bool:
    """Whether they are numbers, so that there is a lowest and a highest."""
    return all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels)


@dataclass(frozen=True)
class _Comparison:
    measure: str
    start: Level
    end: Level
    difference: Difference


def _of_parameter(study: StudyResults, tables: dict[str, Table], parameter: str) -> list[Finding]:
    levels = [v for v in study.parameters[parameter] if any(r.setting[parameter] == v for r in study.results)]
    if len(levels) < 2:
        return []
    pairs = _pairs(study, parameter, levels)
    compared = _compared(tables, parameter, pairs)
    best, choices = _best(study, tables, parameter, levels)
    if not compared and best is None:
        return [Finding(kind="no_statement", parameter=parameter)]
    tests = [(c.difference.p, c.difference.clear) for c in compared]
    if best is not None:
        tests += [(difference.p * choices, difference.clear) for difference in best.differences]
        if best.ends:  # better than both: as likely by chance as the likelier of the two
            tests.append((max(end.p for end in best.ends) * choices, all(end.clear for end in best.ends)))
    adjusted = holm([p for p, _ in tests])
    clear = [p <= 1 - CONFIDENCE and seems for p, (_, seems) in zip(adjusted, tests, strict=True)]
    found = _moving(parameter, [c for c, is_clear in zip(compared, clear, strict=False) if is_clear])
    found += _still(parameter, [c for c, is_clear in zip(compared, clear, strict=False) if not is_clear])
    found += _undefined(parameter, pairs, compared)
    if best is not None:
        is_best, *is_peak = clear[len(compared) :]
        found.append(replace(best, clear=is_best, ends=best.ends if any(is_peak) else ()))
    return found + _lost(study, tables, parameter, levels)


def _finding(
    kind: Kind,
    parameter: str,
    group: Sequence[_Comparison],
    *,
    ability: Ability | None = None,
    clear: bool = False,
) -> Finding:
    """Of comparisons between the same two values."""
    return Finding(
        kind=kind,
        parameter=parameter,
        start=group[0].start,
        end=group[0].end,
        measures=tuple(c.measure for c in group),
        differences=tuple(c.difference for c in group),
        ability=ability,
        clear=clear,
    )


def _pairs(study: StudyResults, parameter: str, levels: Sequence[Level]) -> list[tuple[Level, Level]]:
    """The lowest and the highest value, or without an order, the loss's own (or the first) and each other."""
    if is_ordered(levels):
        return [(min(levels, key=float), max(levels, key=float))]
    own = study.defaults.get(parameter, levels[0])
    start = own if own in levels else levels[0]
    return [(start, level) for level in levels if level != start]


def _compared(
    tables: dict[str, Table], parameter: str, pairs: Sequence[tuple[Level, Level]]
) -> list[_Comparison]:
    """The main measures, where there is an interval."""
    return [
        _Comparison(measure, start, end, difference)
        for start, end in pairs
        for measure in MAIN_MEASURES
        if (difference := tables[measure].difference(parameter, start, end)) is not None
        and difference.change.known
    ]


def _best(
    study: StudyResults, tables: dict[str, Table], parameter: str, levels: Sequence[Level]
) -> tuple[Finding | None, int]:
    """The best value, against both ends as well if it lies between them; and from how many others it was picked."""
    measure = objective(study)
    good = _goodness(tables[measure], measure, parameter, levels)
    if len(good) < 2:
        return None, 0
    best, *others = sorted(good, key=lambda level: -good[level])
    own = study.defaults.get(parameter)
    start = own if own in others else others[0]
    difference = tables[measure].difference(parameter, start, best)
    if difference is None or not difference.change.known:
        return None, 0
    ends: list[Difference] = []
    if is_ordered(levels):
        outer = [end for end in (min(levels, key=float), max(levels, key=float)) if end != best]
        found = [tables[measure].difference(parameter, end, best) for end in outer]
        ends = [end for end in found if end is not None and _sign(measure) * end.change.mean > 0]
    comparison = _Comparison(measure, start, best, difference)
    finding = _finding("best", parameter, [comparison], ability=MEASURES[measure].ability)
    return replace(finding, ends=tuple(ends) if len(ends) == 2 else ()), len(others)


def _goodness(table: Table, measure: str, parameter: str, levels: Sequence[Level]) -> dict[Level, float]:
    """The mean with each value that has one, the more the better."""
    means = {level: table.level({parameter: level}) for level in levels}
    return {level: _sign(measure) * mean.mean for level, mean in means.items() if mean is not None}


def _sign(measure: str) -> float:
    return -1.0 if MEASURES[measure].better == "low" else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for there being many: those of at most 0.05 hold all at once with 95 %."""
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, (len(p_values) - rank) * p_values[position])
        adjusted[position] = min(1.0, largest)
    return adjusted


def _moving(parameter: str, clear: Sequence[_Comparison]) -> list[Finding]:
    """One finding for each ability and direction; what gets better and what gets worse apart."""
    groups: dict[tuple[Level, Level, Ability, Kind, str | None], list[_Comparison]] = defaultdict(list)
    for c in clear:
        kind: Kind = "raises" if c.difference.change.mean > 0 else "lowers"
        groups[c.start, c.end, MAIN_MEASURES[c.measure], kind, MEASURES[c.measure].better].append(c)
    return [
        _finding(kind, parameter, group, ability=ability, clear=True)
        for (_, _, ability, kind, _), group in groups.items()
    ]


def _still(parameter: str, unclear: Sequence[_Comparison]) -> list[Finding]:
    """One finding for each pair of values."""
    groups: dict[tuple[Level, Level], list[_Comparison]] = defaultdict(list)
    for comparison in unclear:
        groups[comparison.start, comparison.end].append(comparison)
    return [_finding("no_difference", parameter, group) for group in groups.values()]


def _undefined(
    parameter: str, pairs: Sequence[tuple[Level, Level]], compared: Sequence[_Comparison]
) -> list[Finding]:
    """Measures that could not be compared between two values where others could."""
    found = []
    for start, end in pairs:
        there = {c.measure for c in compared if (c.start, c.end) == (start, end)}
        missing = tuple(measure for measure in MAIN_MEASURES if measure not in there)
        if there and missing:
            found.append(
                Finding(kind="no_statement", parameter=parameter, start=start, end=end, measures=missing)
            )
    return found


_CRITERIA: tuple[tuple[Ability, str, Literal["fallen", "risen", "above chance", "found"]], ...] = (
    ("localisation", "covered", "fallen"),
    ("localisation", "map50", "fallen"),
    ("background", "background_fp_fixed", "risen"),
    ("background", "empty_confidence", "risen"),
    ("objects", "missed", "found"),
    ("objects", "map50", "fallen"),
    ("classes", "class_accuracy", "above chance"),
    ("classes", "map50", "fallen"),
)
"""By what it shows that an ability is lost: all of its measures must."""


def _lost(
    study: StudyResults, tables: dict[str, Table], parameter: str, levels: Sequence[Level]
) -> list[Finding]:
    """Values with which an ability is lost that the value that is best in its first measure has."""
    found = []
    for ability in dict.fromkeys(ability for ability, _, _ in _CRITERIA):
        criteria = [(measure, how) for of, measure, how in _CRITERIA if of == ability]
        first = criteria[0][0]
        good = _goodness(tables[first], first, parameter, levels)
        if not good:
            continue
        best = max(good, key=lambda level: good[level])
        for level in levels:
            lost = [
                _Comparison(measure, best, level, difference)
                for measure, how in criteria
                if (difference := tables[measure].difference(parameter, best, level)) is not None
                and _far(difference, how, len(study.class_names))
                and (measure != "background_fp_fixed" or difference.end.low >= LEAST_BACKGROUND)
            ]
            if level != best and len(lost) == len(criteria):
                found.append(_finding("unable", parameter, lost, ability=ability, clear=True))
    return found


def _far(difference: Difference, how: str, num_classes: int) -> bool:
    start, end = difference.start, difference.end
    if not (start.known and end.known and difference.clear):
        return False
    match how:
        case "fallen":
            return end.high < start.low / FAR
        case "risen":
            return end.low > start.high * FAR
        case "found":  # of what is missed, the rest
            return 1 - end.low < (1 - start.high) / FAR
        case _:
            chance = 1 / max(1, num_classes)
            return end.high - chance < (start.low - chance) / FAR


def _strength(difference: Difference) -> float:
    half = (difference.change.high - difference.change.low) / 2
    if not math.isfinite(half):
        return 0.0
    return abs(difference.change.mean) / half if half else (math.inf if difference.change.mean else 0.0)
