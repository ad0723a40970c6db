"""Box formats, overlap measures and non-maximum suppression on plain tensors."""

from yolosses.boxes.formats import (
    clip_to_image,
    cxcywh_to_xywh,
    cxcywh_to_xyxy,
    from_pixels,
    to_pixels,
    xywh_to_cxcywh,
    xyxy_to_cxcywh,
)
from yolosses.boxes.iou import paired_iou, pairwise_iou
from yolosses.boxes.nms import batched_nms

__all__ = [
    "batched_nms",
    "clip_to_image",
    "cxcywh_to_xywh",
    "cxcywh_to_xyxy",
    "from_pixels",
    "paired_iou",
    "pairwise_iou",
    "to_pixels",
    "xywh_to_cxcywh",
    "xyxy_to_cxcywh",
]
