"""The losses, one file a publication."""

from yolosses.losses.v1 import YOLOv1Loss

__all__ = ["YOLOv1Loss"]
