"""One pass of a trained detector over a split: its detections, and what can only be seen before any threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from yolosses.boxes import pairwise_iou
from yolosses.explain.build import Codec, ExplainableLoss
from yolosses.explain.raw_output import Raw
from yolosses.structures import Targets
from yolosses.training.data import Batch
from yolosses.training.detect import NMS_IOU, detections_of
from yolosses.training.evaluation import Detections

COVERED_IOU = 0.5


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Attributes:
    detections: of each picture.
    empty_confidence: mean confidence of the boxes of cells without an object's centre that are responsible for nothing;
        object_confidence: of the boxes that are responsible for an object; None without any.
    covered: share of the objects with which some predicted box has IoU >= 0.5, whatever its score and class.
    """

    detections: list[Detections]
    empty_confidence: float | None
    object_confidence: float | None
    covered: float | None


@torch.no_grad()
def observe(
    model: nn.Module,
    loss: ExplainableLoss,
    batches: Iterable[Batch],
    device: torch.device,
    *,
    iou_threshold: float | None = NMS_IOU,
) -> Observed:
    """Run ``model`` in evaluation mode over ``batches``, in their order. ``iou_threshold``: see `detections_of`."""
    model.eval()
    detections: list[Detections] = []
    sums = torch.zeros(3, 2, dtype=torch.float64)
    for batch in batches:
        images = batch.images.to(device, memory_format=torch.channels_last)
        raw, targets = model(images), batch.targets.to(device)
        detections += detections_of(loss, raw, batch.geometries, iou_threshold=iou_threshold)
        sums += _sums(loss, raw, targets).cpu()
    empty, answering, covered = (part / whole if whole else None for part, whole in sums.tolist())
    return Observed(
        detections=detections, empty_confidence=empty, object_confidence=answering, covered=covered
    )


def _sums(loss: ExplainableLoss, raw: Raw, targets: Targets) -> Tensor:
    """(3, 2) confidences and boxes of empty cells, the same of answering boxes, covered objects and objects."""
    codec = loss.codec_for(raw)
    confidence = codec.confidence(raw).double()
    assignment = loss.assign(raw, targets)
    # Many losses make boxes responsible for an object whose centre is in a cell nearby.
    free = replace(assignment, spared=None).background(confidence.shape[1])
    empty = free & ~_beside_a_centre(codec, confidence.shape[1], targets)
    answering = confidence.gather(1, assignment.predictor.clamp(min=0))[assignment.mask]
    real = targets.mask & ~targets.ignore if targets.ignore is not None else targets.mask
    covered = pairwise_iou(targets.boxes.float(), loss.decode(raw).boxes.float()).amax(2) >= COVERED_IOU
    parts = confidence[empty].sum(), answering.sum(), (covered & real).sum()
    wholes = empty.sum(), assignment.mask.sum(), real.sum()
    return torch.stack([torch.stack([some.double() for some in side]) for side in (parts, wholes)], 1)


def _beside_a_centre(codec: Codec, predictors: int, targets: Targets) -> Tensor:
    """(B, A): the predictor's cell holds the centre of an object, counted or ignored."""
    place = codec.places(torch.arange(predictors, device=targets.boxes.device))
    rows, cols = torch.tensor(codec.grids, device=place.row.device)[place.level].unbind(-1)
    x, y = targets.boxes[..., 0, None], targets.boxes[..., 1, None]
    col, row = (x * cols).long().minimum(cols - 1), (y * rows).long().minimum(rows - 1)
    return ((col == place.col) & (row == place.row) & targets.mask[..., None]).any(1)
