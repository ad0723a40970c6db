"""``yolosses``: the command line. Nothing heavy is imported before a command needs it, so that ``--help``
answers at once."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console script."""
    try:
        from yolosses.apps.cli.commands import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(f"yolosses: the command line needs {error.name}: pip install 'yolosses[train]'")
    app()
