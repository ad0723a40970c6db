"""Is a run the same however it is computed? Several processes, a step in parts, bfloat16; and its memory.

    python benchmarks/reliability.py [PART ...]

with the parts processes, parts, precision, memory (all by default). Digit scenes of 64 x 64 pixels and the network
``tiny``. Writes ``benchmarks/results/reliability.json``, part by part.
"""

import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from yolosses.apps.runs.build import build_loss, build_training
from yolosses.apps.runs.detections import detect_all
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.settings import resolve
from yolosses.training.data import digit_scenes
from yolosses.training.evaluation import evaluate
from yolosses.training.loop import Training
from yolosses.training.processes import ALONE, Processes
from yolosses.training.run import Settings

RESULT = Path(__file__).parent / "results" / "reliability.json"
LOSSES, COUNTS = ("v1", "v8", "yolox"), (1, 2, 4)
STEPS, BATCH, PICTURES = 50, 10, 200  # 10 pictures on 4 processes: 3, 3, 2, 2
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Backwards(Processes):
    """One process that has the pictures of each batch in the opposite order: the same sums, rounded otherwise."""

    def share(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        return indices[::-1].copy()


@dataclass
class Run:
    """Total loss of each step, and the weights at the end."""

    totals: list[float]
    weights: dict[str, Tensor]


def asked(loss: str, **options: Any) -> Settings:
    request = TrainRequest(
        data="digits", loss=loss, **{"image_size": 64, "batch_size": BATCH, "epochs": 20, **options}
    )
    return resolve(request, scenes(), "val")


def scenes(split: str = "train", count: int = PICTURES) -> Any:
    return digit_scenes(split=split, count=count)


def make(settings: Settings, processes: Processes, dtype: torch.dtype) -> Training:
    torch.set_default_dtype(dtype)
    try:
        training = build_training(settings, scenes(), CPU, processes=processes)
    finally:
        torch.set_default_dtype(torch.float32)
    training.model.register_forward_pre_hook(lambda _, inputs: (inputs[0].to(dtype),))
    return training


def train(training: Training, steps: int = STEPS) -> Run:
    made = training.steps()
    totals = [next(made).total for _ in range(steps)]
    made.close()
    return Run(totals, {name: weight.detach().clone() for name, weight in training.model.named_parameters()})


def difference(found: Run, wanted: Run) -> dict[str, float]:
    """The largest of the steps, relative; of the weights as a share of the largest weight of their tensor."""
    steps = [abs(a - b) / abs(b) for a, b in zip(found.totals, wanted.totals, strict=True)]
    weights = [
        float((found.weights[name] - weight).abs().max() / weight.abs().max().clamp(min=1e-3))
        for name, weight in wanted.weights.items()
    ]
    return {
        "loss_first_10_steps": max(steps[:10]),
        "loss_all_steps": max(steps),
        "weights_largest": max(weights),
        "weights_median": float(np.median(weights)),
    }


# --- several processes --------------------------------------------------------------------------------------------


def of_processes() -> dict[str, Any]:
    """Against one process, beside one process that rounds otherwise."""
    found: dict[str, Any] = {"steps": STEPS, "batch": BATCH}
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        runs = {count: _in_processes(count, name) for count in COUNTS if count > 1}
        for loss in LOSSES:
            alone = train(make(asked(loss), ALONE, dtype))
            rows = {f"{count} processes": difference(runs[count][loss], alone) for count in runs}
            rows["1 process, batches backwards"] = difference(
                train(make(asked(loss), Backwards(), dtype)), alone
            )
            found.setdefault(loss, {})[name] = rows
            by_step = {"1": alone.totals, **{str(count): runs[count][loss].totals for count in runs}}
            found[loss][f"loss_by_step_{name}"] = {
                count: [float(f"{total:.7g}") for total in totals] for count, totals in by_step.items()
            }
    return found


def _in_processes(count: int, dtype: str) -> dict[str, Run]:
    with tempfile.TemporaryDirectory() as folder:
        context = torch.multiprocessing.get_context("spawn")
        started = [
            context.Process(target=_joined, args=(rank, count, folder, dtype)) for rank in range(count)
        ]
        for process in started:
            process.start()
        for process in started:
            process.join()
        found: dict[str, Run] = torch.load(Path(folder) / "0.pt", weights_only=False)
        return found


def _joined(rank: int, count: int, folder: str, dtype: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count)
    runs = {loss: train(make(asked(loss), Processes(rank, count), getattr(torch, dtype))) for loss in LOSSES}
    if rank == 0:
        torch.save(runs, Path(folder) / "0.pt")
    dist.barrier()
    dist.destroy_process_group()


# --- a step in parts ----------------------------------------------------------------------------------------------


@contextmanager
def without_norms() -> Iterator[None]:
    """Batch normalisation sees each part alone; without it a step in parts is the whole step."""
    kept = nn.BatchNorm2d.forward
    nn.BatchNorm2d.forward = lambda self, input: input  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.BatchNorm2d.forward = kept  # type: ignore[method-assign]


def of_parts() -> dict[str, Any]:
    """8 x 8 against 1 x 64."""
    found: dict[str, Any] = {"steps": 20}
    for loss in LOSSES:
        for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
            with without_norms():
                whole, parts = (
                    train(make(asked(loss, batch_size=64, accumulate=count), ALONE, dtype), 20)
                    for count in (1, 8)
                )
                backwards = train(make(asked(loss, batch_size=64), Backwards(), dtype), 20)
            found.setdefault(loss, {})[name] = {
                "8 x 8": difference(parts, whole),
                "1 x 64, batches backwards": difference(backwards, whole),
            }
    return found


# --- bfloat16 -----------------------------------------------------------------------------------------------------


def of_precision() -> dict[str, Any]:
    """Curves and scores of the same runs in float32 and in bfloat16, two seeds each."""
    found: dict[str, Any] = {"epochs": 15, "pictures": 400}
    for loss in ("v1", "v8"):
        for precision in ("float32", "bfloat16"):
            rows = []
            for seed in (0, 1):
                settings = asked(loss, epochs=15, batch_size=8, precision=precision, seed=seed, image_size=96)
                training = build_training(settings, scenes(count=400), CPU)
                totals = [record.total for record in training.steps()]
                evaluated = scenes("val", 100)
                model = training.average.module
                found_boxes = detect_all(settings, model, build_loss(settings), evaluated, CPU)
                metrics = evaluate(evaluated, settings.class_names, found_boxes)
                tenths = [float(np.mean(part)) for part in np.array_split(totals, 10)]
                rows.append({"loss_by_tenth": tenths, "map50": float(metrics.map50)})
            found.setdefault(loss, {})[precision] = rows
    return found


# --- memory -------------------------------------------------------------------------------------------------------


def of_memory() -> dict[str, Any]:
    """Resident memory after each of 30 epochs, in MiB."""
    found: dict[str, Any] = {}
    for loss in ("v1", "v8"):
        training = build_training(asked(loss, epochs=30, batch_size=8), scenes(count=80), CPU)
        by_epoch = [_resident() for record in training.steps() if record.step % len(training.batches) == 0]
        found[loss] = {"mib_after_epoch": by_epoch, "peak_mib": _peak()}
    return found


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 2**20, 1)


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1)


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "processes": of_processes,
    "parts": of_parts,
    "precision": of_precision,
    "memory": of_memory,
}


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    results = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for name in names or list(PARTS):
        load = os.getloadavg()[0]
        found = PARTS[name]()
        results["torch"] = torch.__version__
        results[name] = {"load_before": round(load, 2), **found}
        RESULT.write_text(json.dumps(results, indent=1) + "\n")
        print(name, json.dumps(found)[:2000], flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
