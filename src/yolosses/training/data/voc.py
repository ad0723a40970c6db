"""PASCAL VOC layout: ``Annotations/*.xml``, ``JPEGImages/``, ``ImageSets/Main/<split>.txt``."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from yolosses.training.data.annotations import ClassIndex, Entry, Labels, Reading, size_conflict, unusable
from yolosses.training.data.dataset import PICTURE_SUFFIXES, DataError, Problem, picture_size
from yolosses.training.data.splits import canonical_split

_EDGES = ("xmin", "ymin", "xmax", "ymax")


class VOCFolder:
    """Reader of a folder in VOC layout.

    Coordinates are taken as continuous pixel edges (``xmin..xmax`` of a whole picture of width W are 0..W),
    as labelImg writes them. ``difficult`` objects are marked ignore. A folder without ``ImageSets/Main`` has
    one split, ``train``, of all annotations.
    """

    looked_for = "Annotations/*.xml with JPEGImages/ (VOC)"

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether ``root`` is a folder in this layout."""
        return (root / "Annotations").is_dir() and (root / "JPEGImages").is_dir()

    @cached_property
    def _lists(self) -> dict[str, Path]:
        found = {path.stem: path for path in sorted((self.root / "ImageSets" / "Main").glob("*.txt"))}

        def is_of_one_class(stem: str) -> bool:  # VOC's own aeroplane_train.txt, with a column of -1, 0, 1
            prefix, _, split = stem.rpartition("_")
            return bool(prefix) and split in found

        return {canonical_split(stem): path for stem, path in found.items() if not is_of_one_class(stem)}

    @property
    def splits(self) -> tuple[str, ...]:
        """The lists in ``ImageSets/Main``."""
        return tuple(self._lists) or ("train",)

    def read(self, split: str, class_names: Sequence[str] | None) -> Reading:
        """The pictures of a split. Classes, unless given, are the sorted names in all annotations, whatever
        the split.
        """
        classes = ClassIndex(self._own_classes(), class_names)
        entries: dict[str, Entry] = {}
        problems: list[Problem] = []
        for stem, file, where in self._listed(split):
            entry = self._entry(stem, file, where, classes)
            if entry.name in entries:
                problems.append(
                    Problem(
                        file=file,
                        where=where,
                        reason=f"picture {stem!r} is listed twice",
                        action="skipped",
                        kind="file",
                    )
                )
            else:
                entries[entry.name] = entry
        return Reading(
            class_names=classes.names,
            entries=list(entries.values()),
            problems=problems,
            notes=self._never_listed(split),
        )

    def _never_listed(self, split: str) -> list[str]:
        """Where no list says which pictures belong to the data, those without annotation may have been forgotten."""
        if split in self._lists:
            return []
        annotated = {path.stem for path in (self.root / "Annotations").glob("*.xml")}
        missing = sorted(path.name for stem, path in self._pictures.items() if stem not in annotated)
        return [f"{len(missing)} picture(s) have no annotation, the first: {missing[0]}"] if missing else []

    def _listed(self, split: str) -> list[tuple[str, Path, str]]:
        """Stem, list file and place in it of every picture of a split."""
        if split not in self._lists:
            return [(path.stem, path, "file") for path in sorted((self.root / "Annotations").glob("*.xml"))]
        path = self._lists[split]
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        return [
            (_stem(line.split()[0]), path, f"line {number}")
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]

    @cached_property
    def _pictures(self) -> dict[str, Path]:
        files = sorted(
            (self.root / "JPEGImages").iterdir(), reverse=True
        )  # of a.jpg and a.png the first by name stays
        return {path.stem: path for path in files if path.suffix.lower() in PICTURE_SUFFIXES}

    def _own_classes(self) -> list[str]:
        names: set[str] = set()
        for path in (self.root / "Annotations").glob("*.xml"):
            try:
                root = ElementTree.parse(path).getroot()
            except (ElementTree.ParseError, OSError, ValueError, LookupError):
                continue  # reported with the split that lists it
            names.update(name for item in root.iterfind("object") if (name := _text(item, "name")))
        if not names:
            raise DataError(f"{self.root / 'Annotations'}: no annotation holds an object with a name")
        return sorted(names)

    def _entry(self, stem: str, listing: Path, where: str, classes: ClassIndex) -> Entry:
        picture = self._pictures.get(stem)
        if picture is None:
            return unusable(stem, listing, where, f"no picture {stem!r} in {self.root / 'JPEGImages'}")
        file = self.root / "Annotations" / f"{stem}.xml"
        if not file.is_file():
            return unusable(picture.name, listing, where, f"no annotation {file}")
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError as error:
            line, column = error.position
            return unusable(
                picture.name,
                file,
                f"line {line}",
                f"broken xml at column {column}: {str(error).split(':')[0]}",
            )
        except (OSError, ValueError, LookupError) as error:  # LookupError: an encoding that does not exist
            return unusable(picture.name, file, "file", f"cannot be read ({error})")
        image_size = picture_size(picture)
        conflict = size_conflict((_whole(root, "size/height"), _whole(root, "size/width")), image_size)
        if conflict is not None:
            return unusable(picture.name, file, "size", conflict)
        labels = Labels(file, image_size, "xyxy")
        for number, item in enumerate(root.iterfind("object"), 1):
            _add_object(labels, f"object {number}", item, classes)
        return labels.entry(picture.name, picture)


def _add_object(labels: Labels, where: str, item: ElementTree.Element, classes: ClassIndex) -> None:
    name = _text(item, "name")
    if not name:
        return labels.skip(where, "no class name")
    texts = [_text(item, f"bndbox/{edge}") for edge in _EDGES]
    edges: list[float] = []
    for edge, text in zip(_EDGES, texts, strict=True):
        if text is None:
            return labels.skip(where, f"no {edge} in its bndbox")
        try:
            edges.append(float(text))
        except ValueError:
            return labels.skip(where, f"{edge} is not a number: {text!r}")
    left, top, right, bottom = edges
    return labels.add(
        where, name, classes.by_name(name), (left, top, right, bottom), ignore=_text(item, "difficult") == "1"
    )


def _text(element: ElementTree.Element, path: str) -> str | None:
    text = element.findtext(path)
    return None if text is None else text.strip()


def _whole(element: ElementTree.Element, path: str) -> int | None:
    text = _text(element, path)
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else None


def _stem(listed: str) -> str:
    """``a``, ``a.jpg`` and ``JPEGImages/a.jpg`` all mean picture ``a``; a dot that starts no picture suffix
    belongs to the name.
    """
    path = Path(listed)
    return path.stem if path.suffix.lower() in PICTURE_SUFFIXES else path.name
