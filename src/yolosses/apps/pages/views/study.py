"""What is seen first of a study, on its page and in the terminal: facts, verdict, findings."""

from __future__ import annotations

from collections.abc import Iterable

from yolosses.apps.pages.views.study_numbers import (
    counted_runs,
    listed,
    quantity,
    setting_name,
    state_line,
)
from yolosses.apps.pages.views.study_selection import Selection
from yolosses.language import Language, catalogue, joined
from yolosses.studies.ablation.findings import Finding
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.structures import StudyResults

FIRST_FINDINGS = 5  # that stand in the lead


def title(study: StudyResults, language: Language) -> str:
    """What the study is about."""
    _ = catalogue(language).gettext
    *most, last = study.parameters
    names = _("{names} and {last}").format(names=listed(most, language), last=last) if most else last
    said = _("What changes with {parameters}: loss {loss} on {data}")
    return said.format(parameters=names, loss=study.loss, data=study.data)


def facts(study: StudyResults, language: Language) -> str:
    """How much was trained, on what; and what is not finished."""
    words = catalogue(language)
    said = words.gettext("Learnt from {train} ({train_pictures}), measured on {eval} ({eval_pictures}).")
    if study.results:
        said = words.gettext(
            "{trained}; learnt from {train} ({train_pictures}), measured on {eval} ({eval_pictures})."
        )
    said = said.format(
        trained=_trained(study, language),
        train=study.train_split,
        eval=study.eval_split,
        train_pictures=_pictures(study, study.train_split, language),
        eval_pictures=_pictures(study, study.eval_split, language),
    )
    unfinished = any(count for state, count in study.states.items() if state != "complete")
    return sentences(said, state_line(study, language), language) if unfinished else said


def _pictures(study: StudyResults, split: str, language: Language) -> str:
    count = study.num_pictures.get(split, 0)
    said = catalogue(language).ngettext("{count} picture", "{count} pictures", count)
    return said.format(count=f"{count:,}")


def _trained(study: StudyResults, language: Language) -> str:
    words = catalogue(language)
    settings, runs = len(study.settings), len(study.results)
    seeds = len({result.seed for result in study.results})
    counted = words.ngettext("{count} setting", "{count} settings", settings).format(count=f"{settings:,}")
    values = {"settings": counted, "runs": counted_runs(runs, language), "budget": _budget(study, language)}
    if settings * seeds != runs or study.objective is not None:
        return words.gettext("{settings}, {runs} of {budget} each").format(**values)
    said = words.ngettext("{count} seed", "{count} seeds", seeds).format(count=f"{seeds:,}")
    return words.gettext("{settings} × {seeds} = {runs} of {budget} each").format(seeds=said, **values)


def _budget(study: StudyResults, language: Language) -> str:
    """Of one run: "2 epochs"."""
    words = catalogue(language)
    told = []
    for name, amount in study.budget.items():
        number = 1 if amount == 1 else 2  # 0.5 is no number that has a form
        if name == "epochs":
            told.append(words.ngettext("{count} epoch", "{count} epochs", number).format(count=f"{amount:g}"))
        elif name == "minutes":
            told.append(
                words.ngettext("{count} minute", "{count} minutes", number).format(count=f"{amount:g}")
            )
    return joined(told, language)


def verdict(selection: Selection, language: Language) -> list[str]:
    """The best setting, and whether it can be told from the default."""
    _, best, default = catalogue(language).gettext, selection.best, selection.default
    if not selection.study.results:
        return [_("No run has finished yet.")]
    interval = None if best is None else selection.interval(selection.objective, best)
    if best is None or interval is None:
        return []
    entry = quantity(selection.objective, language)
    if len(selection.study.settings) == 1:
        first = _("{setting}: {measure} {value}.")
    elif best == default:
        first = _("Best is the default: {setting} with {measure} {value}.")
    else:
        first = _("Best: {setting} with {measure} {value}.")
    value = entry.with_interval(interval)
    lines = [first.format(setting=setting_name(best, language), measure=entry.words, value=value)]
    if len(selection.study.settings) == 1 or best == default:
        return lines
    other = None if default is None else selection.interval(selection.objective, default)
    if default is None or other is None:
        return [*lines, _("The default was not measured.")]
    if not (interval.known and other.known):
        judged = _("There are no intervals with one seed: the difference may be chance.")
    elif interval.low <= other.high and other.low <= interval.high:
        judged = _("The two intervals overlap: the difference may be chance.")
    else:
        judged = _("The two intervals do not overlap.")
    reaches = _("The default ({setting}) has {value}.").format(
        setting=setting_name(default, language), value=entry.with_interval(other)
    )
    return [*lines, sentences(reaches, judged, language)]


def sentences(first: str, second: str, language: Language) -> str:
    """One after the other: not every language has a space between."""
    said = catalogue(language).pgettext("two sentences", "{first} {second}")
    return said.format(first=first, second=second)


# ------------------------------------------------------------ findings


def is_clear(finding: Finding) -> bool:
    """Whether it says of something that it differs."""
    return finding.clear or bool(finding.ends)


def first_findings(found: Iterable[Finding]) -> list[Finding]:
    """The most important ones, of several alike the first; where hardly anything differs, that is what matters."""
    kept: dict[tuple[str, str, str | None], Finding] = {}
    for finding in sorted(found, key=lambda finding: not is_clear(finding)):
        kept.setdefault((finding.kind, finding.parameter, finding.ability), finding)
    return list(kept.values())[:FIRST_FINDINGS]


def found_of(parameter: str, found: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """The findings of a parameter, and apart from them those that tell no difference."""
    mine = [finding for finding in found if finding.parameter == parameter]
    said = [finding for finding in mine if is_clear(finding) or finding.kind == "no_statement"]
    return said, [finding for finding in mine if finding not in said]


def sign_of(finding: Finding) -> tuple[str, bool | None]:
    """Of a finding "raises", "lowers", "best", "unable" or "level", and whether that is good; None: both."""
    good = {{"high": "raises", "low": "lowers"}.get(MEASURES[name].better or "") for name in finding.measures}
    shown = is_clear(finding) and finding.kind in ("raises", "lowers", "best", "unable")
    return finding.kind if shown else "level", None if len(good) > 1 else finding.kind in good
