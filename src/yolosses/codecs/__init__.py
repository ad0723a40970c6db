"""Codecs: between a network's raw output and boxes."""

from yolosses.codecs.anchor import AnchorCodec
from yolosses.codecs.grid import GridCodec, GridOutput
from yolosses.codecs.levels import Levels
from yolosses.codecs.point import PointCodec

__all__ = ["AnchorCodec", "GridCodec", "GridOutput", "Levels", "PointCodec"]
