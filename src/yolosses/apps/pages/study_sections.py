"""The parts of a study's page that are charts. A part that has nothing to show is an empty text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from yolosses.apps.pages.page import Html
from yolosses.apps.pages.study_bars import PALE, Bar, Part, keys, stacked_bars
from yolosses.apps.pages.study_charts import Path, Spot, dot_plot, level_lines, scatter, trade_off
from yolosses.apps.pages.study_maps import heat_map
from yolosses.apps.pages.study_numbers import NOTHING, quantity, setting_name
from yolosses.apps.pages.study_runs import FEW, calibration, calibration_chart, history, share_areas
from yolosses.apps.pages.study_scales import is_numeric
from yolosses.apps.pages.study_selection import Along, Selection
from yolosses.apps.pages.study_texts import Texts, texts
from yolosses.explain.pictures.captions import captions
from yolosses.explain.words import Language
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import format_value, level_name
from yolosses.studies.ablation.statistics import Interval
from yolosses.studies.ablation.structures import Level, Setting

MAPS = {
    "score": ("map50", "map50_95"),
    "localisation": ("mean_iou", "centre_error", "size_error", "covered"),
    "background": ("background_fp", "background_fp_fixed", "empty_confidence"),
    "objects": ("missed", "recall_fixed"),
}
"""Measures of the heat maps, by ability."""

EFFECTS = (
    "map50", "map50_95", "precision", "recall",
    "mean_iou", "centre_error", "size_error", "covered",
    "background_fp", "empty_confidence", "missed", "class_accuracy",
)  # fmt: skip
SCATTERED = ("mean_iou", "background_fp", "missed")  # beside the objective

TRADES = (("background_fp", "mean_iou"), ("background_fp", "covered"), ("recall", "precision"))
"""(to the right, upwards)."""

TIDE_FILLS = {
    "localisation": 0,
    "background": 1,
    "missed": 5,
    "classification": 2,
    "both": 3,
    "duplicate": 4,
}
TOP_FILLS = {"correct": PALE, "localisation": 0, "similar": 2, "other": 3, "background": 1}
"""The same kind has the same fill in both."""

PAPER_TOP = {"correct": 0.655, "localisation": 0.19, "similar": 0.0675, "other": 0.04, "background": 0.0475}
"""YOLO on VOC 2007, Figure 4 of the paper."""


# ------------------------------------------------------------ two parameters


def maps(selection: Selection, language: Language) -> str:
    """Heat maps over the two parameters that matter most, by ability."""
    t = texts(language)
    names = tuple(name for group in MAPS.values() for name in group)
    pair = selection.pair(names)
    if pair is None:
        return ""
    others = [
        name
        for name in selection.study.parameters
        if name not in pair and len(selection.levels(name)) > 1
    ]
    parts = [_note(t.maps_note)]
    if others:
        parts.append(_note(t.maps_averaged.format(others=t.comma.join(others))))
    for ability, measures in MAPS.items():
        drawn = "".join(_map(selection, pair, measure, language) for measure in measures)
        parts.append(f'<h3>{escape(t.abilities[ability])}</h3><div class="maps">{drawn}</div>')
    return "".join(parts)


def _map(selection: Selection, pair: tuple[str, str], measure: str, language: Language) -> str:
    t, entry = texts(language), quantity(measure, language)
    across, upward = (_in_order(selection.levels(name)) for name in pair)
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
    if not selection.study.results:
        return ""
    parts = [_unfinished(selection, t)]
    for name in selection.study.parameters:
        if name in selection.compared:
            body = _effect(selection, name, language)
        elif name in selection.drawn:
            body = _scattered(selection, name, language)
        else:
            levels = t.comma.join(level_name(level) for level in selection.levels(name))
            body = _note(t.single.format(value=levels))
        parts.append(f"<h3><code>{escape(name)}</code></h3>{body}")
    return "".join(parts)


def _unfinished(selection: Selection, t: Texts) -> str:
    if selection.study.objective is not None:
        return ""
    combinations = 1
    for name in selection.study.parameters:
        combinations *= len(selection.levels(name))
    done = len(selection.study.settings)
    return _note(t.unfinished.format(done=done, all=combinations)) if done < combinations else ""


def _effect(selection: Selection, name: str, language: Language) -> str:
    t, over = texts(language), selection.over(name)
    default = selection.study.defaults.get(name)
    note = [t.averaged.format(others=t.comma.join(over.averaged)) if over.averaged else t.effects_note]
    note += [t.ring_note] if default in over.settings else []
    drawn = []
    for measure in EFFECTS:
        intervals = _intervals(selection, over, measure)
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
    return _note(t.space.join(note)) + f'<div class="multiples">{"".join(drawn)}</div>'


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
    objective = quantity(selection.objective, language).title.removesuffix(t.in_percent)
    note = _note(t.scatter_note.format(measure=objective))
    return f'{note}<div class="multiples">{"".join(drawn)}</div>'


# ------------------------------------------------------------ errors


def errors(selection: Selection, language: Language) -> str:
    """What errors consist of, along each parameter: TIDE's kinds, and the paper's."""
    t = texts(language)
    groups = _groups(selection, t)
    if not groups:
        return ""
    tides = [[_bar(selection, "tide", name, setting, TIDE_FILLS, language) for name, setting in rows] for _, rows in groups]
    tops = [[_bar(selection, "top", name, setting, TOP_FILLS, language) for name, setting in rows] for _, rows in groups]
    if not any(bar.parts for bars in (*tides, *tops) for bar in bars):
        return ""
    longest = max((sum(part.value for part in bar.parts) for bars in tides for bar in bars), default=0.0)
    parts = [
        _note(t.errors_note),
        f'<div class="duo"><div><h3>{escape(t.tide)}</h3>{_note(t.tide_note)}'
        f"{keys({kind: t.tide_kinds[kind] for kind in TIDE_FILLS}, TIDE_FILLS)}</div>"
        f"<div><h3>{escape(t.top)}</h3>{_note(t.top_note)}"
        f"{keys({kind: t.top_kinds[kind] for kind in TOP_FILLS}, TOP_FILLS)}</div></div>",
    ]
    for (title, _), tide, top in zip(groups, tides, tops, strict=True):
        tide = _marked(tide, selection, title, t)
        parts.append(
            f'<div class="group"><h3>{title}</h3><div class="duo">'
            f"{stacked_bars(tide, longest=longest, factor=100, unit=' %')}"
            f"{stacked_bars([*_marked(top, selection, title, t), _paper(t)], longest=1.0, factor=100, unit=' %')}"
            "</div></div>"
        )
    return "".join(parts)


def _groups(selection: Selection, t: Texts) -> list[tuple[Html, list[tuple[str, Setting]]]]:
    """Titles (html), and under each the settings with the names of their bars."""
    groups = []
    for name in selection.compared:
        along = selection.along(name)
        rows = [(level_name(level), along.settings[level]) for level in _in_order(list(along.settings))]
        groups.append((Html(f"<code>{escape(name)}</code>{_where(along, t)}"), rows))
    if not groups and selection.study.results:
        groups.append((Html(""), _outstanding(selection, t)))
    return groups


def _outstanding(selection: Selection, t: Texts) -> list[tuple[str, Setting]]:
    """Where settings have no neighbours: the best and the default; a single one by itself."""
    found = []
    if selection.best is not None:
        both = selection.best == selection.default
        found.append((t.comma.join([t.best, *([t.default] if both else [])]), selection.best))
    if selection.default is not None and selection.default != selection.best:
        found.append((t.default, selection.default))
    return found or [(t.setting, setting) for setting in selection.study.settings[:1]]


def _where(along: Along, t: Texts) -> str:
    """What holds for all bars of a group, small."""
    said = [t.at_fixed.format(settings=setting_name(along.fixed, t))] if along.fixed else []
    said += [t.mean_over.format(others=t.comma.join(along.averaged))] if along.averaged else []
    return f' <small class="faint">{escape(t.comma.join(said))}</small>' if said else ""


def _bar(
    selection: Selection,
    prefix: str,
    name: str,
    setting: Setting,
    fills: dict[str, int],
    language: Language,
) -> Bar:
    t = texts(language)
    kinds = t.tide_kinds if prefix == "tide" else t.top_kinds
    parts = []
    for kind, fill in fills.items():
        measure = f"{prefix}_{kind}"
        interval = selection.interval(measure, setting)
        if interval is not None:
            entry = quantity(measure, language)
            told = f"{kinds[kind]} {entry.told(interval)}"
            parts.append(
                Part(key=kind, value=interval.mean, told=told, shown=entry.bare(interval.mean), fill=fill)
            )
    return Bar(name=name, parts=parts, setting=setting)


def _marked(bars: Sequence[Bar], selection: Selection) -> list[Bar]:
    """The bar of the default in bold."""
    defaults = selection.study.defaults
    return [
        replace(bar, kind="default")
        if all(defaults.get(name) == level for name, level in bar.setting.items())
        else bar
        for bar in bars
    ]


def _paper(t: Texts) -> Bar:
    parts = [
        Part(
            key=kind,
            value=share,
            told=f"{t.top_kinds[kind]} {100 * share:g} %",
            shown=f"{100 * share:.1f}",
            fill=TOP_FILLS[kind],
        )
        for kind, share in PAPER_TOP.items()
    ]
    return Bar(name=t.paper, parts=parts, setting={}, kind="apart")
