"""How measures hang together, which parameter matters for which, and what the runs of a few settings did."""

from __future__ import annotations

from html import escape

from yolosses.apps.pages.page import Html
from yolosses.apps.pages.study_bars import Bar, Part, keys, stacked_bars
from yolosses.apps.pages.study_errors import where
from yolosses.apps.pages.study_numbers import note, quantity, setting_name
from yolosses.apps.pages.study_plane import Path, Spot, trade_off
from yolosses.apps.pages.study_runs import FEW, calibration, calibration_chart, history, share_areas
from yolosses.apps.pages.study_scales import in_order, is_numeric
from yolosses.apps.pages.study_selection import Along, Selection
from yolosses.apps.pages.study_texts import texts
from yolosses.explain.pictures.captions import captions
from yolosses.language import Language
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import level_name
from yolosses.studies.ablation.structures import Level, Setting

TRADES = (("background_fp", "mean_iou"), ("empty_confidence", "covered"), ("recall", "precision"))
"""(to the right, upwards)."""

IMPORTANCE = (
    "map50", "map50_95", "precision", "recall", "mean_iou", "covered", "background_fp", "empty_confidence", "missed",
    "class_accuracy",
)  # fmt: skip


# ------------------------------------------------------------ one measure against another


def trade_offs(selection: Selection, language: Language) -> str:
    """Localisation against background, recall against precision."""
    t = texts(language)
    if len(selection.study.settings) < 2:
        return ""
    drawn = "".join(_trade_off(selection, x, y, language) for x, y in TRADES)
    told = note(t.trade_note_drawn if selection.drawn else t.trade_note)
    return f'{told}<div class="plots">{drawn}</div>' if drawn else ""


def _trade_off(selection: Selection, x: str, y: str, language: Language) -> str:
    t = texts(language)
    paths, shown = [], []
    for index, name in enumerate([] if selection.drawn else selection.compared):
        along = selection.along(name)
        ordered = [(level_name(level), along.settings[level]) for level in in_order(along.settings)]
        spots = [spot for each in ordered if (spot := _spot(selection, x, y, *each)) is not None]
        shown += list(along.settings.values())
        paths.append(Path(name=name, index=index, spots=spots, joined=is_numeric(list(along.settings))))
    if not paths:
        for index, (name, setting) in enumerate(((t.best, selection.best), (t.default, selection.default))):
            spot = None if setting is None else _spot(selection, x, y, name, setting)
            if spot is not None and setting is not None:
                shown.append(setting)
                paths.append(Path(name=name, index=index, spots=[spot], joined=False))
    if not any(path.spots for path in paths):
        return ""
    rest = [setting for setting in selection.study.settings if setting not in shown]
    others = [spot for s in rest if (spot := _spot(selection, x, y, setting_name(s, t), s)) is not None]
    across, upward = quantity(x, language), quantity(y, language)
    return trade_off(
        paths,
        others,
        x=across,
        y=upward,
        good=(_good(x), _good(y)),
        words=(t.better, t.default),
        alt=t.trade_alt.format(x=across.title, y=upward.title),
    )


def _spot(selection: Selection, x: str, y: str, name: str, setting: Setting) -> Spot | None:
    across, upward = selection.interval(x, setting), selection.interval(y, setting)
    if across is None or upward is None:
        return None
    defaults = selection.study.defaults
    is_default = all(defaults.get(parameter) == level for parameter, level in setting.items())
    return Spot(name=name, x=across, y=upward, is_default=is_default)


def _good(measure: str) -> int:
    return -1 if MEASURES[measure].better == "low" else 1


# ------------------------------------------------------------ which parameter matters


def importance(selection: Selection, language: Language) -> str:
    """A bar of shares for each measure."""
    t, names = texts(language), list(selection.study.parameters)
    if len(selection.compared) + len(selection.drawn) < 2:
        return ""
    fills = {name: index for index, name in enumerate(names)}
    bars = []
    for measure in IMPORTANCE:
        shares = selection.shares(measure)
        parts = [
            Part(
                key=name,
                value=share,
                told=f"{name} {100 * share:.0f} %",
                shown=f"{100 * share:.0f} %",
                fill=fills[name],
            )
            for name, share in (shares or {}).items()
        ]
        bars.append(
            Bar(name=quantity(measure, language).words, parts=parts, note="" if parts else t.no_importance)
        )
    if not any(bar.parts for bar in bars):
        return ""
    legend = keys({name: name for name in names}, fills)
    return f"{note(t.importance_note)}{legend}{stacked_bars(bars, longest=1.0, factor=100, unit=' %')}"


# ------------------------------------------------------------ runs


def runs(selection: Selection, language: Language) -> str:
    """Calibration and the course of the loss, of a few settings along each parameter."""
    t = texts(language)
    chosen = [] if selection.drawn else [selection.picked(name) for name in selection.compared]
    chosen = chosen or [_alone(selection, language)]
    rows = []
    for along in chosen:
        charts = _charts(along, selection, language)
        if charts:
            title = f"<code>{escape(along.parameter)}</code>" if along.parameter in selection.compared else ""
            above = f"<h3>{title}{where(along, t)}</h3>" if title else ""
            rows.append(f'{above}<div class="multiples">{charts}</div>')
    if not rows:
        return ""
    terms = _terms(selection)
    names = {term: captions(language).term(term, terms) for term in terms}
    legend = keys(names, {term: index for index, term in enumerate(terms)}) if terms else ""
    told = note(t.calibration_note.format(few=FEW)) + (note(t.history_note) + legend if terms else "")
    return told + "".join(rows)


def _terms(selection: Selection) -> list[str]:
    """Of the loss, in its order."""
    for result in selection.study.results:
        if result.history.get("terms"):
            return list(result.history["terms"])
    return []


def _alone(selection: Selection, language: Language) -> Along:
    """The best and the default setting, where there is no parameter to go along."""
    t = texts(language)
    settings: dict[Level, Setting] = {}
    if selection.best is not None:
        settings[t.best] = selection.best
    if selection.default is not None and selection.default != selection.best:
        settings[t.default] = selection.default
    return Along(parameter="", settings=settings, fixed={}, averaged=())


def _charts(along: Along, selection: Selection, language: Language) -> Html:
    t, name = texts(language), along.parameter
    default = selection.study.defaults.get(name)
    results = {level: selection.study.of(along.settings[level]) for level in in_order(along.settings)}
    found = {level: calibration(level_name(level), runs) for level, runs in results.items()}
    lines = [line for line in found.values() if line is not None]
    drawn = []
    if lines:
        drawn.append(
            calibration_chart(
                lines,
                default=None if default is None else level_name(default),
                titles=(t.score_and_iou, t.score, t.iou),
                exact=t.exact,
                alt=t.calibration_alt.format(parameter=name or t.setting),
            )
        )
    for level, of_level in results.items():
        course = history(of_level)
        if course is None:
            continue
        labels = {term: captions(language).term(term, course.terms) for term in course.terms}
        last = {term: f"{100 * shares[-1]:.0f} %" for term, shares in course.shares.items()}
        title = f"{name} = {level_name(level)}" if name else level_name(level)
        drawn.append(
            share_areas(
                course,
                labels={term: term for term in course.terms},
                told=labels,
                title=title + (f" ({t.default})" if name and level == default else ""),
                x_title=t.step,
                alt=t.history_alt.format(
                    steps=f"{course.steps[-1]:,.0f}",
                    shares=t.comma.join(f"{labels[term]} {share}" for term, share in last.items()),
                ),
            )
        )
    return Html("".join(drawn))
