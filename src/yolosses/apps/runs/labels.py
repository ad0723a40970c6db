"""Saying what is wrong with the labels of a data set, and finding a picture in it."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.say import note, say
from yolosses.training.data import DetectionDataset
from yolosses.training.files import write_text

SHOWN = 5


def picture_named(dataset: DetectionDataset, name: str, *, argument: str) -> int:
    """The picture with a name, or with that name without the suffix if only one picture has it. Raises `CommandError`
    naming the argument."""
    names = [record.name for record in dataset.records]
    found = [index for index, known in enumerate(names) if known == name]
    found = found or [index for index, known in enumerate(names) if Path(known).stem == name]
    if len(found) == 1:
        return found[0]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    told = f"{len(found)} of them" if found else "none"
    raise CommandError(
        f"{argument} {name}: expected the name of a picture in {dataset.name}, {dataset.split} "
        f"({len(names)} pictures); got {told}{hint}"
    )


def report_unreadable(console: Console, datasets: Sequence[DetectionDataset]) -> None:
    """Say which pictures turned out to be unreadable after the data were opened."""
    for dataset in datasets:
        reasons = list(dataset.unreadable.values())
        for reason in reasons[:SHOWN]:
            note(console, f"{dataset.split}: left out, {below(Path.cwd(), reason)}")
        if len(reasons) > SHOWN:
            note(console, f"{dataset.split}: left out, and {len(reasons) - SHOWN} more pictures")


def report_problems(console: Console, datasets: Sequence[DetectionDataset], file: Path) -> None:
    """Print what a person must know of each data set and its first problems; write all problems to ``file``."""
    for line in dict.fromkeys(line for dataset in datasets for line in dataset.notes):
        note(console, line)
    for dataset in datasets:
        if not dataset.problems:
            continue
        counts = Counter(problem.action for problem in dataset.problems)
        summary = ", ".join(f"{count} {action}" for action, count in sorted(counts.items()))
        console.print(f"[yellow]problems[/] in {dataset.split}: {summary}", highlight=False)
        for problem in dataset.problems[:SHOWN]:
            say(console, f"  {escape(below(Path.cwd(), str(problem)))}")
        if len(dataset.problems) > SHOWN:
            console.print(f"  ... and {len(dataset.problems) - SHOWN} more", highlight=False)
    problems = [problem for dataset in datasets for problem in dataset.problems]
    if problems:
        write_text(file, "".join(f"{problem}\n" for problem in problems))
        say(console, f"  all of them: {escape(str(file))}")


def below(folder: Path, text: str) -> str:
    """A line that begins with a path, without ``folder`` or the working directory in front."""
    for root in (folder, folder.absolute(), Path.cwd()):
        if (shorter := text.removeprefix(f"{root}{os.sep}")) != text:
            return shorter
    return text
