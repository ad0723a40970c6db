"""``report.html`` of a study: what hyper-parameters of a loss do to the detector that it trains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from yolosses.apps.pages import (
    study_bars,
    study_charts,
    study_errors,
    study_maps,
    study_plane,
    study_relations,
    study_runs,
    study_sections,
    study_tables,
)
from yolosses.apps.pages.page import Html, Section, page
from yolosses.apps.pages.study_numbers import counted, quantity, setting_name, state_line
from yolosses.apps.pages.study_scales import is_numeric, star
from yolosses.apps.pages.study_selection import Selection
from yolosses.apps.pages.study_texts import Texts, texts
from yolosses.apps.pages.term_marks import patterns
from yolosses.language import Language
from yolosses.studies.ablation.findings import Finding, findings
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import level_name, sentence
from yolosses.studies.ablation.structures import Level, StudyResults

FIRST_FINDINGS = 5  # that stand in the lead

_FILLS = 7  # kinds of errors, terms of a loss, parameters: what patterns stand for
_CHIPS = 14  # values of a parameter that are listed one by one

STYLE = (
    """
.verdict { font-size: 1.5rem; line-height: 1.35; margin: .5rem 0 .2rem; max-width: none; }
.verdict + p { margin: 0 0 .3rem; max-width: none; }
.facts { margin: .1rem 0; max-width: none; }
.varied { border-spacing: 0; margin: .6rem 0 .8rem; }
.varied th, .varied td { border: 0; padding: .16rem .9rem .16rem 0; font-weight: 400; vertical-align: baseline; }
.varied th code { font-weight: 700; }
.chip { display: inline-block; border: 1px solid var(--line); border-radius: 5px; padding: 0 .5em;
  margin: .1rem .3rem .1rem 0; background: var(--tint); font-variant-numeric: tabular-nums; }
.chip.default { border: 2px solid var(--ink); background: #fff; }
.chip.best { font-weight: 700; }
.chip small { color: var(--faint); font-weight: 400; }
.chip svg { vertical-align: -1px; margin-right: .25em; }
.found { list-style: none; margin: .3rem 0 .9rem; padding: 0; }
.found li { display: grid; grid-template-columns: 16px 1fr; gap: 9px; margin: .3rem 0; max-width: 105ch; }
.found svg { margin-top: .32em; }
.found.first li { font-size: 1.04rem; }
.interval { color: var(--faint); font-size: .86em; white-space: nowrap; }
.group { break-inside: avoid; }
.maps { display: flex; flex-wrap: wrap; gap: 12px 14px; align-items: flex-start; }
.maps + h3, .multiples + h3 { margin-top: 1.6rem; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(252px, 1fr)); gap: 12px 12px; }
.multiples svg { width: 100%; max-width: 360px; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(325px, 1fr)); gap: 16px 14px; }
.plots svg { width: 100%; max-width: 420px; }
.duo { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4px 40px;
  align-items: start; }
.duo h4 { margin: .2rem 0 .3rem; font-size: .95rem; }
.tag { display: inline-block; border: 1.5px solid var(--ink); border-radius: 4px; padding: 0 .35em; font-size: .78rem;
  margin-right: .25em; white-space: nowrap; }
.tag.best { background: var(--ink); color: #fff; }
summary { cursor: pointer; margin: .4rem 0; }
@media screen and (max-width: 820px) { .duo { grid-template-columns: minmax(0, 1fr); } }
@media screen and (max-width: 500px) { .varied th, .varied td { display: block; } }
@media print { .multiples { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .multiples svg, .plots svg, .maps svg { break-inside: avoid; }
  .maps svg { width: 31%; } .tag.best { background: none; color: inherit; border-width: 2.5px; } }
"""
    + study_maps.STYLE
    + study_charts.STYLE
    + study_plane.STYLE
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
        (t.errors, study_errors.errors),
        (t.trade_offs, study_relations.trade_offs),
        (t.importance, study_relations.importance),
        (t.calibration, study_relations.runs),
        (t.numbers, study_tables.numbers),
    )
    for name, section in parts:
        body = section(selection, language)
        if body:
            sections.append(Section(name, body))
    lead = patterns(_FILLS) + study_maps.definitions() + _lead(selection, found, language)
    return page(title(study, language), sections, language=language, lead=lead, style=STYLE)


def title(study: StudyResults, language: Language) -> str:
    """What the study is about."""
    t = texts(language)
    return t.title.format(parameters=_listed(study.parameters, t), loss=study.loss, data=study.data)


# ------------------------------------------------------------ what is seen first


def _lead(selection: Selection, found: Sequence[Finding], language: Language) -> str:
    t, study = texts(language), selection.study
    first = _first(found)
    lines = "".join(_line(finding, study, language) for finding in first)
    listed = f'<ul class="found first">{lines}</ul>' if first else ""
    return (
        f'<p class="faint facts">{escape(facts(study, language))}</p>'
        f"{_verdict(selection, language)}{_varied(selection, t)}{listed}"
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
    return (
        f"{said}{t.semicolon}{learnt}" if study.results else learnt[:1].upper() + learnt[1:]
    ) + state.rstrip()


def budget(study: StudyResults, t: Texts) -> str:
    """Of one run: "2 epochs"."""
    kinds = {name: t.budgets[name] for name in study.budget if name in t.budgets}
    return t.comma.join(
        forms[0 if study.budget[name] == 1 else 1].format(count=f"{study.budget[name]:g}")
        for name, forms in kinds.items()
    )


def _verdict(selection: Selection, language: Language) -> str:
    first, *more = verdict(selection, language) or [""]
    return f'<p class="verdict">{_quiet_intervals(first)}</p>' + "".join(
        f"<p>{_quiet_intervals(line)}</p>" for line in more
    )


def verdict(selection: Selection, language: Language) -> list[str]:
    """The best setting, and whether it can be told from the default."""
    t, best, default = texts(language), selection.best, selection.default
    if not selection.study.results:
        return [t.no_runs]
    interval = None if best is None else selection.interval(selection.objective, best)
    if best is None or interval is None:
        return []
    entry = quantity(selection.objective, language)
    values = {
        "setting": setting_name(best, t),
        "measure": entry.words,
        "value": entry.with_interval(interval),
    }
    if len(selection.study.settings) == 1:
        return [t.only_setting.format(**values)]
    if best == default:
        return [t.best_is_default.format(**values)]
    lines = [t.best_is.format(**values)]
    other = None if default is None else selection.interval(selection.objective, default)
    if default is None or other is None:
        return [*lines, t.default_unmeasured]
    if not (interval.known and other.known):
        judged = t.no_interval
    else:
        judged = t.overlap if interval.low <= other.high and other.low <= interval.high else t.apart
    reaches = t.default_reaches.format(setting=setting_name(default, t), value=entry.with_interval(other))
    return [*lines, reaches + t.space + judged]


def _varied(selection: Selection, t: Texts) -> str:
    """Each parameter with its values as chips."""
    rows = [
        f'<tr data-parameter="{escape(name)}"><th scope="row"><code>{escape(name)}</code></th>'
        f"<td>{_chips(selection, name, t)}</td></tr>"
        for name in selection.study.parameters
    ]
    return f'<table class="varied" aria-label="{escape(t.varied)}"><tbody>{"".join(rows)}</tbody></table>'


def _chips(selection: Selection, name: str, t: Texts) -> str:
    levels: Sequence[Level] = selection.study.parameters[name]
    default, best = selection.study.defaults.get(name), (selection.best or {}).get(name)
    drawn = ""
    if len(levels) > _CHIPS and is_numeric(levels):
        ends = [level_name(end) for end in (min(levels, key=float), max(levels, key=float))]
        drawn = escape(t.drawn.format(count=len(levels), low=ends[0], high=ends[1])) + " "
        levels = [level for level in levels if level in (default, best)]
    return drawn + "".join(_chip(level_name(level), level == default, level == best, t) for level in levels)


def _chip(name: str, is_default: bool, is_best: bool, t: Texts) -> str:
    kinds = " ".join(["chip", *(["default"] if is_default else []), *(["best"] if is_best else [])])
    words = t.comma.join([*([t.best] if is_best else []), *([t.default] if is_default else [])])
    said = f" <small>{escape(words)}</small>" if words else ""
    sign = (
        f'<svg width="13" height="13" aria-hidden="true">{star(6.5, 7, "#1a1a1a")}</svg>' if is_best else ""
    )
    return f'<span class="{kinds}">{sign}{escape(name)}{said}</span>'


# ------------------------------------------------------------ findings


def is_clear(finding: Finding) -> bool:
    """Whether it says of something that it differs."""
    return finding.clear or bool(finding.ends)


def _first(found: Iterable[Finding]) -> list[Finding]:
    """The most important ones, of several alike the first; where hardly anything differs, that is what matters."""
    kept: dict[tuple[str, str, str | None], Finding] = {}
    for finding in sorted(found, key=lambda finding: not is_clear(finding)):
        kept.setdefault((finding.kind, finding.parameter, finding.ability), finding)
    return list(kept.values())[:FIRST_FINDINGS]


def _findings(found: Sequence[Finding], study: StudyResults, language: Language) -> str:
    t = texts(language)
    if not found:
        return f"<p>{escape(t.no_findings)}</p>"
    parts = [f'<p class="faint">{escape(t.findings_note)}</p>']
    for name in study.parameters:
        mine = [finding for finding in found if finding.parameter == name]
        if mine:
            parts.append(_group(Html(f"<code>{escape(name)}</code>"), mine, study, language))
    return "".join(parts)


def _group(name: Html, found: Sequence[Finding], study: StudyResults, language: Language) -> str:
    t = texts(language)
    unclear = [finding for finding in found if not is_clear(finding) and finding.kind != "no_statement"]
    said = "".join(
        _line(finding, study, language)
        for finding in found
        if is_clear(finding) or finding.kind == "no_statement"
    )
    body = f'<ul class="found">{said}</ul>' if said else ""
    if unclear:
        lines = "".join(_line(finding, study, language) for finding in unclear)
        body += f'<p><b>{escape(t.no_difference)}</b></p><ul class="found">{lines}</ul>'
    return f"<h3>{name}</h3>{body}"


def _line(finding: Finding, study: StudyResults, language: Language) -> str:
    return (
        f'<li data-kind="{finding.kind}" data-measure="{escape(str(finding.measure))}">{_sign(finding)}'
        f"<span>{_quiet_intervals(sentence(finding, study, language))}</span></li>"
    )


def _quiet_intervals(words: str) -> str:
    """A sentence with its [intervals] set back, so that the means are seen first."""
    return re.sub(r"\[[^\[\]]*\]", r'<span class="interval">\g<0></span>', escape(words))


def _sign(finding: Finding) -> str:
    """An arrow up or down, black where that is good, white where it is not, grey where it is both; two level lines, a
    star, a cross.
    """
    good = {{"high": "raises", "low": "lowers"}.get(MEASURES[name].better or "") for name in finding.measures}
    fill = "#a9a9a9" if len(good) > 1 else "#1a1a1a" if finding.kind in good else "#fff"
    match finding.kind if is_clear(finding) else None:
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
    return f"{t.between_names.join(most)}{t.and_}{last}" if most else last
