"""Files of a run: tensors and plain numbers only, so that loading one can run no code."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from yolosses.training.data import DataError
from yolosses.training.files import whole_file
from yolosses.training.loop import Place, Training

_MISFIT = (
    KeyError,
    TypeError,
    RuntimeError,
    ValueError,
    AttributeError,
    IndexError,
)  # of a foreign checkpoint
_LONGEST = 120  # characters of a reason


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights; a file half written never replaces a whole one."""
    write_tensors(path, {name: tensor.detach().cpu() for name, tensor in weights.items()})


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read what `save_weights` wrote. Raises `DataError` naming the file if it is not there or something
    else."""
    weights: dict[str, Tensor] = _read(path)
    return weights


def previous(path: Path) -> Path:
    """Where the checkpoint before this one is kept: ``last-1.pt`` beside ``last.pt``."""
    return path.with_stem(f"{path.stem}-1")


def save_training(path: Path, training: Training) -> None:
    """Write all that a run needs to go on as if it had not stopped. The checkpoint that was there becomes the
    `previous` one."""
    with whole_file(path) as file:
        _save(state_of(training), file)
        if path.exists():
            path.replace(previous(path))


def state_of(training: Training) -> dict[str, Any]:
    """All that a run needs to go on as if it had not stopped: tensors and plain values."""
    return {
        "model": training.model.state_dict(),
        "average": training.average.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler.state_dict(),
        "place": asdict(training.place),
        "random": torch.get_rng_state(),
    }


def require_space(path: Path, training: Training) -> None:
    """Raise the ``OSError`` of a full disk, naming ``path``, if a checkpoint surely does not fit: better before the
    first step than after it."""
    weights = sum(p.numel() * p.element_size() for p in training.model.parameters())
    if (
        shutil.disk_usage(path.parent).free < 3 * weights
    ):  # those, their average, and the optimiser's momentum
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def load_training(path: Path, training: Training) -> None:
    """Bring ``training`` to the place that was saved. Raises `DataError` naming the file if that is not
    possible."""
    state = _read(path)
    try:
        restore(training, state)
        if "random" in state:  # not in checkpoints from before it was kept
            torch.set_rng_state(state["random"])
    except _MISFIT as error:
        raise DataError(
            f"{path}: expected the checkpoint of a run with these settings; {_first_line(error)}"
        ) from error


def restore(training: Training, state: dict[str, Any]) -> None:
    """Bring ``training`` to the place that `state_of` describes, but for the random numbers."""
    optimizer = state["optimizer"]
    for saved, group in zip(optimizer["param_groups"], training.optimizer.param_groups, strict=True):
        if saved.keys() != group.keys():
            raise ValueError("it is of another optimizer")
    training.model.load_state_dict(state["model"])
    training.average.load_state_dict(state["average"])
    training.optimizer.load_state_dict(optimizer)
    if state.get("scaler"):  # that of float16
        training.scaler.load_state_dict(state["scaler"])
    training.place = Place(**state["place"])


def load_newest(path: Path, training: Training) -> str | None:
    """Bring ``training`` to the last checkpoint that can be used; without any it stays at its beginning.

    Returns:
        What is wrong with ``path`` if the one before it was taken. The faulty file is kept as ``last-faulty.pt``.

    Raises:
        DataError: there are checkpoints, and none can be used.
    """
    fault: str | None = None
    for file in (path, previous(path)):
        if not file.exists():
            continue
        try:
            load_training(file, training)
        except DataError as error:
            fault = fault or str(error)
            continue
        if fault is not None:
            # Or the next checkpoint would make it the previous one, in place of the good one.
            path.replace(path.with_stem(f"{path.stem}-faulty"))
        return fault
    if fault is not None:
        names = " and ".join(file.name for file in (path, previous(path)) if file.exists())
        raise DataError(f"{fault}; no good checkpoint is left: without {names} the run begins again")
    return None


def write_tensors(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values, whole or not at all.

    Raises:
        OSError: naming ``path``.
    """
    with whole_file(path) as file:
        _save(state, file)


def fit_weights(path: Path, model: torch.nn.Module) -> None:
    """Load the weights of a run into its network. Raises `DataError` naming the file if they are not of this
    network."""
    if not path.is_file():
        raise DataError(
            f"{path}: expected the weights of a finished run; there are none (yolosses train --resume goes on with one "
            "that is not finished)"
        )
    weights = load_weights(path)
    try:
        model.load_state_dict(weights)
    except _MISFIT as error:
        raise DataError(
            f"{path}: expected the weights of this run's network; {_first_line(error)}"
        ) from error


def _save(state: dict[str, Any], file: IO[bytes]) -> None:
    try:
        torch.save(state, file)
    except RuntimeError as error:
        # What stopped the writing is covered by torch's complaint that the file is too short.
        if isinstance(error.__context__, OSError | KeyboardInterrupt):
            raise error.__context__ from None
        raise


def _first_line(error: Exception) -> str:
    """The reason in short: torch lists all entries that do not fit, under a heading."""
    if isinstance(error, KeyError):
        return f"it has no entry {error}"
    heading, *rest = str(error).splitlines()
    line = (rest[0] if rest else heading).strip()
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _read(path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"{path}: expected a checkpoint; there is no such file")
    try:
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(f"{path}: expected a checkpoint of yolosses; it cannot be read as one") from error
