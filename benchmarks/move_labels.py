"""Move one label of a data set by half a picture, many times over, and write the rank at which `yolosses explain`
lists it among the likely label errors to ``benchmarks/results/moved-labels-NAME.json``, NAME being that of the data.

.venv/bin/python benchmarks/move_labels.py RUN ../shared/data/bccd
.venv/bin/python benchmarks/move_labels.py RUN digits --split val

Real data have faults of their own, which a good list shows too. So two ranks are written: the plain one, and the rank
among what the list did not show before the label was moved.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from yolosses.apps.runs.build import load_detector
from yolosses.apps.runs.detections import detect_all
from yolosses.apps.runs.splits import open_for
from yolosses.studies.label_errors import LabelSuspicion, likely_label_errors
from yolosses.training.data import Record
from yolosses.training.run import RunFolder

RESULTS = Path(__file__).parent / "results"
SAME_PLACE = 0.03  # of the picture: a prediction this near to where the label was is about its object


def moved(record: Record, number: int, axes: tuple[int, ...]) -> Record:
    """The record with one box moved by half the picture, towards the farther side, and cut off at its edges."""
    boxes = record.boxes.copy()
    for axis in axes:
        boxes[number, axis] += 0.5 if boxes[number, axis] < 0.5 else -0.5
    centre, half = boxes[number, :2], boxes[number, 2:] / 2
    low, high = (centre - half).clip(0, 1), (centre + half).clip(0, 1)
    boxes[number] = np.concatenate(((low + high) / 2, high - low))
    return replace(record, boxes=boxes)


def is_about(suspicion: LabelSuspicion, picture: int, number: int, was: Any) -> bool:
    """Whether it names the moved label, or the prediction where the label was."""
    if suspicion.picture != picture:
        return False
    if suspicion.object == number:
        return True
    there = suspicion.pred_box is not None and np.abs(np.array(suspicion.pred_box[:2]) - was[:2]).max()
    return there is not False and bool(there < SAME_PLACE)


def identity(suspicion: LabelSuspicion) -> tuple[Any, ...]:
    """What makes two suspicions of two lists the same."""
    return suspicion.picture, suspicion.kind, suspicion.object, suspicion.pred_box


def main() -> None:
    """Read the arguments, move, rank, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("data")
    parser.add_argument("--split", default="trainval")
    parser.add_argument("--labels-each", type=int, default=16, help="labels of each class to move")
    arguments = parser.parse_args()
    cpu = torch.device("cpu")
    settings, model, loss = load_detector(RunFolder(arguments.run), cpu)
    dataset = open_for(settings, data=arguments.data, split=arguments.split)
    detections = detect_all(settings, model, loss, dataset, cpu)
    known = {
        identity(found) for found in likely_label_errors(dataset.records, detections, dataset.class_names)
    }
    generator, rows = np.random.default_rng(0), []
    for label, name in enumerate(dataset.class_names):
        objects = [
            (i, n)
            for i, r in enumerate(dataset.records)
            for n in range(len(r.labels))
            if r.labels[n] == label
        ]
        for index in generator.permutation(len(objects))[: arguments.labels_each]:
            picture, number = objects[index]
            for axes, along in (((0,), "x"), ((0, 1), "x and y")):
                records = list(dataset.records)
                records[picture] = moved(records[picture], number, axes)
                listed = likely_label_errors(records, detections, dataset.class_names)
                was = dataset.records[picture].boxes[number]
                rank = next((k for k, s in enumerate(listed) if is_about(s, picture, number, was)), None)
                new = None if rank is None else sum(identity(s) not in known for s in listed[:rank])
                rows.append(
                    {
                        "picture": dataset.records[picture].name,
                        "object": number,
                        "class": name,
                        "moved_along": along,
                        "rank": None if rank is None else rank + 1,
                        "rank_among_new": None if new is None else new + 1,
                    }
                )
    summary = [
        {
            "class": name,
            "moved_along": along,
            "labels": len(ranks := [r for r in rows if r["class"] == name and r["moved_along"] == along]),
            "in_top_3": sum(r["rank"] is not None and r["rank"] <= 3 for r in ranks),
            "in_top_3_among_new": sum(r["rank"] is not None and r["rank_among_new"] <= 3 for r in ranks),
        }
        for name in dataset.class_names
        for along in ("x", "x and y")
    ]
    result = {
        "loss": settings.loss,
        "split": arguments.split,
        "pictures": len(dataset.records),
        "suspicions_before": len(known),
        "summary": summary,
        "moved": rows,
    }
    (RESULTS / f"moved-labels-{Path(arguments.data).name}.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
