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
from yolosses.boxes.iou import Similarity, paired_iou, pairwise_iou
from yolosses.boxes.nms import batched_nms
from yolosses.boxes.similarity import (
    paired_ciou,
    paired_diou,
    paired_eiou,
    paired_giou,
    paired_siou,
    pairwise_ciou,
    pairwise_diou,
    pairwise_eiou,
    pairwise_giou,
    pairwise_siou,
)

__all__ = [
    "Similarity",
    "batched_nms",
    "clip_to_image",
    "cxcywh_to_xywh",
    "cxcywh_to_xyxy",
    "from_pixels",
    "paired_ciou",
    "paired_diou",
    "paired_eiou",
    "paired_giou",
    "paired_iou",
    "paired_siou",
    "pairwise_ciou",
    "pairwise_diou",
    "pairwise_eiou",
    "pairwise_giou",
    "pairwise_iou",
    "pairwise_siou",
    "to_pixels",
    "xywh_to_cxcywh",
    "xyxy_to_cxcywh",
]
