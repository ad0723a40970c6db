"""Files that are written whole or not at all: a full disk or a killed process leaves what was there before."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTIAL = ".partial"  # at the end of the name of a file that is being written; the next writer overwrites it
_NAME_END = 60  # characters of the name: with a suffix, a long name would be too long for the file system


def partial_name(name: str) -> str:
    """What a file is called while it is written."""
    return name[-_NAME_END:] + PARTIAL


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A binary file to write to, which gets its name at the end of the context, and only if nothing was raised.

    Args:
        durable: wait until the disk has it, so that even a power failure leaves the old file or the new one.

    Raises:
        OSError: naming ``path``.
    """
    partial = path.with_name(partial_name(path.name))
    with naming(path):
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        partial.replace(path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An error of the operating system about this file says so; by itself a failed write does not know its name."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8. What UTF-8 cannot hold, such as parts of a file's name, is written with escapes."""
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Write readable json."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure of matplotlib as a png. A letter that no font here has becomes a box, without a word."""
    with whole_file(path, durable=False) as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format="png", dpi=150)


def require_folder(path: Path) -> None:
    """Make a folder if it is not there, and write a byte in it: better now than after the work.

    Raises:
        OSError: naming ``path``.
    """
    path.mkdir(parents=True, exist_ok=True)
    with naming(path), tempfile.TemporaryFile(dir=path) as probe:
        probe.write(b"\n")
        probe.flush()
