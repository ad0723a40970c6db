"""Writes the table at the head of ``docs/reference/performance.md`` from the committed measurements:

python docs/build/speed.py
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULTS = ROOT / "docs" / "reference" / "performance.md", ROOT / "benchmarks" / "results"
START, END = "<!-- summary -->", "<!-- end -->"
OURS = {"step-time": ("yolosses", "loops"), "gpu-step-time": ("triton", "triton, graph")}
PEERS = {"plain dense", "ultralytics", "yolox", "yolov5"}


def ratios(file: str) -> dict[str, list[list[float]]]:
    """Of each loss, for each of our ways, how many times as fast as the peer it is in every case."""
    found: dict[str, list[list[float]]] = {}
    for case in json.loads((RESULTS / f"{file}.json").read_text("utf-8"))["cases"]:
        times = {who: result["median_ms"] for who, result in case["contestants"].items()}
        (peer,) = PEERS & set(times)
        lists = found.setdefault(case["loss"], [[] for _ in OURS[file]])
        for way, numbers in zip(OURS[file], lists, strict=True):
            numbers += [times[peer] / times[way]] if way in times else []
    return found


def table() -> str:
    """One row a loss: the least and the most of its cases."""
    cpu, gpu = (ratios(file) for file in OURS)
    lines = [
        "| Loss | CPU, plain | CPU, Numba | GPU, Triton | GPU, Triton in a CUDA graph |",
        "|---|---:|---:|---:|---:|",
    ]
    for loss, on_cpu in cpu.items():
        cells = [*on_cpu, *gpu.get(loss, [[], []])]
        shown = [f"{min(numbers):.1f}–{max(numbers):.1f}" if numbers else "–" for numbers in cells]
        lines.append(f"| {loss} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main() -> None:
    """Write it between its marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(START)
    PAGE.write_text(f"{before}{START}\n\n{table()}\n\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
