"""Numbers of a study as a person reads them, on the page and in the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from yolosses.apps.pages.page import Html
from yolosses.apps.pages.study_texts import Texts, texts
from yolosses.language import Language
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import (
    format_interval,
    format_value,
    level_name,
    measure_name,
    measure_note,
)
from yolosses.studies.ablation.statistics import Interval
from yolosses.studies.ablation.structures import Setting, StudyResults

NOTHING = "–"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """How a measure is written.

    Attributes:
        name: in `MEASURES`. words: for people, short. title: with its unit. note: what it is, a sentence.
        hint: which end is good, "" if none.
        factor: what axes multiply by: 100 for percentages.
    """

    name: str
    words: str
    title: str
    note: str
    hint: str
    factor: float
    language: Language

    @property
    def most(self) -> float:
        """That it can reach."""
        return 1.0 if self.factor == 100 else math.inf

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
        t = texts(self.language)
        return f"{self.with_interval(interval)}{t.comma}{counted(interval.count, t.runs)}"

    def with_interval(self, interval: Interval) -> str:
        """ "61.3 % [60.1, 62.5]"."""
        return format_interval(self.name, interval)


def quantity(name: str, language: Language) -> Quantity:
    """Of a measure in `MEASURES`."""
    t, measure = texts(language), MEASURES[name]
    percent = measure.percent
    words = t.short.get(name, measure_name(name, language))
    return Quantity(
        name=name,
        words=words,
        title=words + (t.in_percent if percent else ""),
        note=measure_note(name, language),
        hint="" if measure.better is None else t.hints[measure.better],
        factor=100.0 if percent else 1.0,
        language=language,
    )


def half_width(interval: Interval) -> float | None:
    """Half of the interval; None where a single seed gives none. Of an interval that ends at 0 or 1 because the measure
    does, the longer side.
    """
    return max(interval.high - interval.mean, interval.mean - interval.low) if interval.known else None


def edges(interval: Interval) -> tuple[float, float]:
    """What an interval bar spans: nothing where there is no interval."""
    return (interval.low, interval.high) if interval.known else (interval.mean, interval.mean)


def state_line(study: StudyResults, t: Texts) -> str:
    """How many runs are finished, running, failed."""
    counts = {"complete": len(study.results), **study.states}
    told = [
        f"{t.states.get(name, name)} {count}" for name, count in counts.items() if count or name == "complete"
    ]
    return t.state_line.format(states=t.comma.join(told))


def setting_name(setting: Setting, t: Texts) -> str:
    """ "lambda_coord = 5, lambda_noobj = 0.5"."""
    return t.comma.join(f"{name} = {level_name(level)}" for name, level in setting.items())


def note(words: str) -> Html:
    """A paragraph that stands back."""
    return Html(f'<p class="faint">{escape(words)}</p>')


def counted(count: int, forms: tuple[str, str]) -> str:
    """ "1 run", "2 runs": the two forms hold ``{count}``."""
    return forms[0 if count == 1 else 1].format(count=f"{count:,}")
