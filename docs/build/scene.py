"""One small scene, the same for the page of every loss: who is responsible for its objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import yolosses as yl
from yolosses.explain.pictures import draw_boxes
from yolosses.language import Language
from yolosses.losses.base import Loss, map_tensors

SIDE = 224  # pixels: 7 cells of 32, which suits every loss
CLASSES = ("circle", "square", "bar")
NAMES = {"en": CLASSES, "zh-TW": ("圓形", "方形", "長條")}
# cxcywh in pixels, class, colour. The square and the small circle have their centres in one cell of 32 pixels.
OBJECTS = (
    ((70, 78, 96, 96), 0, (214, 96, 77)),
    ((166, 142, 72, 72), 1, (67, 147, 195)),
    ((182, 152, 26, 26), 0, (244, 190, 90)),
    ((80, 190, 104, 22), 2, (90, 170, 110)),
)
STEPS, RATE = 30, 0.1


def targets() -> yl.Targets:
    """Its truth."""
    boxes = torch.tensor([box for box, _, _ in OBJECTS]) / SIDE
    return yl.Targets.from_cxcywh([boxes], [torch.tensor([label for _, label, _ in OBJECTS])])


def picture() -> Any:
    """(SIDE, SIDE, 3) uint8."""
    pixels = np.full((SIDE, SIDE, 3), (236, 236, 232), np.uint8)
    row, column = np.mgrid[:SIDE, :SIDE]
    for (x, y, w, h), label, colour in OBJECTS:
        dx, dy = (column + 0.5 - x) / (w / 2), (row + 0.5 - y) / (h / 2)
        inside = dx**2 + dy**2 < 1 if label == 0 else np.maximum(abs(dx), abs(dy)) < 1
        pixels[inside] = colour
    return pixels


def learned(loss: Loss, raw: Any) -> Any:
    """``raw`` after some steps towards the truth: boxes lie roughly where the objects are."""
    found: list[Tensor] = []

    def leaf(part: Tensor) -> Tensor:
        found.append((0.3 * part).requires_grad_())
        return found[-1]

    raw = map_tensors(leaf, raw)
    optimizer = torch.optim.Adam(found, lr=RATE if len(found) > 1 else RATE / 4)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(raw, targets()).total.backward()
        optimizer.step()
    return map_tensors(Tensor.detach, raw)


def draw(loss: Loss, raw: Any, title: str, language: Language, file: Path) -> yl.LossOutput:
    """The picture of who is responsible, and the loss."""
    explanation = yl.explain(loss, raw, targets(), class_names=NAMES[language], image_names=[title])
    figure = draw_boxes(explanation, 0, picture(), language=language)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    return loss(raw, targets())
