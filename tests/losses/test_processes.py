"""Several real processes, whose gradients `DistributedDataParallel` averages, train as one that sees all images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from torch import Tensor, nn

import yolosses as yl

C, SIDE = 3, 64
BOXES = (((0.5, 0.5, 0.4, 0.6), (0.2, 0.3, 0.1, 0.2)), ((0.3, 0.6, 0.5, 0.5),), ())
PARTS = ((0, 1), (2,))  # images of the ranks: of unequal number, and the second without objects


def maps(channels: int, strides: tuple[int, ...]) -> nn.Module:
    """A convolution for each level."""
    return nn.ModuleList([nn.Conv2d(3, channels, stride, stride) for stride in strides])


FAMILIES: dict[str, Callable[[], tuple[Any, nn.Module]]] = {
    "v1": lambda: (yl.YOLOv1Loss(grid=4, num_classes=C), maps(10 + C, (16,))),
    "v5": lambda: (yl.YOLOv5Loss(num_classes=C), maps(3 * (5 + C), (8, 16, 32))),
    "v8": lambda: (yl.YOLOv8Loss(num_classes=C), maps(64 + C, (8, 16, 32))),
}


class Detector(nn.Module):
    def __init__(self, levels: Any, *, one_grid: bool) -> None:
        super().__init__()
        self.levels, self.one_grid = levels, one_grid

    def forward(self, images: Tensor) -> Any:
        raw = [level(images) for level in self.levels]
        return raw[0].movedim(1, -1) if self.one_grid else raw


def batch(images: tuple[int, ...]) -> tuple[Tensor, yl.Targets]:
    noise = torch.Generator().manual_seed(0)
    pictures = torch.rand(len(BOXES), 3, SIDE, SIDE, generator=noise)
    boxes = [torch.tensor(BOXES[image]).reshape(-1, 4) for image in images]
    labels = [torch.arange(len(table)) % C for table in boxes]
    return pictures[list(images)], yl.Targets.from_cxcywh(boxes, labels)


def built(family: str) -> tuple[Any, Detector]:
    torch.manual_seed(0)
    loss_fn, levels = FAMILIES[family]()
    return loss_fn, Detector(levels, one_grid=family == "v1")


def step(loss_fn: Any, model: nn.Module, images: tuple[int, ...], processes: int) -> Tensor:
    """As docs/en/how-to/several-processes.md has it."""
    pictures, targets = batch(images)
    raw = model(pictures)
    assignment = loss_fn.assign(raw, targets)
    total = loss_fn.own_normalizer(assignment)
    if processes > 1:
        dist.all_reduce(total)
    output = loss_fn(raw, targets, assignment, normalizer=loss_fn.shared_normalizer(total, processes))
    output.total.backward()
    return output.total.detach()


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=len(PARTS))
    found = {}
    for family in FAMILIES:
        loss_fn, model = built(family)
        wrapped = nn.parallel.DistributedDataParallel(model)
        total = step(loss_fn, wrapped, PARTS[rank], len(PARTS))
        found[family] = total, [parameter.grad for parameter in model.parameters()]
    torch.save(found, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="needs gloo")
@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    multiprocessing.spawn(worker, (str(tmp_path),), nprocs=len(PARTS))  # type: ignore[no-untyped-call]
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(len(PARTS))]
    for family in FAMILIES:
        loss_fn, model = built(family)
        whole = step(loss_fn, model, (0, 1, 2), 1)
        mean = sum(rank[family][0] for rank in ranks) / len(ranks)
        torch.testing.assert_close(mean, whole, rtol=1e-5, atol=1e-6)
        for index, parameter in enumerate(model.parameters()):
            first, second = (rank[family][1][index] for rank in ranks)
            assert torch.equal(first, second)
            assert parameter.grad is not None
            bound = 1e-5 * float(parameter.grad.abs().max())
            torch.testing.assert_close(first, parameter.grad, rtol=1e-4, atol=bound)
