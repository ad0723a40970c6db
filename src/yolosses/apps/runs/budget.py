"""How long a run is: so many epochs, or so many minutes."""

from __future__ import annotations

import math

from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.request import TrainRequest
from yolosses.training.run import Settings


def require_budget(**lengths: float | None) -> None:
    """One length of a run at most, and more than 0, by the name of its option. Raises `CommandError`."""
    if all(length is not None for length in lengths.values()):
        options = ", ".join(map(_option, lengths))
        raise CommandError(f"{options}: expected one of them; got both")
    require_positive(**lengths)


def require_positive(**values: float | None) -> None:
    """Raise `CommandError` unless each is a number > 0, or left open."""
    for name, value in values.items():
        if value is not None and not 0 < value < math.inf:
            raise CommandError(f"{_option(name)}: expected a number > 0; got {value:g}")


def budget_of(run: Settings | TrainRequest) -> dict[str, float]:
    """The length of the run by its unit."""
    return {"epochs": run.epochs} if run.epochs else {"minutes": run.minutes or 0.0}


def budget_in_words(budget: dict[str, float]) -> str:
    """``5 minutes``, ``1 epoch``."""
    ((unit, amount),) = budget.items()
    return f"{amount:g} {unit if amount != 1 else unit[:-1]}"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
