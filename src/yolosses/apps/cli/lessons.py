"""``yolosses lessons``: the lessons as notebooks."""

from __future__ import annotations

from rich.console import Console

from yolosses.apps.cli.requests import LessonsRequest
from yolosses.lessons.notebooks import write_notebooks


def run_lessons(request: LessonsRequest) -> None:
    """Write the notebooks, and say how to open them."""
    console = Console(highlight=False)
    written, kept = write_notebooks(request.folder, request.language)
    for path in written:
        console.print(f"  {path.name}", markup=False)
    if kept:
        console.print(f"{len(kept)} were there already and stay as they are.")
    console.print(f"{len(written)} lessons written. Open them: jupyter lab {request.folder}", markup=False)
