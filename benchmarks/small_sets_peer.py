"""Train Ultralytics' YOLOv8n from scratch, and write what it finds for ``yolosses compare --peer``.

Runs in an environment of its own, which has nothing of this library:

    python -m venv peer && peer/bin/pip install ultralytics==8.4.190
    peer/bin/python benchmarks/small_sets_peer.py sets/cards/data.yaml --minutes 10 --nbs 16 --seed 0 --out cards-0.json

Everything is its default but the size of the pictures, the budget, the seed and, where asked for, ``nbs`` (the batch
size that its accumulation of gradients and weight decay are meant for; by default 64, few steps for a small set).
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import ultralytics
import yaml
from ultralytics import YOLO

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


def pictures_of(data: Path, split: str) -> list[Path]:
    """The pictures of a split of a data yaml."""
    config = yaml.safe_load(data.read_text())
    folder = Path(config.get("path", data.parent)) / config[split]
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def found_in(model: YOLO, picture: Path, size: int) -> list[list[float]]:
    """Rows of cx, cy, w, h as fractions, score and label, as its own evaluation takes them."""
    (result,) = model.predict(
        picture, imgsz=size, conf=0.001, iou=0.7, max_det=300, device="cpu", verbose=False
    )
    boxes = result.boxes
    return torch.cat([boxes.xywhn, boxes.conf[:, None], boxes.cls[:, None]], 1).tolist()


def main() -> None:
    """Read the arguments, train, predict, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float)
    budget.add_argument("--epochs", type=int)
    parser.add_argument("--nbs", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image-size", type=int, default=320)
    parser.add_argument("--eval-split", default="test")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    length = {"epochs": arguments.epochs} if arguments.epochs else {"time": arguments.minutes / 60}
    load = os.getloadavg()[0]
    model, ends = YOLO("yolov8n.yaml"), [time.monotonic()]
    model.add_callback("on_train_start", lambda _: ends.append(time.monotonic()))
    model.add_callback("on_train_epoch_end", lambda _: ends.append(time.monotonic()))
    with tempfile.TemporaryDirectory() as scratch:
        model.train(
            data=str(arguments.data.resolve()), imgsz=arguments.image_size, nbs=arguments.nbs, seed=arguments.seed,
            device="cpu", project=scratch, plots=False, **length,
        )  # fmt: skip
        trainer: Any = model.trainer
        images = (len(ends) - 2) * len(trainer.train_loader.dataset)
        pictures = pictures_of(arguments.data, arguments.eval_split)
        best = YOLO(trainer.best)
        found = {path.name: found_in(best, path, arguments.image_size) for path in pictures}
    result = {
        "name": f"YOLOv8n, nbs {arguments.nbs}",
        "version": f"ultralytics {ultralytics.__version__}, torch {torch.__version__}",
        "seed": arguments.seed,
        "parameters": sum(p.numel() for p in best.model.parameters()),
        "images": images,
        "seconds": ends[-1] - ends[1],
        "eval_split": arguments.eval_split,
        "load": [load, os.getloadavg()[0]],
        "detections": found,
    }
    arguments.out.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
