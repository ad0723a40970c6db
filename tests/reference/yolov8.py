"""The YOLOv8 loss of one image in plain loops over plain numbers, from the formulas alone.

    L =  lambda_box * sum over positives q (1 - CIoU)                               "box"
      +  lambda_cls * sum over all locations and classes BCE(s, target)             "cls"
      +  lambda_dfl * sum over positives q * mean over four sides of DFL or |error| "dfl" or "l1"

Slow, and meant to be read beside the papers. It shares no code with the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.yolov6 import (
    Corners,
    Location,
    Object,
    around,
    focal,
    iou,
    on_ignored,
    sigmoid,
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who may answer for an object."""

    topk: int = 10
    alpha: float = 0.5
    beta: float = 6.0
    least_side: float = 16.0
    reach: float | None = None
    fallback: bool = False
    contested: str = "inside"
    keep_best: bool = False


@dataclass(kw_only=True)
class Result:
    """The sums without their lambdas, and how they came about."""

    unweighted: dict[str, float] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)  # location -> object
    quality: dict[int, float] = field(default_factory=dict)
    num_dropped: int = 0
    margin: float = math.inf  # by how much the closest choice was decided


def loss_of_image(
    locations: Sequence[Location],
    objects: Sequence[Object],
    rule: Rule,
    *,
    class_weight: Sequence[float],
    image_size: tuple[int, int],
    label_smoothing: float = 0.0,
) -> Result:
    result = task_aligned(locations, objects, rule)
    last = "l1" if len(locations[0].sides[0]) == 1 else "dfl"
    terms = result.unweighted = {"box": 0.0, "cls": 0.0, last: 0.0}
    for index, at in enumerate(locations):
        thing = objects[result.owner[index]] if index in result.owner else None
        q = result.quality.get(index, 0.0)
        if thing is None and on_ignored(at, objects, locations):
            continue
        weight = 1.0 if thing is None else thing.weight
        for c, logit in enumerate(at.logits):
            target = q if thing is not None and c == thing.label else 0.0
            if thing is not None:
                target = target * (1 - label_smoothing) + label_smoothing / len(at.logits)
            terms["cls"] += weight * class_weight[c] * (math.log1p(math.exp(logit)) - logit * target)
        if thing is None:
            continue
        terms["box"] += weight * q * (1 - ciou(at.box, thing.box))
        (x, y), (x1, y1, x2, y2), s = at.point, thing.box, at.stride
        wanted = ((x - x1) / s, (y - y1) / s, (x2 - x) / s, (y2 - y) / s)
        if last == "dfl":
            losses = [focal(side, t) for side, t in zip(at.sides, wanted, strict=True)]
        else:
            spans = (image_size[1], image_size[0]) * 2
            losses = [
                abs(side[0] - t) * s / span for side, t, span in zip(at.sides, wanted, spans, strict=True)
            ]
        terms[last] += weight * q * sum(losses) / 4
    return result


def task_aligned(locations: Sequence[Location], objects: Sequence[Object], rule: Rule) -> Result:
    """Who answers for which object, and how well."""
    result = Result()
    wanted = [j for j, thing in enumerate(objects) if not thing.ignore]

    def closer(gap: float) -> None:
        result.margin = min(result.margin, gap)

    def overlap(i: int, j: int) -> float:
        return max(0.0, ciou(locations[i].box, objects[j].box))

    def aligned(i: int, j: int) -> float:
        score = sigmoid(locations[i].logits[objects[j].label])
        return float(score**rule.alpha * overlap(i, j) ** rule.beta)

    inside = {
        j: [i for i, at in enumerate(locations) if candidate(at, objects[j], rule, result)] for j in wanted
    }
    takers: dict[int, list[int]] = {}
    for j in wanted:
        scores = {i: aligned(i, j) for i in inside[j] if aligned(i, j) > 0}
        if rule.fallback and not scores:
            everywhere = sorted((aligned(i, j) for i in range(len(locations))), reverse=True)
            scores = {i: s for i in range(len(locations)) if (s := aligned(i, j)) == everywhere[0] > 0}
            if len(everywhere) > 1 and everywhere[1] > 0:
                closer(everywhere[0] / everywhere[1] - 1)
        order = sorted(scores, key=lambda i, of=scores: -of[i])
        if len(order) > rule.topk:
            closer(scores[order[rule.topk - 1]] / scores[order[rule.topk]] - 1)
        for i in order[: rule.topk]:
            takers.setdefault(i, []).append(j)

    for i, those in takers.items():
        result.owner[i] = those[0]
        if len(those) > 1:
            among = {
                "taking": those, "all": wanted, "inside": [j for j in wanted if i in inside[j]]
            }[rule.contested]  # fmt: skip
            overlaps = {j: overlap(i, j) for j in among}
            most = max(overlaps.values())
            result.owner[i] = next(j for j in among if overlaps[j] == most)
            for value in overlaps.values():
                closer(most - value if value != most else math.inf)

    for j in wanted:
        mine = [i for i, owner in result.owner.items() if owner == j]
        if rule.keep_best and mine:
            ranked = sorted(mine, key=lambda i, j=j: -aligned(i, j))
            if len(ranked) > 1:
                closer(1 - aligned(ranked[1], j) / aligned(ranked[0], j))
            for i in ranked[1:]:
                del result.owner[i]
            mine = ranked[:1]
        best, widest = (max((of(i, j) for i in mine), default=0.0) for of in (aligned, overlap))
        for i in mine:
            result.quality[i] = aligned(i, j) * widest / (best + 1e-9)
        result.num_dropped += not mine
    return result


def candidate(at: Location, thing: Object, rule: Rule, result: Result) -> bool:
    (x, y), (x1, y1, x2, y2) = at.point, thing.box
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
    w, h = max(x2 - x1, rule.least_side), max(y2 - y1, rule.least_side)
    distances = (x - (cx - w / 2), y - (cy - h / 2), cx + w / 2 - x, cy + h / 2 - y)
    result.margin = min(result.margin, abs(min(distances)))
    if rule.reach is None:
        return min(distances) > 1e-9
    limit = rule.reach * at.stride
    result.margin = min(result.margin, abs(max(distances) - limit))
    return min(distances) >= 0 and max(distances) <= limit


def ciou(a: Corners, b: Corners) -> float:
    width, height = around(a, b)
    dx, dy = ((b[k] + b[k + 2] - a[k] - a[k + 2]) / 2 for k in (0, 1))
    angles = [math.atan((box[2] - box[0]) / (box[3] - box[1])) for box in (a, b)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    alpha = v / (1 - iou(a, b) + v) if v > 0 else 0.0
    return iou(a, b) - (dx * dx + dy * dy) / (width**2 + height**2) - alpha * v
