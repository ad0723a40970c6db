"""``yolosses eval``, and the evaluation at the end of training."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console
from rich.table import Column, Table

from yolosses.apps.cli.detectors import Detector, open_detector
from yolosses.apps.cli.requests import EvaluateRequest
from yolosses.apps.pages.confusion_figure import confusion_figure
from yolosses.apps.pages.curves_figure import curves_figure
from yolosses.apps.pages.error_figure import error_figure, share_text
from yolosses.apps.pages.sizes_figure import sizes_figure
from yolosses.apps.runs.detections import score
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.labels import report_problems, report_unreadable
from yolosses.apps.runs.say import note, say_where
from yolosses.apps.runs.splits import open_for
from yolosses.studies.errors import (
    PAPER_FAST_RCNN,
    PAPER_YOLO,
    TIDE_KINDS,
    TOP_KINDS,
    TideErrors,
    TopDetections,
    confusion,
    tide,
    top_detections,
)
from yolosses.training.data import DetectionDataset
from yolosses.training.evaluation import Detections, Metrics
from yolosses.training.figures import Found, draw_sheet
from yolosses.training.files import require_folder, write_figure, write_json
from yolosses.training.fingerprint import changes_of_data
from yolosses.training.run import RunFolder

GALLERY = 12


def evaluate_run(request: EvaluateRequest) -> None:
    """Score the detector of a run, on its own data or others, and say what its errors are: `evaluate_and_show`, with
    the errors in ``metrics.json``, tables of them and ``errors.png``."""
    console = Console()
    detector = open_detector(request.run, request.device)
    folder, settings = detector.results, detector.settings
    if request.data is None and not settings.data:
        raise CommandError(
            f"DATA: expected with {request.run}, which does not say where the data of its run lie"
        )
    require_folder(folder.path)
    dataset = open_for(settings, data=request.data, split=request.split, strict=request.strict)
    report_problems(console, [dataset], folder.path / f"problems-{dataset.split}.txt")
    if request.data is None and not detector.is_file:
        for change in changes_of_data(folder.data_file, [dataset]):
            note(console, f"the data changed since the run was trained: {change}")
    metrics, errors, top = evaluate_with_errors(detector, dataset)
    console.print(metrics.table())
    console.print(Columns([costs_table(errors), top_table(top)], padding=(0, 6)))
    report_unreadable(console, [dataset])
    say_where(console, folder.path)


def evaluate_with_errors(
    detector: Detector, dataset: DetectionDataset
) -> tuple[Metrics, TideErrors, TopDetections]:
    """Evaluate, look for the errors, and write ``metrics.json``, ``predictions.png``, ``errors.png``, ``curves.png``,
    ``confusion.png`` and ``sizes.png``."""
    detections, metrics = score_of(detector, dataset)
    dataset = dataset.readable()
    errors = tide(dataset.records, dataset.class_names, detections)
    top = top_detections(dataset.records, dataset.class_names, detections)
    confused = confusion(dataset.records, dataset.class_names, detections, threshold=_threshold(metrics))
    name = f"{dataset.name}, {dataset.split}"
    figures = {
        "errors.png": error_figure(errors, top, title=f"{name}: what goes wrong"),
        "curves.png": curves_figure(metrics, title=name),
        "confusion.png": confusion_figure(confused, title=name),
        "sizes.png": sizes_figure(metrics, title=name),
    }
    for picture, figure in figures.items():
        write_figure(detector.results.path / picture, figure)
    more = {"errors": {"tide": errors.to_json(), "top": top.to_json()}, "confusion": confused.to_json()}
    _write(detector.results, dataset, detections, metrics, more)
    return metrics, errors, top


def evaluate_and_show(console: Console, detector: Detector, dataset: DetectionDataset) -> Metrics:
    """Evaluate, print the table, write ``metrics.json`` and ``predictions.png``."""
    detections, metrics = score_of(detector, dataset)
    _write(detector.results, dataset.readable(), detections, metrics, {})
    console.print(metrics.table())
    say_where(console, detector.results.path)
    return metrics


def score_of(detector: Detector, dataset: DetectionDataset) -> tuple[list[Detections], Metrics]:
    """What it finds in every readable picture, and what that is worth."""
    return score(detector.settings, detector.model, detector.decoder, dataset, detector.device)


def _write(
    folder: RunFolder,
    dataset: DetectionDataset,
    detections: list[Detections],
    metrics: Metrics,
    more: dict[str, Any],
) -> None:
    """``metrics.json``, with ``more`` at its end, and ``predictions.png``."""
    values = {"data": dataset.name, "split": dataset.split, **metrics.to_json(), **more}
    write_json(folder.metrics_file, values)
    write_figure(folder.predictions_picture, gallery(dataset, detections, _threshold(metrics)))


def _threshold(metrics: Metrics) -> float:
    """The score of the best F1; 1 where nothing was found."""
    return metrics.best_f1.threshold if metrics.best_f1 else 1.0


def costs_table(errors: TideErrors) -> Table:
    """A row for each of TIDE's kinds of error: how many there are, and what they cost."""
    table = _table("error", "count", "cost in mAP50", caption="cost: rise of mAP50 if mended (TIDE)")
    for kind in TIDE_KINDS:
        cost = errors.costs[kind]
        table.add_row(kind, f"{errors.counts[kind]:,}", "-" if cost is None else f"{cost:.3f}")
    return table


def top_table(top: TopDetections) -> Table:
    """The shares of the surest detections, beside those of the YOLO paper."""
    caption = "* on VOC 2007, from the YOLO paper, figure 4"
    table = _table("surest detections", "this run", "YOLO*", "Fast R-CNN*", caption=caption)
    for kind in TOP_KINDS:
        paper = (share_text(shares[kind], printed=True) for shares in (PAPER_YOLO, PAPER_FAST_RCNN))
        table.add_row(kind, share_text(top.shares[kind], printed=False), *paper)
    return table


def _table(first: str, *numbers: str, caption: str) -> Table:
    heads = (Column(head, justify="right") for head in numbers)
    return Table(first, *heads, box=SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")


def gallery(dataset: DetectionDataset, detections: list[Detections], threshold: float) -> Figure:
    """Pictures evenly spread over the data set, with what was found there and what was there to find."""
    chosen = np.linspace(0, len(dataset) - 1, min(GALLERY, len(dataset))).round().astype(int).tolist()
    cells = []
    for index in chosen:
        record, found = dataset.records[index], confident(detections[index], threshold)
        asked = ~record.ignore  # nobody misses an ignored region
        truths = record.boxes[asked], record.labels[asked]
        cells.append(Found(picture=dataset.picture(index), detections=found, name=record.name, truths=truths))
    return draw_sheet(cells, dataset.class_names)


def confident(found: Detections, threshold: float) -> Detections:
    """The detections with at least this score."""
    keep = found.scores >= threshold
    return Detections(boxes=found.boxes[keep], scores=found.scores[keep], labels=found.labels[keep])
