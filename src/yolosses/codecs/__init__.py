"""Codecs: between a network's raw output and boxes."""

from yolosses.codecs.grid import GridCodec, GridOutput

__all__ = ["GridCodec", "GridOutput"]
