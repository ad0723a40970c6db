"""What a network finds in a data set, and what that is worth."""

from __future__ import annotations

import torch
from torch import nn

from yolosses.training.data import Batches, DetectionDataset, usual_workers
from yolosses.training.detect import Decoder, detect
from yolosses.training.evaluation import Detections, Metrics, evaluate
from yolosses.training.run import Settings

BATCH = 16


def score(
    settings: Settings, model: nn.Module, decoder: Decoder, dataset: DetectionDataset, device: torch.device
) -> tuple[list[Detections], Metrics]:
    """Detections of every readable picture, and what they are worth."""
    detections = detect_all(settings, model, decoder, dataset, device)
    return detections, evaluate(dataset.readable(), dataset.class_names, detections)


def detect_all(
    settings: Settings, model: nn.Module, decoder: Decoder, dataset: DetectionDataset, device: torch.device
) -> list[Detections]:
    """Detections of every picture that can be read, in the order of ``dataset.readable()``."""
    model.eval()
    found: list[Detections] = []
    for batch in batches_of(settings, dataset, device).epoch(0):
        images = batch.images.to(device, memory_format=torch.channels_last)
        found += detect(model, decoder, images, batch.geometries, iou_threshold=settings.nms_iou)
    return found


def batches_of(settings: Settings, dataset: DetectionDataset, device: torch.device) -> Batches:
    """The pictures as the network of a run takes them, in their order, without augmentation."""
    size, fit, workers = settings.image_size, settings.fit, usual_workers(device)
    return Batches(dataset, batch_size=BATCH, image_size=size, fit=fit, workers=workers)
