"""Numbers of a study as a person reads them, on the page and in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from yolosses.language import N_, Language, catalogue, joined
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import (
    format_interval,
    format_value,
    level_name,
    measure_name,
)
from yolosses.studies.ablation.statistics import Interval
from yolosses.studies.ablation.structures import Setting, StudyResults

NOTHING = "–"

MAIN = ("map50", "map50_95", "precision", "recall", "mean_iou", "covered", "background_fp", "missed")
"""Measures of the main table, on the page and in the terminal."""

_HINTS = {"high": N_("higher is better"), "low": N_("lower is better")}
_STATES = {
    "complete": N_("finished"),
    "running": N_("running"),
    "waiting": N_("waiting"),
    "fail": N_("failed"),
    "pruned": N_("pruned"),
}
_SHORT = {
    "mean_iou": N_("mean IoU"),
    "covered": N_("covered objects"),
    "background_fp": N_("background a picture"),
    "background_fp_fixed": N_("background at score 0.25"),
    "empty_confidence": N_("confidence in empty cells"),
    "object_confidence": N_("confidence at objects"),
}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """How a measure is written.

    Attributes:
        name: in `MEASURES`. words: for people, short. title: with its unit.
        hint: which end is good, "" if none.
        factor: what axes multiply by: 100 for percentages.
    """

    name: str
    words: str
    title: str
    hint: str
    factor: float
    language: Language

    @property
    def most(self) -> float:
        """That it can reach."""
        return 1.0 if self.factor == 100 else math.inf

    @property
    def lower_is_better(self) -> bool:
        """Else higher is, or neither."""
        return MEASURES[self.name].better == "low"

    def bare(self, value: float) -> str:
        """Without the unit, which is in the title."""
        return format_value(self.name, value).removesuffix(" %")

    def plus_minus(self, interval: Interval | None) -> str:
        """Mean and half-width: "61.3 ±1.2"."""
        if interval is None:
            return NOTHING
        half = self.half(interval)
        return self.bare(interval.mean) + (f" ±{half}" if half else "")

    def half(self, interval: Interval) -> str:
        """Half of the interval, with as many decimals as the mean; "" where there is none."""
        half = half_width(interval)
        decimals = len(self.bare(interval.mean).partition(".")[2])
        return "" if half is None else f"{self.factor * half:.{decimals}f}"

    def told(self, interval: Interval) -> str:
        """Mean, interval and how many runs it is from."""
        runs = counted_runs(interval.count, self.language)
        return joined([self.with_interval(interval), runs], self.language)

    def with_interval(self, interval: Interval) -> str:
        """ "61.3 % [60.1, 62.5]"."""
        return format_interval(self.name, interval)


def quantity(name: str, language: Language) -> Quantity:
    """Of a measure in `MEASURES`."""
    _, measure = catalogue(language).gettext, MEASURES[name]
    if name.startswith(("tide_", "top_")):
        words = error_names(language)[name]
    else:
        words = _(_SHORT[name]) if name in _SHORT else measure_name(name, language)
    return Quantity(
        name=name,
        words=words,
        title=_("{measure} (%)").format(measure=words) if measure.percent else words,
        hint="" if measure.better is None else _(_HINTS[measure.better]),
        factor=100.0 if measure.percent else 1.0,
        language=language,
    )


def error_names(language: Language) -> dict[str, str]:
    """Of the kinds of errors: what TIDE tells apart, and what top detections are."""
    words = catalogue(language)
    return {
        "tide_classification": words.pgettext("cost of errors", "class"),
        "tide_localisation": words.pgettext("cost of errors", "localisation"),
        "tide_both": words.pgettext("cost of errors", "class and localisation"),
        "tide_duplicate": words.pgettext("cost of errors", "duplicate"),
        "tide_background": words.pgettext("cost of errors", "background"),
        "tide_missed": words.pgettext("cost of errors", "missed object"),
        "top_correct": words.pgettext("top detections", "correct"),
        "top_localisation": words.pgettext("top detections", "localisation"),
        "top_similar": words.pgettext("top detections", "similar class"),
        "top_other": words.pgettext("top detections", "other class"),
        "top_background": words.pgettext("top detections", "background"),
    }


def half_width(interval: Interval) -> float | None:
    """Half of the interval; None where a single seed gives none. Of an interval that ends at 0 or 1 because the measure
    does, the longer side.
    """
    return max(interval.high - interval.mean, interval.mean - interval.low) if interval.known else None


def edges(interval: Interval) -> tuple[float, float]:
    """What an interval bar spans: nothing where there is no interval."""
    return (interval.low, interval.high) if interval.known else (interval.mean, interval.mean)


def state_line(study: StudyResults, language: Language) -> str:
    """How many runs are finished, running, failed."""
    _ = catalogue(language).gettext
    counts = {"complete": len(study.results), **study.states}
    told = [
        f"{_(_STATES.get(name, name))} {count}"
        for name, count in counts.items()
        if count or name == "complete"
    ]
    return _("Trials: {states}.").format(states=joined(told, language))


def setting_name(setting: Setting, language: Language) -> str:
    """ "lambda_coord = 5, lambda_noobj = 0.5"."""
    return joined((f"{name} = {level_name(level)}" for name, level in setting.items()), language)


def listed(names: Iterable[str], language: Language) -> str:
    """Names with what stands between names."""
    return catalogue(language).pgettext("between names", ", ").join(names)


def counted_runs(count: int, language: Language) -> str:
    """ "1 run", "2 runs"."""
    return catalogue(language).ngettext("{count} run", "{count} runs", count).format(count=f"{count:,}")
