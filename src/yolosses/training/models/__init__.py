"""Networks to prove the losses with: two of the paper's, and a small one for CPUs."""

from yolosses.training.models.fast_yolo import FastYOLO
from yolosses.training.models.tiny import Tiny
from yolosses.training.models.yolov1 import YOLOv1

__all__ = ["FastYOLO", "Tiny", "YOLOv1"]
