"""What the page asks and what it gets: JSON in, JSON out, nothing trusted.

``{"id": 1, "do": "graph", "graph": KEY}`` gives what the page has to know of a graph, as in ``manifest.json``;
``{"id": 2, "do": "run", "graph": KEY, "inputs": {NAME: [numbers]}}`` gives ``{"id": 2, "outputs": {NAME: {"shape": [],
"data": []}}}``; ``{"id": 3, "do": "capabilities"}`` says what there is. Arrays are flat. What cannot be done gives
``{"id": ..., "error": "..."}``. ``{"id": 4, "do": "all", "messages": [{"do": ...}, ...]}`` gives ``{"id": 4,
"replies": [...]}``.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from yolosses.export.playground import CLASSES, MOST_BOXES, MOST_GRID, OPTIONS, SLOTS, Graph, graph_of
from yolosses.lessons import faulty_graphs

MOST_TOGETHER = 8  # messages in one
MOST_LETTERS = 2_000_000  # of a message: the six maps of v10 take some 400,000
LARGEST = 1e6  # of a number: beyond, squares and exponentials say nothing any more
WHOLE = ("labels", "cells")
TRUE_OR_FALSE = ("mask",)
CAPABILITIES = {
    "classes": CLASSES, "slots": SLOTS, "grids": list(range(1, MOST_GRID + 1)),
    "boxes": list(range(1, MOST_BOXES + 1)), "options": OPTIONS, "graphs": faulty_graphs.KEYS,
    "pictures": False, "runs": False, "training": True,
}  # fmt: skip


class MessageError(ValueError):
    """What is wrong with a message; it is told to whoever sent it."""


def parse(text: str) -> tuple[Any, dict[str, Any]]:
    """The id of a message, and the message.

    Raises:
        MessageError: it is not an object in JSON.
    """
    if len(text) > MOST_LETTERS:
        raise MessageError(f"message: expected at most {MOST_LETTERS:,} letters; got {len(text):,}")
    try:
        message = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"message: expected JSON; {str(error)[:80]}") from None
    if not isinstance(message, dict):
        raise MessageError(f"message: expected an object; got {type(message).__name__}")
    number = message.get("id")
    return number if isinstance(number, int | float | str) and len(str(number)) < 40 else None, message


def answer(message: dict[str, Any]) -> dict[str, Any]:
    """What ``message`` asks for.

    Raises:
        MessageError: it asks for nothing that there is.
    """
    match message.get("do"):
        case "capabilities":
            return {"capabilities": CAPABILITIES}
        case "graph":
            return {"entry": vars(_graph(message).entry)}
        case "run":
            return {"outputs": _run(_graph(message), message.get("inputs"))}
    raise MessageError(f"do: expected capabilities, graph or run; got {str(message.get('do'))[:40]!r}")


def several(messages: Any) -> list[dict[str, Any]]:
    """The messages in one.

    Raises:
        MessageError: they are none, too many or no objects.
    """
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST_TOGETHER:
        got = len(messages) if isinstance(messages, list) else type(messages).__name__
        raise MessageError(f"messages: expected 1 to {MOST_TOGETHER} messages; got {got}")
    if not all(isinstance(each, dict) for each in messages):
        raise MessageError("messages: expected objects; got others")
    return messages


def _graph(message: dict[str, Any]) -> Graph:
    key = message.get("graph")
    if not isinstance(key, str):
        raise MessageError(f"graph: expected a string; got {type(key).__name__}")
    try:
        return _kept(key)
    except ValueError as error:
        raise MessageError(str(error)) from None


@lru_cache(maxsize=128)
def _kept(key: str) -> Graph:
    return faulty_graphs.faulty_graph(key) if key in faulty_graphs.KEYS else graph_of(key)


def _run(graph: Graph, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or set(given) != set(graph.entry.inputs):
        got = sorted(map(str, given))[:20] if isinstance(given, dict) else type(given).__name__
        raise MessageError(f"inputs: expected {', '.join(graph.entry.inputs)}; got {got}")
    tensors = [_tensor(name, given[name], shape) for name, shape in graph.entry.inputs.items()]
    try:
        outputs = graph.function(*tensors)
    except (IndexError, RuntimeError) as error:  # such as a class or a cell that there is not
        raise MessageError(f"inputs: {str(error)[:200]}") from None
    return {name: _plain(value) for name, value in zip(graph.entry.outputs, outputs, strict=True)}


def _tensor(name: str, values: Any, shape: tuple[int, ...]) -> Tensor:
    count = math.prod(shape)
    if not isinstance(values, list) or len(values) != count:
        got = len(values) if isinstance(values, list) else type(values).__name__
        raise MessageError(f"{name}: expected {count} numbers; got {got}")
    if not all(isinstance(value, int | float) and abs(value) <= LARGEST for value in values):
        raise MessageError(f"{name}: expected finite numbers of at most {LARGEST:g}; got others")
    if name in WHOLE:
        return torch.tensor([int(value) for value in values], dtype=torch.long).reshape(shape)
    if name in TRUE_OR_FALSE:
        return torch.tensor([bool(value) for value in values]).reshape(shape)
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


def _plain(value: Tensor) -> dict[str, Any]:
    """Numbers that JSON has; NaN and infinity become null."""
    numbers = value.detach().flatten().tolist()
    finite = [number if math.isfinite(number) else None for number in numbers]
    return {"shape": list(value.shape), "data": finite}


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")
