"""Pictures with boxes, and sheets of pictures. Only Pillow draws here; fonts come with matplotlib."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from yolosses.explain.placing import Box, beside_box, least_hiding, shared, shortened
from yolosses.explain.style import INK, PALETTE, colour_of, font_file, ink_on
from yolosses.training.evaluation import Detections

SMALL_SIDE = 512  # pictures below it are enlarged to it, so that labels can be read
DARK, LIGHT = "#000000", "#FFFFFF"


def draw_detections(
    picture: NDArray[np.uint8],
    detections: Detections,
    class_names: Sequence[str],
    *,
    truths: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None,
    max_side: int = 960,
) -> Image.Image:
    """Draw every detection with its class and score, and the truths beneath them.

    A class has the same colour in every picture. A truth is a thin dashed line, black and white, and carries
    its class name only if no detection of its class overlaps it with IoU >= 0.5: it was missed.

    Args:
        picture: ``(H, W, 3)`` uint8 RGB. Pictures smaller than 512 pixels are enlarged to that, larger than
            ``max_side`` reduced; boxes and labels are drawn at that size.
        detections: those to draw, already cut at the score wanted; the surest is drawn on top.
        class_names: the names of the classes.
        truths: boxes ``(N, 4)``, cxcywh fractions, and labels ``(N,)``.
        max_side: the longer side of the drawing at most, in pixels.

    Raises:
        ValueError: if ``picture`` is no RGB picture, or a label has no class name.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"picture: expected (H, W, 3) uint8; got {picture.shape} {picture.dtype}")
    for name, labels in (("detections", detections.labels), ("truths", truths[1] if truths else None)):
        if labels is not None and len(labels) and not 0 <= labels.min() <= labels.max() < len(class_names):
            raise ValueError(f"{name}: expected labels 0..{len(class_names) - 1}; got {labels.tolist()}")
    canvas = _resized(picture, max_side)
    pen = ImageDraw.Draw(canvas)
    unit = max(1, round(max(canvas.size) / 640))  # the width of a thin line
    font = _font(max(12, round(max(canvas.size) / 46)))

    corners = [_corners(box, canvas.size) for box in detections.boxes]
    missed: list[tuple[Box, str]] = []
    for box, label in zip(*truths, strict=True) if truths else ():
        place = _corners(box, canvas.size)
        _dashed_box(pen, place, unit)
        found = zip(corners, detections.labels, strict=True)
        if not any(other == label and _iou(place, corner) >= 0.5 for corner, other in found):
            missed.append((place, f"missed: {class_names[int(label)]}"))
    order = np.argsort(detections.scores, kind="stable")
    for index in order:
        _solid_box(pen, corners[index], _colour(int(detections.labels[index])), unit)
    taken: list[Box] = []
    for index in order[::-1]:  # the surest chooses its place first
        label = int(detections.labels[index])
        text = f"{class_names[label]} {detections.scores[index]:.2f}"
        _tag(pen, canvas.size, corners[index], text, font, _colour(label), taken)
    for place, text in missed:
        _tag(pen, canvas.size, place, text, font, LIGHT, taken)
    return canvas


def contact_sheet(
    images: Sequence[Image.Image], columns: int, captions: Sequence[str] | None = None
) -> Image.Image:
    """Pictures in rows on white, with captions below. A column is as wide as the widest picture.

    Args:
        images: at least one.
        columns: pictures a row; the last row may have fewer.
        captions: one for each picture; what is wider than its cell is cut with an ellipsis.

    Raises:
        ValueError: if there is no image, ``columns`` is below 1, or the number of captions differs.
    """
    if not images:
        raise ValueError("images: expected at least one; got none")
    if columns < 1:
        raise ValueError(f"columns: expected at least 1; got {columns}")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"captions: expected {len(images)}, one for each image; got {len(captions)}")
    columns = min(columns, len(images))
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    width = max(image.width for image in images)
    gap, size = max(8, width // 32), max(11, width // 30)
    font = _font(size)
    below = 0 if captions is None else 2 * size
    heights = [max(image.height for image in row) + below for row in rows]
    sheet = Image.new("RGB", (columns * (width + gap) + gap, sum(heights) + gap * (len(rows) + 1)), LIGHT)
    pen = ImageDraw.Draw(sheet)
    top = gap
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for column, image in enumerate(row):
            left = gap + column * (width + gap)
            corner = (left + (width - image.width) // 2, top + (height - below - image.height) // 2)
            sheet.paste(image, corner)
            if captions is not None:
                text = shortened(captions[number * columns + column], width, font.getlength)
                place = (left + width / 2, top + height - below + 0.35 * size)
                pen.text(place, text, font=font, fill=INK, anchor="ma")
        top += height + gap
    return sheet


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file()), size)


def _resized(picture: NDArray[np.uint8], max_side: int) -> Image.Image:
    image = Image.fromarray(picture)
    side = max(image.size)
    wanted = min(max(side, SMALL_SIDE), max_side)
    if wanted == side:
        return image
    size = (max(1, round(image.width * wanted / side)), max(1, round(image.height * wanted / side)))
    return image.resize(size, Image.Resampling.BICUBIC if wanted > side else Image.Resampling.LANCZOS)


def _colour(label: int) -> str:
    """The palette, then the same colours lighter and darker, then again from the start."""
    colour = colour_of(label)
    shade = label // len(PALETTE) % 3
    if shade == 0:
        return colour
    channels = ImageColor.getrgb(colour)
    return "#" + "".join(f"{c + (255 - c) // 2 if shade == 1 else c * 6 // 10:02X}" for c in channels)


def _corners(box: NDArray[np.float32], size: tuple[int, int]) -> Box:
    """The box in pixels, cut to the picture so that its edge stays visible."""
    cx, cy, w, h = box.tolist()
    across, down = size[0] - 1, size[1] - 1
    left, right = (min(max(x * size[0], 0), across) for x in (cx - w / 2, cx + w / 2))
    top, bottom = (min(max(y * size[1], 0), down) for y in (cy - h / 2, cy + h / 2))
    return left, top, max(left, right), max(top, bottom)


def _iou(a: Box, b: Box) -> float:
    both = shared(a, b)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both) if both else 0.0


def _solid_box(pen: ImageDraw.ImageDraw, box: Box, colour: str, unit: int) -> None:
    """A broad coloured line between two thin ones of the opposite lightness: visible on any background."""
    left, top, right, bottom = box
    for grow, line, width in ((2 * unit, ink_on(colour), 4 * unit), (unit, colour, 2 * unit)):
        pen.rectangle((left - grow, top - grow, right + grow, bottom + grow), outline=line, width=width)


def _dashed_box(pen: ImageDraw.ImageDraw, box: Box, unit: int) -> None:
    """White dashes on a black line."""
    pen.rectangle(box, outline=DARK, width=unit)
    left, top, right, bottom = box
    dash = 5 * unit
    for x in np.arange(left, right, 2 * dash):
        for y in (top, bottom):
            pen.line((x, y, min(x + dash, right), y), fill=LIGHT, width=unit)
    for y in np.arange(top, bottom, 2 * dash):
        for x in (left, right):
            pen.line((x, y, x, min(y + dash, bottom)), fill=LIGHT, width=unit)


def _tag(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    box: Box,
    text: str,
    font: ImageFont.FreeTypeFont,
    colour: str,
    taken: list[Box],
) -> None:
    """A filled label at a corner of its box: the first place that is free, else the one that hides least."""
    pad = max(2, int(font.size) // 5)
    width, height = font.getlength(text) + 2 * pad, font.size + 2 * pad
    chosen = least_hiding(beside_box(box, width, height, (0, 0, *size)), taken)
    taken.append(chosen)
    pen.rectangle(chosen, fill=colour, outline=ink_on(colour))
    middle = (chosen[0] + pad, (chosen[1] + chosen[3]) / 2)
    pen.text(middle, text, font=font, fill=ink_on(colour), anchor="lm")
