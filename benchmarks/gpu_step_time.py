"""Time, launches and memory of forward and backward of the losses on a GPU, against what others compute of the same
numbers and against the bytes that must move, to ``benchmarks/results/gpu-step-time.json`` and the tables "On a GPU" of
``docs/reference/performance.md``.

PYTHONPATH=src python benchmarks/gpu_step_time.py    # with a torch that knows the GPU, and the peers if there are any

The cases, the inputs and the check of the values are those of `step_time`. Each contestant takes its turn after the
others; a step is timed from its call until the GPU is done. Launches, waits and the time that kernels run are counted
by the profiler in one step more. The floor is what must move, the logits of the classes (YOLOv1, v5 and YOLOX: the
confidences) read once and one gradient of the size of the output written, over the bandwidth of a copy that is measured
first.
"""

import argparse
import itertools
import json
from collections.abc import Callable
from typing import Any

import peers
import torch
import triton
from measuring import RESULTS, conditions, load, publish, seconds_of_a_turn, turn_by_turn
from plain_v1 import PlainYOLOv1Loss
from step_time import CLASSES, IMAGES, OBJECTS, PACKAGES, SIZE, Step, compiled, maps, quotient, scene
from torch import Tensor
from torch.profiler import DeviceType, ProfilerActivity, profile

import yolosses as yl
from yolosses.losses.v5 import ANCHORS

Ways = dict[str, Any]
Loss = Callable[..., yl.LossOutput]
NOT_PROFILED = dict.fromkeys(("launches", "waits", "gpu_ms"))
COLUMNS = ("eager", "compiled", "triton", "triton, compiled", "triton, graph")
"""Contestants of this library: what computes, and how it is launched."""
COPIED = 1 << 30
"""Bytes of the copy that measures the bandwidth: far more than a cache holds."""
SLOW, LONG = 0.2, 70
"""Seconds a turn from which five repeats have to do; milliseconds of a step from which it is not profiled, which would
take minutes."""
KERNELS = 'Microseconds of the kernels that take longest, with `impl="triton"`:'
SAID = "How many times as fast as the peer; the time on the GPU in floors; launches; memory in sizes of the output:"


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
            value = loss()
            self.gradients, self.value = torch.autograd.grad(value, inputs), value.detach()

    def forget(self) -> None:
        """The gradients are part of the graph."""

    def __call__(self) -> float:
        self.graph.replay()
        return float(self.value)


def ways(
    of: Callable[[str], Loss], raw: Any, targets: yl.Targets, inputs: list[Tensor], compiles: tuple[str, ...]
) -> Ways:
    """A loss ``of`` each implementation for a GPU; those that ``compiles`` names compiled too, which for the torch way
    and many objects takes minutes."""
    torch_way, kernels = (of(impl) for impl in ("torch", "triton"))

    def step() -> Tensor:
        return kernels(raw, targets).total

    found: Ways = {"eager": Step(lambda: torch_way(raw, targets).total, inputs)}
    if "torch" in compiles:
        found["compiled"] = Step(compiled(torch_way, raw, targets), inputs)
    found["triton"] = Step(step, inputs)
    if "triton" in compiles:
        found["triton, compiled"] = Step(compiled(kernels, raw, targets), inputs)
    found["triton, graph"] = Captured(step, inputs)
    return found


def profiled(step: Step | Captured) -> dict[str, Any]:
    """What one step launches, how often the host waits within it, and the time that its kernels run."""
    step.forget()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        if isinstance(step, Captured):
            step.graph.replay()
        else:
            step.loss().backward()  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    events = list(seen.events() or ())
    there = [event for event in events if event.device_type == DeviceType.CUDA]
    times: dict[str, float] = {}
    for event in there:
        times[event.name[:60]] = times.get(event.name[:60], 0) + event.device_time
    longest = sorted(times, key=lambda name: -times[name])[:10]
    return {
        "launches": len(there), "waits": sum(event.name == "cudaStreamSynchronize" for event in events),
        "gpu_ms": round(sum(times.values()) / 1000, 4),
        "longest_us": {name: round(times[name], 1) for name in longest},
    }  # fmt: skip


def peak_over(step: Step) -> float:
    """MiB that a step takes at most over what it finds."""
    step.forget()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return round((torch.cuda.max_memory_allocated() - before) / 2**20, 1)


def measure(
    name: str, contestants: Ways, repeats: int, *, output: list[Tensor], read: int, speed: float, **case: Any
) -> dict[str, Any]:
    """All contestants of a case, turn by turn. ``output``: what the loss reads; ``read``: bytes that it must read."""
    if seconds_of_a_turn(f"{name}, {case}", contestants) > SLOW:
        repeats = min(repeats, 5)
    rows: dict[str, dict[str, Any]] = turn_by_turn(contestants, repeats)
    for who, step in contestants.items():
        rows[who] |= profiled(step) if rows[who]["median_ms"] < LONG else NOT_PROFILED
        rows[who]["extra_mib"] = None if isinstance(step, Captured) else peak_over(step)
        step.forget()
    written = sum(part.numel() * part.element_size() for part in output)
    print(f"{name} {case}")
    for who, row in rows.items():
        print(f"    {who:18} {row['median_ms']:8.3f} ms, on the GPU {row['gpu_ms']}, {row['launches']} launches, "
              f"{row['waits']} waits, {row['extra_mib']} MiB", flush=True)  # fmt: skip
    return {
        "loss": name, **case, "repeats": repeats, "output_mib": round(written / 2**20, 1),
        "floor_ms": round(1000 * (read + written) / speed, 5), "contestants": rows,
    }  # fmt: skip


def on_gpu(levels: list[Tensor]) -> list[Tensor]:
    return [level.detach().to("cuda").requires_grad_() for level in levels]


def of_points(name: str, objects: int, repeats: int, speed: float) -> dict[str, Any]:
    """v8, v10 or YOLO26 beside its peer."""
    bins = 1 if name == "YOLO26" else 16
    heads = [on_gpu(maps(4 * bins + CLASSES, 4 * bins, seed)) for seed in ((1,) if name == "v8" else (1, 2))]
    output = [level for head in heads for level in head]
    raw: Any = output if name == "v8" else dict(zip(("one2one", "one2many"), heads, strict=True))
    family = yl.YOLOv8Loss if name == "v8" else yl.YOLOv10Loss
    targets = scene(IMAGES, objects, size=SIZE, classes=CLASSES).to("cuda")
    compiles = ("torch", "triton") if name == "v8" else ("triton",)
    contestants = ways(
        lambda impl: family(num_classes=CLASSES, bins=bins, impl=impl), raw, targets, output,
        compiles if objects == OBJECTS[1] else (),
    )  # fmt: skip
    with torch.device("cuda"):
        prepare = (peers.ultralytics if name == "v8" else peers.ultralytics_end_to_end)(bins, CLASSES)
        if prepare is not None:
            contestants[PACKAGES[name]] = Step(*prepare(targets, output))
    read = 4 * CLASSES * IMAGES * sum(level[0, 0].numel() for level in output)
    return measure(name, contestants, repeats, output=output, read=read, speed=speed, objects=objects)


def of_others(name: str, objects: int, repeats: int, speed: float) -> dict[str, Any]:
    """YOLOX or v5, which have no kernels, beside its peer."""
    boxes = 3 if name == "v5" else 1
    output = on_gpu(maps(boxes * (5 + CLASSES), 255 if name == "v5" else 4))
    targets = scene(IMAGES, objects, size=SIZE, classes=CLASSES).to("cuda")
    loss = (yl.YOLOv5Loss if name == "v5" else yl.YOLOXLoss)(num_classes=CLASSES).to("cuda")
    contestants: Ways = {"eager": Step(lambda: loss(output, targets).total, output)}
    with torch.device("cuda"):
        prepare = peers.yolov5(CLASSES, ANCHORS) if name == "v5" else peers.yolox(CLASSES)
        if prepare is not None:
            contestants[PACKAGES[name]] = Step(*prepare(targets, output))
    read = 4 * boxes * IMAGES * sum(level[0, 0].numel() for level in output)
    return measure(name, contestants, repeats, output=output, read=read, speed=speed, objects=objects)


def of_v1(images: int, grid: int, repeats: int, speed: float) -> dict[str, Any]:
    targets = scene(images, 3, size=448, classes=20).to("cuda")
    raw = (
        torch.rand(images, grid, grid, 30, generator=torch.Generator().manual_seed(1))
        .to("cuda")
        .requires_grad_()
    )
    plain = PlainYOLOv1Loss(grid)
    contestants = ways(
        lambda impl: yl.YOLOv1Loss(grid=grid, impl=impl), raw, targets, [raw], ("torch", "triton")
    )
    contestants["plain dense"] = Step(lambda: plain(raw, targets), [raw])
    case = {"images": images, "grid": grid, "objects": 3}
    return measure(
        "v1", contestants, repeats, output=[raw], read=8 * images * grid * grid, speed=speed, **case
    )


def table(cases: list[dict[str, Any]]) -> str:
    """The two tables of docs/reference/performance.md: times, and what they are of the peer's and of the floor."""
    times = ["| loss | case | floor | " + " | ".join(COLUMNS) + " | peer |"]
    times.append("| --- | --- |" + " ---: |" * (2 + len(COLUMNS)))
    heads = ("eager", "triton", "triton, graph", "x floor", "launches", "the peer's", "its waits", "memory")
    ratios = ["| loss | case | " + " | ".join(heads) + " | the peer's |"]
    ratios.append("| --- | --- |" + " ---: |" * 9)
    for row in cases:
        of = dict(row["contestants"])
        ours = {who: of.pop(who, None) for who in COLUMNS}
        who, peer = next(iter(of.items()), ("", None))
        case = f"{row['images']} images, S={row['grid']}" if "grid" in row else f"{row['objects']} objects"
        name = f"| {row['loss']} | {case} | "
        cells = [
            f"{1000 * row['floor_ms']:.1f} µs",
            *map(milliseconds, ours.values()),
            f"{who} {milliseconds(peer)}".strip(),
        ]
        times.append(name + " | ".join(cells) + " |")
        kernels = ours["triton"]
        best = ours["triton, graph"] or ours["eager"]
        cells = [quotient(peer, ours[way]) for way in ("eager", "triton", "triton, graph")]
        cells += [
            "" if best["gpu_ms"] is None else f"{best['gpu_ms'] / row['floor_ms']:.1f}",
            count(kernels or ours["eager"], "launches"), count(peer, "launches"), count(peer, "waits"),
            memory(kernels or ours["eager"], row), memory(peer, row),
        ]  # fmt: skip
        ratios.append(name + " | ".join(cells) + " |")
    return "\n\n".join(("\n".join(times), SAID, "\n".join(ratios), KERNELS, kernels_of(cases)))


def kernels_of(cases: list[dict[str, Any]]) -> str:
    """The table of the kernels that take longest."""
    shown = {f"v1, {row['images']} images, S={row['grid']}": row for row in cases if row["loss"] == "v1"}
    shown |= {f"v8, {row['objects']} objects": row for row in cases if row["loss"] == "v8"}
    times = {
        case: {
            name: time for name, time in row["contestants"]["triton"]["longest_us"].items() if name[0] == "_"
        }
        for case, row in shown.items()
    }
    names = dict.fromkeys(name for kernels in times.values() for name in kernels)
    lines = ["| kernel | " + " | ".join(times) + " |", "| --- |" + " ---: |" * len(times)]
    for name in names:
        cells = [f"{kernels[name]:.0f}" if name in kernels else "" for kernels in times.values()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def milliseconds(row: dict[str, Any] | None) -> str:
    return "" if row is None else f"{row['median_ms']:.2f} ms"


def count(row: dict[str, Any] | None, what: str) -> str:
    return "" if row is None or row[what] is None else str(row[what])


def memory(row: dict[str, Any] | None, case: dict[str, Any]) -> str:
    """In sizes of the output."""
    return "" if row is None or row["extra_mib"] is None else f"{row['extra_mib'] / case['output_mib']:.1f}"


def main() -> None:
    """Measure everything, write the json after each case and the tables at the end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--commit", help="of a copy that is no git repository")
    options = parser.parse_args()
    before, speed, repeats = load(), bandwidth(), options.repeats
    rows: list[dict[str, Any]] = []
    cases = [(of_v1, images, grid) for images, grid in ((64, 7), (1024, 7), (64, 28))]
    cases += [(of_points, *case) for case in itertools.product(("v8", "v10", "YOLO26"), OBJECTS)]
    cases += [(of_others, *case) for case in itertools.product(("YOLOX", "v5"), OBJECTS)]
    versions = {name: peers.version(name) for name in sorted(set(PACKAGES.values()))}
    for of, *case in cases:
        rows.append(of(*case, repeats, speed))
        torch.compiler.reset()
        result = {
            **conditions(before, repeats), "gpu": torch.cuda.get_device_name(), "triton": triton.__version__,
            "bandwidth_tb_s": round(speed / 1e12, 3), "peers": versions, "cases": rows,
        }  # fmt: skip
        result["commit"] = options.commit or result["commit"]
        (RESULTS / "gpu-step-time.json").write_text(json.dumps(result, indent=1) + "\n")
    publish("gpu-step-time", result, table(rows))


if __name__ == "__main__":
    main()
