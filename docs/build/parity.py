"""Runs the golden tests and writes what they measured: ``docs/data/parity.json`` and ``docs/reference/parity.md``.

python docs/build/parity.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATA, PAGE = ROOT / "docs" / "data" / "parity.json", ROOT / "docs" / "reference" / "parity.md"
FAMILIES = {
    "v1": ("`YOLOv1Loss`", "Darknet, `[detection]` layer"),
    "v2": ("`YOLOv2Loss`", "Darknet, `[region]` layer"),
    "v3": ("`YOLOv3Loss`", "Darknet, `[yolo]` layer"),
    "v4": ("`YOLOv4Loss`", "AlexeyAB's Darknet, `[yolo]` layer"),
    "v5": ("`YOLOv5Loss`", "yolov5"),
    "v6": ("`YOLOv6Loss`", "YOLOv6"),
    "v7": ("`YOLOv7Loss`", "yolov7, plain and OTA"),
    "v8": ("`YOLOv8Loss`", "ultralytics 8.4"),
    "v8_legacy83": ("`YOLOv8Loss(least_side=0)`", "ultralytics 8.3"),
    "v9mt": ("`YOLOv8Loss` with another `TaskAligned`", "MultimediaTechLab YOLO (v9)"),
    "e2e": ("`YOLOv10Loss`", "ultralytics 8.4 (v10, YOLO26) and 8.3"),
    "yolox": ("`YOLOXLoss`", "YOLOX"),
    "boxiou": ("`boxes.paired_*`", "seven implementations of IoU and its kin"),
}
TEXT = """# Parity

In {cases} recorded runs of the authors' programs every loss gives the same value, gradient and assignment.

The largest error is {value} in a value and {gradient} in a gradient; {same} of {assignments} assignments are the same.
The recorded runs are in `tests/golden`, and the tests compare them each time. This page is written by
`python docs/build/parity.py` from what the tests measured.

| loss | reference | cases | largest error in value | in gradient | assignments |
|---|---|---:|---:|---:|---:|
{rows}

Errors of values are relative to the value, those of gradients to the largest gradient of the same map. The tests demand
1e-5 and 2e-5, and every assignment. Where the publication says something else, or the result here is another on
purpose, and which recorded cases are left out for it: [paper, code, here](deviations.md).
"""


def measured() -> list[dict[str, Any]]:
    """What every golden test measured. Raises ``CalledProcessError`` if one fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "parity.jsonl"
        tests = sorted((ROOT / "tests").rglob("test_*golden*.py"))
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *map(str, tests)],
            cwd=ROOT,
            env={**os.environ, "YOLOSSES_PARITY": str(file)},
            check=True,
        )
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def summed_up(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By family: number of cases, largest errors, assignments that agree and that were recorded."""
    cases: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        cases[line["family"]][line["case"]].append(line)
    summary = {}
    for family, by_case in cases.items():
        all_lines = [line for found in by_case.values() for line in found]
        agree = [
            all(line["assignment"] for line in found if line["assignment"] is not None)
            for found in by_case.values()
            if any(line["assignment"] is not None for line in found)
        ]
        summary[family] = {
            "cases": len(by_case),
            **{
                name: max((line[name] for line in all_lines if line[name] is not None), default=None)
                for name in ("value", "gradient")
            },
            "assignments": len(agree),
            "same_assignments": sum(agree),
        }
    return {family: summary[family] for family in FAMILIES if family in summary}


def row(family: str, found: dict[str, Any]) -> dict[str, Any]:
    """A line of the table."""
    errors = {name: "–" if found[name] is None else f"{found[name]:.1e}" for name in ("value", "gradient")}
    same = f"{found['same_assignments']} / {found['assignments']}" if found["assignments"] else "–"
    return {"reference": FAMILIES[family][1], "cases": found["cases"], **errors, "same": same}


def page(summary: dict[str, dict[str, Any]]) -> str:
    """The page."""
    rows = [
        "| " + " | ".join([FAMILIES[family][0], *map(str, row(family, found).values())]) + " |"
        for family, found in summary.items()
    ]
    losses = [found for family, found in summary.items() if family != "boxiou"]
    cases, assignments, same = (
        sum(found[name] for found in losses) for name in ("cases", "assignments", "same_assignments")
    )
    value, gradient = (max(found[name] or 0 for found in losses) for name in ("value", "gradient"))
    return TEXT.format(
        rows="\n".join(rows), cases=cases, assignments=assignments, same=same,
        value=f"{value:.1e}", gradient=f"{gradient:.1e}",
    )  # fmt: skip


def main() -> None:
    """Measure and write."""
    summary = summed_up(measured())
    DATA.write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    PAGE.write_text(page(summary), "utf-8")
    print(PAGE.read_text("utf-8"))


if __name__ == "__main__":
    main()
