"""``--vary NAME=VALUE,VALUE,...``: which keywords of a loss, or options of a training, a study tries, and which
values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from yolosses.apps.runs.choices import FitName
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.keywords import keywords, named_values, parse_option, typed
from yolosses.studies.ablation.structures import Level


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high`` that a sampler draws from, evenly in their logarithm where ``low`` > 0."""

    low: float
    high: float
    whole: bool

    @property
    def lowest(self) -> float | int:
        """``low``, as the loss takes it."""
        return int(self.low) if self.whole else self.low

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


Values = tuple[Level, ...] | Range

# Options of `yolosses train`.
TRAINING: dict[str, Any] = {
    "batch_size": Annotated[int, Field(ge=1)],
    "fit": FitName,
    "learning_rate": Annotated[float, Field(gt=0)],
    "model": Literal["tiny", "small"],
    "mosaic": Annotated[float, Field(ge=0, le=1)],
}


def parse_vary(texts: Sequence[str], loss: str) -> dict[str, Values]:
    """Values by keyword. Raises `CommandError` with one line that names what is wrong and what is possible."""
    varied: dict[str, Values] = {}
    for name, values in named_values("--vary", "NAME=VALUE,VALUE,...", texts).items():
        if name not in (*keywords(loss), *TRAINING):
            raise CommandError(
                f"--vary {name}: expected a keyword of the loss {loss}: {', '.join(keywords(loss))}; "
                f"or of training: {', '.join(TRAINING)}"
            )
        varied[name] = _range(name, values, loss) or _levels(name, values, loss)
    return varied


def _levels(name: str, text: str, loss: str) -> tuple[Level, ...]:
    levels = tuple(_level(name, value.strip(), loss) for value in text.split(","))
    for place, level in enumerate(levels):
        if level in levels[:place]:
            raise CommandError(f"--vary {name}: expected different values; got {level} twice")
    return levels


def _level(name: str, text: str, loss: str) -> Level:
    if name in TRAINING:
        return typed("--vary", name, text, TRAINING[name])
    return parse_option("--vary", name, text, loss)


def _range(name: str, text: str, loss: str) -> Range | None:
    """``LOW..HIGH``."""
    low, dots, high = text.partition("..")
    if not dots:
        return None
    ends: list[Any] = [_level(name, end.strip(), loss) for end in (low, high)]
    if any(isinstance(end, str | bool) for end in ends) or not ends[0] < ends[1]:
        raise CommandError(f"--vary {name}: expected numbers LOW..HIGH with LOW < HIGH; got {text!r}")
    return Range(float(ends[0]), float(ends[1]), whole=all(isinstance(end, int) for end in ends))
