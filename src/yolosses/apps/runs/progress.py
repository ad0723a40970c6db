"""The progress of a run: a live table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from yolosses.apps.runs.say import say
from yolosses.training.loop import StepRecord, Training

LINES = 10  # how often progress is printed where there is no terminal
SMOOTHING = 0.9  # of the shown terms, step by step
LABELS = {  # the formula's numbers, for the losses that have just these terms
    "xy": "1    box centre",
    "wh": "2    box width and height",
    "obj": "3-1  confidence, object",
    "noobj": "3-2  confidence, no object",
    "cls": "4    class",
}


class TrainingDisplay(ExitStack):
    """Shows pictures a second, time left and every term while a run goes on. Use it as a context."""

    def __init__(self, console: Console, training: Training) -> None:
        super().__init__()
        self.console = console
        self.training = training
        self.live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self.terms: dict[str, float] = {}
        self.unweighted: dict[str, float] = {}
        self.start_seconds, self.start_images = training.place.seconds, training.place.images
        self.start_progress = self.printed = training.progress

    def __enter__(self) -> Self:
        if self.live is not None:
            self.enter_context(self.live)
        return self

    def show(self, record: StepRecord) -> None:
        """Take in one more step."""
        self.terms = _blended(self.terms, record.terms)
        self.unweighted = _blended(self.unweighted, record.unweighted)
        if self.live is not None:
            self.live.update(self._panel(record))
        elif (progress := self.training.progress) >= min(self.printed + 1 / LINES, 1):
            self.printed = progress
            terms = "  ".join(f"{name} {value:.3f}" for name, value in self.terms.items())
            total = sum(self.terms.values())
            say(
                self.console,
                f"{min(progress, 1):4.0%}  step {record.step}  loss {total:.3f}  {terms}  {self._pace(record)}",
            )

    def _panel(self, record: StepRecord) -> Group:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("term")
        for heading in ("value", "weighted", "share"):
            table.add_column(heading, justify="right")
        table.add_column("", width=24)
        total = sum(self.terms.values())
        labels = LABELS if set(self.terms) == set(LABELS) else {}
        for name, weighted in self.terms.items():
            share = weighted / total if total else 0.0
            table.add_row(
                labels.get(name, name),
                f"{self.unweighted[name]:.3f}",
                f"{weighted:.3f}",
                f"{share:.0%}",
                ProgressBar(total=1, completed=share, width=24),
            )
        table.add_section()
        table.add_row("total", "", f"{total:.3f}", style="bold")
        progress = min(self.training.progress, 1)
        line = Text(f"{progress:4.0%}  epoch {record.epoch + 1}, step {record.step}  {self._pace(record)}")
        return Group(table, line, ProgressBar(total=1, completed=progress, width=82))

    def _pace(self, record: StepRecord) -> str:
        seconds = record.seconds - self.start_seconds
        images = record.images - self.start_images
        progress = self.training.progress
        done = progress - self.start_progress
        left = max(0.0, seconds / done * (1 - progress)) if done > 0 else 0.0
        return f"{images / seconds:.1f} images/s  {int(left // 60)}:{int(left % 60):02d} left"


def _blended(shown: dict[str, float], new: dict[str, float]) -> dict[str, float]:
    return {name: SMOOTHING * shown.get(name, value) + (1 - SMOOTHING) * value for name, value in new.items()}
