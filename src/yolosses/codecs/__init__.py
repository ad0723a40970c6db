"""Codecs: between a network's raw output and boxes."""

from yolosses.codecs.anchor import AnchorCodec
from yolosses.codecs.class_scores import ClassScores
from yolosses.codecs.grid import GridCodec, GridOutput
from yolosses.codecs.levels import Levels
from yolosses.codecs.offset import OffsetCodec
from yolosses.codecs.point import PointCodec
from yolosses.codecs.v6 import YOLOv6Codec

__all__ = [
    "AnchorCodec",
    "ClassScores",
    "GridCodec",
    "GridOutput",
    "Levels",
    "OffsetCodec",
    "PointCodec",
    "YOLOv6Codec",
]
