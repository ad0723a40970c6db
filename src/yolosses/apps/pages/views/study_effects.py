"""Measures over the parameters of a study: maps over two of them, and charts of each by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from yolosses.apps.pages.charts.heat_map import HeatMap
from yolosses.apps.pages.charts.levels import LevelChart, ScatterChart
from yolosses.apps.pages.views.study_numbers import quantity
from yolosses.apps.pages.views.study_selection import Selection, in_order
from yolosses.language import Language, catalogue, joined
from yolosses.studies.ablation.findings import is_ordered
from yolosses.studies.ablation.sentences import level_name

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


def maps(selection: Selection, language: Language) -> tuple[dict[str, list[HeatMap]], list[str]]:
    """Heat maps by ability over the two parameters that matter most, none where there are no two; and the others, which
    each cell is the mean over."""
    pair = selection.pair(PAIR_BY)
    if pair is None:
        return {}, []
    by_ability = {
        ability: [_map(selection, pair, measure, language) for measure in measures]
        for ability, measures in MAPS.items()
    }
    names = selection.study.parameters
    return by_ability, [name for name in names if name not in pair and len(selection.levels(name)) > 1]


def _map(selection: Selection, pair: tuple[str, str], measure: str, language: Language) -> HeatMap:
    across, upward = (in_order(selection.levels(name)) for name in pair)
    cells = {
        (column, row): selection.interval(measure, {pair[0]: x, pair[1]: y})
        for column, x in enumerate(across)
        for row, y in enumerate(upward)
    }
    x, y = (selection.study.defaults.get(name) for name in pair)
    return HeatMap(
        quantity=quantity(measure, language),
        cells=cells,
        columns=[level_name(level) for level in across],
        rows=[level_name(level) for level in upward],
        x_title=pair[0],
        y_title=pair[1],
        default=(across.index(x), upward.index(y)) if x in across and y in upward else None,
    )


def effects(selection: Selection, language: Language) -> dict[str, Sequence[LevelChart | ScatterChart]]:
    """Small charts of the main measures for each parameter, none where it has one value; nothing where all have one."""
    if not selection.compared and not selection.drawn:
        return {}
    return {name: _effect(selection, name, language) for name in selection.study.parameters}


def _effect(selection: Selection, name: str, language: Language) -> Sequence[LevelChart | ScatterChart]:
    if name in selection.compared:
        return _levels(selection, name, language)
    return _scattered(selection, name, language) if name in selection.drawn else ()


def unfinished(selection: Selection) -> tuple[int, int] | None:
    """Of a grid that is not finished: combinations that have results, and all."""
    if selection.study.objective is not None:
        return None
    combinations = math.prod(len(selection.levels(name)) for name in selection.study.parameters)
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
