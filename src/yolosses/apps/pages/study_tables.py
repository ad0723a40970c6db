"""The tables of a study's page: every setting with its measures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from yolosses.apps.pages.page import Cell, Html, table
from yolosses.apps.pages.study_numbers import NOTHING, Quantity, note, quantity, state_line
from yolosses.apps.pages.study_selection import Selection
from yolosses.apps.pages.study_texts import Texts, texts
from yolosses.language import Language
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import level_name, measure_name, measure_note
from yolosses.studies.ablation.structures import Setting

MAIN = ("map50", "map50_95", "precision", "recall", "mean_iou", "covered", "background_fp", "missed")

SHOWN = 40  # settings at once; the others unfold

STYLE = """
.figures table { font-size: .9rem; }
.figures td, .figures th { text-align: right; padding: .22rem .55rem; }
.figures th { max-width: 9.5em; }
.figures td { white-space: nowrap; }
.figures td:first-child { text-align: left; }
.figures td small { color: var(--faint); }
@media print { .figures td, .figures th { padding: .15rem .3rem; font-size: 9px; } }
"""


def numbers(selection: Selection, language: Language) -> str:
    """The main measures of all settings; the other measures, by ability, unfold."""
    t = texts(language)
    state = f"<p>{escape(state_line(selection.study, t))}</p>"
    if not selection.study.results:
        return state
    settings = _ordered(selection)
    parts = [state, note(t.numbers_note)]
    parts.append(_table(selection, settings[:SHOWN], MAIN, language))
    rest = settings[SHOWN:]
    if rest:
        more = _table(selection, rest, MAIN, language)
        parts.append(_unfolding(t.and_more.format(count=len(rest)), more))
    for ability, title in t.abilities.items():
        names = [name for name, measure in MEASURES.items() if measure.ability == ability]
        if names and not set(names) <= set(MAIN):
            told = t.other_measures.format(group=title)
            parts.append(_unfolding(told, _table(selection, settings, names, language)))
    parts.append(_unfolding(t.glossary, _glossary(language)))
    return "".join(parts)


def _ordered(selection: Selection) -> list[Setting]:
    """As the study has them; where a sampler drew them, best first."""
    settings = list(selection.study.settings)
    if not selection.drawn:
        return settings
    ranked = selection.ranked
    return ranked + [setting for setting in settings if setting not in ranked]


def _glossary(language: Language) -> str:
    t = texts(language)
    rows: list[list[Cell]] = [
        [measure_name(name, language), measure_note(name, language)] for name in MEASURES
    ]
    return table([t.measure, t.meaning], rows)


def _unfolding(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _table(
    selection: Selection, settings: Sequence[Setting], measures: Sequence[str], language: Language
) -> str:
    t = texts(language)
    quantities = [quantity(name, language) for name in measures]
    parameters = list(selection.study.parameters)
    columns = ["", *parameters, t.runs_column, *(entry.title for entry in quantities)]
    rows: list[list[Cell]] = []
    for setting in settings:
        row: list[Cell] = [_tags(setting, selection, t)]
        row += [level_name(setting[name]) for name in parameters]
        row.append(len(selection.study.of(setting)))
        row += [_cell(selection, setting, entry) for entry in quantities]
        rows.append(row)
    return f'<div class="figures">{table(columns, rows)}</div>'


def _tags(setting: Setting, selection: Selection, t: Texts) -> Html:
    tags = []
    if setting == selection.best:
        tags.append(f'<span class="tag best">{escape(t.best)}</span>')
    if setting == selection.default:
        tags.append(f'<span class="tag">{escape(t.default)}</span>')
    return Html("".join(tags))


def _cell(selection: Selection, setting: Setting, entry: Quantity) -> Cell:
    interval = selection.interval(entry.name, setting)
    if interval is None:
        return NOTHING
    half = entry.half(interval)
    beside = f" <small>±{half}</small>" if half else ""
    return Html(
        f'<span data-measure="{entry.name}" data-mean="{interval.mean!r}" title="{escape(entry.told(interval))}">'
        f"{entry.bare(interval.mean)}{beside}</span>"
    )
