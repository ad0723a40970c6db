"""From a picture to the network's input: one map, one resampling, and the boxes through the same map.

The map takes each axis by itself (crop, enlarge, shift, mirror), so it is exact on boxes. A rectangle of
whole source pixels is resampled
to a rectangle of whole input pixels, and the map is defined by these two: what is rounded is the random crop,
    never a box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

Fit = Literal["stretch", "letterbox"]

LEAST_VISIBLE_SHARE = 0.2
LEAST_VISIBLE_PIXELS = 2.0
PADDING = 114 / 255  # grey around the picture
MOST_HUE = 1 / 6  # of the circle

_BLOCK = 16384  # pixels: what is worked on stays in the processor's cache


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How training pictures vary. The defaults are the paper's: crop of up to 20 %, exposure and saturation
    by up to 1.5, and Darknet's hue.

    Attributes:
        flip: probability of a mirror image, left to right.
        vertical_flip: probability of one upside down.
        jitter: each of the four sides of the picture moves in or out by up to this share of it, independently
            (scale and translation in one).
        saturation: HSV saturation is multiplied by a factor between 1 and this, or divided by it, with equal
            chance.
        exposure: the same for HSV value.
        hue: HSV hue is turned by up to this share of the circle, either way.
        mosaic: probability that an image is made of four pictures (Bochkovskiy et al. 2020, YOLOv4).
        mosaic_scale: within a mosaic a picture has the size that it has alone, times 1 less or more up to this.

    Raises:
        ValueError: if a value is out of range.
    """

    flip: float = 0.5
    vertical_flip: float = 0.0
    jitter: float = 0.2
    mosaic: float = 0.0
    mosaic_scale: float = 0.5
    saturation: float = 1.5
    exposure: float = 1.5
    hue: float = 0.1

    def settled(self) -> Augmentation:
        """Without ``jitter`` and ``mosaic``: pictures keep their place and size."""
        return replace(self, jitter=0.0, mosaic=0.0)

    def __post_init__(self) -> None:
        bounds = {
            "flip": (0.0, 1.0),
            "vertical_flip": (0.0, 1.0),
            "jitter": (0.0, 0.4),
            "mosaic": (0.0, 1.0),
            "mosaic_scale": (0.0, 0.9),
            "saturation": (1.0, 10.0),
            "exposure": (1.0, 10.0),
            "hue": (0.0, MOST_HUE),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: expected {low} <= {name} <= {high}; got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The map along one axis: source pixels ``[source[0], source[1])`` go to input pixels ``[target[0],
    target[1])``, perhaps mirrored.

    ``source_length`` and ``target_length`` are the sizes of the picture and of the input along the axis.
    """

    source_length: int
    target_length: int
    source: tuple[int, int]
    target: tuple[int, int]
    mirrored: bool = False

    @property
    def scale(self) -> float:
        """Input fractions per picture fraction; negative if mirrored."""
        span = (self.target[1] - self.target[0]) / self.target_length
        scale = span * self.source_length / (self.source[1] - self.source[0])
        return -scale if self.mirrored else scale

    @property
    def shift(self) -> float:
        """Where the picture's zero edge comes to lie, as a fraction of the input."""
        start = self.target[1] if self.mirrored else self.target[0]
        return start / self.target_length - self.scale * self.source[0] / self.source_length


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """How a picture lies in the network's input. Both maps take (..., 4) cxcywh boxes as fractions and clip
    nothing.
    """

    y: Axis
    x: Axis

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the network's input in pixels."""
        return self.y.target_length, self.x.target_length

    @property
    def picture_size(self) -> tuple[int, int]:
        """(height, width) of the picture in pixels."""
        return self.y.source_length, self.x.source_length

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3): takes ``(x, y, 1)`` in fractions of the picture to fractions of the input."""
        return np.array([[self.x.scale, 0.0, self.x.shift], [0.0, self.y.scale, self.y.shift]])

    def to_input(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Fractions of the picture -> fractions of the input."""
        scale = np.array([self.x.scale, self.y.scale])
        shift = np.array([self.x.shift, self.y.shift])
        return _joined(boxes[..., :2] * scale + shift, boxes[..., 2:] * abs(scale))

    def to_picture(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Fractions of the input -> fractions of the picture: the inverse of `to_input`."""
        scale = np.array([self.x.scale, self.y.scale])
        shift = np.array([self.x.shift, self.y.shift])
        return _joined((boxes[..., :2] - shift) / scale, boxes[..., 2:] / abs(scale))


def plain_geometry(
    picture_size: tuple[int, int], image_size: tuple[int, int], fit: Fit = "stretch"
) -> Geometry:
    """The whole picture in the input, nothing random: for evaluation and prediction.

    Args:
        picture_size: (height, width) in pixels.
        image_size: (height, width) of the input in pixels.
        fit: ``"stretch"`` fills the input, as the paper and Darknet do; ``"letterbox"`` keeps the aspect,
            with grey bars on both sides.
    """
    windows = _windows(picture_size, image_size, fit)
    y, x = (
        _axis(window, size, length)
        for window, size, length in zip(windows, picture_size, image_size, strict=True)
    )
    return Geometry(y=y, x=x)


def random_geometry(
    picture_size: tuple[int, int],
    image_size: tuple[int, int],
    fit: Fit,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> Geometry:
    """`plain_geometry` with its four sides moved by up to ``jitter`` of the picture's own size, and perhaps
    mirrored.
    """
    moves = rng.uniform(-augmentation.jitter, augmentation.jitter, size=(2, 2)).tolist()
    mirrors = (rng.random(2) < (augmentation.vertical_flip, augmentation.flip)).tolist()
    y, x = (
        _axis((window[0] + move[0] * size, window[1] + move[1] * size), size, length, mirrored=mirrored)
        for window, size, length, move, mirrored in zip(
            _windows(picture_size, image_size, fit), picture_size, image_size, moves, mirrors, strict=True
        )
    )
    return Geometry(y=y, x=x)


def mosaic_geometries(
    picture_sizes: Sequence[tuple[int, int]],
    image_size: tuple[int, int],
    fit: Fit,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[Geometry, ...]:
    """Four pictures around a random point of the input: the first above and left of it, then above and right, below and
    left, below and right. Each begins at the point and is cut where its part of the input ends.

    A picture has the size that `plain_geometry` gives it, times a random factor within ``mosaic_scale``, and each axis
    times one more within half of ``jitter``.

    Args:
        picture_sizes: (height, width) of four pictures.
    """
    centre = [round(part * length) for part, length in zip(rng.uniform(0.2, 0.8, 2), image_size, strict=True)]
    geometries = []
    for corner, size in enumerate(picture_sizes):
        grow = rng.uniform(1 - augmentation.mosaic_scale, 1 + augmentation.mosaic_scale)
        change = rng.uniform(1 - augmentation.jitter / 2, 1 + augmentation.jitter / 2, 2)
        mirrors = (rng.random(2) < (augmentation.vertical_flip, augmentation.flip)).tolist()
        windows = _windows(size, image_size, fit)
        y, x = (
            _tile(
                size[axis],
                image_size[axis],
                grow * change[axis] * image_size[axis] / (windows[axis][1] - windows[axis][0]),
                centre=centre[axis],
                before=corner < 2 if axis == 0 else corner % 2 == 0,
                mirrored=mirrors[axis],
            )
            for axis in (0, 1)
        )
        geometries.append(Geometry(y=y, x=x))
    return tuple(geometries)


def _tile(size: int, length: int, per_pixel: float, *, centre: int, before: bool, mirrored: bool) -> Axis:
    """A picture of ``size`` pixels, each ``per_pixel`` long in the input, that ends at the centre or begins there."""
    shown = max(min(round(size * per_pixel), centre if before else length - centre), 1)
    used = min(max(round(shown / per_pixel), 1), size)
    at_end = before != mirrored  # which end of the picture lies at the centre
    return Axis(
        source_length=size,
        target_length=length,
        source=(size - used, size) if at_end else (0, used),
        target=(centre - shown, centre) if before else (centre, centre + shown),
        mirrored=mirrored,
    )


def warp(picture: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.float32]:
    """Resample a picture to the network's input, antialiased: (H, W, 3) uint8 -> (3, height, width) float32
    in 0..1, grey around the picture.

    Raises:
        ValueError: if the picture is not of the geometry's size.
    """
    return mosaic([picture], [geometry])


def mosaic(pictures: Sequence[NDArray[np.uint8]], geometries: Sequence[Geometry]) -> NDArray[np.float32]:
    """`warp` of several pictures into one image, grey where none lies."""
    y, x = geometries[0].y, geometries[0].x
    whole = (y.target, x.target) == ((0, y.target_length), (0, x.target_length))
    fresh = np.empty if whole and len(pictures) == 1 else partial(np.full, fill_value=PADDING)
    image: NDArray[np.float32] = fresh((3, *geometries[0].image_size), dtype=np.float32)
    for picture, geometry in zip(pictures, geometries, strict=True):
        _draw(picture, geometry, image)
    return image


def _draw(picture: NDArray[np.uint8], geometry: Geometry, image: NDArray[np.float32]) -> None:
    if picture.shape != (*geometry.picture_size, 3) or picture.dtype != np.uint8:
        raise ValueError(
            f"picture: expected uint8 {(*geometry.picture_size, 3)}; got {picture.dtype} {picture.shape}"
        )
    y, x = geometry.y, geometry.x
    part = picture[y.source[0] : y.source[1], x.source[0] : x.source[1]]
    size = (y.target[1] - y.target[0], x.target[1] - x.target[0])
    if size != part.shape[:2]:
        part = _resized(part, size)
    channels = part.transpose(2, 0, 1)[:, :: -1 if y.mirrored else 1, :: -1 if x.mirrored else 1]
    np.divide(channels, np.float32(255), out=image[:, y.target[0] : y.target[1], x.target[0] : x.target[1]])


def visible_boxes(
    boxes: NDArray[np.float32], geometry: Geometry
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Boxes of a picture in the input, cut to the part of it that the picture fills, and which of them are still worth
    calling an object.

    A box that is cut counts as gone if less than 20 % of its area or less than 2 pixels of its width or
    height remain; one that lies wholly inside always stays.

    Args:
        boxes: (N, 4) float32 cxcywh fractions of the picture.

    Returns:
        (M, 4) float32 cxcywh fractions of the input, and (N,) bool with M True.
    """
    moved = geometry.to_input(boxes).astype(np.float64)
    low, high = moved[:, :2] - moved[:, 2:] / 2, moved[:, :2] + moved[:, 2:] / 2
    start, end = (
        np.array([geometry.x.target[k], geometry.y.target[k]]) / geometry.image_size[::-1] for k in (0, 1)
    )
    inside_low, inside_high = np.clip(low, start, end), np.clip(high, start, end)
    sides = inside_high - inside_low
    share = sides.prod(1) / moved[:, 2:].prod(1)
    pixels = (sides * geometry.image_size[::-1]).min(1)
    cut = share < 1 - 1e-5
    keep = ~cut | ((share >= LEAST_VISIBLE_SHARE) & (pixels >= LEAST_VISIBLE_PIXELS))
    return _joined((inside_low + inside_high)[keep] / 2, sides[keep]), keep


def jitter_colours(
    image: NDArray[np.float32], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Turn the hue and scale saturation and value of an image at random, see `adjust_colours`. Draws the same
    random numbers whatever the ranges.
    """
    turn = rng.uniform(-1, 1) * augmentation.hue
    saturation = _factor(augmentation.saturation, rng)
    exposure = _factor(augmentation.exposure, rng)
    if turn == 0 and saturation == 1 and exposure == 1:
        return image
    return adjust_colours(image, hue=turn, saturation=saturation, exposure=exposure)


def adjust_colours(
    image: NDArray[np.float32], *, hue: float = 0.0, saturation: float = 1.0, exposure: float = 1.0
) -> NDArray[np.float32]:
    """Change hue, saturation and value of HSV, exactly, without rounding to 8 bits in between.

    With value V (largest channel), chroma c (largest less smallest) and hue h in sixths of the circle, a
    channel is V - c f, where f is 0 within a sixth of the channel's own hue, 1 beyond two sixths, and linear
    between. So only h, V and c have to be changed.

    Args:
        image: (3, H, W) float32 in 0..1.
        hue: share of the circle that is added to the hue, -1/6..1/6.
        saturation: factor; the result is limited to 1.
        exposure: factor of the value; the result is limited to 1.

    Returns:
        A new image of the same kind.

    Raises:
        ValueError: if ``hue`` is out of range.
    """
    if not abs(hue) <= MOST_HUE:
        raise ValueError(f"hue: expected -1/6..1/6 of the circle; got {hue!r}")
    out = np.empty_like(image, order="C")
    source, target = image.reshape(3, -1), out.reshape(3, -1)
    for start in range(0, source.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        _adjust_block(source[:, block], target[:, block], hue=hue, saturation=saturation, exposure=exposure)
    return out


def _adjust_block(
    image: NDArray[np.float32], out: NDArray[np.float32], *, hue: float, saturation: float, exposure: float
) -> None:
    """`adjust_colours` of (3, n) pixels. In place wherever possible: the arithmetic is cheap, the memory is
    not.
    """
    zero, one, least = np.float32(0), np.float32(1), np.float32(1e-6)
    red, green, blue = image
    value = np.maximum(red, green)
    np.maximum(value, blue, out=value)
    chroma = np.minimum(red, green)
    np.minimum(chroma, blue, out=chroma)
    np.subtract(value, chroma, out=chroma)

    turned = _turned_hue(red, green, blue, value, np.maximum(chroma, least), np.float32(6 * hue))

    brightest = value * np.float32(exposure)
    np.minimum(brightest, one, out=brightest)
    chroma *= np.float32(saturation)
    chroma /= np.maximum(value, least, out=value)
    np.minimum(chroma, one, out=chroma)  # the new saturation
    chroma *= brightest

    # The turned hue lies in -2..6, so that a channel's own hue may have to be met from the other end of the circle.
    for channel, own, same in zip(out, (0, 2, 4), (6, None, -2), strict=True):
        distance = np.abs(np.subtract(turned, np.float32(own), out=channel), out=channel)
        if same is not None:
            other = np.subtract(turned, np.float32(same), out=value)
            np.minimum(distance, np.abs(other, out=other), out=distance)
        distance -= one
        np.clip(distance, zero, one, out=distance)
        distance *= chroma
        np.subtract(brightest, distance, out=channel)


def _turned_hue(
    red: NDArray[np.float32],
    green: NDArray[np.float32],
    blue: NDArray[np.float32],
    value: NDArray[np.float32],
    chroma: NDArray[np.float32],
    turn: np.float32,
) -> NDArray[np.float32]:
    """Hue in sixths of the circle, -1..5, plus ``turn``. ``chroma`` is above 0; of a grey pixel the hue does
    not matter.
    """
    hue = red - green
    hue /= chroma
    hue += np.float32(4) + turn
    part = blue - red
    part /= chroma
    part += np.float32(2) + turn
    np.copyto(hue, part, where=value == green)
    np.subtract(green, blue, out=part)
    part /= chroma
    part += turn
    np.copyto(hue, part, where=value == red)
    return hue


def _windows(
    picture_size: tuple[int, int], image_size: tuple[int, int], fit: Fit
) -> list[tuple[float, float]]:
    """For y and x, the stretch of the picture's axis (in pixels, perhaps beyond the picture) that fills the
    input.
    """
    match fit:
        case "stretch":
            return [(0.0, float(size)) for size in picture_size]
        case "letterbox":
            shrink = max(size / length for size, length in zip(picture_size, image_size, strict=True))
            spare = [length * shrink - size for size, length in zip(picture_size, image_size, strict=True)]
            return [(-extra / 2, size + extra / 2) for size, extra in zip(picture_size, spare, strict=True)]
    raise ValueError(f"fit: expected 'stretch' or 'letterbox'; got {fit!r}")


def _axis(window: tuple[float, float], size: int, length: int, *, mirrored: bool = False) -> Axis:
    """The part of a window that lies in the picture, and where it goes; both rounded to pixels, at least one
    wide.
    """
    source = _whole_pixels(max(window[0], 0.0), min(window[1], float(size)), size)
    per_pixel = length / (window[1] - window[0])
    low, high = _whole_pixels(
        (source[0] - window[0]) * per_pixel, (source[1] - window[0]) * per_pixel, length
    )
    target = (length - high, length - low) if mirrored else (low, high)
    return Axis(source_length=size, target_length=length, source=source, target=target, mirrored=mirrored)


def _whole_pixels(low: float, high: float, length: int) -> tuple[int, int]:
    start = min(max(round(low), 0), length - 1)
    return start, max(min(round(high), length), start + 1)


def _resized(part: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    # torch's antialiased resampling of bytes is Pillow's to 1/255, at less than half the time.
    # The copy is the crop in one piece; it also spares torch's warning about the data set's read-only pictures.
    pixels = torch.from_numpy(part.copy()).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(
        pixels, size=size, mode="bilinear", antialias=True, align_corners=False
    )
    result: NDArray[np.uint8] = resized[0].permute(1, 2, 0).numpy()
    return result


def _factor(most: float, rng: np.random.Generator) -> float:
    factor = float(rng.uniform(1.0, most))
    return 1 / factor if rng.random() < 0.5 else factor


def _joined(centres: NDArray[np.floating], sizes: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.concatenate([centres, sizes], axis=-1).astype(np.float32)
