"""Train a tiny detector on scenes of digits and print one line of JSON every few steps.

``python -m yolosses.apps.play.training LAMBDA_COORD LAMBDA_NOOBJ MINUTES``. A process of its own, so that
the playground can end it at any moment and nobody else waits for it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import torch

from yolosses.apps.runs.build import build_loss, build_training
from yolosses.apps.runs.detections import detect_all
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.settings import resolve
from yolosses.studies.ablation.abilities import FIXED_SCORE, HIT_IOU, Scene
from yolosses.training.data import DetectionDataset, digit_scenes
from yolosses.training.evaluation import Detections

SIDE = 128  # pixels
PICTURES = 800  # to learn from
MEASURED = 32  # pictures, held out
EVERY = 10  # steps between two lines
EVALUATED = 5  # lines between two measurements


def main(arguments: list[str]) -> None:
    """Train until the time is over."""
    coord, noobj, minutes = map(float, arguments)
    torch.set_num_threads(1)
    train_set = digit_scenes(split="train", count=PICTURES)
    eval_set = digit_scenes(split="val", count=MEASURED)
    request = TrainRequest(
        data="digits", image_size=SIDE, lambda_coord=coord, lambda_noobj=noobj, minutes=minutes, device="cpu"
    )
    settings = resolve(request, train_set, "val")
    device = torch.device("cpu")
    training, loss = build_training(settings, train_set, device), build_loss(settings)
    lines = 0
    for record in training.steps():
        if record.step % EVERY:
            continue
        line: dict[str, Any] = {"step": record.step, "unweighted": record.unweighted, "terms": record.terms}
        if lines % EVALUATED == 0:
            found = detect_all(settings, training.average.module, loss, eval_set, device)
            line["measures"] = measures(eval_set, found)
        lines += 1
        print(json.dumps(line), flush=True)


def measures(dataset: DetectionDataset, found: Sequence[Detections]) -> dict[str, float]:
    """Precision and recall of the detections with a score of at least 0.25 at IoU 0.5, 0 where nothing was found."""
    scenes = [
        Scene.of(record, each).above(FIXED_SCORE) for record, each in zip(dataset.records, found, strict=True)
    ]
    hits = sum(len(scene.pairs(HIT_IOU)) for scene in scenes)
    detections = sum(len(scene.iou) for scene in scenes)
    objects = sum(len(scene.objects) for scene in scenes)
    return {"precision": hits / max(detections, 1), "recall": hits / max(objects, 1)}


if __name__ == "__main__":
    main(sys.argv[1:])
