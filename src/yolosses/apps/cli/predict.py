"""``yolosses predict``: pictures with boxes, and a COCO-style json."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape

from yolosses.apps.cli.detectors import open_detector
from yolosses.apps.cli.evaluate import confident
from yolosses.apps.cli.requests import PredictRequest
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.say import say
from yolosses.boxes.formats import cxcywh_to_xywh, to_pixels
from yolosses.training.data import PICTURE_SUFFIXES, DataError, plain_geometry, read_picture, warp
from yolosses.training.detect import detect
from yolosses.training.evaluation import Detections
from yolosses.training.figures import Found, draw_detections
from yolosses.training.files import require_folder, write_figure, write_json

LEAST_SCORE = 0.25  # that is shown where no evaluation says a better one


def predict_pictures(request: PredictRequest) -> None:
    """Draw what the detector of a run finds. A picture that cannot be read is named, the others are done, and
    the command fails."""
    console = Console()
    detector = open_detector(request.run, request.device)
    settings = detector.settings
    best = LEAST_SCORE if detector.threshold is None else detector.threshold
    least = best if request.threshold is None else request.threshold
    files = _files(request.pictures)
    out = request.out or detector.results.path / "predictions"
    require_folder(out)
    result: dict[str, list[Any]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": index, "name": name} for index, name in enumerate(settings.class_names)],
    }
    unreadable = []
    for file, name in zip(files, _names(files), strict=True):
        try:
            picture = read_picture(file)
        except DataError as error:
            unreadable.append(str(error))
            continue
        geometry = plain_geometry(picture.shape[:2], settings.image_size, settings.fit)
        images = torch.from_numpy(warp(picture, geometry))[None]
        images = images.to(detector.device, memory_format=torch.channels_last)
        (found,) = detect(
            detector.model, detector.decoder, images, [geometry], iou_threshold=settings.nms_iou
        )
        found = confident(found, least)
        shown = Found(picture=picture, detections=found)
        write_figure(out / f"{name}.png", draw_detections(shown, settings.class_names))
        _append(result, file, picture, found)
        counts = ", ".join(
            f"{count} {settings.class_names[label]}"
            for label, count in zip(*np.unique(found.labels, return_counts=True), strict=True)
        )
        say(console, f"{escape(str(file))}: {escape(counts) or 'nothing'}")
    write_json(out / "predictions.json", result)
    say(console, f"{len(result['images'])} pictures and predictions.json are in [bold]{escape(str(out))}[/]")
    if unreadable:
        more = f" (and {len(unreadable) - 1} more unreadable)" if len(unreadable) > 1 else ""
        raise CommandError(unreadable[0] + more)


def _files(pictures: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in pictures:
        if path.is_dir():
            shown = (p for p in path.iterdir() if not p.name.startswith("."))
            inside = sorted(p for p in shown if p.suffix.lower() in PICTURE_SUFFIXES)
            if not inside:
                raise CommandError(f"{path}: expected pictures in this folder; there are none")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise CommandError(f"{path}: expected a picture or a folder of pictures; there is no such file")
    return files


def _names(files: list[Path]) -> list[str]:
    """A name for each result: the picture's, numbered where two are the same."""
    names: dict[str, None] = {}
    for file in files:
        numbered = (f"{file.stem}-{number}" for number in count(2))
        names[next(name for name in chain([file.stem], numbered) if name not in names)] = None
    return list(names)


def _append(result: dict[str, list[Any]], file: Path, picture: NDArray[np.uint8], found: Detections) -> None:
    height, width = picture.shape[:2]
    image_id = len(result["images"]) + 1
    result["images"].append({"id": image_id, "file_name": str(file), "width": width, "height": height})
    boxes = to_pixels(cxcywh_to_xywh(torch.from_numpy(found.boxes).double()), (height, width)).tolist()
    for box, score, label in zip(boxes, found.scores.tolist(), found.labels.tolist(), strict=True):
        result["annotations"].append(
            {
                "id": len(result["annotations"]) + 1,
                "image_id": image_id,
                "category_id": label,
                "bbox": [round(side, 2) for side in box],
                "score": round(score, 5),
            }
        )
