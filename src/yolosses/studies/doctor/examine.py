"""Look over a data set before any training."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from yolosses.arguments import integer
from yolosses.studies.doctor.classes import alike_names, suspect_classes
from yolosses.studies.doctor.coordinates import all_readings, suspect_boxes
from yolosses.studies.doctor.grids import fit_grid
from yolosses.studies.doctor.odd_boxes import find_odd_boxes
from yolosses.studies.doctor.pictures import Progress, find_duplicates, look_at_pictures
from yolosses.studies.doctor.rows import Rows, written_labels
from yolosses.studies.doctor.structures import Inspection
from yolosses.training.data import LOSES_AN_OBJECT, DetectionDataset, Record, WrittenLabels

MOST_PICTURES = 2000


def examine(
    dataset: DetectionDataset,
    *,
    grids: Sequence[int],
    boxes_per_cell: int,
    splits: Sequence[str] | None = None,
    most_pictures: int = MOST_PICTURES,
    progress: Progress | None = None,
) -> Inspection:
    """Everything that can be said about labels and pictures before a network sees them.

    Args:
        dataset: one split, or several joined (`training.data.join_datasets`).
        grids: the S to lay over the pictures, each at least 1. boxes_per_cell: B, at least 1.
        splits: the split of each picture, if there are several.
        most_pictures: so many pictures are decoded, evenly over the data set, to look at their pixels.
        progress: called with (pictures looked at, pictures to look at).

    Raises:
        ValueError, TypeError: an argument is out of range, naming it.
    """
    if not len(dataset):
        raise ValueError("dataset: expected at least one picture; got none")
    if not grids:
        raise ValueError("grids: expected at least one S; got none")
    for grid in grids:
        integer("grids", grid)
    integer("boxes_per_cell", boxes_per_cell)
    integer("most_pictures", most_pictures)
    records = dataset.records
    splits = [dataset.split] * len(records) if splits is None else splits
    if len(splits) != len(records):
        raise ValueError(f"splits: expected {len(records)}, one for each picture; got {len(splits)}")
    split_names = tuple(dict.fromkeys(splits))
    split_of = tuple(map(split_names.index, splits))

    rows = Rows.of(dataset)
    looked = look_at_pictures(dataset, rows, all_readings(rows), most=most_pictures, progress=progress)
    written = [written_labels(record) for record in records]
    # Label files of which a row was skipped: they are not without objects.
    lost = {problem.file for problem in dataset.problems if problem.kind in LOSES_AN_OBJECT}
    named = dataset.class_names != tuple(map(str, range(len(dataset.class_names))))
    first_alike = looked.first_alike(len(records))
    suspicions = suspect_boxes(rows, looked.readings, first_alike)
    suspicions += suspect_classes(rows, dataset.class_numbers, first_alike, looked.appearance, named=named)
    image_sizes = np.array([record.image_size for record in records], np.int64)
    counts = np.stack([np.bincount(r.labels, minlength=len(dataset.class_names)) for r in records])
    sides = np.concatenate([record.boxes[:, 2:] for record in records]).astype(np.float64)
    return Inspection(
        name=dataset.name,
        notes=dataset.notes,
        class_names=dataset.class_names,
        split_names=split_names,
        picture_names=tuple(record.name for record in records),
        label_files=tuple(labels.file for labels in written),
        splits=split_of,
        image_sizes=image_sizes,
        counts=counts,
        ignored=sum(int(record.ignore.sum()) for record in records),
        sides=sides * np.repeat(image_sizes[:, ::-1], counts.sum(1), axis=0),
        relative_sides=sides,
        boxes_per_cell=boxes_per_cell,
        grids=tuple(
            fit_grid(records, grid, boxes_per_cell=boxes_per_cell, num_classes=len(dataset.class_names))
            for grid in sorted(set(grids))
        ),
        suspicions=tuple(sorted(suspicions, key=lambda one: -one.strength)),
        problems=tuple(dataset.problems),
        odd_boxes=tuple(find_odd_boxes(records)),
        duplicates=tuple(find_duplicates(records, split_of, looked)),
        turned=tuple(looked.turned),
        alike_classes=tuple(alike_names(dataset.class_names)),
        unlabelled=tuple(index for index, labels in enumerate(written) if not labels.exists),
        empty=tuple(
            index
            for index, (record, labels) in enumerate(zip(records, written, strict=True))
            if _is_empty(record, labels, lost)
        ),
        unreadable=tuple(looked.unreadable),
        looked_at=len(looked.pictures),
    )


def _is_empty(record: Record, labels: WrittenLabels, lost: Collection[Path]) -> bool:
    """Whether a picture has labels that name no object. ``lost``: files of which a row was skipped; a json of COCO is
    the file of many pictures."""
    skipped = bool(labels.places) or (labels.box_format != "xywh" and labels.file in lost)
    return labels.exists and not len(record.labels) and not skipped
