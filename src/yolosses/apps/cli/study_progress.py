"""The progress of a study: one line of the present run on a terminal, one line for each finished run everywhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from yolosses.apps.runs.say import say
from yolosses.studies.ablation.sentences import level_name
from yolosses.studies.ablation.structures import Result, Setting
from yolosses.training.loop import StepRecord

if TYPE_CHECKING:
    from yolosses.studies.ablation.queue import Queue


class StudyDisplay:
    """It is seen while ``progress`` is entered. ``runs``: how many the study has in all."""

    def __init__(self, console: Console, runs: int) -> None:
        self.console = console
        self.runs = runs
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.progress.add_task("", total=1.0, note="")
        self.done = 0
        self.begun = self.own_seconds = 0.0
        self.own_runs = 0

    def begins(self, setting: Setting, seed: int, queue: Queue) -> None:
        """A run begins."""
        self.begun, self.done = time.perf_counter(), len(queue.results())
        others = queue.states().get("running", 1) - 1
        elsewhere = f", {others} in other workers" if others > 0 else ""
        name = f"[bold]{self.done + 1}/{self.runs}[/] {escape(in_words(setting))}, seed {seed}{elsewhere}"
        self.progress.update(self.task, description=name, completed=0.0, note="")

    def shows(self, record: StepRecord, progress: float) -> None:
        """A run goes on."""
        note = f"loss {record.total:.2f}"
        if self.own_runs:
            left = (self.runs - self.done) * self.own_seconds / self.own_runs
            note += f", at most {left / 60:.0f} min left"
        self.progress.update(self.task, completed=min(progress, 1.0), note=note)

    def ends(self, result: Result) -> None:
        """A run is measured."""
        seconds = time.perf_counter() - self.begun
        self.own_runs, self.own_seconds = self.own_runs + 1, self.own_seconds + seconds
        shown = ", ".join(
            f"{label} {'-' if (value := result.measures[name]) is None else f'{value:.3f}'}"
            for label, name in (("mAP50", "map50"), ("mAP50:95", "map50_95"))
        )
        say(
            self.console,
            f"{self.done + 1:>3}/{self.runs}  {escape(in_words(result.setting))}, seed {result.seed}: {shown}  "
            f"({seconds:.0f} s)",
        )


def in_words(setting: Setting) -> str:
    """``lambda_coord 5, size_term sqrt``."""
    return ", ".join(f"{name} {level_name(value)}" for name, value in setting.items())
