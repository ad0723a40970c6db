"""The losses, one file a publication."""

from yolosses.losses.v1 import YOLOv1Loss
from yolosses.losses.v8 import YOLOv8Loss

__all__ = ["YOLOv1Loss", "YOLOv8Loss"]
