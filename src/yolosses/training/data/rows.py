"""One row of a YOLO label file: a box, or a polygon, rotated box or keypoints with the box around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

Shape = Literal["box", "polygon", "keypoints", "sixth"]

_MOST_CONFIDENCE = 1.05  # some detectors are surer than sure
_TWO_PI = 2 * math.pi


class Row(NamedTuple):
    """A row as written.

    ``numbers``: (cx, cy, w, h) of its box, of the box around its polygon, or of the rotated box before it is turned.
    ``sixth``: the value after a box, if there is one: a confidence, an angle or the number of a track.
    """

    category: str
    numbers: tuple[float, float, float, float]
    shape: Shape
    sixth: float = 0.0


def parse_row(line: str, keypoint_values: int | None = None) -> Row | str:
    """A row of a label file, or the reason why it is none.

    - 5 values: ``class cx cy w h``
    - 6 values: the same with a confidence, an angle or the number of a track after it
    - 7 values of which the last is a whole number: a box with a confidence and the number of a track
    - 7, 9, 11, ... values: ``class x1 y1 x2 y2 ...``, the corners of a polygon or of a rotated box
    - 8, 11, 14, ... values of which each third is 0, 1 or 2: a box with keypoints and how visible they are

    Args:
        line: not blank.
        keypoint_values: how many values of keypoints follow a box, where the data set says so (``kpt_shape``).
    """
    words = line.split()
    if "," in line:
        between = [word.strip() for word in line.split(",")]
        if all(len(word.split()) == 1 for word in between):
            words = between
    count = len(words)
    if count < 5 or (count % 2 == 0 and count != 6 and (count - 5) % 3 and count - 5 != keypoint_values):
        return f"expected 5 values (class cx cy w h); got {count}: {line.strip()[:60]!r}"
    # Python's own reading of numbers takes 1_0 and digits of other scripts as well.
    plain = line.isascii() and "_" not in line
    try:
        values = [float(word) for word in words[1:]]
    except ValueError:
        plain = False
    if not plain:
        wrong = next((i for i, word in enumerate(words[1:]) if not _is_number(word)), None)
        if wrong is not None:
            place = ("cx", "cy", "w", "h")[wrong] if count == 5 else f"value {wrong + 2}"
            return f"{place} is not a number: {words[wrong + 1][:40]!r}"
        values = [float(word) for word in words[1:]]
    if count == 5:
        return Row(words[0], _first_four(values), "box")
    if count == 6:
        return Row(words[0], _first_four(values), "sixth", values[4])
    if count == 7 and _is_tracked(words, values):
        return Row(words[0], _first_four(values), "sixth", values[4])
    if count - 5 == keypoint_values or _has_keypoints(values):
        return Row(words[0], _first_four(values), "keypoints")
    if count % 2 == 0:
        return f"expected 5 values (class cx cy w h); got {count}: {line.strip()[:60]!r}"
    return Row(words[0], _around(values[::2], values[1::2]), "polygon")


def turned_box(
    numbers: tuple[float, float, float, float], angle: float, image_size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The box around a rotated box: ``angle`` in radians, turned in pixels, given and returned in fractions of the
    picture of ``image_size`` (height, width)."""
    height, width = image_size
    cx, cy, w, h = numbers
    cosine, sine = abs(math.cos(angle)), abs(math.sin(angle))
    return cx, cy, w * cosine + h * sine * height / width, w * sine * width / height + h * cosine


def meaning_of(sixths: Sequence[Sequence[float]]) -> Literal["confidence", "track", "radians", "degrees"]:
    """What the sixth values of a data set are, given those of each file.

    Values within 0..1 are confidences. Whole numbers from 1 on, none twice in a file, are those of tracks. Others are
    angles, beyond a circle in degrees.
    """
    finite = [value for values in sixths for value in values if math.isfinite(value)]
    if all(0 <= value <= _MOST_CONFIDENCE for value in finite):
        return "confidence"
    differ = all(len(set(values)) == len(values) for values in sixths)
    if min(finite) == 1 and differ and all(value.is_integer() for value in finite):
        return "track"
    return "radians" if all(abs(value) <= _TWO_PI for value in finite) else "degrees"


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return word.isascii() and "_" not in word


def _is_tracked(words: Sequence[str], values: Sequence[float]) -> bool:
    """Whether a box in the picture is followed by a confidence and a whole number, as trackers write."""
    cx, cy, w, h, confidence, _ = values
    inside = w > 0 and h > 0 and all(c - s / 2 >= -0.01 and c + s / 2 <= 1.01 for c, s in ((cx, w), (cy, h)))
    return inside and 0 <= confidence <= 1 and words[6].isdecimal()


def _has_keypoints(values: Sequence[float]) -> bool:
    """Whether a box is followed by points with a visibility of 0, 1 or 2: those of 0 at the origin, the others, at
    least one, inside the box."""
    rest = values[4:]
    if len(rest) % 3:
        return False
    cx, cy, w, h = values[:4]
    points = list(zip(rest[::3], rest[1::3], rest[2::3], strict=True))
    slack = 0.05
    return any(seen for _, _, seen in points) and all(
        (x == y == 0)
        if seen == 0
        else seen in (1, 2) and abs(x - cx) <= w / 2 + slack and abs(y - cy) <= h / 2 + slack
        for x, y, seen in points
    )


def _around(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float, float]:
    if not all(map(math.isfinite, (*xs, *ys))):
        return math.nan, math.nan, math.nan, math.nan
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _first_four(values: Sequence[float]) -> tuple[float, float, float, float]:
    cx, cy, w, h = values[:4]
    return cx, cy, w, h
