"""The YOLOX loss of one image in plain loops over plain numbers, from the formula alone.

    L =  lambda_box * sum over positives (1 - IoU^2)                              "box"
      +  lambda_obj * sum over all locations BCE(obj, 1 for positives, else 0)    "obj"
      +  lambda_cls * sum over positives and classes BCE(cls, IoU or 0)           "cls"
      +  lambda_l1  * sum over positives |what is emitted - what it should be|    "l1"

Slow, and meant to be read beside the paper. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

Box = tuple[float, float, float, float]  # cx, cy, w, h in pixels


@dataclass(frozen=True, kw_only=True)
class Object:
    """A labelled box in pixels."""

    box: Box
    label: int
    weight: float = 1.0
    ignore: bool = False


@dataclass(frozen=True, kw_only=True)
class Location:
    """What one cell emits, and where it is."""

    col: int
    row: int
    stride: int
    numbers: Sequence[float]  # dx, dy, dw, dh, objectness, classes

    @property
    def point(self) -> tuple[float, float]:
        return (self.col + 0.5) * self.stride, (self.row + 0.5) * self.stride

    @property
    def box(self) -> Box:
        dx, dy, dw, dh = self.numbers[:4]
        s = self.stride
        return (self.col + dx) * s, (self.row + dy) * s, math.exp(dw) * s, math.exp(dh) * s


@dataclass(kw_only=True)
class Result:
    """The four sums without their lambdas, and how they came about."""

    unweighted: dict[str, float]
    owner: dict[int, int] = field(default_factory=dict)  # location -> object
    num_dropped: int = 0
    margin: float = math.inf  # by how much the closest choice was decided


def loss_of_image(
    locations: Sequence[Location], objects: Sequence[Object], class_weight: Sequence[float]
) -> Result:
    result = sim_ota(locations, objects)
    terms = result.unweighted
    for index, location in enumerate(locations):
        objectness, classes = location.numbers[4], location.numbers[5:]
        if index not in result.owner:
            if not on_ignored(location, objects, locations):
                terms["obj"] += cross_entropy(objectness, 0)
            continue
        thing = objects[result.owner[index]]
        iou = overlap(thing.box, location.box)
        terms["box"] += thing.weight * (1 - iou**2)
        terms["obj"] += thing.weight * cross_entropy(objectness, 1)
        for c, logit in enumerate(classes):
            target = iou if c == thing.label else 0
            terms["cls"] += thing.weight * class_weight[c] * cross_entropy(logit, target)
        s, (x, y, w, h) = location.stride, thing.box
        wanted = (x / s - location.col, y / s - location.row, math.log(w / s), math.log(h / s))
        terms["l1"] += thing.weight * sum(
            abs(a - b) for a, b in zip(location.numbers[:4], wanted, strict=True)
        )
    return result


def sim_ota(locations: Sequence[Location], objects: Sequence[Object]) -> Result:
    """Who answers for which object."""
    result = Result(unweighted={"box": 0.0, "obj": 0.0, "cls": 0.0, "l1": 0.0})
    wanted = [j for j, thing in enumerate(objects) if not thing.ignore]
    candidates = [
        i for i, at in enumerate(locations) if any(central(at, objects[j].box, result) for j in wanted)
    ]
    costs, takers = {}, {i: [] for i in candidates}
    for j in wanted:
        ious = [overlap(objects[j].box, locations[i].box) for i in candidates]
        costs[j] = {i: cost(locations[i], objects[j], iou) for i, iou in zip(candidates, ious, strict=True)}
        best = sum(sorted(ious, reverse=True)[:10])
        if candidates and best >= 0.5:  # below 1 it is 1 whatever the rounding
            result.margin = min(result.margin, abs(best - round(best)))
        k = max(1, math.floor(best))
        order = sorted(candidates, key=lambda i, of=costs[j]: of[i])
        if k < len(order):
            gap = costs[j][order[k]] - costs[j][order[k - 1]]
            result.margin = min(result.margin, gap)
        for i in order[:k]:
            takers[i].append(j)
    for i in candidates:
        if len(takers[i]) == 1:
            result.owner[i] = takers[i][0]
        elif takers[i]:
            least = min(costs[j][i] for j in wanted)
            result.owner[i] = next(j for j in wanted if costs[j][i] == least)
            gaps = [costs[j][i] - least for j in wanted if costs[j][i] != least]
            result.margin = min([result.margin, *gaps])
    result.num_dropped = len(set(wanted) - set(result.owner.values()))
    return result


def cost(location: Location, thing: Object, iou: float) -> float:
    objectness = sigmoid(location.numbers[4])
    total = 0.0
    for c, logit in enumerate(location.numbers[5:]):
        q = math.sqrt(objectness * sigmoid(logit))
        total -= math.log(q) if c == thing.label else math.log(1 - q)
    inside = central(location, thing.box, None)
    return total + 3 * -math.log(iou + 1e-8) + (0 if inside else 1e6)


def central(location: Location, box: Box, result: Result | None) -> bool:
    """Whether the location's point is less than 1.5 strides from the centre on both axes."""
    limit = 1.5 * location.stride
    far = max(abs(location.point[0] - box[0]), abs(location.point[1] - box[1]))
    if result is not None:
        result.margin = min(result.margin, abs(far - limit))
    return far < limit


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    height = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def cross_entropy(logit: float, target: float) -> float:
    q = sigmoid(logit)
    return -target * math.log(q) - (1 - target) * math.log(1 - q)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def on_ignored(location: Location, objects: Sequence[Object], locations: Sequence[Location]) -> bool:
    """Whether the location lies in an ignored region, or that region's centre in the location's cell."""
    x, y = location.point
    for thing in objects:
        cx, cy, w, h = thing.box
        covered = abs(x - cx) <= w / 2 and abs(y - cy) <= h / 2
        if thing.ignore and (covered or holds(location, cx, cy, locations)):
            return True
    return False


def holds(location: Location, x: float, y: float, locations: Sequence[Location]) -> bool:
    """Whether (x, y) is in the location's cell; on the far edges of the map it is in the last ones."""
    same = [other for other in locations if other.stride == location.stride]
    col = min(int(x // location.stride), max(other.col for other in same))
    row = min(int(y // location.stride), max(other.row for other in same))
    return (col, row) == (location.col, location.row)
