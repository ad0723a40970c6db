"""Small scenes to try a loss on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor

from yolosses.lessons.cases import scene_of
from yolosses.lessons.scene import Object, Scene

GRID, CLASSES = 3, 3
LEAST_GAP = 0.02  # between the IoUs of a cell's boxes: no ties, and one that overlaps its object
_fresh = 0


def probe(seed: int = 0) -> tuple[Tensor, list[Object]]:
    """A picture of 3 x 3 cells with three objects, no two in a cell, and what a network might emit for it.

    Returns:
        raw (3, 3, 13): two times x, y, w, h, confidence, then three classes; x, y in cell units, w, h fractions of the
        picture. And the objects: cell, x, y, w, h, label each. The same ones for the same ``seed``.
    """
    for attempt in count():
        words = np.random.SeedSequence((_fresh, abs(int(seed)), attempt)).generate_state(1)
        scene = scene_of(int(words[0]), grid=GRID, boxes=2, classes=CLASSES, objects=3)
        if all(abs(np.subtract(*scene.iou[each.cell])) > LEAST_GAP for each in scene.objects):
            return _raw(scene), list(scene.objects)
    raise AssertionError("count() does not end")


def perfect(objects: Sequence[Sequence[Any]]) -> Tensor:
    """(3, 3, 13) the output that is right in every number for these objects: box 0 of an object's cell is the object,
    with confidence 1 and its class; all other numbers are 0."""
    raw = torch.zeros(GRID**2, 10 + CLASSES)
    for cell, *box, label in objects:
        raw[cell, :5] = torch.tensor([*box, 1.0])
        raw[cell, 10 + label] = 1
    return raw.reshape(GRID, GRID, -1)


@contextlib.contextmanager
def fresh_scenes(number: int) -> Iterator[None]:
    """In the block, `probe` draws other scenes for the same seeds: a number typed in from one scene cannot pass."""
    global _fresh
    before, _fresh = _fresh, number
    try:
        yield
    finally:
        _fresh = before


def _raw(scene: Scene) -> Tensor:
    boxes = np.concatenate([scene.boxes, scene.confidence[..., None]], -1).reshape(GRID**2, -1)
    flat = np.concatenate([boxes, scene.scores], -1)
    return torch.tensor(flat.reshape(GRID, GRID, -1), dtype=torch.float32)
