"""``yolosses export``: a trained detector as one file, which is compared with torch before it is kept."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from torch import Tensor

from yolosses.apps.cli.detectors import CPU, best_threshold
from yolosses.apps.cli.requests import ExportRequest
from yolosses.apps.runs.build import load_detector
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.say import say
from yolosses.apps.runs.splits import open_for
from yolosses.export.agreement import Agreement, agreement
from yolosses.export.detector_file import DetectorFileError, detector_bytes, read_detector
from yolosses.export.detector_graph import DetectorGraph, Suppression
from yolosses.training.data import DataError, plain_geometry, read_picture, warp
from yolosses.training.detect import CANDIDATES, SCORE_THRESHOLD
from yolosses.training.exported import describe
from yolosses.training.files import require_folder, whole_file
from yolosses.training.run import RunFolder, Settings

SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}
NEEDED = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "torch": ()}
PICTURES = 2  # that the file is compared on
TOLERANCE = 1e-4
MOST_UNPAIRED = 0.05  # of the detections: those of an untrained network have almost equal scores


def export_run(request: ExportRequest) -> None:
    """Write the detector of a run. A file that does not return what torch returns is not kept."""
    console = Console()
    for module in NEEDED[request.file_format]:
        import_module(module)  # better now than after the work
    folder = RunFolder(request.run)
    settings, model, loss = load_detector(folder, CPU)
    model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    images, seen = _images(settings, request.picture)
    path = request.out or folder.path / f"model{SUFFIXES[request.file_format]}"
    require_folder(path.parent)
    suppression = Suppression(SCORE_THRESHOLD, settings.nms_iou, CANDIDATES)
    graph = DetectorGraph(model, loss, images, output=request.output, suppression=suppression)
    description = describe(
        settings, output=request.output, structure=graph.structure, suppression=suppression._asdict(),
        threshold=best_threshold(folder),
    )  # fmt: skip
    content = detector_bytes(graph, request.file_format, description)
    with whole_file(path) as file:
        file.write(content)
        file.flush()
        found = compare(graph, Path(file.name), images)
        _require_agreement(found, path)
    say(
        console,
        f"[bold]{escape(str(path))}[/]: {len(content) / 1e6:.1f} MB, any number of images, "
        f"returns {', '.join(graph.outputs)}",
    )
    say(console, f"compared with torch on {escape(seen)}: {_in_words(found)}")


def compare(graph: DetectorGraph, path: Path, images: Tensor) -> list[Agreement]:
    """What the file returns beside what ``graph`` returns: for all images at once, and for the first alone."""
    try:
        file = read_detector(path)
        runs = []
        for part in (images, images[:1]):
            with torch.no_grad():
                wanted = graph(part)
            runs.append(agreement(graph, wanted, file.run(part)))
    except DetectorFileError:
        raise
    except Exception as error:
        raise DetectorFileError(f"{path}: it does not run; {str(error).splitlines()[0]}") from error
    return runs


def _require_agreement(found: list[Agreement], path: Path) -> None:
    for run in found:
        differs = {name: value for name, value in run.largest.items() if not value <= TOLERANCE}
        if differs or run.unpaired > 1 + MOST_UNPAIRED * run.values:
            raise CommandError(
                f"{path}: expected what torch returns, within {TOLERANCE:g}; it was not kept, because it differs: "
                f"{_in_words([run])}"
            )


def _in_words(found: list[Agreement]) -> str:
    parts = [
        f"{name} differ by at most {np.max([run.largest[name] for run in found]):.1e}"
        for name in found[0].largest
    ]
    unpaired = sum(run.unpaired for run in found)
    if unpaired:
        parts.append(f"{unpaired} of {sum(run.values for run in found)} detections are in one of them only")
    return ", ".join(parts)


def _images(settings: Settings, picture: Path | None) -> tuple[Tensor, str]:
    """(B, 3, H, W) to compare on, and what they are: the picture, those of the run's evaluation, or noise where they
    are gone."""
    if picture is not None:
        return _as_input(read_picture(picture), settings)[None].repeat(PICTURES, 1, 1, 1), str(picture)
    try:
        dataset = open_for(settings)
        images = [_as_input(dataset.picture(index), settings) for index in range(min(PICTURES, len(dataset)))]
    except DataError:
        generator = torch.Generator().manual_seed(0)
        return torch.rand(PICTURES, 3, *settings.image_size, generator=generator), "noise (the data are gone)"
    return torch.stack(images), f"{len(images)} pictures of {settings.eval_split}"


def _as_input(picture: NDArray[np.uint8], settings: Settings) -> Tensor:
    return torch.from_numpy(
        warp(picture, plain_geometry(picture.shape[:2], settings.image_size, settings.fit))
    )
