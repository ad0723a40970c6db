"""A run in TensorBoard: every term, weighted and not, the scores at the end, and pictures. Needs the extra
``tensorboard``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from yolosses.training.evaluation import Metrics
from yolosses.training.loop import StepRecord


class Board:
    """Writes what TensorBoard shows. As a context it takes the records of the steps, each by a call.

    Args:
        folder: where the files go.
        last_step: what is there of later steps, from a run that died and goes on here, is taken out.
    """

    def __init__(self, folder: Path, *, last_step: int = 0) -> None:
        self._folder, self._next = folder, last_step + 1
        self._steps: SummaryWriter | None = None

    def __enter__(self) -> Board:
        self._steps = SummaryWriter(str(self._folder), purge_step=self._next)
        return self

    def __exit__(self, *_: object) -> None:
        if self._steps is not None:
            self._steps.close()

    def __call__(self, record: StepRecord) -> None:
        """One optimiser step."""
        assert self._steps is not None
        values = {
            "loss/total": record.total,
            **{f"weighted/{term}": value for term, value in record.terms.items()},
            **{f"unweighted/{term}": value for term, value in record.unweighted.items()},
            "optimiser/learning_rate": record.learning_rate,
            "optimiser/gradient_norm": record.gradient_norm,
        }
        for name, value in values.items():
            self._steps.add_scalar(name, value, record.step)

    def results(self, metrics: Metrics, pictures: Path, step: int) -> None:
        """The scores after ``step`` steps, without those that are undefined, and the sheet of predictions."""
        values = {f"metrics/{field.name}": getattr(metrics, field.name) for field in fields(Metrics)}
        values |= {f"AP50/{row.name}": row.ap50 for row in metrics.classes}
        with SummaryWriter(str(self._folder)) as writer, Image.open(pictures) as sheet:
            for name, value in values.items():
                if isinstance(value, float):
                    writer.add_scalar(name, value, step)
            writer.add_image("predictions", np.asarray(sheet.convert("RGB")), step, dataformats="HWC")
