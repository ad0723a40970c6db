"""What a data yaml (Ultralytics, Roboflow) or a .data file (Darknet, CVAT) says of a YOLO data set."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yolosses.training.data.problems import DataError
from yolosses.training.data.splits import SPLITS, canonical_split
from yolosses.training.data.text import read_lines, read_text

_NOTHING = ("", "~", "null", "none")
_YAML = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class YOLOConfig:
    """A data file.

    Attributes:
        file: where it is.
        places: split as written -> folders or lists of pictures, as written.
        base: folder that they are relative to, as written.
        names: the classes; None if it has none. Taken as they are written: yes, no and 1e3 are names.
        names_file: the file that has the names, as written; None if it names none.
        keypoint_values: how many values of keypoints follow each box, or None.
    """

    file: Path
    places: dict[str, list[str]] = field(default_factory=dict)
    base: str = ""
    names: list[str] | None = None
    names_file: str | None = None
    keypoint_values: int | None = None


def load_config(path: Path) -> YOLOConfig:
    """Read a data file. Raises `DataError` naming it."""
    if path.suffix.lower() in _YAML:
        return _from_yaml(path, _load_yaml(path))
    return _from_data(path)


def is_data_file(path: Path) -> bool:
    """Whether a file is a data file: with splits, and a yaml with names too."""
    if path.suffix.lower() in _YAML:
        return {"names", "train"} <= set(_load_yaml(path, lenient=True))
    return bool(_from_data(path).places)


def find_config(root: Path) -> Path | None:
    """The data file of a folder: the yaml that has names or splits, else the .data file that has lists."""
    usual = ["data", "dataset", root.resolve().name]
    files = sorted(path for path in root.iterdir() if path.is_file())
    yamls = [path for path in files if path.suffix.lower() in _YAML]
    found = [
        path for path in yamls if {"names", "train"} & set(_load_yaml(path, lenient=path.stem not in usual))
    ]
    if not found:
        found = [path for path in files if path.suffix.lower() == ".data" and _from_data(path).places]
        usual.append("obj")
    preferred = [path for path in found if path.stem in usual]
    if len(found) > 1 and len(preferred) != 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"{root}: several data files ({names}); name the one that is meant")
    return next(iter(preferred or found), None)


def _load_yaml(path: Path, *, lenient: bool = False) -> dict[str, Any]:
    import yaml

    try:
        # The base loader leaves all scalars as they are written: no class called "no" becomes False.
        text = read_text(path)
        content = yaml.load(text, Loader=yaml.BaseLoader)
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        if lenient:
            return {}
        raise DataError(f"{path}: cannot be read as yaml ({' '.join(str(error).split())[:200]})") from error
    if isinstance(content, dict):
        if not lenient and (twice := _written_twice(yaml.compose(text, Loader=yaml.BaseLoader))):
            raise DataError(f"{path}: {twice} is written twice")
        return {str(key): value for key, value in content.items() if isinstance(key, str)}
    if lenient:
        return {}
    raise DataError(f"{path}: expected a mapping with train:, val: and names:; got {reprlib.repr(content)}")


def _written_twice(mapping: Any) -> str | None:
    """A key that a file, or its ``names``, has more than once, with its line: yaml would take the last."""
    seen: set[str] = set()
    for key, value in mapping.value:
        if key.id != "scalar":
            continue
        if key.value in seen:
            return f"{key.value!r} in line {key.start_mark.line + 1}"
        seen.add(key.value)
        if key.value == "names" and value.id == "mapping" and (found := _written_twice(value)):
            return found
    return None


def _from_yaml(file: Path, content: Mapping[str, Any]) -> YOLOConfig:
    keys = [key for key in content if canonical_split(key) in SPLITS and _given(content[key])]
    places = {key: _paths(file, key, content[key]) for key in sorted(keys, key=_rank)}
    base = content.get("path")
    return YOLOConfig(
        file=file,
        places=places,
        base=base if isinstance(base, str) and _given(base) else "",
        names=_names(file, content),
        keypoint_values=_keypoint_values(content.get("kpt_shape")),
    )


def _from_data(file: Path) -> YOLOConfig:
    """Darknet's ``key = value`` lines."""
    try:
        lines = [line.split("=", 1) for line in read_lines(file) if "=" in line]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as text ({error})") from error
    content = {key.strip().lower(): value.strip() for key, value in lines}
    return YOLOConfig(
        file=file,
        places={
            key: [content[key]]
            for key in sorted(content, key=_rank)
            if canonical_split(key) in SPLITS and content[key]
        },
        names_file=content.get("names") or None,
    )


def _rank(key: str) -> tuple[int, str]:
    """Splits in their usual order."""
    split = canonical_split(key)
    return SPLITS.index(split) if split in SPLITS else len(SPLITS), key


def _given(value: object) -> bool:
    return not (value is None or value == [] or (isinstance(value, str) and value.lower() in _NOTHING))


def _paths(file: Path, key: str, value: object) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise DataError(f"{file}, {key}: expected a path or a list of paths; got {reprlib.repr(value)}")
    return [str(entry) for entry in entries]


def _names(file: Path, content: Mapping[str, Any]) -> list[str] | None:
    names, count = content.get("names"), _count(content.get("nc"))
    if isinstance(names, dict):
        wanted = [str(index) for index in range(len(names))]
        if sorted(names) != sorted(wanted):
            keys = ", ".join(map(str, list(names)[:20]))[:80]
            raise DataError(f"{file}, names: expected the keys 0..{len(names) - 1}; got {keys}")
        names = [names[index] for index in wanted]
    if names != [] and not _given(names):
        return None if count is None else [str(index) for index in range(count)]
    if not isinstance(names, list):
        raise DataError(f"{file}, names: expected a list or a mapping; got {reprlib.repr(names)}")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise DataError(f"{file}, names: expected a name as number {index}; got {reprlib.repr(name)}")
    if count is not None and count != len(names):
        raise DataError(f"{file}: nc is {count}, but there are {len(names)} names")
    return [str(name) for name in names]


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else None


def _keypoint_values(value: object) -> int | None:
    """``[17, 3]``: 17 points of 3 values."""
    if isinstance(value, list) and len(value) == 2:
        counts = [_count(one) for one in value]
        if counts[0] and counts[1]:
            return counts[0] * counts[1]
    return None
