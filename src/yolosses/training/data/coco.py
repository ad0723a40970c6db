"""COCO layout: a json of images, annotations and categories, with the pictures beside it."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

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
from yolosses.training.data.json_stream import elements
from yolosses.training.data.problems import DataError, Problem, printable
from yolosses.training.data.splits import SPLITS, canonical_split, named_splits
from yolosses.training.data.tree import PictureFinder, Tree, of_another_split

_SIDES = ("x", "y", "width", "height")
_LISTS = ("images", "annotations", "categories")
_GENERIC = ("instances", "annotations", "coco", "result", "results", "labels", "default")


class _Annotation(NamedTuple):
    """What is kept of an annotation: not its segmentation, which may be a thousand times as long."""

    where: str
    category: object
    box: object
    crowd: bool


class _Image(NamedTuple):
    where: str
    name: str
    size: tuple[object, object]
    id: object


class COCOFiles:
    """Reader of COCO instances files: one json, or a folder of them.

    A folder holds json files of any name with the lists images, annotations and categories, anywhere in it; their
    splits are told by their names or by the folders that they are in (``instances_val2017.json``, ``val.json``,
    ``valid/_annotations.coco.json``). Pictures are looked for by ``file_name`` in the folders around the json, then
    everywhere in the data set. Categories become classes 0..C-1 in the order of their ids; boxes are ``[x, y, width,
    height]`` in pixels; ``iscrowd`` objects are marked ignore. An annotation without ``bbox`` that has a polygon gets
    the box around it.
    """

    looked_for = "a json with images, annotations and categories (COCO)"

    def __init__(self, root: Path, tree: Tree | None = None) -> None:
        self.root = root
        self._tree = tree
        self.notes: list[str] = []

    @classmethod
    def of_folder(cls, tree: Tree) -> COCOFiles | None:
        """The reader of a folder in this layout."""
        reader = cls(tree.root, tree)
        return reader if reader._files else None

    @cached_property
    def _files(self) -> dict[str, Path]:
        if self.root.is_file():
            words = self.root.stem.replace("-", "_").split("_")
            named = [split for word in words if (split := canonical_split(word)) in SPLITS]
            return {named[-1] if named else "train": self.root}
        tree = self._tree or Tree(self.root)
        files = {path: _is_instances(path) for path in tree.files(".json")}
        found = _by_split([path for path, is_instances in files.items() if is_instances])
        others = [path for path in files if path not in found.values()]
        if others:
            self.notes.append(f"{len(others)} json file(s) are left out, the first: {others[0]}")
        return found

    @property
    def num_labelled(self) -> int:
        """Labels of other layouts lie beside each picture, so that they are the data where there are any."""
        return 0

    @property
    def label_files(self) -> list[Path]:
        """The json files."""
        return list(self._files.values())

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have a json."""
        return tuple(self._files)

    def read(self, split: str, class_names: Sequence[str] | None) -> Reading:
        """The pictures of a split."""
        file = self._files[split]
        content = _Content(file)
        problems = content.problems
        numbers, own = _categories(file, content.categories)
        classes = ClassIndex(own, class_names)
        find = _Pictures(file, self.root if self.root.is_dir() else file.parent)
        index = PictureIndex(self.root)
        names = content.names_of_ids()
        entries: dict[str, Entry] = {}
        for image in content.images:
            known = names.get(image.id, ()) if _hashable(image.id) else ()
            rows = content.rows.pop(image.id, []) if known else []
            if image.name in entries:
                left = f"; its {len(rows)} annotation(s) are left out" if rows else ""
                reason = f"picture {image.name!r} is listed twice{left}"
                problems.append(
                    Problem(file=file, where=image.where, reason=reason, action="skipped", kind="repeat")
                )
            elif len(known) != 1:  # of two images with one id, the annotations may be of either
                shared = f"; {len(known)} pictures share it" if known else ""
                reason = f"expected an id of its own{shared}"
                entries[image.name] = unusable(image.name, file, image.where, reason)
            else:
                entries[image.name] = _entry(file, image, rows, find, index, numbers, classes)
        index.save(find.found)
        return Reading(
            class_names=classes.names,
            entries=list(entries.values()),
            problems=problems,
            notes=[
                *content.notes,
                *self._never_listed(find.found),
                *(self._tree.notes if self._tree else ()),
            ],
            class_numbers=tuple(sorted(numbers)),
        )

    def _never_listed(self, listed: set[Path]) -> list[str]:
        """Pictures that the only json of a folder does not list; of several each may list its own."""
        if self._tree is None or len(self._files) > 1:
            return []
        unused = [path.name for path in self._tree.pictures if path not in listed]
        if not unused:
            return []
        return [f"{len(unused)} picture(s) are in no list, the first: {printable(unused[0])}"]


class _Content:
    """What a file says, without what is not needed."""

    def __init__(self, file: Path) -> None:
        self.images: list[_Image] = []
        self.categories: list[Any] = []
        self.rows: dict[object, list[_Annotation]] = {}
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self._file = file
        self._polygons = 0
        found: dict[str, bool] = {}
        waiting: list[tuple[str, object, _Annotation]] = []
        try:
            for key, index, value in elements(file):
                found[key] = index is not None
                if index is None or index < 0:
                    continue
                match key:
                    case "images":
                        self._add_image(value, index)
                    case "categories":
                        self.categories.append(value)
                    case "annotations":
                        self._add_annotation(value, index, waiting)
        except TypeError as error:
            raise DataError(
                f"{file}: expected a COCO instances file, an object with images, annotations and categories; got a list"
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(f"{file}: cannot be read as json ({error})") from error
        for name in _LISTS:
            if not found.get(name):
                keys = ", ".join(sorted(found)[:20]) or "nothing"
                what = f"its {name!r} is no list" if name in found else f"it has {keys}"
                raise DataError(f"{file}: expected a COCO instances file with a list {name!r}; {what}")
        for where, image_id, row in waiting:
            if not _hashable(image_id) or image_id not in self.rows:
                reason = f"image_id {_short(image_id)} is not among the images"
                self.problems.append(
                    Problem(file=file, where=where, reason=reason, action="skipped", kind="file")
                )
            else:
                self.rows[image_id].append(row)
        if self._polygons:
            self.notes.append(
                f"{self._polygons} annotation(s) have a polygon and no bbox: the box around it is taken"
            )

    def names_of_ids(self) -> dict[object, list[str]]:
        """Id -> the different pictures that have it."""
        names: dict[object, dict[str, None]] = {}
        for image in self.images:
            if _hashable(image.id) and image.id in self.rows:
                names.setdefault(image.id, {})[image.name] = None
        return {number: list(found) for number, found in names.items()}

    def _add_image(self, image: Any, index: int) -> None:
        where = _where("image", image, index + 1)
        name = image.get("file_name") if isinstance(image, dict) else None
        if not isinstance(name, str) or not name or "\0" in name:
            problem = Problem(
                file=self._file, where=where, reason="no file_name", action="skipped", kind="file"
            )
            self.problems.append(problem)
            return
        image_id = image.get("id")
        self.images.append(_Image(where, name, (image.get("height"), image.get("width")), image_id))
        if "id" in image and _hashable(image_id):
            self.rows.setdefault(image_id, [])

    def _add_annotation(self, row: Any, index: int, waiting: list[tuple[str, object, _Annotation]]) -> None:
        where = _where("annotation", row, index + 1)
        if not isinstance(row, dict):
            reason = f"expected an object; got {_short(row)}"
            self.problems.append(Problem(file=self._file, where=where, reason=reason, action="skipped"))
            return
        box = row.get("bbox")
        if not box and (around := _around(row.get("segmentation"))) is not None:
            box = around
            self._polygons += 1
        kept = _Annotation(where, row.get("category_id"), box, row.get("iscrowd") in (1, True, "1", "true"))
        waiting.append((where, row.get("image_id"), kept))


class _Pictures:
    """Where the pictures of a json are."""

    def __init__(self, file: Path, root: Path) -> None:
        here, above = file.parent, file.parent.parent
        part = file.stem.removeprefix("instances_")
        places = [here / part, here / "images" / part, here / "images", here]
        if here.name.lower() in ("annotations", "annotation", "labels"):
            places = [above / part, above / "images" / part, above / "images", above, *places]
            # A json in a folder of its own, given alone, has its pictures in the folder above.
            root = root if root != here else above
        self.places = [place for place in places if place.is_dir()]
        self.found: set[Path] = set()
        # A json in the folder of a split is about that split's pictures.
        self._folders = here.relative_to(root).parts if here.is_relative_to(root) else ()
        self._finder = PictureFinder(root)

    def find(self, name: str) -> Path | None:
        path = self._finder.find(name, self.places)
        return None if path is None or of_another_split(path, self._folders) else path


def _entry(
    file: Path,
    image: _Image,
    rows: list[_Annotation],
    pictures: _Pictures,
    index: PictureIndex,
    numbers: Mapping[int, int],
    classes: ClassIndex,
) -> Entry:
    path = pictures.find(image.name)
    if path in pictures.found:
        return unusable(image.name, file, image.where, f"picture {path} is listed twice", "repeat")
    if path is None:
        places = ", ".join(map(str, pictures.places))
        return unusable(image.name, file, image.where, f"no picture {image.name!r} in {places}", "picture")
    pictures.found.add(path)
    size = index.look(path)
    if isinstance(size, DataError):
        return unreadable(image.name, path, size)
    height, width = map(stated_side, image.size)
    conflict = size_conflict((height, width), size)
    if conflict is not None:
        return unusable(image.name, file, image.where, f"{conflict} ({image.name})")
    labels = Labels(file, size, "xywh")
    for row in rows:
        _add_annotation(labels, row, numbers, classes)
    return labels.entry(image.name, path)


def _add_annotation(
    labels: Labels, row: _Annotation, numbers: Mapping[int, int], classes: ClassIndex
) -> None:
    box, category = row.box, row.category
    if not isinstance(box, list) or len(box) != 4:
        return labels.skip(row.where, f"bbox: expected [x, y, width, height]; got {_short(box)}")
    for side, value in zip(_SIDES, box, strict=True):
        if not _is_number(value):
            return labels.skip(row.where, f"{side} of its bbox is not a number: {_short(value)}")
    # A whole float is equal to the integer, and True to 1, which no file means.
    number = numbers.get(category) if _is_number(category) else None  # type: ignore[call-overload]
    if number is None:
        reason = f"category_id {_short(category)} is not among the {len(numbers)} categories"
        return labels.skip(row.where, reason, "class")
    x, y, width, height = map(_as_float, box)
    return labels.add(
        row.where, str(category), classes.by_number(number), (x, y, width, height), ignore=row.crowd
    )


def _by_split(files: Sequence[Path]) -> dict[str, Path]:
    """Split -> file, told by the words of a file's name, else by its folder; the instances where there are more."""
    named: dict[str, list[Path]] = {}
    for path in files:
        named.setdefault(_split_name(path), []).append(path)
    found: dict[str, Path] = {}
    for name, paths in named.items():
        instances = [path for path in paths if path.stem.startswith("instances")]
        if len(paths) == 1 or len(instances) == 1:
            found[name] = (instances or paths)[0]
        else:
            names = ", ".join(str(path) for path in paths[:5])
            raise DataError(
                f"several COCO files for the split {name!r} ({names}); name the one that is meant"
            )
    return {split: found[name] for split, name in named_splits(found).items()}


def _split_name(path: Path) -> str:
    words = path.stem.replace("-", "_").replace(".", "_").split("_")
    named = [word for word in words if canonical_split(word) in SPLITS]
    if named:
        return named[-1]
    if canonical_split(path.parent.name) in SPLITS:
        return path.parent.name
    rest = path.stem.removeprefix("person_keypoints_").removeprefix("instances_")
    return "train" if rest.strip("_").split(".")[0] in _GENERIC and rest != "default" else rest


def _is_instances(path: Path) -> bool:
    """Whether a json holds lists of images and of annotations with boxes; looks no further than it must."""
    seen: set[str] = set()
    try:
        for key, index, value in elements(path):
            seen.add(key)
            if key in ("shapes", "imageData"):  # LabelMe, with a picture inside
                return False
            if index == 0 and key == "images" and not (isinstance(value, dict) and "file_name" in value):
                return False
            if index == 0 and key == "annotations":  # those of captions have no box
                return isinstance(value, dict) and bool({"bbox", "segmentation"} & set(value))
    except TypeError:
        return False
    except (OSError, ValueError):
        return bool(set(_LISTS) & seen)  # broken, and meant
    return {"images", "annotations"} <= seen


def _categories(file: Path, categories: list[Any]) -> tuple[dict[int, int], list[str]]:
    """Category id -> class index in order of the ids, and the names in that order."""
    names: dict[int, str] = {}
    for index, category in enumerate(categories, 1):
        number = category.get("id") if isinstance(category, dict) else None
        if isinstance(number, bool) or not isinstance(number, int) or "name" not in category:
            raise DataError(
                f"{file}, category {index}: expected an id (an integer) and a name; got {_short(category)}"
            )
        if number in names:
            raise DataError(f"{file}, category {index}: id {number} is that of {names[number]!r} already")
        names[number] = str(category["name"])
    if not names:
        raise DataError(f"{file}, categories: expected at least one; got none")
    ids = sorted(names)
    return {number: index for index, number in enumerate(ids)}, [names[number] for number in ids]


def _around(segmentation: object) -> list[float] | None:
    """[x, y, width, height] around polygons ``[[x1, y1, x2, y2, ...], ...]``; None if they are none."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
    values = [value for polygon in polygons if isinstance(polygon, list) for value in polygon]
    if not all(map(_is_number, values)) or len(values) < 6 or any(len(polygon) % 2 for polygon in polygons):
        return None
    xs, ys = values[::2], values[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _where(kind: str, row: object, index: int) -> str:
    if isinstance(row, dict) and "id" in row:
        return f"{kind} id {_short(row['id'])}"
    return f"{kind} {index} (without id)"


def _short(value: object) -> str:
    """As Python writes it, not at any length."""
    return reprlib.repr(value)[:60]


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def _hashable(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
