"""Time, launches and memory of forward and backward of the losses on a GPU, against what others compute of the same
numbers and against the bytes that must move, to ``benchmarks/results/gpu-step-time.json`` and the table "On a GPU" of
``docs/performance.md``.

python benchmarks/gpu_step_time.py    # with a torch that knows the GPU, PYTHONPATH=src, and the peers if there are any

The cases, the inputs and the check of the values are those of `step_time`. Each contestant takes its turn after the
others; a step is timed from its call until the GPU is done. Launches, waits and the time that kernels run are counted
by the profiler in one step more. The floor is what must move, the logits of the classes (YOLOv1: the confidences) read
once and one gradient of the size of the output written, over the bandwidth of a copy that is measured first.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from typing import Any

import peers
import torch
from measuring import load, turn_by_turn
from plain_v1 import PlainYOLOv1Loss
from step_time import (
    CLASSES,
    IMAGES,
    OBJECTS,
    PACKAGES,
    SIZE,
    Step,
    compiled,
    maps,
    scene,
)
from torch import Tensor
from torch.profiler import DeviceType, ProfilerActivity, profile

import yolosses as yl
from yolosses.losses.v5 import ANCHORS

WAYS = ("eager", "compiled", "eager, graph", "triton", "triton, compiled", "triton, graph")
"""Contestants of this library."""
COPIED = 1 << 30
"""Bytes of the copy that measures the bandwidth: far more than a cache holds."""


def bandwidth() -> float:
    """Bytes a second that a copy reads and writes."""
    here = torch.ones(COPIED, dtype=torch.uint8, device="cuda")
    there, seconds = torch.empty_like(here), []
    for _ in range(12):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        there.copy_(here)
        end.record()
        torch.cuda.synchronize()
        seconds.append(start.elapsed_time(end) / 1000)
    return 2 * COPIED / sorted(seconds[2:])[5]


class Captured:
    """A step that was captured in a CUDA graph, replayed: the host launches once."""

    def __init__(self, loss: Callable[[], Tensor], inputs: list[Tensor]) -> None:
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for _ in range(3):
                torch.autograd.grad(loss(), inputs)
        stream.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.value = loss()
            self.gradients = torch.autograd.grad(self.value, inputs)
            self.value = self.value.detach()

    def forget(self) -> None:
        pass

    def __call__(self) -> float:
        self.graph.replay()
        return float(self.value)


def ways(
    of: Callable[[str], Callable[..., yl.LossOutput]],
    raw: Any,
    targets: yl.Targets,
    inputs: list[Tensor],
    wanted: set[str],
) -> dict[str, Any]:
    """A loss ``of`` each implementation for a GPU, in the ways that are wanted."""
    found: dict[str, Any] = {}
    for impl, name in (("torch", "eager"), ("triton", "triton")):
        loss = of(impl)

        def eager(loss: Callable[..., yl.LossOutput] = loss) -> Tensor:
            return loss(raw, targets).total

        found[name] = Step(eager, inputs)
        compiled_name = "compiled" if impl == "torch" else "triton, compiled"
        if compiled_name in wanted:
            found[compiled_name] = Step(compiled(loss, raw, targets), inputs)
        found[f"{name}, graph"] = Captured(eager, inputs)
    return found


def profiled(step: Step | Captured) -> dict[str, Any]:
    """What one step launches, how often the host waits within it, and the milliseconds that its kernels run."""
    step.forget()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        if isinstance(step, Captured):
            step.graph.replay()
        else:
            step.loss().backward()  # type: ignore[no-untyped-call]
        with torch.profiler.record_function("the end"):
            torch.cuda.synchronize()
    events = list(seen.events() or ())
    there = [event for event in events if event.device_type == DeviceType.CUDA and event.name != "the end"]
    waits = [event for event in events if event.name == "cudaStreamSynchronize"]
    busiest: dict[str, float] = {}
    for event in there:
        busiest[event.name] = busiest.get(event.name, 0) + event.device_time
    return {
        "launches": len(there), "waits": len(waits), "gpu_ms": round(sum(busiest.values()) / 1000, 4),
        "busiest_us": {name[:60]: round(busiest[name], 1) for name in sorted(busiest, key=busiest.get, reverse=True)[:200]},
    }  # fmt: skip


def peak_over(step: Step | Captured) -> float:
    """MiB that a step takes at most over what it finds."""
    step.forget()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return round((torch.cuda.max_memory_allocated() - before) / 2**20, 1)


def measure(
    name: str,
    contestants: dict[str, Any],
    repeats: int,
    *,
    output: list[Tensor],
    read: int,
    speed: float,
    **case: Any,
) -> dict[str, Any]:
    """All contestants of a case, turn by turn. ``output``: what the loss reads; ``read``: bytes it must read."""
    begin = time.perf_counter()
    values = {who: step() for who, step in contestants.items()}
    first = next(iter(values.values()))
    for who, value in values.items():
        if abs(value - first) > 1e-3 * abs(first):
            raise SystemExit(f"{name}, {case}: {who} computes {value}, the first {first}")
    prepared = time.perf_counter() - begin
    for step in contestants.values():
        for _ in range(3):
            step()
    rows: dict[str, dict[str, Any]] = turn_by_turn(contestants, repeats)
    for who, step in contestants.items():
        rows[who] |= profiled(step)
        rows[who]["extra_mib"] = None if isinstance(step, Captured) else peak_over(step)
        step.forget()
    written = sum(part.numel() * part.element_size() for part in output)
    floor = 1000 * (read + written) / speed
    print(f"{name:8}{case}  floor {floor:.4f}, prepared in {prepared:.1f} s", flush=True)
    for who, row in rows.items():
        print(f"    {who:18} {row['median_ms']:8.3f} ms, on the GPU {row['gpu_ms']:8.4f}, {row['launches']} launches, "
              f"{row['waits']} waits, {row['extra_mib']} MiB", flush=True)  # fmt: skip
    return {
        "loss": name, **case, "repeats": repeats, "output_mib": round(written / 2**20, 1),
        "floor_ms": round(floor, 5), "contestants": rows,
    }  # fmt: skip


def of_dense(name: str, objects: int, repeats: int, speed: float, wanted: set[str]) -> dict[str, Any]:
    """A loss of maps of three levels, beside its peer."""
    family, options, bins = {
        "v8": (yl.YOLOv8Loss, {}, 16),
        "v10": (yl.YOLOv10Loss, {}, 16),
        "YOLO26": (yl.YOLOv10Loss, {"bins": 1}, 1),
        "YOLOX": (yl.YOLOXLoss, {}, 0),
        "v5": (yl.YOLOv5Loss, {}, 0),
    }[name]
    with torch.device("cuda"):
        prepare = {
            "v8": lambda: peers.ultralytics(16, CLASSES),
            "v10": lambda: peers.ultralytics_end_to_end(16, CLASSES),
            "YOLO26": lambda: peers.ultralytics_end_to_end(1, CLASSES),
            "YOLOX": lambda: peers.yolox(CLASSES),
            "v5": lambda: peers.yolov5(CLASSES, ANCHORS),
        }[name]()
    if name in ("v10", "YOLO26"):
        heads = {
            head: on_gpu(maps(4 * bins + CLASSES, 4 * bins, seed))
            for head, seed in (("one2one", 1), ("one2many", 2))
        }
        raw: Any = heads
        output = heads["one2one"] + heads["one2many"]
    else:
        channels, first = {
            "v8": (64 + CLASSES, 64),
            "YOLOX": (5 + CLASSES, 4),
            "v5": (3 * (5 + CLASSES), 255),
        }[name]
        raw = output = on_gpu(maps(channels, first))
    targets = scene(IMAGES, objects, size=SIZE, classes=CLASSES).to("cuda")
    if name in ("YOLOX", "v5"):
        loss = family(**options)
        contestants: dict[str, Any] = {"eager": Step(lambda: loss(raw, targets).total, output)}
    else:
        contestants = ways(lambda impl: family(**options, impl=impl), raw, targets, output, wanted)
    if prepare is not None:
        with torch.device("cuda"):
            theirs, inputs = prepare(targets, output)
        contestants[PACKAGES[name]] = Step(theirs, inputs)
    locations = sum(part[0, 0].numel() for part in output) * (3 if name == "v5" else 1)
    read = 4 * IMAGES * locations * (CLASSES if name not in ("v5", "YOLOX") else 1)
    return measure(name, contestants, repeats, output=output, read=read, speed=speed, objects=objects)


def on_gpu(levels: list[Tensor]) -> list[Tensor]:
    return [level.detach().to("cuda").requires_grad_() for level in levels]


def of_v1(images: int, grid: int, repeats: int, speed: float, wanted: set[str]) -> dict[str, Any]:
    targets = scene(images, 3, size=448, classes=20).to("cuda")
    raw = (
        torch.rand(images, grid, grid, 30, generator=torch.Generator().manual_seed(1))
        .to("cuda")
        .requires_grad_()
    )
    plain = PlainYOLOv1Loss(grid)
    contestants = ways(lambda impl: yl.YOLOv1Loss(grid=grid, impl=impl), raw, targets, [raw], wanted)
    contestants["plain dense"] = Step(lambda: plain(raw, targets), [raw])
    contestants["plain dense, graph"] = Captured(lambda: plain(raw, targets), [raw])
    read = 4 * images * grid * grid * 2
    return measure(
        "v1", contestants, repeats, output=[raw], read=read, speed=speed, images=images, grid=grid, objects=3
    )


def main() -> None:
    """Measure everything, write the json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    before, speed = load(), bandwidth()
    print(f"{torch.cuda.get_device_name()}, {speed / 1e12:.2f} TB/s", flush=True)
    rows = []
    for images, grid in ((64, 7), (1024, 7), (64, 28))[: 2 if options.quick else 3]:
        rows.append(of_v1(images, grid, options.repeats, speed, set(WAYS)))
        torch.compiler.reset()
    for name, objects in itertools.product(("v8", "v10", "YOLO26", "YOLOX", "v5"), OBJECTS):
        if options.quick and objects != 50:
            continue
        try:
            wanted = set(WAYS) if objects == 50 and name == "v8" else set()
            rows.append(of_dense(name, objects, options.repeats, speed, wanted))
        except Exception as error:
            print(name, objects, repr(error)[:2000], flush=True)
        torch.compiler.reset()
    import json
    import os

    open(os.environ["OUT"] + "/gpu.json", "w").write(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
