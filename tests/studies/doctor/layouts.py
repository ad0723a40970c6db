"""Right data sets whose boxes are laid out as text, people, fixed cameras and so on have them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from tests.studies.doctor.faults import Labelled, Row

Box = tuple[int, float, float, float, float]  # class, centre and size, all in the shorter side of the picture
Place = Callable[[np.random.Generator, float, float], Iterator[Box]]  # for a picture so wide and high
LAYOUT_CLASSES = ("a", "b", "c", "d")


def text_lines(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """All wide, below each other."""
    top = 0.1
    while top < height - 0.1:
        w = width * chance.uniform(0.3, 0.8)
        yield 0, 0.1 * width + w / 2, top, w, 0.05
        top += 0.12


def tall_people(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """All upright, larger the nearer they are to the bottom."""
    for _ in range(int(chance.integers(2, 7))):
        cy = height * chance.uniform(0.4, 0.65)
        h = 0.7 * (cy - 0.2 * height)
        yield 0, width * chance.uniform(0.1, 0.9), cy, 0.35 * h, h


def one_class(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """Of any shape and size, anywhere."""
    for _ in range(int(chance.integers(1, 6))):
        w, h = np.exp(chance.normal(-1.8, 0.5, 2)).clip(0.06, 0.5).tolist()
        yield 0, chance.uniform(w / 2, width - w / 2), chance.uniform(h / 2, height - h / 2), w, h


def diagonal(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """Along the falling diagonal."""
    for part in np.arange(0.12, 0.9, 0.16) + chance.uniform(0, 0.08):
        w, h = chance.uniform(0.08, 0.14), chance.uniform(0.05, 0.2)
        yield int(chance.integers(2)), part * width, part * height, w, h


def fixed_camera(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """On a road that goes from bottom left to top right: x and y are correlated, and sizes follow."""
    for _ in range(int(chance.integers(2, 6))):
        far = chance.uniform(0, 1)
        side = 0.22 - 0.15 * far
        kind = int(chance.integers(3))
        w, h = ((side, 0.7 * side), (1.3 * side, side), (0.4 * side, side))[kind]
        yield kind, (0.15 + 0.7 * far) * width + chance.normal(0, 0.02), (0.8 - 0.6 * far) * height, w, h


def two_kinds_of_pictures(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """Half of the pictures with wide boxes, half with tall ones, of the same class."""
    w, h = (0.3, 0.1) if chance.random() < 0.5 else (0.1, 0.3)
    for _ in range(int(chance.integers(2, 5))):
        yield 0, chance.uniform(w, width - w), chance.uniform(h, height - h), w, h


def few_of_another_kind(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """In every eighth picture the objects lie, in the others they stand."""
    w, h = (0.35, 0.12) if chance.random() < 0.125 else (0.12, 0.35)
    for _ in range(int(chance.integers(1, 5))):
        yield 0, chance.uniform(w, width - w), chance.uniform(h, height - h), w, h


def day_and_night(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """Classes 0 and 2 in some pictures, the same objects as 1 and 3 in others."""
    night = int(chance.random() < 0.5)
    for _ in range(int(chance.integers(2, 5))):
        if chance.random() < 0.5:
            yield night, chance.uniform(0.1, width - 0.1), chance.uniform(0.2, height - 0.2), 0.1, 0.3
        else:
            yield 2 + night, chance.uniform(0.2, width - 0.2), chance.uniform(0.1, height - 0.1), 0.3, 0.15


def shelf(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """Rows and columns of boxes of the same size."""
    side = chance.uniform(0.08, 0.14)
    for x in np.arange(0.15, width - 0.1, 0.2):
        for y in np.arange(0.2, height - 0.15, 0.3):
            yield int(chance.integers(4)), x, y, side, 1.5 * side


LAYOUTS: tuple[Place, ...] = (
    text_lines, tall_people, one_class, diagonal, fixed_camera, two_kinds_of_pictures, few_of_another_kind,
    day_and_night, shelf,
)  # fmt: skip
SIZES = ((200, 140), (150, 150), (135, 180))


def painted_layout(
    folder: Path, place: Place, size: tuple[int, int], *, visible: bool = True, count: int = 40, seed: int = 0
) -> list[Labelled]:
    """Pictures of such boxes on a mottled ground; if they are not ``visible``, of the ground alone."""
    folder.mkdir(parents=True)
    chance, (width, height), unit, made = np.random.default_rng(seed), size, min(size), []
    for index in range(count):
        ground = Image.fromarray(chance.integers(40, 210, (height, width, 3)).astype(np.uint8))
        canvas = ground.filter(ImageFilter.GaussianBlur(2))
        pen, rows = ImageDraw.Draw(canvas), list[Row]()
        for label, cx, cy, w, h in place(chance, width / unit, height / unit):
            x, y = (
                np.clip([cx - w / 2, cx + w / 2], 0, width / unit),
                np.clip([cy - h / 2, cy + h / 2], 0, height / unit),
            )
            left, right, top, bottom = (round(float(value) * unit) for value in (*x, *y))
            if right - left < 4 or bottom - top < 4:
                continue
            if visible:
                colour = tuple(chance.integers(0, 255, 3).tolist())
                draw = pen.rectangle if label % 2 == 0 else pen.ellipse
                draw((left, top, right - 1, bottom - 1), fill=colour)
            box = (
                (left + right) / 2 / width,
                (top + bottom) / 2 / height,
                (right - left) / width,
                (bottom - top) / height,
            )
            rows.append((label, *box))
        file = folder / f"{index:03d}.png"
        canvas.save(file, compress_level=1)
        made.append(Labelled(file, size, rows))
    return made
