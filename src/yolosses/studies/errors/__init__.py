"""What a detector does wrong: TIDE's six kinds of error and what they cost, what its surest detections are, and which
classes it takes for which."""

from yolosses.studies.errors.confusion import Confusion, confusion
from yolosses.studies.errors.tide import TIDE_KINDS, TideErrors, TideKind, tide
from yolosses.studies.errors.top_detections import (
    PAPER_FAST_RCNN,
    PAPER_YOLO,
    TOP_KINDS,
    VOC_SIMILAR,
    TopDetections,
    TopKind,
    TopOfClass,
    top_detections,
)

__all__ = [
    "PAPER_FAST_RCNN",
    "PAPER_YOLO",
    "TIDE_KINDS",
    "TOP_KINDS",
    "VOC_SIMILAR",
    "Confusion",
    "TideErrors",
    "TideKind",
    "TopDetections",
    "TopKind",
    "TopOfClass",
    "confusion",
    "tide",
    "top_detections",
]
