"""The measures of a study, in groups that each stand for an ability of a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yolosses.language import N_

Ability = Literal["score", "localisation", "background", "objects", "classes", "calibration", "tide", "top"]


@dataclass(frozen=True)
class Measure:
    """Attributes:
    name: in English, as it stands in a sentence or at the head of a column.
    better: which end of it is good: "high", "low", or None (a score threshold is neither).
    percent: shown as a percentage; otherwise as a number.
    """

    name: str
    ability: Ability
    better: Literal["high", "low"] | None
    percent: bool = True


MEASURES: dict[str, Measure] = {
    "map50": Measure(N_("mAP50"), "score", "high"),
    "map50_95": Measure(N_("mAP50:95"), "score", "high"),
    "voc07_map": Measure(N_("VOC07 mAP"), "score", "high"),
    "f1": Measure(N_("F1"), "score", "high"),
    "precision": Measure(N_("precision"), "score", "high"),
    "recall": Measure(N_("recall"), "score", "high"),
    "threshold": Measure(N_("score threshold"), "score", None, percent=False),
    "mean_iou": Measure(N_("mean IoU of true positives"), "localisation", "high"),
    "centre_error": Measure(N_("centre error"), "localisation", "low"),
    "size_error": Measure(N_("size error"), "localisation", "low"),
    "covered": Measure(N_("objects covered by some box"), "localisation", "high"),
    "background_fp": Measure(N_("background detections a picture"), "background", "low", percent=False),
    "background_fp_fixed": Measure(
        N_("background detections a picture at score 0.25"), "background", "low", percent=False
    ),
    "empty_confidence": Measure(N_("confidence in empty cells"), "background", "low"),
    "missed": Measure(N_("missed objects"), "objects", "low"),
    "recall_fixed": Measure(N_("recall at score 0.25"), "objects", "high"),
    "object_confidence": Measure(N_("confidence where an object is"), "objects", None),
    "class_accuracy": Measure(N_("class accuracy"), "classes", "high"),
    "calibration_error": Measure(N_("calibration error"), "calibration", "low"),
    "tide_classification": Measure(N_("cost of wrong classes"), "tide", "low"),
    "tide_localisation": Measure(N_("cost of bad boxes"), "tide", "low"),
    "tide_both": Measure(N_("cost of wrong classes with bad boxes"), "tide", "low"),
    "tide_duplicate": Measure(N_("cost of duplicates"), "tide", "low"),
    "tide_background": Measure(N_("cost of background detections"), "tide", "low"),
    "tide_missed": Measure(N_("cost of missed objects"), "tide", "low"),
    "top_correct": Measure(N_("top detections: correct"), "top", "high"),
    "top_localisation": Measure(N_("top detections: localisation"), "top", "low"),
    "top_similar": Measure(N_("top detections: similar class"), "top", "low"),
    "top_other": Measure(N_("top detections: other class"), "top", "low"),
    "top_background": Measure(N_("top detections: background"), "top", "low"),
}
"""By name. All are fractions or counts a picture. `yolosses.studies.ablation.sentences.measure_note` says what each is,
`yolosses.studies.errors` what ``tide_...`` and ``top_...`` are made of."""
