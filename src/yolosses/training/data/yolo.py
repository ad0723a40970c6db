"""YOLO layout: a text file of rows ``class cx cy w h`` for each picture, in Ultralytics' folders or Darknet's lists."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from yolosses.training.data.annotations import (
    ClassIndex,
    Entry,
    Reading,
    unreadable,
    unusable,
)
from yolosses.training.data.index import PictureIndex
from yolosses.training.data.label_files import LABEL_FOLDERS, PICTURE_FOLDERS, LabelFolders, label_file
from yolosses.training.data.lookalikes import looks_like
from yolosses.training.data.pictures import PICTURE_SUFFIXES
from yolosses.training.data.problems import DataError, Problem
from yolosses.training.data.rows import Row, parse_row
from yolosses.training.data.splits import SPLITS, canonical_split, named_splits, split_of_folder
from yolosses.training.data.text import head_of, read_lines
from yolosses.training.data.tree import PictureFinder, Tree, is_there
from yolosses.training.data.yolo_config import YOLOConfig, find_config, is_data_file, load_config
from yolosses.training.data.yolo_labels import YOLOLabels

_NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt", "labels.txt")
_MOST_UNNAMED_CLASSES = 1000
_HEAD = 4096  # bytes of each
_SAMPLE = 20  # label files that are looked into to know what they are


class _Listed(NamedTuple):
    """A picture, the folder or list that has it, and the place in it."""

    path: Path
    listing: Path
    where: str


class YOLOFiles:
    """Reader of the YOLO layout: a data file, a folder, or a text file that lists pictures.

    - A data yaml holds ``train``, ``val``, ``test`` (a folder, a list file, or several), ``names`` (list or mapping)
      and optionally ``path``, ``nc`` and ``kpt_shape``; a Darknet ``.data`` file the same in its own way. Splits that
      are named and not there are left out, and said.
    - A folder holds such a file, or pictures with label files (see `LabelFolders`), split by folders called train, val
      (valid) and test, or not split.
    - A list has one picture a line, relative to the list, to the data set or to the working directory; of paths that
      were true on another machine the end counts.

    Names come from the data file, or from ``classes.txt`` or ``obj.names`` near it. A picture without label file has no
    objects; it is counted in the data set's note. Rows may hold polygons, rotated boxes or keypoints, see `parse_row`.
    """

    looked_for = "a data.yaml or obj.data, or pictures with a .txt each in labels/ or beside them (YOLO)"

    def __init__(self, source: Path, tree: Tree | None = None) -> None:
        self.source = source
        self.notes: list[str] = []
        self.root = source if source.is_dir() else source.parent
        self._tree_given = tree
        self._trees: dict[Path, Tree] = {}
        self._labels = LabelFolders()
        self._left_out: list[str] = []  # what is named or there and cannot be used
        self.missing: dict[str, str] = {}  # splits that the data file names and that are not there -> why

    @classmethod
    def of_folder(cls, tree: Tree) -> YOLOFiles | None:
        """The reader of a folder in this layout."""
        reader = cls(tree.root, tree)
        if reader.has_places:
            return reader
        below = [path for path in tree.files(".yaml", ".yml") if is_data_file(path)]
        below = below or [path for path in tree.files(".data") if is_data_file(path)]
        if len(below) > 1:
            names = ", ".join(path.relative_to(tree.root).as_posix() for path in below[:5])
            raise DataError(f"{tree.root}: holds several data sets ({names}); name the one that is meant")
        if below:
            return cls(below[0])
        files = reader.label_files
        sample = files[:: max(1, len(files) // _SAMPLE)]
        return reader if files and not (_no_row_is_readable(sample) and looks_like(sample)) else None

    @cached_property
    def has_places(self) -> bool:
        """Whether a data file says what belongs to the data set."""
        return self._config is not None and bool(self._config.places)

    @property
    def num_labelled(self) -> int:
        """Number of pictures with a label file, below a folder without data file."""
        return len(self.label_files)

    @cached_property
    def label_files(self) -> list[Path]:
        """The label files of a folder without data file."""
        found = (self._labels.find(path) for paths in self._folders.values() for path in paths)
        return [file for file in found if file is not None]

    @cached_property
    def _tree(self) -> Tree:
        return self._tree_given or Tree(self.root)

    def _tree_of(self, place: Path) -> Tree:
        return self._trees.setdefault(place, Tree(place))

    @cached_property
    def _finder(self) -> PictureFinder:
        base = self.root / (self._config.base if self._config else "")
        return PictureFinder(base if base.is_dir() else self.root)

    @cached_property
    def _config(self) -> YOLOConfig | None:
        if self.source.is_file() and self.source.suffix.lower() in (".yaml", ".yml", ".data"):
            return load_config(self.source)
        file = find_config(self.root)
        return None if file is None else load_config(file)

    @cached_property
    def _folders(self) -> dict[str, list[Path]]:
        """Split -> pictures, for a folder without data file: the pictures of folders that have labels."""
        by_folder: dict[Path, list[Path]] = {}
        for path in self._tree.pictures:
            by_folder.setdefault(path.parent, []).append(path)
        labelled = {folder for folder in by_folder if self._labels.of(folder)}
        copies = self._copies({folder: by_folder[folder] for folder in labelled})
        parts = {folder: _parts(folder.relative_to(self.root)) for folder in by_folder}
        has_splits = any(map(_split_among, (parts[folder] for folder in labelled)))
        found: dict[str, list[Path]] = {}
        for folder, pictures in by_folder.items():
            split = _split_among(parts[folder]) or "".join(parts[folder][:1]) if has_splits else "train"
            if folder in labelled - copies and split:
                found.setdefault(split, []).extend(pictures)
            elif labelled:
                why = "in no split" if folder in labelled else "without any label file"
                why = "with the label files of other pictures" if folder in copies else why
                self._left_out.append(f"{self._short(folder)} is left out: {len(pictures)} picture(s) {why}")
        return {split: found[name] for split, name in named_splits(found).items()}

    def _copies(self, labelled: Mapping[Path, Sequence[Path]]) -> set[Path]:
        """Folders such as ``masks`` and ``depth``: all label files of their pictures are those of pictures in
        ``images``."""
        inside = {folder: folder.relative_to(self.root) for folder in labelled}
        usual = {folder for folder, path in inside.items() if len(_parts(path)) < len(path.parts)}
        if len(usual) in (0, len(labelled)):
            return set()
        files = {folder: {self._labels.find(path) for path in paths} for folder, paths in labelled.items()}
        known = set[Path | None]().union(*(files[folder] for folder in usual))
        return {folder for folder, own in files.items() if folder not in usual and own - {None} <= known}

    @cached_property
    def _places(self) -> dict[str, list[Path]]:
        """Split -> folders or lists of pictures, of a data file or a list."""
        if self.source.is_file() and self.source.suffix.lower() == ".txt":
            split = canonical_split(self.source.stem)
            return {split if split in SPLITS else "train": [self.source]}
        if self._config is None and set(self._folders) <= {"train"}:
            return self._lists
        places: dict[str, list[Path]] = {}
        for key, entries in self._config.places.items() if self._config else ():
            found = [self._resolve(entry) for entry in entries]
            there = [path for path in found if path is not None]
            gone = [entry for entry, path in zip(entries, found, strict=True) if path is None]
            lines = [f"{key}: no such file or folder: {entry}" for entry in gone]
            if there:
                places.setdefault(canonical_split(key), []).extend(there)
                self._left_out += [f"{line} (left out)" for line in lines]
            else:
                self.missing[canonical_split(key)] = lines[0]
        if self.missing and not places:
            raise DataError(
                f"{self._config.file if self._config else self.source}, {next(iter(self.missing.values()))}"
            )
        self._left_out += [f"{line} (the split is left out)" for line in self.missing.values()]
        return places

    @cached_property
    def _lists(self) -> dict[str, list[Path]]:
        """Split -> its list, for a folder without data file that has lists such as train.txt and val.txt."""
        texts = [path for path in self._tree.files(".txt") if path.parent == self.root]
        found = {path.stem: path for path in texts if canonical_split(path.stem) in SPLITS and _is_list(path)}
        return {split: [found[name]] for split, name in named_splits(found).items()}

    def _resolve(self, entry: str) -> Path | None:
        base = self._config.base if self._config else ""
        plain = entry.replace("\\", "/")
        candidates = [self.root / base / plain, self.root / plain]
        if base or self.source.suffix == ".data":  # as seen from where the command runs
            candidates.append(Path(base) / plain)
        # Exporters write paths as seen from some other folder, so their ends are tried as well.
        candidates += [self.root.joinpath(*end) for end in _ends(Path(plain).parts)]
        return next((Path(os.path.normpath(path)) for path in candidates if is_there(path)), None)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the data file or the folders name."""
        found = tuple(self._places) or tuple(self._folders)
        if not found:
            raise DataError(
                f"{self.source}: expected train:, val: or test: in the data file,"
                " or pictures with labels beside it; found neither"
            )
        return found

    def read(self, split: str, class_names: Sequence[str] | None) -> Reading:
        """The pictures of a split."""
        problems: list[Problem] = []
        listed = self._pictures(split, problems)
        files = [self._labels.find(one.path) for one in listed]
        own = self._own_classes([file.parent for file in files if file is not None])
        notes: list[str] = []
        if own is None and class_names is None:
            own = _numbered_classes([file for file in files if file is not None], self.source)
            notes.append(f"no class names found: the {len(own)} classes are named by their numbers")
        classes = ClassIndex(own, class_names)
        rows = YOLOLabels(classes, self._config.keypoint_values if self._config else None)
        entries = self._entries(listed, files, rows)
        if not any(file is not None for file in files):
            raise DataError(
                f"{self.source}: none of the {len(listed)} pictures has a label file;"
                f" looked for {label_file(listed[0].path)}, for instance"
            )
        if split != "train" and self._places and self._places.get("train") == self._places[split]:
            notes.append(f"{split} holds the same pictures as train")
        problems += self._without_picture(listed)
        return Reading(
            class_names=classes.names,
            entries=entries,
            problems=problems,
            notes=[
                *notes,
                *self._unusual_folders(listed),
                *self._in_no_list(listed),
                *self._shared_labels(listed),
                *self._unused_labels(),
                *self._left_out,
                *rows.notes(),
            ],
            class_numbers=tuple(range(len(own))) if own is not None else None,
        )

    def _entries(
        self, listed: Sequence[_Listed], files: Sequence[Path | None], rows: YOLOLabels
    ) -> list[Entry]:
        index = PictureIndex(self.source)
        names = _unique_names([one.path for one in listed])
        entries: list[Entry] = []
        for name, one, file in zip(names, listed, files, strict=True):
            size = index.look(one.path)
            if not isinstance(size, DataError):
                entries.append(rows.read(name, one.path, file, size))
            elif one.where != "file" and not is_there(one.path):
                entries.append(unusable(name, one.listing, one.where, f"no picture {one.path}", "picture"))
            else:
                entries.append(unreadable(name, one.path, size))
        index.save(one.path for one in listed)
        return rows.settled(entries)

    def _pictures(self, split: str, problems: list[Problem]) -> list[_Listed]:
        if not self._places:
            self._left_out += self._tree.notes
            return [_Listed(path, path.parent, "file") for path in self._folders[split]]
        found: dict[Path, _Listed] = {}
        for place in self._places[split]:
            if place.is_dir():
                tree = self._tree_of(place)
                self._left_out += tree.notes
                listed = [_Listed(path, place, "file") for path in tree.pictures]
            elif place.suffix.lower() in PICTURE_SUFFIXES:
                listed = [_Listed(place, place, "file")]
            else:
                listed = self._listed(place)
            for one in listed:
                if one.path in found:
                    reason = f"picture {one.path} is listed twice"
                    problems.append(
                        Problem(
                            file=one.listing, where=one.where, reason=reason, action="skipped", kind="repeat"
                        )
                    )
                else:
                    found[one.path] = one
        if not found:
            raise DataError(
                f"{', '.join(map(str, self._places[split]))}: no picture found for split {split!r}"
            )
        return list(found.values())

    def _listed(self, listing: Path) -> list[_Listed]:
        lines = _lines(listing)
        base = self._config.base if self._config else ""
        bases = (listing.parent, self.root / base, self.root, Path())
        return [
            _Listed(
                self._finder.find(line.strip(), bases) or bases[0] / line.strip(), listing, f"line {number}"
            )
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]

    def _without_picture(self, listed: Sequence[_Listed]) -> list[Problem]:
        """Label files beside those of a split that belong to no picture. Of pictures in a list, others may be meant."""
        own = {one.path.parent for one in listed if one.where == "file"}
        if not own:
            return []
        shared = {place for folder in own for place in self._labels.of(folder)}
        folders = [folder for folder in self._all_folders() if shared & set(self._labels.of(folder))]
        return [
            Problem(file=file, where="file", reason="no picture of this name", action="skipped", kind="file")
            for file in self._labels.without_picture(folders)
            if file.parent in shared
        ]

    def _shared_labels(self, listed: Sequence[_Listed]) -> list[str]:
        """Label files that several pictures of the same name would have."""
        within = Counter(self._labels.find(one.path) for one in listed if one.where == "file")
        twice = sum(count > 1 for file, count in within.items() if file is not None)
        count = max(twice, self._labels.shared(self._all_folders()))
        return [f"{count} label file(s) are those of several pictures of the same name"] if count else []

    def _unused_labels(self) -> list[str]:
        """Folders of label files, below a folder without data file, of which no picture has any."""
        if self.source.is_file() or self._config is not None:
            return []
        files = [path for path in self._tree.files(".txt") if path.name not in _NAME_FILES]
        unused = self._labels.unused(files, (path.parent for path in self._tree.pictures))
        return [
            f"{self._short(folder)} is left out: {count} label file(s) of no picture"
            for folder, count in unused.items()
            if any(part.lower() in LABEL_FOLDERS for part in folder.relative_to(self.root).parts)
        ]

    def _in_no_list(self, listed: Sequence[_Listed]) -> list[str]:
        """Pictures beside listed ones that no list of the data file has."""
        lists = [place for places in self._places.values() for place in places if place.is_file()]
        if not lists:
            return []
        known = {one.path for one in listed} | {one.path for place in lists for one in self._listed(place)}
        folders = dict.fromkeys(path.parent for path in known if is_there(path))
        beside = {path for folder in folders for path in self._tree_of(folder).pictures}
        count = len(beside - known)
        return [f"{count} picture(s) beside those that are listed are in no list"] if count else []

    def _all_folders(self) -> list[Path]:
        if not self._places:
            return list(dict.fromkeys(path.parent for paths in self._folders.values() for path in paths))
        trees = [
            self._tree_of(place) for places in self._places.values() for place in places if place.is_dir()
        ]
        return list(dict.fromkeys(path.parent for tree in trees for path in tree.pictures))

    def _unusual_folders(self, listed: Sequence[_Listed]) -> list[str]:
        """Labels that are not where Ultralytics would look for them."""
        folders = dict.fromkeys(one.path.parent for one in listed)
        usual = {folder: label_file(folder / "x").parent for folder in folders}
        short = self._short
        return [
            f"{short(folder)} has no {short(usual[folder])}; its labels are read from {short(found[0])}"
            for folder in list(folders)[:20]
            if (found := self._labels.of(folder))
            and usual[folder] not in found
            and not usual[folder].is_dir()
        ]

    def _short(self, path: Path) -> str:
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()

    def _own_classes(self, label_folders: Sequence[Path]) -> list[str] | None:
        if self._config is not None and self._config.names is not None:
            return self._config.names
        files = [folder / name for folder in self._name_folders(label_folders) for name in _NAME_FILES]
        if self._config is not None and self._config.names_file is not None:
            written = self._config.names_file.replace("\\", "/")
            named = (self._resolve(written), self.root / Path(written).name)
            files = [*(file for file in named if file is not None), *files]
        lists = {file: names for file in dict.fromkeys(files) if (names := _names_in(file))}
        if len({tuple(names) for names in lists.values()}) > 1 and self._config is None:
            places = ", ".join(map(self._short, lists))
            raise DataError(
                f"{self.source}: holds several lists of classes that differ ({places}); name the folder of one"
            )
        return next(iter(lists.values()), None)

    def _name_folders(self, label_folders: Sequence[Path]) -> list[Path]:
        inside = [folder for folder in dict.fromkeys(label_folders) if folder.is_relative_to(self.root)]
        return list(dict.fromkeys([self.root, self.root / "labels", *inside, *(f.parent for f in inside)]))


def _lines(file: Path) -> list[str]:
    try:
        return read_lines(file)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as text ({error})") from error


def _is_list(file: Path) -> bool:
    """Whether a text file lists pictures, one a line."""
    lines = head_of(file, _HEAD).split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    return Path(first).suffix.lower() in PICTURE_SUFFIXES


def _names_in(file: Path) -> list[str]:
    """The class names that a file lists; none if it is not there, or holds rows of labels."""
    if not file.is_file():
        return []
    lines = [line.strip() for line in _lines(file)]
    while lines and not lines[-1]:
        lines.pop()
    return [] if lines and isinstance(parse_row(lines[0]), Row) else lines


def _no_row_is_readable(files: Sequence[Path]) -> bool:
    """Whether label files have rows, and none of them is one of this layout."""
    lines = [line for file in files for line in head_of(file, _HEAD).splitlines() if line.strip()]
    rows = [parse_row(line) for line in lines]
    return bool(rows) and all(isinstance(row, str) or not row.category[:1].isdecimal() for row in rows)


def _ends(parts: Sequence[str]) -> list[Sequence[str]]:
    """The ends of a path that still say what it is: ``images`` alone may be those of any split."""
    ends = [parts[start:] for start in range(1, len(parts))]
    return [
        end
        for end, before in zip(ends, (parts[:start] for start in range(1, len(parts))), strict=True)
        if len(end) > 1 or _split_among([Path(end[0]).stem]) or set(before) <= {".", ".."}
    ]


def _parts(folder: Path) -> list[str]:
    """The folders of a path that are not there to hold pictures of any split."""
    return [part for part in folder.parts if part.lower() not in PICTURE_FOLDERS]


def _split_among(parts: Sequence[str]) -> str:
    """The split of the last part that names one, as it is written: train2014 and train2017 stay apart."""
    return next((split for part in reversed(parts) if (split := split_of_folder(part))), "")


def _numbered_classes(files: Sequence[Path], source: Path) -> list[str]:
    """Names 0..n-1, n from the largest class number in the labels."""
    largest = 0
    for file in files:
        try:
            lines = read_lines(file)
        except (OSError, UnicodeDecodeError):
            continue  # reported with its picture
        words = [re.split(r"[\s,]", line.strip(), maxsplit=1)[0] for line in lines if line.strip()]
        numbers = (re.fullmatch(r"(\d{1,9})(\.0*)?", word) for word in words)  # 3, and 3.0 as NumPy writes it
        largest = max([largest, *(int(number[1]) for number in numbers if number)])
    if largest >= _MOST_UNNAMED_CLASSES:
        raise DataError(
            f"{source}: no class names found, and the labels have a class {largest};"
            " expected names in a data yaml, classes.txt or obj.names"
        )
    return [str(index) for index in range(largest + 1)]


def _unique_names(paths: Sequence[Path]) -> list[str]:
    """File names; where two are alike, with the folders that tell them apart."""
    counts = Counter(path.name for path in paths)
    if max(counts.values(), default=0) <= 1:
        return [path.name for path in paths]
    whole = [Path.cwd() / path for path in paths]  # of lists, some paths may be relative
    common = os.path.commonpath([path.parent for path in whole])
    return [
        path.name if counts[path.name] == 1 else Path(os.path.relpath(full, common)).as_posix()
        for path, full in zip(paths, whole, strict=True)
    ]
