"""The commands on the pages are commands: the command line's own parser takes them."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from yolosses.apps.cli.arguments import repeat_option
from yolosses.apps.cli.commands import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/[!_]*/**/*.md")])
BLOCK = re.compile(r"```(?:console|bash|sh)\n(.*?)```", re.DOTALL)


def commands(page: Path) -> list[str]:
    """Those of yolosses."""
    lines = "\n".join(BLOCK.findall(page.read_text("utf-8"))).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("yolosses ")]


@pytest.mark.parametrize(
    "page", [p for p in PAGES if commands(p)], ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_commands_are_parsed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    group: Any = get_command(app)
    for line in commands(page):
        _, name, *arguments = shlex.split(line, comments=True)
        assert name in group.commands or name.startswith("-"), line
        if name in group.commands:
            arguments = repeat_option([name, *arguments], "--grid")[1:] if name == "inspect" else arguments
            group.commands[name].make_context(name, arguments)  # raises UsageError where it does not fit
