"""A detector of another library in a comparison: what it found, as a file says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yolosses.studies.comparison import ComparedRun, Point, costliest_error
from yolosses.studies.errors import tide
from yolosses.training.data import DataError, DetectionDataset
from yolosses.training.evaluation import Detections, evaluate


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A run of another library.

    Attributes:
        images: seen in training. seconds: of training.
        detections: by the name of the picture.
    """

    name: str
    seed: int
    parameters: int
    images: int
    seconds: float
    eval_split: str
    detections: dict[str, Detections]


def read_peer(path: Path) -> Peer:
    """A peer's file: json with the fields of `Peer`, where ``detections`` has for each picture rows of cx, cy, w, h (as
    fractions of the picture), score and label. Other fields are left alone.

    Raises:
        DataError: naming the file, if it is something else.
    """
    try:
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
        found = {name: _detections(rows) for name, rows in values["detections"].items()}
        return Peer(
            name=str(values["name"]),
            seed=int(values["seed"]),
            parameters=int(values["parameters"]),
            images=int(values["images"]),
            seconds=float(values["seconds"]),
            eval_split=str(values["eval_split"]),
            detections=found,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: expected json with name, seed, parameters, images, seconds, eval_split and detections; {error!r}"
        ) from error


def _detections(rows: Any) -> Detections:
    values = np.array(rows, np.float32).reshape(len(rows), 6)
    return Detections(boxes=values[:, :4], scores=values[:, 4], labels=values[:, 5].astype(np.int64))


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
    detections = [peer.detections[name] for name in names]
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
