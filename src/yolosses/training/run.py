"""The folder of a run: what was asked for, what happened, what came out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from yolosses.training.data import DataError, Fit
from yolosses.training.detect import NMS_IOU
from yolosses.training.files import PARTIAL, naming, partial_name, write_json, write_text
from yolosses.training.loop import StepRecord
from yolosses.training.typed_json import read_json

try:
    import fcntl
except ImportError:  # there is none on Windows
    fcntl = None  # type: ignore[assignment]

Option = float | int | str | bool | list[Any]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run was asked to do. Sizes are (height, width) in pixels, grids (rows, columns).

    ``grid``, ``boxes_per_cell``: of YOLOv1; None for the losses with several scales. ``loss_options``: keywords of the
    loss besides its shape; functions by their names, anchors in pixels as lists of (w, h), one list a level.
    ``nms_iou``: overlap above which the weaker of two detections is dropped; None: none is. ``batch_size``: pictures of
    a step, of all processes; ``accumulate``: parts in which a process computes its own; ``mosaic``: share of the images
    that are made of four pictures. What older runs do not say has a default.
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
    precision: str = "float32"
    accumulate: int = 1
    mosaic: float = 0.0


class RunFolder:
    """Names and formats of the files of a run.

    ``run.json`` the `Settings`; ``log.jsonl`` one `StepRecord` a line; ``model.pt`` the averaged weights;
    ``last.pt`` the state to resume from, ``last-1.pt`` the one before; ``data.json`` a fingerprint of the data;
    ``problems.txt`` what is wrong in its labels; ``metrics.json``, ``terms.png``, ``predictions.png`` the results;
    ``scores.jsonl`` the scores along the way, where they were asked for (`yolosses compare`);
    ``nonfinite.pt`` the batch that stopped the run, if one did.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_file = path / "run.json"
        self.log_file = path / "log.jsonl"
        self.weights_file = path / "model.pt"
        self.state_file = path / "last.pt"
        self.data_file = path / "data.json"
        self.problems_file = path / "problems.txt"
        self.nonfinite_file = path / "nonfinite.pt"
        self.metrics_file = path / "metrics.json"
        self.scores_file = path / "scores.jsonl"
        self.terms_picture = path / "terms.png"
        self.predictions_picture = path / "predictions.png"

    def exists(self) -> bool:
        """Whether there is a run here."""
        return self.settings_file.is_file() and not self.is_vacant()

    def is_vacant(self) -> bool:
        """Whether a run can begin here: there is no folder yet, or it is empty, or it holds only what a run leaves that
        was killed in its first moments, without settings that can be read."""
        if not self.path.is_dir():
            return True  # should it be a file, making the folder says so
        first = {
            file.name for file in (self.settings_file, self.log_file, self.data_file, self.problems_file)
        }
        first |= {partial_name(name) for name in (*first, self.state_file.name)}
        return all(file.name in first for file in self.path.iterdir()) and not self._can_be_read()

    def _can_be_read(self) -> bool:
        try:
            self.settings()
        except DataError:
            return False
        return True

    def create(self, settings: Settings) -> None:
        """Begin a run. Raises `DataError` unless the folder `is_vacant`."""
        if not self.is_vacant():
            raise DataError(
                f"{self.path}: expected a new or empty folder for the run; it holds something already"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self.write_settings(settings)

    def write_settings(self, settings: Settings) -> None:
        """What the run is asked to do from now on."""
        write_json(self.settings_file, asdict(settings))

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other processes from training in this folder, and remove what a killed one had half written. Raises
        `DataError` if one is training here now."""
        if fcntl is None:
            yield
            return
        folder = os.open(self.path, os.O_RDONLY)
        try:
            _lock(folder, self.path)
            for file in self.path.glob(f"*{PARTIAL}"):
                file.unlink()
            yield
        finally:
            os.close(folder)

    def settings(self) -> Settings:
        """What the run was asked to do. Raises `DataError` naming the file."""
        if not self.settings_file.is_file():
            raise DataError(
                f"{self.path}: expected the folder of a run; there is no {self.settings_file.name} in it"
            )
        return read_json(self.settings_file, Settings, what="the settings of a run")

    def open_log(self, *, last_step: int) -> Log:
        """The log to append to. Lines after ``last_step``, left by a run that died after its last checkpoint,
        are taken out."""
        kept = [row for row in self.log() if row["step"] <= last_step] if last_step else []
        write_text(self.log_file, "".join(json.dumps(row) + "\n" for row in kept))
        return Log(self.log_file)

    def log(self) -> Iterator[dict[str, Any]]:
        """The rows of the log; a last line cut off by a crash is left out."""
        if not self.log_file.is_file():
            return
        for line in self.log_file.read_text("utf-8", "replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return


class Log:
    """``log.jsonl`` while it grows: each line is in the file when `append` returns. Use it as a context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open(
            "ab", buffering=0
        )  # nothing is left to be written, and to fail, when it is closed

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, record: StepRecord) -> None:
        """One more step."""
        rest = (json.dumps(record.to_json()) + "\n").encode()
        with naming(self._path):
            while rest:  # a disk that is nearly full takes the beginning
                rest = rest[self._file.write(rest) :]

    def sync(self) -> None:
        """Wait until the disk has all lines: before a checkpoint, which is never to be ahead of its log."""
        with naming(self._path):
            os.fsync(self._file.fileno())


def _lock(folder: int, path: Path) -> None:
    """The lock ends with the process, however that ends."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"{path}: expected a run that no other process is training; one is") from None
    except OSError:
        pass  # some network file systems have no locks
