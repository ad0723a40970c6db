"""What the page asks and what it gets: JSON in, JSON out, nothing trusted.

- ``{"id": 1, "do": "capabilities"}`` says what there is.
- ``{"id": 2, "do": "graph", "graph": KEY}`` gives what the page has to know of a graph, as in ``manifest.json``.
- ``{"id": 3, "do": "run", "graph": KEY, "inputs": {NAME: [numbers]}}`` gives
  ``{"id": 3, "outputs": {NAME: {"shape": [], "data": []}}}``. Arrays are flat, as lists or as float32 in base64;
  ``"packed": true`` asks for the latter. ``"wanted": [NAME]`` asks for some of the outputs only. Tensors of the raw
  output may be left out: then they are those of a network that knows nothing, or with ``"raw_of": NUMBER`` or
  ``"raw_of": "opened"`` what the network of the run emits for a picture.
- ``{"id": 4, "do": "scene", "picture": NUMBER or NAME}`` gives a picture of the data, see `Scene.to_json`.
- ``{"id": 5, "do": "all", "messages": [{"do": ...}, ...]}`` gives ``{"id": 5, "replies": [...]}``.
- Bytes are a picture that the reader opens: four for the id, the first the highest, and then the file.

What cannot be done gives ``{"id": ..., "error": "..."}``.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yolosses.apps.play import graphs
from yolosses.apps.play.scenes import Scene, Scenes
from yolosses.apps.runs.failures import CommandError
from yolosses.explain.raw_output import tensors_of
from yolosses.export.playground import CLASSES, MOST_BOXES, MOST_GRID, SLOTS, Graph
from yolosses.lessons import faulty_graphs

MOST_TOGETHER = 8  # messages in one
MOST_LETTERS = 4_000_000  # of a message
LARGEST = 1e6  # of a number: beyond, squares and exponentials say nothing any more
WHOLE = ("labels", "cells")
TRUE_OR_FALSE = ("mask", "ignore")
CAPABILITIES = {
    "classes": CLASSES, "slots": SLOTS, "grids": list(range(1, MOST_GRID + 1)),
    "boxes": list(range(1, MOST_BOXES + 1)), "options": graphs.LIVE_OPTIONS, "losses": ["v1", *graphs.LATER],
    "graphs": faulty_graphs.KEYS, "training": True,
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


class Reader:
    """What one reader has: the pictures of all, and the one that it opened itself."""

    def __init__(self, scenes: Scenes) -> None:
        self._scenes = scenes
        self._opened: Scene | None = None

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """What ``message`` asks for.

        Raises:
            MessageError: it asks for nothing that there is.
        """
        try:
            match message.get("do"):
                case "capabilities":
                    return {"capabilities": CAPABILITIES | self._scenes.capabilities()}
                case "graph":
                    return {"entry": vars(self._graph(message).entry)}
                case "run":
                    return {"outputs": _run(self._graph(message), message, self._raw_of(message))}
                case "scene":
                    return {"scene": self._shown(self._named(message.get("picture")))}
        except (CommandError, ValueError) as error:
            raise MessageError(str(error)) from None
        raise MessageError(
            f"do: expected capabilities, graph, run or scene; got {str(message.get('do'))[:40]!r}"
        )

    def open(self, content: bytes) -> dict[str, Any]:
        """The scene of a picture file; it takes the place of the one opened before.

        Raises:
            ValueError: it is none that can be opened.
        """
        self._opened = self._scenes.opened(content)
        return {"scene": self._shown(self._opened)}

    def _shown(self, scene: Scene) -> dict[str, Any]:
        return scene.to_json(with_raw=self._scenes.shows_raw)

    def _named(self, picture: Any) -> Scene:
        if isinstance(picture, bool) or not isinstance(picture, int | str) or len(str(picture)[:400]) == 400:
            raise MessageError(f"picture: expected a number or a name; got {str(picture)[:40]}")
        return self._scenes.named(picture)

    def _graph(self, message: dict[str, Any]) -> Graph:
        key = message.get("graph")
        if not isinstance(key, str):
            raise MessageError(f"graph: expected a string; got {type(key).__name__}")
        if not key.startswith("run-"):
            return graphs.graph(key)
        if self._scenes.detector is None:
            raise MessageError("graph: expected a server with RUN; this one has none")
        return self._scenes.detector.graph(key)

    def _raw_of(self, message: dict[str, Any]) -> tuple[Tensor, ...] | None:
        picture = message.get("raw_of")
        if picture is None:
            return None
        scene = self._opened if picture == "opened" else self._named(picture)
        if scene is None or scene.raw is None:
            raise MessageError("raw_of: expected a picture that was opened, and a server with RUN; got none")
        return tensors_of(scene.raw)


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


def _run(graph: Graph, message: dict[str, Any], raw: tuple[Tensor, ...] | None) -> dict[str, Any]:
    given, wanted = message.get("inputs"), message.get("wanted")
    names = list(graph.entry.inputs)
    known = dict(zip(names, graph.example if raw is None else raw, strict=False))
    left_out = {name for name in names if name.startswith("raw_")}
    if not isinstance(given, dict) or not set(names) - left_out <= set(given) <= set(names):
        got = sorted(map(str, given))[:20] if isinstance(given, dict) else type(given).__name__
        raise MessageError(f"inputs: expected {', '.join(names)}; got {got}")
    tensors = [
        _tensor(name, given[name], shape) if name in given else _fitting(name, known[name], shape)
        for name, shape in graph.entry.inputs.items()
    ]
    try:
        outputs = graph.function(*tensors)
    except (IndexError, RuntimeError) as error:  # such as a class or a cell that there is not
        raise MessageError(f"inputs: {str(error)[:200]}") from None
    form = _packed if message.get("packed") is True else _plain
    every = dict(zip(graph.entry.outputs, outputs, strict=True))
    if wanted is None:
        return {name: form(value) for name, value in every.items()}
    if not isinstance(wanted, list) or any(name not in graph.entry.outputs for name in wanted):
        raise MessageError(f"wanted: expected some of {', '.join(every)}; got {str(wanted)[:80]}")
    return {name: form(every[name]) for name in wanted}


def _fitting(name: str, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    if tuple(tensor.shape) != shape:
        raise MessageError(f"{name}: expected the output of a network for {shape}; got {tuple(tensor.shape)}")
    return tensor


def _tensor(name: str, values: Any, shape: tuple[int, ...]) -> Tensor:
    count = math.prod(shape)
    numbers = _numbers(name, values)
    if len(numbers) != count:
        raise MessageError(f"{name}: expected {count} numbers; got {len(numbers)}")
    if not bool((np.abs(numbers) <= LARGEST).all()):
        raise MessageError(f"{name}: expected finite numbers of at most {LARGEST:g}; got others")
    tensor = torch.from_numpy(numbers).reshape(shape)
    if name in WHOLE:
        return tensor.long()
    return tensor.bool() if name in TRUE_OR_FALSE else tensor


def _numbers(name: str, values: Any) -> NDArray[np.float32]:
    if isinstance(values, str):
        try:
            return np.frombuffer(base64.b64decode(values, validate=True), "<f4").astype(np.float32)
        except (binascii.Error, ValueError):
            raise MessageError(f"{name}: expected float32 in base64; got other text") from None
    if not isinstance(values, list):
        raise MessageError(f"{name}: expected numbers; got {type(values).__name__}")
    if not all(isinstance(value, int | float) and abs(value) <= LARGEST for value in values):
        raise MessageError(f"{name}: expected finite numbers of at most {LARGEST:g}; got others")
    return np.array(values, np.float32)


def _packed(value: Tensor) -> dict[str, Any]:
    """The numbers as float32 in base64."""
    content = value.detach().float().contiguous().numpy().tobytes()
    return {"shape": list(value.shape), "data": base64.b64encode(content).decode()}


def _plain(value: Tensor) -> dict[str, Any]:
    """Numbers that JSON has; NaN and infinity become null."""
    numbers = value.detach().flatten().tolist()
    finite = [number if math.isfinite(number) else None for number in numbers]
    return {"shape": list(value.shape), "data": finite}


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")
