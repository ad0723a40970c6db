"""From what a person asks to the settings of a run: defaults that depend on the loss and the data."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import yolosses
from yolosses.apps.runs.budget import require_budget, require_positive
from yolosses.apps.runs.build import build_loss, family, trained_weights
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.keywords import keywords, parse_options
from yolosses.apps.runs.request import TrainRequest
from yolosses.training.anchors import box_sizes, fit_anchors
from yolosses.training.data import DetectionDataset, Fit, usual_fit
from yolosses.training.models import Tiny
from yolosses.training.run import Option, Settings

SIZES = ("tiny", "small")  # of the networks that every loss trains with


def resolve(request: TrainRequest, train_set: DetectionDataset, eval_split: str) -> Settings:
    """Fill in the defaults that depend on other arguments. Raises `CommandError` naming the argument that
    does not fit."""
    require_budget(epochs=request.epochs, minutes=request.minutes)
    require_positive(learning_rate=request.learning_rate)
    require_batch(request.batch_size, train_set)
    _require_fitting(request)
    size, grid = _size_and_grid(request)
    fit = request.fit or usual_fit(train_set)
    decided = {
        "data": request.data if request.data == "digits" else str(Path(request.data).resolve()),
        "train_split": train_set.split,
        "eval_split": eval_split,
        "class_names": train_set.class_names,
        "image_size": (size, size),
        "grid": (grid, grid) if grid else None,
        "boxes_per_cell": (request.boxes_per_cell or 2) if grid else None,
        "loss_options": _loss_options(request, train_set, (size, size), fit),
        "fit": fit,
        "learning_rate": request.learning_rate or _usual_rate(request),
        "epochs": 100 if request.epochs is None and request.minutes is None else request.epochs,
        "version": yolosses.__version__,
        "nms_iou": family(request.loss).nms_iou,
        "mosaic": _mosaic(request),
    }
    asked = {f.name: getattr(request, f.name) for f in fields(Settings) if hasattr(request, f.name)}
    settings = Settings(**(asked | decided))
    try:
        build_loss(settings)
    except (ValueError, TypeError) as error:
        raise CommandError(f"--set: {error}") from error
    return settings


def _usual_rate(request: TrainRequest) -> float:
    """Chosen by rank over six small data sets: docs/en/how-to/small-data-set.md."""
    if request.optimizer != "adamw":
        return 0.005
    return 0.002 if request.loss == "v1" else 0.004


def _mosaic(request: TrainRequest) -> float:
    """The paper has no mosaics, and in the small pictures of one more objects share a cell of v1. The losses with
    several scales learn more from them."""
    digits = request.data == "digits"
    if digits and request.mosaic:
        raise CommandError("--mosaic: expected with pictures from files; digit scenes are random as they are")
    usual = 0.0 if digits or request.loss == "v1" else 1.0
    return usual if request.mosaic is None else request.mosaic


def _require_fitting(request: TrainRequest) -> None:
    """What belongs to the loss v1, and its networks, cannot be given for another loss."""
    if request.loss == "v1":
        return
    if request.model not in SIZES:
        raise CommandError(f"--model: expected tiny or small for --loss {request.loss}; got {request.model}")
    for option, value in (("--grid", request.grid), ("--boxes-per-cell", request.boxes_per_cell)):
        if value is not None:
            sides = ", ".join(map(str, family(request.loss).strides))
            raise CommandError(
                f"{option}: expected with --loss v1 only; {request.loss} has cells of {sides} pixels"
            )


def _loss_options(
    request: TrainRequest, train_set: DetectionDataset, image_size: tuple[int, int], fit: Fit
) -> dict[str, Option]:
    """Keywords of the loss: what is given, v1's two lambdas, weights and anchors that fit the data."""
    options = given_options(request, request.loss)
    if request.loss == "v1":
        return {"lambda_coord": 5.0, "lambda_noobj": 0.5, **options}
    kind, num_classes = family(request.loss), len(train_set.class_names)
    options = {**trained_weights(request.loss, num_classes=num_classes, image_size=image_size), **options}
    if kind.anchors and "anchors" not in options:
        count = kind.anchors * len(kind.strides)
        try:
            fitted = fit_anchors(box_sizes(train_set, image_size, fit), count)
        except ValueError as error:
            raise CommandError(
                f"--loss {request.loss}: {error}; give some with --set anchors=W,H,..."
            ) from error
        options["anchors"] = fitted.by_level(len(kind.strides))
    return options


def given_options(request: TrainRequest, loss: str) -> dict[str, Option]:
    """The keywords of the loss that the person wrote."""
    options = parse_options(request.options or (), loss)
    for name in ("lambda_coord", "lambda_noobj"):
        value = getattr(request, name)
        if value is not None:
            option, known = f"--{name.replace('_', '-')}", ", ".join(keywords(loss))
            if name not in keywords(loss):
                raise CommandError(
                    f"{option}: expected with a loss that has it; {loss} has {known} (--set NAME=VALUE)"
                )
            if name in options:
                raise CommandError(f"{option}, --set {name}: expected one of them; got both")
            options[name] = value
    return options


def _size_and_grid(request: TrainRequest) -> tuple[int, int | None]:
    """The side of the input, and of v1's grid (None for the losses that have levels)."""
    papers = request.model not in SIZES
    size = request.image_size or (448 if papers else 128 if request.data == "digits" else 320)
    step = 64 if papers else 32
    if size % step:
        raise CommandError(f"--image-size: expected a multiple of {step} for {request.model}; got {size}")
    if papers:
        return size, request.grid or 7
    if request.loss != "v1":
        return size, None
    grids = [size // stride for stride in Tiny.STRIDES]
    grid = request.grid or size // 16
    if grid not in grids:
        raise CommandError(
            f"--grid: expected {', '.join(map(str, grids))} for {request.model} with --image-size {size}; got {grid}"
        )
    return size, grid


def require_batch(batch_size: int, train_set: DetectionDataset) -> None:
    if batch_size > len(train_set):
        raise CommandError(
            f"--batch-size: expected at most {len(train_set)}, the pictures to learn from; got {batch_size}"
        )
