"""Trained detectors as commands find them: the folder of a run, or a file that `yolosses export` wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from yolosses.apps.runs.build import build_device, build_loss, load_detector
from yolosses.apps.runs.failures import CommandError
from yolosses.training.data import DataError
from yolosses.training.detect import Decoder
from yolosses.training.exported import AsPredicted, open_exported
from yolosses.training.run import RunFolder, Settings

CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A detector that is ready to look at pictures on ``device``.

    Attributes:
        results: where its scores and pictures go: the folder of its run, or one beside its file.
        settings: those of its run. ``nms_iou`` is None where a file suppresses by itself.
        threshold: the score of the best F1; None if it was not evaluated.
        is_file: it was read from a file.
    """

    results: RunFolder
    settings: Settings
    model: nn.Module
    decoder: Decoder
    device: torch.device
    threshold: float | None = None
    is_file: bool = False


def open_detector(path: Path, device: str) -> Detector:
    """The detector of a run, or of a file; ``device`` as on the command line.

    Raises:
        DataError: ``path`` is neither.
        CommandError: there is no such device, or the file does not run on it.
    """
    if path.is_file():
        return _of_file(path, device)
    where, folder = build_device(device), RunFolder(path)
    settings, model, loss = load_detector(folder, where)
    threshold = best_threshold(folder)
    return Detector(
        results=folder, settings=settings, model=model, decoder=loss, device=where, threshold=threshold
    )


def _of_file(path: Path, device: str) -> Detector:
    if device not in ("auto", "cpu"):
        raise CommandError(f"--device: expected auto or cpu for a file of yolosses export; got {device}")
    exported = open_exported(path)
    settings = exported.settings
    return Detector(
        results=RunFolder(path.with_name(f"{path.name.replace('.', '-')}-results")),
        settings=replace(settings, nms_iou=None) if exported.output == "detections" else settings,
        model=exported.network,
        decoder=build_loss(settings) if exported.output == "raw" else AsPredicted(),
        threshold=exported.threshold,
        device=CPU,
        is_file=True,
    )


def best_threshold(folder: RunFolder) -> float | None:
    """The score of the best F1 in the run's evaluation; None if there is none."""
    if not folder.metrics_file.is_file():
        return None
    try:
        best = json.loads(folder.metrics_file.read_text("utf-8"))["best_f1"]
        return float(best["threshold"]) if best else None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder.metrics_file}: expected what yolosses eval wrote; {error!r}") from error
