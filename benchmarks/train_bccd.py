"""Train on BCCD with several seeds by the command line, and write the scores to ``benchmarks/results/bccd-LOSS.json``.

.venv/bin/python benchmarks/train_bccd.py ../shared/data/bccd --loss v8 --minutes 10 --seeds 0 1 2
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

import yolosses

RESULTS = Path(__file__).parent / "results"


def run(data: str, loss: str, minutes: float, seed: int, folder: Path) -> dict[str, Any]:
    """One training run: its scores, its pace, and the load of the machine before and after."""
    before = os.getloadavg()[0]
    command = [
        sys.executable,
        "-m",
        "yolosses",
        "train",
        data,
        "--loss",
        loss,
        "--train-split",
        "trainval",
        "--eval-split",
        "test",
    ]
    subprocess.run(
        [*command, "--minutes", str(minutes), "--seed", str(seed), "--out", str(folder)], check=True
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    return {
        "seed": seed,
        "map50": metrics["map50"],
        "map50_95": metrics["map50_95"],
        "voc07_map": metrics["voc07_map"],
        "ap50": {row["name"]: row["ap50"] for row in metrics["classes"]},
        "steps": last["step"],
        "images": last["images"],
        "images_per_second": last["images"] / last["seconds"],
        "load_before": before,
        "load_after": os.getloadavg()[0],
    }


def main() -> None:
    """Read the arguments, run, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--loss", default="v1")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, help="keep the runs in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = arguments.out or Path(scratch)
        runs = [
            run(
                arguments.data, arguments.loss, arguments.minutes, seed, out / f"bccd-{arguments.loss}-{seed}"
            )
            for seed in arguments.seeds
        ]
    result = {
        "what": f"yolosses train bccd --loss {arguments.loss} --train-split trainval --eval-split test, "
        "everything else by default",
        "minutes": arguments.minutes,
        "mean": {key: statistics.mean(r[key] for r in runs) for key in ("map50", "map50_95", "voc07_map")},
        "runs": runs,
        "machine": {
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "processor": platform.machine(),
        },
        "versions": {
            "yolosses": yolosses.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"bccd-{arguments.loss}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result["mean"], indent=2))


if __name__ == "__main__":
    main()
