"""``yolosses train`` and ``yolosses demo``: train, evaluate, draw."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markup import escape

import yolosses
from yolosses.apps.cli.build import build_device, build_loss, build_model, build_optimizer, build_schedule
from yolosses.apps.cli.choices import FitName, LossName, ModelName, OptimizerName, ScheduleName
from yolosses.apps.cli.evaluate import evaluate_and_show
from yolosses.apps.cli.failures import CommandError, Interrupted
from yolosses.apps.cli.interrupt import StopBetweenSteps
from yolosses.apps.cli.labels import open_split, report_problems
from yolosses.apps.cli.progress import TrainingDisplay
from yolosses.training.average import averaged
from yolosses.training.checkpoints import load_training, save_training, save_weights
from yolosses.training.data import Augmentation, Batches, DetectionDataset, splits_of
from yolosses.training.figures import plot_terms
from yolosses.training.loop import Budget, NonFiniteLossError, Training
from yolosses.training.models import Tiny
from yolosses.training.run import RunFolder, Settings, log_line
from yolosses.training.threads import ThreadChoice

SAVE_EVERY_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """The arguments of ``yolosses train`` as given; ``None`` where the default depends on others."""

    data: str
    loss: str = LossName.V1
    model: str = ModelName.TINY
    image_size: int | None = None
    grid: int | None = None
    boxes_per_cell: int = 2
    lambda_coord: float = 5.0
    lambda_noobj: float = 0.5
    epochs: int | None = None
    minutes: float | None = None
    batch_size: int = 8
    optimizer: str = OptimizerName.ADAMW
    learning_rate: float | None = None
    schedule: str = ScheduleName.COSINE
    fit: str = FitName.STRETCH
    train_split: str | None = None
    eval_split: str | None = None
    seed: int = 0
    out: Path | None = None
    resume: bool = False
    strict: bool = False
    device: str = "auto"


def train_run(request: TrainRequest, *, given: Collection[str] = ()) -> None:
    """Train as asked, or go on with a run. ``given``: the arguments that the person wrote, which a resumed
    run must agree with."""
    console = Console()
    device = build_device(request.device)
    if request.resume:
        if request.out is None:
            raise CommandError("--resume: expected --out with the folder of the run to go on with")
        folder = RunFolder(request.out)
        settings = _extended(folder.settings(), request, given)
        train_set = open_split(
            settings.data, settings.train_split, settings.class_names, strict=request.strict
        )
    else:
        train_split, eval_split = splits_for(request)
        train_set = open_split(request.data, train_split, None, strict=request.strict)
        settings = resolve(request, train_set, eval_split)
        folder = RunFolder(request.out or free_folder(f"{train_set.name}-{settings.loss}-{settings.model}"))
    eval_set = open_split(settings.data, settings.eval_split, settings.class_names, strict=request.strict)
    training = build_training(settings, train_set, device)
    if request.resume:
        load_training(folder.state_file, training)
    else:
        folder.create(settings)
    _introduce(console, folder, training, settings, train_set, eval_set)
    _train(console, folder, settings, training)
    save_weights(folder.weights_file, training.average.module.state_dict())
    rows = list(folder.log())
    plot_terms(rows, f"{train_set.name}: the five terms of the loss").savefig(folder.terms_picture, dpi=150)
    _report_losses(console, rows)
    evaluate_and_show(
        console, folder, settings, training.average.module, build_loss(settings), eval_set, device
    )


def resolve(request: TrainRequest, train_set: DetectionDataset, eval_split: str) -> Settings:
    """Fill in the defaults that depend on other arguments. Raises `CommandError` naming the argument that
    does not fit."""
    if request.epochs is not None and request.minutes is not None:
        raise CommandError("--epochs, --minutes: expected one of them; got both")
    if request.minutes is not None and not 0 < request.minutes < float("inf"):
        raise CommandError(f"--minutes: expected a number > 0; got {request.minutes:g}")
    if request.learning_rate is not None and not 0 < request.learning_rate < float("inf"):
        raise CommandError(f"--learning-rate: expected a number > 0; got {request.learning_rate:g}")
    if request.batch_size > len(train_set):
        raise CommandError(
            f"--batch-size: expected at most {len(train_set)}, the pictures to learn from; got {request.batch_size}"
        )
    size, grid = _size_and_grid(request)
    learning_rate = request.learning_rate or (0.002 if request.optimizer == OptimizerName.ADAMW else 0.005)
    return Settings(
        data=request.data if request.data == "digits" else str(Path(request.data).resolve()),
        train_split=train_set.split,
        eval_split=eval_split,
        class_names=train_set.class_names,
        loss=str(request.loss),
        model=str(request.model),
        image_size=(size, size),
        grid=(grid, grid),
        boxes_per_cell=request.boxes_per_cell,
        loss_options={"lambda_coord": request.lambda_coord, "lambda_noobj": request.lambda_noobj},
        fit="letterbox" if request.fit == FitName.LETTERBOX else "stretch",
        batch_size=request.batch_size,
        optimizer=str(request.optimizer),
        learning_rate=learning_rate,
        schedule=str(request.schedule),
        epochs=100 if request.epochs is None and request.minutes is None else request.epochs,
        minutes=request.minutes,
        seed=request.seed,
        version=yolosses.__version__,
    )


def free_folder(name: str) -> Path:
    """``runs/name``, or ``runs/name-2`` and so on if that is taken."""
    path, number = Path("runs") / name, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{name}-{number}"
    return path


def _size_and_grid(request: TrainRequest) -> tuple[int, int]:
    if request.model != ModelName.TINY:
        size = request.image_size or 448
        if size % 64:
            raise CommandError(f"--image-size: expected a multiple of 64 for {request.model}; got {size}")
        return size, request.grid or 7
    size = request.image_size or (128 if request.data == "digits" else 320)
    if size % 32:
        raise CommandError(f"--image-size: expected a multiple of 32 for {request.model}; got {size}")
    grids = {size // stride: stride for stride in Tiny.STRIDES}
    grid = request.grid or size // 16
    if grid not in grids:
        choices = ", ".join(map(str, grids))
        raise CommandError(
            f"--grid: expected {choices} for {request.model} with --image-size {size}; got {grid}"
        )
    return size, grid


def splits_for(request: TrainRequest) -> tuple[str, str]:
    """What to learn from and what to evaluate on, where the request leaves it open."""
    there = splits_of(request.data)
    train_split = request.train_split or "train"
    if request.eval_split is not None:
        return train_split, request.eval_split
    if there == ("train",):  # the data set has no other split, so one is held out of it
        return train_split, "val"
    others = [name for name in ("val", "test") if name in there and name != train_split]
    if not others:
        raise CommandError(
            f"--eval-split: expected one of {', '.join(there)}; {request.data} has neither val nor test"
        )
    return train_split, others[0]


def _extended(settings: Settings, request: TrainRequest, given: Collection[str]) -> Settings:
    """The stored settings, with a new budget if one is given. Any other argument must be as it was."""
    stored = {f.name: getattr(settings, f.name) for f in fields(Settings)}
    asked = {f.name: getattr(request, f.name) for f in fields(TrainRequest) if f.name in given}
    if "data" in asked and asked["data"] != "digits":
        asked["data"] = str(Path(asked["data"]).resolve())
    for name in ("image_size", "grid"):
        if name in asked:
            asked[name] = (asked[name], asked[name])
    for name, value in asked.items():
        before = stored[name] if name in stored else settings.loss_options.get(name, value)
        if name not in ("epochs", "minutes") and value != before:
            raise CommandError(
                f"--{name.replace('_', '-')}: expected {before} as in the run to resume; got {value}"
            )
    if "epochs" in asked or "minutes" in asked:
        stored |= {"epochs": asked.get("epochs"), "minutes": asked.get("minutes")}
    return Settings(**stored)


def build_training(settings: Settings, train_set: DetectionDataset, device: torch.device) -> Training:
    """A run at its beginning, everything random decided by the seed of the settings."""
    torch.manual_seed(settings.seed)
    model = build_model(settings).to(device)
    return Training(
        model=model,
        loss=build_loss(settings),
        batches=Batches(
            train_set,
            batch_size=settings.batch_size,
            image_size=settings.image_size,
            augmentation=None
            if settings.data == "digits"
            else Augmentation(),  # scenes are random as they are
            fit=settings.fit,
            shuffle=True,
            seed=settings.seed,
            drop_last=True,
            ahead=0 if device.type == "cpu" else 2,
        ),
        optimizer=build_optimizer(settings, model),
        average=averaged(model),
        schedule=build_schedule(settings),
        budget=Budget(epochs=settings.epochs, minutes=settings.minutes),
        device=device,
    )


def _introduce(
    console: Console,
    folder: RunFolder,
    training: Training,
    settings: Settings,
    train_set: DetectionDataset,
    eval_set: DetectionDataset,
) -> None:
    report_problems(console, [train_set, eval_set], folder.path / "problems.txt")
    parameters = sum(p.numel() for p in training.model.parameters()) / 1e6
    (height, width), (rows, cols) = settings.image_size, settings.grid
    classes = ", ".join(settings.class_names[:6]) + (", ..." if len(settings.class_names) > 6 else "")
    console.print(
        f"[bold]{train_set.name}[/]: {len(train_set)} pictures to learn from ({settings.train_split}), "
        f"{len(eval_set)} to evaluate on ({settings.eval_split}); {len(settings.class_names)} classes: {classes}",
        highlight=False,
    )
    console.print(
        f"[bold]{settings.model}[/], {parameters:.1f} million parameters, pictures of {width} x {height}, "
        f"{cols} x {rows} cells of {settings.boxes_per_cell} boxes, loss {settings.loss} with "
        f"{', '.join(f'{name} {value}' for name, value in settings.loss_options.items())}, on {training.device}",
        highlight=False,
    )
    if training.place.step:
        console.print(
            f"resumed after step {training.place.step}, {training.place.seconds / 60:.1f} minutes",
            highlight=False,
        )


def _report_losses(console: Console, rows: list[dict[str, Any]]) -> None:
    """Say how many objects took no part in training, and why."""
    answered, dropped, hidden = (
        sum(row[f"num_{kind}"] for row in rows) for kind in ("answered", "dropped", "hidden")
    )
    objects = max(answered + dropped + hidden, 1)
    if dropped:
        console.print(
            f"{dropped / objects:.1%} of the objects shared a cell with another and were left out; "
            "a finer --grid has fewer of them",
            highlight=False,
            soft_wrap=True,
        )
    if hidden:
        console.print(f"{hidden / objects:.1%} were cut away by the random crops", highlight=False)


def _train(console: Console, folder: RunFolder, settings: Settings, training: Training) -> None:
    saved = training.place.seconds
    log, display = folder.open_log(last_step=training.place.step), TrainingDisplay(console, training)
    choice = ThreadChoice() if training.device.type == "cpu" else None
    before = saved
    with log, display, StopBetweenSteps() as stop, _kept_for_replay(folder, settings):
        for record in training.steps():
            log.write(log_line(record))
            display.show(record)
            if choice is not None:
                choice.took(record.seconds - before)
                before = record.seconds
            if stop.asked:
                break
            if training.place.seconds - saved > SAVE_EVERY_SECONDS:
                save_training(folder.state_file, training)
                saved = training.place.seconds
    save_training(folder.state_file, training)
    if stop.asked:
        resume = f"yolosses train {settings.data} --out {folder.path} --resume"
        console.print(
            f"what was learnt is kept; go on with: {escape(resume)}", highlight=False, soft_wrap=True
        )
        raise Interrupted


@contextmanager
def _kept_for_replay(folder: RunFolder, settings: Settings) -> Iterator[None]:
    """Keep the batch that stops a run, and say how to look at it."""
    try:
        yield
    except NonFiniteLossError as error:
        torch.save(error.replay, folder.nonfinite_file)
        show = f"yolosses explain {folder.path} {settings.data} --replay {folder.nonfinite_file}"
        raise CommandError(f"{error}. The batch is kept; look at it with: {show}") from error
