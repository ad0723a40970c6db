"""The YOLOv4 loss of one image in plain loops over plain numbers: every object with every anchor, as the layer does it.

Slow, and meant to be read beside the description of the layer. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.reference.yolov1 import Box, Object, on_ignored, overlap
from tests.reference.yolov1 import Settings as Cells
from tests.reference.yolov3 import Numbers, Result, Slot, cross_entropy, sigmoid, slots_of


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the loss can be told. ``anchors``: w, h in pixels of each level; ``box_term``: "ciou", "iou" or "mse"."""

    anchors: tuple[tuple[tuple[float, float], ...], ...]
    strides: tuple[float, ...]
    num_classes: int
    scale_xy: tuple[float, ...]
    other_anchors: tuple[tuple[float, float], ...] = ()
    lambda_box: float = 0.07
    lambda_obj: float = 1.0
    lambda_noobj: float = 1.0
    lambda_cls: float = 1.0
    ignore_threshold: float = 0.7
    anchor_threshold: float = 0.213
    label_smoothing: float = 0.0
    new_coords: bool = False
    box_term: str = "ciou"
    class_weight: tuple[float, ...] | None = None


def loss_of_image(
    maps: Sequence[Sequence[Sequence[Sequence[Numbers]]]], objects: Sequence[Object], s: Settings
) -> Result:
    """``maps``: [level][box][row][col] of numbers."""
    boxes = ("xy", "wh") if s.box_term == "mse" else ("box",)
    terms = dict.fromkeys((*boxes, "obj", "noobj", "cls"), 0.0)
    width, height = len(maps[0][0][0]) * s.strides[0], len(maps[0][0]) * s.strides[0]
    margins = [math.inf]
    own = [(level, box) for level, sizes in enumerate(s.anchors) for box in range(len(sizes))]
    sizes = [s.anchors[level][box] for level, box in own] + list(s.other_anchors)

    # Who answers: the nearest shape, and every shape that is near enough.
    takers: dict[Slot, list[int]] = {}
    for index, thing in enumerate(objects):
        if thing.ignore:
            continue
        shape = (0.0, 0.0, thing.w * width, thing.h * height)
        alike = [overlap((0.0, 0.0, *size), shape) for size in sizes]
        best = alike.index(max(alike))
        margins += [alike[best] - value for number, value in enumerate(alike) if number != best]
        margins += [abs(value - s.anchor_threshold) for value in alike]
        for number, (level, box) in enumerate(own):
            if number == best or alike[number] > s.anchor_threshold:
                rows, cols = len(maps[level][0]), len(maps[level][0][0])
                col, row = (min(int(part * n), n - 1) for part, n in ((thing.x, cols), (thing.y, rows)))
                takers.setdefault((level, box, row, col), []).append(index)

    # Who answers for nothing and is punished for its confidence: not what overlaps an object and is sure of a class.
    for slot, numbers in slots_of(maps):
        level, _, row, col = slot
        box = decoded(numbers, slot, s)
        overlaps = [overlap(box, in_pixels(o, width, height)) for o in objects if not o.ignore]
        sure = max(probability(number, s) for number in numbers[5:])
        margins += [abs(value - s.ignore_threshold) for value in overlaps] + [abs(sure - 0.25)]
        grid = Cells(rows=len(maps[level][0]), cols=len(maps[level][0][0]))
        spared = (max(overlaps, default=0.0) > s.ignore_threshold and sure > 0.25) or on_ignored(
            row * grid.cols + col, objects, grid
        )
        if slot not in takers and not spared:
            terms["noobj"] += penalty(numbers[4], 0.0, s)

    # What each slot owes: a box for every object, a confidence and classes for the last.
    for slot, things in takers.items():
        level, box, row, col = slot
        numbers = maps[level][box][row][col]
        classes = {objects[index].label for index in things}
        share = 1 / len(classes) if s.anchor_threshold < 1 else 1.0
        for index in things:
            for name, value in box_terms(numbers, slot, objects[index], width, height, s).items():
                terms[name] += objects[index].weight * share * value
        last = objects[things[-1]]
        terms["obj"] += last.weight * penalty(numbers[4], 1.0, s)
        for c in range(s.num_classes):
            factor = 1.0 if s.class_weight is None else s.class_weight[c]
            target = 1 - s.label_smoothing / 2 if c in classes else s.label_smoothing / 2
            terms["cls"] += last.weight * factor * penalty(numbers[5 + c], target, s)

    answered = {index for things in takers.values() for index in things}
    return Result(
        unweighted=terms,
        total=s.lambda_box * sum(terms[name] for name in boxes)
        + s.lambda_obj * terms["obj"]
        + s.lambda_noobj * terms["noobj"]
        + s.lambda_cls * terms["cls"],
        slots={slot: things[-1] for slot, things in takers.items()},
        pairs={(slot, index) for slot, things in takers.items() for index in things},
        num_dropped=sum(not o.ignore and index not in answered for index, o in enumerate(objects)),
        margin=min(margins),
    )


def box_terms(
    numbers: Numbers, slot: Slot, thing: Object, width: float, height: float, s: Settings
) -> dict[str, float]:
    """The penalties of one box."""
    level, box, row, col = slot
    pred, truth = decoded(numbers, slot, s), in_pixels(thing, width, height)
    if s.box_term != "mse":
        return {"box": 1 - (overlap(pred, truth) if s.box_term == "iou" else ciou(pred, truth))}
    stride, anchor, scale = s.strides[level], s.anchors[level][box], s.scale_xy[level]
    large = 2 - thing.w * thing.h
    xy = wh = 0.0
    for axis, cell in enumerate((col, row)):
        # What the squashed number should be for the centre to be right: x = scale q - (scale - 1) / 2 in its cell.
        wanted = (truth[axis] / stride - cell + (scale - 1) / 2) / scale
        xy += large * scale * penalty(numbers[axis], wanted, s)
        ratio = truth[2 + axis] / anchor[axis]
        size = math.sqrt(ratio) / 2 if s.new_coords else math.log(ratio)
        wh += large * (numbers[2 + axis] - size) ** 2 / 2
    return {"xy": xy, "wh": wh}


def decoded(numbers: Numbers, slot: Slot, s: Settings) -> Box:
    """cxcywh in pixels."""
    level, box, row, col = slot
    stride, anchor, scale = s.strides[level], s.anchors[level][box], s.scale_xy[level]
    x, y = (probability(number, s) * scale - (scale - 1) / 2 for number in numbers[:2])
    w, h = ((2 * t) ** 2 if s.new_coords else math.exp(t) for t in numbers[2:4])
    return (col + x) * stride, (row + y) * stride, w * anchor[0], h * anchor[1]


def in_pixels(thing: Object, width: float, height: float) -> Box:
    return thing.x * width, thing.y * height, thing.w * width, thing.h * height


def probability(number: float, s: Settings) -> float:
    return number if s.new_coords else sigmoid(number)


def penalty(number: float, target: float, s: Settings) -> float:
    return (number - target) ** 2 / 2 if s.new_coords else cross_entropy(number, target)


def ciou(a: Box, b: Box) -> float:
    """Zheng et al. 2020, equations 8 to 11."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    cw = max(ax + aw / 2, bx + bw / 2) - min(ax - aw / 2, bx - bw / 2)
    ch = max(ay + ah / 2, by + bh / 2) - min(ay - ah / 2, by - bh / 2)
    iou = overlap(a, b)
    v = 4 / math.pi**2 * (math.atan(bw / bh) - math.atan(aw / ah)) ** 2
    alpha = v / (1 - iou + v) if v else 0.0
    return iou - ((ax - bx) ** 2 + (ay - by) ** 2) / (cw**2 + ch**2) - alpha * v
