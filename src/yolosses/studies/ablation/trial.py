"""From a trained detector to the result of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from yolosses.explain import ExplainableLoss
from yolosses.studies.ablation.abilities import abilities, calibration
from yolosses.studies.ablation.observe import observe
from yolosses.studies.ablation.structures import Result, Setting
from yolosses.studies.errors import tide, top_detections
from yolosses.studies.term_history import term_history
from yolosses.training.data import Batches
from yolosses.training.detect import NMS_IOU
from yolosses.training.evaluation import evaluate

POINTS = 40  # of the history of each term


def measured(
    model: nn.Module,
    loss: ExplainableLoss,
    batches: Batches,
    log: Sequence[Mapping[str, Any]],
    device: torch.device,
    *,
    trial: int,
    setting: Setting,
    seed: int,
    iou_threshold: float | None = NMS_IOU,
) -> Result:
    """Every measure of `MEASURES`.

    Args:
        batches: the split to measure on, in its order. log: rows of the training log.
        iou_threshold: of the detections, see `detections_of`.
    """
    seen = observe(model, loss, batches.epoch(0), device, iou_threshold=iou_threshold)
    dataset = batches.dataset.readable()
    metrics = evaluate(dataset, dataset.class_names, seen.detections)
    best = metrics.best_f1
    kinds = tide(dataset.records, dataset.class_names, seen.detections)
    top = top_detections(dataset.records, dataset.class_names, seen.detections)
    history = term_history(log, points=POINTS)
    return Result(
        trial=trial,
        setting=setting,
        seed=seed,
        measures={
            "map50": metrics.map50,
            "map50_95": metrics.map50_95,
            "voc07_map": metrics.voc07_map,
            **{
                name: getattr(best, name) if best else None
                for name in ("f1", "precision", "recall", "threshold")
            },
            **abilities(dataset.records, seen.detections, best.threshold if best else None),
            "covered": seen.covered,
            "empty_confidence": seen.empty_confidence,
            "object_confidence": seen.object_confidence,
            **{f"tide_{kind}": cost for kind, cost in kinds.costs.items()},
            **{f"top_{kind}": share for kind, share in top.shares.items()},
        },
        calibration=calibration(dataset.records, seen.detections),
        history=asdict(history) if history else {},
        seconds=log[-1]["seconds"] if log else 0.0,
    )
