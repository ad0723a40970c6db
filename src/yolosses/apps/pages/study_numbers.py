"""Numbers of a study as a person reads them, on the page and in the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from yolosses.apps.pages.study_texts import texts
from yolosses.explain.words import Language
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import MEASURE_NAMES, format_value
from yolosses.studies.ablation.statistics import Interval

NOTHING = "–"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """How a measure is written.

    Attributes:
        name: in `MEASURES`. title: for people, with its unit. hint: which end is good, "" if none.
        factor: what axes multiply by: 100 for percentages.
    """

    name: str
    title: str
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
        half = half_width(interval)
        return self.bare(interval.mean) + ("" if half is None else f" ±{self.bare(half)}")

    def told(self, interval: Interval) -> str:
        """Mean, interval and how many runs it is from."""
        t = texts(self.language)
        mean, low, high = (
            format_value(self.name, value) for value in (interval.mean, interval.low, interval.high)
        )
        runs = counted(interval.count, t.runs)
        if half_width(interval) is None:
            return f"{mean}{t.comma}{runs}"
        return t.interval.format(mean=mean, low=low, high=high, runs=runs)


def quantity(name: str, language: Language) -> Quantity:
    """Of a measure in `MEASURES`."""
    t, measure = texts(language), MEASURES[name]
    percent = measure.percent
    return Quantity(
        name=name,
        title=MEASURE_NAMES[language][name] + (t.in_percent if percent else ""),
        hint="" if measure.better is None else t.hints[measure.better],
        factor=100.0 if percent else 1.0,
        language=language,
    )


def half_width(interval: Interval) -> float | None:
    """Half of the interval; None where a single run gives none."""
    half = (interval.high - interval.low) / 2
    return half if interval.count > 1 and math.isfinite(half) else None


def edges(interval: Interval) -> tuple[float, float]:
    """What an interval bar spans: nothing where there is no interval."""
    return (interval.mean, interval.mean) if half_width(interval) is None else (interval.low, interval.high)


def counted(count: int, forms: tuple[str, str]) -> str:
    """ "1 run", "2 runs": the two forms hold ``{count}``."""
    return forms[0 if count == 1 else 1].format(count=f"{count:,}")
