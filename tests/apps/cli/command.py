"""Runs commands for the tests: each in a process of its own, started by `fork_server.py`."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SERVER = Path(__file__).with_name("fork_server.py")
SECONDS = 300.0
TERMINAL = {"COLUMNS": "120", "NO_COLOR": "1"}


class Begun:
    """A command that runs beside the test.

    Attributes:
        output, errors: files that it writes to.
    """

    def __init__(self, *arguments: object, cwd: Path, first: str = "") -> None:
        """``first``: Python that its process runs before."""
        self.arguments = [*map(str, arguments)]
        self._folder = TemporaryDirectory()
        self.output, self.errors = Path(self._folder.name, "output"), Path(self._folder.name, "errors")
        self.output.touch()
        self.errors.touch()
        self._process = _answer(
            arguments=self.arguments,
            folder=str(cwd),
            environment={**os.environ, **TERMINAL},
            output=str(self.output),
            errors=str(self.errors),
            first=first,
        )

    def send_signal(self, number: int) -> None:
        os.kill(self._process, number)

    def wait_for(self, happened: Callable[[], bool]) -> None:
        """Until something has happened. Fails after a while."""
        end = time.monotonic() + SECONDS
        while not happened():
            assert time.monotonic() < end, self.errors.read_text("utf-8")
            time.sleep(0.005)

    def end(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end."""
        code = _answer(wait=self._process, arguments=self.arguments)
        said = self.output.read_text("utf-8"), self.errors.read_text("utf-8")
        self._folder.cleanup()
        return subprocess.CompletedProcess(self.arguments, code, *said)


def yolosses(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return Begun(*arguments, cwd=cwd).end()


def fresh(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in a new Python, as a shell starts it: slower by some seconds."""
    command = [sys.executable, "-m", "yolosses", *map(str, arguments)]
    environment = {**os.environ, **TERMINAL}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=SECONDS
    )


def succeed(*arguments: object, cwd: Path) -> str:
    """The output of a command that must succeed without a word on standard error."""
    result = yolosses(*arguments, cwd=cwd)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def fail(*arguments: object, cwd: Path) -> str:
    """The one line on standard error of a command that must fail."""
    return line_of_failure(yolosses(*arguments, cwd=cwd))


def line_of_failure(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 2, (result.returncode, result.stdout, result.stderr)
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("yolosses: ")
    return lines[0]


def _answer(**request: object) -> int:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(request).encode() + b"\n")
    if not select.select([server.stdout], [], [], SECONDS)[0]:
        _stop(server)
        pytest.fail(f"no end after {SECONDS:.0f} s: {request['arguments']}")
    line = server.stdout.readline()
    if not line:
        _stop(server)
        pytest.fail("the fork server ended; what it said is among the captured errors")
    return int(line)


@cache
def _server() -> "subprocess.Popen[bytes]":
    """One for this process, until it ends."""
    server = subprocess.Popen(
        # -P: what lies beside the program is not what `import` should find.
        [sys.executable, "-P", str(SERVER)],
        env={**os.environ, **TERMINAL},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # so that it can be ended together with its command
    )
    atexit.register(_stop, server)
    return server


def _stop(server: "subprocess.Popen[bytes]") -> None:
    _server.cache_clear()
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
    with server:  # closes its pipes, and waits
        pass
