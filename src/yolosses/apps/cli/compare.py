"""``yolosses compare``: several losses, trained with the same budget, in one table and one picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from yolosses.apps.cli.detectors import Detector
from yolosses.apps.cli.evaluate import evaluate_with_errors, score_of
from yolosses.apps.cli.requests import CompareRequest
from yolosses.apps.pages.comparison_figure import comparison_figure
from yolosses.apps.runs.budget import budget_in_words, budget_of, require_budget
from yolosses.apps.runs.build import build_device, build_loss, build_training
from yolosses.apps.runs.choices import LOSSES, LossName
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.folder import draw_terms, go_on_with, require_out, same_settings
from yolosses.apps.runs.labels import report_problems
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.say import say
from yolosses.apps.runs.settings import resolve
from yolosses.apps.runs.splits import open_both
from yolosses.apps.runs.steps import train_to_the_end
from yolosses.studies.comparison import (
    ComparedRun,
    Comparison,
    Point,
    costliest_error,
    largest_term,
)
from yolosses.studies.peer import read_peer, scored
from yolosses.training.data import DataError, DetectionDataset
from yolosses.training.evaluation import Metrics
from yolosses.training.files import write_figure, write_json, write_text
from yolosses.training.fingerprint import remember_data
from yolosses.training.loop import Training
from yolosses.training.run import RunFolder, Settings
from yolosses.training.typed_json import read_json

RESULTS, PICTURE = "compare.json", "compare.png"
PAUSES = tuple(part / 8 for part in range(1, 8))  # of the budget: where a run is scored on its way
DEFAULT_MINUTES = 5.0


def compare_losses(request: CompareRequest) -> None:
    """Do the runs that are still to be done, and show all that are there.

    A loss whose training fails is left out, and named at the end (exit code 2).
    """
    console = Console()
    losses = parse_losses(request.losses)
    require_budget(minutes=request.minutes, epochs_each=request.epochs_each)
    work = _Work(console, request, losses)
    for run in work.peers:
        if not work.has(run.loss, run.seed):
            work.add(run)
    failed: dict[str, str] = {}
    asked = [(loss, seed) for seed in range(request.seeds) for loss in losses]
    for number, (loss, seed) in enumerate(asked, start=1):
        done = work.has(loss, seed)
        told = f"[bold]{number}/{len(asked)}[/] {loss}, seed {seed}{': done already' if done else ''}"
        console.print(told, highlight=False)
        if done:
            continue
        try:
            work.add(work.one_run(loss, seed))
        except CommandError as error:
            failed[f"{loss}, seed {seed}"] = str(error)
            say(console, f"[yellow]failed[/]: {escape(str(error))}")
    work.show()
    if failed:
        first, reason = next(iter(failed.items()))
        raise CommandError(f"{len(failed)} of {len(asked)} runs failed; {first}: {reason}")


def parse_losses(text: str) -> tuple[LossName, ...]:
    """``v1,v8``: names of losses, each once."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    known: dict[str, LossName] = {loss: loss for loss in LOSSES}
    for place, name in enumerate(names):
        if name not in known:
            raise CommandError(f"--losses: expected some of {', '.join(known)}; got {name!r}")
        if name in names[:place]:
            raise CommandError(f"--losses: expected each name once; got {name} twice")
    if not names:
        raise CommandError(f"--losses: expected some of {', '.join(known)}; got none")
    return tuple(known[name] for name in names)


class _Work:
    """A comparison in its folder."""

    def __init__(self, console: Console, request: CompareRequest, losses: Sequence[LossName]) -> None:
        """Everything is checked before the first run begins."""
        minutes = request.minutes or (None if request.epochs_each else DEFAULT_MINUTES)
        one = TrainRequest.like(request, minutes=minutes, epochs=request.epochs_each)
        self.console, self.device = console, build_device(request.device)
        train_set, eval_set = self.train_set, self.eval_set = open_both(one)
        self.settings: dict[tuple[str, int], Settings] = {}
        for loss in losses:
            resolved = resolve(replace(one, loss=loss), train_set, eval_set.split)
            self.settings |= {(loss, seed): replace(resolved, seed=seed) for seed in range(request.seeds)}
        self.peers = [_peer(path, eval_set) for path in request.peers or ()]
        self.out = request.out or Path("runs") / f"compare-{train_set.name}"
        first = next(iter(self.settings.values()))
        self.comparison = Comparison(
            data=train_set.name,
            train_split=first.train_split,
            eval_split=first.eval_split,
            num_pictures={first.train_split: len(train_set), first.eval_split: len(eval_set)},
            image_size=first.image_size,
            budget=budget_of(first),
            runs=(),
            model=first.model,
        )
        require_out(self.out)
        self.require_same()
        report_problems(console, [train_set, eval_set], self.out / "problems.txt")
        say(
            console,
            f"[bold]{escape(train_set.name)}[/]: {len(train_set)} pictures to learn from ({first.train_split}), "
            f"{len(eval_set)} to evaluate on ({first.eval_split}); losses {', '.join(losses)}, {request.seeds} "
            f"{'seed' if request.seeds == 1 else 'seeds'}, {budget_in_words(budget_of(first))} each, on {self.device}",
        )

    def require_same(self) -> None:
        """What is in the folder must have been asked for as it is now; its finished runs are taken over."""
        kept = read_comparison(self.out)
        if kept is None:
            return
        for f in fields(Comparison):
            before, now = getattr(kept, f.name), getattr(self.comparison, f.name)
            if f.name != "runs" and before != now:
                raise CommandError(
                    f"--out {self.out}: expected a comparison with the same {f.name.replace('_', ' ')}; "
                    f"there {before}, now {now}"
                )
        self.comparison = replace(self.comparison, runs=kept.runs)

    def has(self, loss: str, seed: int) -> bool:
        """Whether this run is done."""
        return any((run.loss, run.seed) == (loss, seed) for run in self.comparison.runs)

    def add(self, run: ComparedRun) -> None:
        """Keep a run, and say what came out."""
        self.comparison = replace(self.comparison, runs=(*self.comparison.runs, run))
        write_json(self.out / RESULTS, self.comparison.to_json())
        self.console.print(
            f"{run.loss}, seed {run.seed}: mAP50 {_number(run.map50)}, mAP50:95 {_number(run.map50_95)}",
            highlight=False,
        )

    def one_run(self, loss: str, seed: int) -> ComparedRun:
        """Train, or go on, scoring on the way; all files of an ordinary run are left in its folder."""
        settings = self.settings[loss, seed]
        folder = RunFolder(self.out / f"{loss}-{seed}")
        datasets = [self.train_set, self.eval_set]
        begun = folder.exists()
        if begun:
            settings = same_settings(folder, settings, anchors_fitted=True)
        else:
            folder.create(settings)
        training = build_training(settings, self.train_set, self.device)
        with folder.claimed():
            if begun:
                go_on_with(self.console, folder, settings, training, datasets)
            remember_data(folder.data_file, datasets)
            return self._trained(folder, settings, training)

    def _trained(self, folder: RunFolder, settings: Settings, training: Training) -> ComparedRun:
        """Do what is left of a run, and measure it."""
        rows = _rows(folder, training.place.step)
        detector = Detector(
            results=folder, settings=settings, model=training.average.module, decoder=build_loss(settings),
            device=self.device,
        )  # fmt: skip

        def at_pause() -> None:
            _, metrics = score_of(detector, self.eval_set)
            rows.append(_row(training, metrics))
            write_text(folder.scores_file, "".join(json.dumps(row) + "\n" for row in rows))

        train_to_the_end(
            self.console, folder, settings, training,
            go_on="the same command", pauses=PAUSES[len(rows) :], at_pause=at_pause,
        )  # fmt: skip
        log = draw_terms(folder, settings, self.train_set.name)
        metrics, errors, _ = evaluate_with_errors(detector, self.eval_set)
        points = (*rows, _row(training, metrics))
        return ComparedRun(
            loss=settings.loss,
            seed=settings.seed,
            parameters=sum(p.numel() for p in training.model.parameters()),
            term=largest_term(log),
            error=costliest_error(errors.costs),
            points=tuple(Point(**{f.name: row[f.name] for f in fields(Point)}) for row in points),
        )

    def show(self) -> None:
        """The table and the picture."""
        if not self.comparison.runs:
            return
        write_figure(self.out / PICTURE, comparison_figure(self.comparison))
        self.console.print(comparison_table(self.comparison))
        what = f"{PICTURE}, {RESULTS} and a folder for each run"
        say(self.console, f"{what} are in [bold]{escape(str(self.out))}[/]")


def _peer(path: Path, eval_set: DetectionDataset) -> ComparedRun:
    """What another library's detector found, scored as ours are."""
    peer = read_peer(path)
    if peer.name in LOSSES:
        raise DataError(f"{path}: expected a name that no loss of this library has; got {peer.name}")
    return scored(peer, eval_set, path=path)


def read_comparison(folder: Path) -> Comparison | None:
    """What is kept in the folder; None if there is nothing. Raises `DataError` naming a file that is something else."""
    path = folder / RESULTS
    if not path.is_file():
        return None
    return read_json(path, Comparison, what="what yolosses compare wrote")


def comparison_table(comparison: Comparison) -> Table:
    """A row for each loss, the best first."""
    repeated = any(len(loss.runs) > 1 for loss in comparison.ranked())
    numbers = ("network", "images/s", "mAP50", "mAP50:95", *(["its spread"] if repeated else []))
    table = Table(
        Column("loss", no_wrap=True),
        *(Column(head, justify="right", no_wrap=True) for head in numbers),
        Column("largest term", overflow="fold"),
        Column("costliest error", overflow="fold"),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        caption="largest term: its share of the loss in the last tenth of the steps\n"
        "costliest error: rise of mAP50 if mended (TIDE)",
        caption_justify="left",
    )
    for loss in comparison.ranked():
        spread = loss.spread("map50_95")
        shown = "-" if spread is None else f"{spread[0]:.3f} to {spread[1]:.3f}"
        table.add_row(
            loss.loss,
            f"{loss.runs[0].parameters / 1e6:.1f} M",
            f"{loss.images_per_second:.1f}",
            _number(loss.mean("map50")),
            _number(loss.mean("map50_95")),
            *([shown] if repeated else []),
            "-" if loss.term is None else f"{loss.term[0]} {loss.term[1]:.0%}",
            "-" if loss.error is None else f"{loss.error[0]} {loss.error[1]:.3f}",
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _rows(folder: RunFolder, last_step: int) -> list[dict[str, Any]]:
    """The scores on the way so far, as far as the run that is gone on with has come."""
    if not folder.scores_file.is_file():
        return []
    rows = [json.loads(line) for line in folder.scores_file.read_text("utf-8").splitlines()]
    return [row for row in rows if row["step"] <= last_step]


def _row(training: Training, metrics: Metrics) -> dict[str, Any]:
    scores = {"map50": metrics.map50, "map50_95": metrics.map50_95}
    return {name: getattr(training.place, name) for name in ("step", "epoch", "images", "seconds")} | scores
