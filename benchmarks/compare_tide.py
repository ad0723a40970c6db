"""Hold our error analysis beside tidecv, the program of TIDE's authors; write both to ``benchmarks/results/tide.json``.

tidecv needs an environment of its own (it brings OpenCV, pandas and pycocotools):

    python3 -m venv tide-venv
    tide-venv/bin/pip install tidecv==1.0.1
    .venv/bin/python benchmarks/compare_tide.py runs/bccd runs/digits --tide-python tide-venv/bin/python

Compared are the detections of each run on its evaluation split, and random small scenes in which much is tied:
overlaps of exactly a threshold, equal scores, ignored objects, classes without objects. ``--golden DIR`` writes a
part of each, with tidecv's answers, as the golden vectors of the tests. Both programs get the same boxes: clipped to
the picture, in pixels.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # tidecv's environment has none of these
    from yolosses.training.data import Record
    from yolosses.training.evaluation import Detections

RESULTS = Path(__file__).parent / "results"
KINDS = {
    "ClassError": "classification",
    "BoxError": "localisation",
    "OtherError": "both",
    "DuplicateError": "duplicate",
    "BackgroundError": "background",
    "MissedError": "missed",
}
PARTS = 1 << 14  # golden vectors are whole numbers of these parts of a picture, and of a score
NEARLY = 1e-9  # what costs may differ by

Scene = dict[str, Any]
"""``{"objects": [[picture, class, ignored, box], ...], "detections": [[picture, class, score, box], ...],
"pictures": number}``, boxes left, top, width, height in pixels: what tidecv's side reads."""


# ------------------------------------------------------------ tidecv's side


def answer(scene: Scene) -> dict[str, Any]:
    """What tidecv says: AP, and of each kind count and cost, the APs as fractions.

    ``nothing_on_ignored``: how many of the counts are detections on ignored objects that mean no free object.
    ``present``: AP and costs as means over the classes that have objects only.
    """
    from tidecv import TIDE, Data

    truths, found = Data("truths"), Data("found")
    for picture in range(scene["pictures"]):
        truths.add_image(picture, str(picture))
    for picture, label, ignored, box in scene["objects"]:
        (truths.add_ignore_region if ignored else truths.add_ground_truth)(picture, label, box)
    for picture, label, score, box in scene["detections"]:
        found.add_detection(picture, label, score, box)
    start = time.perf_counter()
    run = TIDE().evaluate(truths, found, mode=TIDE.BOX)
    try:
        costs = {KINDS[kind.__name__]: cost / 100 for kind, cost in run.fix_main_errors().items()}
    except ZeroDivisionError:  # nothing is left of any class
        costs = None
    seconds = time.perf_counter() - start
    nothing = Counter(KINDS[type(e).__name__] for e in run.errors if costs_nothing(e))
    return {
        "ap": run.ap / 100,
        "counts": {KINDS[kind.__name__]: count for kind, count in run.count_errors().items()},
        "nothing_on_ignored": dict(nothing),
        "costs": costs,
        "present": of_present(run, {label for _, label, ignored, _ in scene["objects"] if not ignored}),
        "seconds": seconds,
    }


def costs_nothing(error: Any) -> bool:
    """Whether it is a detection on an ignored object that means no free object: in no AP, mended or not."""
    on_ignored = hasattr(error, "pred") and error.pred["used"] is None
    return on_ignored and getattr(error, "match", None) is None


def of_present(run: Any, labels: set[int]) -> dict[str, Any]:
    """tidecv's own APs of classes, averaged over those with objects, less those of which nothing is left."""

    def mean(classes: Any) -> float | None:
        aps = [classes.objs[label].get_ap() for label in sorted(labels) if not classes.objs[label].is_empty()]
        return sum(aps) / len(aps) / 100 if aps else None

    before = mean(run.ap_data)
    after = {
        KINDS[kind.__name__]: mean(run.fix_errors(lambda e, k=kind: isinstance(e, k)))
        for kind in run.error_dict
    }
    costs = {
        kind: None if ap is None or before is None else max(ap - before, 0.0) for kind, ap in after.items()
    }
    return {"ap": before, "costs": costs}


# ------------------------------------------------------------ our side


def ask(python: str, scenes: Sequence[Scene]) -> list[dict[str, Any]]:
    """tidecv's answers, from its own environment."""
    command = [python, str(Path(__file__).resolve()), "--answer"]
    output = subprocess.run(
        command, input=json.dumps(scenes), stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    answers: list[dict[str, Any]] = json.loads(output)
    return answers


def scene_of(records: Sequence[Record], detections: Sequence[Detections]) -> Scene:
    """The same boxes that our side compares."""
    from yolosses.training.evaluation.pictures import visible_part

    objects, found = [], []
    for picture, (record, seen) in enumerate(zip(records, detections, strict=True)):
        boxes = visible_part(record.boxes, record.image_size).tolist()
        rows = zip(record.labels.tolist(), record.ignore.tolist(), boxes, strict=True)
        objects += [[picture, *row] for row in rows]
        boxes = visible_part(seen.boxes, record.image_size).tolist()
        found += [
            [picture, *row] for row in zip(seen.labels.tolist(), seen.scores.tolist(), boxes, strict=True)
        ]
    return {"pictures": len(records), "objects": objects, "detections": found}


def compared(
    records: Sequence[Record],
    class_names: Sequence[str],
    detections: Sequence[Detections],
    theirs: dict[str, Any],
) -> dict[str, Any]:
    """Our numbers beside theirs, and how far they are apart.

    Held against tidecv's mean over the classes with objects; its counts without the detections on ignored objects that
    cost nothing. On data without ignored objects, all of whose classes have some, these are its plain numbers.
    """
    from yolosses.studies.errors import TIDE_KINDS, tide

    start = time.perf_counter()
    ours = tide(records, class_names, detections)
    seconds = time.perf_counter() - start
    counts = {kind: theirs["counts"][kind] - theirs["nothing_on_ignored"].get(kind, 0) for kind in TIDE_KINDS}
    there = {"ap": theirs["present"]["ap"], **theirs["present"]["costs"]}
    here = {"ap": ours.ap, **ours.costs}
    apart = [
        abs(here[name] - value)
        for name, value in there.items()
        if value is not None and here[name] is not None
    ]
    return {
        "yolosses": {**ours.to_json(), "seconds": seconds},
        "tidecv": theirs,
        "counts_equal": ours.counts == counts,
        "largest_difference": max(apart, default=0.0),
    }


def detected(run: Path, data: str | None) -> tuple[str, list[Record], tuple[str, ...], list[Detections]]:
    """Name of the data set, pictures, classes and detections of a run on its evaluation split."""
    import torch

    from yolosses.apps.runs.build import load_detector
    from yolosses.apps.runs.detections import detect_all
    from yolosses.apps.runs.splits import open_for
    from yolosses.training.run import RunFolder

    device = torch.device("cpu")
    settings, model, loss = load_detector(RunFolder(run), device)
    dataset = open_for(settings, data=data)
    found = detect_all(settings, model, loss, dataset, device)
    return f"{dataset.name}, {dataset.split}", list(dataset.records), dataset.class_names, found


def random_scenes(number: int) -> Iterator[tuple[list[Record], list[Detections]]]:
    """Small scenes on a grid of sixteenths, so that IoUs of exactly 1/2 are frequent; five classes, in every
    second scene the last one without objects; scores of ten values."""
    import numpy as np

    from yolosses.training.data import Record
    from yolosses.training.evaluation import Detections

    def boxes(rng: np.random.Generator, count: int) -> Any:
        start, size = rng.integers(0, 10, (count, 2)), rng.integers(2, 8, (count, 2))
        return (np.concatenate([start + size / 2, size], axis=1) / 16).astype(np.float32)

    for seed in range(number):
        rng = np.random.default_rng(seed)
        records, detections = [], []
        for picture in range(int(rng.integers(1, 6))):
            count, guesses = int(rng.integers(0, 5)), int(rng.integers(0, 8))
            truth, labels = boxes(rng, count), rng.integers(0, 4 + seed % 2, count)
            meant = rng.integers(0, count, int(rng.integers(0, 3 * count))) if count else labels
            moves = rng.integers(-1, 2, (len(meant), 4)) * rng.integers(0, 2, (len(meant), 1))
            near = truth[meant] + moves.astype(np.float32) * np.float32([1, 1, 2, 2]) / 16
            near[:, 2:] = near[:, 2:].clip(min=1 / 16)
            found = np.concatenate([near, boxes(rng, guesses)]).astype(np.float32)
            said = np.concatenate([labels[meant], rng.integers(0, 5, guesses)])
            said = np.where(rng.random(len(said)) < 0.3, rng.integers(0, 5, len(said)), said)
            records.append(
                Record(
                    name=f"{seed}-{picture}.png", path=None, image_size=(64, 128), boxes=truth,
                    labels=labels, ignore=rng.random(count) < 0.2,
                )
            )  # fmt: skip
            detections.append(
                Detections(
                    boxes=found,
                    scores=(rng.integers(1, 11, len(found)) / 10).astype(np.float32),
                    labels=said,
                )
            )
        if any(map(len, detections)) and any(not record.ignore.all() for record in records):
            yield records, detections  # tidecv divides by 0 where there is nothing


def rounded(
    records: Sequence[Record], detections: Sequence[Detections]
) -> tuple[list[Record], list[Detections]]:
    """Boxes and scores as golden vectors keep them."""
    import numpy as np

    def parts(values: Any) -> Any:
        return ((values * PARTS).round() / PARTS).astype(np.float32)

    return (
        [replace(record, boxes=parts(record.boxes)) for record in records],
        [replace(found, boxes=parts(found.boxes), scores=parts(found.scores)) for found in detections],
    )


def vectors(
    records: Sequence[Record], detections: Sequence[Detections], theirs: dict[str, Any]
) -> dict[str, Any]:
    """A golden case: rows of class, ignored or score, cx, cy, w, h."""
    import numpy as np

    def rows(*columns: Any) -> list[list[int]]:
        values: list[list[int]] = np.column_stack(columns).round().astype(int).tolist()
        return values

    return {
        "pictures": [
            {
                "size": record.image_size,
                "objects": rows(record.labels, record.ignore, record.boxes * PARTS),
                "detections": rows(found.labels, found.scores * PARTS, found.boxes * PARTS),
            }
            for record, found in zip(records, detections, strict=True)
        ],
        "tidecv": {key: value for key, value in theirs.items() if key != "seconds"},
    }


def write_golden(
    path: Path,
    what: str,
    class_names: Sequence[str],
    scenes: Sequence[tuple[list[Record], list[Detections]]],
    python: str,
) -> None:
    """Scenes, rounded, with tidecv's answers to what they then are."""
    scenes = [rounded(*scene) for scene in scenes]
    answers = ask(python, [scene_of(*scene) for scene in scenes])
    cases = [vectors(*scene, theirs) for scene, theirs in zip(scenes, answers, strict=True)]
    for (records, detections), theirs in zip(scenes, answers, strict=True):
        same = compared(records, class_names, detections, theirs)
        assert same["counts_equal"], what
        assert same["largest_difference"] < NEARLY, what
    head = {"what": what, "program": "tidecv 1.0.1", "parts": PARTS, "class_names": list(class_names)}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text(json.dumps(head)[:-1] + f', "cases": [\n{lines}\n]}}\n')


def main() -> None:
    """Read the arguments, ask both programs, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="*", help="folders of trained runs")
    parser.add_argument("--tide-python", required=True, help="the python of tidecv's environment")
    parser.add_argument("--data", help="evaluate the runs on this data set instead of their own")
    parser.add_argument("--scenes", type=int, default=2000, help="random scenes")
    parser.add_argument("--golden", type=Path, metavar="DIR", help="write golden vectors")
    parser.add_argument("--golden-pictures", type=int, default=20, help="of each run")
    arguments = parser.parse_args()

    runs = []
    for run in arguments.runs:
        data, records, class_names, detections = detected(run, arguments.data)
        (theirs,) = ask(arguments.tide_python, [scene_of(records, detections)])
        runs.append(
            {
                "run": run.name,
                "data": data,
                "pictures": len(records),
                "objects": sum(int((~record.ignore).sum()) for record in records),
                "detections": sum(map(len, detections)),
                **compared(records, class_names, detections, theirs),
            }
        )
        if arguments.golden:
            chosen = slice(0, arguments.golden_pictures)
            scene = records[chosen], detections[chosen]
            write_golden(
                arguments.golden / f"{run.name}.json", data, class_names, [scene], arguments.tide_python
            )

    scenes, names = list(random_scenes(arguments.scenes)), list("abcde")
    answers = ask(arguments.tide_python, [scene_of(*scene) for scene in scenes])
    random = [
        compared(records, names, detections, theirs)
        for (records, detections), theirs in zip(scenes, answers, strict=True)
    ]
    if arguments.golden:
        write_golden(
            arguments.golden / "random.json", "random scenes", names, scenes[:40], arguments.tide_python
        )

    result = {
        "what": "errors by TIDE, ours beside tidecv 1.0.1's on the same boxes: counts, and costs in AP50 as fractions",
        "runs": runs,
        "random_scenes": {
            "number": len(random),
            "with_ignored": sum(any(record.ignore.any() for record in records) for records, _ in scenes),
            "errors": dict(sum((Counter(row["yolosses"]["counts"]) for row in random), Counter())),
            "counts_equal": sum(row["counts_equal"] for row in random),
            "largest_difference": max(row["largest_difference"] for row in random),
        },
        "versions": {"python": platform.python_version(), "tidecv": "1.0.1"},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tide.json").write_text(json.dumps(result, indent=2) + "\n")
    for row in runs:
        print(f"{row['run']}: counts equal {row['counts_equal']}, apart {row['largest_difference']:.1e}")
    print(json.dumps(result["random_scenes"], indent=2))


if __name__ == "__main__":
    if sys.argv[1:] == ["--answer"]:
        json.dump([answer(scene) for scene in json.load(sys.stdin)], sys.stdout)
    else:
        main()
