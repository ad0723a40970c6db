"""Time and memory of forward and backward of the losses, against what others compute of the same numbers and against
the machine's floor, to ``benchmarks/results/step-time.json`` and the table of ``docs/reference/performance.md``.

.venv/bin/python benchmarks/step_time.py

One method for all: 640 px, 80 classes, 16 images (YOLOv1: 448 px, 20 classes), COCO-like objects; a fresh process for
each case, in which every contestant is checked against the first one's value, warmed up, and then takes its turn after
the others, so that all see the same machine. Medians and the 10th and 90th percentile of the repeats. The floor is one
gradient of the output's size, written; for YOLOv1 the confidences are read before. Memory is the peak of the process
over what it held before.

``--large-pages`` measures the same where page faults count for less, to ``step-time-large-pages.json``.

Peers are optional, see `peers`: run it with the Python of an environment that holds them beside this library. Whoever
is missing is left out, and the json says so.
"""

import argparse
import ctypes
import importlib.util
import itertools
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import peers
import torch
from measuring import conditions, load, publish, seconds_of_a_turn, turn_by_turn
from plain_v1 import PlainYOLOv1Loss
from torch import Tensor

import yolosses as yl
from yolosses.losses.v5 import ANCHORS

IMAGES, SIZE, CLASSES = 16, 640, 80
OBJECTS, THREADS = (10, 50, 200), 2
PACKAGES = {
    "v8": "ultralytics",
    "v10": "ultralytics",
    "YOLO26": "ultralytics",
    "YOLOX": "yolox",
    "v5": "yolov5",
}
WAYS = {"yolosses": "eager", "compiled": "compiled", "loops": "loops", "loops, compiled": "loops, compiled"}
"""Contestants of this library, and their columns."""
SAID = """How many times as fast as the peer, the best way's time in floors, and the memory in sizes of the output:"""
SLOW = 2.0
"""Seconds a step from which three repeats have to do."""


def scene(images: int, objects: int, *, size: int, classes: int) -> yl.Targets:
    """Sides like those of COCO: 41% below 32 px, 34% up to 96, 25% larger; anywhere in the picture."""
    noise = torch.Generator().manual_seed(0)
    draw = torch.rand(images, objects, generator=noise)
    low = torch.where(draw < 0.41, 8.0, torch.where(draw < 0.75, 32.0, 96.0))
    high = torch.where(draw < 0.41, 32.0, torch.where(draw < 0.75, 96.0, 400.0))
    side = low * (high / low) ** torch.rand(images, objects, generator=noise)
    ratio = torch.exp((torch.rand(images, objects, generator=noise) - 0.5) * 1.2).sqrt()
    sizes = torch.stack((side * ratio, side / ratio), -1).clamp(max=0.95 * size)
    centres = sizes / 2 + (size - sizes) * torch.rand(images, objects, 2, generator=noise)
    return yl.Targets(
        boxes=torch.cat((centres, sizes), -1) / size,
        labels=torch.randint(0, classes, (images, objects), generator=noise),
        mask=torch.ones(images, objects, dtype=torch.bool),
    )


def maps(
    channels: int, logits_from: int, seed: int = 1, *, images: int = IMAGES, size: int = SIZE
) -> list[Tensor]:
    """What a network emits; logits of classes are low, as those of a network are that has begun to learn."""
    noise, found = torch.Generator().manual_seed(seed), []
    for stride in (8, 16, 32):
        level = torch.randn(images, channels, size // stride, size // stride, generator=noise)
        level[:, logits_from:] -= 4.6
        found.append(level.requires_grad_())
    return found


class Step:
    """Forward and backward, with a new gradient each time."""

    def __init__(self, loss: Callable[[], Tensor], inputs: list[Tensor]) -> None:
        self.loss, self.inputs = loss, inputs

    def forget(self) -> None:
        for part in self.inputs:
            part.grad = None

    def __call__(self) -> float:
        self.forget()
        value = self.loss()
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())


def peak_over(step: Step) -> float | None:
    """MiB that the process holds at most during a step more than before; None where the system does not tell."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return None

    def held(key: str) -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(key))

    step.forget()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is given back, so that it counts when it is taken again
    reset.write_text("5")
    before = held("VmRSS")
    step()
    return round((held("VmHWM") - before) / 1024, 1)


def measure(
    name: str,
    contestants: dict[str, Step],
    floor: Callable[[], object],
    repeats: int,
    *,
    output: list[Tensor],
    **case: Any,
) -> dict[str, Any]:
    """All contestants of a case, turn by turn. ``output``: what the loss reads."""
    if seconds_of_a_turn(f"{name}, {case}", contestants) > SLOW:
        repeats = min(repeats, 3)
    rows: dict[str, dict[str, Any]] = turn_by_turn({**contestants, "floor": floor}, repeats)
    for step in contestants.values():
        step.forget()
    for who, row in rows.items():
        row["extra_mib"] = peak_over(contestants[who]) if who in contestants else None
    size = sum(part.numel() * part.element_size() for part in output) / 2**20
    print(
        f"{name:8}{case}  " + "  ".join(f"{who} {row['median_ms']:.1f}" for who, row in rows.items()),
        flush=True,
    )
    return {"loss": name, **case, "repeats": repeats, "output_mib": round(size, 1), "contestants": rows}


def compiled(loss: Callable[..., yl.LossOutput], raw: Any, targets: yl.Targets) -> Callable[[], Tensor]:
    function = torch.compile(lambda raw, targets: loss(raw, targets).total, fullgraph=True, dynamic=False)
    return lambda: function(raw, targets)


def ways(
    of: Callable[[str], Callable[..., yl.LossOutput]], raw: Any, targets: yl.Targets, inputs: list[Tensor]
) -> dict[str, Step]:
    """A loss ``of`` each implementation for a CPU, eager and compiled."""
    found, torch_way = {}, of("torch")
    found["yolosses"] = Step(lambda: torch_way(raw, targets).total, inputs)
    found["compiled"] = Step(compiled(torch_way, raw, targets), inputs)
    if importlib.util.find_spec("numba") is not None:
        loops = of("numba")
        found["loops"] = Step(lambda: loops(raw, targets).total, inputs)
        found["loops, compiled"] = Step(compiled(loops, raw, targets), inputs)
    return found


def of_dense(name: str, objects: int, repeats: int) -> dict[str, Any]:
    """A loss of maps of three levels, beside its peer."""
    of, output, raw, prepare = {
        "v8": lambda: (
            partial(yl.YOLOv8Loss), maps(64 + CLASSES, 64), None, peers.ultralytics(16, CLASSES)
        ),
        "v10": lambda: (
            partial(yl.YOLOv10Loss), *two_heads(16), peers.ultralytics_end_to_end(16, CLASSES)
        ),
        "YOLO26": lambda: (
            partial(yl.YOLOv10Loss, bins=1), *two_heads(1), peers.ultralytics_end_to_end(1, CLASSES)
        ),
        "YOLOX": lambda: (partial(yl.YOLOXLoss), maps(5 + CLASSES, 4), None, peers.yolox(CLASSES)),
        "v5": lambda: (
            partial(yl.YOLOv5Loss), maps(3 * (5 + CLASSES), 255), None, peers.yolov5(CLASSES, ANCHORS)
        ),
    }[name]()  # fmt: skip
    read: Any = output if raw is None else raw
    targets = scene(IMAGES, objects, size=SIZE, classes=CLASSES)
    if PACKAGES[name] == "ultralytics":
        contestants = ways(lambda impl: of(impl=impl), read, targets, output)
    else:
        loss = of()
        contestants = {"yolosses": Step(lambda: loss(read, targets).total, output)}
    if prepare is not None:
        theirs, inputs = prepare(targets, output)
        contestants[PACKAGES[name]] = Step(theirs, inputs)

    def floor() -> object:
        # Not torch.zeros, which leaves the writing to whoever touches the memory first.
        return [torch.empty_like(part).detach().fill_(0) for part in output]

    return measure(name, contestants, floor, repeats, output=output, objects=objects)


def two_heads(bins: int) -> tuple[list[Tensor], dict[str, list[Tensor]]]:
    """All maps, and those of each head by its name."""
    one, many = (maps(4 * bins + CLASSES, 4 * bins, seed=seed) for seed in (1, 2))
    return one + many, {"one2one": one, "one2many": many}


def of_v1(images: int, grid: int, repeats: int) -> dict[str, Any]:
    targets = scene(images, 3, size=448, classes=20)
    raw = torch.rand(images, grid, grid, 30, generator=torch.Generator().manual_seed(1)).requires_grad_()
    plain = PlainYOLOv1Loss(grid)

    def floor() -> object:
        return raw.detach()[..., 4:10:5].contiguous().sum(), torch.empty_like(raw).detach().fill_(0)

    contestants = ways(lambda impl: yl.YOLOv1Loss(grid=grid, impl=impl), raw, targets, [raw])
    contestants["plain dense"] = Step(lambda: plain(raw, targets), [raw])
    return measure("v1", contestants, floor, repeats, output=[raw], images=images, grid=grid, objects=3)


def table(cases: list[dict[str, Any]]) -> str:
    """The two tables of docs/reference/performance.md: times, and what they are of the peer's and of the floor."""
    times = ["| loss | case | floor | " + " | ".join(WAYS.values()) + " | peer |"]
    ratios = [
        "| loss | case | " + " | ".join(WAYS.values()) + " | x floor | memory | with loops | the peer's |"
    ]
    times.append("| --- | --- |" + " ---: |" * (2 + len(WAYS)))
    ratios.append("| --- | --- |" + " ---: |" * (4 + len(WAYS)))
    for row in cases:
        of = dict(row["contestants"])
        floor, ours = of.pop("floor"), {who: of.pop(who, None) for who in WAYS}
        case = f"{row['objects']} objects"
        if "grid" in row:
            case = f"{row['images']} images, S={row['grid']}"
        who, peer = next(iter(of.items()), ("", None))
        name = f"| {row['loss']} | {case} | "
        cells = [
            milliseconds(floor),
            *map(milliseconds, ours.values()),
            f"{who} {milliseconds(peer)}".strip(),
        ]
        times.append(name + " | ".join(cells) + " |")
        cells = [quotient(peer, time) for time in ours.values()]
        best = min((time for time in ours.values() if time), key=lambda time: time["median_ms"])
        cells += [
            quotient(best, floor),
            memory(ours["yolosses"], row),
            memory(ours["loops"], row),
            memory(peer, row),
        ]
        ratios.append(name + " | ".join(cells) + " |")
    return "\n".join(times) + "\n\n" + SAID + "\n\n" + "\n".join(ratios)


def milliseconds(row: dict[str, Any] | None) -> str:
    return "" if row is None else f"{row['median_ms']:.1f} ms"


def quotient(above: dict[str, Any] | None, below: dict[str, Any] | None) -> str:
    return "" if above is None or below is None else f"{above['median_ms'] / below['median_ms']:.1f}"


def memory(row: dict[str, Any] | None, case: dict[str, Any]) -> str:
    """In sizes of the output."""
    return "" if row is None or row["extra_mib"] is None else f"{row['extra_mib'] / case['output_mib']:.1f}"


def main() -> None:
    """Measure everything, write the json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--large-pages",
        action="store_true",
        help="glibc asks for large pages for whatever any contestant takes",
    )
    options = parser.parse_args()
    repeats, losses, name = options.repeats, list(PACKAGES), "step-time"
    if options.large_pages:
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        losses, name = ["v8", "v10", "YOLO26"], "step-time-large-pages"
    before, rows = load(), []
    # A process each: what an earlier case left behind in memory is no part of it.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, torch.set_num_threads, (THREADS,), max_tasks_per_child=1) as fresh:
        for images, grid in ((64, 7), (1024, 7), (64, 28)):
            rows.append(fresh.submit(of_v1, images, grid, 5 * repeats).result())
        for loss, objects in itertools.product(losses, OBJECTS):
            rows.append(fresh.submit(of_dense, loss, objects, repeats).result())
    torch.set_num_threads(THREADS)
    versions = {name: peers.version(name) for name in sorted(set(PACKAGES.values()))}
    publish(name, {**conditions(before, repeats), "peers": versions, "cases": rows}, table(rows))


if __name__ == "__main__":
    main()
