"""Keywords of a loss on the command line: which there are, and values of their types."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from yolosses.apps.runs.build import build_keyword, family
from yolosses.apps.runs.choices import BOX_LOSSES, BoxLossName, PenaltyName
from yolosses.apps.runs.failures import CommandError
from yolosses.functional import Penalty
from yolosses.studies.ablation.structures import Level
from yolosses.training.run import Option
from yolosses.training.typed_json import first_fault

# What the data, the network, the training loop and the machine decide.
NOT_OPTIONS = (
    "impl", "num_classes", "layout", "reduction", "class_weight", "image_size", "stride", "strides", "activated",
    "new_coords",
)  # fmt: skip

NETWORK = ("grid", "boxes_per_cell")  # of v1: `yolosses train` has arguments for them


def keywords(loss: str) -> dict[str, inspect.Parameter]:
    """The keywords of a loss that can be written on the command line: numbers, words, yes or no, and penalties."""
    return {
        name: keyword
        for name, keyword in inspect.signature(family(loss).loss).parameters.items()
        if name not in NOT_OPTIONS and _is_plain(name, _hints(loss)[name])
    }


def default_of(loss: str, name: str) -> Level:
    """The value of a keyword that the loss has by itself, as it is written on the command line."""
    value = keywords(loss)[name].default
    if name.endswith("_penalty"):
        return "squared_error"
    if name == "box_loss":
        return next(choice for choice in BOX_LOSSES if build_keyword(name, choice) is value)
    return value if isinstance(value, float | int | str | bool) else str(value)


def parse_option(option: str, name: str, text: str, loss: str) -> Level:
    """One value of the keyword's type, and one that the loss takes.

    Raises:
        CommandError: naming ``option`` ("--vary"), the keyword and what is possible.
    """
    kinds = _kinds(_hints(loss)[name])
    if Penalty in kinds:
        return typed(option, name, text, PenaltyName)
    if name == "box_loss":
        return typed(option, name, text, BoxLossName)
    plain = (bool, float, str) if float in kinds else (bool, int, str)
    level = typed(option, name, text, Union[tuple(kind for kind in plain if kind in kinds)])  # noqa: UP007
    try:
        family(loss).loss(**{name: level})
    except (ValueError, TypeError) as error:
        raise CommandError(f"{option} {error}") from error
    return level


def typed(option: str, name: str, text: str, kind: Any) -> Level:
    """``text`` as a value of ``kind``. Raises `CommandError`."""
    try:
        return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False)).validate_strings(text)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise CommandError(f"{option} {name}: {first_fault(error)}") from error


def parse_options(texts: Sequence[str], loss: str) -> dict[str, Option]:
    """``--set NAME=VALUE``, each name once. Raises `CommandError`."""
    options: dict[str, Option] = {}
    for name, value in named_values("--set", "NAME=VALUE", texts).items():
        if name == "anchors" and family(loss).anchors:
            options[name] = _anchors(value, len(family(loss).strides))
            continue
        if name not in keywords(loss):
            words = ", ".join(keywords(loss))
            raise CommandError(f"--set {name}: expected a keyword of the loss {loss}: {words}")
        if name in NETWORK:
            raise CommandError(f"--set {name}: expected as --{name.replace('_', '-')}")
        options[name] = parse_option("--set", name, value.strip(), loss)
    return options


def named_values(option: str, shape: str, texts: Sequence[str]) -> dict[str, str]:
    """``NAME=...``, each name once. Raises `CommandError` naming ``option`` and the ``shape`` that is expected."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not value.strip():
            raise CommandError(f"{option}: expected {shape}; got {text!r}")
        if name in values:
            raise CommandError(f"{option} {name}: expected each name once; got it twice")
        values[name] = value
    return values


def _anchors(text: str, levels: int) -> list[Any]:
    """``10,13,16,30,...``: w, h in pixels, level by level, (levels, K, 2)."""
    numbers = [float(typed("--set", "anchors", part.strip(), float)) for part in text.split(",")]
    if len(numbers) % (2 * levels) or min(numbers) <= 0:
        raise CommandError(
            f"--set anchors: expected W,H,W,H,... > 0, as many for each of {levels} levels; got {text!r}"
        )
    pairs = [numbers[i : i + 2] for i in range(0, len(numbers), 2)]
    each = len(pairs) // levels
    return [pairs[i : i + each] for i in range(0, len(pairs), each)]


def _hints(loss: str) -> dict[str, Any]:
    return get_type_hints(family(loss).loss.__init__)


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The types that a keyword takes."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _is_plain(name: str, hint: Any) -> bool:
    kinds = _kinds(hint)
    return name == "box_loss" or any(kind in kinds for kind in (float, int, str, bool, Penalty))
