"""From every predicted box with every class score to the few that stay: the best candidates, without doubles."""

from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.boxes.formats import clip_to_image
from yolosses.boxes.nms import ranked_nms


class Selection(NamedTuple):
    """N candidates of each image, best first: ``boxes`` (B, N, 4) cxcywh fractions of the image, ``scores`` (B, N),
    ``labels`` (B, N), and ``kept`` (B, N) bool: which of them are detections."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    kept: Tensor


def select(
    boxes: Tensor, scores: Tensor, *, score_threshold: float, iou_threshold: float | None, candidates: int
) -> Selection:
    """The best candidates of each image, and which of them survive class-wise non-maximum suppression.

    Every class of every box is a candidate of its own, as in YOLOv1's paper. Boxes are clipped to the image; one
    without area is no detection.

    Args:
        boxes: (B, A, 4) cxcywh fractions. scores: (B, A, C).
        score_threshold: a detection has a higher score.
        iou_threshold: see `batched_nms`; None: nothing is suppressed.
        candidates: N, the most candidates of an image.
    """
    num_classes = scores.shape[-1]
    # Sorted, best first, as `ranked_nms` takes them.
    top, index = scores.flatten(1).topk(min(candidates, scores.shape[1] * num_classes), dim=1)
    labels = index % num_classes
    boxes = clip_to_image(boxes.gather(1, (index // num_classes)[..., None].expand(-1, -1, 4)))
    kept = (top > score_threshold) & (boxes[..., 2:] > 0).all(-1)
    if iou_threshold is not None:
        # A candidate that does not count gets a class of its own, so that it suppresses nobody.
        counted = torch.where(kept, labels, -1)
        kept = kept & ranked_nms(boxes, counted, iou_threshold=iou_threshold)
    return Selection(boxes, top, labels, kept)
