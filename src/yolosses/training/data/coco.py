"""COCO layout: a json of images, annotations and categories, with the pictures beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from yolosses.training.data.annotations import ClassIndex, Entry, Labels, Reading, size_conflict, unusable
from yolosses.training.data.dataset import DataError, Problem, picture_size
from yolosses.training.data.splits import canonical_split, named_splits

_SIDES = ("x", "y", "width", "height")


class COCOFiles:
    """Reader of COCO instances files: one json, or a folder of them.

    A folder holds ``annotations/instances_<split>.json`` beside the picture folders ``<split>/`` (or
    ``images/<split>/``), or ``<split>/_annotations.coco.json`` among the pictures of the split. A json alone
    has its pictures beside it or in a folder beside it. Categories become classes 0..C-1 in the order of
    their ids; boxes are ``[x, y, width, height]`` in pixels; ``iscrowd`` objects are marked ignore.
    """

    looked_for = "annotations/instances_<split>*.json or <split>/_annotations.coco.json (COCO)"

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether ``root`` is a folder in this layout."""
        return bool(_jsons(root))

    @cached_property
    def _files(self) -> dict[str, Path]:
        if self.root.is_dir():
            return _jsons(self.root)
        words = self.root.stem.replace("-", "_").split("_")
        named = [split for word in words if (split := canonical_split(word)) in ("train", "val", "test")]
        return {named[-1] if named else "train": self.root}

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have a json."""
        return tuple(self._files)

    def read(self, split: str, class_names: Sequence[str] | None) -> Reading:
        """The pictures of a split."""
        file = self._files[split]
        content = _load(file)
        problems: list[Problem] = []
        numbers, own = _categories(file, content["categories"])
        classes = ClassIndex(own, class_names)
        by_image = _by_image(file, content, problems)
        folders = self._picture_folders(file)
        entries: dict[str, Entry] = {}
        for index, image in enumerate(content["images"], 1):
            where = _where("image", image, index)
            name = image.get("file_name") if isinstance(image, dict) else None
            if not isinstance(name, str) or not name:
                problems.append(
                    Problem(file=file, where=where, reason="no file_name", action="skipped", kind="file")
                )
            elif name in entries:
                problems.append(
                    Problem(
                        file=file,
                        where=where,
                        reason=f"picture {name!r} is listed twice",
                        action="skipped",
                        kind="file",
                    )
                )
            elif (
                not _hashable(image.get("id")) or image.get("id") not in by_image
            ):  # taken out by the first of that id
                entries[name] = unusable(name, file, where, "expected an id of its own")
            else:
                rows = by_image.pop(image["id"])
                entries[name] = _entry(file, where, image, rows, folders, numbers, classes)
        return Reading(
            class_names=classes.names,
            entries=list(entries.values()),
            problems=problems,
            class_numbers=tuple(sorted(numbers)),
        )

    def _picture_folders(self, file: Path) -> list[Path]:
        here, above = file.parent, file.parent.parent
        part = file.stem.removeprefix("instances_")
        places = [here / part, here / "images" / part, here / "images", here]
        if here.name == "annotations":
            places = [above / part, above / "images" / part, above / "images", above, *places]
        return [place for place in places if place.is_dir()]


def _jsons(root: Path) -> dict[str, Path]:
    instances = {
        path.stem.removeprefix("instances_"): path
        for path in sorted((root / "annotations").glob("instances_*.json"))
    }
    exported = {path.parent.name: path for path in sorted(root.glob("*/_annotations.coco.json"))}
    found = instances or exported
    return {split: found[name] for split, name in named_splits(found).items()}


def _load(file: Path) -> dict[str, list[Any]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file}: cannot be read as json ({error})") from error
    if not isinstance(content, dict):
        raise DataError(
            f"{file}: expected a COCO instances file, an object with images, annotations and"
            f" categories; got a {type(content).__name__}"
        )
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list):
            raise DataError(
                f"{file}: expected a COCO instances file with a list {key!r};"
                f" it has {', '.join(sorted(content)) or 'nothing'}"
            )
    return content


def _categories(file: Path, categories: list[Any]) -> tuple[dict[int, int], list[str]]:
    """Category id -> class index in order of the ids, and the names in that order."""
    names: dict[int, str] = {}
    for index, category in enumerate(categories, 1):
        number = category.get("id") if isinstance(category, dict) else None
        if isinstance(number, bool) or not isinstance(number, int) or "name" not in category:
            raise DataError(
                f"{file}, category {index}: expected an id (an integer) and a name; got {category!r:.80}"
            )
        if number in names:
            raise DataError(f"{file}, category {index}: id {number} is that of {names[number]!r} already")
        names[number] = str(category["name"])
    ids = sorted(names)
    return {number: index for index, number in enumerate(ids)}, [names[number] for number in ids]


def _by_image(
    file: Path, content: Mapping[str, list[Any]], problems: list[Problem]
) -> dict[object, list[tuple[str, dict[str, Any]]]]:
    """Image id -> its annotations, each with its place; what belongs to no image is reported."""
    grouped: dict[object, list[tuple[str, dict[str, Any]]]] = {
        image["id"]: []
        for image in content["images"]
        if isinstance(image, dict) and _hashable(image.get("id")) and "id" in image
    }
    for index, row in enumerate(content["annotations"], 1):
        where = _where("annotation", row, index)
        if not isinstance(row, dict):
            problems.append(
                Problem(
                    file=file, where=where, reason=f"expected an object; got {row!r:.40}", action="skipped"
                )
            )
        elif not _hashable(row.get("image_id")) or row.get("image_id") not in grouped:
            reason = f"image_id {row.get('image_id')!r:.40} is not among the images"
            problems.append(Problem(file=file, where=where, reason=reason, action="skipped"))
        else:
            grouped[row["image_id"]].append((where, row))
    return grouped


def _entry(
    file: Path,
    where: str,
    image: dict[str, Any],
    rows: list[tuple[str, dict[str, Any]]],
    folders: list[Path],
    numbers: Mapping[int, int],
    classes: ClassIndex,
) -> Entry:
    name = image["file_name"]
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        return unusable(name, file, where, f"no picture {name!r} in {', '.join(map(str, folders))}")
    image_size = picture_size(path)
    conflict = size_conflict((image.get("height"), image.get("width")), image_size)
    if conflict is not None:
        return unusable(name, file, where, conflict)
    labels = Labels(file, image_size, "xywh")
    for row_where, row in rows:
        _add_annotation(labels, row_where, row, numbers, classes)
    return labels.entry(name, path)


def _add_annotation(
    labels: Labels, where: str, row: dict[str, Any], numbers: Mapping[int, int], classes: ClassIndex
) -> None:
    box, category = row.get("bbox"), row.get("category_id")
    if not isinstance(box, list) or len(box) != 4:
        return labels.skip(where, f"bbox: expected [x, y, width, height]; got {box!r:.60}")
    for side, value in zip(_SIDES, box, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return labels.skip(where, f"{side} of its bbox is not a number: {value!r:.40}")
    number = numbers.get(category) if _hashable(category) and category is not None else None
    label = (
        classes.by_number(number)
        if number is not None
        else f"category_id {category!r:.40} is not among the {len(numbers)} categories"
    )
    x, y, width, height = map(_as_float, box)
    return labels.add(
        where, str(category), label, (x, y, width, height), ignore=row.get("iscrowd") in (1, True)
    )


def _where(kind: str, row: object, index: int) -> str:
    has_id = isinstance(row, dict) and "id" in row
    return (
        f"{kind} id {row['id']!r:.40}" if has_id and isinstance(row, dict) else f"{kind} {index} (without id)"
    )


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def _hashable(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
