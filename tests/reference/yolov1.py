"""The YOLOv1 loss of one image in plain loops over plain numbers, from the formula alone.

    L =  lambda_coord * sum 1obj_ij [(x - x^)^2 + (y - y^)^2]                         "xy"
      +  lambda_coord * sum 1obj_ij [(sqrt w - sqrt w^)^2 + (sqrt h - sqrt h^)^2]     "wh"
      +  lambda_obj   * sum 1obj_ij (C - C^)^2                                        "obj"
      +  lambda_noobj * sum 1noobj_ij C^2                                             "noobj"
      +  lambda_cls   * sum 1obj_i sum_c (p(c) - p^(c))^2                             "cls"

Slow, and meant to be read beside the paper. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the loss can be told; the defaults are the paper's."""

    rows: int = 7
    cols: int = 7
    boxes_per_cell: int = 2
    num_classes: int = 20
    lambda_coord: float = 5.0
    lambda_noobj: float = 0.5
    lambda_obj: float = 1.0
    lambda_cls: float = 1.0
    size_encoding: str = "sqrt"
    size_term: str = "sqrt"
    confidence_target: str = "iou"
    class_term: str = "squared_error"
    class_weight: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Object:
    """A labelled box: centre and size as fractions of the image."""

    x: float
    y: float
    w: float
    h: float
    label: int
    weight: float = 1.0
    ignore: bool = False


@dataclass(kw_only=True)
class Result:
    """The five sums without their lambdas, and how they came about."""

    unweighted: dict[str, float]
    total: float
    responsible: dict[int, tuple[int, int]] = field(default_factory=dict)  # object -> (cell, box)
    iou: dict[int, float] = field(default_factory=dict)
    num_dropped: int = 0
    margin: float = math.inf  # by how much the closest choice of a box was decided


Box = tuple[float, float, float, float]
TANGENT_FROM = 1e-4


def loss_of_image(cells: Sequence[Sequence[float]], objects: Sequence[Object], settings: Settings) -> Result:
    """``cells``: what the network emits, rows * cols cells of K x (x, y, w, h, confidence), then C class values."""
    s = settings
    terms = {"xy": 0.0, "wh": 0.0, "obj": 0.0, "noobj": 0.0, "cls": 0.0}
    result = Result(unweighted=terms, total=0.0)

    # Which object does each cell answer for? The first whose centre falls into it.
    owner: dict[int, int] = {}
    for index, thing in enumerate(objects):
        if thing.ignore:
            continue
        cell = cell_of(thing, s)
        if cell in owner:
            result.num_dropped += 1
        else:
            owner[cell] = index

    answering: set[tuple[int, int]] = set()
    for cell, index in owner.items():
        thing, numbers = objects[index], cells[cell]
        row, col = divmod(cell, s.cols)
        truth = (thing.x, thing.y, thing.w, thing.h)

        # Which of the cell's boxes is responsible?
        candidates = [box_in_image(numbers, j, row, col, s) for j in range(s.boxes_per_cell)]
        best, margin = most_fitting(candidates, truth)
        result.margin = min(result.margin, margin)
        answering.add((cell, best))
        result.responsible[index] = (cell, best)
        result.iou[index] = overlap(candidates[best], truth)

        # Terms 1 and 2: where it is and how large.
        px, py, pw, ph, confidence = numbers[5 * best : 5 * best + 5]
        tx, ty = thing.x * s.cols - col, thing.y * s.rows - row
        terms["xy"] += thing.weight * ((px - tx) ** 2 + (py - ty) ** 2)
        width_error = compared(pw, s) - (math.sqrt(thing.w) if s.size_term == "sqrt" else thing.w)
        height_error = compared(ph, s) - (math.sqrt(thing.h) if s.size_term == "sqrt" else thing.h)
        terms["wh"] += thing.weight * (width_error**2 + height_error**2)

        # Term 3-1: how sure.
        target = result.iou[index] if s.confidence_target == "iou" else 1.0
        terms["obj"] += thing.weight * (confidence - target) ** 2

        # Term 4: what it is.
        scores = numbers[5 * s.boxes_per_cell :]
        for c in range(s.num_classes):
            factor = 1.0 if s.class_weight is None else s.class_weight[c]
            truth_c = 1.0 if c == thing.label else 0.0
            if s.class_term == "squared_error":
                terms["cls"] += thing.weight * factor * (scores[c] - truth_c) ** 2
            else:
                terms["cls"] += thing.weight * factor * -truth_c * log_softmax(scores, c)

    # Term 3-2: every box that answers for nothing, unless its cell lies on a region that says nothing about objects.
    for cell in range(s.rows * s.cols):
        for j in range(s.boxes_per_cell):
            if (cell, j) not in answering and not on_ignored(cell, objects, s):
                terms["noobj"] += cells[cell][5 * j + 4] ** 2

    result.total = (
        s.lambda_coord * (terms["xy"] + terms["wh"])
        + s.lambda_obj * terms["obj"]
        + s.lambda_noobj * terms["noobj"]
        + s.lambda_cls * terms["cls"]
    )
    return result


def cell_of(thing: Object, s: Settings) -> int:
    """Row by row; a centre on the image's last edge belongs to the last cell."""
    col = min(math.floor(thing.x * s.cols), s.cols - 1)
    row = min(math.floor(thing.y * s.rows), s.rows - 1)
    return row * s.cols + col


def box_in_image(numbers: Sequence[float], j: int, row: int, col: int, s: Settings) -> Box:
    x, y, w, h = numbers[5 * j : 5 * j + 4]
    if s.size_encoding == "sqrt":
        w, h = w * w, h * h
    return (x + col) / s.cols, (y + row) / s.rows, w, h


def most_fitting(candidates: Sequence[Box], truth: Box) -> tuple[int, float]:
    """The box with the largest IoU, or if none overlaps at all the nearest; of equals the first. And how clearly."""
    overlaps = [overlap(box, truth) for box in candidates]
    fitness = overlaps if max(overlaps) > 0 else [-math.dist(box, truth) for box in candidates]
    best = fitness.index(max(fitness))
    margins = [fitness[best] - value for j, value in enumerate(fitness) if j != best]
    return best, min(margins, default=math.inf)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    height = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    if width <= 0 or height <= 0:
        return 0.0
    intersection = width * height
    return intersection / (a[2] * a[3] + b[2] * b[3] - intersection)


def compared(size: float, s: Settings) -> float:
    """The network's number for a width or height, as term 2 compares it."""
    if s.size_term == s.size_encoding:
        return size
    if s.size_term == "linear":
        return size * size
    if size > TANGENT_FROM:
        return math.sqrt(size)
    root = math.sqrt(TANGENT_FROM)  # the tangent of the root goes on where the root itself ends
    return root + (size - TANGENT_FROM) / (2 * root)


def log_softmax(scores: Sequence[float], c: int) -> float:
    largest = max(scores)
    return scores[c] - largest - math.log(sum(math.exp(score - largest) for score in scores))


def on_ignored(cell: int, objects: Sequence[Object], s: Settings) -> bool:
    """Whether the cell's centre lies in an ignored region, or that region's centre in the cell."""
    row, col = divmod(cell, s.cols)
    x, y = (col + 0.5) / s.cols, (row + 0.5) / s.rows
    return any(
        thing.ignore
        and (
            (abs(x - thing.x) <= thing.w / 2 and abs(y - thing.y) <= thing.h / 2)
            or (int(thing.y * s.rows), int(thing.x * s.cols)) == (row, col)
        )
        for thing in objects
    )
