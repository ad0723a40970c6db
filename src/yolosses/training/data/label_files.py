"""Where the YOLO label file of a picture is."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from yolosses.training.data.pictures import PICTURE_SUFFIXES
from yolosses.training.data.splits import canonical_split

PICTURE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "pictures"})

LABEL_FOLDERS = ("labels", "label", "annotations", "annotation", "txt", "yolo")
_LEVELS = 4  # folders above a picture beside which labels are looked for
_NO_LABELS = frozenset(
    {
        "classes",
        "predefined_classes",
        "readme",
        "notes",
        "train",
        "val",
        "valid",
        "test",
        "trainval",
        "license",
    }
)


class LabelFolders:
    """Finds label files by the folders that hold them: each folder is listed once.

    The labels of ``.../images/x/a.jpg`` are in ``.../labels/x/a.txt``, whatever the case of the folders' names (also
    ``JPEGImages`` with ``labels``); or below a folder ``labels`` anywhere above the picture; or beside the picture.
    """

    def __init__(self) -> None:
        self._stems: dict[Path, dict[str, str]] = {}
        self._names: dict[Path, list[str]] = {}
        self._of: dict[Path, list[Path]] = {}

    def find(self, picture: Path) -> Path | None:
        """The label file of a picture, or None if there is none."""
        stem = picture.stem
        for folder in self.of(picture.parent):
            stems = self._stems_in(folder)
            found = stems.get(stem) or stems.get(stem.lower())
            if found is not None:
                return folder / found
        return None

    def of(self, folder: Path) -> list[Path]:
        """The folders with labels for the pictures of ``folder``, the usual one first."""
        known = self._of.get(folder)
        if known is None:
            pictures = {_split(name)[0].lower() for name in self._files(folder)}
            # A folder for the labels of all splits counts only where there is none for this one.
            for group in (self._near(folder), self._flat(folder)):
                known = [place for place in dict.fromkeys(group) if self._serves(place, pictures)]
                if known:
                    break
            self._of[folder] = known = known or []
        return known

    def _stems_in(self, folder: Path) -> dict[str, str]:
        """Stem of each label file in a folder, as it is and in lower case -> the file's name."""
        known = self._stems.get(folder)
        if known is None:
            known = {}
            for name in self._files(folder):
                stem, suffix = _split(name)
                if suffix != ".txt":
                    continue
                inner, inner_suffix = _split(stem)
                if inner_suffix in PICTURE_SUFFIXES:  # a.jpg.txt
                    known.setdefault(inner, name)
                known.setdefault(stem.lower(), name)
                known[stem] = name
            self._stems[folder] = known
        return known

    def without_picture(self, folders: Iterable[Path]) -> list[Path]:
        """Label files for the pictures of ``folders`` that belong to none of them."""
        pictures: dict[Path, set[str]] = {}
        for folder in dict.fromkeys(folders):
            parts = [_split(name) for name in self._files(folder)]
            own = {stem.lower() for stem, suffix in parts if suffix in PICTURE_SUFFIXES}
            for place in self.of(folder):
                pictures.setdefault(place, set()).update(own)
        return sorted(
            place / name
            for place, stems in pictures.items()
            for name in set(self._stems_in(place).values())
            if not {stem := _split(name)[0].lower(), _split(stem)[0]} & stems and stem not in _NO_LABELS
        )

    def unused(self, files: Iterable[Path], folders: Iterable[Path]) -> Counter[Path]:
        """Folder -> how many of ``files`` may be labels there, of those where the pictures of ``folders`` have none."""
        counts = Counter(file.parent for file in files if _split(file.name)[0].lower() not in _NO_LABELS)
        for place in {place for folder in dict.fromkeys(folders) for place in self.of(folder)}:
            counts.pop(place, None)
        return counts

    def shared(self, folders: Iterable[Path]) -> int:
        """How many label files are those of pictures of the same name in several of ``folders``."""
        seen: Counter[tuple[Path, str]] = Counter()
        for folder in dict.fromkeys(folders):
            parts = [_split(name) for name in self._files(folder)]
            stems = {stem for stem, suffix in parts if suffix in PICTURE_SUFFIXES}
            seen.update(
                (place, stem) for place in self.of(folder) for stem in stems & set(self._stems_in(place))
            )
        return sum(count > 1 for count in seen.values())

    def _serves(self, place: Path, pictures: set[str]) -> bool:
        return any(stem.lower() in pictures for stem in self._stems_in(place))

    def _near(self, folder: Path) -> Iterator[Path]:
        yield label_file(folder / "x").parent
        below: list[str] = []
        for above in (folder, *folder.parents)[:_LEVELS]:
            for labels in self._label_folders(above):
                yield from self._descend(labels, below)
                yield from self._descend(
                    labels, [name for name in below if name.lower() not in PICTURE_FOLDERS]
                )
            if below and "image" in below[0].lower():  # images_train beside labels_train
                yield from self._descend(above, [below[0].lower().replace("image", "label"), *below[1:]])
            below.insert(0, above.name)
        yield folder

    def _descend(self, folder: Path, names: Sequence[str]) -> Iterator[Path]:
        """The folder below another by names whose case, or whose word for a split, may differ."""
        for name in names:
            here = self._folders_in(folder)
            alike = [one for one in here if canonical_split(one.lower()) == canonical_split(name.lower())]
            if not alike:
                return
            folder /= name if name in here else alike[0]
        yield folder

    def _flat(self, folder: Path) -> Iterator[Path]:
        for above in folder.parents[: _LEVELS - 1]:
            yield from self._label_folders(above)

    def _label_folders(self, above: Path) -> list[Path]:
        names = [name for name in self._folders_in(above) if name.lower() in LABEL_FOLDERS]
        return [above / name for name in sorted(names, key=lambda name: LABEL_FOLDERS.index(name.lower()))]

    def _folders_in(self, above: Path) -> list[str]:
        if above not in self._names:
            try:
                self._names[above] = sorted(entry.name for entry in os.scandir(above) if entry.is_dir())
            except (OSError, ValueError):  # ValueError: no name that a file can have
                self._names[above] = []
        return self._names[above]

    def _files(self, folder: Path) -> list[str]:
        try:
            return sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
        except (OSError, ValueError):  # ValueError: no name that a file can have
            return []


def _split(name: str) -> tuple[str, str]:
    """Stem, and suffix in lower case."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:].lower()) if dot > 0 else (name, "")


def label_file(picture: Path) -> Path:
    """Where the labels of a picture usually are: the last folder called ``images`` becomes ``labels``, the suffix
    ``.txt``.
    """
    parts = list(picture.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")
