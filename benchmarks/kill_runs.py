"""Runs that are killed (kill -9) at random moments and begun again by the same command end as the run that never was:
the same weights, log and scores to the last bit. ``python benchmarks/kill_runs.py [--kills 20]`` writes
``results/kill.json``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

import yolosses

RESULTS = Path(__file__).parent / "results"
COMMAND = ["train", "digits", "--image-size", "64", "--epochs", "1", "--device", "cpu"]
SAVE_EVERY_SECONDS = (
    1.0  # instead of 30: or most kills of a run this short would come before its first checkpoint
)
LONGEST = 18.0  # seconds until a kill
DRIVER = f"""
from yolosses.apps.runs import steps
from yolosses.apps.cli.main import main
steps.SAVE_EVERY_SECONDS = {SAVE_EVERY_SECONDS}
main()
"""


def begin(out: Path) -> subprocess.Popen[bytes]:
    """The same command each time. On one thread: with several, sums depend on how many there were at each step."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DRIVER, *COMMAND, "--out", str(out)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def killed(out: Path, rng: random.Random) -> dict[str, Any] | None:
    """Begin, or go on, and kill; where the run was then. None: it ended before."""
    process, after = begin(out), rng.uniform(0.1, LONGEST)
    try:
        _, errors = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        names = {file.name for file in out.iterdir()} if out.is_dir() else set()
        log = out / "log.jsonl"
        return {
            "after_seconds": round(after, 2),
            "step": len(log.read_bytes().splitlines()) if log.is_file() else 0,
            "checkpoint": "last.pt" in names or "last-1.pt" in names,
            "trained": "model.pt" in names,
            "half_written": sorted(name for name in names if name.endswith(".partial")),
        }
    if process.returncode:
        raise SystemExit(f"{out.name}: {errors.decode()}")
    return None


def result(out: Path) -> dict[str, Any]:
    """All that must be equal: the log without the time, the weights and the scores."""
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    weights = torch.load(out / "model.pt", weights_only=True)
    return {
        "log": [{name: value for name, value in row.items() if name != "seconds"} for row in rows],
        "weights": {name: (str(w.dtype), w.shape, w.numpy().tobytes()) for name, w in weights.items()},
        "scores": json.loads((out / "metrics.json").read_text("utf-8")),
    }


def chain(out: Path, rng: random.Random, most: int) -> list[dict[str, Any]]:
    """Kill one run again and again, up to ``most`` times, and let it end."""
    kills: list[dict[str, Any]] = []
    while len(kills) < most:
        kill = killed(out, rng)
        if kill is None:
            return kills
        kills.append(kill)
    _, errors = (process := begin(out)).communicate()
    if process.returncode:
        raise SystemExit(f"{out.name}: {errors.decode()}")
    return kills


def main() -> None:
    """Kill, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, begun = random.Random(arguments.seed), time.time()
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        _, errors = (process := begin(whole)).communicate()
        if process.returncode:
            raise SystemExit(errors.decode())
        expected, left = result(whole), arguments.kills
        while left:
            out = Path(folder) / f"killed-{len(runs)}"
            kills = chain(out, rng, min(left, 7))
            left -= len(kills)
            found = result(out)
            same = {f"same_{name}": found[name] == value for name, value in expected.items()}
            runs.append({**same, "kills": kills})
            print(f"{out.name}: {len(kills)} kills at steps {[kill['step'] for kill in kills]}, {same}")
    as_never_killed = sum(len(run["kills"]) for run in runs if all(v for k, v in run.items() if k != "kills"))
    values = {
        "command": f"yolosses {' '.join(COMMAND)}",
        "save_every_seconds": SAVE_EVERY_SECONDS,
        "steps": len(expected["log"]),
        "kills": arguments.kills,
        "kills_of_runs_that_end_as_the_one_never_killed": as_never_killed,
        "before_the_first_checkpoint": sum(not kill["checkpoint"] for run in runs for kill in run["kills"]),
        "while_a_file_was_written": sum(bool(kill["half_written"]) for run in runs for kill in run["kills"]),
        "compared": "every row of log.jsonl but its seconds, every tensor of model.pt, metrics.json: to the last bit",
        "threads": 1,
        "seed": arguments.seed,
        "minutes": round((time.time() - begun) / 60, 1),
        "yolosses": yolosses.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "runs": runs,
    }
    (RESULTS / "kill.json").write_text(json.dumps(values, indent=1) + "\n")
    print(f"{as_never_killed} of {arguments.kills}")


if __name__ == "__main__":
    main()
