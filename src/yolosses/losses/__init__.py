"""The losses, one file a publication."""

from yolosses.losses.v1 import YOLOv1Loss
from yolosses.losses.v2 import YOLOv2Loss
from yolosses.losses.v3 import YOLOv3Loss
from yolosses.losses.v4 import YOLOv4Loss
from yolosses.losses.v5 import YOLOv5Loss
from yolosses.losses.v6 import YOLOv6Loss
from yolosses.losses.v7 import YOLOv7Loss
from yolosses.losses.v8 import YOLOv8Loss
from yolosses.losses.v10 import YOLOv10Loss, one_to_many_weight
from yolosses.losses.yolox import YOLOXLoss

__all__ = [
    "YOLOXLoss",
    "YOLOv1Loss",
    "YOLOv2Loss",
    "YOLOv3Loss",
    "YOLOv4Loss",
    "YOLOv5Loss",
    "YOLOv6Loss",
    "YOLOv7Loss",
    "YOLOv8Loss",
    "YOLOv10Loss",
    "one_to_many_weight",
]
