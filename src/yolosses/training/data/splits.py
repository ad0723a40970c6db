"""Names of splits, and a held-out split for data sets that come without one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from yolosses.training.data.annotations import Entry
from yolosses.training.data.dataset import DataError

HOLD_OUT_EVERY = 5
HELD_OUT_SPLITS = ("val", "test")

_SYNONYMS = {"valid": "val", "validation": "val", "training": "train", "testing": "test"}


def canonical_split(name: str) -> str:
    """``train2017`` -> ``train``, ``valid`` -> ``val``; other names stay as they are."""
    stem = re.sub(r"[-_]?\d+$", "", name.lower())
    stem = _SYNONYMS.get(stem, stem)
    return stem if stem in ("train", "val", "test", "trainval") else name


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
    held out of ``train``.

    Without a wish: ``train`` if there is one, else the only split.

    Raises:
        DataError: naming the splits that exist.
    """
    existing = ", ".join(splits)
    if asked is None:
        if "train" in splits or len(splits) == 1:
            return ("train", "train") if "train" in splits else (splits[0], splits[0])
        raise DataError(f"{data}: which split? There is no 'train'; there are {existing}")
    wanted = asked if asked in splits else canonical_split(asked)
    if wanted in splits:
        return wanted, wanted
    if holds_out(splits) and wanted in HELD_OUT_SPLITS:
        return wanted, "train"
    raise DataError(f"{data}: no split {asked!r}; there {'are' if len(splits) > 1 else 'is'} {existing}")


def holds_out(splits: Sequence[str]) -> bool:
    """Whether ``val`` and ``test`` have to be taken out of ``train``: it is the only split."""
    return tuple(splits) == ("train",)


def hold_out(entries: Sequence[Entry], split: str) -> tuple[list[Entry], str]:
    """One side of a data set that has only ``train``: every fifth picture by name, from the first on, is held
    out for val and test.

    Pictures with broken labels count as well, so mending labels moves no picture to the other side.

    Args:
        entries: all pictures, sorted by name.
        split: ``"train"``: the rest; ``"val"`` or ``"test"``: the pictures held out, the same for both.

    Returns:
        The entries of ``split`` and the note that says so.

    Raises:
        DataError: if there is nothing to hold out.
    """
    if len(entries) < 2:
        if split == "train":
            return list(entries), "no val split, and too few pictures to hold any out"
        raise DataError(f"no {split!r} split, and {len(entries)} picture(s) are too few to hold any out")
    held_out = list(entries[::HOLD_OUT_EVERY])
    rest = [entry for index, entry in enumerate(entries) if index % HOLD_OUT_EVERY]
    missing = split if split in HELD_OUT_SPLITS else "val"
    note = f"no {missing} split: {len(held_out)} of {len(entries)} pictures held out (every {HOLD_OUT_EVERY}th by name)"
    return (rest if split == "train" else held_out), note
