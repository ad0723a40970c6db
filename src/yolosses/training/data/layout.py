"""Open a data set by what it holds: VOC, YOLO or COCO labels in any folders, or the embedded digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Protocol

from yolosses.training.data.annotations import Entry, Reading
from yolosses.training.data.coco import COCOFiles
from yolosses.training.data.dataset import DetectionDataset
from yolosses.training.data.digits import DIGITS_SPLITS, digit_scenes
from yolosses.training.data.label_files import LABEL_FOLDERS, PICTURE_FOLDERS
from yolosses.training.data.lookalikes import looks_like
from yolosses.training.data.problems import DataError, printable
from yolosses.training.data.splits import choose_split, hold_out, holds_out, split_of_folder
from yolosses.training.data.tree import Tree
from yolosses.training.data.voc import VOCFolder
from yolosses.training.data.yolo import YOLOFiles

DIGITS = "digits"


class _Reader(Protocol):
    notes: list[str]

    @property
    def splits(self) -> tuple[str, ...]: ...

    def read(self, split: str, class_names: Sequence[str] | None) -> Reading: ...


def open_dataset(
    data: str | Path,
    split: str | None = None,
    *,
    strict: bool = False,
    class_names: Sequence[str] | None = None,
    whole: bool = False,
) -> DetectionDataset:
    """Open one split of a data set, whatever its layout.

    An object that cannot be used is skipped. A picture of which all objects were skipped is left out, as it is no
    picture of background; so is one that cannot be read. All of it is reported in ``problems`` and ``notes``.

    Args:
        data: a folder with VOC, YOLO or COCO labels; a data yaml, a Darknet .data file or a list of pictures (YOLO); an
            instances json (COCO); or ``"digits"``, the embedded scenes (a folder of that name is ``./digits``).
        split: ``None`` means ``train``, or the only split there is. If there is only one split, whatever its name,
            every fifth picture by name is held out of it and is what ``val`` and ``test`` give, ``train`` gives the
            others; its own name, if it is not ``train``, gives all. The data set's notes say so.
        strict: raise at the first object that had to be skipped or clipped.
        class_names: the classes to number by. Labels are matched by name; objects of other classes are
            skipped and reported. ``None``: the data set's own.
        whole: give all pictures of the split even where it is the only one, and those of which all objects were skipped
            too: to look at them, not to train on them.

    Raises:
        DataError: if nothing can be recognised there, the split does not exist, no picture remains, or ``strict`` finds
            a problem.
    """
    if data == DIGITS:
        return _open_digits(split, class_names)
    path = Path(data)
    reader = _reader(path)
    chosen, source = choose_split(path, reader.splits, split)
    if isinstance(reader, YOLOFiles) and chosen == "train" in reader.missing:
        raise DataError(
            f"{path}, {reader.missing[chosen]}"
        )  # to learn from the pictures for evaluation is no way out
    reading = reader.read(source, class_names)
    entries = sorted(reading.entries, key=lambda entry: entry.name)
    notes = [*reader.notes, *reading.notes]
    of_no_picture = reading.problems
    if holds_out(reader.splits) and not whole:
        of_no_picture = of_no_picture if chosen == "train" else []  # they are told once
        entries, note = hold_out(entries, chosen, source)
        notes += [note] if note is not None else []
    problems = [*of_no_picture, *(problem for entry in entries for problem in entry.problems)]
    if strict and problems:
        raise DataError(f"{problems[0]}; {len(problems)} problem(s) in all, and strict allows none")
    usable = [entry for entry in entries if entry.record is not None]
    kept = [entry for entry in usable if whole or not entry.lacks_its_objects]
    if not kept:
        first = f", the first: {problems[0]}" if problems else ""
        raise DataError(
            f"{path}, split {chosen!r}: no usable picture remains of {len(entries)}; {len(problems)} problem(s){first}"
        )
    return DetectionDataset(
        name=printable(path.resolve().stem if path.is_file() else path.resolve().name),
        split=chosen,
        class_names=reading.class_names,
        records=[entry.record for entry in kept if entry.record is not None],
        problems=problems,
        notes=[*notes, *_left_out(entries, usable, kept)],
        class_numbers=reading.class_numbers,
    )


def splits_of(data: str | Path) -> tuple[str, ...]:
    """The splits that a data set has itself. The only one can also be opened as ``train``, ``val`` or ``test``, see
    `open_dataset`.

    Raises:
        DataError: if nothing can be recognised there.
    """
    return DIGITS_SPLITS if data == DIGITS else _reader(Path(data)).splits


def _left_out(entries: Sequence[Entry], usable: Sequence[Entry], kept: Sequence[Entry]) -> list[str]:
    """What a person must know of the pictures of a split as a whole."""
    notes = []
    if lacking := len(usable) - len(kept):
        notes.append(f"{lacking} of {len(entries)} pictures are left out, as none of their rows can be used")
    unreadable = sum(any(problem.kind == "picture" for problem in entry.problems) for entry in entries)
    if unreadable:
        notes.append(f"{unreadable} of {len(entries)} pictures cannot be read and are left out")
    if unlabelled := sum(entry.unlabelled for entry in kept):
        notes.append(
            f"{unlabelled} of {len(entries)} pictures have no label file (taken as pictures without objects)"
        )
    return notes


def _open_digits(split: str | None, class_names: Sequence[str] | None) -> DetectionDataset:
    wanted, _ = choose_split(Path(DIGITS), DIGITS_SPLITS, split)
    dataset = digit_scenes(wanted)
    if class_names is not None and tuple(class_names) != dataset.class_names:
        raise DataError(
            f"class_names: the digits have the classes {', '.join(dataset.class_names)};"
            f" got {', '.join(class_names)[:80]}"
        )
    return dataset


def _reader(path: Path) -> _Reader:
    if path.is_file():
        match path.suffix.lower():
            case ".yaml" | ".yml" | ".txt" | ".data":
                return YOLOFiles(path)
            case ".json":
                return COCOFiles(path)
        raise DataError(
            f"{path}: expected a data set: a folder, a .yaml, .data or .txt (YOLO), or a .json (COCO)"
            f"{looks_like([path])}"
        )
    if not path.is_dir():
        raise DataError(
            f"{path}: no such file or folder (expected a data set in VOC, YOLO or COCO layout, or the word {DIGITS!r})"
        )
    return _recognised(Tree(path))


def _recognised(tree: Tree) -> _Reader:
    """The reader for a folder: VOC's own folders and data files decide; else that of the labels which most pictures
    have."""
    if VOCFolder.is_usual(tree.root) and (usual := VOCFolder.of_folder(tree)) is not None:
        return usual
    yolo = YOLOFiles.of_folder(tree)
    if yolo is not None and yolo.has_places:
        xmls = len(tree.files(".xml"))
        if xmls:
            yolo.notes.append(f"{xmls} xml file(s) of the folder are not used: the data file says what is")
        return yolo
    voc = VOCFolder.of_folder(tree)
    found = [reader for reader in (voc, yolo, COCOFiles.of_folder(tree)) if reader is not None]
    if not found:
        looked_for = "; ".join(layout.looked_for for layout in (VOCFolder, YOLOFiles, COCOFiles))
        raise DataError(
            f"{tree.root}: not recognised as a data set; looked for {looked_for}; {_what_is_there(tree)}"
        )
    _require_one(tree, found)
    chosen = max(found, key=lambda reader: reader.num_labelled)
    chosen.notes += [
        f"{len(other.label_files)} label file(s) of another layout are not used, the first: {other.label_files[0]}"
        for other in found
        if other is not chosen
    ]
    return chosen


def _require_one(tree: Tree, found: Sequence[VOCFolder | YOLOFiles | COCOFiles]) -> None:
    """Raises `DataError` where data sets of two layouts lie in two folders."""
    homes = [{_home(tree.root, file) for file in reader.label_files} for reader in found]
    for own, other in combinations(homes, 2):
        if len(own) == len(other) == 1 and own != other and None not in own | other:
            folders = ", ".join(sorted(map(str, own | other)))
            raise DataError(f"{tree.root}: holds several data sets ({folders}); name the folder of one")


def _home(root: Path, file: Path) -> str | None:
    """The folder just below the root that holds a file, if its name is not one that all data sets have."""
    if not file.is_relative_to(root):
        return None  # labels beside the folder of the pictures
    top = file.relative_to(root).parts[0]
    usual = (
        bool(split_of_folder(top)) or top.lower() in (*PICTURE_FOLDERS, *LABEL_FOLDERS) or top == file.name
    )
    return None if usual else top


def _what_is_there(tree: Tree) -> str:
    counts = Counter(tree.suffixes)
    found = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in counts.most_common(6))
    hint = looks_like([path for suffix in tree.suffixes for path in tree.files(suffix)[:3]])
    return f"found {found or 'nothing'}{hint}"
