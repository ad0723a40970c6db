"""``--vary NAME=VALUE,VALUE,...``: which keywords of a loss a study tries, and which values."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from yolosses.apps.cli.build import loss_class
from yolosses.apps.cli.choices import PenaltyName
from yolosses.apps.cli.failures import CommandError
from yolosses.functional import Penalty
from yolosses.studies.ablation.structures import Level

# What the data, the network and the training loop decide.
NOT_VARIED = ("num_classes", "layout", "reduction", "class_weight")


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high`` that a sampler draws from, evenly in their logarithm where ``low`` > 0."""

    low: float
    high: float
    whole: bool


Values = tuple[Level, ...] | Range


def keywords(loss: str) -> dict[str, inspect.Parameter]:
    """The keywords of a loss that can be varied."""
    everything = inspect.signature(loss_class(loss)).parameters
    return {name: keyword for name, keyword in everything.items() if name not in NOT_VARIED}


def default_of(loss: str, name: str) -> Level:
    """The value of a keyword that the loss has by itself, as it is written on the command line."""
    value = keywords(loss)[name].default
    if name.endswith("_penalty"):
        return str(PenaltyName.SQUARED_ERROR)
    return value if isinstance(value, float | int | str | bool) else str(value)


def parse_vary(texts: Sequence[str], loss: str) -> dict[str, Values]:
    """Values by keyword. Raises `CommandError` with one line that names what is wrong and what is possible."""
    varied: dict[str, Values] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not values.strip():
            raise CommandError(f"--vary: expected NAME=VALUE,VALUE,...; got {text!r}")
        if name not in keywords(loss):
            raise CommandError(
                f"--vary {name}: expected a keyword of the loss {loss}: {', '.join(keywords(loss))}"
            )
        if name in varied:
            raise CommandError(f"--vary {name}: expected each name once; got it twice")
        varied[name] = _range(name, values, loss) or _levels(name, values, loss)
    return varied


def _levels(name: str, text: str, loss: str) -> tuple[Level, ...]:
    levels = tuple(_level(name, value.strip(), loss) for value in text.split(","))
    for place, level in enumerate(levels):
        if level in levels[:place]:
            raise CommandError(f"--vary {name}: expected different values; got {level} twice")
    return levels


def _level(name: str, text: str, loss: str) -> Level:
    """One value, of the keyword's type, and one that the loss takes."""
    kind = get_type_hints(loss_class(loss).__init__)[name]
    kinds = get_args(kind) or (kind,)
    if name.endswith("_penalty") or Penalty in kinds:
        return _choice(name, text, [str(penalty) for penalty in PenaltyName])
    if bool in kinds:
        return _choice(name, text.lower(), ["true", "false"]) == "true"
    level: Level = text if str in kinds else _number(name, text, whole=int in kinds)
    keyword: dict[str, Any] = {name: level}
    try:
        loss_class(loss)(**keyword)
    except (ValueError, TypeError) as error:
        raise CommandError(f"--vary {error}") from error
    return level


def _choice(name: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise CommandError(f"--vary {name}: expected one of {', '.join(choices)}; got {text!r}")
    return text


def _number(name: str, text: str, *, whole: bool) -> float | int:
    kind = "a whole number" if whole else "a number"
    try:
        number: float | int = int(text) if whole else float(text)
    except ValueError:
        raise CommandError(f"--vary {name}: expected {kind}; got {text!r}") from None
    if not math.isfinite(number):
        raise CommandError(f"--vary {name}: expected {kind}; got {text!r}")
    return number


def _range(name: str, text: str, loss: str) -> Range | None:
    """``LOW..HIGH``."""
    low, dots, high = text.partition("..")
    if not dots:
        return None
    ends: list[Any] = [_level(name, end.strip(), loss) for end in (low, high)]
    if any(isinstance(end, str | bool) for end in ends) or not ends[0] < ends[1]:
        raise CommandError(f"--vary {name}: expected numbers LOW..HIGH with LOW < HIGH; got {text!r}")
    return Range(float(ends[0]), float(ends[1]), whole=all(isinstance(end, int) for end in ends))
