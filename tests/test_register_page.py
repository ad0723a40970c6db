"""The page "Paper, code, here" says what was measured, and what was measured is measured again."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("register", DOCS / "build" / "register.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((DOCS / "data" / "register.json").read_text("utf-8"))
    return found


def test_the_page_is_what_the_measurements_make_of_the_text(builder: ModuleType, stored: object) -> None:
    """On failure run ``python docs/build/register.py`` and read what changed."""
    assert (DOCS / "reference" / "deviations.md").read_text("utf-8") == builder.build(stored)


def test_every_entry_says_what_is_done_and_why(builder: ModuleType) -> None:
    for family in builder.entries()["family"]:
        for entry in family["entry"]:
            assert {"no", "choice", "code", "here", "why"} <= set(entry), entry["no"]
            assert ("effect" in entry) != (entry["no"] in builder.MEASURES), entry["no"]


def test_the_effects_are_still_those(builder: ModuleType, stored: dict[str, dict[str, float]]) -> None:
    for name, found in builder.measured().items():
        assert found == pytest.approx(stored[name], rel=0.05, abs=2e-4), name
