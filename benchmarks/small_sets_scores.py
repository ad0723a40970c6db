"""Train on the small sets of ``small_sets.py``, and write the scores to ``benchmarks/results/small-sets*.json``.

What is done already is taken over, so the script can be stopped and called again.

    # One change at a time, on val, 6,000 pictures each, one thread. These chose the defaults.
    python benchmarks/small_sets_scores.py choices --sets sets --runs runs
    # Ours and the peer on test, three seeds, ten minutes each. The machine must do nothing else.
    python benchmarks/small_sets_scores.py results --sets sets --runs runs --peer-python peer/bin/python
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

import yolosses
from yolosses.studies.peer import read_peer, scored
from yolosses.training.data import open_dataset

RESULTS = Path(__file__).parent / "results"
SETS = ("cells", "cell-crops", "coco", "digits", "crowd", "cards")
PICTURES = 6000  # seen by each run of `choices`
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
    "yolox": ("--loss", "yolox"),
    "v1": ("--loss", "v1"),
    "peer, nbs 64": ("--nbs", "64"),
    "peer, nbs 16": ("--nbs", "16"),
}


def train(data: Path, folder: Path, flags: tuple[str, ...], *, threads: int | None) -> dict[str, Any]:
    """One of our runs by the command line: its scores."""
    load = os.getloadavg()[0]
    if not (folder / "metrics.json").is_file():
        command = [sys.executable, "-m", "yolosses", "train", str(data), *flags, "--out", str(folder)]
        alone = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
        subprocess.run(
            [*command, "--resume"], check=True, env={**os.environ, **alone}, stdout=subprocess.DEVNULL
        )
        (folder / "load.json").write_text(json.dumps([load, os.getloadavg()[0]]))
    metrics = json.loads((folder / "metrics.json").read_text())
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    measured = folder / "load.json"
    return {
        "map50": metrics["map50"],
        "map50_95": metrics["map50_95"],
        "images": last["images"],
        "seconds": last["seconds"],
        "load": json.loads(measured.read_text()) if measured.is_file() else None,
    }


def train_peer(python: str, data: Path, file: Path, flags: tuple[str, ...]) -> dict[str, Any]:
    """One run of the peer in its own environment, scored as ours are."""
    if not file.is_file():
        script = Path(__file__).with_name("small_sets_peer.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [python, str(script), str(data), *flags, "--out", str(file)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    test, kept = open_dataset(data, "test"), json.loads(file.read_text())
    end = scored(read_peer(file), test, path=file).points[-1]
    return {
        "map50": end.map50,
        "map50_95": end.map50_95,
        "images": end.images,
        "seconds": end.seconds,
        "load": kept["load"],
        "version": kept["version"],
    }


def choices(sets: Path, runs: Path, seeds: int) -> list[dict[str, Any]]:
    """Every change on every set."""
    rows = []
    for seed in range(seeds):
        for name in SETS:
            data = sets / name / "data.yaml"
            epochs = PICTURES // len(open_dataset(data, "train"))
            for change, flags in CHOICES.items():
                common = ("--loss", "v8", "--eval-split", "val", "--seed", str(seed), "--epochs", str(epochs))
                folder = runs / "choices" / f"{name}-{change.replace(' ', '-')}-{seed}"
                scores = train(data, folder, (*common, *flags), threads=1)
                rows.append({"set": name, "change": change, "seed": seed, "epochs": epochs, **scores})
                print(rows[-1], flush=True)
    return rows


def results(sets: Path, runs: Path, seeds: int, minutes: float, python: str | None) -> list[dict[str, Any]]:
    """Every contestant on every set."""
    rows = []
    for seed in range(seeds):
        for name in SETS:
            data = sets / name / "data.yaml"
            for contestant, flags in CONTESTANTS.items():
                budget = (*flags, "--minutes", f"{minutes:g}", "--seed", str(seed), "--eval-split", "test")
                place = runs / "results" / f"{name}-{contestant.replace(', ', '-').replace(' ', '-')}-{seed}"
                if not contestant.startswith("peer"):
                    scores = train(data, place, budget, threads=None)
                elif python is not None:
                    scores = train_peer(python, data, place.with_suffix(".json"), budget)
                else:
                    continue
                rows.append({"set": name, "contestant": contestant, "seed": seed, **scores})
                print(rows[-1], flush=True)
    return rows


def summary(rows: list[dict[str, Any]], of: str) -> list[dict[str, Any]]:
    """Mean score and mean rank over the sets, the best first: of each change or contestant."""
    means: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(row["set"] for row in rows):
        for one in dict.fromkeys(row[of] for row in rows):
            scores = [row["map50_95"] for row in rows if (row["set"], row[of]) == (name, one)]
            if scores:
                means.setdefault(name, {})[one] = statistics.mean(scores)
    found = []
    for one in dict.fromkeys(row[of] for row in rows):
        known = [scores for scores in means.values() if one in scores]
        ranks = [1 + sum(other > scores[one] for other in scores.values()) for scores in known]
        found.append(
            {
                of: one,
                "map50_95": statistics.mean(scores[one] for scores in known),
                "rank": statistics.mean(ranks),
                "sets": {name: scores[one] for name, scores in means.items() if one in scores},
            }
        )
    return sorted(found, key=lambda row: row["rank"])


def main() -> None:
    """Read the arguments, run, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("choices", "results"))
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--peer-python")
    arguments = parser.parse_args()
    if arguments.what == "choices":
        rows, of, file = (
            choices(arguments.sets, arguments.runs, arguments.seeds),
            "change",
            "small-sets-choices.json",
        )
    else:
        rows = results(
            arguments.sets, arguments.runs, arguments.seeds, arguments.minutes, arguments.peer_python
        )
        of, file = "contestant", "small-sets.json"
    result = {
        "what": arguments.what,
        "summary": summary(rows, of),
        "runs": rows,
        "machine": {"cores": os.cpu_count(), "processor": platform.machine()},
        "versions": {"yolosses": yolosses.__version__, "torch": torch.__version__},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / file).write_text(json.dumps(result, indent=2) + "\n")
    for row in result["summary"]:
        print(f"{row[of]:22s} {row['map50_95']:.3f}  rank {row['rank']:.2f}  {row['sets']}")


if __name__ == "__main__":
    main()
