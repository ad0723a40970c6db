"""Compare the detections of exported files with torch's on 100 pictures: ``benchmarks/results/exported-boxes.json``.

.venv/bin/python benchmarks/exported_boxes.py ../shared/data/bccd --losses v1 v8 --minutes 5

Every file is written by ``yolosses export``: ONNX and torch.export, decoded boxes and suppressed detections. "boxes"
and "scores" are the largest differences over all of them; detections are paired as `yolosses.export.agreement` says.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import Tensor

import yolosses
from yolosses.apps.runs.build import load_detector
from yolosses.export import DetectorGraph, Suppression, read_detector
from yolosses.export.agreement import agreement
from yolosses.training.data import open_dataset, plain_geometry, warp
from yolosses.training.detect import CANDIDATES, SCORE_THRESHOLD
from yolosses.training.run import RunFolder, Settings

RESULTS = Path(__file__).parent / "results"
PICTURES = 100
SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}


def command(*arguments: object) -> None:
    """One of yolosses."""
    subprocess.run([sys.executable, "-m", "yolosses", *map(str, arguments)], check=True)


def inputs(data: str, splits: list[str], settings: Settings) -> list[Tensor]:
    """The first pictures of the splits, one after the other, each as the network sees it."""
    images: list[Tensor] = []
    for split in splits:
        dataset = open_dataset(data, split, class_names=settings.class_names)
        for index in range(min(PICTURES - len(images), len(dataset))):
            picture = dataset.picture(index)
            geometry = plain_geometry(picture.shape[:2], settings.image_size, settings.fit)
            images.append(torch.from_numpy(warp(picture, geometry)))
    return images


def compared(run: Path, data: str, splits: list[str], folder: Path) -> dict[str, Any]:
    """The files of one run beside its network."""
    settings, model, loss = load_detector(RunFolder(run), torch.device("cpu"))
    images = inputs(data, splits, settings)
    rule = Suppression(SCORE_THRESHOLD, settings.nms_iou, CANDIDATES)
    files: dict[str, Any] = {}
    for kind, suffix in SUFFIXES.items():
        for output in ("boxes", "detections"):
            path = folder / f"{settings.loss}-{output}{suffix}"
            command("export", run, "--format", kind, "--output", output, "--out", path)
            graph = DetectorGraph(model, loss, images[0][None], output=output, suppression=rule)
            file = read_detector(path)
            largest, values, unpaired = dict.fromkeys(("boxes", "scores"), 0.0), 0, 0
            for image in images:
                with torch.no_grad():
                    found = agreement(graph, graph(image[None]), file.run(image[None]))
                largest = {name: max(value, found.largest[name]) for name, value in largest.items()}
                values, unpaired = values + found.values, unpaired + found.unpaired
            key = "detections" if output == "detections" else "numbers"
            files[f"{kind}, {output}"] = {
                **largest, key: values, "bytes": path.stat().st_size,
                **({"unpaired": unpaired} if output == "detections" else {}),
            }  # fmt: skip
    rows = list(RunFolder(run).log())
    return {
        "loss": settings.loss,
        "image_size": settings.image_size,
        "trained": {"steps": rows[-1]["step"], "minutes": settings.minutes, "epochs": settings.epochs},
        "pictures": len(images),
        "files": files,
    }


def main() -> None:
    """Read the arguments, train where there is no run yet, compare, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--losses", nargs="+", default=["v1", "v8"])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--train-split", default="trainval")
    parser.add_argument("--eval-split", default="test")
    parser.add_argument(
        "--runs", type=Path, help="folder with the runs, one for each loss; trained where missing"
    )
    arguments = parser.parse_args()
    splits = [arguments.eval_split, arguments.train_split]
    with tempfile.TemporaryDirectory() as scratch:
        runs = arguments.runs or Path(scratch, "runs")
        results = []
        for loss in arguments.losses:
            if not (runs / loss / "model.pt").exists():
                command("train", arguments.data, "--loss", loss, "--minutes", arguments.minutes, "--out", runs / loss,
                        "--train-split", arguments.train_split, "--eval-split", arguments.eval_split)  # fmt: skip
            results.append(compared(runs / loss, arguments.data, splits, Path(scratch)))
    result = {
        "what": "largest differences between an exported file and torch, over all pictures; boxes in fractions of the "
        "image",
        "data": f"{Path(arguments.data).name}: {PICTURES} pictures, first of {splits[0]}, then of {splits[1]}",
        "runs": results,
        "machine": {
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "processor": platform.machine(),
        },
        "versions": {
            "yolosses": yolosses.__version__,
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
            "python": platform.python_version(),
        },
    }
    (RESULTS / "exported-boxes.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result["runs"], indent=2))


if __name__ == "__main__":
    main()
