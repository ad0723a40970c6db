"""The files of a data set's folder, found in one walk, and pictures by what label files call them."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from yolosses.training.data.pictures import PICTURE_SUFFIXES
from yolosses.training.data.splits import canonical_split, split_of_folder

_PASSED_OVER = frozenset({"__macosx", "__pycache__", "node_modules"})
_OTHER_PICTURES = frozenset(
    {
        ".heic",
        ".heif",
        ".dng",
        ".cr2",
        ".nef",
        ".arw",
        ".psd",
        ".svg",
        ".jxl",
        ".exr",
        ".hdr",
        ".mp4",
        ".mov",
        ".avi",
    }
)


class Tree:
    """All files below a folder. Hidden folders are passed over, links to folders are followed once. The walk is made
    when it is first needed.

    Attributes:
        root: the folder.
        forks: number of files that macOS wrote beside others (``._name``), which are nobody's data.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.forks = 0

    @cached_property
    def _by_suffix(self) -> dict[str, list[str]]:
        # Strings: of 100,000 files, making a Path of each takes longer than the walk.
        found: defaultdict[str, list[str]] = defaultdict(list)
        for folder, names in _walk(self.root):
            for name in names:
                if name.startswith("._"):
                    self.forks += 1
                elif not name.startswith("."):
                    dot = name.rfind(".")
                    found[name[dot:].lower() if dot > 0 else ""].append(f"{folder}/{name}")
        return found

    def files(self, *suffixes: str) -> list[Path]:
        """Files by their suffix in lower case, sorted."""
        return [
            Path(path) for path in sorted(p for suffix in suffixes for p in self._by_suffix.get(suffix, ()))
        ]

    @cached_property
    def pictures(self) -> list[Path]:
        """Files with the suffix of a picture, sorted."""
        return self.files(*PICTURE_SUFFIXES)

    @property
    def suffixes(self) -> dict[str, int]:
        """How many files of each suffix there are, the most frequent first."""
        counts = Counter({suffix: len(paths) for suffix, paths in self._by_suffix.items() if paths})
        return dict(counts.most_common())

    @property
    def notes(self) -> list[str]:
        """What is there and cannot be data."""
        notes = []
        suffixes = self.suffixes
        if self.forks:
            notes.append(f"{self.forks} macOS resource fork(s) (files named ._*) are left out")
        other = {suffix: count for suffix, count in suffixes.items() if suffix in _OTHER_PICTURES}
        if other:
            counts = ", ".join(f"{count} {suffix}" for suffix, count in other.items())
            notes.append(f"files that cannot be read as pictures are left out: {counts}")
        return notes


class PictureFinder:
    """Pictures by the paths that label files and lists write, which were often true on another machine only.

    Args:
        root: pictures are looked for below it if no path leads to one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._present: dict[Path, frozenset[str]] = {}

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: defaultdict[str, list[Path]] = defaultdict(list)
        for path in Tree(self._root).pictures:
            found[path.name.lower()].append(path)
        return found

    def find(self, written: str, bases: Sequence[Path]) -> Path | None:
        """The picture that ``written`` names: below one of ``bases``, or the one below the root whose path ends alike.

        Of several that end alike the one that agrees in most folders is taken; if that is not decided, none.
        """
        spellings = dict.fromkeys((written, written.replace("\\", "/"), unquote(written)))
        for spelling in spellings:
            for base in bases:
                path = Path(os.path.normpath(base / spelling))
                if self._is_file(path):
                    return path
        parts = PurePosixPath(written.replace("\\", "/").lower()).parts
        if not parts:
            return None
        agreeing = [(_common_end(path, parts), path) for path in self._by_name.get(parts[-1], [])]
        most = max((count for count, _ in agreeing), default=0)
        best = [path for count, path in agreeing if count == most]
        return best[0] if len(best) == 1 and not of_another_split(best[0], parts) else None

    def _is_file(self, path: Path) -> bool:
        # One listing of a folder instead of a question for each of its pictures.
        folder = path.parent
        if folder not in self._present:
            try:
                self._present[folder] = frozenset(
                    entry.name for entry in os.scandir(folder) if entry.is_file()
                )
            except (OSError, ValueError):
                self._present[folder] = frozenset()
        return path.name in self._present[folder]


def is_there(path: Path) -> bool:
    """Whether a path leads to something; one that no file can have leads nowhere."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    seen: set[tuple[int, int]] = set()
    for folder, below, names in os.walk(root, followlinks=True):
        try:
            status = Path(folder).stat()
        except OSError:
            below.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        below[:] = sorted(
            name for name in below if not name.startswith(".") and name.lower() not in _PASSED_OVER
        )
        yield folder, names


def _common_end(path: Path, parts: Sequence[str]) -> int:
    """How many parts of two paths agree, from the end."""
    count = 0
    for own, other in zip(reversed(path.parts), reversed(parts), strict=False):
        if own.lower() != other:
            break
        count += 1
    return count


def of_another_split(path: Path, parts: Sequence[str]) -> bool:
    """Whether the paths name different splits: a picture of the same name is then another picture."""
    own, other = (
        {canonical_split(split) for name in names if (split := split_of_folder(name))}
        for names in (path.parts, parts)
    )
    return bool(own and other and not own & other)
