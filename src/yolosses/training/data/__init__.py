"""Labelled pictures: readers of the VOC, YOLO and COCO layouts, digit scenes, augmentation and batches."""

from yolosses.training.data.batches import Batch, Batches
from yolosses.training.data.dataset import (
    PICTURE_SUFFIXES,
    DataError,
    DetectionDataset,
    Problem,
    Record,
    picture_size,
    read_picture,
)
from yolosses.training.data.digits import digit_pool, digit_scenes
from yolosses.training.data.layout import open_dataset, splits_of
from yolosses.training.data.transforms import (
    Augmentation,
    Axis,
    Fit,
    Geometry,
    adjust_colours,
    jitter_colours,
    plain_geometry,
    random_geometry,
    visible_boxes,
    warp,
)

__all__ = [
    "PICTURE_SUFFIXES",
    "Augmentation",
    "Axis",
    "Batch",
    "Batches",
    "DataError",
    "DetectionDataset",
    "Fit",
    "Geometry",
    "Problem",
    "Record",
    "adjust_colours",
    "digit_pool",
    "digit_scenes",
    "jitter_colours",
    "open_dataset",
    "picture_size",
    "plain_geometry",
    "random_geometry",
    "read_picture",
    "splits_of",
    "visible_boxes",
    "warp",
]
