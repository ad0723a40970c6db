"""JSON that must have a certain form: a dataclass, or what else its types say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from yolosses.training.data import DataError

Form = TypeVar("Form")
_MOST = 60  # letters of what came
_WORDS = {
    "Input should be": "expected", "a valid integer": "a whole number", "a valid": "a",
    "greater than or equal to": "at least", "less than or equal to": "at most",
}  # fmt: skip


def read_json(path: Path, form: type[Form], *, what: str) -> Form:
    """What is in a file. Numbers and words may be of another type that says the same.

    Raises:
        DataError: naming the file, ``what`` it was expected to be, and the first thing that is wrong in it.
    """
    try:
        # Not read by pydantic, for which the name of a file that is not UTF-8 is no text.
        return TypeAdapter(form).validate_python(json.loads(path.read_text("utf-8")))
    except ValidationError as error:
        raise DataError(f"{path}: expected {what}; {first_fault(error)}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected {what}; {error}") from error


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong: where, what was expected, and what came."""
    first = error.errors(include_url=False)[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    told = first["msg"].partition(", unable")[0]
    for theirs, ours in _WORDS.items():
        told = told.replace(theirs, ours)
    if first["type"] == "missing":
        told = "expected a value; got none"
    else:
        shown = repr(first["input"])
        told += f"; got {shown if len(shown) <= _MOST else shown[:_MOST] + '…'}"
    return f"{where.removeprefix('.')}: {told}" if where else told
