"""Measures over the parameters, on the page of a study: maps over two of them, and charts of each by itself.

A part that has nothing to show is an empty text.
"""

from __future__ import annotations

from html import escape

from yolosses.apps.pages.study_charts import dot_plot, level_lines, scatter
from yolosses.apps.pages.study_maps import heat_map
from yolosses.apps.pages.study_numbers import NOTHING, note, quantity
from yolosses.apps.pages.study_scales import in_order, is_numeric
from yolosses.apps.pages.study_selection import Selection
from yolosses.apps.pages.study_texts import Texts, texts
from yolosses.language import Language
from yolosses.studies.ablation.measures import MEASURES
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


# ------------------------------------------------------------ two parameters


def maps(selection: Selection, language: Language) -> str:
    """Heat maps over the two parameters that matter most, by ability."""
    t = texts(language)
    pair = selection.pair(PAIR_BY)
    if pair is None:
        return ""
    others = [
        name for name in selection.study.parameters if name not in pair and len(selection.levels(name)) > 1
    ]
    parts: list[str] = [note(t.maps_note)]
    if others:
        parts.append(note(t.maps_averaged.format(others=t.between_names.join(others))))
    for ability, measures in MAPS.items():
        drawn = "".join(_map(selection, pair, measure, language) for measure in measures)
        parts.append(f'<h3>{escape(t.abilities[ability])}</h3><div class="maps">{drawn}</div>')
    return "".join(parts)


def _map(selection: Selection, pair: tuple[str, str], measure: str, language: Language) -> str:
    t, entry = texts(language), quantity(measure, language)
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
    found = {place: cell for place, cell in cells.items() if cell is not None}
    sign = -1 if MEASURES[measure].better == "low" else 1
    best = max(found, key=lambda place: sign * found[place].mean, default=None)
    told = NOTHING if best is None else format_value(measure, found[best].mean)
    where = "" if best is None else f"{level_name(across[best[0]])}, {level_name(upward[best[1]])}"
    return heat_map(
        cells,
        [level_name(level) for level in across],
        [level_name(level) for level in upward],
        quantity=entry,
        x_title=pair[0],
        y_title=pair[1],
        default=default,
        better=t.better,
        alt=t.map_alt.format(measure=entry.title, x=pair[0], y=pair[1], best=told, where=where),
    )


# ------------------------------------------------------------ one parameter


def effects(selection: Selection, language: Language) -> str:
    """Small charts of the main measures for each parameter."""
    t = texts(language)
    if not selection.compared and not selection.drawn:
        return ""
    parts = [_unfinished(selection, t)]
    for name in selection.study.parameters:
        if name in selection.compared:
            body = _effect(selection, name, language)
        elif name in selection.drawn:
            body = _scattered(selection, name, language)
        else:
            levels = t.comma.join(level_name(level) for level in selection.levels(name))
            body = note(t.single.format(value=levels))
        parts.append(f"<h3><code>{escape(name)}</code></h3>{body}")
    return "".join(parts)


def _unfinished(selection: Selection, t: Texts) -> str:
    if selection.study.objective is not None:
        return ""
    combinations = 1
    for name in selection.study.parameters:
        combinations *= len(selection.levels(name))
    done = len(selection.study.settings)
    return note(t.unfinished.format(done=done, all=combinations)) if done < combinations else ""


def _effect(selection: Selection, name: str, language: Language) -> str:
    t, over = texts(language), selection.over(name)
    default = selection.study.defaults.get(name)
    said = [
        t.averaged.format(others=t.between_names.join(over.averaged)) if over.averaged else t.effects_note
    ]
    drawn_names = [other for other in over.averaged if other in selection.drawn]
    said += [t.averaged_drawn.format(drawn=t.between_names.join(drawn_names))] if drawn_names else []
    said += [t.ring_note] if default in over.settings else []
    drawn = []
    for measure in EFFECTS:
        intervals = selection.along_intervals(over, measure)
        if not intervals:
            continue
        entry = quantity(measure, language)
        values = t.comma.join(
            f"{level_name(level)}: {entry.plus_minus(interval)}" for level, interval in intervals.items()
        )
        draw = level_lines if is_numeric(list(over.settings)) else dot_plot
        drawn.append(
            draw(
                intervals,
                levels=list(over.settings),
                quantity=entry,
                parameter=name,
                default=default,
                alt=t.line_alt.format(measure=entry.title, parameter=name, values=values),
            )
        )
    return note(t.space.join(said)) + f'<div class="multiples">{"".join(drawn)}</div>'


def _scattered(selection: Selection, name: str, language: Language) -> str:
    t = texts(language)
    measures = (selection.objective, *(measure for measure in SCATTERED if measure != selection.objective))
    default = selection.study.defaults.get(name)
    drawn = []
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
        drawn.append(
            scatter(
                points,
                quantity=entry,
                parameter=name,
                default=float(default) if default is not None and is_numeric([default]) else None,
                best=(float((selection.best or {})[name]), best.mean) if best else None,
                alt=t.scatter_alt.format(measure=entry.title, count=len(points), parameter=name),
            )
        )
    objective = quantity(selection.objective, language).words
    return f'{note(t.scatter_note.format(measure=objective))}<div class="multiples">{"".join(drawn)}</div>'
