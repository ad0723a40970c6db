"""What flows through every loss: `Targets` in, `Assignment` and `Term` within, `LossOutput` out."""

from yolosses.structures.assignment import Assignment, Place, require_assignment
from yolosses.structures.output import LossOutput, Predictions
from yolosses.structures.target_forms import ImageSize
from yolosses.structures.targets import Targets, require_targets
from yolosses.structures.terms import Cost, Term, TermSum, by_image, weighted

__all__ = [
    "Assignment",
    "Cost",
    "ImageSize",
    "LossOutput",
    "Place",
    "Predictions",
    "Targets",
    "Term",
    "TermSum",
    "by_image",
    "require_assignment",
    "require_targets",
    "weighted",
]
