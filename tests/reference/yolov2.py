"""The YOLOv2 loss of one image in plain loops over plain numbers, one slot of the output after another as Darknet
does it.

Slow, and meant to be read beside the description of the layer. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.yolov1 import Object, log_softmax, on_ignored, overlap
from tests.reference.yolov1 import Settings as Cells
from tests.reference.yolov3 import Numbers, best_overlap, cross_entropy, decoded, sigmoid
from tests.reference.yolov3 import Settings as OneLevel

Slot = tuple[int, int, int]  # box, row, col


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the loss can be told. ``anchors``: w, h in cells."""

    anchors: tuple[tuple[float, float], ...]
    num_classes: int
    lambda_coord: float = 1.0
    lambda_obj: float = 5.0
    lambda_noobj: float = 1.0
    lambda_cls: float = 1.0
    lambda_prior: float = 0.01
    prior_pull: bool = False
    ignore_threshold: float = 0.6
    objectness_target: str = "iou"
    match: str = "anchor"
    class_term: str = "softmax"
    class_weight: tuple[float, ...] | None = None


@dataclass(kw_only=True)
class Write:
    """What a slot has been told to become: by the last object that wrote, but for the classes, that may add up."""

    object: int
    iou: float
    classes: set[int] = field(default_factory=set)


@dataclass(kw_only=True)
class Result:
    """The sums without their lambdas, and how they came about."""

    unweighted: dict[str, float]
    total: float
    slots: dict[Slot, int]  # the object whose box each slot has in the end
    pairs: list[Slot | None]  # of each object
    iou: list[float]
    num_dropped: int
    margin: float  # by how much the closest decision was decided


def loss_of_image(
    boxes: Sequence[Sequence[Sequence[Numbers]]], objects: Sequence[Object], s: Settings
) -> Result:
    """``boxes``: [box][row][col] of numbers."""
    terms = {"xy": 0.0, "wh": 0.0, "obj": 0.0, "noobj": 0.0, "cls": 0.0, "prior": 0.0}
    rows, cols = len(boxes[0]), len(boxes[0][0])
    grid = Cells(rows=rows, cols=cols)
    level = OneLevel(anchors=(s.anchors,), strides=(1.0,), num_classes=s.num_classes)
    margins = [math.inf]
    writes: dict[Slot, Write] = {}
    result = Result(unweighted=terms, total=0.0, slots={}, pairs=[], iou=[], num_dropped=0, margin=0.0)

    # Every object: of the predictors in the cell of its centre the one of nearest shape.
    for index, thing in enumerate(objects):
        if thing.ignore:
            result.pairs.append(None)
            result.iou.append(0.0)
            continue
        col, row = (min(int(part * n), n - 1) for part, n in ((thing.x, cols), (thing.y, rows)))
        truth = (thing.x * cols, thing.y * rows, thing.w * cols, thing.h * rows)
        pred = [decoded(boxes[box][row][col], (0, box, row, col), level) for box in range(len(s.anchors))]
        sizes = s.anchors if s.match == "anchor" else [box[2:] for box in pred]
        alike = [overlap((0.0, 0.0, *size), (0.0, 0.0, *truth[2:])) for size in sizes]
        best = alike.index(max(alike))
        margins += [alike[best] - value for number, value in enumerate(alike) if number != best]
        slot, iou = (best, row, col), overlap(pred[best], truth)
        told = writes.setdefault(slot, Write(object=index, iou=iou))
        told.object, told.iou = index, iou
        told.classes = {thing.label} if s.class_term == "softmax" else told.classes | {thing.label}
        result.pairs.append(slot)
        result.iou.append(iou)

    # Every predictor: background unless it answers or overlaps some object well; and drawn to its anchor.
    for box, lines in enumerate(boxes):
        for row, line in enumerate(lines):
            for col, numbers in enumerate(line):
                highest, _ = best_overlap(decoded(numbers, (0, box, row, col), level), objects, cols, rows)
                margins.append(abs(highest - s.ignore_threshold))
                if (box, row, col) in writes:
                    continue
                if highest <= s.ignore_threshold and not on_ignored(row * cols + col, objects, grid):
                    terms["noobj"] += sigmoid(numbers[4]) ** 2 / 2
                terms["prior"] += sum((sigmoid(t) - 0.5) ** 2 / 2 for t in numbers[:2])
                terms["prior"] += sum(t**2 / 2 for t in numbers[2:4])

    # What each slot owes.
    for (box, row, col), told in writes.items():
        numbers, thing, anchor = boxes[box][row][col], objects[told.object], s.anchors[box]
        large = thing.weight * (2 - thing.w * thing.h)
        terms["xy"] += large * (sigmoid(numbers[0]) - (thing.x * cols - col)) ** 2 / 2
        terms["xy"] += large * (sigmoid(numbers[1]) - (thing.y * rows - row)) ** 2 / 2
        terms["wh"] += large * (numbers[2] - math.log(thing.w * cols / anchor[0])) ** 2 / 2
        terms["wh"] += large * (numbers[3] - math.log(thing.h * rows / anchor[1])) ** 2 / 2
        wanted = told.iou if s.objectness_target == "iou" else 1.0
        terms["obj"] += thing.weight * (sigmoid(numbers[4]) - wanted) ** 2 / 2
        for c in range(s.num_classes):
            factor = thing.weight * (1.0 if s.class_weight is None else s.class_weight[c])
            if s.class_term == "sigmoid":
                terms["cls"] += factor * cross_entropy(numbers[5 + c], float(c in told.classes))
            elif c in told.classes:
                terms["cls"] -= factor * log_softmax(numbers[5:], c)

    result.total = (
        s.lambda_coord * (terms["xy"] + terms["wh"])
        + s.lambda_obj * terms["obj"]
        + s.lambda_noobj * terms["noobj"]
        + s.lambda_cls * terms["cls"]
        + s.lambda_prior * s.prior_pull * terms["prior"]
    )
    result.slots = {slot: told.object for slot, told in writes.items()}
    answered = set(result.slots.values())
    result.num_dropped = sum(not o.ignore and index not in answered for index, o in enumerate(objects))
    result.margin = min(margins)
    return result
