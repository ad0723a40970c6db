"""Plant label errors, train a detector on them, and rank the labels by ``studies.label_errors`` and by ObjectLab
(Tkachenko et al. 2023, in cleanlab), both from the same predictions. Writes
``benchmarks/results/label-errors-NAME.json``.

python3 -m venv cleanlab-venv && cleanlab-venv/bin/pip install cleanlab==2.9.0
.venv/bin/python benchmarks/label_errors.py bccd ../shared/data/bccd --minutes 10 --cleanlab cleanlab-venv/bin/python
.venv/bin/python benchmarks/label_errors.py digits digits --minutes 8 --image-size 128 \
    --cleanlab cleanlab-venv/bin/python

One object in ten gets an error: a third of these are moved, a third removed, a third get another class. The detector
learns from all of them. For each kind, labels that are right but for the errors of this kind are ranked by both.
ObjectLab gives one score to a picture, so pictures are compared: ours by its most doubtful label, theirs by its score
of a picture, and by its own score for this kind alone, which knows what was planted. A picture counts as hit if an
error of the kind was planted in it. For ours the precision of single labels is given too.

ObjectLab asks for predictions with scores of at least 0.5 or 0.95, as large detectors give them. Where a short run is
less sure, many or all of its scores are 1, and their order is that of the pictures: ``distinct_scores`` tells. So a
row with few distinct scores says nothing about ObjectLab with a better detector.

cleanlab runs in a Python of its own, which gets json and gives json; it is no dependency of this project.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import put_between_marks
from move_labels import SAME_PLACE
from PIL import Image

from yolosses.apps.runs.build import load_detector
from yolosses.apps.runs.detections import detect_all
from yolosses.studies.label_errors import LabelSuspicion, likely_label_errors
from yolosses.training.data import DetectionDataset, Record, digit_scenes, open_dataset, open_whole
from yolosses.training.evaluation import Detections
from yolosses.training.run import RunFolder

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"
PAGES = {  # language -> page, head of the table
    "en": (
        DOCS / "en/how-to/explain-a-value.md",
        "| data | planted | chance | ours | ObjectLab | its distinct scores |",
    ),
    "zh-TW": (
        DOCS / "zh-TW/how-to/explain-a-value.md",
        "| 資料 | 植入的錯誤 | 隨機 | 本專案 | ObjectLab | 其相異分數 |",
    ),
}
KINDS = ("moved", "removed", "class")
SHARE = 0.1  # of the objects
TOPS = (10, 20, 50)
DIGIT_PICTURES = 300

OBJECTLAB = """
import json, sys
out, sys.stdout = sys.stdout, sys.stderr  # cleanlab prints
import cleanlab
import numpy as np
from cleanlab.object_detection import rank
given = json.load(sys.stdin)
labels = [{"bboxes": np.array(p["boxes"], float).reshape(-1, 4), "labels": np.array(p["labels"], int)}
          for p in given["labels"]]
found = [np.array([np.array(boxes, float).reshape(-1, 5) for boxes in p] + [None], dtype=object)[:-1]
         for p in given["predictions"]]
def least(scores):
    return rank.pool_box_scores_per_image(scores)
json.dump({
    "version": cleanlab.__version__,
    "all": rank.get_label_quality_scores(labels, found).tolist(),
    "moved": np.asarray(least(rank.compute_badloc_box_scores(labels=labels, predictions=found))).tolist(),
    "removed": np.asarray(least(rank.compute_overlooked_box_scores(labels=labels, predictions=found))).tolist(),
    "class": np.asarray(least(rank.compute_swap_box_scores(labels=labels, predictions=found))).tolist(),
}, out)
"""


# ------------------------------------------------------------ planting


@dataclass(frozen=True, kw_only=True, eq=False)
class Planted:
    """Pictures with errors.

    Attributes:
        records: as labelled now.
        objects: of each picture, the places of the faulty labels, or -1 for one that is gone; was: their right boxes.
    """

    records: list[Record]
    objects: list[list[int]]
    was: list[list[np.ndarray]]


def plan(records: Sequence[Record], seed: int) -> dict[tuple[int, int], str]:
    """Which object gets which error."""
    every = [(i, n) for i, record in enumerate(records) for n in range(len(record.labels))]
    chance = np.random.default_rng(seed)
    chosen = chance.permutation(len(every))[: round(SHARE * len(every))]
    return {every[place]: KINDS[rank % 3] for rank, place in enumerate(chosen.tolist())}


def plant(records: Sequence[Record], errors: dict[tuple[int, int], str], classes: int, seed: int) -> Planted:
    """The records with these errors. A label moves by a third to the whole of its size, or far away, by turns."""
    made, objects, was = [], [], []
    for index, record in enumerate(records):
        boxes, labels = record.boxes.copy(), record.labels.copy()
        keep = np.ones(len(labels), bool)
        faulty = [n for n in range(len(labels)) if (index, n) in errors]
        for n in faulty:
            chance = np.random.default_rng((seed, index, n))
            match errors[index, n]:
                case "moved":
                    boxes[n] = moved(boxes[n], chance)
                case "class":
                    labels[n] = (labels[n] + chance.integers(1, classes)) % classes
                case _:
                    keep[n] = False
        place = np.cumsum(keep) - 1
        made.append(
            replace(record, boxes=boxes[keep], labels=labels[keep], ignore=record.ignore[keep], written=None)
        )
        objects.append([int(place[n]) if keep[n] else -1 for n in faulty])
        was.append([record.boxes[n] for n in faulty])
    return Planted(records=made, objects=objects, was=was)


def moved(box: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """In any direction, by half its size to the whole of it, inside the picture."""
    for _ in range(100):
        angle, far = chance.uniform(0, 2 * np.pi), chance.uniform(0.5, 1.0)
        centre = box[:2] + far * box[2:] * [np.cos(angle), np.sin(angle)]
        if (centre - box[2:] / 2 >= 0).all() and (centre + box[2:] / 2 <= 1).all():
            return np.concatenate([centre, box[2:]]).astype(np.float32)
    return np.concatenate([1 - box[:2], box[2:]]).astype(np.float32)  # a box as large as the picture


def write_dirty(folder: Path, dataset: DetectionDataset, records: Sequence[Record]) -> None:
    """In YOLO layout, for ``yolosses train``."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    listed = "".join(f"  {index}: {name}\n" for index, name in enumerate(dataset.class_names))
    (folder / "data.yaml").write_text(f"train: images\nval: images\nnames:\n{listed}")
    for index, record in enumerate(records):
        Image.fromarray(dataset.picture(index)).save(folder / f"images/{index:05}.png", compress_level=1)
        rows = zip(record.labels.tolist(), record.boxes.tolist(), strict=True)
        text = "".join(f"{label} {' '.join(f'{side:.6f}' for side in box)}\n" for label, box in rows)
        (folder / f"labels/{index:05}.txt").write_text(text)


# ------------------------------------------------------------ ranking


def objectlab(
    python: str, records: Sequence[Record], found: Sequence[Detections], classes: int
) -> dict[str, Any]:
    """Scores of pictures, low for doubtful ones."""
    given = {
        "labels": [
            {"boxes": corners(record.boxes, record).tolist(), "labels": record.labels.tolist()}
            for record in records
        ],
        "predictions": [
            [
                np.column_stack([corners(one.boxes, record), one.scores])[one.labels == label].tolist()
                for label in range(classes)
            ]
            for record, one in zip(records, found, strict=True)
        ],
    }
    done = subprocess.run(
        [python, "-c", OBJECTLAB], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def corners(boxes: np.ndarray, record: Record) -> np.ndarray:
    """From cxcywh fractions to xyxy pixels."""
    size = np.array(record.image_size[::-1], np.float64)
    centre, half = boxes[:, :2] * size, boxes[:, 2:] * size / 2
    return np.concatenate([centre - half, centre + half], 1)


def is_about(suspicion: LabelSuspicion, planted: Planted) -> bool:
    """Whether it names a faulty label, or the prediction where it should be."""
    picture = suspicion.picture
    for number, was in zip(planted.objects[picture], planted.was[picture], strict=True):
        if number >= 0 and suspicion.object == number:
            return True
        box = suspicion.pred_box
        if box is not None and np.abs(np.array(box[:2]) - was[:2]).max() < SAME_PLACE:
            return True
    return False


def precisions(hits: Sequence[bool]) -> dict[str, float]:
    """At each top."""
    return {str(top): sum(hits[:top]) / top for top in TOPS}


def compare(
    planted: Planted, found: Sequence[Detections], names: Sequence[str], kind: str, python: str
) -> Any:
    """Precision of all rankings for one kind of error."""
    has = [bool(objects) for objects in planted.objects]
    listed = likely_label_errors(planted.records, found, names)
    doubt = np.zeros(len(has))
    for one in listed:
        doubt[one.picture] = max(doubt[one.picture], one.score)
    lab = objectlab(python, planted.records, found, len(names))

    def by(scores: np.ndarray) -> dict[str, float]:
        return precisions([has[index] for index in np.argsort(scores, kind="stable")])

    return {
        "kind": kind,
        "errors": sum(len(objects) for objects in planted.objects),
        "pictures_with_errors": sum(has),
        "share_of_pictures": sum(has) / len(has),
        "ours": by(-doubt),
        "objectlab": by(np.array(lab["all"])),
        "objectlab_for_this_kind": by(np.array(lab[kind])),
        "distinct_scores": {
            "ours": len(set(doubt.tolist())),
            "objectlab": len(set(np.round(lab["all"], 9))),
            "objectlab_for_this_kind": len(set(np.round(lab[kind], 9))),
        },
        "ours_labels": precisions([is_about(one, planted) for one in listed]),
        "cleanlab": lab["version"],
    }


# ------------------------------------------------------------ running


def digit_files(folder: Path) -> DetectionDataset:
    """Painted scenes as a data set in YOLO layout."""
    scenes = digit_scenes("train", count=DIGIT_PICTURES)
    write_dirty(folder, scenes, scenes.records)
    return open_dataset(str(folder), "train")


def trained(data: Path, run: Path, minutes: float, image_size: int) -> None:
    """A short run on the dirty labels."""
    command = [sys.executable, "-m", "yolosses", "train", str(data), "--loss", "v8", "--out", str(run)]
    command += ["--minutes", str(minutes), "--image-size", str(image_size)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment)


def main() -> None:
    """Plant, train, rank, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name")
    parser.add_argument("data", help="a data set, or digits")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--image-size", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cleanlab", required=True, help="the Python that has cleanlab")
    parser.add_argument(
        "--work", type=Path, help="keep the dirty data and the run here, and use those that are there"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        dataset = (
            digit_files(Path(temporary) / "scenes")
            if arguments.data == "digits"
            else open_whole(arguments.data, ()).dataset
        )
        records, names = dataset.records, dataset.class_names
        errors = plan(records, arguments.seed)
        if not (work / "run/model.pt").exists():
            dirty = plant(records, errors, len(names), arguments.seed)
            write_dirty(work / "dirty", dataset, dirty.records)
            trained(work / "dirty", work / "run", arguments.minutes, arguments.image_size)
        cpu = torch.device("cpu")
        settings, model, loss = load_detector(RunFolder(work / "run"), cpu)
        found = detect_all(settings, model, loss, dataset, cpu)
        metrics = json.loads(RunFolder(work / "run").metrics_file.read_text())
    table = []
    for kind in KINDS:
        some = {place: planted for place, planted in errors.items() if planted == kind}
        planted = plant(records, some, len(names), arguments.seed)
        table.append(compare(planted, found, names, kind, arguments.cleanlab))
    result = {
        "data": arguments.name,
        "pictures": len(records),
        "objects": sum(len(record.labels) for record in records),
        "loss": settings.loss,
        "minutes": arguments.minutes,
        "map50_on_dirty_labels": metrics.get("map50"),
        "precision": table,
    }
    text = json.dumps(result, indent=1)
    (RESULTS / f"label-errors-{arguments.name}.json").write_text(text + "\n")
    print(text)
    for language, (page, _) in PAGES.items():
        put_between_marks(page, "label-errors", table_of_all(language))


def table_of_all(language: str) -> str:
    """What is known of all data sets, as a table."""
    kinds = {
        "en": dict(zip(KINDS, KINDS, strict=True)),
        "zh-TW": {"moved": "移動", "removed": "移除", "class": "換類別"},
    }
    lines = [PAGES[language][1], "|---|---|---|---|---|---|"]
    for file in sorted(RESULTS.glob("label-errors-*.json")):
        result = json.loads(file.read_text())
        for row in result["precision"]:
            ours, theirs = (
                " / ".join(f"{row[whose][count]:.2f}" for count in ("10", "20", "50"))
                for whose in ("ours", "objectlab")
            )
            distinct = f"{row['distinct_scores']['objectlab']} / {result['pictures']}"
            lines.append(
                f"| {result['data']} | {kinds[language][row['kind']]} | {row['share_of_pictures']:.2f} "
                f"| {ours} | {theirs} | {distinct} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
