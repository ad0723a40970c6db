"""What importing yolosses and naming a loss adds to importing torch, in fresh processes that take turns, to
``benchmarks/results/import-time.json``.

.venv/bin/python benchmarks/import_time.py
"""

import subprocess
import sys

from measuring import conditions, load, publish, turn_by_turn

REPEATS = 11
PROGRAMS = {"torch": "import torch", "torch and yolosses": "import torch, yolosses; yolosses.YOLOv8Loss"}


def main() -> None:
    before = load()

    def fresh(program: str) -> None:
        subprocess.run([sys.executable, "-c", program], check=True)

    rows = turn_by_turn({who: lambda p=program: fresh(p) for who, program in PROGRAMS.items()}, REPEATS)  # type: ignore[misc]
    added = rows["torch and yolosses"]["median_ms"] - rows["torch"]["median_ms"]
    lines = ["| import | median |", "| --- | ---: |"]
    lines += [f"| {who} | {row['median_ms']:.0f} ms |" for who, row in rows.items()]
    result = {**conditions(before, REPEATS), "programs": rows, "added_ms": round(added, 1)}
    publish("import-time", result, "\n".join(lines))


if __name__ == "__main__":
    main()
