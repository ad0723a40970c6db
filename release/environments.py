"""New environments, one after another: made, used and removed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints" / "ci.txt"
EXAMPLE = re.compile(r"```python\n(.*?)```\s+```text\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and an empty folder that commands run in: the source tree is not in sight."""

    folder: Path
    constraints: Path

    def install(self, *requirements: str) -> None:
        self.run(
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--constraint",
            str(self.constraints),
            *requirements,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        """What Python prints for ``arguments``; ends this program with all its output if it fails."""
        python = self.folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [python, *arguments],
            cwd=cwd or self.folder / "empty",
            env=variables | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        if done.returncode:
            sys.exit(f"{' '.join(arguments)[:300]}\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self, *arguments: str) -> str:
        return self.run("-m", "yolosses", *arguments)

    def version(self, package: str) -> str:
        return self.run(
            "-c", f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
        ).strip()


@contextmanager
def new_environment(python: str, torch: str | None = None) -> Iterator[Environment]:
    """One for the interpreter ``python``, with the packages of constraints/ci.txt, or with another torch."""
    folder = Path(tempfile.mkdtemp(prefix="yolosses-release-"))
    try:
        subprocess.run([python, "-m", "venv", folder], check=True)
        (folder / "empty").mkdir()
        lines = CONSTRAINTS.read_text().splitlines()
        if torch is not None:
            lines = [line for line in lines if not line.startswith(("torch==", "triton=="))] + [
                f"torch=={torch}"
            ]
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(lines) + "\n")
        yield Environment(folder, constraints)
    finally:
        shutil.rmtree(folder)


def only(pattern: str, folder: Path) -> Path:
    """The one file in ``folder``, or the end of the program."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"{folder}: expected one {pattern}, found {len(found)}; `make dist` writes it")
    return found[0].resolve()


def try_the_example(environment: Environment) -> None:
    """README's first example must print what the README shows."""
    found = EXAMPLE.search((ROOT / "README.md").read_text("utf-8"))
    assert found is not None
    code, shown = found.groups()
    printed = environment.run("-c", code)
    if printed != shown:
        sys.exit(f"README's example printed\n{printed}instead of\n{shown}")


def requirement(wheel: Path, extras: Sequence[str] = ()) -> str:
    return f"yolosses[{','.join(extras)}] @ {wheel.as_uri()}" if extras else str(wheel)


# The rooms that need nothing but torch and numpy.
LOSSES = ["structures", "boxes", "functional", "codecs", "losses"]


def run_tests_of_losses(environment: Environment, tree: Path) -> int:
    """Run the tests of the unpacked sdist ``tree`` that concern the losses; how many passed."""
    environment.install("pytest", "hypothesis")
    rooms = [f"tests/{room}" for room in LOSSES]
    shown = environment.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *rooms, cwd=tree
    )
    passed = re.search(r"^(\d+) passed", shown, re.MULTILINE)
    assert passed is not None
    return int(passed[1])
