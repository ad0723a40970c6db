"""PASCAL VOC layout: an xml for each picture, in ``Annotations``, in any other folder, or beside the picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from yolosses.training.data.annotations import (
    ClassIndex,
    Entry,
    Labels,
    Reading,
    size_conflict,
    stated_side,
    unreadable,
    unusable,
)
from yolosses.training.data.index import PictureIndex
from yolosses.training.data.label_files import PICTURE_FOLDERS
from yolosses.training.data.pictures import PICTURE_SUFFIXES
from yolosses.training.data.problems import DataError, Problem, printable
from yolosses.training.data.splits import SPLITS, canonical_split, named_splits, split_of_folder
from yolosses.training.data.text import decode, head_of, read_lines
from yolosses.training.data.tree import Tree, of_another_split

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_SAMPLE = 20  # xml files that are looked into to know what they are
_ANNOTATION = re.compile(r"<(\w+:)?annotation[\s>/]", re.IGNORECASE)
_OF_ONE_CLASS = re.compile(r"(\s*\S+[ \t]+(-1|0|1)[ \t]*\r?\n)+")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


class _Listed(NamedTuple):
    """An annotation that belongs to a split: its file if there is one, and the list (or file) and place that say so."""

    written: str
    xml: Path | None
    listing: Path
    where: str


class _Broken(NamedTuple):
    """What is wrong with an xml, and where."""

    where: str
    reason: str


class VOCFolder:
    """Reader of a folder with VOC annotations.

    Any xml with ``annotation`` as its root is one, wherever it lies; its picture has the same name and lies beside it,
    in a folder of pictures, or anywhere else in the data set, or is named by ``filename``. Splits are the lists in
    ``ImageSets/Main`` (or another ``Main``, or ``ImageSets``, or lists called train, val or test at the top), else
    folders of these names, else there is one, ``train``.

    Coordinates are taken as continuous pixel edges (``xmin..xmax`` of a whole picture of width W are 0..W), as labelImg
    writes them. ``difficult`` objects are marked ignore. An object without ``bndbox`` that has a ``polygon`` gets the
    box around it.
    """

    looked_for = "VOC xml files, in a folder of their own or beside the pictures (VOC)"

    def __init__(self, tree: Tree) -> None:
        self.root = tree.root
        self._tree = tree
        self._polygons = self._deleted = 0
        self._renamed: list[str] = []
        self._beside: list[str] = []
        self.notes: list[str] = []
        self._found: dict[Path, Path] = {}  # picture -> its annotation, of those that were read

    @classmethod
    def of_folder(cls, tree: Tree) -> VOCFolder | None:
        """The reader of a folder in this layout."""
        xmls = tree.files(".xml")
        sample = xmls[:: max(1, len(xmls) // _SAMPLE)]
        return cls(tree) if any(map(_is_annotation, sample)) else None

    @property
    def num_labelled(self) -> int:
        """Number of annotations."""
        return len(self.label_files)

    @staticmethod
    def is_usual(root: Path) -> bool:
        """Whether the folders are those of VOC itself."""
        return (root / "Annotations").is_dir() and (root / "JPEGImages").is_dir()

    @cached_property
    def label_files(self) -> list[Path]:
        """The annotations."""
        return self._tree.files(".xml")

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        found: defaultdict[str, list[Path]] = defaultdict(list)
        for path in self.label_files:
            found[path.stem].append(path)
        return found

    @cached_property
    def _pictures(self) -> dict[str, list[Path]]:
        """Stem, as it is and in lower case -> pictures."""
        found: defaultdict[str, list[Path]] = defaultdict(list)
        for path in self._tree.pictures:
            for stem in {path.stem, path.stem.lower()}:
                found[stem].append(path)
        return found

    @cached_property
    def _lists(self) -> dict[str, Path]:
        found = {path.stem: path for path in _list_files(self._tree)}

        def is_of_one_class(stem: str) -> bool:  # VOC's own aeroplane_train.txt, with a column of -1, 0, 1
            prefix, _, split = stem.rpartition("_")
            return bool(prefix) and (
                split in found or _OF_ONE_CLASS.match(head_of(found[stem], 200)) is not None
            )

        return {canonical_split(stem): path for stem, path in found.items() if not is_of_one_class(stem)}

    @cached_property
    def _folders(self) -> dict[str, list[Path]]:
        """Split -> annotations, by the folders that they are in."""
        found: defaultdict[str, list[Path]] = defaultdict(list)
        for path in self.label_files:
            parts = path.relative_to(self.root).parts[:-1]
            named = [split for part in parts if (split := split_of_folder(part))]
            found[named[-1] if named else ""].append(path)
        if set(found) == {""}:
            return {"train": found[""]}
        if found[""]:
            place = found[""][0].relative_to(self.root)
            self._beside = [
                f"{len(found[''])} annotation(s) are in the folder of no split, the first: {place}"
            ]
        own = {name: paths for name, paths in found.items() if name}
        return {split: own[name] for split, name in named_splits(own).items()}

    @property
    def splits(self) -> tuple[str, ...]:
        """The lists, or the folders that are named as splits."""
        return tuple(self._lists) or tuple(self._folders)

    def read(self, split: str, class_names: Sequence[str] | None) -> Reading:
        """The pictures of a split. Classes, unless given, are the sorted names in all annotations, whatever
        the split.
        """
        classes = ClassIndex(self._own_classes(), class_names)
        index = PictureIndex(self.root)
        entries: dict[str, Entry] = {}
        problems: list[Problem] = []
        seen: set[Path] = set()
        for listed in self._listed(split):
            entry = self._entry(listed, classes, index)
            again = listed.xml in seen if listed.xml is not None else entry.name in entries
            if again:
                reason = f"picture {listed.written!r} is listed twice"
                problems.append(
                    Problem(
                        file=listed.listing,
                        where=listed.where,
                        reason=reason,
                        action="skipped",
                        kind="repeat",
                    )
                )
                continue
            if listed.xml is not None:
                seen.add(listed.xml)
            entry = self._named(entry) if entry.name in entries else entry
            entries[entry.name] = entry
        index.save(entry.record.path for entry in entries.values() if entry.record and entry.record.path)
        return Reading(
            class_names=classes.names,
            entries=list(entries.values()),
            problems=problems,
            notes=[*self._never_listed(split), *self._beside, *self._notes(), *self._tree.notes],
        )

    def _named(self, entry: Entry) -> Entry:
        """An entry with its folder in its name: another picture has the same."""
        if entry.record is None or entry.record.path is None:
            return replace(entry, name=f"{entry.name}, {entry.problems[0].file}")
        name = printable(entry.record.path.relative_to(self.root).as_posix())
        return replace(entry, name=name, record=replace(entry.record, name=name))

    def _notes(self) -> list[str]:
        notes = []
        if self._polygons:
            notes.append(
                f"{self._polygons} object(s) have a polygon and no bndbox: the box around it is taken"
            )
        if self._deleted:
            notes.append(f"{self._deleted} object(s) are marked as deleted and left out")
        if self._renamed:
            notes.append(
                f"{len(self._renamed)} annotation(s) name another picture in <filename> than theirs;"
                f" the picture of the annotation's own name is taken: {self._renamed[0]}, for instance"
            )
        return notes

    def _never_listed(self, split: str) -> list[str]:
        """Pictures that nothing says anything about may have been forgotten."""
        folders = {path.parent for path in self._found}
        pictures = [
            path
            for path in self._tree.pictures
            if path not in self._found and (path.parent in folders or path.stem in self._by_stem)
        ]
        if split in self._lists:
            known = {
                _stem(name)
                for path in self._lists.values()
                for line in _lines(path)
                for name in _spellings(line)
            }
            what = "are in no list"
        else:
            known = {_stem(path.stem) for path in self.label_files}
            what = "have no annotation"
        lower = {stem.lower() for stem in known}
        left = [path.name for path in pictures if path.stem not in known and path.stem.lower() not in lower]
        return [f"{len(left)} picture(s) {what}, the first: {printable(left[0])}"] if left else []

    def _listed(self, split: str) -> list[_Listed]:
        """What belongs to a split."""
        if split not in self._lists:
            return [_Listed(path.stem, path, path, "file") for path in self._folders[split]]
        path = self._lists[split]
        listed = []
        for number, line in enumerate(_lines(path), 1):
            if line.strip():
                written = next((name for name in _spellings(line) if self._knows(name)), line.strip())
                listed.append(_Listed(_stem(written), self._annotation_of(written), path, f"line {number}"))
        return listed

    def _knows(self, written: str) -> bool:
        stem = _stem(written)
        return stem in self._by_stem or stem in self._pictures

    def _annotation_of(self, written: str) -> Path | None:
        candidates = self._by_stem.get(_stem(written), [])
        folder = Path(written.replace("\\", "/")).parent
        return max(candidates, key=lambda path: _shared_parts(path.parent, folder), default=None)

    def _own_classes(self) -> list[str]:
        names: set[str] = set()
        for path in self.label_files:
            root = _parsed(path)
            if not isinstance(root, ElementTree.Element):
                continue  # reported with the split that lists it
            names.update(name for item in root.iter("object") if (name := _text(item, "name")))
        if not names:
            raise DataError(f"{self.root}: no annotation holds an object with a name")
        return sorted(names)

    def _entry(self, listed: _Listed, classes: ClassIndex, index: PictureIndex) -> Entry:
        stem, file = listed.written, listed.xml
        if file is None:
            picture = min(self._pictures.get(stem, ()), default=None)
            missing = (
                f"no annotation {stem}.xml"
                if picture
                else f"no picture {stem!r} and no annotation {stem}.xml"
            )
            return unusable(
                picture.name if picture else stem, listed.listing, listed.where, f"{missing} in {self.root}"
            )
        root = _parsed(file)
        if isinstance(root, _Broken):
            picture = self._picture_of(file, None)
            return unusable(picture.name if picture else stem, file, root.where, root.reason)
        picture = self._picture_of(file, _text(root, "filename"))
        if picture is None:
            return unusable(
                stem, file, listed.where if listed.listing == file else "file", self._no_picture(file, root)
            )
        if picture in self._found:
            reason = f"{picture.name} has another annotation, which is taken: {self._found[picture]}"
            return unusable(stem, file, "file", reason, "repeat")
        self._found[picture] = file
        size = index.look(picture)
        if isinstance(size, DataError):
            return unreadable(picture.name, picture, size)
        sides = [stated_side(_text(root, f"size/{side}")) for side in ("height", "width")]
        conflict = size_conflict((sides[0], sides[1]), size)
        if conflict is not None:
            return unusable(picture.name, file, "size", conflict)
        labels = Labels(file, size, "xyxy")
        for number, item in enumerate(root.iter("object"), 1):
            self._add_object(labels, f"object {number}", item, classes)
        return labels.entry(picture.name, picture)

    def _picture_of(self, file: Path, filename: str | None) -> Path | None:
        """The picture of an annotation: that of its own name, the nearest if there are several; else the one that it
        names."""
        named = filename and Path(filename.replace("\\", "/")).name
        own = _stem(file.stem)  # of a.jpg.xml as of a.xml
        candidates = self._of_its_split(file, self._called(own))
        if candidates:
            if named and _stem(named).lower() != own.lower():
                self._renamed.append(f"{file.name} names {named}")
            return min(candidates, key=lambda path: _distance(path, file, named))
        alike = self._of_its_split(file, self._called(_stem(named))) if named else []
        candidates = [path for path in alike if not self._annotated(path)]
        return min(candidates, key=lambda path: _distance(path, file, named), default=None)

    def _called(self, stem: str) -> list[Path]:
        return self._pictures.get(stem) or self._pictures.get(stem.lower(), [])

    def _annotated(self, picture: Path) -> bool:
        """Whether there is an annotation of a picture's own name."""
        return picture.stem in self._by_stem or picture.name in self._by_stem

    def _of_its_split(self, file: Path, pictures: Sequence[Path]) -> list[Path]:
        """Pictures that do not lie in the folder of another split than their annotation."""
        parts = file.relative_to(self.root).parts
        return [path for path in pictures if not of_another_split(path.relative_to(self.root), parts)]

    def _no_picture(self, file: Path, root: ElementTree.Element) -> str:
        named = _text(root, "filename")
        if not named or _stem(named) == _stem(file.stem):
            return f"no picture {file.stem!r} in {self.root}"
        if any(map(self._annotated, self._called(_stem(named)))):
            return f"no picture {file.stem!r} in {self.root}, and {named} has an annotation of its own"
        return f"no picture {file.stem!r} and no {named!r} in {self.root}"

    def _add_object(self, labels: Labels, where: str, item: ElementTree.Element, classes: ClassIndex) -> None:
        name = _text(item, "name")
        if not name:
            return labels.skip(where, "no class name")
        if _says_yes(item, "deleted"):  # LabelMe keeps what was deleted
            self._deleted += 1
            return None
        boxes: list[Sequence[str | None]] = [
            [_text(box, edge) for edge in _EDGES] for box in item.iterfind("bndbox")
        ]
        if not boxes and (corners := _polygon(item)) is not None:
            boxes = [corners]
            self._polygons += 1
        ignore = _says_yes(item, "difficult")
        for number, texts in enumerate(boxes or [[None] * 4], 1):
            place = where if number == 1 else f"{where}, bndbox {number}"
            edges = _edges(texts)
            if isinstance(edges, str):
                labels.skip(place, edges)
            else:
                labels.add(place, name, classes.by_name(name), edges, ignore=ignore)
        return None


def _edges(texts: Sequence[str | None]) -> tuple[float, float, float, float] | str:
    """Left, top, right, bottom, or why they are not known."""
    edges: list[float] = []
    for edge, text in zip(_EDGES, texts, strict=True):
        if text is None:
            return f"no {edge} in its bndbox"
        try:
            edges.append(float(text))
        except ValueError:
            return f"{edge} is not a number: {text[:40]!r}"
    left, top, right, bottom = edges
    return left, top, right, bottom


def _says_yes(item: ElementTree.Element, tag: str) -> bool:
    return (_text(item, tag) or "").lower() in ("1", "1.0", "true", "yes")


def _list_files(tree: Tree) -> list[Path]:
    """The lists of splits: those of the only folder that is called Main, else ImageSets, else the usual names at the
    top."""
    texts = tree.files(".txt")
    for wanted in ("main", "imagesets"):
        folders = sorted({path.parent for path in texts if path.parent.name.lower() == wanted})
        if len(folders) > 1:
            names = ", ".join(str(folder.relative_to(tree.root)) for folder in folders)
            raise DataError(f"{tree.root}: holds several data sets ({names}); name the folder of one")
        if folders:
            return [path for path in texts if path.parent == folders[0]]
    return [path for path in texts if path.parent == tree.root and canonical_split(path.stem) in SPLITS]


def _parsed(file: Path) -> ElementTree.Element | _Broken:
    """The root of an annotation, its tags in lower case and without namespaces; or what is wrong with it."""
    try:
        root = _root_of(file.read_bytes())
    except ElementTree.ParseError as error:
        line, column = error.position
        return _Broken(f"line {line}", f"broken xml at column {column}: {str(error).split(':')[0]}")
    except (OSError, ValueError, LookupError, RecursionError) as error:
        return _Broken("file", f"cannot be read ({error})")
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2].lower()
    if root.tag != "annotation":
        return _Broken("file", f"expected an <annotation>; got <{root.tag}>")
    return root


def _root_of(content: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        if isinstance(error, ElementTree.ParseError) and content.isascii():
            raise
        # Expat knows few encodings, and believes what the declaration says.
        text = _DECLARATION.sub("", decode(content).lstrip("\ufeff"), count=1)
        return ElementTree.fromstring(text)


def _is_annotation(file: Path) -> bool:
    try:
        return _ANNOTATION.search(head_of(file, 4096)) is not None
    except OSError:
        return False


def _distance(picture: Path, file: Path, named: str | None) -> tuple[bool, bool, bool, int, Path]:
    """How far a picture is from an annotation: the smaller, the likelier it is the annotation's."""
    folder = picture.parent.name.lower()
    return (
        picture.parent != file.parent,
        named != picture.name,
        folder not in PICTURE_FOLDERS and not any(part.lower() in PICTURE_FOLDERS for part in picture.parts),
        -_shared_parts(picture.parent, file.parent),
        picture,
    )


def _shared_parts(a: Path, b: Path) -> int:
    return len({part.lower() for part in a.parts} & {part.lower() for part in b.parts})


def _lines(path: Path) -> list[str]:
    try:
        return read_lines(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error})") from error


def _spellings(line: str) -> list[str]:
    """What a line of a list may name: all of it, as names may hold spaces; all but its last column; its first word."""
    whole = line.strip()
    return list(dict.fromkeys((whole, *whole.rsplit(maxsplit=1)[:1], *whole.split(maxsplit=1)[:1])))


def _polygon(item: ElementTree.Element) -> tuple[str, str, str, str] | None:
    """Edges around a ``polygon`` of x1, y1, x2, y2, ... (Roboflow) or of ``pt`` elements (LabelMe's xml)."""
    polygon = item.find("polygon")
    if polygon is None:
        return None
    texts: dict[str, list[str]] = {"x": [], "y": []}
    for element in polygon.iter():
        axis = element.tag[:1]
        if axis in texts and element.tag.lstrip("xy").isdecimal() | (element.tag in texts) and element.text:
            texts[axis].append(element.text.strip())
    try:
        xs, ys = ([float(text) for text in texts[axis]] for axis in ("x", "y"))
    except ValueError:
        return None
    if len(xs) < 3 or len(xs) != len(ys):
        return None
    return str(min(xs)), str(min(ys)), str(max(xs)), str(max(ys))


def _text(element: ElementTree.Element, path: str) -> str | None:
    text = element.findtext(path)
    return None if text is None else text.strip()


def _stem(listed: str) -> str:
    """``a``, ``a.jpg`` and ``JPEGImages/a.jpg`` all mean picture ``a``; a dot that starts no picture suffix
    belongs to the name.
    """
    path = Path(listed.strip().replace("\\", "/"))
    return path.stem if path.suffix.lower() in (*PICTURE_SUFFIXES, ".xml") else path.name
