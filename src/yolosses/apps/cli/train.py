"""``yolosses train`` and ``yolosses demo``: train, evaluate, draw."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.markup import escape

import yolosses
from yolosses.apps.cli.build import (
    build_device,
    build_loss,
    build_model,
    build_optimizer,
    build_schedule,
    course_of,
    family,
    trained_weights,
)
from yolosses.apps.cli.choices import FitName, LossName, ModelName, OptimizerName, PrecisionName, ScheduleName
from yolosses.apps.cli.evaluate import evaluate_and_show
from yolosses.apps.cli.failures import CommandError, Interrupted
from yolosses.apps.cli.interrupt import StopBetweenSteps
from yolosses.apps.cli.labels import note, open_split, open_to_learn, report_problems, report_unreadable
from yolosses.apps.cli.options import default_of, keywords, parse_options
from yolosses.apps.cli.progress import TrainingDisplay
from yolosses.training.anchors import box_sizes, fit_anchors, mean_best_iou
from yolosses.training.average import averaged
from yolosses.training.checkpoints import (
    load_newest,
    previous,
    require_space,
    restore,
    save_training,
    save_weights,
    state_of,
    write_tensors,
)
from yolosses.training.data import (
    HELD_OUT_SPLITS,
    Augmentation,
    Batches,
    DetectionDataset,
    Fit,
    splits_of,
    usual_fit,
    usual_workers,
)
from yolosses.training.figures import plot_terms
from yolosses.training.files import write_figure
from yolosses.training.fingerprint import changes_of_data, remember_data
from yolosses.training.loop import Budget, NonFiniteLossError, StepRecord, Training
from yolosses.training.models import Tiny
from yolosses.training.network import network_of
from yolosses.training.processes import ALONE, Processes, joined
from yolosses.training.run import Option, RunFolder, Settings
from yolosses.training.shared_norm import share_statistics
from yolosses.training.threads import ThreadChoice

if TYPE_CHECKING:
    from yolosses.training.tensorboard import Board

SAVE_EVERY_SECONDS = 30.0
SIZES = (ModelName.TINY, ModelName.SMALL)  # of the networks that every loss trains with
_FITTED: dict[Fit, str] = {"stretch": "stretched", "letterbox": "letterboxed"}
FIT: dict[FitName, Fit] = {FitName.STRETCH: "stretch", FitName.LETTERBOX: "letterbox"}
_NOWHERE: Any = None  # what a process has of what the first one tells it


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """The arguments of ``yolosses train`` as given; ``None`` where the default depends on others."""

    data: str
    loss: str = LossName.V1
    model: str = ModelName.TINY
    image_size: int | None = None
    grid: int | None = None
    boxes_per_cell: int | None = None
    lambda_coord: float | None = None
    lambda_noobj: float | None = None
    options: tuple[str, ...] = ()
    epochs: int | None = None
    minutes: float | None = None
    batch_size: int = 8
    accumulate: int = 1
    precision: str = PrecisionName.FLOAT32
    optimizer: str = OptimizerName.ADAMW
    learning_rate: float | None = None
    schedule: str = ScheduleName.COSINE
    fit: str | None = None
    mosaic: float | None = None
    train_split: str | None = None
    eval_split: str | None = None
    seed: int = 0
    out: Path | None = None
    resume: bool = False
    strict: bool = False
    workers: int | None = None
    compiled: bool = False
    device: str = "auto"
    tensorboard: bool = False


def train_run(request: TrainRequest, *, given: Collection[str] = ()) -> None:
    """Train as asked, or go on with a run. ``given``: the arguments that the person wrote, which a resumed
    run must agree with."""
    if request.tensorboard:
        import_module("tensorboard")  # better now than after a folder was made
    device = build_device(request.device)
    with joined(device) as processes:
        if processes.first:
            _lead(request, given, processes)
        else:
            _follow(request, processes)


def _lead(request: TrainRequest, given: Collection[str], processes: Processes) -> None:
    """What the first process does, or the only one."""
    console, device = Console(), processes.device
    folder, settings, train_set = _asked_for(request, given)
    _require_shares(settings, processes)
    processes.of_first((folder.path, settings))
    eval_set = open_split(settings.data, settings.eval_split, settings.class_names, strict=request.strict)
    training = build_training(
        settings, train_set, device, processes=processes, workers=request.workers, compiled=request.compiled
    )
    begun = folder.exists()
    if not begun:
        folder.create(settings)
    with folder.claimed():
        if begun:
            go_on_with(console, folder, settings, training, [train_set, eval_set])
            if _is_finished(folder, training):
                processes.of_first(None)
                _say_finished(console, folder, training, request)
                return
        processes.of_first(state_of(training) if processes.count > 1 else None)
        board = _board(folder, training) if request.tensorboard else None
        remember_data(folder.data_file, [train_set, eval_set])
        _introduce(console, folder, training, settings, train_set, eval_set)
        go_on = f"yolosses train {settings.data} --out {folder.path} --resume"
        train_to_the_end(console, folder, settings, training, go_on=go_on, board=board)
        for unreadable in processes.gathered(train_set.unreadable):
            train_set.unreadable.update(unreadable)
        _report_losses(console, settings, draw_terms(folder, settings, train_set.name))
        metrics = evaluate_and_show(
            console, folder, settings, training.average.module, build_loss(settings), eval_set, device
        )
        if board is not None:
            board.results(metrics, folder.predictions_picture, training.place.step)
        report_unreadable(console, [train_set, eval_set])


def _follow(request: TrainRequest, processes: Processes) -> None:
    """What the other processes do: the same steps. The first one prints, writes and evaluates."""
    path, settings = processes.of_first(_NOWHERE)
    train_set = open_to_learn(
        settings.data, settings.train_split, settings.class_names, strict=request.strict
    )
    training = build_training(
        settings,
        train_set,
        processes.device,
        processes=processes,
        workers=request.workers,
        compiled=request.compiled,
    )
    state = processes.of_first(None)
    if state is None:
        return
    restore(training, state)
    with StopBetweenSteps() as stop, _kept_for_replay(RunFolder(path), settings):
        for _ in training.steps():
            if processes.any(stop.asked):
                raise Interrupted
    processes.gathered(train_set.unreadable)


def _board(folder: RunFolder, training: Training) -> Board:
    """What writes the steps of the run for TensorBoard."""
    from yolosses.training.tensorboard import Board

    return Board(folder.path / "tensorboard", last_step=training.place.step)


def _asked_for(request: TrainRequest, given: Collection[str]) -> tuple[RunFolder, Settings, DetectionDataset]:
    """The run to begin or to go on with: its folder, its settings, what it learns from."""
    if request.resume and request.out is None:
        raise CommandError("--resume: expected --out with the folder of the run to go on with")
    if request.resume and request.out is not None:
        folder = RunFolder(request.out)
        if not (folder.path.is_dir() and folder.is_vacant()):
            settings = _extended(folder.settings(), request, given)
            train_set = open_to_learn(
                settings.data, settings.train_split, settings.class_names, strict=request.strict
            )
            _require_batch(settings.batch_size, train_set)
            return folder, settings, train_set
    train_split, eval_split = splits_for(request)
    train_set = open_to_learn(request.data, train_split, None, strict=request.strict)
    settings = resolve(request, train_set, eval_split)
    folder = RunFolder(request.out or free_folder(f"{train_set.name}-{settings.loss}-{settings.model}"))
    if folder.exists():
        settings = same_settings(folder, settings, anchors_fitted="anchors" not in given_options(request))
    return folder, settings, train_set


def same_settings(folder: RunFolder, settings: Settings, *, anchors_fitted: bool) -> Settings:
    """The settings of the run in the folder, which must be those that are asked for. Anchors that were fitted stay
    as they are, also if the data changed since."""
    before = folder.settings()
    if anchors_fitted and "anchors" in before.loss_options:
        options = {**settings.loss_options, "anchors": before.loss_options["anchors"]}
        settings = replace(settings, loss_options=options)
    for f in fields(Settings):
        was, now = getattr(before, f.name), getattr(settings, f.name)
        if f.name != "version" and was != now:
            raise CommandError(
                f"--out {folder.path}: expected a new or empty folder, or that of a run with the same settings; "
                f"the run there has {f.name.replace('_', ' ')} {was}, not {now}"
            )
    return before


def go_on_with(
    console: Console,
    folder: RunFolder,
    settings: Settings,
    training: Training,
    datasets: Sequence[DetectionDataset],
) -> None:
    """Bring ``training`` to where the run in the folder was left, and say what is not as it was."""
    folder.write_settings(settings)  # the budget may be a new one
    fault = load_newest(folder.state_file, training)
    if fault is not None:
        note(console, f"{fault}; going on from {previous(folder.state_file).name}")
    step = training.place.step
    where = f"after step {step}, {training.place.seconds / 60:.1f} minutes" if step else "at its beginning"
    console.print(
        f"the run in {escape(str(folder.path))} is resumed {where}", highlight=False, soft_wrap=True
    )
    for change in changes_of_data(folder.data_file, datasets):
        note(console, f"the data changed since step {step}: {change}")


def _is_finished(folder: RunFolder, training: Training) -> bool:
    """Whether there is nothing left to do: a run may have been stopped while it was evaluated."""
    return training.progress >= 1 and folder.metrics_file.is_file()


def _say_finished(console: Console, folder: RunFolder, training: Training, request: TrainRequest) -> None:
    longer = "--resume with more --epochs or --minutes makes it longer"
    if not request.resume:
        raise CommandError(
            f"--out {folder.path}: expected a new or empty folder, or that of an unfinished run; "
            f"the run there is finished ({longer})"
        )
    console.print(
        f"it is finished, after {training.place.step} steps; {longer}", highlight=False, soft_wrap=True
    )


def _require_shares(settings: Settings, processes: Processes) -> None:
    parts = processes.count * settings.accumulate
    if settings.batch_size < parts:
        raise CommandError(
            f"--batch-size: expected at least {parts}, one picture for each part of --accumulate "
            f"{settings.accumulate} on each of {processes.count} processes; got {settings.batch_size}"
        )


def _require_batch(batch_size: int, train_set: DetectionDataset) -> None:
    if batch_size > len(train_set):
        raise CommandError(
            f"--batch-size: expected at most {len(train_set)}, the pictures to learn from; got {batch_size}"
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
    _require_batch(request.batch_size, train_set)
    _require_fitting(request)
    size, grid = _size_and_grid(request)
    fit = usual_fit(train_set) if request.fit is None else FIT[FitName(request.fit)]
    learning_rate = request.learning_rate or (0.002 if request.optimizer == OptimizerName.ADAMW else 0.005)
    settings = Settings(
        data=request.data if request.data == "digits" else str(Path(request.data).resolve()),
        train_split=train_set.split,
        eval_split=eval_split,
        class_names=train_set.class_names,
        loss=str(request.loss),
        model=str(request.model),
        image_size=(size, size),
        grid=(grid, grid) if grid else None,
        boxes_per_cell=(request.boxes_per_cell or 2) if grid else None,
        loss_options=_loss_options(request, train_set, (size, size), fit),
        fit=fit,
        batch_size=request.batch_size,
        optimizer=str(request.optimizer),
        learning_rate=learning_rate,
        schedule=str(request.schedule),
        epochs=100 if request.epochs is None and request.minutes is None else request.epochs,
        minutes=request.minutes,
        seed=request.seed,
        version=yolosses.__version__,
        nms_iou=family(request.loss).nms_iou,
        precision=str(request.precision),
        accumulate=request.accumulate,
        mosaic=_mosaic(request),
    )
    try:
        build_loss(settings)
    except (ValueError, TypeError) as error:
        raise CommandError(f"--set: {error}") from error
    return settings


def _mosaic(request: TrainRequest) -> float:
    """The paper has no mosaics, and in the small pictures of one more objects share a cell of v1. The losses with
    several scales learn more from them."""
    if request.data == "digits":
        if request.mosaic:
            raise CommandError(
                "--mosaic: expected with pictures from files; digit scenes are random as they are"
            )
        return 0.0
    usual = 0.0 if request.loss == LossName.V1 else 1.0
    return usual if request.mosaic is None else request.mosaic


def _require_fitting(request: TrainRequest) -> None:
    """What belongs to the loss v1, and its networks, cannot be given for another loss."""
    if request.loss == LossName.V1:
        return
    strides = ", ".join(map(str, family(request.loss).strides))
    if request.model not in SIZES:
        raise CommandError(f"--model: expected tiny or small for --loss {request.loss}; got {request.model}")
    for option, value in (("--grid", request.grid), ("--boxes-per-cell", request.boxes_per_cell)):
        if value is not None:
            raise CommandError(
                f"{option}: expected with --loss v1 only; {request.loss} has cells of {strides} pixels"
            )


def _loss_options(
    request: TrainRequest, train_set: DetectionDataset, image_size: tuple[int, int], fit: Fit
) -> dict[str, Option]:
    """Keywords of the loss: what is given, v1's two lambdas, weights and anchors that fit the data."""
    options = given_options(request)
    if request.loss == LossName.V1:
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


def given_options(request: TrainRequest) -> dict[str, Option]:
    """The keywords of the loss that the person wrote."""
    options = parse_options(request.options, request.loss)
    for name in ("lambda_coord", "lambda_noobj"):
        value = getattr(request, name)
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            if name not in keywords(request.loss):
                raise CommandError(
                    f"{option}: expected with a loss that has it; {request.loss} has "
                    f"{', '.join(keywords(request.loss))} (--set NAME=VALUE)"
                )
            if name in options:
                raise CommandError(f"{option}, --set {name}: expected one of them; got both")
            options[name] = value
    return options


def free_folder(name: str) -> Path:
    """``runs/name``, or ``runs/name-2`` and so on if that is taken."""
    path, number = Path("runs") / name, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{name}-{number}"
    return path


def _size_and_grid(request: TrainRequest) -> tuple[int, int | None]:
    """The side of the input, and of v1's grid (None for the losses that have levels)."""
    if request.model not in SIZES:
        size = request.image_size or 448
        if size % 64:
            raise CommandError(f"--image-size: expected a multiple of 64 for {request.model}; got {size}")
        return size, request.grid or 7
    size = request.image_size or (128 if request.data == "digits" else 320)
    if size % 32:
        raise CommandError(f"--image-size: expected a multiple of 32 for {request.model}; got {size}")
    if request.loss != LossName.V1:
        return size, None
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
    if len(there) == 1:  # the data set has no other split, so one is held out of it
        held_out = next(name for name in HELD_OUT_SPLITS if name != there[0])
        return request.train_split or "train", request.eval_split or held_out
    train_split = request.train_split or next(
        (name for name in ("train", "trainval") if name in there), "train"
    )
    if request.eval_split is not None:
        return train_split, request.eval_split
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
    before = {name: stored[name] for name in asked if name in stored and name not in ("epochs", "minutes")}
    for name, value in given_options(replace(request, loss=settings.loss)).items():
        asked[name], before[name] = value, _option(settings, name)
    for name, value in before.items():
        if asked[name] != value:
            raise CommandError(
                f"--{name.replace('_', '-')}: expected {value} as in the run to resume; got {asked[name]}"
            )
    if "epochs" in asked or "minutes" in asked:
        stored |= {"epochs": asked.get("epochs"), "minutes": asked.get("minutes")}
    return Settings(**stored)


def _option(settings: Settings, name: str) -> Option:
    """A keyword of the loss as the run has it."""
    if name in settings.loss_options:
        return settings.loss_options[name]
    return default_of(settings.loss, name)


def build_training(
    settings: Settings,
    train_set: DetectionDataset,
    device: torch.device,
    *,
    processes: Processes = ALONE,
    workers: int | None = None,
    compiled: bool = False,
) -> Training:
    """A run at its beginning, everything random decided by the seed of the settings.

    Args:
        workers: processes that prepare batches; None: as many as suit the device.
        compiled: whether `torch.compile` makes the network faster, after some minutes.
    """
    torch.manual_seed(settings.seed)
    model = build_model(settings).to(device)
    if processes.count > 1:
        model = share_statistics(model, device)
        torch.manual_seed(settings.seed + processes.rank)  # what is dropped out differs
    loss: Any = build_loss(settings)
    return Training(
        model=model,
        loss=loss,
        batches=Batches(
            train_set,
            batch_size=settings.batch_size,
            image_size=settings.image_size,
            augmentation=None
            if settings.data == "digits"
            else Augmentation(mosaic=settings.mosaic),  # scenes are random as they are
            fit=settings.fit,
            shuffle=True,
            seed=settings.seed,
            drop_last=True,
            workers=usual_workers(device) if workers is None else workers,
            processes=processes,
        ),
        optimizer=build_optimizer(settings, model),
        average=averaged(model),
        schedule=build_schedule(settings),
        budget=Budget(epochs=settings.epochs, minutes=settings.minutes),
        device=device,
        before_step=course_of(settings, loss),
        network=network_of(model, processes, parts=settings.accumulate, compiled=compiled),
        precision=getattr(torch, settings.precision),
        processes=processes,
    )


def _introduce(
    console: Console,
    folder: RunFolder,
    training: Training,
    settings: Settings,
    train_set: DetectionDataset,
    eval_set: DetectionDataset,
) -> None:
    report_problems(console, [train_set, eval_set], folder.problems_file)
    parameters = sum(p.numel() for p in training.model.parameters()) / 1e6
    height, width = settings.image_size
    classes = ", ".join(settings.class_names[:6]) + (", ..." if len(settings.class_names) > 6 else "")
    console.print(
        f"[bold]{train_set.name}[/]: {len(train_set)} pictures to learn from ({settings.train_split}), "
        f"{len(eval_set)} to evaluate on ({settings.eval_split}); {len(settings.class_names)} classes: {classes}",
        highlight=False,
    )
    console.print(
        f"[bold]{settings.model}[/], {parameters:.1f} million parameters, pictures {_FITTED[settings.fit]} to "
        f"{width} x {height}{_mosaics_in_words(settings.mosaic)}, "
        f"{_cells(settings)}, loss {settings.loss}{_options_in_words(settings)}, on {training.device}",
        highlight=False,
    )
    if "anchors" in settings.loss_options:
        _show_anchors(console, settings, train_set)


def _mosaics_in_words(share: float) -> str:
    return f", {share:.0%} in mosaics of four" if share else ""


def _cells(settings: Settings) -> str:
    if settings.grid is not None:
        rows, cols = settings.grid
        return f"{cols} x {rows} cells of {settings.boxes_per_cell} boxes"
    return f"cells of {', '.join(map(str, family(settings.loss).strides))} pixels"


def _options_in_words(settings: Settings) -> str:
    words = [f"{name} {value}" for name, value in settings.loss_options.items() if name != "anchors"]
    return f" with {', '.join(words)}" if words else ""


def _show_anchors(console: Console, settings: Settings, train_set: DetectionDataset) -> None:
    levels: Any = settings.loss_options["anchors"]
    sizes = box_sizes(train_set, settings.image_size, settings.fit)
    anchors = [anchor for level in levels for anchor in level]
    shown = " | ".join(", ".join(f"{w:g} x {h:g}" for w, h in level) for level in levels)
    fit = (
        f"; IoU of a box with the best of them {mean_best_iou(sizes, anchors):.2f} on average"
        if len(sizes)
        else ""
    )
    console.print(f"anchors in pixels: {shown}{fit}", highlight=False, soft_wrap=True)


def _report_losses(console: Console, settings: Settings, rows: list[dict[str, Any]]) -> None:
    """Say how many objects took no part in training, and why."""
    answered, dropped, hidden = (
        sum(row[f"num_{kind}"] for row in rows) for kind in ("answered", "dropped", "hidden")
    )
    objects = max(answered + dropped + hidden, 1)
    if dropped:
        reason = (
            "shared a cell with another and were left out; a finer --grid has fewer of them"
            if settings.grid
            else "got no predictor"
        )
        console.print(
            f"{dropped / objects:.1%} of the objects {reason}",
            highlight=False,
            soft_wrap=True,
        )
    if hidden:
        console.print(f"{hidden / objects:.1%} were cut away by the random crops", highlight=False)


def train_to_the_end(
    console: Console,
    folder: RunFolder,
    settings: Settings,
    training: Training,
    *,
    go_on: str,
    pauses: Sequence[float] = (),
    at_pause: Callable[[], object] | None = None,
    board: Board | None = None,
) -> None:
    """Train, show it, log it, and save it now and then.

    Args:
        go_on: the command that goes on with the run, for a person who stops it.
        pauses: shares of the budget at which ``at_pause`` is called, while the clock stands still.
        board: takes every step too.

    Raises:
        Interrupted: a person stopped it; all is saved.
        CommandError: the loss or its gradient became infinite or NaN; the batch is saved.
    """
    require_space(folder.state_file, training)
    before = training.place.seconds
    log, display = folder.open_log(last_step=training.place.step), TrainingDisplay(console, training)
    choice = ThreadChoice() if training.device.type == "cpu" else None

    saved = (
        time.monotonic()
    )  # by the clock: what saving takes does not count, or a slow disk would do nothing else

    def save() -> None:
        log.sync()
        save_training(folder.state_file, training)

    stopped = False
    with log, board or nullcontext():
        with display, StopBetweenSteps() as stop, _kept_for_replay(folder, settings):
            for until in (*pauses, 1.0):
                for record in training.steps(until=until):
                    log.append(record)
                    if board is not None:
                        board(record)
                    _show(display, record, save)
                    if choice is not None:
                        choice.took(record.seconds - before)
                        before = record.seconds
                    if stopped := training.processes.any(stop.asked):
                        break
                    if time.monotonic() - saved > SAVE_EVERY_SECONDS:
                        save()
                        saved = time.monotonic()
                if stopped:
                    break
                if until < 1 and at_pause is not None:
                    at_pause()
        save()
    if stopped:
        console.print(
            f"what was learnt is kept; go on with: {escape(go_on)}", highlight=False, soft_wrap=True
        )
        raise Interrupted
    folder.metrics_file.unlink(
        missing_ok=True
    )  # they are those of other weights, if the run was longer before
    save_weights(folder.weights_file, training.average.module.state_dict())


def _show(display: TrainingDisplay, record: StepRecord, save: Callable[[], None]) -> None:
    """Show a step. If nobody reads any longer (rich exits then), what was learnt is kept."""
    try:
        display.show(record)
    except (OSError, SystemExit):
        save()
        raise


def draw_terms(folder: RunFolder, settings: Settings, data: str) -> list[dict[str, Any]]:
    """Draw the curves of the terms; returns the rows of the log."""
    rows = list(folder.log())
    title = f"{data}: the terms of the loss {settings.loss}"
    write_figure(folder.terms_picture, plot_terms(rows, title))
    return rows


@contextmanager
def _kept_for_replay(folder: RunFolder, settings: Settings) -> Iterator[None]:
    """Keep the batch that stops a run, and say how to look at it."""
    try:
        yield
    except NonFiniteLossError as error:
        folder.path.mkdir(parents=True, exist_ok=True)  # that of another machine, perhaps
        write_tensors(folder.nonfinite_file, error.replay)
        show = f"yolosses explain {folder.path} {settings.data} --replay {folder.nonfinite_file}"
        raise CommandError(f"{error}. The batch is kept; look at it with: {show}") from error
