"""A data set of labelled pictures, whatever layout it was read from, and the pictures themselves."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

CACHE_BYTES = 2 << 30
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".gif"}
)

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {  # EXIF orientation -> what turns the stored picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises on a broken file depends on the format.
_BROKEN_PICTURE = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    struct.error,
    Image.DecompressionBombError,
)


BoxFormat = Literal["cxcywh", "xyxy", "xywh"]  # as written: fractions, pixels, pixels
ProblemKind = Literal["class", "number", "area", "repeat", "outside", "leaves", "row", "file"]


class DataError(ValueError):
    """Data that cannot be used. The message is one clear line, fit to be shown to the person who gave the
    data.
    """


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong in the labels, and what was done about it.

    Attributes:
        file: the file that holds it.
        where: the place in the file: ``"line 3"``, ``"object 2"``, ``"annotation id 17"``, ``"file"``.
        reason: what is wrong, with the values.
        action: ``"skipped"`` (the object, or the whole picture if nothing of it can be used) or ``"clipped"``
            (the box is kept, cut to the picture).
        kind: what sort of thing is wrong: ``"class"`` (there is none such), ``"number"`` (not finite), ``"area"`` (a
            side of 0 or less), ``"repeat"`` (the same object once more), ``"outside"`` (wholly outside the picture),
            ``"leaves"`` (in part), ``"row"`` (the object cannot be read), ``"file"`` (a picture or a label file).
    """

    file: Path
    where: str
    reason: str
    action: Literal["skipped", "clipped"]
    kind: ProblemKind = "row"

    def __str__(self) -> str:
        return f"{self.file}, {self.where}: {self.reason} ({self.action})"


@dataclass(frozen=True, kw_only=True, eq=False)
class WrittenLabels:
    """The objects of one picture as its label file has them, usable or not: what a `Record` was made of.

    Rows whose box is not four numbers are not among them; they are `Problem`s only.

    Attributes:
        file: the label file.
        exists: False if there is none, which makes the picture one without objects.
        box_format: what the numbers of a box mean: ``"cxcywh"`` (fractions of the picture, YOLO), ``"xyxy"`` (pixels,
            VOC), ``"xywh"`` (pixels, COCO).
        places: (R,) place of each object in the file, as in `Problem`.
        categories: (R,) class as written, a name or a number.
        numbers: (R, 4) float64, the box as written. Anything is possible, nan and inf included.
        labels: (R,) int64, class index; -1 where there is no such class.
        kept: (R,) int64, index of the object in the record; -1 where it was skipped.
    """

    file: Path
    exists: bool
    box_format: BoxFormat
    places: tuple[str, ...]
    categories: tuple[str, ...]
    numbers: NDArray[np.float64]
    labels: NDArray[np.int64]
    kept: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """One labelled picture.

    Attributes:
        name: file name, unique within the data set.
        path: the picture's file; None for a picture made in memory.
        image_size: (height, width) in pixels of the picture as it is decoded, that is after its EXIF
            orientation.
        boxes: (N, 4) float32, cxcywh fractions of the picture, inside it, w and h > 0.
        labels: (N,) int64, class index.
        ignore: (N,) bool, crowd (COCO's iscrowd) or difficult (VOC).
        written: the labels as their file has them; None for a picture made in memory.
    """

    name: str
    path: Path | None
    image_size: tuple[int, int]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    ignore: NDArray[np.bool_]
    written: WrittenLabels | None = None


class DetectionDataset:
    """Labelled pictures of one split.

    Args:
        name: of the data set, for people.
        split: ``"train"``, ``"val"``, ...
        class_names: index is the label.
        records: the pictures, sorted by name.
        problems: everything found wrong in the labels of these pictures.
        note: one line that a person must know (pictures held out, pictures without a label file), or None.
        class_numbers: the numbers that stand for classes in the label files; None where they have names.
        paint: makes the picture of a record that has no file: index -> (H, W, 3) uint8 RGB.
        cache_bytes: decoded pictures are kept until this many bytes are used; those beyond it are decoded
            each time.
    """

    def __init__(
        self,
        *,
        name: str,
        split: str,
        class_names: Sequence[str],
        records: Sequence[Record],
        problems: Sequence[Problem] = (),
        note: str | None = None,
        class_numbers: Sequence[int] | None = None,
        paint: Callable[[int], NDArray[np.uint8]] | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.name = name
        self.split = split
        self.class_names = tuple(class_names)
        self.records = list(records)
        self.problems = list(problems)
        self.note = note
        self.class_numbers = None if class_numbers is None else tuple(class_numbers)
        self._paint = paint
        self._cache: dict[int, NDArray[np.uint8]] = {}
        self._cache_left = cache_bytes
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        objects = sum(len(record.labels) for record in self.records)
        size = f"{len(self)} pictures, {objects} objects, {len(self.class_names)} classes"
        return f"DetectionDataset({self.name!r}, {self.split!r}: {size})"

    def picture(self, index: int) -> NDArray[np.uint8]:
        """The picture of ``records[index]``: (H, W, 3) uint8 RGB, upright, read-only. Safe to call from
        several threads.

        Raises:
            DataError: if the file cannot be decoded, or is no longer of the recorded size.
        """
        cached = self._cache.get(index)
        if cached is not None:
            return cached
        picture = self._load(self.records[index], index)
        picture.flags.writeable = False  # shared by everyone who asks for it
        with self._lock:
            if index not in self._cache and picture.nbytes <= self._cache_left:
                self._cache[index] = picture
                self._cache_left -= picture.nbytes
        return picture

    def _load(self, record: Record, index: int) -> NDArray[np.uint8]:
        if record.path is not None:
            picture = read_picture(record.path)
        elif self._paint is not None:
            picture = self._paint(index)
        else:
            raise DataError(
                f"{record.name}: the record has no file, and the data set no way to make its picture"
            )
        if picture.shape[:2] != record.image_size:
            raise DataError(
                f"{record.path or record.name}: expected {_size(record.image_size)} as when the labels were read;"
                f" got {_size(picture.shape)}"
            )
        return picture


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Decode a picture: (H, W, 3) uint8 RGB, turned upright as its EXIF orientation says. 16-bit grey keeps
    its upper 8 bits.

    Annotation tools show pictures upright, so labels speak of the upright picture.

    Raises:
        DataError: naming the file, if it is missing or cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            turn = _UPRIGHT.get(_orientation(image))
            if image.mode.startswith("I;16"):
                rgb = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
            else:
                rgb = image.convert("RGB")
        return np.array(rgb if turn is None else rgb.transpose(turn))
    except _BROKEN_PICTURE as error:
        raise _unreadable(path, error) from error


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) of the picture as `read_picture` gives it, from the file's header alone.

    Raises:
        DataError: naming the file, if it is missing or not a picture.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            sideways = _orientation(image) >= 5
    except _BROKEN_PICTURE as error:
        raise _unreadable(path, error) from error
    return (width, height) if sideways else (height, width)


def _orientation(image: Image.Image) -> int:
    if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info:
        return 1  # getexif() would decode the whole picture in search of it
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _BROKEN_PICTURE:  # the pixels may be whole all the same
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: no such picture")
    reason = "not a picture that can be read" if isinstance(error, UnidentifiedImageError) else str(error)
    return DataError(f"{path}: cannot read the picture ({reason})")


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]} (width x height)"
