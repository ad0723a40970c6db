"""Time and memory of forward and backward of the losses, against what others compute of the same numbers and against
the machine's floor, to ``benchmarks/results/step-time.json`` and the table of ``docs/performance.md``.

.venv/bin/python benchmarks/step_time.py

One method for all: 640 px, 80 classes, 16 images (YOLOv1: 448 px, 20 classes), COCO-like objects; every contestant of a
case is checked against the first one's value, warmed up, and then takes its turn after the others, so that all see the
same machine. Medians and the 10th and 90th percentile of the repeats. The floor is one zeroed tensor of the size of the
output: the gradient has to be written. Memory is the peak of the process over what it held before the step.

Peers are optional: run it with the Python of an environment that holds the package beside this library (``pip install
ultralytics==8.4.190``). Whoever is missing is left out, and the json says so.
"""

import argparse
import ctypes
import importlib.machinery
import importlib.metadata
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measuring import conditions, load, publish, turn_by_turn
from plain_v1 import PlainYOLOv1Loss
from torch import Tensor

import yolosses as yl

IMAGES, SIZE, CLASSES = 16, 640, 80
OBJECTS = (10, 50, 200)


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
    name: str, contestants: dict[str, Step], like: list[Tensor], repeats: int, **case: Any
) -> dict[str, Any]:
    """All contestants of a case, turn by turn."""

    def floor() -> float:
        # Not torch.zeros, which leaves the writing to whoever touches the memory first.
        return float(len([torch.empty_like(part).fill_(0) for part in like]))

    values = {who: step() for who, step in contestants.items()}
    first = next(iter(values.values()))
    for who, value in values.items():
        if abs(value - first) > 1e-3 * abs(first):
            raise SystemExit(f"{name}, {case}: {who} computes {value}, the first {first}")
    rows: dict[str, dict[str, Any]] = turn_by_turn({**contestants, "floor": floor}, repeats)
    for step in contestants.values():
        step.forget()
    for who, row in rows.items():
        row["extra_mib"] = peak_over(contestants[who]) if who in contestants else None
    output = sum(part.numel() * part.element_size() for part in like) / 2**20
    print(f"{name:8}{case}  " + "  ".join(f"{who} {row['median_ms']:.1f} ms" for who, row in rows.items()))
    return {"loss": name, **case, "output_mib": round(output, 1), "contestants": rows}


def anything(name: str) -> type:
    """What is asked of a stand-in."""
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})


def ultralytics() -> Any | None:
    """Its class of the v8 loss, or None. It imports torchvision, which is not needed here: an empty stand-in does."""
    try:
        importlib.metadata.version("ultralytics")
    except importlib.metadata.PackageNotFoundError:
        return None
    for part in ("", ".ops", ".transforms", ".models", ".datasets"):
        module: Any = types.ModuleType(f"torchvision{part}")
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
        module.__path__, module.__version__, module.__file__ = [], "0.28.0", __file__
        module.__getattr__ = anything
        sys.modules.setdefault(module.__name__, module)
    find = importlib.metadata.version
    importlib.metadata.version = lambda name: "0.28.0" if name == "torchvision" else find(name)  # type: ignore[assignment]
    from ultralytics.utils.loss import v8DetectionLoss  # type: ignore[import-not-found]

    head = torch.nn.Module()
    head.stride, head.nc, head.no, head.reg_max = torch.tensor([8.0, 16.0, 32.0]), CLASSES, 64 + CLASSES, 16  # type: ignore[assignment]
    model = torch.nn.Module()
    model.model, model.weight = torch.nn.ModuleList([head]), torch.nn.Parameter(torch.zeros(1))
    model.args = types.SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)  # type: ignore[assignment]
    return v8DetectionLoss(model)


def of_v8(objects: int, repeats: int, peer: Any | None) -> dict[str, Any]:
    targets, raw = scene(IMAGES, objects, size=SIZE, classes=CLASSES), maps(64 + CLASSES, 64)
    loss = yl.YOLOv8Loss()
    contestants = {"yolosses": Step(lambda: loss(raw, targets).total, raw)}
    if peer is not None:
        flat = [level.detach().flatten(2) for level in raw]
        boxes = torch.cat([level[:, :64] for level in flat], 2).requires_grad_()
        scores = torch.cat([level[:, 64:] for level in flat], 2).requires_grad_()
        batch = {
            "batch_idx": torch.arange(IMAGES).repeat_interleave(objects).float(),
            "cls": targets.labels.flatten().float()[:, None],
            "bboxes": targets.boxes.flatten(0, 1),
        }
        prediction = {"boxes": boxes, "scores": scores, "feats": raw}
        contestants["ultralytics"] = Step(lambda: peer(prediction, batch)[0].sum() / IMAGES, [boxes, scores])
    return measure("v8", contestants, raw, repeats, objects=objects)


def of_others(objects: int, repeats: int) -> list[dict[str, Any]]:
    """Losses without a peer here."""
    targets = scene(IMAGES, objects, size=SIZE, classes=CLASSES)
    one, many = maps(64 + CLASSES, 64), maps(64 + CLASSES, 64, seed=2)
    v10, yolox, v5 = yl.YOLOv10Loss(), yl.YOLOXLoss(), yl.YOLOv5Loss()
    heads = {"one2one": one, "one2many": many}
    for_yolox, for_v5 = maps(5 + CLASSES, 4), maps(3 * (5 + CLASSES), 3 * (5 + CLASSES))
    cases = (
        ("v10", lambda: v10(heads, targets).total, one + many),
        ("yolox", lambda: yolox(for_yolox, targets).total, for_yolox),
        ("v5", lambda: v5(for_v5, targets).total, for_v5),
    )
    return [
        measure(name, {"yolosses": Step(loss, inputs)}, inputs, repeats, objects=objects)
        for name, loss, inputs in cases
    ]


def of_v1(images: int, grid: int, repeats: int) -> dict[str, Any]:
    targets = scene(images, 3, size=448, classes=20)
    raw = torch.rand(images, grid, grid, 30, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss, plain = yl.YOLOv1Loss(grid=grid), PlainYOLOv1Loss(grid)
    return measure(
        "v1",
        {
            "yolosses": Step(lambda: loss(raw, targets).total, [raw]),
            "plain dense": Step(lambda: plain(raw, targets), [raw]),
        },
        [raw], repeats, images=images, grid=grid, objects=3,
    )  # fmt: skip


def table(cases: list[dict[str, Any]]) -> str:
    """The rows of docs/performance.md."""
    lines = [
        "| loss | case | forward and backward | x floor | extra memory | x output | peer | peer / ours | its memory |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for row in cases:
        ours, floor = row["contestants"]["yolosses"], row["contestants"]["floor"]
        taken = {
            who: "" if of["extra_mib"] is None else f"{of['extra_mib']:.0f} MiB"
            for who, of in row["contestants"].items()
        }
        case = f"{row['objects']} objects"
        if "grid" in row:
            case = f"{row['images']} images, S={row['grid']}"
        peers = [(who, of) for who, of in row["contestants"].items() if who not in ("yolosses", "floor")]
        cells = ["", "", ""]
        for who, peer in peers:
            ratio = peer["median_ms"] / ours["median_ms"]
            cells = [f"{who} {peer['median_ms']:.1f} ms", f"{ratio:.1f}", taken[who]]
        numbers = (
            f"{ours['median_ms']:.1f} ms", f"{ours['median_ms'] / floor['median_ms']:.1f}",
            taken["yolosses"], f"{(ours['extra_mib'] or 0) / row['output_mib']:.1f}" if taken["yolosses"] else "",
        )  # fmt: skip
        lines.append("| " + " | ".join((row["loss"], case, *numbers, *cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure everything, write the json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(2)
    peer, before = ultralytics(), load()
    rows = [of_v1(images, grid, 3 * repeats) for images, grid in ((64, 7), (1024, 7), (64, 28))]
    for objects in OBJECTS:
        rows.append(of_v8(objects, repeats, peer))
        rows += of_others(objects, repeats)
    peers = {"ultralytics": None if peer is None else importlib.metadata.version("ultralytics")}
    publish("step-time", {**conditions(before, repeats), "peers": peers, "cases": rows}, table(rows))


if __name__ == "__main__":
    main()
