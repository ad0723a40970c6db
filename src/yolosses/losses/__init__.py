"""The losses, one file a publication."""

from yolosses.losses.v1 import YOLOv1Loss
from yolosses.losses.v5 import YOLOv5Loss
from yolosses.losses.v8 import YOLOv8Loss
from yolosses.losses.v10 import YOLOv10Loss

__all__ = ["YOLOv1Loss", "YOLOv5Loss", "YOLOv8Loss", "YOLOv10Loss"]
