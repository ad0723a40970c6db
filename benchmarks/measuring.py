"""One method for every benchmark: contestants take turns, medians, the conditions in the json, tables between marks."""

import json
import os
import platform
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"


def seconds_of_a_turn(case: str, contestants: Mapping[str, Callable[[], float]]) -> float:
    """How long it takes until each has had its turn once, after all have been seen to compute the same value."""
    values = {who: step() for who, step in contestants.items()}
    first = next(iter(values.values()))
    for who, value in values.items():
        if abs(value - first) > 1e-3 * abs(first):
            raise SystemExit(f"{case}: {who} computes {value}, the first {first}")
    start = time.perf_counter()
    for step in contestants.values():
        step()
    return time.perf_counter() - start


def turn_by_turn(contestants: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, dict[str, Any]]:
    """Milliseconds of each: all take their turn after the others, so that they see the same machine; the first turn
    warms up."""
    seconds: dict[str, list[float]] = {who: [] for who in contestants}
    for turn in range(repeats + 1):
        for who, step in contestants.items():
            start = time.perf_counter()
            step()
            if turn:
                seconds[who].append(1000 * (time.perf_counter() - start))
    return {who: spread_of(times) for who, times in seconds.items()}


def spread_of(milliseconds: list[float]) -> dict[str, float]:
    """Median, 10th and 90th percentile."""
    ordered = sorted(milliseconds)
    return {
        "median_ms": round(statistics.median(ordered), 3),
        "p10_ms": round(ordered[len(ordered) // 10], 3),
        "p90_ms": round(ordered[-1 - len(ordered) // 10], 3),
    }


def load() -> float:
    return round(os.getloadavg()[0], 2)


def conditions(load_before: float, repeats: int) -> dict[str, Any]:
    """What a number depends on besides the code."""
    commit = None
    if shutil.which("git") is not None:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=RESULTS, check=False
        )
        commit = done.stdout.strip() or None
    return {
        "torch": torch.__version__, "python": platform.python_version(), "threads": torch.get_num_threads(),
        "machine": platform.machine(), "cpus": os.cpu_count(), "commit": commit,
        "load_before": load_before, "load_after": load(), "repeats": repeats,
    }  # fmt: skip


def said(result: dict[str, Any]) -> str:
    """The conditions in a sentence."""
    if "gpu" in result:
        return (
            f"{result['gpu']}, a copy moves {result['bandwidth_tb_s']} TB/s; torch {result['torch']}, Triton "
            f"{result['triton']}, medians of {result['repeats']}, of slow cases fewer."
        )
    return (
        f"Load of the machine {result['load_before']} before and {result['load_after']} after, "
        f"{result['threads']} threads, torch {result['torch']}, medians of {result['repeats']}."
    )


def publish(name: str, result: dict[str, Any], text: str) -> None:
    """``results/NAME.json``, and ``text`` with the conditions between its marks in docs/reference/performance.md."""
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    put_between_marks(PAGE, name, f"{text}\n\n{said(result)}")
    print(text)


def put_between_marks(page: Path, name: str, text: str) -> None:
    """Write ``text`` between the marks of NAME.json in a page."""
    start, end = f"<!-- {name}.json -->", "<!-- end -->"
    before, found, rest = page.read_text("utf-8").partition(start)
    if not found:
        raise SystemExit(f"{page.name}: expected the mark {start}; got none")
    after = rest.partition(end)[2]
    page.write_text(f"{before}{start}\n\n{text}\n\n{end}{after}", "utf-8")
