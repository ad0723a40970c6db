"""``study.html``: what hyper-parameters of a loss do to the detector that it trains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from yolosses.apps.pages import (
    charts,
    study_bars,
    study_charts,
    study_maps,
    study_runs,
    study_sections,
    study_tables,
)
from yolosses.apps.pages.charts import patterns
from yolosses.apps.pages.page import Html, Section, page
from yolosses.apps.pages.study_numbers import counted, quantity
from yolosses.apps.pages.study_scales import is_numeric, star
from yolosses.apps.pages.study_selection import Selection
from yolosses.apps.pages.study_texts import Texts, texts
from yolosses.explain.words import Language
from yolosses.studies.ablation.findings import Finding, findings
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import format_value, level_name, sentence
from yolosses.studies.ablation.structures import Level, Setting, StudyResults

FIRST_FINDINGS = 5  # that stand in the lead

_FILLS = 7  # kinds of errors, terms of a loss, parameters: what patterns stand for
_CHIPS = 14  # values of a parameter that are listed one by one

STYLE = (
    """
.verdict { font-size: 1.5rem; line-height: 1.35; margin: .5rem 0 .2rem; max-width: none; }
.verdict + p { margin: 0 0 .6rem; max-width: none; }
.facts { margin: .1rem 0; max-width: none; }
.varied { border-spacing: 0; margin: .6rem 0 .8rem; }
.varied th, .varied td { border: 0; padding: .16rem .9rem .16rem 0; font-weight: 400; vertical-align: baseline; }
.varied th code { font-weight: 700; }
.chip { display: inline-block; border: 1px solid var(--line); border-radius: 5px; padding: 0 .5em; margin: .1rem .3rem .1rem 0;
  background: var(--tint); font-variant-numeric: tabular-nums; }
.chip.default { border: 2px solid var(--ink); background: #fff; }
.chip.best { font-weight: 700; }
.chip small { color: var(--faint); font-weight: 400; }
.chip svg { vertical-align: -1px; margin-right: .25em; }
.found { list-style: none; margin: .3rem 0 .9rem; padding: 0; }
.found li { display: grid; grid-template-columns: 16px 1fr; gap: 9px; margin: .3rem 0; max-width: 105ch; }
.found svg { margin-top: .32em; }
.found.first li { font-size: 1.04rem; }
.group { break-inside: avoid; }
.maps { display: flex; flex-wrap: wrap; gap: 12px 14px; align-items: flex-start; }
.maps + h3, .multiples + h3 { margin-top: 1.6rem; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(252px, 1fr)); gap: 12px 12px; }
.multiples svg { width: 100%; max-width: 360px; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(325px, 1fr)); gap: 16px 14px; }
.plots svg { width: 100%; max-width: 420px; }
.duo { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4px 40px; }
.duo h4 { margin: .2rem 0 .3rem; font-size: .95rem; }
.tag { display: inline-block; border: 1.5px solid var(--ink); border-radius: 4px; padding: 0 .35em; font-size: .78rem;
  margin-right: .25em; white-space: nowrap; }
.tag.best { background: var(--ink); color: #fff; }
summary { cursor: pointer; margin: .4rem 0; }
@media (max-width: 820px) { .duo { grid-template-columns: minmax(0, 1fr); } }
@media print { .multiples { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); } .multiples svg, .plots svg, .maps svg { break-inside: avoid; }
  .maps svg { width: 24%; min-width: 165px; } .tag.best { background: none; color: inherit; border-width: 2.5px; } }
"""
    + charts.STYLE
    + study_maps.STYLE
    + study_charts.STYLE
    + study_bars.STYLE
    + study_runs.STYLE
    + study_tables.STYLE
)


def study_page(study: StudyResults, *, language: Language) -> str:
    """The page, as html."""
    t, selection = texts(language), Selection(study)
    found = findings(study)
    sections = [Section(t.findings, _findings(found, study, language))] if study.results else []
    parts = (
        (t.maps, study_sections.maps),
        (t.effects, study_sections.effects),
        (t.errors, study_sections.errors),
        (t.trade_offs, study_sections.trade_offs),
        (t.importance, study_sections.importance),
        (t.calibration, study_sections.runs),
        (t.numbers, study_tables.numbers),
    )
    for title, section in parts:
        body = section(selection, language)
        if body:
            sections.append(Section(title, body))
    title = t.title.format(parameters=_listed(study.parameters, t), loss=study.loss, data=study.data)
    lead = patterns(_FILLS) + study_maps.definitions() + _lead(selection, found, language)
    return page(title, sections, language=language, lead=lead, style=STYLE)


# ------------------------------------------------------------ what is seen first


def _lead(selection: Selection, found: Sequence[Finding], language: Language) -> str:
    t, study = texts(language), selection.study
    first = _first(found)
    lines = "".join(_line(finding, study, language) for finding in first)
    listed = f'<ul class="found first">{lines}</ul>' if first else ""
    return (
        f'<p class="faint facts">{escape(facts(study, language))}</p>'
        f"{_verdict(selection, found, language)}{listed}{_varied(selection, t)}"
    )


def facts(study: StudyResults, language: Language) -> str:
    """How much was trained, on what; and what is not finished."""
    t = texts(language)
    settings, runs = len(study.settings), len(study.results)
    seeds = len({result.seed for result in study.results})
    even = settings * seeds == runs
    said = (t.facts if even and study.objective is None else t.facts_uneven).format(
        settings=counted(settings, t.settings),
        seeds=counted(seeds, t.seeds),
        runs=counted(runs, t.runs),
        budget=budget(study, t),
    )
    learnt = t.learnt.format(
        train=study.train_split,
        eval=study.eval_split,
        train_pictures=counted(study.num_pictures.get(study.train_split, 0), t.pictures),
        eval_pictures=counted(study.num_pictures.get(study.eval_split, 0), t.pictures),
    )
    unfinished = any(count for state, count in study.states.items() if state != "complete")
    state = (t.full_stop + state_line(study, t)) if unfinished else t.full_stop
    return (f"{said}{t.semicolon}{learnt}" if study.results else learnt) + state


def budget(study: StudyResults, t: Texts) -> str:
    """Of one run: "2 epochs"."""
    kinds = {name: t.budgets[name] for name in study.budget if name in t.budgets}
    return t.comma.join(
        forms[0 if study.budget[name] == 1 else 1].format(count=f"{study.budget[name]:g}")
        for name, forms in kinds.items()
    )


def state_line(study: StudyResults, t: Texts) -> str:
    """How many runs are finished, running, failed."""
    states = {"complete": len(study.results), **study.states}
    told = t.comma.join(f"{t.states.get(name, name)} {count}" for name, count in states.items() if count)
    return t.state_line.format(states=told or f"{t.states['complete']} 0")


def _verdict(selection: Selection, found: Sequence[Finding], language: Language) -> str:
    t, best = texts(language), selection.best
    if not selection.study.results:
        return f'<p class="verdict">{escape(t.no_runs)}</p>'
    told = next((finding for finding in found if finding.kind == "best"), None)
    if told is not None:
        return f'<p class="verdict">{escape(sentence(told, selection.study, language))}</p>'
    if best is None:
        return ""
    return f'<p class="verdict">{escape(best_line(selection, best, language))}</p>'


def best_line(selection: Selection, best: Setting, language: Language) -> str:
    """The best setting and its value."""
    t, measure = texts(language), selection.objective
    interval = selection.interval(measure, best)
    assert interval is not None
    said = t.best_is_default if best == selection.default else t.best_is
    return said.format(
        setting=setting_name(best, t),
        measure=quantity(measure, language).title.removesuffix(t.in_percent),
        value=format_value(measure, interval.mean),
    )


def setting_name(setting: Setting, t: Texts) -> str:
    """ "lambda_coord = 5, lambda_noobj = 0.5"."""
    return t.comma.join(f"{name} = {level_name(level)}" for name, level in setting.items())


def _varied(selection: Selection, t: Texts) -> str:
    """Each parameter with its values as chips."""
    rows = []
    for name in selection.study.parameters:
        rows.append(
            f'<tr data-parameter="{escape(name)}"><th scope="row"><code>{escape(name)}</code></th>'
            f"<td>{_chips(selection, name, t)}</td></tr>"
        )
    return f'<table class="varied" aria-label="{escape(t.varied)}"><tbody>{"".join(rows)}</tbody></table>'


def _chips(selection: Selection, name: str, t: Texts) -> str:
    levels: Sequence[Level] = selection.study.parameters[name]
    default, best = selection.study.defaults.get(name), (selection.best or {}).get(name)
    drawn = ""
    if len(levels) > _CHIPS and is_numeric(levels):
        ends = [level_name(end) for end in (min(levels, key=float), max(levels, key=float))]
        drawn = escape(t.drawn.format(count=len(levels), low=ends[0], high=ends[1])) + " "
        levels = [level for level in levels if level in (default, best)]
    return drawn + "".join(
        _chip(level_name(level), level == default, level == best, t) for level in levels
    )


def _chip(name: str, is_default: bool, is_best: bool, t: Texts) -> str:
    kinds = " ".join(["chip", *(["default"] if is_default else []), *(["best"] if is_best else [])])
    words = t.comma.join([*([t.best] if is_best else []), *([t.default] if is_default else [])])
    said = f" <small>{escape(words)}</small>" if words else ""
    sign = f'<svg width="13" height="13" aria-hidden="true">{star(6.5, 7, "#1a1a1a")}</svg>' if is_best else ""
    return f'<span class="{kinds}">{sign}{escape(name)}{said}</span>'


# ------------------------------------------------------------ findings


def _first(found: Iterable[Finding]) -> list[Finding]:
    """The most important ones; where hardly anything differs, that is what matters."""
    kept = [finding for finding in found if finding.kind != "best"]
    clear = [finding for finding in kept if finding.kind != "no_difference"]
    return [*clear, *(finding for finding in kept if finding.kind == "no_difference")][:FIRST_FINDINGS]


def _findings(found: Sequence[Finding], study: StudyResults, language: Language) -> str:
    t = texts(language)
    if not found:
        return f"<p>{escape(t.no_findings)}</p>"
    parts = [f'<p class="faint">{escape(t.findings_note)}</p>']
    overall = [finding for finding in found if finding.parameter not in study.parameters]
    if overall:
        parts.append(_group(Html(escape(t.overall)), overall, study, language))
    for name in study.parameters:
        mine = [finding for finding in found if finding.parameter == name]
        if mine:
            parts.append(_group(Html(f"<code>{escape(name)}</code>"), mine, study, language))
    return "".join(parts)


def _group(title: Html, found: Sequence[Finding], study: StudyResults, language: Language) -> str:
    t = texts(language)
    clear = [finding for finding in found if finding.kind != "no_difference"]
    unclear = [finding for finding in found if finding.kind == "no_difference"]
    said = "".join(_line(finding, study, language) for finding in clear)
    body = f'<ul class="found">{said}</ul>' if clear else ""
    if unclear:
        lines = "".join(_line(finding, study, language) for finding in unclear)
        body += f'<p><b>{escape(t.no_difference)}</b></p><ul class="found">{lines}</ul>'
    return f"<h3>{title}</h3>{body}"


def _line(finding: Finding, study: StudyResults, language: Language) -> str:
    return (
        f'<li data-kind="{finding.kind}" data-measure="{escape(str(finding.measure))}">{_sign(finding)}'
        f"<span>{escape(sentence(finding, study, language))}</span></li>"
    )


def _sign(finding: Finding) -> str:
    """An arrow up or down, filled where that is good; two level lines, a star, a cross."""
    measure = MEASURES.get(finding.measure)
    good_kind = {"high": "raises", "low": "lowers"}.get(measure.better or "" if measure else "")
    is_bad = good_kind is not None and finding.kind != good_kind
    fill = "#fff" if is_bad else "#1a1a1a"
    match finding.kind:
        case "raises":
            drawn = f'<path d="M8 1.5L14 8.5H10.5V14.5H5.5V8.5H2z" fill="{fill}" stroke="#1a1a1a" stroke-width="1.3"/>'
        case "lowers":
            drawn = f'<path d="M8 14.5L14 7.5H10.5V1.5H5.5V7.5H2z" fill="{fill}" stroke="#1a1a1a" stroke-width="1.3"/>'
        case "best":
            drawn = star(8, 8.5, "#1a1a1a", radius=7.5)
        case "unable":
            drawn = '<path d="M3 3L13 13M13 3L3 13" stroke="#1a1a1a" stroke-width="2.6"/>'
        case _:
            drawn = '<path d="M2 5.5H14M2 10.5H14" stroke="#6a6a6a" stroke-width="2"/>'
    return f'<svg width="16" height="16" aria-hidden="true">{drawn}</svg>'


def _listed(names: Iterable[str], t: Texts) -> str:
    """ "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{t.comma.join(most)}{t.and_}{last}" if most else last
