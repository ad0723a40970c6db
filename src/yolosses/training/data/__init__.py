"""Labelled pictures: readers of the VOC, YOLO and COCO layouts, digit scenes, augmentation and batches."""

from yolosses.training.data.batches import Batch, Batches, usual_workers
from yolosses.training.data.dataset import BoxFormat, DetectionDataset, Record, WrittenLabels, is_too_little
from yolosses.training.data.digits import digit_pool, digit_scenes
from yolosses.training.data.joined import Joined, join_datasets, open_whole
from yolosses.training.data.layout import open_dataset, splits_of
from yolosses.training.data.pictures import (
    PICTURE_SUFFIXES,
    decode_picture,
    is_turned,
    picture_size,
    read_picture,
)
from yolosses.training.data.problems import LOSES_AN_OBJECT, DataError, Problem, ProblemKind, printable
from yolosses.training.data.shapes import usual_fit
from yolosses.training.data.splits import HELD_OUT_SPLITS
from yolosses.training.data.transforms import (
    Augmentation,
    Axis,
    Fit,
    Geometry,
    adjust_colours,
    jitter_colours,
    mosaic,
    mosaic_geometries,
    plain_geometry,
    random_geometry,
    visible_boxes,
    warp,
)

__all__ = [
    "HELD_OUT_SPLITS",
    "LOSES_AN_OBJECT",
    "PICTURE_SUFFIXES",
    "Augmentation",
    "Axis",
    "Batch",
    "Batches",
    "BoxFormat",
    "DataError",
    "DetectionDataset",
    "Fit",
    "Geometry",
    "Joined",
    "Problem",
    "ProblemKind",
    "Record",
    "WrittenLabels",
    "adjust_colours",
    "decode_picture",
    "digit_pool",
    "digit_scenes",
    "is_too_little",
    "is_turned",
    "jitter_colours",
    "join_datasets",
    "mosaic",
    "mosaic_geometries",
    "open_dataset",
    "open_whole",
    "picture_size",
    "plain_geometry",
    "printable",
    "random_geometry",
    "read_picture",
    "splits_of",
    "usual_fit",
    "usual_workers",
    "visible_boxes",
    "warp",
]
