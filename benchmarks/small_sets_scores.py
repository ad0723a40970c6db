"""Train on the small sets of ``small_sets.py``, and write the scores to ``benchmarks/results/small-sets*.json``.

What the file has already is taken over, so the script can be stopped and called again.

    # One change at a time, measured on val: these chose the defaults.
    python benchmarks/small_sets_scores.py choices --sets sets
    # Ours and the peer on test, three seeds.
    python benchmarks/small_sets_scores.py results --sets sets --peer-python peer/bin/python

The length of a run is a number of pictures, so that scores do not depend on what else a machine does: for ``results``
what ten minutes gave each trainer on two quiet cores (26.9 and 11.0 pictures a second).
Two runs go side by side, each with one thread.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import yolosses
from yolosses.studies.peer import read_peer, scored
from yolosses.training.data import open_dataset

RESULTS = Path(__file__).parent / "results"
SETS = ("cells", "cell-crops", "coco", "digits", "crowd", "cards")
SIDE_BY_SIDE = 2
CHOICE_PICTURES = 6_000
TEN_MINUTES = {"ours": 16_140, "peer": 6_600}  # pictures
OLD = ("--mosaic", "0", "--learning-rate", "0.002")
CHOICES: dict[str, tuple[str, ...]] = {
    "stretch": (*OLD, "--fit", "stretch"),
    "letterbox": (*OLD, "--fit", "letterbox"),
    "mosaic": ("--mosaic", "1", "--learning-rate", "0.002"),
    "mosaic, rate 0.004": ("--mosaic", "1", "--learning-rate", "0.004"),
    "mosaic, rate 0.008": ("--mosaic", "1", "--learning-rate", "0.008"),
}
CONTESTANTS: dict[str, tuple[str, ...]] = {
    "v8": ("--loss", "v8"),
    "peer, nbs 16": ("--nbs", "16"),
    "peer, nbs 64": ("--nbs", "64"),
}


@dataclass(frozen=True)
class Job:
    """One run: what distinguishes it from the others of the file, and how to do it."""

    key: dict[str, Any]
    run: Callable[[], dict[str, Any]]


def train(data: Path, flags: tuple[str, ...]) -> dict[str, Any]:
    """One of our runs by the command line: its scores."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        command = [sys.executable, "-m", "yolosses", "train", str(data), *flags, "--out", str(folder)]
        _quietly(command)
        metrics = json.loads((folder / "metrics.json").read_text())
        last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    return {
        "map50": metrics["map50"],
        "map50_95": metrics["map50_95"],
        "images": last["images"],
        "seconds": last["seconds"],
    }


def train_peer(python: str, data: Path, flags: tuple[str, ...]) -> dict[str, Any]:
    """One run of the peer in its own environment, scored as ours are."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "peer.json"
        script = Path(__file__).with_name("small_sets_peer.py")
        _quietly([python, str(script), str(data), *flags, "--out", str(file)])
        end = scored(read_peer(file), open_dataset(data, "test"), path=file).points[-1]
        version = json.loads(file.read_text())["version"]
    return {
        "map50": end.map50,
        "map50_95": end.map50_95,
        "images": end.images,
        "seconds": end.seconds,
        "version": version,
    }


def _quietly(command: list[str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")


def choices(sets: Path, seeds: int) -> list[Job]:
    """Every change on every set."""
    jobs = []
    for seed in range(seeds):
        for name in SETS:
            data = sets / name / "data.yaml"
            epochs = _epochs(data, CHOICE_PICTURES)
            common = ("--loss", "v8", "--eval-split", "val", "--seed", str(seed), "--epochs", str(epochs))
            for change, flags in CHOICES.items():
                key = {"set": name, "change": change, "seed": seed}
                jobs.append(Job(key, lambda data=data, flags=(*common, *flags): train(data, flags)))
    return jobs


def results(sets: Path, seeds: int, python: str | None) -> list[Job]:
    """Every contestant on every set."""
    jobs = []
    for seed in range(seeds):
        for name in SETS:
            data = sets / name / "data.yaml"
            common = ("--seed", str(seed), "--eval-split", "test")
            for contestant, flags in CONTESTANTS.items():
                key = {"set": name, "contestant": contestant, "seed": seed}
                is_peer = contestant.startswith("peer")
                epochs = str(_epochs(data, TEN_MINUTES["peer" if is_peer else "ours"]))
                asked = (*flags, *common, "--epochs", epochs)
                if not is_peer:
                    jobs.append(Job(key, lambda data=data, asked=asked: train(data, asked)))
                elif python is not None:
                    jobs.append(Job(key, lambda data=data, asked=asked: train_peer(python, data, asked)))
    return jobs


def _epochs(data: Path, pictures: int) -> int:
    return round(pictures / len(open_dataset(data, "train")))


def summary(rows: list[dict[str, Any]], of: str) -> list[dict[str, Any]]:
    """Mean score and mean rank over the sets, the best first: of each change or contestant."""
    names = list(dict.fromkeys(row[of] for row in rows))
    means: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(row["set"] for row in rows):
        for one in names:
            scores = [row["map50_95"] for row in rows if (row["set"], row[of]) == (name, one)]
            if scores:
                means.setdefault(name, {})[one] = statistics.mean(scores)
    means = {name: scores for name, scores in means.items() if len(scores) == len(names)}
    found = []
    for one in names:
        ranks = [1 + sum(other > scores[one] for other in scores.values()) for scores in means.values()]
        sets = {name: scores[one] for name, scores in means.items()}
        if sets:
            found.append(
                {
                    of: one,
                    "map50_95": statistics.mean(sets.values()),
                    "rank": statistics.mean(ranks),
                    "sets": sets,
                }
            )
    return sorted(found, key=lambda row: row["rank"])


def do(jobs: Iterable[Job], file: Path, of: str) -> None:
    """Run what the file does not have yet, and keep each result at once."""
    rows: list[dict[str, Any]] = json.loads(file.read_text())["runs"] if file.is_file() else []

    def keep(job: Job, scores: dict[str, Any]) -> None:
        rows.append({**job.key, **scores})
        print(rows[-1], flush=True)
        write(file, {"summary": summary(rows, of), "runs": rows})

    waiting = [job for job in jobs if not any(job.key.items() <= row.items() for row in rows)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = {pool.submit(job.run): job for job in waiting}
        for done in as_completed(running):
            keep(running[done], done.result())
    for row in summary(rows, of):
        print(f"{row[of]:22s} {row['map50_95']:.3f}  rank {row['rank']:.2f}  {row['sets']}")


def write(file: Path, content: dict[str, Any]) -> None:
    """The file, and what made it."""
    about = {
        "machine": {"cores": os.cpu_count(), "processor": platform.machine()},
        "versions": {"yolosses": yolosses.__version__, "torch": torch.__version__},
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({**content, **about}, indent=2) + "\n")


def main() -> None:
    """Read the arguments, run, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("choices", "results"))
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peer-python")
    asked = parser.parse_args()
    if asked.what == "choices":
        do(choices(asked.sets, asked.seeds), RESULTS / "small-sets-choices.json", "change")
    else:
        do(results(asked.sets, asked.seeds, asked.peer_python), RESULTS / "small-sets.json", "contestant")


if __name__ == "__main__":
    main()
