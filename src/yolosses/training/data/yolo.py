"""YOLO layout: pictures under ``images``, a text file of rows ``class cx cy w h`` for each under ``labels``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from yolosses.training.data.annotations import ClassIndex, Entry, Labels, Reading, unusable
from yolosses.training.data.dataset import PICTURE_SUFFIXES, DataError, Problem, picture_size
from yolosses.training.data.splits import canonical_split, named_splits

_SPLIT_KEYS = ("train", "val", "valid", "test", "trainval")
_NAME_FILES = ("classes.txt", "obj.names", "labels/classes.txt")
_MOST_UNNAMED_CLASSES = 1000


class YOLOFiles:
    """Reader of the YOLO layout: a data yaml, a folder, or a text file that lists pictures.

    - A yaml holds ``train``, ``val``, ``test`` (a folder, a list file, or several), ``names`` (list or
      mapping) and optionally ``path`` and ``nc``.
    - A folder holds such a yaml, or ``images/`` and ``labels/``, split as ``images/train`` or
      ``train/images``, or not split.
    - A list has one picture a line. Its names come from a yaml, ``classes.txt`` or ``obj.names`` beside it.

    The labels of ``.../images/x/a.jpg`` are in ``.../labels/x/a.txt``; of a picture under no ``images``
    folder, beside it. A picture without label file has no objects; it is counted in the data set's note.
    """

    looked_for = (
        "a yaml with train: and names:, or images/ with labels/, or <split>/images with <split>/labels (YOLO)"
    )

    def __init__(self, source: Path) -> None:
        self.source = source
        self.root = source if source.is_dir() else source.parent

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether ``root`` is a folder in this layout."""
        return _find_yaml(root) is not None or bool(_picture_folders(root))

    @cached_property
    def _yaml(self) -> Path | None:
        is_yaml = self.source.suffix.lower() in (".yaml", ".yml")
        return self.source if is_yaml and self.source.is_file() else _find_yaml(self.root)

    @cached_property
    def _config(self) -> dict[str, Any]:
        return {} if self._yaml is None else _load_yaml(self._yaml)

    @cached_property
    def _places(self) -> dict[str, list[Path]]:
        """Split -> folders or lists of pictures."""
        if self.source.suffix.lower() == ".txt":
            split = canonical_split(self.source.stem)
            return {split if split in _SPLIT_KEYS else "train": [self.source]}
        config = self._config
        keys = [key for key in _SPLIT_KEYS if config.get(key)]
        if not keys:
            return {split: [folder] for split, folder in _picture_folders(self.root).items()}
        return {
            canonical_split(key): [self._resolve(key, entry) for entry in self._entries(key, config[key])]
            for key in keys
        }

    def _entries(self, key: str, value: object) -> list[str]:
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, str) for entry in entries):
            raise DataError(f"{self._yaml}, {key}: expected a path or a list of paths; got {value!r:.80}")
        return [str(entry) for entry in entries]

    def _resolve(self, key: str, entry: str) -> Path:
        base = str(self._config.get("path") or "")
        # Exporters write paths as seen from some other folder, so the yaml's own folder is tried as well.
        candidates = [
            self.root / base / entry,
            self.root / entry,
            self.root / entry.removeprefix("../"),
            Path(base) / entry,
        ]
        for candidate in candidates:
            if candidate.exists():
                return Path(os.path.normpath(candidate))
        raise DataError(f"{self._yaml}, {key}: no such file or folder: {candidates[0]}")

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the yaml or the folders name."""
        if not self._places:
            raise DataError(
                f"{self.source}: expected train:, val: or test: in the yaml,"
                " or images/ with labels/ beside it; found neither"
            )
        return tuple(self._places)

    def read(self, split: str, class_names: Sequence[str] | None) -> Reading:
        """The pictures of a split."""
        notes: list[str] = []
        problems: list[Problem] = []
        pictures = self._pictures(split, problems)
        names = _unique_names([path for path, _, _ in pictures])
        own = self._own_classes()
        if own is None and class_names is None:
            own = _numbered_classes([label_file(path) for path, _, _ in pictures], self.source)
            notes.append(f"no class names found: the {len(own)} classes are named by their numbers")
        classes = ClassIndex(own, class_names)
        entries = [
            _entry(name, path, classes)
            if path.is_file()
            else unusable(name, listing, where, f"no picture {path}")
            for name, (path, listing, where) in zip(names, pictures, strict=True)
        ]
        if pictures and all(entry.unlabelled for entry in entries):
            raise DataError(
                f"{self.source}: none of the {len(entries)} pictures has a label file;"
                f" looked for {label_file(pictures[0][0])}, for instance"
            )
        if split != "train" and self._places.get("train") == self._places[split]:
            notes.append(f"{split} holds the same pictures as train")
        return Reading(
            class_names=classes.names,
            entries=entries,
            problems=problems,
            notes=notes,
            class_numbers=tuple(range(len(own))) if own is not None else None,
        )

    def _pictures(self, split: str, problems: list[Problem]) -> list[tuple[Path, Path, str]]:
        """Path of every picture, the folder or list that has it, and the place in it."""
        found: dict[Path, tuple[Path, Path, str]] = {}
        for place in self._places[split]:
            listed = (
                [(path, place, "file") for path in _pictures_under(place)]
                if place.is_dir()
                else self._listed(place)
            )
            for path, listing, where in listed:
                if path in found:
                    problems.append(
                        Problem(
                            file=listing,
                            where=where,
                            reason=f"picture {path} is listed twice",
                            action="skipped",
                            kind="file",
                        )
                    )
                else:
                    found[path] = (path, listing, where)
        if not found:
            raise DataError(
                f"{', '.join(map(str, self._places[split]))}: no picture found for split {split!r}"
            )
        return list(found.values())

    def _listed(self, listing: Path) -> list[tuple[Path, Path, str]]:
        try:
            lines = listing.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{listing}: expected a text file with one picture a line ({error})") from error
        bases = (listing.parent, self.root / str(self._config.get("path") or ""), Path())
        listed = []
        for number, line in enumerate(lines, 1):
            if line.strip():
                candidates = [Path(os.path.normpath(base / line.strip())) for base in bases]
                path = next((candidate for candidate in candidates if candidate.is_file()), candidates[0])
                listed.append((path, listing, f"line {number}"))
        return listed

    def _own_classes(self) -> list[str] | None:
        names = None if self._yaml is None else _names(self._yaml, self._config)
        if names is not None:
            return names
        for file in (self.root / name for name in _NAME_FILES):
            if file.is_file():
                lines = [
                    line.strip()
                    for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
                ]
                return [line for line in lines if line]
        return None


def label_file(picture: Path) -> Path:
    """Where the labels of a picture are: the last folder called ``images`` becomes ``labels``, the suffix
    ``.txt``.
    """
    parts = list(picture.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _entry(name: str, picture: Path, classes: ClassIndex) -> Entry:
    file = label_file(picture)
    labels = Labels(file, picture_size(picture), "cxcywh")
    if not file.is_file():
        return labels.entry(name, picture, unlabelled=True)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return unusable(name, file, "file", f"cannot be read as text ({error})")
    for number, line in enumerate(lines, 1):
        if line.strip():
            _add_row(labels, f"line {number}", line, classes)
    return labels.entry(name, picture)


def _add_row(labels: Labels, where: str, line: str, classes: ClassIndex) -> None:
    words = line.split()
    if len(words) != 5:
        return labels.skip(
            where, f"expected 5 values (class cx cy w h); got {len(words)}: {line.strip()[:60]!r}"
        )
    values: list[float] = []
    for name, word in zip(("class", "cx", "cy", "w", "h"), words, strict=True):
        try:
            values.append(float(word))
        except ValueError:
            return labels.skip(where, f"{name} is not a number: {word!r}")
    number, cx, cy, w, h = values
    if not number.is_integer():  # nan and inf are none either
        return labels.skip(where, f"class is not a whole number: {words[0]!r}")
    return labels.add(where, words[0], classes.by_number(int(number)), (cx, cy, w, h))


def _pictures_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)


def _picture_folders(root: Path) -> dict[str, Path]:
    """Split -> folder of its pictures, for a folder without yaml."""
    images, labels = root / "images", root / "labels"
    if images.is_dir() and labels.is_dir():
        folders = [path for path in images.iterdir() if path.is_dir()]
        is_flat = any(path.suffix.lower() in PICTURE_SUFFIXES for path in images.iterdir())
        found = {} if is_flat else {path.name: path for path in folders}
        return {split: found[name] for split, name in named_splits(found).items()} or {"train": images}
    found = {path.parent.name: path for path in root.glob("*/images") if (path.parent / "labels").is_dir()}
    return {split: found[name] for split, name in named_splits(found).items()}


def _find_yaml(root: Path) -> Path | None:
    """The data yaml of a folder: the one that has names or splits."""
    usual = ("data", "dataset", root.resolve().name)
    candidates = sorted(path for path in root.iterdir() if path.suffix.lower() in (".yaml", ".yml"))
    found = [
        path
        for path in candidates
        if {"names", "train"} & set(_load_yaml(path, lenient=path.stem not in usual))
    ]
    preferred = [path for path in found if path.stem in usual]
    if len(found) > 1 and len(preferred) != 1:
        raise DataError(
            f"{root}: several data yamls ({', '.join(path.name for path in found)}); name the one that is meant"
        )
    return next(iter(preferred or found), None)


def _load_yaml(path: Path, *, lenient: bool = False) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        if lenient:
            return {}
        raise DataError(f"{path}: cannot be read as yaml ({' '.join(str(error).split())})") from error
    if isinstance(content, dict):
        return {str(key): value for key, value in content.items()}
    if lenient:
        return {}
    raise DataError(f"{path}: expected a mapping with train:, val: and names:; got {content!r:.60}")


def _names(file: Path, config: dict[str, Any]) -> list[str] | None:
    names, count = config.get("names"), config.get("nc")
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise DataError(
                f"{file}, names: expected the keys 0..{len(names) - 1}; got {', '.join(map(str, names))[:80]}"
            )
        names = [names[index] for index in range(len(names))]
    if names is not None and not isinstance(names, list):
        raise DataError(f"{file}, names: expected a list or a mapping; got {names!r:.60}")
    if names is None and isinstance(count, int):
        return [str(index) for index in range(count)]
    if names is not None and count is not None and count != len(names):
        raise DataError(f"{file}: nc is {count}, but there are {len(names)} names")
    return None if names is None else [str(name) for name in names]


def _numbered_classes(files: Sequence[Path], source: Path) -> list[str]:
    """Names 0..n-1, n from the largest class number in the labels."""
    largest = 0
    for file in files:
        if file.is_file():
            words = [
                line.split(maxsplit=1)[0]
                for line in file.read_text(errors="replace").splitlines()
                if line.strip()
            ]
            largest = max([largest, *(int(word) for word in words if word.isdecimal())])
    if largest >= _MOST_UNNAMED_CLASSES:
        raise DataError(
            f"{source}: no class names found, and the labels have a class {largest};"
            " expected names in a yaml, classes.txt or obj.names"
        )
    return [str(index) for index in range(largest + 1)]


def _unique_names(paths: Sequence[Path]) -> list[str]:
    """File names; where two are alike, with the folders that tell them apart."""
    counts = Counter(path.name for path in paths)
    if max(counts.values(), default=0) <= 1:
        return [path.name for path in paths]
    common = Path(os.path.commonpath([path.parent for path in paths]))
    return [path.name if counts[path.name] == 1 else path.relative_to(common).as_posix() for path in paths]
