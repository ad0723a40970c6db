"""The folder of a run: a free one, or one with a run to go on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.keywords import default_of
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.say import note, say
from yolosses.apps.runs.settings import given_options
from yolosses.training.checkpoints import load_newest, previous
from yolosses.training.data import DetectionDataset
from yolosses.training.figures import plot_terms
from yolosses.training.files import require_folder, write_figure
from yolosses.training.fingerprint import changes_of_data
from yolosses.training.loop import Training
from yolosses.training.run import RunFolder, Settings


def free_folder(name: str) -> Path:
    """``runs/name``, or ``runs/name-2`` and so on if that is taken."""
    path, number = Path("runs") / name, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{name}-{number}"
    return path


def require_out(folder: Path) -> None:
    """Make a folder for what comes out. Raises `CommandError` if it is a file, ``OSError`` if it takes none."""
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"--out {folder}: expected a folder; it is a file")
    require_folder(folder)


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


def extended(settings: Settings, request: TrainRequest) -> Settings:
    """The stored settings, with a new budget if one is given. Any other argument must be as it was."""
    asked = {f.name: getattr(request, f.name) for f in fields(TrainRequest) if f.name in request.given}
    if "data" in asked and asked["data"] != "digits":
        asked["data"] = str(Path(asked["data"]).resolve())
    for name in ("image_size", "grid"):
        if name in asked:
            asked[name] = (asked[name], asked[name])
    stored = {f.name for f in fields(Settings)} - {"epochs", "minutes"}
    before = {name: getattr(settings, name) for name in asked if name in stored}
    for name, value in given_options(request, settings.loss).items():
        kept = settings.loss_options
        asked[name], before[name] = value, kept[name] if name in kept else default_of(settings.loss, name)
    for name, value in before.items():
        if asked[name] != value:
            raise CommandError(
                f"--{name.replace('_', '-')}: expected {value} as in the run to resume; got {asked[name]}"
            )
    if "epochs" in asked or "minutes" in asked:
        return replace(settings, epochs=asked.get("epochs"), minutes=asked.get("minutes"))
    return settings


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
    say(console, f"the run in {escape(str(folder.path))} is resumed {where}")
    for change in changes_of_data(folder.data_file, datasets):
        note(console, f"the data changed since step {step}: {change}")


def draw_terms(folder: RunFolder, settings: Settings, data: str) -> list[dict[str, Any]]:
    """Draw the curves of the terms; returns the rows of the log."""
    rows = list(folder.log())
    title = f"{data}: the terms of the loss {settings.loss}"
    write_figure(folder.terms_picture, plot_terms(rows, title))
    return rows
