"""Pictures with the boxes that were found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from yolosses.boxes import pairwise_iou
from yolosses.explain.pictures.board import Board, Picture, corners_of, fitted, require_picture, show_picture
from yolosses.explain.pictures.panel import Panel, new_panel
from yolosses.explain.pictures.tags import Tag, draw_tags
from yolosses.explain.style import PALETTE, colour_of, ink_on
from yolosses.training.evaluation import Detections

SMALLEST, LARGEST = 512, 960  # pixels of the longer side: smaller pictures are enlarged, larger ones reduced
DPI = 150  # with which figures are written
COLUMNS, SIDE, GAP, CAPTION = 4, 3.4, 0.16, 0.28  # of a sheet; inches
CAPTION_SIZE = 8.5  # points
BOX, AROUND, TRUTH = 1.2, 2.4, 0.8  # points: a box, with the line around it, and a truth
INSET = 0.002  # of the picture: so far within it are edges that would leave it
FOUND = 0.5  # IoU from which a detection of its class finds a truth


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """A picture (H, W, 3) uint8 RGB and what was found in it, already cut at the score wanted.

    ``truths``: boxes (N, 4), cxcywh fractions, and labels (N,).
    """

    picture: Picture
    detections: Detections
    name: str = ""
    truths: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None


def draw_detections(found: Found, class_names: Sequence[str]) -> Figure:
    """One picture with every detection, its class and score; written with 150 dpi about as large as it is."""
    height, width = found.picture.shape[:2]
    side = min(max(width, height, SMALLEST), LARGEST)
    across, down = (max(1, round(length * side / max(width, height))) for length in (width, height))
    panel = new_panel(across / DPI, down / DPI, "en", margin=0)
    show_detections(panel, found, class_names)
    return panel.finish()


def draw_sheet(cells: Sequence[Found], class_names: Sequence[str]) -> Figure:
    """Pictures in rows, their names below them. Raises ``ValueError`` without any."""
    if not cells:
        raise ValueError("cells: expected at least one picture; got none")
    sizes = [fitted(cell.picture.shape[0] / cell.picture.shape[1], SIDE, SIDE) for cell in cells]
    columns, width = min(COLUMNS, len(cells)), max(across for across, _ in sizes)
    rows = [range(start, min(start + columns, len(cells))) for start in range(0, len(cells), columns)]
    heights = [max(sizes[index][1] for index in row) for row in rows]
    sheet = new_panel(columns * (width + GAP) - GAP, sum(heights) + len(rows) * (CAPTION + GAP) - GAP, "en")
    top = 0.0
    for row, height in zip(rows, heights, strict=True):
        for column, index in enumerate(row):
            across, down = sizes[index]
            cell = sheet.part(column * (width + GAP), top, width, height)
            place = cell.part((width - across) / 2, (height - down) / 2, across, down)
            show_detections(place, cells[index], class_names)
            name = cell.shortened(cells[index].name, CAPTION_SIZE)
            cell.write(width / 2, height + 0.06, name, size=CAPTION_SIZE, ha="center")
        top += height + CAPTION + GAP
    return sheet.finish()


def show_detections(panel: Panel, found: Found, class_names: Sequence[str]) -> Board:
    """A picture with every detection, the surest on top, and the truths beneath them.

    A class has the same colour in every picture. A truth is a thin dashed line, black and white, and carries its class
    name only if no detection of its class overlaps it with IoU >= 0.5: it was missed.
    """
    require_picture(found.picture)
    for labels in (found.detections.labels, () if found.truths is None else found.truths[1]):
        if len(labels) and not 0 <= min(labels) <= max(labels) < len(class_names):
            raise ValueError(f"labels: expected 0..{len(class_names) - 1}; got {list(map(int, labels))}")
    board = show_picture(panel, found.picture, found.picture.shape[0] / found.picture.shape[1])
    board.axes.spines[:].set_visible(False)
    detections, missed = found.detections, []
    if found.truths is not None:
        boxes, labels = found.truths
        iou = pairwise_iou(torch.from_numpy(boxes), torch.from_numpy(detections.boxes)).numpy()
        known = ((iou >= FOUND) & (labels[:, None] == detections.labels)).any(1)
        for box, label, is_found in zip(_cut(boxes), labels.tolist(), known, strict=True):
            board.outline(box, [("#000000", TRUTH)], zorder=3, label="_truth")
            board.outline(box, [("#FFFFFF", TRUTH)], linestyle=(0, (4, 4)), zorder=3, label="_dashes")
            if not is_found:
                text = f"missed: {class_names[label]}"
                missed.append(Tag(box=corners_of(box), parts=((text, "#FFFFFF", "#000000"),)))
    tags = []
    for index in np.argsort(detections.scores, kind="stable"):
        box, label = _cut(detections.boxes[index]), int(detections.labels[index])
        colour, text = class_colour(label), f"{class_names[label]} {detections.scores[index]:.2f}"
        lines = [
            (ink_on(colour), AROUND),
            (colour, BOX),
        ]  # a broad line between two of the opposite lightness
        board.outline(box, lines, zorder=4, label=f"_found {index}")
        tags.append(Tag(box=corners_of(box), parts=((text, colour, ink_on(colour)),)))
    draw_tags(board, [*reversed(tags), *missed], panel.family)  # the surest chooses its place first
    return board


def class_colour(label: int) -> str:
    """The palette, then the same colours lighter and darker, then again from the start."""
    light, dark = ((1, 0.0), (0.5, 0.5), (0.6, 0.0))[label // len(PALETTE) % 3]
    red, green, blue = (light * channel + dark for channel in to_rgb(colour_of(label)))
    return to_hex((red, green, blue))


def _cut(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """cxcywh boxes cut to the picture, so that their edges stay visible."""
    low, high = np.split(np.clip(corners_of(boxes.astype(np.float64)), INSET, 1 - INSET), 2, -1)
    return np.concatenate(((low + high) / 2, high - low), -1)
