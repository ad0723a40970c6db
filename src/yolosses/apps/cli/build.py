"""From the names of a run's settings to objects: one ``match`` each, at the edge."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from yolosses.apps.cli.choices import LossName, ModelName, OptimizerName, PenaltyName, ScheduleName
from yolosses.apps.cli.failures import CommandError
from yolosses.functional import (
    Penalty,
    absolute_error,
    binary_cross_entropy_with_logits,
    huber,
    sigmoid_focal,
    squared_error,
)
from yolosses.losses import YOLOv1Loss
from yolosses.training.checkpoints import load_weights
from yolosses.training.models import FastYOLO, Tiny, YOLOv1
from yolosses.training.optimizers import adamw, sgd
from yolosses.training.run import RunFolder, Settings
from yolosses.training.schedule import Schedule, paper, warmup_cosine


def build_loss(settings: Settings) -> YOLOv1Loss:
    """The loss that the settings name."""
    options: dict[str, Any] = {
        name: build_penalty(str(value)) if name.endswith("_penalty") else value
        for name, value in settings.loss_options.items()
    }
    return loss_class(settings.loss)(
        grid=settings.grid,
        boxes_per_cell=settings.boxes_per_cell,
        num_classes=len(settings.class_names),
        **options,
    )


def loss_class(name: str) -> type[YOLOv1Loss]:
    """The loss with this name."""
    match LossName(name):
        case LossName.V1:
            return YOLOv1Loss


def build_penalty(name: str) -> Penalty:
    """The elementwise penalty with this name."""
    match PenaltyName(name):
        case PenaltyName.SQUARED_ERROR:
            return squared_error
        case PenaltyName.ABSOLUTE_ERROR:
            return absolute_error
        case PenaltyName.HUBER:
            return huber
        case PenaltyName.BINARY_CROSS_ENTROPY:
            return binary_cross_entropy_with_logits
        case PenaltyName.FOCAL:
            return sigmoid_focal


def build_model(settings: Settings) -> nn.Module:
    """The network that the settings name, with fresh weights."""
    outputs: dict[str, Any] = {
        "num_classes": len(settings.class_names),
        "boxes_per_cell": settings.boxes_per_cell,
    }
    match ModelName(settings.model):
        case ModelName.TINY:
            size_encoding = str(settings.loss_options.get("size_encoding", "sqrt"))
            stride = settings.image_size[0] // settings.grid[0]
            return Tiny(**outputs, stride=stride, size_encoding=size_encoding)
        case ModelName.FAST_YOLO:
            return FastYOLO(**outputs, grid=settings.grid, image_size=settings.image_size)
        case ModelName.YOLOV1:
            return YOLOv1(**outputs, grid=settings.grid, image_size=settings.image_size)


def build_optimizer(settings: Settings, model: nn.Module) -> Optimizer:
    """The optimiser that the settings name."""
    match OptimizerName(settings.optimizer):
        case OptimizerName.ADAMW:
            return adamw(model, settings.learning_rate)
        case OptimizerName.SGD:
            return sgd(model, settings.learning_rate)


def build_schedule(settings: Settings) -> Schedule:
    """The schedule that the settings name."""
    match ScheduleName(settings.schedule):
        case ScheduleName.COSINE:
            return warmup_cosine
        case ScheduleName.PAPER:
            return paper


def build_device(name: str) -> torch.device:
    """``auto``: the first of CUDA, Apple's MPS and CPU that is there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise CommandError(f"--device {name}: expected auto or a device of this machine; {reason}") from error
    return device


def load_detector(folder: RunFolder, device: torch.device) -> tuple[Settings, nn.Module, YOLOv1Loss]:
    """Settings, trained network (in evaluation mode, on ``device``) and loss of a run."""
    settings = folder.settings()
    model, loss = build_model(settings), build_loss(settings)
    model.load_state_dict(load_weights(folder.weights_file))
    model.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return settings, model, loss
