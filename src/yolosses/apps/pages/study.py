"""``report.html`` of a study: what hyper-parameters of a loss do to the detector that it trains."""

from __future__ import annotations

import re
from functools import partial
from typing import Protocol

from markupsafe import Markup
from matplotlib.figure import Figure

from yolosses.apps.pages.charts.calibration import FEW
from yolosses.apps.pages.charts.shares import ShareChart, share_fills
from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.render import render
from yolosses.apps.pages.views import study as views
from yolosses.apps.pages.views.study_effects import effects, maps, unfinished
from yolosses.apps.pages.views.study_errors import error_keys, errors, where
from yolosses.apps.pages.views.study_numbers import MAIN, listed, quantity, state_line
from yolosses.apps.pages.views.study_relations import importance, runs, term_names, trade_offs
from yolosses.apps.pages.views.study_selection import Selection
from yolosses.language import Language
from yolosses.studies.ablation.findings import findings, is_ordered
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import level_name, measure_name, measure_note, sentence
from yolosses.studies.ablation.structures import Setting, StudyResults

SHOWN = 40  # settings at once; the others unfold
CHIPS = 14  # values of a parameter that are listed one by one


def study_page(study: StudyResults, *, language: Language) -> str:
    """The page, as html."""
    selection, found = Selection(study), findings(study)
    heat_maps, mapped_over = maps(selection, language)
    return render(
        "study.html",
        language,
        title=views.title(study, language),
        selection=selection,
        facts=views.facts(study, language),
        verdict=views.verdict(selection, language),
        chips=CHIPS,
        is_ordered=is_ordered,
        first=views.first_findings(found),
        found={name: views.found_of(name, found) for name in study.parameters},
        sign_of=views.sign_of,
        sentence=partial(sentence, study=study, language=language),
        intervals_apart=intervals_apart,
        draw=draw,
        maps=heat_maps,
        mapped_over=mapped_over,
        effects=effects(selection, language),
        unfinished=unfinished(selection),
        objective=quantity(selection.objective, language).words,
        listed=partial(listed, language=language),
        errors=errors(selection, language),
        where=partial(where, language=language),
        error_keys=error_keys(language),
        planes=trade_offs(selection, language),
        importance=importance(selection, language),
        parameter_keys={name: index for index, name in enumerate(study.parameters)},
        runs=runs(selection, language),
        few=FEW,
        term_keys={name: index for index, name in enumerate(term_names(selection, language).values())},
        states=state_line(study, language),
        settings=_ordered(selection),
        at_once=SHOWN,
        main=MAIN,
        measures=_measures(),
        quantities=lambda names: [quantity(name, language) for name in names],
        level_name=level_name,
        glossary=[(measure_name(name, language), measure_note(name, language)) for name in MEASURES],
    )


def intervals_apart(text: str) -> list[str]:
    """A text in pieces: every second one is an [interval]."""
    return re.split(r"(\[[^\[\]]*\])", text)


class Chart(Protocol):
    """A chart of the page."""

    @property
    def alt(self) -> str:
        """What it shows, for those who cannot see it."""

    def draw(self) -> tuple[Figure, dict[str, str]]:
        """The figure, and what the pointer is told on its parts, by their ids."""


def draw(chart: Chart) -> Markup:
    """A chart, as svg."""
    figure, told = chart.draw()
    fills = share_fills(chart.history) if isinstance(chart, ShareChart) else None
    return figure_svg(figure, alt=chart.alt, told=told, fills=fills)


def _measures() -> dict[str, list[str]]:
    """Those of each ability that are not all in the main table."""
    by_ability: dict[str, list[str]] = {}
    for name, measure in MEASURES.items():
        by_ability.setdefault(measure.ability, []).append(name)
    return {ability: [] if set(names) <= set(MAIN) else names for ability, names in by_ability.items()}


def _ordered(selection: Selection) -> list[Setting]:
    """As the study has them; where a sampler drew them, best first."""
    ranked = selection.ranked if selection.drawn else []
    return ranked + [setting for setting in selection.study.settings if setting not in ranked]
