"""Names of splits, and a held-out split for data sets that come without one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from yolosses.training.data.annotations import Entry
from yolosses.training.data.problems import DataError

SPLITS = ("train", "val", "test", "trainval")
HOLD_OUT_EVERY = 5
HELD_OUT_SPLITS = ("val", "test")

_SYNONYMS = {
    "valid": "val",
    "validation": "val",
    "eval": "val",
    "dev": "val",
    "training": "train",
    "testing": "test",
}
_KIND = "images?|imgs?|pictures?|jpegimages|labels?|annotations?|xmls?|txts?"
_OF_ONE_KIND = re.compile(f"^({_KIND})[-_ ]|[-_ ]({_KIND})$", re.IGNORECASE)


def canonical_split(name: str) -> str:
    """``train2017`` -> ``train``, ``valid`` -> ``val``; other names stay as they are."""
    stem = re.sub(r"[-_]?\d+$", "", name.lower())
    stem = _SYNONYMS.get(stem, stem)
    return stem if stem in SPLITS else name


def split_of_folder(name: str) -> str:
    """The split that a folder's name holds, as it is written: ``train2017`` of ``images_train2017``, ``val`` of
    ``val_labels``; an empty string if it names no split.
    """
    plain = _OF_ONE_KIND.sub("", name)
    return plain if canonical_split(plain) in SPLITS else ""


def named_splits(names: Iterable[str]) -> dict[str, str]:
    """Canonical split -> name as found. Where two names would become one (train2014, train2017) both keep
    their own.
    """
    found = sorted(names)
    canonical = [canonical_split(name) for name in found]
    return {
        short if canonical.count(short) == 1 else name: name
        for short, name in zip(canonical, found, strict=True)
    }


def choose_split(data: Path, splits: Sequence[str], asked: str | None) -> tuple[str, str]:
    """The split asked for, and the split of the data set to read it from: the two differ when pictures are
    held out of the only split there is.

    Without a wish: ``train`` if there is one, else the only split.

    Raises:
        DataError: naming the splits that exist.
    """
    existing = ", ".join(splits)
    if asked is None:
        if "train" in splits:
            return "train", "train"
        if len(splits) == 1:
            return splits[0], splits[0]
        raise DataError(f"{data}: which split? There is no 'train'; there are {existing}")
    wanted = asked if asked in splits else canonical_split(asked)
    if wanted in splits:
        return wanted, wanted
    if holds_out(splits) and wanted in ("train", *HELD_OUT_SPLITS):
        return wanted, splits[0]
    raise DataError(f"{data}: no split {asked!r}; there {'are' if len(splits) > 1 else 'is'} {existing}")


def holds_out(splits: Sequence[str]) -> bool:
    """Whether ``val`` and ``test`` have to be held out of the only split there is."""
    return len(splits) == 1


def hold_out(entries: Sequence[Entry], split: str, source: str = "train") -> tuple[list[Entry], str | None]:
    """One side of a data set that has only one split: every fifth picture by name, from the first on, is held
    out for val and test.

    Pictures with broken labels count as well, so mending labels moves no picture to the other side.

    Args:
        entries: all pictures, sorted by name.
        split: ``"train"``: the rest; ``"val"`` or ``"test"``: the pictures held out, the same for both; ``source``, if
            it is not ``"train"``: all pictures.
        source: the name of the only split.

    Returns:
        The entries of ``split`` and the note that says so.

    Raises:
        DataError: if there is nothing to hold out.
    """
    if split not in ("train", *HELD_OUT_SPLITS) or (split == source and source != "train"):
        return list(entries), None
    if len(entries) < 2:
        if split == "train":
            return list(entries), "no val split, and too few pictures to hold any out"
        raise DataError(f"no {split!r} split, and {len(entries)} picture(s) are too few to hold any out")
    held_out = list(entries[::HOLD_OUT_EVERY])
    rest = [entry for index, entry in enumerate(entries) if index % HOLD_OUT_EVERY]
    missing = split if split in HELD_OUT_SPLITS else "val"
    said = f"no {missing} split" if source == "train" else f"{source!r} is the only split"
    note = f"{said}: {len(held_out)} of {len(entries)} pictures held out (every {HOLD_OUT_EVERY}th by name)"
    return (rest if split == "train" else held_out), note
