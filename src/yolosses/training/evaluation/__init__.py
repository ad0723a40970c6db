"""How good a detector is: COCO mAP, VOC07 mAP, and the score threshold to use it with."""

from yolosses.training.evaluation.evaluate import evaluate
from yolosses.training.evaluation.metrics import ClassMetrics, Metrics, OperatingPoint, SizeMetrics
from yolosses.training.evaluation.structures import Detections

__all__ = ["ClassMetrics", "Detections", "Metrics", "OperatingPoint", "SizeMetrics", "evaluate"]
