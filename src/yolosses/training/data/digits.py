"""Scenes of real handwritten digits on textured backgrounds: the embedded data set, made on the fly and the
same every time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from yolosses.training.data.dataset import DetectionDataset, Record
from yolosses.training.data.problems import DataError

DIGITS_SPLITS = ("train", "val", "test")
DIGITS_COUNTS = {"train": 4000, "val": 500, "test": 500}

_SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}  # of the handwritten digits
_SHUFFLE_SEED = (
    20160509  # which digit goes to which split: part of the data set's definition, whatever the scenes' seed
)
_MOST_DIGITS = 7
_LONG_SIDE = (18.0, 60.0)  # pixels
_LEAST_SIDE = 8  # pixels: a 1 is narrow
_MOST_OVERLAP = 0.12  # of the smaller box
_MASTER = 96  # pixels a side of an enlarged 8x8 digit, with its margin
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

_LAYOUT, _PAINT = 0, 1  # separate random streams, so that the look can change without moving a box


@dataclass(frozen=True, kw_only=True, eq=False)
class _Glyph:
    """One handwritten digit, enlarged and cut to its ink."""

    label: int
    ink: Image.Image  # "L", 255 where there is ink

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.ink.width / self.ink.height


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A digit in a scene: index of the handwritten digit, and its box in whole pixels."""

    glyph: int
    left: int
    top: int
    width: int
    height: int


def digit_scenes(
    split: str, *, count: int | None = None, image_size: tuple[int, int] = (128, 128), seed: int = 0
) -> DetectionDataset:
    """Scenes of 1 to 7 handwritten digits (scikit-learn's ``load_digits``), 18 to 60 pixels long, boxes tight
    around the ink.

    A scene depends on ``(seed, split, index)`` alone. The handwritten digits of train, val and test are
    different ones.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``.
        count: number of scenes; ``None``: 4000 for train, 500 for val and test.
        image_size: (height, width) in pixels, each at least 64.
        seed: of the scenes.

    Raises:
        DataError: if an argument is out of range, or scikit-learn is not installed.
    """
    if split not in DIGITS_SPLITS:
        raise DataError(f"split: expected one of {', '.join(DIGITS_SPLITS)}; got {split!r}")
    count = DIGITS_COUNTS[split] if count is None else count
    if count < 1:
        raise DataError(f"count: expected at least 1; got {count}")
    if min(image_size) < 64:
        raise DataError(f"image_size: expected (height, width), each at least 64; got {image_size}")
    if seed < 0:
        raise DataError(f"seed: expected 0 or more; got {seed}")
    return DetectionDataset(
        name="digits",
        split=split,
        class_names=tuple("0123456789"),
        records=[_record(split, index, image_size, seed) for index in range(count)],
        paint=partial(_paint, split, image_size, seed),
    )


def digit_pool(split: str) -> NDArray[np.int64]:
    """Which of the 1797 digits of ``load_digits`` (by index) the scenes of a split are made of. The splits
    share none.
    """
    total = len(_glyphs())
    order = np.random.default_rng(_SHUFFLE_SEED).permutation(total)
    ends = np.cumsum([round(_SHARES[name] * total) for name in DIGITS_SPLITS[:-1]])
    return np.sort(np.split(order, ends)[DIGITS_SPLITS.index(split)])


def _rng(split: str, index: int, seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, DIGITS_SPLITS.index(split), index, stream]))


@lru_cache(maxsize=1)
def _glyphs() -> tuple[_Glyph, ...]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            'the digits come from scikit-learn, which is not installed: pip install "yolosses[demo]"'
        ) from error
    data = load_digits()
    return tuple(_glyph(int(label), cells) for label, cells in zip(data.target, data.images, strict=True))


def _glyph(label: int, cells: NDArray[np.float64]) -> _Glyph:
    """From 8x8 cells of 0..16: enlarged smoothly, then hardened to the edge of a pen stroke."""
    framed = np.pad(cells / 16.0, 2).astype(np.float32)
    large = np.asarray(Image.fromarray(framed).resize((_MASTER, _MASTER), Image.Resampling.BICUBIC))
    ramp = np.clip((large - 0.3) / 0.36, 0, 1)
    ink = ramp * ramp * (3 - 2 * ramp)
    rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
    tight = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Glyph(label=label, ink=Image.fromarray(np.round(tight * 255).astype(np.uint8)))


@lru_cache(maxsize=len(DIGITS_SPLITS))
def _pool(split: str) -> tuple[int, ...]:
    return tuple(digit_pool(split).tolist())


def _layout(split: str, index: int, image_size: tuple[int, int], seed: int) -> list[_Placed]:
    """Where the digits of a scene are: what finds no room after some tries is left out, the first always
    fits.
    """
    rng = _rng(split, index, seed, _LAYOUT)
    pool, glyphs = _pool(split), _glyphs()
    longest = min(_LONG_SIDE[1], 0.9 * min(image_size))
    placed: list[_Placed] = []
    for _ in range(int(rng.integers(1, _MOST_DIGITS + 1))):
        glyph = pool[int(rng.integers(len(pool)))]
        long_side = math.exp(rng.uniform(math.log(_LONG_SIDE[0]), math.log(longest)))
        aspect = glyphs[glyph].aspect * math.exp(rng.uniform(-0.15, 0.15))
        width = max(_LEAST_SIDE, round(long_side * min(1.0, aspect)))
        height = max(_LEAST_SIDE, round(long_side / max(1.0, aspect)))
        for across, down in rng.random((12, 2)).tolist():
            left, top = int(across * (image_size[1] - width + 1)), int(down * (image_size[0] - height + 1))
            candidate = _Placed(glyph=glyph, left=left, top=top, width=width, height=height)
            if all(_overlap(candidate, other) <= _MOST_OVERLAP for other in placed):
                placed.append(candidate)
                break
    return placed


def _overlap(a: _Placed, b: _Placed) -> float:
    """Intersection over the smaller box."""
    across = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    down = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    return max(across, 0) * max(down, 0) / min(a.width * a.height, b.width * b.height)


def _record(split: str, index: int, image_size: tuple[int, int], seed: int) -> Record:
    placed = _layout(split, index, image_size, seed)
    height, width = image_size
    boxes = [
        ((p.left + p.width / 2) / width, (p.top + p.height / 2) / height, p.width / width, p.height / height)
        for p in placed
    ]
    glyphs = _glyphs()
    return Record(
        name=f"{split}-{index:05d}.png",
        path=None,
        image_size=image_size,
        boxes=np.array(boxes, np.float32),
        labels=np.array([glyphs[p.glyph].label for p in placed], np.int64),
        ignore=np.zeros(len(placed), np.bool_),
    )


def _paint(split: str, image_size: tuple[int, int], seed: int, index: int) -> NDArray[np.uint8]:
    rng = _rng(split, index, seed, _PAINT)
    dark = bool(rng.random() < 0.5)
    canvas = _background(rng, image_size, dark)
    glyphs = _glyphs()
    for p in _layout(split, index, image_size, seed):
        ink = np.asarray(
            glyphs[p.glyph].ink.resize((p.width, p.height), Image.Resampling.BILINEAR), np.float32
        )
        under = canvas[:, p.top : p.top + p.height, p.left : p.left + p.width]
        colour = _ink_colour(rng, under.mean((1, 2)), dark)
        under += ink * np.float32(rng.uniform(0.85, 1.0) / 255) * (colour[:, None, None] - under)
    canvas += rng.integers(-6, 7, size=image_size, dtype=np.int8)  # grain
    np.clip(canvas, 0, 255, out=canvas)
    return np.ascontiguousarray(canvas.astype(np.uint8).transpose(1, 2, 0))


def _background(rng: np.random.Generator, image_size: tuple[int, int], dark: bool) -> NDArray[np.float32]:
    """Drifting colours under waves, a weave, blotches or fibres. (3, H, W) in about 0..255."""
    height, width = image_size
    saturation, value = ((0.2, 0.6), (0.10, 0.34)) if dark else ((0.04, 0.34), (0.78, 0.98))
    base = _colour(rng, saturation=saturation, value=value)
    patches = base + rng.uniform(-20, 20, size=(int(rng.integers(2, 6)), int(rng.integers(2, 6)), 3))
    small = Image.fromarray(np.clip(patches, 0, 255).astype(np.uint8))
    drift = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    canvas = drift.transpose(2, 0, 1).astype(np.float32, order="C")
    canvas += np.float32(rng.uniform(5, 18)) * _texture(rng, height, width)
    return canvas


def _texture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """(H, W) in about -1..1."""
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    match int(rng.integers(4)):
        case 0:  # waves
            angle, turn, phase = (
                rng.uniform(0, math.pi),
                2 * math.pi / rng.uniform(7, 30),
                rng.uniform(0, 2 * math.pi),
            )
            down, across = np.float32(turn * math.sin(angle)), np.float32(turn * math.cos(angle))
            waves: NDArray[np.float32] = np.sin(rows * down + (columns * across + np.float32(phase)))
            return waves
        case 1:  # weave
            turn = 2 * math.pi / rng.uniform(4, 14)
            weave: NDArray[np.float32] = np.sin(rows * np.float32(turn)) * np.sin(columns * np.float32(turn))
            return weave
        case 2:  # blotches
            cells = rng.integers(0, 256, size=(height // 8, width // 8), dtype=np.uint8)
        case _:  # fibres, as in paper
            cells = rng.integers(0, 256, size=(height // 2, width // 16), dtype=np.uint8)
    smooth = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float32) / np.float32(127.5) - np.float32(1)


def _ink_colour(rng: np.random.Generator, ground: NDArray[np.float32], dark: bool) -> NDArray[np.float32]:
    """A colour that stands out by brightness from the ground it is painted on, a colour as well."""
    saturation, value = ((0.1, 0.7), (0.75, 1.0)) if dark else ((0.3, 0.95), (0.1, 0.55))
    colour = _colour(rng, saturation=saturation, value=value)
    contrast = rng.uniform(97, 190) if dark else -rng.uniform(97, 190)
    lack = float(np.dot(ground - colour, _LUMA)) + contrast
    if (lack > 0) == dark:  # not enough of it: the whole colour is moved
        colour = np.clip(colour + np.float32(lack), 0, 255)
    return colour


def _colour(
    rng: np.random.Generator, *, saturation: tuple[float, float], value: tuple[float, float]
) -> NDArray[np.float32]:
    """(3,) RGB in 0..255, of any hue."""
    hue, s, v = rng.uniform(0, 6), rng.uniform(*saturation), rng.uniform(*value)
    distances = [(n + hue) % 6 for n in (5, 3, 1)]
    return np.array([255 * v * (1 - s * max(0.0, min(k, 4 - k, 1.0))) for k in distances], np.float32)
