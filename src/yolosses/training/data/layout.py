"""Open a data set by what it holds: VOC, YOLO or COCO layout, or the embedded digits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from yolosses.training.data.annotations import Reading
from yolosses.training.data.coco import COCOFiles
from yolosses.training.data.dataset import DataError, DetectionDataset
from yolosses.training.data.digits import DIGITS_SPLITS, digit_scenes
from yolosses.training.data.splits import choose_split, hold_out, holds_out
from yolosses.training.data.voc import VOCFolder
from yolosses.training.data.yolo import YOLOFiles

DIGITS = "digits"


class _Reader(Protocol):
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

    Args:
        data: a folder in VOC, YOLO or COCO layout; a data yaml or list of pictures (YOLO); an instances json
            (COCO); or ``"digits"``, the embedded scenes (a folder of that name is ``./digits``).
        split: ``None`` means ``train``, or the only split there is. If ``train`` is the only split, every
            fifth picture by name is held out of it and is what ``val`` and ``test`` give; the data set's
            ``note`` says so.
        strict: raise at the first object that had to be skipped or clipped.
        class_names: the classes to number by. Labels are matched by name; objects of other classes are
            skipped and reported. ``None``: the data set's own.
        whole: give all pictures of ``train`` even where it is the only split; what is held out of it is among them.

    Raises:
        DataError: if nothing can be recognised there, the split does not exist, no picture remains, a picture
            is not readable, or ``strict`` finds a problem.
    """
    if data == DIGITS:
        return _open_digits(split, class_names)
    path = Path(data)
    reader = _reader(path)
    chosen, source = choose_split(path, reader.splits, split)
    reading = reader.read(source, class_names)
    entries = sorted(reading.entries, key=lambda entry: entry.name)
    notes = list(reading.notes)
    if holds_out(reader.splits) and not whole:
        entries, note = hold_out(entries, chosen)
        notes.append(note)
    problems = [*reading.problems, *(problem for entry in entries for problem in entry.problems)]
    if strict and problems:
        raise DataError(f"{problems[0]}; {len(problems)} problem(s) in all, and strict allows none")
    records = [entry.record for entry in entries if entry.record is not None]
    if not records:
        first = f", the first: {problems[0]}" if problems else ""
        raise DataError(
            f"{path}, split {chosen!r}: no usable picture remains of {len(entries)}; {len(problems)} problem(s){first}"
        )
    unlabelled = sum(entry.unlabelled for entry in entries)
    if unlabelled:
        notes.append(
            f"{unlabelled} of {len(entries)} pictures have no label file (taken as pictures without objects)"
        )
    return DetectionDataset(
        name=path.resolve().stem if path.is_file() else path.resolve().name,
        split=chosen,
        class_names=reading.class_names,
        records=records,
        problems=problems,
        note="; ".join(notes) or None,
        class_numbers=reading.class_numbers,
    )


def splits_of(data: str | Path) -> tuple[str, ...]:
    """The splits that a data set has itself. A single ``("train",)`` can also be opened as ``val`` or
    ``test``, see `open_dataset`.

    Raises:
        DataError: if nothing can be recognised there.
    """
    return DIGITS_SPLITS if data == DIGITS else _reader(Path(data)).splits


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
            case ".yaml" | ".yml" | ".txt":
                return YOLOFiles(path)
            case ".json":
                return COCOFiles(path)
        raise DataError(f"{path}: expected a data set: a folder, a .yaml or .txt (YOLO), or a .json (COCO)")
    if not path.is_dir():
        raise DataError(
            f"{path}: no such file or folder (expected a data set in VOC, YOLO or COCO layout, or the word {DIGITS!r})"
        )
    reader = _recognised(path)
    if reader is not None:
        return reader
    inner = [child for child in sorted(path.iterdir()) if child.is_dir() and _recognised(child) is not None]
    hint = f"; did you mean {inner[0]}?" if inner else ""
    looked_for = "; ".join(layout.looked_for for layout in (VOCFolder, YOLOFiles, COCOFiles))
    raise DataError(f"{path}: not recognised as a data set; looked for {looked_for}{hint}")


def _recognised(folder: Path) -> _Reader | None:
    if VOCFolder.recognises(folder):
        return VOCFolder(folder)
    if YOLOFiles.recognises(folder):
        return YOLOFiles(folder)
    return COCOFiles(folder) if COCOFiles.recognises(folder) else None
