"""Lines for a person, in rich's markup. The terminal breaks them, so that what reads the output gets whole ones."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape


def say(console: Console, text: str) -> None:
    """One line."""
    console.print(text, highlight=False, soft_wrap=True)


def note(console: Console, text: str) -> None:
    """One line that a person must know."""
    say(console, f"[yellow]note[/]: {escape(text)}")


def say_where(console: Console, folder: Path) -> None:
    """Where to find what came out."""
    say(console, f"everything is in [bold]{escape(str(folder))}[/]")
