"""What importing yolosses and naming a loss takes after torch has been imported, in fresh processes, to
``benchmarks/results/import-time.json``.

.venv/bin/python benchmarks/import_time.py
"""

import subprocess
import sys

from measuring import conditions, load, publish, spread_of

REPEATS = 11
PROGRAM = """
from time import perf_counter
start = perf_counter()
import torch
between = perf_counter()
import yolosses; yolosses.YOLOv8Loss
print(between - start, perf_counter() - between)
"""


def main() -> None:
    before = load()

    def fresh() -> list[float]:
        done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
        return [1000 * float(seconds) for seconds in done.stdout.split()]

    fresh()
    times = zip(*(fresh() for _ in range(REPEATS)), strict=True)
    rows = dict(zip(("torch", "yolosses, after torch"), map(spread_of, map(list, times)), strict=True))
    lines = ["| import | median |", "| --- | ---: |"]
    lines += [f"| {who} | {row['median_ms']:.0f} ms |" for who, row in rows.items()]
    publish("import-time", {**conditions(before, REPEATS), "programs": rows}, "\n".join(lines))


if __name__ == "__main__":
    main()
