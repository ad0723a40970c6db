"""The modules of ``docs/build``, which is no package."""

import importlib
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"


def module(name: str) -> Any:
    """One of them."""
    folder = str(DOCS / "build")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)
