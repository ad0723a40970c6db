"""The loss of a whole data set: by term, picture, object, class and size of the object.

Batch by batch, so that memory does not grow with the data set: of each picture and object a few numbers are kept, of
the worst ones all that is needed to explain them in full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from yolosses.explain.build import ExplainableLoss, explain
from yolosses.explain.explanation import Explanation
from yolosses.explain.plain import plain
from yolosses.explain.raw_output import Raw, tensors_of, with_tensors
from yolosses.structures import Targets
from yolosses.training.data import (
    Batch,
    Batches,
    DataError,
    DetectionDataset,
    Geometry,
    Record,
    visible_boxes,
)
from yolosses.training.detect import NMS_IOU, detections_of
from yolosses.training.evaluation import Detections
from yolosses.training.evaluation.evaluate import COCO_AREA_RANGES

PIXEL_SIZES = {name: COCO_AREA_RANGES[name] for name in ("small", "medium", "large")}
"""COCO's sizes: areas of boxes in pixels of the picture as it is stored."""

RELATIVE_SIZES = {"small": (0.0, 0.1), "medium": (0.1, 0.3), "large": (0.3, math.inf)}
"""Sides of boxes (the root of the area) as fractions of the picture, whatever its resolution."""

State = Literal["answered", "dropped", "ignored"]


@dataclass(frozen=True, kw_only=True)
class PictureLoss:
    """What one picture costs.

    Attributes:
        picture: position in the data set's ``records``; ``name``: of the record.
        terms, unweighted: weighted and unweighted, not divided by any number of pictures.
        num_hidden: objects that the fit to the network's input left out.
    """

    picture: int
    name: str
    terms: dict[str, float]
    unweighted: dict[str, float]
    num_answered: int
    num_dropped: int
    num_ignored: int
    num_hidden: int

    @property
    def loss(self) -> float:
        return sum(self.terms.values())


@dataclass(frozen=True, kw_only=True)
class ObjectLoss:
    """What one object costs, and how large it is.

    Attributes:
        picture: position in the data set's ``records``; ``object``: in that record's boxes.
        box: cxcywh, fractions of the picture. pixels: (width, height) in the picture as it is stored.
        iou: with the responsible box; None if no box is responsible.
        terms: weighted.
    """

    picture: int
    name: str
    object: int
    label: int
    class_name: str
    box: tuple[float, float, float, float]
    pixels: tuple[float, float]
    state: State
    iou: float | None
    terms: dict[str, float]

    @property
    def loss(self) -> float:
        return sum(self.terms.values())

    @property
    def area(self) -> float:
        """In pixels of the picture."""
        return self.pixels[0] * self.pixels[1]

    @property
    def relative_side(self) -> float:
        """Root of the area as fraction of the picture."""
        return math.sqrt(self.box[2] * self.box[3])


@dataclass(frozen=True, kw_only=True)
class GroupLoss:
    """What the objects of one class, or of one size, cost together.

    Attributes:
        terms: sums over the objects, weighted, divided by the number of pictures of the data set: over all groups and
            the background they add up to its loss.
        mean_iou: of the assigned objects; None without any.
    """

    name: str
    num_objects: int
    num_answered: int
    num_dropped: int
    num_ignored: int
    terms: dict[str, float]
    loss_per_object: float | None
    mean_iou: float | None

    @property
    def loss(self) -> float:
        return sum(self.terms.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class ExplainedPicture:
    """One picture with everything its loss is made of.

    Attributes:
        picture: position in the data set's ``records``.
        explanation: of this picture alone, image 0. Its boxes are fractions of the network's input.
        objects: position in the record's boxes of each object of the explanation's targets.
        geometry: how the picture lies in the input.
        raw, targets: what was explained, of this picture alone.
    """

    picture: int
    explanation: Explanation
    objects: tuple[int, ...]
    geometry: Geometry
    raw: Raw
    targets: Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetLoss:
    """The loss of a data set, taken apart. Losses are of one picture, or means over the pictures.

    Attributes:
        scales: the lambda of each term, in the order of the loss.
        pictures: all, in the order of the data set. objects: all, likewise.
        detections: what the detector finds in each picture.
        explained: the pictures with the largest loss and those with the objects of the largest loss, by their
            position in the data set.
    """

    scales: dict[str, float]
    class_names: tuple[str, ...]
    pictures: tuple[PictureLoss, ...]
    objects: tuple[ObjectLoss, ...]
    detections: tuple[Detections, ...]
    explained: dict[int, ExplainedPicture]

    @property
    def terms(self) -> dict[str, float]:
        """Mean of each weighted term over the pictures."""
        return {name: float(np.mean([p.terms[name] for p in self.pictures])) for name in self.scales}

    @property
    def unweighted(self) -> dict[str, float]:
        """Mean of each unweighted term over the pictures."""
        return {name: float(np.mean([p.unweighted[name] for p in self.pictures])) for name in self.scales}

    @property
    def loss(self) -> float:
        """Mean over the pictures."""
        return sum(self.terms.values())

    @property
    def background(self) -> dict[str, float]:
        """What is left of each term when all objects are taken out: boxes that should have kept silent."""
        count = len(self.pictures)
        return {
            name: value - sum(obj.terms[name] for obj in self.objects) / count
            for name, value in self.terms.items()
        }

    def worst_pictures(self, top: int) -> list[PictureLoss]:
        """The pictures with the largest loss, worst first."""
        return _worst(self.pictures, top)

    def worst_objects(self, top: int) -> list[ObjectLoss]:
        """The objects with the largest loss, worst first."""
        return _worst(self.objects, top)

    def by_class(self) -> list[GroupLoss]:
        """One group a class, in the order of the classes."""
        return [
            self._group(name, [obj for obj in self.objects if obj.label == label])
            for label, name in enumerate(self.class_names)
        ]

    def by_pixels(self) -> list[GroupLoss]:
        """Small, medium and large as COCO has them, see `PIXEL_SIZES`."""
        return self._by_size(PIXEL_SIZES, lambda obj: obj.area)

    def by_relative_size(self) -> list[GroupLoss]:
        """Small, medium and large against the picture, see `RELATIVE_SIZES`."""
        return self._by_size(RELATIVE_SIZES, lambda obj: obj.relative_side)

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not finite becomes None."""

        def rows(losses: Iterable[PictureLoss | ObjectLoss | GroupLoss]) -> list[dict[str, Any]]:
            return [{**asdict(row), "loss": row.loss} for row in losses]

        value: dict[str, Any] = plain(
            {
                "loss": self.loss,
                "terms": {
                    name: {"raw_value": self.unweighted[name], "lambda": scale, "value": self.terms[name]}
                    for name, scale in self.scales.items()
                },
                "background": self.background,
                "by_class": rows(self.by_class()),
                "by_pixels": rows(self.by_pixels()),
                "by_relative_size": rows(self.by_relative_size()),
                "pictures": rows(self.pictures),
                "objects": rows(self.objects),
            }
        )
        return value

    def _by_size(
        self, bounds: Mapping[str, tuple[float, float]], size: Callable[[ObjectLoss], float]
    ) -> list[GroupLoss]:
        return [
            self._group(name, [obj for obj in self.objects if low <= size(obj) < high])
            for name, (low, high) in bounds.items()
        ]

    def _group(self, name: str, objects: Sequence[ObjectLoss]) -> GroupLoss:
        states = [obj.state for obj in objects]
        answered = [obj for obj in objects if obj.state == "answered"]
        return GroupLoss(
            name=name,
            num_objects=len(objects),
            num_answered=len(answered),
            num_dropped=states.count("dropped"),
            num_ignored=states.count("ignored"),
            terms={
                term: sum(obj.terms[term] for obj in objects) / len(self.pictures) for term in self.scales
            },
            loss_per_object=sum(obj.loss for obj in answered) / len(answered) if answered else None,
            mean_iou=sum(obj.iou or 0.0 for obj in answered) / len(answered) if answered else None,
        )


def explain_dataset(
    model: nn.Module,
    loss: ExplainableLoss,
    batches: Batches,
    device: torch.device,
    *,
    top: int = 20,
    iou_threshold: float | None = NMS_IOU,
    progress: Callable[[int], object] | None = None,
) -> DatasetLoss:
    """Take the loss of a data set apart.

    Args:
        model: on ``device``; it is put into evaluation mode.
        loss: with ``reduction="mean"``. Terms are worked out on the CPU.
        batches: of the data set, each picture once and not augmented.
        top: of how many pictures, and of how many objects' pictures, the full explanation is kept.
        iou_threshold: of the detections, see `detections_of`.
        progress: called with the number of pictures done after each batch.

    Raises:
        DataError: a picture cannot be read.
    """
    records, names = batches.dataset.records, batches.dataset.class_names
    pictures: list[PictureLoss] = []
    objects: list[ObjectLoss] = []
    detections: list[Detections] = []
    kept: dict[int, tuple[Raw, Targets, Geometry]] = {}
    model.eval()
    for batch in batches.epoch(0):
        raw = outputs(model, batch, device)
        detections += detections_of(loss, raw, batch.geometries, iou_threshold=iou_threshold)
        explanation = explain(loss, raw, batch.targets, normalizer=1.0, class_names=names)
        for row, index in enumerate(batch.indices):
            geometry = batch.geometries[row]
            picture, its_objects = _losses(explanation.of_image(row), index, records[index], geometry)
            pictures.append(picture)
            objects += its_objects
            kept[index] = output_of(raw, row), targets_of(batch.targets, row), geometry
        worst = {pic.picture for pic in _worst(pictures, top)} | {obj.picture for obj in _worst(objects, top)}
        kept = {index: entry for index, entry in kept.items() if index in worst}
        if progress is not None:
            progress(len(pictures))
    if batches.dataset.unreadable:
        raise DataError(next(iter(batches.dataset.unreadable.values())))
    return DatasetLoss(
        scales=explanation.scales,
        class_names=names,
        pictures=tuple(pictures),
        objects=tuple(objects),
        detections=tuple(detections),
        explained={index: _explained(loss, index, batches.dataset, *entry) for index, entry in kept.items()},
    )


def explain_one(
    model: nn.Module, loss: ExplainableLoss, batches: Batches, picture: int, device: torch.device
) -> ExplainedPicture:
    """Everything that the loss of one picture of the data set is made of; see `explain_dataset`."""
    batch = batches.batch(np.array([picture]))
    model.eval()
    raw = outputs(model, batch, device)
    return _explained(loss, picture, batches.dataset, raw, batch.targets, batch.geometries[0])


@torch.no_grad()
def outputs(model: nn.Module, batch: Batch, device: torch.device) -> Raw:
    """What the network emits for a batch, in float32 on the CPU."""
    raw: Raw = model(batch.images.to(device, memory_format=torch.channels_last))
    whole: Raw = with_tensors(raw, [part.float().cpu() for part in tensors_of(raw)])
    return whole


def output_of(raw: Raw, image: int) -> Raw:
    """One image of a batch."""
    part: Raw = with_tensors(raw, [whole[image : image + 1] for whole in tensors_of(raw)])
    return part


def targets_of(targets: Targets, image: int) -> Targets:
    """One image of a batch."""
    columns = {name: getattr(targets, name) for name in ("boxes", "labels", "mask", "weight", "ignore")}
    return replace(targets, **{name: c[image : image + 1] for name, c in columns.items() if c is not None})


def _explained(
    loss: ExplainableLoss,
    index: int,
    dataset: DetectionDataset,
    raw: Raw,
    targets: Targets,
    geometry: Geometry,
) -> ExplainedPicture:
    record, names = dataset.records[index], dataset.class_names
    return ExplainedPicture(
        picture=index,
        explanation=explain(loss, raw, targets, normalizer=1.0, class_names=names, image_names=[record.name]),
        objects=tuple(_visible(record, geometry).tolist()),
        geometry=geometry,
        raw=raw,
        targets=targets,
    )


def _visible(record: Record, geometry: Geometry) -> NDArray[np.int64]:
    """Positions in the record of the objects that are in the targets, in their order there."""
    return np.flatnonzero(visible_boxes(record.boxes, geometry)[1])


def _losses(
    part: Explanation, index: int, record: Record, geometry: Geometry
) -> tuple[PictureLoss, list[ObjectLoss]]:
    """Of a picture and its objects, from the part of the explanation that is about it."""
    (height, width), visible = record.image_size, _visible(record, geometry)
    objects = []
    for obj in part.objects:
        position = int(visible[obj.index])
        cx, cy, w, h = record.boxes[position].tolist()
        objects.append(
            ObjectLoss(
                picture=index,
                name=record.name,
                object=position,
                label=obj.label,
                class_name=obj.class_name,
                box=(cx, cy, w, h),
                pixels=(w * width, h * height),
                state=obj.state,
                iou=obj.iou,
                terms=obj.terms,
            )
        )
    sums, states = part.by_term(), [obj.state for obj in objects]
    picture = PictureLoss(
        picture=index,
        name=record.name,
        terms={name: weighted for name, (_, weighted) in sums.items()},
        unweighted={name: raw for name, (raw, _) in sums.items()},
        num_answered=states.count("answered"),
        num_dropped=states.count("dropped"),
        num_ignored=states.count("ignored"),
        num_hidden=len(record.labels) - len(visible),
    )
    return picture, objects


_Loss = TypeVar("_Loss", PictureLoss, ObjectLoss)


def _worst(losses: Sequence[_Loss], top: int) -> list[_Loss]:
    """A loss that is NaN is the worst there is."""
    return sorted(losses, key=lambda one: math.inf if math.isnan(one.loss) else one.loss, reverse=True)[:top]
