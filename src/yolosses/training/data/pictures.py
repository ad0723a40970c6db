"""Picture files: their size from the header, their pixels, and what is wrong with those that cannot be read."""

from __future__ import annotations

import os
import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from yolosses.training.data.problems import DataError

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".gif"}
    | {".jp2", ".mpo", ".avif"}
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
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
    Image.DecompressionBombError,
)
# Files that are often found under the name of a picture, by how they begin.
_NO_PICTURES = (
    (b"version https://git-lfs", "a Git LFS pointer, not the picture; git lfs pull fetches it"),
    (b"\x00\x05\x16\x07", "a macOS resource fork, not a picture"),
    (b"<!doctype", "an html page, not a picture"),
    (b"<html", "an html page, not a picture"),
    (b"<?xml", "an xml file, not a picture"),
    (b"{", "a json file, not a picture"),
)
_END_WITHIN = 1024  # bytes: where a whole JPEG, PNG or GIF ends

# A photo of 100 megapixels is no attack, and Pillow's other warnings name no file. What matters becomes a problem.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\..*")


class PictureSize(NamedTuple):
    """(height, width) in pixels of the upright picture."""

    height: int
    width: int


def read_picture(path: Path, *, least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Decode a picture: (H, W, 3) uint8 RGB, turned upright as its EXIF orientation says. Annotation tools show
    pictures upright, so labels speak of the upright picture.

    16-bit grey keeps its upper 8 bits. Floats and 32-bit integers are scaled by the range that they use: 0..1, 0..255
    or 0..65535.

    Args:
        least: (height, width); a picture of which an eighth, a quarter or a half of both sides is still at least this
            is decoded at that size. None: at full size.

    Raises:
        DataError: naming the file, if it is missing or cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            return _decoded(image, least)
    except _BROKEN_PICTURE as error:
        raise _unreadable(path, error) from error


def decode_picture(
    content: bytes, *, formats: tuple[str, ...], most_pixels: int, least: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """`read_picture` of a picture that nobody vouches for: only some formats, and no more than so many pixels, which is
    known before any of them is decoded. Of an animation the first picture.

    Args:
        formats: Pillow's names. Some of its formats start other programs.

    Raises:
        DataError: what is wrong.
    """
    try:
        with Image.open(BytesIO(content), formats=formats) as image:
            size = f"{image.width}x{image.height} (width x height)"
            if image.width * image.height <= most_pixels:
                return _decoded(image, least)
    except _BROKEN_PICTURE as error:
        reason = _reason_of(content[:64], error)
        raise DataError(f"picture: expected {', '.join(formats[:-1])} or {formats[-1]}; {reason}") from error
    raise DataError(f"picture: expected at most {most_pixels:,} pixels; got {size}")


def _decoded(image: Image.Image, least: tuple[int, int] | None) -> NDArray[np.uint8]:
    turn = _UPRIGHT.get(_orientation(image))
    size = PictureSize(image.height, image.width)
    factor = _reduction(size if turn is None else _turned(size, turn), least)
    if factor > 1:  # a JPEG is decoded at the smaller size, which takes a fraction of the time
        image.draft("RGB", (size.width // factor, size.height // factor))
    rgb = _as_rgb(image)
    rest = round(factor * rgb.width / size.width)
    rgb = rgb.reduce(rest) if rest > 1 else rgb
    return np.array(rgb if turn is None else rgb.transpose(turn))


def picture_size(path: Path) -> PictureSize:
    """Size of the picture as `read_picture` gives it, from the file's header.

    A file that ends too early is decoded, to be sure: not all that follows the end of a picture is harmful.

    Raises:
        DataError: naming the file, if it is missing, not a picture, or not whole.
    """
    try:
        with path.open("rb") as file, Image.open(file) as image:
            width, height = image.size
            sideways = _orientation(image) >= 5
            if not _ends_well(file, image.format):
                file.seek(0)
                with Image.open(file) as again:
                    again.load()
    except _BROKEN_PICTURE as error:
        raise _unreadable(path, error) from error
    return PictureSize(width, height) if sideways else PictureSize(height, width)


def reduced_size(size: tuple[int, int], least: tuple[int, int] | None) -> PictureSize:
    """Size at which `read_picture` gives a picture of ``size`` (height, width)."""
    factor = _reduction(PictureSize(*size), least)
    return PictureSize(*(-(-side // factor) for side in size))


def is_turned(path: Path) -> bool:
    """Whether the EXIF orientation of a picture says that it is stored turned or mirrored."""
    try:
        with Image.open(path) as image:
            value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _BROKEN_PICTURE:
        return False
    return value in _UPRIGHT


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info:
        return 1  # getexif() would decode the whole picture in search of it
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _BROKEN_PICTURE:  # the pixels may be whole all the same
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _turned(size: PictureSize, turn: Image.Transpose) -> PictureSize:
    sideways = [_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)]
    return PictureSize(size.width, size.height) if turn in sideways else size


def _reduction(size: PictureSize, least: tuple[int, int] | None) -> int:
    if least is None:
        return 1
    fits = [f for f in (8, 4, 2) if size.height // f >= least[0] and size.width // f >= least[1]]
    return fits[0] if fits else 1


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):  # Pillow would cut these at 255
        return Image.fromarray(_as_bytes(np.asarray(image, np.float64))).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _as_bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if low < 0:  # no range of pixels: all that is there is shown
        finite, high = finite - low, high - low
    whole = 1.0 if high <= 1 else 255.0 if high <= 255 else 65535.0 if high <= 65535 else high
    return np.asarray((finite * (255.0 / whole)).round().clip(0, 255), np.uint8)


def _ends_well(file: BinaryIO, kind: str | None) -> bool:
    """Whether a file has its format's end, for the formats that have one."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - _END_WITHIN))
    tail = file.read()
    file.seek(0)
    head = file.read(16)
    match kind:
        case "JPEG" | "MPO":
            return b"\xff\xd9" in tail
        case "PNG":
            return b"IEND" in tail
        case "GIF":
            return tail.endswith(b"\x3b")
        case "WEBP":
            return length >= 8 + int.from_bytes(head[4:8], "little")
        case "BMP":
            return length >= int.from_bytes(head[2:6], "little")
    return True


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: no such picture")
    return DataError(f"{path}: cannot read the picture ({_reason(path, error)})")


def _reason(path: Path, error: Exception) -> str:
    """What a file is that Pillow cannot read."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except (OSError, ValueError) as problem:
        return str(problem)
    return _reason_of(head, error).replace(os.fspath(path), "it")


def _reason_of(head: bytes, error: Exception) -> str:
    if not head:
        return "the file is empty"
    begins = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, what in _NO_PICTURES:
        if begins.startswith(signature):
            return what
    if isinstance(error, UnidentifiedImageError):
        return "not a picture that can be read"
    if isinstance(error, Image.DecompressionBombError):
        return "it claims more pixels than can be decoded safely"
    return " ".join(str(error).split()) or type(error).__name__
