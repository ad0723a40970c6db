"""The recipe of the page on several processes, in several processes."""

from __future__ import annotations

import multiprocessing
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

import yolosses as yl

PAGE = Path(__file__).parents[1] / "docs/en/how-to/several-processes.md"
RECIPE = r"def distributed_loss\(.*?\n(?=\n\n)"
IMAGES = (1, 3)  # of each process; the first has no object


def maps(channels: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(7)
    return [torch.randn(sum(IMAGES), channels, 64 // s, 64 // s, generator=generator) for s in (8, 16, 32)]


FAMILIES: dict[str, Any] = {
    "v1": lambda: (yl.YOLOv1Loss(grid=8, num_classes=3), maps(13)[:1]),
    "v3": lambda: (yl.YOLOv3Loss(num_classes=3), maps(24)),
    "v5": lambda: (yl.YOLOv5Loss(num_classes=3), maps(24)),
    "v8": lambda: (yl.YOLOv8Loss(num_classes=3, bins=4), maps(19)),
    "v10": lambda: (yl.YOLOv10Loss(num_classes=3, bins=1), maps(7)),
    "YOLOX": lambda: (yl.YOLOXLoss(num_classes=3), maps(8)),
}


def raw_of(family: str, levels: list[Tensor]) -> Any:
    if family == "v1":
        return levels[0].movedim(1, -1)
    return {"one2many": levels, "one2one": levels} if family == "v10" else levels


def truth() -> yl.Targets:
    boxes = [torch.zeros(0, 4), torch.tensor([[0.4, 0.4, 0.3, 0.4], [0.7, 0.6, 0.2, 0.2]])]
    boxes += [torch.tensor([[0.5, 0.5, 0.6, 0.6]]), torch.zeros(0, 4)]
    return yl.Targets.from_cxcywh(boxes, [torch.arange(len(each)) for each in boxes])


def one_process(rank: int, store: str, results: Any) -> None:
    names: dict[str, Any] = {"dist": dist}
    found = re.search(RECIPE, PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    exec(found.group(), names)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=len(IMAGES))
    own = slice(sum(IMAGES[:rank]), sum(IMAGES[: rank + 1]))
    for family, make in FAMILIES.items():
        loss_fn, levels = make()
        leaves = [level[own].clone().requires_grad_() for level in levels]
        total = names["distributed_loss"](loss_fn, raw_of(family, leaves), truth()[own]).total
        total.backward()
        results.put((family, rank, total.item(), [leaf.grad.numpy() for leaf in leaves]))  # type: ignore[union-attr]
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_gloo_available(), reason="this torch has no gloo")
def test_processes_train_on_the_loss_of_the_whole_batch(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=one_process, args=(rank, str(tmp_path / "store"), results))
        for rank in range(len(IMAGES))
    ]
    for process in processes:
        process.start()
    try:
        found = {row[:2]: row[2:] for row in (results.get(timeout=120) for _ in range(2 * len(FAMILIES)))}
        for process in processes:
            process.join(60)
    finally:
        for process in processes:
            process.kill()
    for family, make in FAMILIES.items():
        loss_fn, levels = make()
        leaves = [level.clone().requires_grad_() for level in levels]
        whole = loss_fn(raw_of(family, leaves), truth()).total
        whole.backward()
        both = [found[family, rank] for rank in range(len(IMAGES))]
        assert sum(total for total, _ in both) / 2 == pytest.approx(whole.item(), rel=1e-5)
        for level, leaf in enumerate(leaves):
            parts = torch.cat([torch.from_numpy(gradients[level]) for _, gradients in both]) / 2
            assert leaf.grad is not None
            torch.testing.assert_close(parts, leaf.grad, rtol=1e-4, atol=1e-6)
