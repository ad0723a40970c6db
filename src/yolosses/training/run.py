"""The folder of a run: what was asked for, what happened, what came out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from yolosses.training.data import DataError, Fit
from yolosses.training.detect import NMS_IOU
from yolosses.training.loop import StepRecord

Option = float | int | str | bool | list[Any]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run was asked to do. Sizes are (height, width) in pixels, grids (rows, columns).

    ``grid``, ``boxes_per_cell``: of YOLOv1; None for the losses with several scales. ``loss_options``: keywords of the
    loss besides its shape; functions by their names, anchors in pixels as lists of (w, h), one list a level.
    ``nms_iou``: overlap above which the weaker of two detections is dropped; None: none is. What older runs do not say
    has a default.
    """

    data: str
    train_split: str
    eval_split: str
    class_names: tuple[str, ...]
    loss: str
    model: str
    image_size: tuple[int, int]
    grid: tuple[int, int] | None
    boxes_per_cell: int | None
    loss_options: dict[str, Option]
    fit: Fit
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    epochs: int | None
    minutes: float | None
    seed: int
    version: str
    nms_iou: float | None = NMS_IOU

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Settings:
        """From what `dataclasses.asdict` made and json kept. Raises ``KeyError`` on a missing entry."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values or f.default is MISSING}
        for name in ("class_names", "image_size", "grid"):
            known[name] = None if known[name] is None else tuple(known[name])
        return cls(**known)


class RunFolder:
    """Names and formats of the files of a run.

    ``run.json`` the `Settings`; ``log.jsonl`` one `StepRecord` a line; ``model.pt`` the averaged weights;
    ``last.pt`` the state to resume from; ``metrics.json``, ``terms.png``, ``predictions.png`` the results;
    ``scores.jsonl`` the scores along the way, where they were asked for (`yolosses compare`);
    ``nonfinite.pt`` the batch that stopped the run, if one did.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_file = path / "run.json"
        self.log_file = path / "log.jsonl"
        self.weights_file = path / "model.pt"
        self.state_file = path / "last.pt"
        self.nonfinite_file = path / "nonfinite.pt"
        self.metrics_file = path / "metrics.json"
        self.scores_file = path / "scores.jsonl"
        self.terms_picture = path / "terms.png"
        self.predictions_picture = path / "predictions.png"

    def exists(self) -> bool:
        """Whether there is a run here."""
        return self.settings_file.is_file()

    def create(self, settings: Settings) -> None:
        """Begin a run in a new or empty folder. Raises `DataError` if the folder holds anything."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise DataError(
                f"{self.path}: expected a new or empty folder for the run; it holds something already"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.settings_file, asdict(settings))

    def settings(self) -> Settings:
        """What the run was asked to do. Raises `DataError` naming the file."""
        if not self.exists():
            raise DataError(
                f"{self.path}: expected the folder of a run; there is no {self.settings_file.name} in it"
            )
        try:
            return Settings.from_json(json.loads(self.settings_file.read_text("utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.settings_file}: expected the settings of a run; {error!r}") from error

    def open_log(self, *, last_step: int) -> TextIO:
        """The log to append to. Lines after ``last_step``, left by a run that died after its last checkpoint,
        are taken out."""
        kept = [row for row in self.log() if row["step"] <= last_step] if last_step else []
        log = self.log_file.open("w", encoding="utf-8", buffering=1)
        log.writelines(json.dumps(row) + "\n" for row in kept)
        return log

    def log(self) -> Iterator[dict[str, Any]]:
        """The rows of the log; a last line cut off by a crash is left out."""
        if not self.log_file.is_file():
            return
        for line in self.log_file.read_text("utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return


def log_line(record: StepRecord) -> str:
    """A record as one line of the log."""
    return json.dumps(record.to_json()) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write readable json."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
