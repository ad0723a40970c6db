"""Measures over the parameters of a study: maps over two of them, and charts of each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yolosses.apps.pages.charts.study import Chart, HeatMap, LevelChart, ScatterChart, best_cell
from yolosses.apps.pages.views.study_numbers import NOTHING, listed, quantity
from yolosses.apps.pages.views.study_selection import Selection, in_order
from yolosses.language import Language, catalogue, joined
from yolosses.studies.ablation.findings import is_ordered
from yolosses.studies.ablation.sentences import format_value, level_name

MAPS = {
    "score": ("map50", "map50_95"),
    "localisation": ("mean_iou", "centre_error", "size_error", "covered"),
    "background": ("background_fp", "background_fp_fixed", "empty_confidence"),
    "objects": ("missed", "recall_fixed"),
}
"""Measures of the heat maps, by ability."""

PAIR_BY = ("map50", "mean_iou", "background_fp", "missed")
"""What the two parameters of the maps are to matter for, of more than two."""

EFFECTS = (
    "map50", "map50_95", "precision", "recall",
    "mean_iou", "centre_error", "size_error", "covered",
    "background_fp", "empty_confidence", "missed", "class_accuracy",
)  # fmt: skip
SCATTERED = ("mean_iou", "background_fp", "missed")  # beside the objective


@dataclass(frozen=True, kw_only=True)
class MapsView:
    """Heat maps by ability. ``others``: parameters that each cell is the mean over, as a list in words."""

    others: str
    by_ability: dict[str, list[HeatMap]]


@dataclass(frozen=True, kw_only=True)
class EffectView:
    """One parameter. ``kind``: "levels", "drawn", or "single" where only one value was measured, ``value``.

    Attributes:
        averaged: other parameters that each point is the mean over; drawn: those of them whose values a sampler chose.
        has_default: whether a ring marks it.
    """

    parameter: str
    kind: str
    charts: Sequence[Chart] = ()
    value: str = ""
    averaged: str = ""
    drawn: str = ""
    has_default: bool = False


def maps(selection: Selection, language: Language) -> MapsView | None:
    """Heat maps over the two parameters that matter most; None where there are no two."""
    pair = selection.pair(PAIR_BY)
    if pair is None:
        return None
    others = [
        name for name in selection.study.parameters if name not in pair and len(selection.levels(name)) > 1
    ]
    return MapsView(
        others=listed(others, language),
        by_ability={
            ability: [_map(selection, pair, measure, language) for measure in measures]
            for ability, measures in MAPS.items()
        },
    )


def _map(selection: Selection, pair: tuple[str, str], measure: str, language: Language) -> HeatMap:
    _, entry = catalogue(language).gettext, quantity(measure, language)
    across, upward = (in_order(selection.levels(name)) for name in pair)
    cells = {
        (column, row): selection.interval(measure, {pair[0]: x, pair[1]: y})
        for column, x in enumerate(across)
        for row, y in enumerate(upward)
    }
    defaults = [selection.study.defaults.get(name) for name in pair]
    default = (
        (across.index(defaults[0]), upward.index(defaults[1]))
        if defaults[0] in across and defaults[1] in upward
        else None
    )
    best = best_cell(cells, entry)
    found = None if best is None else cells[best]
    alt = _("Heat map of {measure} over {x} and {y}; best {best} at {where}").format(
        measure=entry.title,
        x=pair[0],
        y=pair[1],
        best=NOTHING if found is None else format_value(measure, found.mean),
        where="" if best is None else f"{level_name(across[best[0]])}, {level_name(upward[best[1]])}",
    )
    return HeatMap(
        quantity=entry,
        cells=cells,
        columns=[level_name(level) for level in across],
        rows=[level_name(level) for level in upward],
        x_title=pair[0],
        y_title=pair[1],
        default=default,
        better=_("better"),
        alt=alt,
    )


def effects(selection: Selection, language: Language) -> list[EffectView]:
    """Small charts of the main measures for each parameter; nothing where none has two values."""
    if not selection.compared and not selection.drawn:
        return []
    return [_effect(selection, name, language) for name in selection.study.parameters]


def _effect(selection: Selection, name: str, language: Language) -> EffectView:
    if name in selection.compared:
        over = selection.over(name)
        drawn = [other for other in over.averaged if other in selection.drawn]
        return EffectView(
            parameter=name,
            kind="levels",
            charts=_levels(selection, name, language),
            averaged=listed(over.averaged, language),
            drawn=listed(drawn, language),
            has_default=selection.study.defaults.get(name) in over.settings,
        )
    if name in selection.drawn:
        return EffectView(parameter=name, kind="drawn", charts=_scattered(selection, name, language))
    value = joined((level_name(level) for level in selection.levels(name)), language)
    return EffectView(parameter=name, kind="single", value=value)


def unfinished(selection: Selection) -> tuple[int, int] | None:
    """Of a grid that is not finished: combinations that have results, and all."""
    if selection.study.objective is not None:
        return None
    combinations = 1
    for name in selection.study.parameters:
        combinations *= len(selection.levels(name))
    done = len(selection.study.settings)
    return (done, combinations) if done < combinations else None


def _levels(selection: Selection, name: str, language: Language) -> list[LevelChart]:
    _, over = catalogue(language).gettext, selection.over(name)
    charts = []
    for measure in EFFECTS:
        intervals = selection.along_intervals(over, measure)
        if not intervals:
            continue
        entry = quantity(measure, language)
        values = joined(
            (f"{level_name(level)}: {entry.plus_minus(interval)}" for level, interval in intervals.items()),
            language,
        )
        charts.append(
            LevelChart(
                quantity=entry,
                parameter=name,
                levels=list(over.settings),
                intervals=intervals,
                default=selection.study.defaults.get(name),
                alt=_("{measure} by {parameter}: {values}").format(
                    measure=entry.title, parameter=name, values=values
                ),
            )
        )
    return charts


def _scattered(selection: Selection, name: str, language: Language) -> list[ScatterChart]:
    _ = catalogue(language).gettext
    measures = (selection.objective, *(measure for measure in SCATTERED if measure != selection.objective))
    default = selection.study.defaults.get(name)
    charts = []
    for measure in measures:
        points = [
            (float(result.setting[name]), value)
            for result in selection.study.results
            if (value := result.measures.get(measure)) is not None
        ]
        if not points:
            continue
        best = selection.interval(measure, selection.best) if selection.best else None
        entry = quantity(measure, language)
        charts.append(
            ScatterChart(
                quantity=entry,
                parameter=name,
                points=points,
                default=float(default) if default is not None and is_ordered([default]) else None,
                best=(float((selection.best or {})[name]), best.mean) if best else None,
                alt=_("{measure} of {count} runs by {parameter}").format(
                    measure=entry.title, count=len(points), parameter=name
                ),
            )
        )
    return charts
