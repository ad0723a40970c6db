"""From the names of a run's settings to objects: one table or ``match`` each, at the edge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn

import yolosses.functional as functional
import yolosses.losses as losses
from yolosses.apps.runs.choices import (
    BOX_LOSSES,
    LOSSES,
    MODELS,
    PENALTIES,
    BoxLossName,
    LossName,
    PenaltyName,
)
from yolosses.apps.runs.failures import CommandError
from yolosses.arguments import choice
from yolosses.explain import ExplainableLoss
from yolosses.functional import BoxLoss, Penalty
from yolosses.structures import LossOutput, Targets
from yolosses.training import models
from yolosses.training.average import averaged
from yolosses.training.checkpoints import fit_weights
from yolosses.training.data import Augmentation, Batches, DetectionDataset, usual_workers
from yolosses.training.detect import NMS_IOU
from yolosses.training.loop import SETTLE_AT, Budget, Training
from yolosses.training.network import network_of
from yolosses.training.optimizers import adamw, sgd
from yolosses.training.processes import ALONE, Processes, local_rank
from yolosses.training.run import RunFolder, Settings
from yolosses.training.schedule import WARMUP, paper, warmup_cosine
from yolosses.training.shared_norm import share_statistics


class DetectorLoss(ExplainableLoss, Protocol):
    """What training, detecting and explaining ask of a loss; every loss of the library has it."""

    def __call__(self, raw: Any, targets: Targets) -> LossOutput: ...


@dataclass(frozen=True, kw_only=True)
class Family:
    """What there is to know of a loss before one is made.

    Attributes:
        loss: its class.
        strides: of its levels, from fine to coarse; none for v1, which has a grid.
        anchors: how many each level has; 0: none.
        nms_iou: see `Settings.nms_iou`.
    """

    loss: type[Any]
    strides: tuple[int, ...] = models.TinyLevels.STRIDES
    anchors: int = 0
    nms_iou: float | None = NMS_IOU


_FAMILIES: dict[LossName, Family] = {
    "v1": Family(loss=losses.YOLOv1Loss, strides=()),
    "v2": Family(loss=losses.YOLOv2Loss, strides=(16,), anchors=5),
    "v3": Family(loss=losses.YOLOv3Loss, anchors=3),
    "v4": Family(loss=losses.YOLOv4Loss, anchors=3),
    "v5": Family(loss=losses.YOLOv5Loss, anchors=3, nms_iou=0.6),
    "v6": Family(loss=losses.YOLOv6Loss, nms_iou=0.65),
    "v7": Family(loss=losses.YOLOv7Loss, anchors=3, nms_iou=0.65),
    "v8": Family(loss=losses.YOLOv8Loss, nms_iou=0.7),
    "v10": Family(loss=losses.YOLOv10Loss, nms_iou=None),
    "yolox": Family(loss=losses.YOLOXLoss, nms_iou=0.65),
}
_PENALTIES: dict[PenaltyName, Penalty] = {
    "squared_error": functional.squared_error,
    "absolute_error": functional.absolute_error,
    "huber": functional.huber,
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
    "focal": functional.sigmoid_focal,
}
_BOX_LOSSES: dict[BoxLossName, BoxLoss] = {
    "iou": functional.iou_loss,
    "squared_iou": functional.squared_iou_loss,
    "giou": functional.giou_loss,
    "diou": functional.diou_loss,
    "ciou": functional.ciou_loss,
    "eiou": functional.eiou_loss,
    "siou": functional.siou_loss,
}
_PAPERS = {"fast-yolo": models.FastYOLO, "yolov1": models.YOLOv1}
_OPTIMIZERS = {"adamw": adamw, "sgd": sgd}
_SCHEDULES = {"cosine": warmup_cosine, "paper": paper}


def family(name: str) -> Family:
    """The loss with this name. Detections are suppressed as in the publications' own evaluations."""
    return _FAMILIES[choice("loss", name, LOSSES)]


def trained_weights(name: str, *, num_classes: int, image_size: tuple[int, int]) -> dict[str, float]:
    """The weights that training takes in place of the loss's own.

    YOLOv5 and v7 scale that of the objectness by the area of the image, and that of the classes by their number.
    YOLOv4's 0.07 for the boxes goes with the directions of its program, which lack the chain rule's factors (of the
    cell, the anchor and the sigmoid: some 30 together); with true gradients little would be learnt of the boxes.
    """
    area, classes = image_size[0] * image_size[1] / 640**2, num_classes / 80
    match name:
        case "v4":
            return {"lambda_box": 2.0}
        case "v5":
            return {"lambda_obj": round(area, 6), "lambda_cls": round(0.5 * classes, 6)}
        case "v7":
            return {"lambda_obj": round(0.7 * area, 6), "lambda_cls": round(0.3 * classes, 6)}
        case _:
            return {}


def build_loss(settings: Settings) -> DetectorLoss:
    """The loss that the settings name."""
    options = {name: build_keyword(name, value) for name, value in settings.loss_options.items()}
    if settings.loss == "v2" and "anchors" in options:
        (stride,), (level,) = family(settings.loss).strides, options["anchors"]
        options["anchors"] = [(width / stride, height / stride) for width, height in level]  # in cells
    if settings.grid is not None:
        options |= {"grid": settings.grid, "boxes_per_cell": settings.boxes_per_cell}
    loss: DetectorLoss = family(settings.loss).loss(num_classes=len(settings.class_names), **options)
    return loss


def build_keyword(name: str, value: Any) -> Any:
    """The value of a keyword of a loss: functions are stored by their names."""
    if name.endswith("_penalty"):
        return build_penalty(str(value))
    return _BOX_LOSSES[choice(name, value, BOX_LOSSES)] if name == "box_loss" else value


def build_penalty(name: str) -> Penalty:
    """The elementwise penalty with this name."""
    return _PENALTIES[choice("penalty", name, PENALTIES)]


def build_model(settings: Settings) -> nn.Module:
    """The network that the settings name, with fresh weights."""
    model = choice("model", settings.model, MODELS)
    small = model == "small"
    if settings.grid is None:
        levels = models.SmallLevels if small else models.TinyLevels
        return levels(emissions(settings), end_to_end=settings.loss == "v10")
    outputs: Any = {"num_classes": len(settings.class_names), "boxes_per_cell": settings.boxes_per_cell}
    if small or model == "tiny":
        size_encoding = str(settings.loss_options.get("size_encoding", "sqrt"))
        stride = settings.image_size[0] // settings.grid[0]
        sized = models.Small if small else models.Tiny
        return sized(**outputs, stride=stride, size_encoding=size_encoding)
    network = _PAPERS[model]
    return network(**outputs, grid=settings.grid, image_size=settings.image_size)


def emissions(settings: Settings) -> dict[int, models.Emission]:
    """What each level of the network emits for the loss of the settings, by stride."""
    height, width = settings.image_size
    return {
        stride: _emission(settings, num_cells=height * width // stride**2)
        for stride in family(settings.loss).strides
    }


def _emission(settings: Settings, *, num_cells: int) -> models.Emission:
    """Few boxes hold an object, and the first steps should not be spent on learning that. How few is a guess:
    Lin et al. 2017 (focal loss) begin with 1 in 100, YOLOv5 with 8 and YOLOv8 with 5 objects a picture on each level.
    """
    c = len(settings.class_names)
    of_object = min(0.6 / (c - 0.4), 0.99)  # each class, once there is an object: odds of 0.6 to C - 1
    loss: Any = build_loss(settings)

    def of_points(classes: float) -> models.Emission:
        sides = models.distance_start((loss.channels - c) // 4)
        return models.Emission(num_classes=c, box=sides, classes=classes)

    def of_anchors(objectness: float, classes: float) -> models.Emission:
        # 0 is an anchor in the middle of its cell, whichever way the sizes are decoded.
        k = loss.channels // (5 + c)
        return models.Emission(
            num_classes=c, boxes_per_cell=k, box=(0.0,) * 4, objectness=objectness, classes=classes
        )

    match settings.loss:
        case "v2":
            # Squared error on a sigmoid hardly moves near 0. The classes have a softmax: all alike.
            return of_anchors(0.1, 0.5)
        case "v5" | "v7":
            return of_anchors(min(8 / num_cells, 0.1), of_object)
        case "v6":
            return of_points(0.01)
        case "v8" | "v10":
            return of_points(min(5 / num_cells, 0.1) / c)
        case "yolox":
            size = math.log(2 * models.STRIDES_TO_A_SIDE)
            return models.Emission(num_classes=c, box=(0.5, 0.5, size, size), objectness=0.01, classes=0.01)
        case _:
            return of_anchors(0.01, of_object)


def course_of(settings: Settings, loss: Any) -> Callable[[float], None] | None:
    """What the publication changes in the loss while it trains, as a function of the progress; None: nothing, or the
    settings fix it."""
    match settings.loss:
        case "v10" if "one_to_many_weight" not in settings.loss_options:
            return partial(_hand_over, loss)
        case "yolox" if "lambda_l1" not in settings.loss_options:
            return partial(_add_l1, loss)
        case "v2" if "prior_pull" not in settings.loss_options:
            return partial(_draw_to_anchors, loss)
        case _:
            return None


def _hand_over(loss: Any, progress: float) -> None:
    """The one-to-many head teaches the features first and hands over to the other: 0.8 to 0.1. In the reference epoch
    by epoch, here step by step."""
    loss.one_to_many_weight = 0.8 - 0.7 * min(progress, 1.0)


def _draw_to_anchors(loss: Any, progress: float) -> None:
    """While the learning rate rises, free boxes are drawn to their anchors. The author's program has that for 12,800
    pictures, which would be all of a short run."""
    loss.prior_pull = progress < WARMUP


def _add_l1(loss: Any, progress: float) -> None:
    """The last epochs, whose pictures keep their place and size, also measure what the network emits."""
    loss.lambda_l1 = 1.0 if progress >= SETTLE_AT else 0.0


def build_device(name: str) -> torch.device:
    """``auto``: the first of CUDA, Apple's MPS and CPU that is there; of several processes each takes a GPU."""
    if name == "auto":
        others = "mps" if torch.backends.mps.is_available() else "cpu"
        name = f"cuda:{local_rank()}" if torch.cuda.is_available() else others
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise CommandError(f"--device {name}: expected auto or a device of this machine; {reason}") from error
    return device


def build_training(
    settings: Settings,
    train_set: DetectionDataset,
    device: torch.device,
    *,
    processes: Processes = ALONE,
    workers: int | None = None,
    compiled: bool = False,
) -> Training:
    """A run at its beginning, everything random decided by the seed of the settings.

    Args:
        workers: processes that prepare batches; None: as many as suit the device.
        compiled: whether `torch.compile` makes the network faster, after some minutes.
    """
    torch.manual_seed(settings.seed)
    model = build_model(settings).to(device)
    if processes.count > 1:
        model = share_statistics(model, device)
        torch.manual_seed(settings.seed + processes.rank)  # what is dropped out differs
    loss: Any = build_loss(settings)
    # Scenes are random as they are.
    augmentation = None if settings.data == "digits" else Augmentation(mosaic=settings.mosaic)
    return Training(
        model=model,
        loss=loss,
        batches=Batches(
            train_set,
            batch_size=settings.batch_size,
            image_size=settings.image_size,
            augmentation=augmentation,
            fit=settings.fit,
            shuffle=True,
            seed=settings.seed,
            drop_last=True,
            workers=usual_workers(device) if workers is None else workers,
            processes=processes,
        ),
        optimizer=_OPTIMIZERS[choice("optimizer", settings.optimizer, tuple(_OPTIMIZERS))](
            model, settings.learning_rate
        ),
        average=averaged(model),
        schedule=_SCHEDULES[choice("schedule", settings.schedule, tuple(_SCHEDULES))],
        budget=Budget(epochs=settings.epochs, minutes=settings.minutes),
        device=device,
        before_step=course_of(settings, loss),
        network=network_of(model, processes, parts=settings.accumulate, compiled=compiled),
        precision=getattr(torch, settings.precision),
        processes=processes,
    )


def load_detector(folder: RunFolder, device: torch.device) -> tuple[Settings, nn.Module, DetectorLoss]:
    """Settings, trained network (in evaluation mode, on ``device``) and loss of a run, as it is at the end."""
    settings = folder.settings()
    model, loss = build_model(settings), build_loss(settings)
    if course := course_of(settings, loss):
        course(1.0)
    fit_weights(folder.weights_file, model)
    model.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return settings, model, loss
