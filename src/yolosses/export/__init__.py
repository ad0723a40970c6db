"""Losses as graphs that run without Python: ONNX, with the gradient inside and the lambdas as inputs."""

from yolosses.export.graph import LossGraph
from yolosses.export.onnx_file import save_onnx

__all__ = ["LossGraph", "save_onnx"]
