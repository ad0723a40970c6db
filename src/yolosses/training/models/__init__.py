"""Networks to prove the losses with: two of the paper's, and small ones for CPUs."""

from yolosses.training.models.fast_yolo import FastYOLO
from yolosses.training.models.heads import STRIDES_TO_A_SIDE, Emission, distance_start
from yolosses.training.models.tiny import Small, Tiny
from yolosses.training.models.tiny_levels import SmallLevels, TinyLevels
from yolosses.training.models.yolov1 import YOLOv1

__all__ = [
    "STRIDES_TO_A_SIDE",
    "Emission",
    "FastYOLO",
    "Small",
    "SmallLevels",
    "Tiny",
    "TinyLevels",
    "YOLOv1",
    "distance_start",
]
