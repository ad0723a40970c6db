"""What can be wrong with data: one line each, with the file that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ProblemKind = Literal[
    "class", "other class", "number", "area", "repeat", "outside", "leaves", "row", "file", "picture"
]


class DataError(ValueError):
    """Data that cannot be used. The message is one clear line, fit to be shown to the person who gave the
    data.
    """


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong in a data set, and what was done about it.

    Attributes:
        file: the file that holds it.
        where: the place in the file: ``"line 3"``, ``"object 2"``, ``"annotation id 17"``, ``"file"``.
        reason: what is wrong, with the values.
        action: ``"skipped"`` (the object, or the whole picture if nothing of it can be used) or ``"clipped"``
            (the box is kept, cut to the picture).
        kind: what sort of thing is wrong: ``"class"`` (there is none such), ``"other class"`` (not among those that are
            wanted), ``"number"`` (not finite, or beyond reason), ``"area"`` (a side of 0 or less), ``"repeat"`` (the
            same object once more), ``"outside"`` (wholly outside the picture), ``"leaves"`` (in part), ``"row"`` (the
            object cannot be read), ``"file"`` (a label file), ``"picture"`` (a picture that cannot be read).
    """

    file: Path
    where: str
    reason: str
    action: Literal["skipped", "clipped"]
    kind: ProblemKind = "row"

    def __str__(self) -> str:
        return printable(f"{self.file}, {self.where}: {self.reason} ({self.action})")


LOSES_AN_OBJECT: frozenset[ProblemKind] = frozenset({"row", "number", "class", "area", "outside"})


def printable(text: object) -> str:
    """Text in which what cannot be written as UTF-8 (a file name in another encoding) is written as escapes."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")
