"""The sizes of pictures, kept between runs: opening a large data set again need not open every picture."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from yolosses.training.data.pictures import PictureSize, picture_size
from yolosses.training.data.problems import DataError

_FORMAT = 1
_WORTH_KEEPING = 1000  # pictures: fewer are read anew as fast

Look = PictureSize | DataError


class PictureIndex:
    """Sizes of the pictures of a data set, looked up in the file of an earlier run where a picture's file is the same.

    The file is in the user's cache folder (``$XDG_CACHE_HOME/yolosses``), one for each data set; without a place to
    write, nothing is kept. A picture counts as the same if its length and time of change are.

    Args:
        source: the data set, as it was given.
    """

    def __init__(self, source: Path) -> None:
        name = hashlib.blake2b(os.fsencode(source.resolve()), digest_size=16).hexdigest()
        self._file = _cache_folder() / f"pictures-{name}.json"
        self._known = _load(self._file)
        self._changed = False

    def look(self, path: Path) -> Look:
        """The size of a picture, or the error that says why it cannot be read."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return _look(path)
        if not stat.S_ISREG(status.st_mode):
            return DataError(f"{path}: cannot read the picture (it is not a file)")
        key, stamp = os.fspath(path), [status.st_size, status.st_mtime_ns]
        known = self._known.get(key)
        if known is not None and known[:2] == stamp:
            height, width = known[2:]
            return PictureSize(height, width)
        look = _look(path)
        if not isinstance(look, DataError):
            self._known[key] = [*stamp, *look]
            self._changed = True
        return look

    def save(self, paths: Iterable[Path]) -> None:
        """Keep what is known of these pictures and of others that are still there. A failure only costs time."""
        if not self._changed or len(self._known) < _WORTH_KEEPING:
            return
        used = {os.fspath(path) for path in paths}
        kept = {key: value for key, value in self._known.items() if key in used or Path(key).exists()}
        with suppress(OSError, UnicodeEncodeError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_suffix(f".{os.getpid()}.partial")
            partial.write_text(json.dumps({"format": _FORMAT, "pictures": kept}), "utf-8")
            partial.replace(self._file)


def _look(path: Path) -> Look:
    try:
        return picture_size(path)
    except DataError as error:
        return error


def _load(file: Path) -> dict[str, list[int]]:
    """Path -> length in bytes, time of change, height, width. A file of another kind knows nothing."""
    try:
        content = json.loads(file.read_text("utf-8"))
        if content["format"] != _FORMAT:
            return {}
        return {
            str(key): [int(value) for value in values]
            for key, values in content["pictures"].items()
            if len(values) == 4
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "yolosses"
