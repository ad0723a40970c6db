"""The YOLOv5 loss of a batch in plain loops over plain numbers, from its description alone; and YOLOv7's choice of
pairs.

    L = sum over levels of  lambda_box * mean over pairs (1 - CIoU)                                          "box"
                          + lambda_obj * balance * mean over predictors BCE(o, max(0, CIoU) or 0)            "obj"
                          + lambda_cls * mean over pairs and classes BCE(p_c, 1 for the class, else 0)       "cls"

Slow, and meant to be read beside the description. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.reference.yolov1 import Object, overlap

Size = tuple[float, float]
Box = tuple[float, float, float, float]  # centre and size
# [level][image][box][row][col]: tx, ty, tw, th, objectness, classes
Maps = Sequence[Sequence[Sequence[Sequence[Sequence[Sequence[float]]]]]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the loss can be told. ``anchors``: (w, h) in pixels of each level."""

    num_classes: int
    anchors: tuple[tuple[Size, ...], ...]
    strides: tuple[int, ...]
    grids: tuple[tuple[int, int], ...]
    balance: tuple[float, ...]
    lambda_box: float = 0.05
    lambda_obj: float = 1.0
    lambda_cls: float = 0.5
    anchor_threshold: float = 4.0
    objectness_from_iou: float = 1.0
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    cls_pos_weight: float = 1.0
    obj_pos_weight: float = 1.0
    class_weight: tuple[float, ...] | None = None
    ota: bool = False


@dataclass(frozen=True)
class Pair:
    """A predictor and the object (of its image) that it answers for."""

    level: int
    box: int
    row: int
    col: int
    object: int


@dataclass(kw_only=True)
class Result:
    """The three terms without their lambdas, and how they came about."""

    unweighted: dict[str, float] = field(default_factory=lambda: {"box": 0.0, "obj": 0.0, "cls": 0.0})
    total: float = 0.0
    pairs: list[list[Pair]] = field(default_factory=list)  # of each image, in order
    num_dropped: int = 0
    margin: float = math.inf  # by how much the closest choice was decided

    def close_call(self, by: float) -> None:
        if by != 0:  # exact ties are decided by rule
            self.margin = min(self.margin, abs(by))


def loss_of_batch(maps: Maps, batch: Sequence[Sequence[Object]], s: Settings) -> Result:
    result = Result()
    for image, objects in enumerate(batch):
        pairs = candidates(objects, s, result)
        if s.ota:
            pairs = cheapest(pairs, maps, image, objects, s, result)
        result.pairs.append(pairs)
        wanted = {index for index, thing in enumerate(objects) if not thing.ignore}
        result.num_dropped += len(wanted - {pair.object for pair in pairs})
    for level, (rows, cols) in enumerate(s.grids):
        here = [
            (image, pair) for image, pairs in enumerate(result.pairs) for pair in pairs if pair.level == level
        ]
        target, weight = {}, {}
        for image, pair in here:
            thing = batch[image][pair.object]
            numbers = maps[level][image][pair.box][pair.row][pair.col]
            fit = complete_overlap(decoded(numbers, pair, s), truth_in_pixels(thing, s))
            result.unweighted["box"] += thing.weight * (1 - fit) / len(here)
            for c, logit in enumerate(numbers[5:]):
                smooth = s.label_smoothing / 2
                share = thing.weight * (1.0 if s.class_weight is None else s.class_weight[c])
                error = cross_entropy(logit, 1 - smooth if c == thing.label else smooth, s.cls_pos_weight, s)
                result.unweighted["cls"] += share * error / len(here) / s.num_classes
            # The last pair of a predictor is the one that stays.
            g, place = s.objectness_from_iou, (image, pair.box, pair.row, pair.col)
            target[place], weight[place] = 1 - g + g * max(0.0, fit), thing.weight
        for image, objects in enumerate(batch):
            for box, row, col in places(len(s.anchors[level]), rows, cols):
                logit, place = maps[level][image][box][row][col][4], (image, box, row, col)
                error = cross_entropy(logit, target.get(place, 0.0), s.obj_pos_weight, s)
                free = 0.0 if on_ignored(row, col, (rows, cols), objects) else 1.0
                count = len(batch) * len(s.anchors[level]) * rows * cols
                result.unweighted["obj"] += weight.get(place, free) * s.balance[level] * error / count
    lambda_cls = s.lambda_cls if s.num_classes > 1 else 0.0
    scales = {"box": s.lambda_box, "obj": s.lambda_obj, "cls": lambda_cls}
    result.total = sum(scales[name] * value for name, value in result.unweighted.items())
    return result


def candidates(objects: Sequence[Object], s: Settings, result: Result) -> list[Pair]:
    """Every anchor of about an object's size, in the cell of its centre and beside it: level by level; then the own
    cells, the left, upper, right and lower ones; then anchor by anchor; then object by object."""
    found = []
    for level, (rows, cols) in enumerate(s.grids):
        for side in ("own", "left", "up", "right", "down"):
            for box, (anchor_w, anchor_h) in enumerate(s.anchors[level]):
                for index, thing in enumerate(objects):
                    if thing.ignore:
                        continue
                    w, h = thing.w * cols * s.strides[level], thing.h * rows * s.strides[level]
                    ratios = (w / anchor_w, anchor_w / w, h / anchor_h, anchor_h / h)
                    result.close_call(max(ratios) - s.anchor_threshold)
                    cell = cell_beside(thing.x * cols, thing.y * rows, rows, cols, side)
                    if max(ratios) < s.anchor_threshold and cell is not None:
                        found.append(Pair(level, box, *cell, index))
    return found


def cell_beside(x: float, y: float, rows: int, cols: int, side: str) -> tuple[int, int] | None:
    """(row, column) of the cell on that side of a centre in cell units, if it takes part."""
    row, col = min(int(y), rows - 1), min(int(x), cols - 1)
    if side == "own":
        return row, col
    distance, step = {
        "left": (x, (0, -1)),
        "up": (y, (-1, 0)),
        "right": (cols - x, (0, 1)),
        "down": (rows - y, (1, 0)),
    }[side]
    # On the left half of its cell, and not in the first column; likewise the other three.
    if not (distance % 1 < 0.5 and distance > 1):
        return None
    return row + step[0], col + step[1]


def cheapest(
    pairs: Sequence[Pair], maps: Maps, image: int, objects: Sequence[Object], s: Settings, result: Result
) -> list[Pair]:
    """YOLOv7: each object takes, of all candidates of the image, those that cost it least; as many as its ten best
    overlaps add up to."""
    wanted = [j for j, thing in enumerate(objects) if not thing.ignore]
    takers: list[list[int]] = [[] for _ in pairs]
    costs = {}
    for j in wanted:
        ious, costs[j] = [], []
        for pair in pairs:
            numbers = maps[pair.level][image][pair.box][pair.row][pair.col]
            ious.append(overlap(decoded(numbers, pair, s), truth_in_pixels(objects[j], s)))
            cost = -3 * math.log(ious[-1] + 1e-8)
            for c, logit in enumerate(numbers[5:]):
                q = math.sqrt(sigmoid(numbers[4]) * sigmoid(logit))
                cost -= math.log(q) if c == objects[j].label else math.log(1 - q)
            costs[j].append(cost)
        sum_of_best = sum(sorted(ious, reverse=True)[:10])
        if sum_of_best > 0.5:
            result.close_call(sum_of_best - round(sum_of_best))
        k = max(1, int(sum_of_best))
        order = sorted(range(len(pairs)), key=lambda n, of=costs[j]: of[n])  # the first of equals
        if k < len(order):
            result.close_call(costs[j][order[k]] - costs[j][order[k - 1]])
        for n in order[:k]:
            takers[n].append(j)
    kept = []
    for n, pair in enumerate(pairs):
        if takers[n]:
            payers = takers[n] if len(takers[n]) == 1 else wanted
            least = min(costs[j][n] for j in payers)
            for j in payers:
                result.close_call(costs[j][n] - least)
            kept.append(replace(pair, object=next(j for j in payers if costs[j][n] == least)))
    return kept


def decoded(numbers: Sequence[float], pair: Pair, s: Settings) -> Box:
    """The predicted box in pixels."""
    stride, (anchor_w, anchor_h) = s.strides[pair.level], s.anchors[pair.level][pair.box]
    tx, ty, tw, th = (sigmoid(number) for number in numbers[:4])
    return (
        (2 * tx - 0.5 + pair.col) * stride,
        (2 * ty - 0.5 + pair.row) * stride,
        (2 * tw) ** 2 * anchor_w,
        (2 * th) ** 2 * anchor_h,
    )


def truth_in_pixels(thing: Object, s: Settings) -> Box:
    height, width = s.grids[0][0] * s.strides[0], s.grids[0][1] * s.strides[0]
    return thing.x * width, thing.y * height, thing.w * width, thing.h * height


def complete_overlap(a: Box, b: Box) -> float:
    """CIoU: overlap, less the distance of the centres, less the difference of shape."""
    width = max(a[0] + a[2] / 2, b[0] + b[2] / 2) - min(a[0] - a[2] / 2, b[0] - b[2] / 2)
    height = max(a[1] + a[3] / 2, b[1] + b[3] / 2) - min(a[1] - a[3] / 2, b[1] - b[3] / 2)
    distance = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (width**2 + height**2)
    v = 4 / math.pi**2 * (math.atan(a[2] / a[3]) - math.atan(b[2] / b[3])) ** 2
    iou = overlap(a, b)
    return iou - distance - (v * v / (1 - iou + v) if v else 0.0)


def cross_entropy(logit: float, target: float, pos_weight: float, s: Settings) -> float:
    q = sigmoid(logit)
    loss = -pos_weight * target * math.log(q) - (1 - target) * math.log(1 - q)
    if s.focal_gamma > 0:
        p_t = target * q + (1 - target) * (1 - q)
        loss *= (target * 0.25 + (1 - target) * 0.75) * (1 - p_t) ** s.focal_gamma
    return loss


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def places(boxes: int, rows: int, cols: int) -> list[tuple[int, int, int]]:
    return [(box, row, col) for box in range(boxes) for row in range(rows) for col in range(cols)]


def on_ignored(row: int, col: int, grid: tuple[int, int], objects: Sequence[Object]) -> bool:
    """Whether the cell's centre lies in an ignored region, or that region's centre in the cell."""
    x, y = (col + 0.5) / grid[1], (row + 0.5) / grid[0]
    return any(
        thing.ignore
        and (
            (abs(x - thing.x) <= thing.w / 2 and abs(y - thing.y) <= thing.h / 2)
            or (int(thing.y * grid[0]), int(thing.x * grid[1])) == (row, col)
        )
        for thing in objects
    )
