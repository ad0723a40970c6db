"""From a network's output to detections in the picture."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from yolosses.boxes import clip_to_image
from yolosses.boxes.selection import select
from yolosses.explain.raw_output import Raw
from yolosses.structures import Predictions
from yolosses.training.data import Geometry
from yolosses.training.evaluation import Detections

NMS_IOU = 0.45  # the default everywhere: what YOLOv1 to v4 were published with
SCORE_THRESHOLD = 0.001
CANDIDATES = 400  # of an image


class Decoder(Protocol):
    """What every loss can do besides losing: read its network's output."""

    def decode(self, raw: Any) -> Predictions: ...


@torch.no_grad()
def detect(
    model: nn.Module,
    decoder: Decoder,
    images: Tensor,
    geometries: Sequence[Geometry],
    *,
    score_threshold: float = SCORE_THRESHOLD,
    iou_threshold: float | None = NMS_IOU,
    max_detections: int = 100,
    candidates: int = CANDIDATES,
) -> list[Detections]:
    """Detections of a batch, see `detections_of`. ``model`` is used as it is: put it in evaluation mode first.

    Args:
        images: (B, 3, H, W) in 0..1 on the device of ``model``.
    """
    return detections_of(
        decoder,
        model(images),
        geometries,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_detections=max_detections,
        candidates=candidates,
    )


@torch.no_grad()
def detections_of(
    decoder: Decoder,
    raw: Raw,
    geometries: Sequence[Geometry],
    *,
    score_threshold: float = SCORE_THRESHOLD,
    iou_threshold: float | None = NMS_IOU,
    max_detections: int = 100,
    candidates: int = CANDIDATES,
) -> list[Detections]:
    """What a network's output says, best first, boxes in fractions of the original pictures and clipped to them.

    Every class of every predicted box is a candidate of its own, as in the paper; the ``candidates`` best of
    an image go through class-wise non-maximum suppression.

    Args:
        raw: output for a batch of images. geometries: how each picture lies in its image.
        iou_threshold: None for a network that needs no suppression (YOLOv10).
    """
    boxes, scores = decoder.decode(raw)
    boxes, top, labels, kept = select(
        boxes,
        scores,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        candidates=candidates,
    )
    found = []
    for image, geometry in enumerate(geometries):
        keep = kept[image].nonzero().squeeze(1)
        # Once more in the picture: with a letterbox the input is larger than the picture in it.
        inside = clip_to_image(
            torch.from_numpy(geometry.to_picture(boxes[image, keep].float().cpu().numpy()))
        )
        visible = (inside[:, 2:] > 0).all(-1).nonzero().squeeze(1)[:max_detections]
        keep = keep[visible.to(keep.device)]
        found.append(
            Detections(
                boxes=inside[visible].float().numpy(),
                scores=top[image, keep].float().cpu().numpy(),
                labels=labels[image, keep].cpu().numpy(),
            )
        )
    return found
