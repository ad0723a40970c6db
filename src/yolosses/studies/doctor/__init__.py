"""The doctor of data sets: what labels and pictures tell before any training."""

from yolosses.studies.doctor.evidence import BoxEvidence, ClassEvidence
from yolosses.studies.doctor.examine import examine
from yolosses.studies.doctor.structures import Duplicate, GridFit, Inspection, OddBox, Suspicion

__all__ = [
    "BoxEvidence",
    "ClassEvidence",
    "Duplicate",
    "GridFit",
    "Inspection",
    "OddBox",
    "Suspicion",
    "examine",
]
