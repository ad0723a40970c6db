"""``yolosses study``: train with many settings of a loss, measure what each does to the detector, and report."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer
from rich.console import Console
from rich.markup import escape

import yolosses
from yolosses.apps.cli.requests import StudyRequest
from yolosses.apps.cli.study_files import JOURNAL, RESULTS, read_results, write_results
from yolosses.apps.cli.study_progress import StudyDisplay, in_words
from yolosses.apps.cli.study_table import study_tables
from yolosses.apps.cli.vary import TRAINING, Range, Values, parse_vary
from yolosses.apps.runs.budget import budget_in_words, budget_of, require_budget
from yolosses.apps.runs.build import build_device, build_loss, build_training
from yolosses.apps.runs.detections import batches_of
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.folder import require_out
from yolosses.apps.runs.keywords import default_of
from yolosses.apps.runs.labels import report_problems
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.say import note, say, say_where
from yolosses.apps.runs.settings import resolve
from yolosses.apps.runs.splits import open_both
from yolosses.apps.runs.steps import take_steps
from yolosses.language import Language
from yolosses.studies.ablation.structures import Level, Result, Setting, StudyResults
from yolosses.studies.ablation.trial import measured
from yolosses.training.files import write_json
from yolosses.training.loop import NonFiniteLossError, StepRecord
from yolosses.training.run import Settings

if TYPE_CHECKING:
    import optuna

    from yolosses.studies.ablation.queue import Queue

OBJECTIVES = {"map50": "map50", "map": "map50_95", "f1": "f1"}
DEFAULT_MINUTES = 2.0  # of a run
TRIALS = 50  # drawn settings, unless the person says how many


def run_study(request: StudyRequest) -> None:
    """Take part in a study until it is done, and report; or show one that is."""
    if request.show is not None:
        _show(request.show, request.language)
        return
    if request.data is None:
        raise typer.BadParameter("expected a data set, or --show DIR", param_hint="DATA")
    from yolosses.studies.ablation.queue import Queue, open_storage

    console = Console()
    study = _Study(request)
    folder = request.out or Path("runs") / f"study-{study.train_set.name}"
    require_out(folder)
    report_problems(console, [study.train_set, study.eval_set], folder / "problems.txt")
    definition = study.definition()
    # A folder holds one study, a database many: there the name tells them apart.
    is_shared = "://" in (request.storage or "")
    name = f"{study.train_set.name}-{_fingerprint(definition)}" if is_shared else "study"
    queue = Queue(
        open_storage(request.storage or str(folder / JOURNAL)), name, definition, sampler=_sampler(request)
    )
    study.introduce(console, queue)
    try:
        study.take_part(queue, StudyDisplay(console, study.number_of_runs), folder)
    finally:
        results = study.results(queue)
        write_results(folder, results, request.language)
    study_tables(results, console, language=request.language)
    if running := results.states.get("running"):
        note(
            console,
            f"{running} more {'run goes' if running == 1 else 'runs go'} on in other workers; the same command shows "
            "them when they are done",
        )
    for setting, reason in queue.failures():
        say(console, f"[yellow]failed[/]: {in_words(setting)}: {escape(reason)}")
    say_where(console, folder)


def _show(folder: Path, language: Language) -> None:
    """Draw the report of a study again, from what is stored."""
    console, results = Console(), read_results(folder)
    write_results(folder, results, language)
    study_tables(results, console, language=language)
    say_where(console, folder)


class _Study:
    """A study as one worker sees it."""

    def __init__(self, request: StudyRequest) -> None:
        """Everything is checked before the first run begins."""
        self.request, self.varied = request, parse_vary(request.vary or (), request.loss)
        _check(request, self.varied)
        minutes = request.minutes_each or (None if request.epochs_each else DEFAULT_MINUTES)
        self.train_request = TrainRequest.like(request, minutes=minutes, epochs=request.epochs_each)
        self.train_set, self.eval_set = open_both(self.train_request)
        self.device, self.budget = build_device(request.device), budget_of(self.train_request)
        for setting in self.settings():
            self.require_loss(setting)

    @property
    def levels(self) -> dict[str, tuple[Level, ...]]:
        """The values that are written out, by keyword."""
        return {name: values for name, values in self.varied.items() if isinstance(values, tuple)}

    @property
    def number_of_runs(self) -> int:
        if self.request.sampler == "tpe":
            return (self.request.trials or TRIALS) * self.request.seeds
        return math.prod(map(len, self.levels.values())) * self.request.seeds

    def settings(self) -> list[Setting]:
        """All combinations of the values that are written out, with the lower end of each range."""
        values = [v if isinstance(v, tuple) else (v.lowest,) for v in self.varied.values()]
        return [dict(zip(self.varied, chosen, strict=True)) for chosen in product(*values)]

    def definition(self) -> dict[str, Any]:
        """What all workers must agree on. No path is in it: on another machine the data lie elsewhere."""
        settings = self.run_settings(self.settings()[0], seed=0)
        return {
            "data": self.train_set.name,
            "classes": list(self.train_set.class_names),
            "splits": {
                settings.train_split: len(self.train_set),
                settings.eval_split: len(self.eval_set),
            },
            "loss": settings.loss,
            "vary": {
                name: list(values) if isinstance(values, tuple) else str(values)
                for name, values in self.varied.items()
            },
            "budget": self.budget,
            "image size": list(settings.image_size),
            "sampler": self.request.sampler,
            "objective": OBJECTIVES[self.request.objective],
            "version": yolosses.__version__,
            "seeds": self.request.seeds,
        }

    def introduce(self, console: Console, queue: Queue) -> None:
        """What is going to happen."""
        values = "; ".join(
            f"{name} {', '.join(map(str, v)) if isinstance(v, tuple) else v}"
            for name, v in self.varied.items()
        )
        done = len(queue.results())
        say(
            console,
            f"[bold]{self.train_set.name}[/], loss {self.request.loss}: {escape(values)}; "
            f"{self.request.seeds} {'seed' if self.request.seeds == 1 else 'seeds'}: {self.number_of_runs} runs of "
            f"{budget_in_words(self.budget)}{f', {done} done already' if done else ''}, on {self.device}",
        )

    def take_part(self, queue: Queue, display: StudyDisplay, folder: Path) -> None:
        """Do runs until none is left. What is measured so far is in the folder at any time."""

        def measure(setting: Setting, seed: int, trial: optuna.Trial) -> Result:
            write_json(folder / RESULTS, self.results(queue).to_json())
            display.begins(setting, seed, queue)

            def watch(record: StepRecord, progress: float) -> None:
                queue.beat(trial)
                display.shows(record, progress)

            result = self.one_run(setting, seed, trial.number, watch)
            display.ends(result)
            return result

        seeds, trials = self.request.seeds, self.request.trials or TRIALS
        with display.progress:
            if self.request.sampler == "tpe":
                queue.search(self.draw, seeds, trials, measure)
            else:
                queue.enqueue(self.levels, seeds)
                queue.run(measure)

    def draw(self, trial: optuna.Trial) -> Setting:
        """A setting as the sampler likes."""
        return {name: _drawn(trial, name, values) for name, values in self.varied.items()}

    def one_run(
        self, setting: Setting, seed: int, number: int, watch: Callable[[StepRecord, float], None]
    ) -> Result:
        """Train once, and measure.

        Raises:
            ArithmeticError: the loss or its gradient became infinite or NaN.
        """
        settings = self.run_settings(setting, seed=seed)
        training = build_training(settings, self.train_set, self.device)
        rows: list[dict[str, Any]] = []

        def each(record: StepRecord) -> None:
            rows.append(record.to_json())
            watch(record, training.progress)

        try:
            take_steps(training, each)
        except NonFiniteLossError as error:
            raise FloatingPointError(str(error)) from error
        return measured(
            training.average.module,
            build_loss(settings),
            batches_of(settings, self.eval_set, self.device),
            rows,
            self.device,
            trial=number,
            setting=setting,
            seed=seed,
            iou_threshold=settings.nms_iou,
        )

    def run_settings(self, setting: Setting, *, seed: int) -> Settings:
        """What a run with this setting is asked to do."""
        rest = dict(setting)
        ours: dict[str, Any] = {name: rest.pop(name) for name in TRAINING if name in rest}
        if self.request.loss == "v1":
            ours |= {name: int(rest.pop(name)) for name in ("grid", "boxes_per_cell") if name in rest}
        request = replace(self.train_request, seed=seed, **ours)
        settings = resolve(request, self.train_set, self.eval_set.split)
        return replace(settings, loss_options={**settings.loss_options, **rest})

    def require_loss(self, setting: Setting) -> None:
        """Raise `CommandError` if the loss does not take this setting."""
        try:
            build_loss(self.run_settings(setting, seed=0))
        except (ValueError, TypeError) as error:
            raise CommandError(f"--vary {in_words(setting)}: {error}") from error

    def results(self, queue: Queue) -> StudyResults:
        """What there is so far, of all workers."""
        found, states = queue.snapshot()
        definition = queue.definition
        parameters = {
            name: values
            if isinstance(values, tuple)
            else tuple(sorted({result.setting[name] for result in found}, key=float))
            for name, values in self.varied.items()
        }
        return StudyResults(
            data=self.train_set.name,
            loss=str(self.request.loss),
            train_split=self.train_set.split,
            eval_split=self.eval_set.split,
            num_pictures={self.train_set.split: len(self.train_set), self.eval_set.split: len(self.eval_set)},
            class_names=self.train_set.class_names,
            budget=self.budget,
            parameters=parameters,
            defaults={name: self._default(name) for name in self.varied},
            results=tuple(found),
            objective=definition["objective"] if definition["sampler"] == "tpe" else None,
            states=states,
        )

    def _default(self, name: str) -> Level:
        """What `yolosses train` would use."""
        settings = resolve(replace(self.train_request, grid=None), self.train_set, self.eval_set.split)
        if name == "grid" and settings.grid is not None:
            return settings.grid[0]
        if name in TRAINING:
            return cast(Level, getattr(settings, name))
        if name in settings.loss_options:
            return cast(Level, settings.loss_options[name])
        return default_of(self.request.loss, name)


def _check(request: StudyRequest, varied: dict[str, Values]) -> None:
    if not varied:
        raise CommandError("--vary: expected at least one NAME=VALUE,VALUE,...; got none")
    require_budget(minutes_each=request.minutes_each, epochs_each=request.epochs_each)
    if request.sampler == "tpe":
        return
    for name, values in varied.items():
        if isinstance(values, Range):
            said = "a range needs --sampler tpe; expected values NAME=VALUE,VALUE,..."
            raise CommandError(f"--vary {name}: {said}")
    if request.trials is not None:
        raise CommandError(
            "--trials: expected with --sampler tpe only; the grid has a fixed number of settings"
        )


def _sampler(request: StudyRequest) -> optuna.samplers.BaseSampler | None:
    if request.sampler != "tpe":
        return None
    import optuna

    # No fixed seed: workers would draw the same settings.
    return optuna.samplers.TPESampler(constant_liar=True) if request.storage else optuna.samplers.TPESampler()


def _drawn(trial: optuna.Trial, name: str, values: Values) -> Level:
    if isinstance(values, tuple):
        return cast(Level, trial.suggest_categorical(name, values))
    if values.whole:
        return trial.suggest_int(name, int(values.low), int(values.high), log=values.low > 0)
    return trial.suggest_float(name, values.low, values.high, log=values.low > 0)


def _fingerprint(definition: dict[str, Any]) -> str:
    kept = {name: value for name, value in definition.items() if name != "seeds"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:8]
