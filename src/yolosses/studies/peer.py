"""A detector of another library in a comparison: what it found, as a file says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from yolosses.studies.comparison import ComparedRun, Point, costliest_error
from yolosses.studies.errors import tide
from yolosses.training.data import DataError, DetectionDataset
from yolosses.training.evaluation import Detections, evaluate
from yolosses.training.typed_json import read_json


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A run of another library.

    Attributes:
        images: seen in training. seconds: of training.
        detections: by the name of the picture, rows of cx, cy, w, h (as fractions of the picture), score and label.
    """

    name: str
    seed: int
    parameters: int
    images: int
    seconds: float
    eval_split: str
    detections: dict[str, list[tuple[float, float, float, float, float, float]]]


def read_peer(path: Path) -> Peer:
    """A peer's file: json with the fields of `Peer`. Others are left alone.

    Raises:
        DataError: naming the file, if it is something else.
    """
    names = ", ".join(field.name for field in fields(Peer))
    return read_json(path, Peer, what=f"json with {names}")


def scored(peer: Peer, dataset: DetectionDataset, *, path: Path) -> ComparedRun:
    """The peer's row: its detections scored as ours are.

    Raises:
        DataError: naming ``path``, if it is about another split or other pictures.
    """
    if peer.eval_split != dataset.split:
        raise DataError(f"{path}: expected detections in the split {dataset.split}; got {peer.eval_split}")
    names = [record.name for record in dataset.records]
    missing = [name for name in names if name not in peer.detections]
    if missing:
        raise DataError(
            f"{path}: expected detections for all {len(names)} pictures of {dataset.name}; "
            f"{len(missing)} are missing, the first is {missing[0]}"
        )
    rows = [np.array(peer.detections[name], np.float32).reshape(-1, 6) for name in names]
    detections = [
        Detections(boxes=row[:, :4], scores=row[:, 4], labels=row[:, 5].astype(np.int64)) for row in rows
    ]
    try:
        metrics = evaluate(dataset, dataset.class_names, detections)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    errors = tide(dataset.records, dataset.class_names, detections)
    end = Point(images=peer.images, seconds=peer.seconds, map50=metrics.map50, map50_95=metrics.map50_95)
    return ComparedRun(
        loss=peer.name,
        seed=peer.seed,
        parameters=peer.parameters,
        term=None,
        error=costliest_error(errors.costs),
        points=(end,),
    )
