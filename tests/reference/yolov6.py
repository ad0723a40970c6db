"""The YOLOv6 loss of one image in plain loops over plain numbers, from the formulas alone.

    L =  lambda_box * sum over positives q (1 - similarity)                           "box"
      +  lambda_cls * sum over all locations and classes weight * BCE(p, target)      "cls"
      +  lambda_dfl * sum over positives q * mean over four sides of DFL              "dfl"

Slow, and meant to be read beside the papers. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

Corners = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels
TOPK, BETA = 13, 6


@dataclass(frozen=True, kw_only=True)
class Object:
    """A labelled box in pixels."""

    box: Corners
    label: int
    weight: float = 1.0
    ignore: bool = False


@dataclass(frozen=True, kw_only=True)
class Location:
    """What one cell emits, and where it is."""

    col: int
    row: int
    stride: int
    sides: Sequence[Sequence[float]]  # left, top, right, bottom, each one number or one logit a bin
    logits: Sequence[float]  # one a class

    @property
    def point(self) -> tuple[float, float]:
        return (self.col + 0.5) * self.stride, (self.row + 0.5) * self.stride

    @property
    def box(self) -> Corners:
        x, y = self.point
        left, top, right, bottom = (self.stride * expected(side) for side in self.sides)
        return x - left, y - top, x + right, y + bottom


@dataclass(kw_only=True)
class Result:
    """The sums without their lambdas, and how they came about."""

    unweighted: dict[str, float]
    owner: dict[int, int] = field(default_factory=dict)  # location -> object
    quality: dict[int, float] = field(default_factory=dict)
    num_dropped: int = 0
    margin: float = math.inf  # by how much the closest choice was decided


def loss_of_image(
    locations: Sequence[Location], objects: Sequence[Object], class_weight: Sequence[float], similarity: str
) -> Result:
    result = task_aligned(locations, objects)
    terms = result.unweighted
    for index, location in enumerate(locations):
        thing = objects[result.owner[index]] if index in result.owner else None
        q = result.quality.get(index, 0.0)
        if thing is None and on_ignored(location, objects, locations):
            continue
        weight = 1.0 if thing is None else thing.weight
        for c, logit in enumerate(location.logits):
            here = thing is not None and c == thing.label
            p, target = sigmoid(logit), q if here else 0.0
            focus = q if here else 0.75 * p * p
            cross_entropy = -target * math.log(p) - (1 - target) * math.log(1 - p)
            terms["cls"] += weight * class_weight[c] * focus * cross_entropy
        if thing is None:
            continue
        alike = siou if similarity == "siou" else giou
        terms["box"] += weight * q * (1 - alike(location.box, thing.box))
        if len(location.sides[0]) > 1:
            (x, y), (x1, y1, x2, y2), s = location.point, thing.box, location.stride
            wanted = ((x - x1) / s, (y - y1) / s, (x2 - x) / s, (y2 - y) / s)
            losses = [focal(side, t) for side, t in zip(location.sides, wanted, strict=True)]
            terms["dfl"] += weight * q * sum(losses) / 4
    return result


def task_aligned(locations: Sequence[Location], objects: Sequence[Object]) -> Result:
    """Who answers for which object, and how well."""
    result = Result(unweighted={"box": 0.0, "cls": 0.0, "dfl": 0.0})
    wanted = [j for j, thing in enumerate(objects) if not thing.ignore]
    takers: dict[int, list[int]] = {}
    for j in wanted:
        scores = {
            i: alignment(at, objects[j])
            for i, at in enumerate(locations)
            if inside(at.point, objects[j].box, result) and alignment(at, objects[j]) > 0
        }
        order = sorted(scores, key=lambda i, of=scores: -of[i])
        if len(order) > TOPK:
            gap = scores[order[TOPK - 1]] / scores[order[TOPK]] - 1
            result.margin = min(result.margin, gap)
        for i in order[:TOPK]:
            takers.setdefault(i, []).append(j)
    for i, those in takers.items():
        result.owner[i] = those[0]
        if len(those) > 1:
            ious = {j: iou(locations[i].box, objects[j].box) for j in wanted}
            most = max(ious.values())
            result.owner[i] = next(j for j in wanted if ious[j] == most)
            result.margin = min([result.margin, *(most - value for value in ious.values() if value != most)])
    for j in wanted:
        mine = [i for i, owner in result.owner.items() if owner == j]
        scores = {i: alignment(locations[i], objects[j]) for i in mine}
        widest = max((iou(locations[i].box, objects[j].box) for i in mine), default=0.0)
        for i in mine:
            result.quality[i] = scores[i] * widest / (max(scores.values()) + 1e-9)
        result.num_dropped += not mine
    return result


def alignment(location: Location, thing: Object) -> float:
    return sigmoid(location.logits[thing.label]) * iou(location.box, thing.box) ** BETA


def inside(point: tuple[float, float], box: Corners, result: Result) -> bool:
    distances = (point[0] - box[0], point[1] - box[1], box[2] - point[0], box[3] - point[1])
    result.margin = min(result.margin, abs(min(distances)))
    return min(distances) > 1e-9


def intersection(a: Corners, b: Corners) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def area(box: Corners) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def iou(a: Corners, b: Corners) -> float:
    common = intersection(a, b)
    union = area(a) + area(b) - common
    return common / union if common > 0 and union > 0 else 0.0


def around(a: Corners, b: Corners) -> tuple[float, float]:
    """Width and height of the smallest box around both."""
    return max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1])


def giou(a: Corners, b: Corners) -> float:
    width, height = around(a, b)
    union = area(a) + area(b) - intersection(a, b)
    return iou(a, b) - (width * height - union) / (width * height)


def siou(a: Corners, b: Corners) -> float:
    dx, dy = ((b[k] + b[k + 2] - a[k] - a[k + 2]) / 2 for k in (0, 1))
    length = math.hypot(dx, dy)
    sine = min(abs(dx), abs(dy)) / length if length > 0 else 0.0
    gamma = 2 - math.sin(2 * math.asin(sine))
    distance = shape = 0.0
    for k, (apart, span) in enumerate(zip((dx, dy), around(a, b), strict=True)):
        distance += 1 - math.exp(-gamma * (apart / span) ** 2)
        one, two = a[k + 2] - a[k], b[k + 2] - b[k]
        shape += (1 - math.exp(-abs(one - two) / max(one, two))) ** 4
    return iou(a, b) - (distance + shape) / 2


def expected(side: Sequence[float]) -> float:
    if len(side) == 1:
        return side[0]
    return sum(k * p for k, p in enumerate(softmax(side)))


def focal(side: Sequence[float], target: float) -> float:
    """Cross-entropy with the two bins beside the target."""
    target = min(max(target, 0.0), len(side) - 1 - 0.01)
    left, p = math.floor(target), softmax(side)
    share = target - left
    return -(1 - share) * math.log(p[left]) - share * math.log(p[left + 1])


def softmax(values: Sequence[float]) -> list[float]:
    powers = [math.exp(value) for value in values]
    return [power / sum(powers) for power in powers]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def on_ignored(location: Location, objects: Sequence[Object], locations: Sequence[Location]) -> bool:
    """Whether the location lies in an ignored region, or that region's centre in the location's cell."""
    x, y = location.point
    for thing in objects:
        x1, y1, x2, y2 = thing.box
        own = holds(location, (x1 + x2) / 2, (y1 + y2) / 2, locations)
        if thing.ignore and (own or (x1 <= x <= x2 and y1 <= y <= y2)):
            return True
    return False


def holds(location: Location, x: float, y: float, locations: Sequence[Location]) -> bool:
    """Whether (x, y) is in the location's cell; on the far edges of the map it is in the last ones."""
    same = [other for other in locations if other.stride == location.stride]
    col = min(int(x // location.stride), max(other.col for other in same))
    row = min(int(y // location.stride), max(other.row for other in same))
    return (col, row) == (location.col, location.row)
