"""What part of a training step is the loss: forward of the network, loss, backward, optimiser, to
``benchmarks/results/step-share.json``.

.venv/bin/python benchmarks/step_share.py

`tiny` as ``yolosses train`` builds it, and a plain convolutional network of the size of YOLOv8n (3.2 million parameters
and 8.7 GFLOP a picture of 640 px) with COCO's 80 classes. Backward of the loss ends at the network's output.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from measuring import conditions, load, publish, spread_of
from step_time import scene
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import yolosses as yl
from yolosses.training.models import Emission, Tiny, TinyLevels, distance_start
from yolosses.training.models.blocks import ConvBlock, SplitStage

REPEATS = 5


class OfSizeN(nn.Module):
    """Convolutions down to three levels, and a head of 4R + C numbers for each."""

    def __init__(self, channels: int = 144) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvBlock(3, 16, stride=2), ConvBlock(16, 32, stride=2), SplitStage(32, 1))
        widths, depths = (32, 64, 128, 256), (2, 2, 4)
        self.stages = nn.ModuleList(
            nn.Sequential(ConvBlock(before, after, stride=2), SplitStage(after, depth))
            for before, after, depth in zip(widths[:-1], widths[1:], depths, strict=True)
        )
        self.heads = nn.ModuleList(
            nn.Sequential(
                ConvBlock(width, 104), ConvBlock(104, 104), ConvBlock(104, 104), nn.Conv2d(104, channels, 1)
            )
            for width in widths[1:]
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        features, found = self.stem(images), []
        for stage, head in zip(self.stages, self.heads, strict=True):
            features = stage(features)
            found.append(head(features))
        return found


def size_of(model: nn.Module, images: Tensor) -> dict[str, float]:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(images[:1])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "million_parameters": round(parameters / 1e6, 2),
        "gflop": round(counter.get_total_flops() / 1e9, 2),
    }


def share(
    name: str, model: nn.Module, loss: Callable[..., yl.LossOutput], targets: yl.Targets, size: int
) -> dict[str, Any]:
    """Medians of a step and of its loss."""
    images = torch.rand(len(targets), 3, size, size)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    of_loss, of_step = [], []
    for turn in range(REPEATS + 1):
        start = time.perf_counter()
        raw = model(images)
        maps = raw if isinstance(raw, list) else [raw]
        leaves = [level.detach().requires_grad_() for level in maps]
        before = time.perf_counter()
        output = loss(leaves if isinstance(raw, list) else leaves[0], targets)
        output.total.backward()  # type: ignore[no-untyped-call]
        after = time.perf_counter()
        optimizer.zero_grad()
        torch.autograd.backward(maps, [leaf.grad for leaf in leaves])
        optimizer.step()
        if turn:
            of_loss.append(1000 * (after - before))
            of_step.append(1000 * (time.perf_counter() - start))
    rows = {"step": spread_of(of_step), "loss": spread_of(of_loss)}
    percent = 100 * rows["loss"]["median_ms"] / rows["step"]["median_ms"]
    print(f"{name}: {percent:.1f}% of {rows['step']['median_ms']:.0f} ms", flush=True)
    return {"case": name, "images": len(targets), "pixels": size, **size_of(model, images), **rows,
            "percent": round(percent, 2)}  # fmt: skip


def table(cases: list[dict[str, Any]]) -> str:
    lines = [
        "| network and loss | parameters | a step | its loss | share |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['case']}, {row['images']} x {row['pixels']} px | {row['million_parameters']:.2f} M "
        f"| {row['step']['median_ms']:.0f} ms | {row['loss']['median_ms']:.1f} ms | {row['percent']:.1f} % |"
        for row in cases
    ]
    return "\n".join(lines)


def main() -> None:
    torch.set_num_threads(2)
    torch.manual_seed(0)
    before = load()
    few, coco = scene(16, 3, size=224, classes=20), scene(16, 7, size=640, classes=80)
    emission = Emission(num_classes=20, box=distance_start(16))
    tiny, levels, size_n = Tiny(num_classes=20), TinyLevels(dict.fromkeys((8, 16, 32), emission)), OfSizeN()
    cases = []
    for impl, said in (("torch", ""), ("numba", ", loops")):
        cases += [
            share(f"tiny, v1{said}", tiny, yl.YOLOv1Loss(grid=14, impl=impl), few, 224),
            share(f"tiny, v8{said}", levels, yl.YOLOv8Loss(num_classes=20, impl=impl), few, 224),
            share(f"of YOLOv8n's size, v8{said}", size_n, yl.YOLOv8Loss(impl=impl), coco, 640),
        ]
    publish("step-share", {**conditions(before, REPEATS), "cases": cases}, table(cases))


if __name__ == "__main__":
    main()
