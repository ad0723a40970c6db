"""Files of a run: tensors and plain numbers only, so that loading one can run no code."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from yolosses.training.data import DataError
from yolosses.training.loop import Place, Training


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights; a file half written never replaces a whole one."""
    _write(path, {name: tensor.detach().cpu() for name, tensor in weights.items()})


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read what `save_weights` wrote. Raises `DataError` naming the file if it is not there or something
    else."""
    weights: dict[str, Tensor] = _read(path)
    return weights


def save_training(path: Path, training: Training) -> None:
    """Write all that a run needs to go on as if it had not stopped."""
    _write(
        path,
        {
            "model": training.model.state_dict(),
            "average": training.average.state_dict(),
            "optimizer": training.optimizer.state_dict(),
            "place": asdict(training.place),
        },
    )


def load_training(path: Path, training: Training) -> None:
    """Bring ``training`` to the place that was saved. Raises `DataError` naming the file if that is not
    possible."""
    state = _read(path)
    try:
        training.model.load_state_dict(state["model"])
        training.average.load_state_dict(state["average"])
        training.optimizer.load_state_dict(state["optimizer"])
        training.place = Place(**state["place"])
    except (KeyError, TypeError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: expected the checkpoint of a run with these settings; {reason}") from error


def _write(path: Path, state: dict[str, Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    torch.save(state, partial)
    partial.replace(path)


def _read(path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"{path}: expected a checkpoint; there is no such file")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(f"{path}: expected a checkpoint of yolosses; it cannot be read as one") from error
