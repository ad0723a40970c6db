"""How measures of a study hang together, which parameter matters for which, and what the runs of a few settings did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yolosses.apps.pages.charts.bars import Bar, Bars, Part
from yolosses.apps.pages.charts.calibration import Calibration, CalibrationChart
from yolosses.apps.pages.charts.plane import Path, Plane, Spot
from yolosses.apps.pages.charts.shares import ShareChart
from yolosses.apps.pages.views.study_numbers import quantity, setting_name
from yolosses.apps.pages.views.study_selection import Along, Selection, in_order
from yolosses.explain.terms import term_name
from yolosses.language import Language, catalogue, joined
from yolosses.studies.ablation.abilities import PARTS
from yolosses.studies.ablation.findings import is_ordered
from yolosses.studies.ablation.sentences import level_name
from yolosses.studies.ablation.structures import Result, Setting
from yolosses.studies.term_history import TermHistory, mean_history

TRADES = (("background_fp", "mean_iou"), ("empty_confidence", "covered"), ("recall", "precision"))
"""(to the right, upwards)."""

IMPORTANCE = (
    "map50", "map50_95", "precision", "recall", "mean_iou", "covered", "background_fp", "empty_confidence", "missed",
    "class_accuracy",
)  # fmt: skip


# ------------------------------------------------------------ one measure against another


def trade_offs(selection: Selection, language: Language) -> list[Plane]:
    """Localisation against background, recall against precision."""
    if len(selection.study.settings) < 2:
        return []
    planes = (_trade_off(selection, x, y, language) for x, y in TRADES)
    return [plane for plane in planes if plane is not None]


def _trade_off(selection: Selection, x: str, y: str, language: Language) -> Plane | None:
    _ = catalogue(language).gettext
    paths, shown = [], []
    for index, name in enumerate([] if selection.drawn else selection.compared):
        along = selection.along(name)
        spots = [spot for each in along.named if (spot := _spot(selection, x, y, *each)) is not None]
        shown += list(along.settings.values())
        paths.append(Path(name=name, index=index, spots=spots, joined=is_ordered(list(along.settings))))
    if not paths:
        for index, (name, setting) in enumerate(
            ((_("best"), selection.best), (_("default"), selection.default))
        ):
            spot = None if setting is None else _spot(selection, x, y, name, setting)
            if spot is not None and setting is not None:
                shown.append(setting)
                paths.append(Path(name=name, index=index, spots=[spot], joined=False))
    if not any(path.spots for path in paths):
        return None
    rest = [setting for setting in selection.study.settings if setting not in shown]
    others = [
        spot for s in rest if (spot := _spot(selection, x, y, setting_name(s, language), s)) is not None
    ]
    return Plane(paths=paths, others=others, x=quantity(x, language), y=quantity(y, language))


def _spot(selection: Selection, x: str, y: str, name: str, setting: Setting) -> Spot | None:
    across, upward = selection.interval(x, setting), selection.interval(y, setting)
    if across is None or upward is None:
        return None
    return Spot(name=name, x=across, y=upward, is_default=selection.is_default(setting))


# ------------------------------------------------------------ which parameter matters


def importance(selection: Selection, language: Language) -> Bars | None:
    """A bar of shares for each measure; None where they cannot be told."""
    if len(selection.compared) + len(selection.drawn) < 2:
        return None
    fills = {name: index for index, name in enumerate(selection.study.parameters)}
    bars = []
    for measure in IMPORTANCE:
        parts = []
        for name, share in (selection.shares(measure) or {}).items():
            shown = f"{100 * share:.0f} %"
            parts.append(Part(key=name, value=share, told=f"{name} {shown}", shown=shown, fill=fills[name]))
        note = "" if parts else catalogue(language).gettext("no more than chance")
        bars.append(Bar(name=quantity(measure, language).words, parts=parts, note=note))
    return Bars(bars=bars, longest=1.0) if any(bar.parts for bar in bars) else None


# ------------------------------------------------------------ runs


def runs(selection: Selection, language: Language) -> list[tuple[Along, list[CalibrationChart | ShareChart]]]:
    """Calibration and the course of the loss, of a few settings along each parameter."""
    _ = catalogue(language).gettext
    chosen = [] if selection.drawn else [selection.picked(name) for name in selection.compared]
    chosen = chosen or [selection.outstanding(_("best"), _("default"))]
    shown = [(along, _charts(along, selection, language)) for along in chosen]
    return [(along, charts) for along, charts in shown if charts]


def term_names(selection: Selection, language: Language) -> dict[str, str]:
    """Of the loss, in its order."""
    for result in selection.study.results:
        if result.history.get("terms"):
            terms = list(result.history["terms"])
            return {term: term_name(term, terms, language=language) for term in terms}
    return {}


def _charts(along: Along, selection: Selection, language: Language) -> list[CalibrationChart | ShareChart]:
    _, name = catalogue(language).gettext, along.parameter
    default = selection.study.defaults.get(name)
    results = {level: selection.study.of(along.settings[level]) for level in in_order(along.settings)}
    lines = [line for level, runs in results.items() if (line := calibration(level_name(level), runs))]
    charts: list[CalibrationChart | ShareChart] = []
    if lines:
        named = None if default is None else level_name(default)
        charts.append(CalibrationChart(lines=lines, default=named, parameter=name, language=language))
    for level, of_level in results.items():
        course = mean_history([result.history for result in of_level])
        if course is not None:
            title = f"{name} = {level_name(level)}" if name else level_name(level)
            if name and level == default:
                title = _("{setting} (default)").format(setting=title)
            charts.append(_shares(course, title, language))
    return charts


def _shares(course: TermHistory, title: str, language: Language) -> ShareChart:
    _ = catalogue(language).gettext
    told = {term: term_name(term, course.terms, language=language) for term in course.terms}
    last = (f"{told[term]} {100 * shares[-1]:.0f} %" for term, shares in course.shares.items())
    return ShareChart(
        history=course,
        told=told,
        title=title,
        x_title=_("optimiser step"),
        alt=_("Shares of the loss terms over {steps} steps; at the end {shares}").format(
            steps=f"{course.steps[-1]:,.0f}", shares=joined(last, language)
        ),
    )


def calibration(name: str, results: Sequence[Result]) -> Calibration | None:
    """Over the runs of a setting, weighted by the number of detections; None without any."""
    kept = [result.calibration for result in results if result.calibration.get("count")]
    score, iou, count = (np.array([v for run in kept for v in run[key]]) for key in ("score", "iou", "count"))
    part = np.clip((score * PARTS).astype(int), 0, PARTS - 1)
    totals = np.bincount(part, count, PARTS)
    there = totals > 0
    if not there.any():
        return None
    scores, ious = (
        np.bincount(part, values * count, PARTS)[there] / totals[there] for values in (score, iou)
    )
    counts = tuple(map(round, totals[there].tolist()))
    return Calibration(name=name, score=tuple(scores.tolist()), iou=tuple(ious.tolist()), count=counts)
