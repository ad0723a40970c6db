"""The network and the loss of a finished run, as the playground shows them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from yolosses.apps.play.graphs import LARGEST_GRID, LIVE_OPTIONS, MOST_SLOTS
from yolosses.apps.runs.build import DetectorLoss
from yolosses.apps.runs.failures import CommandError
from yolosses.explain.raw_output import Raw, tensors_of, with_tensors
from yolosses.export.playground import MOST_BOXES, Graph, decoder_graph, integer, loss_graph
from yolosses.training.run import Settings

COORDINATES = ("xy_penalty", "wh_penalty", "obj_penalty")


class Detector:
    """The network of a run in evaluation mode, and its loss.

    Raises:
        CommandError: the run has a YOLOv1 loss with an option that the page does not have.
    """

    def __init__(self, name: str, settings: Settings, model: nn.Module, loss: DetectorLoss) -> None:
        self.name, self.settings = name, settings
        self._model, self._loss = model, loss
        self.page = page_settings(settings) if settings.loss == "v1" else {}
        height, width = settings.image_size
        self._example = self.emit(torch.full((1, 3, height, width), 0.5))
        self.graph = lru_cache(maxsize=16)(self._graph)

    @torch.no_grad()
    def emit(self, images: Tensor) -> Raw:
        """The raw output for images (B, 3, H, W) in 0..1, in float32."""
        raw: Raw = self._model(images.contiguous(memory_format=torch.channels_last))
        whole: Raw = with_tensors(raw, [part.float() for part in tensors_of(raw)])
        return whole

    def capabilities(self) -> dict[str, Any]:
        """What the page has to know of it."""
        return {"name": self.name, "loss": self.settings.loss, **self.page}

    def _graph(self, key: str) -> Graph:
        """``run-SLOTS``: the run's own loss; ``run-SLOTS-decode``: the boxes that it reads. Raises ``ValueError``."""
        loss: Any = self._loss
        match key.split("-"):
            case ["run", slots]:
                return loss_graph(key, loss, self._example, slots=integer(slots, MOST_SLOTS), ignore=True)
            case ["run", _, "decode"]:
                return decoder_graph(key, loss, self._example)
        raise ValueError(f"graph: expected run-SLOTS or run-SLOTS-decode; got {key[:80]!r}")


def page_settings(settings: Settings) -> dict[str, Any]:
    """Shape, options and weights of a YOLOv1 loss in the words of the page.

    Raises:
        CommandError: the page has no word for one of them.
    """
    options = dict(settings.loss_options)
    squared = "squared_error"
    penalty = str(options.pop("obj_penalty", squared))
    same = {name: options.pop(name, squared) for name in COORDINATES[:2]}
    same["noobj_penalty"] = options.pop("noobj_penalty", penalty)
    _require("obj_penalty", penalty, LIVE_OPTIONS["penalty"])
    for name, value in same.items():
        _require(name, value, (penalty,))
    _require("cls_penalty", options.pop("cls_penalty", squared), (squared,))
    lambdas = {
        name: options.pop(f"lambda_{name}", default)
        for name, default in {"coord": 5.0, "noobj": 0.5, "obj": 1.0, "cls": 1.0}.items()
    }
    words = {name: options.pop(name, LIVE_OPTIONS[name][0]) for name in LIVE_OPTIONS if name != "penalty"}
    for name, value in options.items():
        raise CommandError(
            f"RUN: expected options of YOLOv1Loss that the page has; got {name}={str(value)[:40]}"
        )
    assert settings.grid is not None
    assert settings.boxes_per_cell is not None
    (rows, columns), boxes = settings.grid, settings.boxes_per_cell
    if rows != columns or rows > LARGEST_GRID or boxes > MOST_BOXES:
        raise CommandError(
            f"RUN: expected S x S cells with S of at most {LARGEST_GRID} and at most {MOST_BOXES} boxes each; got "
            f"{rows} x {columns} cells and {boxes} boxes"
        )
    return {"grid": rows, "boxes": boxes, "options": {**words, "penalty": penalty}, "lambdas": lambdas}


def _require(name: str, value: object, possible: tuple[str, ...]) -> None:
    if value not in possible:
        raise CommandError(
            f"RUN: expected a run with {name}={' or '.join(possible)}, which the page can show; got {value}"
        )
