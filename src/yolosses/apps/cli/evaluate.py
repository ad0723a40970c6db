"""``yolosses eval``, and the evaluation at the end of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.markup import escape
from torch import nn

from yolosses.apps.cli.build import build_device, load_detector
from yolosses.apps.cli.labels import open_split, report_problems
from yolosses.training.data import Batches, DetectionDataset
from yolosses.training.detect import Decoder, detect
from yolosses.training.evaluation import Detections, Metrics, evaluate
from yolosses.training.figures import contact_sheet, draw_detections
from yolosses.training.run import RunFolder, Settings, write_json

BATCH = 16
GALLERY = 12


def evaluate_run(run: Path, data: str | None, split: str | None, *, strict: bool, device: str) -> None:
    """Score the detector of a run, on its own data or others."""
    console = Console()
    folder, where = RunFolder(run), build_device(device)
    settings, model, loss = load_detector(folder, where)
    dataset = open_split(
        data or settings.data, split or settings.eval_split, settings.class_names, strict=strict
    )
    report_problems(console, [dataset], folder.path / f"problems-{dataset.split}.txt")
    evaluate_and_show(console, folder, settings, model, loss, dataset, where)


def evaluate_and_show(
    console: Console,
    folder: RunFolder,
    settings: Settings,
    model: nn.Module,
    decoder: Decoder,
    dataset: DetectionDataset,
    device: torch.device,
) -> Metrics:
    """Evaluate, print the table, write ``metrics.json`` and ``predictions.png``."""
    detections = detect_all(settings, model, decoder, dataset, device)
    metrics = evaluate(dataset, dataset.class_names, detections)
    write_json(folder.metrics_file, {"data": dataset.name, "split": dataset.split, **metrics.to_json()})
    threshold = metrics.best_f1.threshold if metrics.best_f1 else 1.0
    gallery(dataset, detections, threshold).save(folder.predictions_picture)
    console.print(metrics.table())
    console.print(f"everything is in [bold]{escape(str(folder.path))}[/]", highlight=False, soft_wrap=True)
    return metrics


def detect_all(
    settings: Settings, model: nn.Module, decoder: Decoder, dataset: DetectionDataset, device: torch.device
) -> list[Detections]:
    """Detections of every picture, in the order of the data set."""
    batches = Batches(dataset, batch_size=BATCH, image_size=settings.image_size, fit=settings.fit)
    model.eval()
    found: list[Detections] = []
    for batch in batches.epoch(0):
        images = batch.images.to(device, memory_format=torch.channels_last)
        found += detect(model, decoder, images, batch.geometries)
    return found


def gallery(dataset: DetectionDataset, detections: list[Detections], threshold: float) -> Image.Image:
    """Pictures evenly spread over the data set, with what was found there and what was there to find."""
    chosen = np.linspace(0, len(dataset) - 1, min(GALLERY, len(dataset))).round().astype(int).tolist()
    drawn = []
    for index in chosen:
        record, found = dataset.records[index], detections[index]
        drawn.append(
            draw_detections(
                dataset.picture(index),
                confident(found, threshold),
                dataset.class_names,
                truths=(record.boxes, record.labels),
                max_side=512,
            )
        )
    return contact_sheet(drawn, columns=4, captions=[dataset.records[index].name for index in chosen])


def confident(found: Detections, threshold: float) -> Detections:
    """The detections with at least this score."""
    keep = found.scores >= threshold
    return Detections(boxes=found.boxes[keep], scores=found.scores[keep], labels=found.labels[keep])
