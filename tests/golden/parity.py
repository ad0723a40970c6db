"""Keeps what the golden tests measured, for the page that publishes it.

With ``YOLOSSES_PARITY=FILE`` in the environment every measured case is appended to that file, one json object a line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path


def record(
    family: str,
    case: str,
    *,
    value: float | None = None,
    gradient: float | None = None,
    assignment: bool | None = None,
) -> None:
    """One case: largest relative error of a value and of a gradient (over the map's largest), and whether the
    assignment is the recorded one. None: not recorded by the reference, or measured by another test of the case."""
    if file := os.environ.get("YOLOSSES_PARITY"):
        line = {
            "family": family,
            "case": case,
            "value": value,
            "gradient": gradient,
            "assignment": assignment,
        }
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
