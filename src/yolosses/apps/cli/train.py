"""``yolosses train`` and ``yolosses demo``: train, evaluate, draw."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rich.console import Console
from rich.markup import escape

from yolosses.apps.cli.detectors import Detector
from yolosses.apps.cli.evaluate import evaluate_and_show
from yolosses.apps.cli.requests import DemoRequest
from yolosses.apps.runs.build import build_device, build_loss, build_training, family
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.folder import draw_terms, extended, free_folder, go_on_with, same_settings
from yolosses.apps.runs.labels import report_problems, report_unreadable
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.say import say
from yolosses.apps.runs.settings import given_options, require_batch, resolve
from yolosses.apps.runs.splits import open_for, open_to_learn, splits_for
from yolosses.apps.runs.steps import kept_for_replay, take_steps, train_to_the_end
from yolosses.training.anchors import box_sizes, mean_best_iou
from yolosses.training.checkpoints import restore, state_of
from yolosses.training.data import DetectionDataset, Fit
from yolosses.training.fingerprint import remember_data
from yolosses.training.loop import Training
from yolosses.training.processes import Processes, joined
from yolosses.training.run import RunFolder, Settings

_FITTED: dict[Fit, str] = {"stretch": "stretched", "letterbox": "letterboxed"}
_NOWHERE: Any = None  # what a process has of what the first one tells it


def run_demo(request: DemoRequest) -> None:
    """Train on scenes of digits."""
    train_run(TrainRequest.like(request, data="digits", out=request.out or free_folder("demo")))


def train_run(request: TrainRequest) -> None:
    """Train as asked, or go on with a run."""
    if request.tensorboard:
        import_module("tensorboard")  # better now than after a folder was made
    device = build_device(request.device)
    with joined(device) as processes:
        if processes.first:
            _lead(request, processes)
        else:
            _follow(request, processes)


def _lead(request: TrainRequest, processes: Processes) -> None:
    """What the first process does, or the only one."""
    console = Console()
    folder, settings, train_set = _asked_for(request)
    _require_shares(settings, processes)
    processes.of_first((folder.path, settings))
    eval_set = open_for(settings, strict=request.strict)
    training = _begin(request, settings, train_set, processes)
    begun = folder.exists()
    if not begun:
        folder.create(settings)
    with folder.claimed():
        if begun:
            go_on_with(console, folder, settings, training, [train_set, eval_set])
            # A run may have been stopped while it was evaluated: then there is something left to do.
            if training.progress >= 1 and folder.metrics_file.is_file():
                processes.of_first(None)
                _say_finished(console, folder, training, request)
                return
        processes.of_first(state_of(training) if processes.count > 1 else None)
        board = None
        if request.tensorboard:
            from yolosses.training.tensorboard import Board

            board = Board(folder.path / "tensorboard", last_step=training.place.step)
        remember_data(folder.data_file, [train_set, eval_set])
        report_problems(console, [train_set, eval_set], folder.problems_file)
        _introduce(console, training, settings, train_set, eval_set)
        go_on = f"yolosses train {settings.data} --out {folder.path} --resume"
        train_to_the_end(console, folder, settings, training, go_on=go_on, board=board)
        for unreadable in processes.gathered(train_set.unreadable):
            train_set.unreadable.update(unreadable)
        _report_losses(console, settings, draw_terms(folder, settings, train_set.name))
        detector = Detector(
            results=folder, settings=settings, model=training.average.module, decoder=build_loss(settings),
            device=processes.device,
        )  # fmt: skip
        metrics = evaluate_and_show(console, detector, eval_set)
        if board is not None:
            board.results(metrics, folder.predictions_picture, training.place.step)
        report_unreadable(console, [train_set, eval_set])


def _follow(request: TrainRequest, processes: Processes) -> None:
    """What the other processes do: the same steps. The first one prints, writes and evaluates."""
    path, settings = processes.of_first(_NOWHERE)
    train_set = open_to_learn(
        settings.data, settings.train_split, settings.class_names, strict=request.strict
    )
    training = _begin(request, settings, train_set, processes)
    state = processes.of_first(None)
    if state is None:
        return
    restore(training, state)
    with kept_for_replay(RunFolder(path), settings):
        take_steps(training, lambda step: None)
    processes.gathered(train_set.unreadable)


def _begin(
    request: TrainRequest, settings: Settings, train_set: DetectionDataset, processes: Processes
) -> Training:
    return build_training(
        settings, train_set, processes.device,
        processes=processes, workers=request.workers, compiled=request.compiled,
    )  # fmt: skip


def _asked_for(request: TrainRequest) -> tuple[RunFolder, Settings, DetectionDataset]:
    """The run to begin or to go on with: its folder, its settings, what it learns from."""
    if request.resume and request.out is None:
        raise CommandError("--resume: expected --out with the folder of the run to go on with")
    if request.resume and request.out:
        folder = RunFolder(request.out)
        if not (folder.path.is_dir() and folder.is_vacant()):
            settings = extended(folder.settings(), request)
            train_set = open_to_learn(
                settings.data, settings.train_split, settings.class_names, strict=request.strict
            )
            require_batch(settings.batch_size, train_set)
            return folder, settings, train_set
    train_split, eval_split = splits_for(request)
    train_set = open_to_learn(request.data, train_split, None, strict=request.strict)
    settings = resolve(request, train_set, eval_split)
    folder = RunFolder(request.out or free_folder(f"{train_set.name}-{settings.loss}-{settings.model}"))
    if folder.exists():
        settings = same_settings(
            folder, settings, anchors_fitted="anchors" not in given_options(request, request.loss)
        )
    return folder, settings, train_set


def _say_finished(console: Console, folder: RunFolder, training: Training, request: TrainRequest) -> None:
    longer = "--resume with more --epochs or --minutes makes it longer"
    if not request.resume:
        raise CommandError(
            f"--out {folder.path}: expected a new or empty folder, or that of an unfinished run; "
            f"the run there is finished ({longer})"
        )
    say(console, f"it is finished, after {training.place.step} steps; {longer}")


def _require_shares(settings: Settings, processes: Processes) -> None:
    parts = processes.count * settings.accumulate
    if settings.batch_size < parts:
        raise CommandError(
            f"--batch-size: expected at least {parts}, one picture for each part of --accumulate "
            f"{settings.accumulate} on each of {processes.count} processes; got {settings.batch_size}"
        )


def _introduce(
    console: Console,
    training: Training,
    settings: Settings,
    train_set: DetectionDataset,
    eval_set: DetectionDataset,
) -> None:
    parameters = sum(p.numel() for p in training.model.parameters()) / 1e6
    height, width = settings.image_size
    classes = escape(", ".join(settings.class_names[:6])) + (", ..." if len(settings.class_names) > 6 else "")
    console.print(
        f"[bold]{escape(train_set.name)}[/]: {len(train_set)} pictures to learn from ({settings.train_split}), "
        f"{len(eval_set)} to evaluate on ({settings.eval_split}); {len(settings.class_names)} classes: {classes}",
        highlight=False,
    )
    mosaics = f", {settings.mosaic:.0%} in mosaics of four" if settings.mosaic else ""
    options = [f"{name} {value}" for name, value in settings.loss_options.items() if name != "anchors"]
    varied = f" with {', '.join(options)}" if options else ""
    console.print(
        f"[bold]{settings.model}[/], {parameters:.1f} million parameters, pictures {_FITTED[settings.fit]} to "
        f"{width} x {height}{mosaics}, {_cells(settings)}, loss {settings.loss}{varied}, on {training.device}",
        highlight=False,
    )
    if "anchors" in settings.loss_options:
        _show_anchors(console, settings, train_set)


def _cells(settings: Settings) -> str:
    if settings.grid is not None:
        rows, cols = settings.grid
        return f"{cols} x {rows} cells of {settings.boxes_per_cell} boxes"
    return f"cells of {', '.join(map(str, family(settings.loss).strides))} pixels"


def _show_anchors(console: Console, settings: Settings, train_set: DetectionDataset) -> None:
    levels: Any = settings.loss_options["anchors"]
    sizes = box_sizes(train_set, settings.image_size, settings.fit)
    anchors = [anchor for level in levels for anchor in level]
    shown = " | ".join(", ".join(f"{w:g} x {h:g}" for w, h in level) for level in levels)
    if len(sizes):
        shown += f"; IoU of a box with the best of them {mean_best_iou(sizes, anchors):.2f} on average"
    say(console, f"anchors in pixels: {shown}")


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
        say(console, f"{dropped / objects:.1%} of the objects {reason}")
    if hidden:
        console.print(f"{hidden / objects:.1%} were cut away by the random crops", highlight=False)
