"""Detectors from files that `yolosses export` wrote, in the place of a network and its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from yolosses.export.detector_file import DetectorFile, DetectorFileError, read_detector
from yolosses.export.detector_graph import OUTPUTS
from yolosses.structures import Predictions
from yolosses.training.data import DataError
from yolosses.training.run import Settings
from yolosses.training.typed_json import first_fault


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A detector from a file.

    Attributes:
        settings: those of the run it comes from. Where its data lie is not in the file.
        output: what it returns, see `yolosses.export.DetectorGraph`.
        threshold: the score of the run's best F1, if the run was evaluated.
        network: takes images and returns the raw output, or `Predictions` where the file decodes.
    """

    settings: Settings
    output: str
    threshold: float | None
    network: nn.Module


class AsPredicted:
    """Reads the output of a network that decodes by itself."""

    def decode(self, raw: Predictions) -> Predictions:
        return raw


def describe(
    settings: Settings, *, output: str, structure: Any, suppression: dict[str, Any], threshold: float | None
) -> dict[str, Any]:
    """What a file says of its detector, as values that json knows. The path of the data stays out of it."""
    data = settings.data if settings.data == "digits" else ""
    return {
        "version": settings.version,
        "output": output,
        "images": "(B, 3, height, width), float32, RGB in 0..1",
        "boxes": "cxcywh, fractions of the image that the network sees",
        "class_names": list(settings.class_names),
        "image_size": list(settings.image_size),
        "fit": settings.fit,
        "threshold": threshold,
        "suppression": suppression,
        "structure": structure,
        "settings": {**asdict(settings), "data": data},
    }


def open_exported(path: Path) -> Exported:
    """Read a detector from a file.

    Raises:
        DataError: naming ``path``, where it is something else.
    """
    try:
        file = read_detector(path)
    except DetectorFileError as error:
        raise DataError(str(error)) from error
    said = file.description
    try:
        if said["output"] not in OUTPUTS:
            raise ValueError(f"output {said['output']!r}")
        return Exported(
            settings=TypeAdapter(Settings).validate_python(said["settings"]),
            output=said["output"],
            threshold=said["threshold"],
            network=_Network(file, path),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"settings.{first_fault(error)}" if isinstance(error, ValidationError) else repr(error)
        raise DataError(
            f"{path}: expected a detector that yolosses export wrote; its description is another, {reason}"
        ) from error


class _Network(nn.Module):
    """A file as a network."""

    def __init__(self, file: DetectorFile, path: Path) -> None:
        super().__init__()
        self.file, self.path = file, path
        self.output, self.structure = file.description["output"], file.description["structure"]
        self.num_classes = len(file.description["class_names"])

    def forward(self, images: Tensor) -> Any:
        """Images (B, 3, H, W) -> the raw output, or `Predictions`."""
        try:
            outputs = self.file.run(images)
        except Exception as error:
            raise DataError(f"{self.path}: it does not run; {str(error).splitlines()[0]}") from error
        match self.output:
            case "raw":
                return _arranged(self.structure, outputs)
            case "boxes":
                return Predictions(*outputs)
            case _:
                return _one_class_each(*outputs, num_classes=self.num_classes)


def _arranged(structure: Any, tensors: Sequence[Tensor]) -> Any:
    """The tensors in the lists and dicts in which a network returns them."""
    if isinstance(structure, int):
        return tensors[structure]
    if isinstance(structure, dict):
        return {name: _arranged(part, tensors) for name, part in structure.items()}
    return [_arranged(part, tensors) for part in structure]


def _one_class_each(
    boxes: Tensor, scores: Tensor, labels: Tensor, count: Tensor, *, num_classes: int
) -> Predictions:
    """Detections as predictions of one class each; what only fills up the tensors has the score 0."""
    there = torch.arange(scores.shape[1]) < count[:, None]
    by_class = F.one_hot(labels, num_classes) * torch.where(there, scores, 0)[..., None]
    return Predictions(boxes, by_class)
