"""Losses and detectors as graphs that run without Python: ONNX, or programs of ``torch.export``."""

from yolosses.export.detector_file import DetectorFile, DetectorFileError, detector_bytes, read_detector
from yolosses.export.detector_graph import DetectorGraph, Suppression
from yolosses.export.graph import LossGraph
from yolosses.export.onnx_file import save_onnx

__all__ = [
    "DetectorFile",
    "DetectorFileError",
    "DetectorGraph",
    "LossGraph",
    "Suppression",
    "detector_bytes",
    "read_detector",
    "save_onnx",
]
