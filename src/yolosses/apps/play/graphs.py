"""The functions that a page can ask for where the library is behind it: those of the files, and what only lives here.

A key is one of `export.playground.graph_of` or of the faulty losses, or, with other numbers of classes and slots and
with ignored regions:

- ``v1-S-B-SIZE_TERM-CONFIDENCE_TARGET-CLASS_TERM-SIZE_ENCODING-PENALTY-CLASSES-SLOTS``,
- ``codec-S-B-SIZE_ENCODING-CLASSES-SLOTS``,
- ``LOSS-CLASSES-SLOTS`` and ``LOSS-CLASSES-SLOTS-decode``, with one of ``LATER``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from yolosses.apps.runs.build import build_penalty, family
from yolosses.apps.runs.choices import LOSSES
from yolosses.arguments import choice
from yolosses.export.playground import (
    MOST_BOXES,
    OPTIONS,
    SIDES,
    Graph,
    chosen,
    coder_graph,
    decoder_graph,
    graph_of,
    integer,
    loss_graph,
)
from yolosses.lessons import faulty_graphs
from yolosses.losses import YOLOv1Loss
from yolosses.losses.base import Loss
from yolosses.training.models import distance_start

LARGEST_GRID = 40  # cells a side: a run on pictures of 640 pixels
MOST_CLASSES, MOST_SLOTS = 2000, 100
LIVE_OPTIONS: dict[str, tuple[str, ...]] = {
    **OPTIONS,
    "size_encoding": ("sqrt", "linear"),
    # Those whose prediction is the output itself; those on logits would change what the output means.
    "penalty": ("squared_error", "absolute_error", "huber"),
}
LATER = LOSSES[1:]


@lru_cache(maxsize=128)
def graph(key: str) -> Graph:
    """The function that a key stands for.

    Raises:
        ValueError: ``key`` is none, or a number in it is out of range.
    """
    if key in faulty_graphs.KEYS:
        return faulty_graphs.faulty_graph(key)
    match key.split("-"):
        case ["codec", grid, boxes, encoding, classes, slots]:
            loss = _v1(grid, boxes, classes, size_encoding=encoding)
            return coder_graph(key, loss.codec, slots=integer(slots, MOST_SLOTS))
        case ["v1", grid, boxes, *options, encoding, penalty, classes, slots] if len(options) == len(OPTIONS):
            compared = build_penalty(choice("penalty", penalty, LIVE_OPTIONS["penalty"]))
            penalties = {f"{term}_penalty": compared for term in ("xy", "wh", "obj")}
            loss = _v1(grid, boxes, classes, size_encoding=encoding, **chosen(options), **penalties)
            raw = torch.zeros(1, *loss.codec.grid, loss.codec.channels)
            return loss_graph(key, loss, raw, slots=integer(slots, MOST_SLOTS), ignore=True)
        case [name, classes, slots] if name in LATER:
            most = integer(slots, MOST_SLOTS)
            return loss_graph(key, *_later(name, integer(classes, MOST_CLASSES)), slots=most, ignore=True)
        case [name, classes, _, "decode"] if name in LATER:
            return decoder_graph(key, *_later(name, integer(classes, MOST_CLASSES)))
    return graph_of(key)


def _v1(grid: str, boxes: str, classes: str, **options: Any) -> YOLOv1Loss:
    return YOLOv1Loss(
        grid=integer(grid, LARGEST_GRID), boxes_per_cell=integer(boxes, MOST_BOXES),
        num_classes=integer(classes, MOST_CLASSES), impl="torch", **options,
    )  # fmt: skip


def _later(name: str, classes: int) -> tuple[Loss, Any]:
    """A loss with its own options, and what a network that knows nothing emits for it: 0."""
    loss: Any = family(name).loss(num_classes=classes)
    raw: Any = [torch.zeros(1, loss.channels, side, side) for side in SIDES]
    match name:
        case "v2":
            raw = raw[1]  # its only level has a stride of 16
        case "v6":  # 0 would be boxes without a size, and none of them positive
            start = torch.tensor(distance_start(1) + (0.0,) * classes)
            raw = [level + start[:, None, None] for level in raw]
        case "v10":
            raw = {"one2many": raw, "one2one": [level.clone() for level in raw]}
    return loss, raw
