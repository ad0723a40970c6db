"""What `torch.compile` makes of training: another number of objects or images, or another size, must neither stop it
nor make a graph each time.

Graphs are counted and run as they are traced; the limit of graphs is the one that users have (8), beyond which a step
of ``fullgraph=True`` raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import yolosses as yl
from yolosses import modes

C = 3


def maps(channels: int, images: int, height: int, width: int) -> list[Tensor]:
    sizes = [(height // stride, width // stride) for stride in (8, 16, 32)]
    return [torch.randn(images, channels, *size, requires_grad=True) for size in sizes]


def grid(images: int, height: int, width: int) -> Tensor:
    return torch.rand(images, 7, 7, 13, requires_grad=True)  # of whatever image


def cells(images: int, height: int, width: int) -> Tensor:
    return torch.randn(images, 5 * (5 + C), height // 8, width // 8, requires_grad=True)


def two_heads(images: int, height: int, width: int) -> dict[str, list[Tensor]]:
    return {name: maps(64 + C, images, height, width) for name in ("one2one", "one2many")}


def of_maps(channels: int) -> Callable[..., list[Tensor]]:
    return lambda *shape: maps(channels, *shape)


FAMILIES: dict[str, tuple[Callable[..., nn.Module], Callable[..., Any]]] = {
    "v1": (yl.YOLOv1Loss, grid),
    "v2": (yl.YOLOv2Loss, cells),
    "v3": (yl.YOLOv3Loss, of_maps(3 * (5 + C))),
    "v4": (yl.YOLOv4Loss, of_maps(3 * (5 + C))),
    "v5": (yl.YOLOv5Loss, of_maps(3 * (5 + C))),
    "v6": (yl.YOLOv6Loss, of_maps(4 + C)),
    "v7": (yl.YOLOv7Loss, of_maps(3 * (5 + C))),
    "v8": (yl.YOLOv8Loss, of_maps(64 + C)),
    "v10": (yl.YOLOv10Loss, two_heads),
    "yolox": (yl.YOLOXLoss, of_maps(5 + C)),
}
STEPS = (
    (2, 64, 64, 3), (4, 96, 128, 12), (3, 128, 96, 33), (2, 64, 64, 7), (5, 160, 64, 40), (3, 96, 96, 120),
    (6, 64, 128, 300), (4, 128, 128, 9), (2, 96, 64, 64), (7, 64, 64, 20),
)  # fmt: skip
"""Images, height, width, objects: more combinations than graphs may be made."""
MOST_GRAPHS = 4
ON_A_GPU = ("v8", "yolox")
"""A reading and a search of each kind."""


@pytest.fixture(autouse=True)
def no_graphs() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def targets(images: int, objects: int) -> yl.Targets:
    boxes = torch.rand(objects, 4) * 0.4 + 0.2
    counts = [max(1, objects >> image) for image in range(images)]
    return yl.Targets.from_cxcywh(
        [boxes[:count] for count in counts], [torch.arange(count) % C for count in counts]
    )


class Compiled:
    """A compiled loss that counts its graphs."""

    def __init__(self, loss: nn.Module, **options: Any) -> None:
        self.graphs = 0
        self.step = torch.compile(loss, backend=self.count, fullgraph=True, **options)

    def count(self, graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        self.graphs += 1
        return graph

    def __call__(self, raw: Any, truth: yl.Targets) -> None:
        self.step(raw, truth).total.backward()


def train(family: str, steps: Sequence[tuple[int, int, int, int]], **options: Any) -> int:
    """The graphs of a training."""
    make, raw = FAMILIES[family]
    loss = Compiled(make(num_classes=C), **options)
    for images, height, width, objects in steps:
        loss(raw(images, height, width), targets(images, objects))
    return loss.graphs


@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_needs_few_graphs(family: str) -> None:
    assert train(family, STEPS) <= MOST_GRAPHS


@pytest.mark.parametrize("family", ON_A_GPU)
def test_a_training_on_a_gpu_needs_few_graphs(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "on_cpu", lambda _: False)
    assert train(family, STEPS) <= MOST_GRAPHS


def test_unknown_sizes_from_the_beginning() -> None:
    assert train("v8", STEPS[-3:], dynamic=True) <= 3
