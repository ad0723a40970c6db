"""The measures of a study, in groups that each stand for an ability of a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ability = Literal["score", "localisation", "background", "objects", "classes", "calibration", "tide", "top"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Attributes:
    better: which end of it is good: "high", "low", or None (a score threshold is neither).
    percent: shown as a percentage; otherwise as a number.
    """

    name: str
    ability: Ability
    better: Literal["high", "low"] | None
    percent: bool = True


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(name="map50", ability="score", better="high"),
        Measure(name="map50_95", ability="score", better="high"),
        Measure(name="voc07_map", ability="score", better="high"),
        Measure(name="f1", ability="score", better="high"),
        Measure(name="precision", ability="score", better="high"),
        Measure(name="recall", ability="score", better="high"),
        Measure(name="threshold", ability="score", better=None, percent=False),
        Measure(name="mean_iou", ability="localisation", better="high"),
        Measure(name="centre_error", ability="localisation", better="low"),
        Measure(name="size_error", ability="localisation", better="low"),
        Measure(name="covered", ability="localisation", better="high"),
        Measure(name="background_fp", ability="background", better="low", percent=False),
        Measure(name="background_fp_fixed", ability="background", better="low", percent=False),
        Measure(name="empty_confidence", ability="background", better="low"),
        Measure(name="missed", ability="objects", better="low"),
        Measure(name="recall_fixed", ability="objects", better="high"),
        Measure(name="object_confidence", ability="objects", better=None),
        Measure(name="class_accuracy", ability="classes", better="high"),
        Measure(name="calibration_error", ability="calibration", better="low"),
        *(
            Measure(name=f"tide_{kind}", ability="tide", better="low")
            for kind in ("classification", "localisation", "both", "duplicate", "background", "missed")
        ),
        *(
            Measure(name=f"top_{kind}", ability="top", better="high" if kind == "correct" else "low")
            for kind in ("correct", "localisation", "similar", "other", "background")
        ),
    )
}
"""By name. All are fractions or counts a picture. `yolosses.studies.ablation.sentences.measure_note` says what each is,
`yolosses.studies.errors` what ``tide_...`` and ``top_...`` are made of."""
