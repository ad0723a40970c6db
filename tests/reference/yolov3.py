"""The YOLOv3 loss of one image in plain loops over plain numbers, one slot of the output after another as Darknet
does it.

Slow, and meant to be read beside the description of the layer. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.yolov1 import Box, Object, on_ignored, overlap
from tests.reference.yolov1 import Settings as Cells

Slot = tuple[int, int, int, int]  # level, box, row, col
Numbers = Sequence[float]  # tx, ty, tw, th, objectness, classes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the loss can be told. ``anchors``: w, h in pixels of each level; ``other_anchors``: of levels not seen."""

    anchors: tuple[tuple[tuple[float, float], ...], ...]
    strides: tuple[float, ...]
    num_classes: int
    other_anchors: tuple[tuple[float, float], ...] = ()
    lambda_coord: float = 1.0
    lambda_obj: float = 1.0
    lambda_noobj: float = 1.0
    lambda_cls: float = 1.0
    ignore_threshold: float = 0.5
    truth_threshold: float = 1.0
    label_smoothing: float = 0.0
    class_weight: tuple[float, ...] | None = None


@dataclass(kw_only=True)
class Write:
    """What a slot has been told to become: by the last object that wrote, but for the classes, that add up."""

    object: int
    classes: set[int] = field(default_factory=set)


@dataclass(kw_only=True)
class Result:
    """The sums without their lambdas, and how they came about."""

    unweighted: dict[str, float]
    total: float
    slots: dict[Slot, int]  # the object whose box each slot has in the end
    pairs: set[tuple[Slot, int]]  # all that wrote
    num_dropped: int
    margin: float  # by how much the closest decision was decided


def loss_of_image(
    maps: Sequence[Sequence[Sequence[Sequence[Numbers]]]], objects: Sequence[Object], s: Settings
) -> Result:
    """``maps``: [level][box][row][col] of numbers."""
    terms = {"xy": 0.0, "wh": 0.0, "obj": 0.0, "noobj": 0.0, "cls": 0.0}
    width, height = len(maps[0][0][0]) * s.strides[0], len(maps[0][0]) * s.strides[0]
    margins = [math.inf]
    writes: dict[Slot, Write] = {}
    pairs: set[tuple[Slot, int]] = set()
    punished: set[Slot] = set()

    def write(slot: Slot, index: int) -> None:
        writes.setdefault(slot, Write(object=index)).object = index
        writes[slot].classes.add(objects[index].label)
        pairs.add((slot, index))

    # Every predictor: background, unless it overlaps some object well; very well, and it answers for it.
    for slot, numbers in slots_of(maps):
        level, _, row, col = slot
        best, whose = best_overlap(decoded(numbers, slot, s), objects, width, height)
        margins += [abs(best - s.ignore_threshold), abs(best - s.truth_threshold)]
        grid = Cells(rows=len(maps[level][0]), cols=len(maps[level][0][0]))
        if best <= s.ignore_threshold and not on_ignored(row * grid.cols + col, objects, grid):
            punished.add(slot)
        if best > s.truth_threshold:
            write(slot, whose)

    # Every object: the anchor of nearest shape, in the cell of its centre.
    own = [(level, box) for level, sizes in enumerate(s.anchors) for box in range(len(sizes))]
    sizes = [s.anchors[level][box] for level, box in own] + list(s.other_anchors)
    for index, thing in enumerate(objects):
        if thing.ignore:
            continue
        shape = (0.0, 0.0, thing.w * width, thing.h * height)
        alike = [overlap((0.0, 0.0, *size), shape) for size in sizes]
        best_anchor = alike.index(max(alike))
        margins += [alike[best_anchor] - value for number, value in enumerate(alike) if number != best_anchor]
        if best_anchor < len(own):
            level, box = own[best_anchor]
            rows, cols = len(maps[level][0]), len(maps[level][0][0])
            col, row = (min(int(part * n), n - 1) for part, n in ((thing.x, cols), (thing.y, rows)))
            write((level, box, row, col), index)

    # What each slot owes.
    for slot, told in writes.items():
        level, box, row, col = slot
        numbers, thing = maps[level][box][row][col], objects[told.object]
        rows, cols = len(maps[level][0]), len(maps[level][0][0])
        anchor = s.anchors[level][box]
        large = thing.weight * (2 - thing.w * thing.h)
        terms["xy"] += large * cross_entropy(numbers[0], thing.x * cols - col)
        terms["xy"] += large * cross_entropy(numbers[1], thing.y * rows - row)
        terms["wh"] += large * (numbers[2] - math.log(thing.w * width / anchor[0])) ** 2 / 2
        terms["wh"] += large * (numbers[3] - math.log(thing.h * height / anchor[1])) ** 2 / 2
        terms["obj"] += thing.weight * cross_entropy(numbers[4], 1.0)
        for c in range(s.num_classes):
            factor = 1.0 if s.class_weight is None else s.class_weight[c]
            target = 1 - s.label_smoothing / 2 if c in told.classes else s.label_smoothing / 2
            terms["cls"] += thing.weight * factor * cross_entropy(numbers[5 + c], target)
    for level, box, row, col in punished - writes.keys():
        terms["noobj"] += cross_entropy(maps[level][box][row][col][4], 0.0)

    answered = {told.object for told in writes.values()}
    return Result(
        unweighted=terms,
        total=s.lambda_coord * (terms["xy"] + terms["wh"])
        + s.lambda_obj * terms["obj"]
        + s.lambda_noobj * terms["noobj"]
        + s.lambda_cls * terms["cls"],
        slots={slot: told.object for slot, told in writes.items()},
        pairs=pairs,
        num_dropped=sum(not o.ignore and index not in answered for index, o in enumerate(objects)),
        margin=min(margins),
    )


def slots_of(
    maps: Sequence[Sequence[Sequence[Sequence[Numbers]]]],
) -> list[tuple[Slot, Numbers]]:
    return [
        ((level, box, row, col), numbers)
        for level, boxes in enumerate(maps)
        for box, lines in enumerate(boxes)
        for row, line in enumerate(lines)
        for col, numbers in enumerate(line)
    ]


def decoded(numbers: Numbers, slot: Slot, s: Settings) -> Box:
    """cxcywh in pixels."""
    level, box, row, col = slot
    stride, (anchor_w, anchor_h) = s.strides[level], s.anchors[level][box]
    return (
        (col + sigmoid(numbers[0])) * stride,
        (row + sigmoid(numbers[1])) * stride,
        anchor_w * math.exp(numbers[2]),
        anchor_h * math.exp(numbers[3]),
    )


def best_overlap(box: Box, objects: Sequence[Object], width: float, height: float) -> tuple[float, int]:
    """The largest IoU with any object, and the first object that has it."""
    best, whose = 0.0, 0
    for index, thing in enumerate(objects):
        truth = (thing.x * width, thing.y * height, thing.w * width, thing.h * height)
        if not thing.ignore and overlap(box, truth) > best:
            best, whose = overlap(box, truth), index
    return best, whose


def cross_entropy(logit: float, target: float) -> float:
    """-t log q - (1 - t) log(1 - q) with q = sigmoid(logit); its derivative is q - t for any t."""
    return math.log1p(math.exp(-abs(logit))) + max(logit, 0.0) - target * logit


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))
