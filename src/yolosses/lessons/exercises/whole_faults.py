"""The whole YOLOv1 loss with mistakes that can be switched on: what answers of lesson 7 are compared with.

The keys in ``wrong`` are those of `whole_words`. Without any, the terms are those of `yolosses.YOLOv1Loss`.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from yolosses.lessons.exercises.overlap import iou
from yolosses.lessons.scene import Array


def total(raw: Array, objects: Array, S: int, B: int, C: int, wrong: Collection[str]) -> float:
    """The loss of one picture."""
    value = sum(terms(raw, objects, S, B, C, wrong).values())
    return float(np.sqrt(value)) if "root" in wrong else value


def terms(
    raw: Array, objects: Array, S: int, B: int, C: int, wrong: Collection[str] = ()
) -> dict[str, float]:
    """The five terms with their weights."""
    boxes, classes = raw[..., : 5 * B].reshape(S, S, B, 5), raw[..., 5 * B :]
    responsible, holds = np.zeros((S, S, B), dtype=bool), np.zeros((S, S), dtype=bool)
    xy = wh = obj = cls = 0.0
    for cx, cy, w, h, label in _kept(objects, S, wrong):
        col, row = int(cx * S), int(cy * S)
        place = (col, row) if "row-column" in wrong else (row, col)
        cell = boxes[place]
        ious = np.array([_iou(box, (cx, cy, w, h), col, row, S, wrong) for box in cell])
        chosen = _responsible(ious, cell[:, 4], wrong)
        responsible[place] |= chosen
        holds[place] = True
        for box, overlap in zip(cell[chosen], ious[chosen], strict=True):
            xy += _centre(box, cx, cy, col, row, S, wrong)
            wh += _size(box, np.array([w, h]), wrong)
            obj += _cost(box[4], 1.0 if "target-one" in wrong else overlap, wrong, printed=True)
        cls += _class(classes[place], int(label), wrong) * (B if "class-each-box" in wrong else 1)
    background = ~responsible
    if "empty-cells" in wrong:
        background &= ~holds[..., None]
    if "noobj-everyone" in wrong:
        background[:] = True
    noobj = _cost(boxes[background][:, 4], 0.0, wrong, printed=True)
    if "class-every-cell" in wrong:
        cls += _cost(classes[~holds], 0.0, wrong, printed=True)
    coord, empty = _lambdas(wrong)
    found = {"xy": coord * xy, "wh": coord * wh, "obj": obj, "noobj": empty * noobj, "cls": cls}
    count = max(len(objects), 1) if "mean" in wrong else S * S if "mean-over-cells" in wrong else 1
    return {
        name: 0.0 if f"{name}-missing" in wrong else float(value) / count for name, value in found.items()
    }


def _kept(objects: Array, S: int, wrong: Collection[str]) -> list[Array]:
    """The objects that count: the first of each cell."""
    if "both-objects" in wrong:
        return list(objects)
    ordered = objects[::-1] if "last-object" in wrong else objects
    first: dict[tuple[int, int], Array] = {}
    for each in ordered:
        first.setdefault((int(each[1] * S), int(each[0] * S)), each)
    return list(first.values())


def _iou(
    box: Array, truth: tuple[float, float, float, float], col: int, row: int, S: int, wrong: Collection[str]
) -> float:
    x, y, root_w, root_h, _ = box
    size = (root_w, root_h) if "iou-of-roots" in wrong else (root_w**2, root_h**2)
    if "iou-not-placed" in wrong:
        return float(iou((x, y, *size), truth))
    if "iou-mixed-units" in wrong:  # centres in cells, sizes in pictures
        return float(iou((x, y, *size), (truth[0] * S - col, truth[1] * S - row, *truth[2:])))
    return float(iou(((col + x) / S, (row + y) / S, *size), truth))


def _responsible(ious: Array, confidence: Array, wrong: Collection[str]) -> NDArray[np.bool_]:
    """Which of a cell's boxes are: the one with the highest IoU."""
    if "whole-cell" in wrong:
        return np.ones(len(ious), dtype=bool)
    if "threshold" in wrong:
        return np.asarray(ious > 0.5)
    best = 0 if "first-box" in wrong else int(np.argmax(confidence if "most-confident" in wrong else ious))
    return np.asarray(np.arange(len(ious)) == best)


def _centre(box: Array, cx: float, cy: float, col: int, row: int, S: int, wrong: Collection[str]) -> float:
    if "xy-in-fractions" in wrong:
        return _cost((box[:2] + np.array([col, row])) / S, np.array([cx, cy]), wrong)
    if "xy-of-picture" in wrong:
        return _cost(box[:2], np.array([cx, cy]), wrong)
    return _cost(box[:2], np.array([cx * S - col, cy * S - row]), wrong)


def _size(box: Array, truth: Array, wrong: Collection[str]) -> float:
    roots = box[2:4]
    if "no-root" in wrong:
        return _cost(roots**2, truth, wrong)
    if "truth-not-rooted" in wrong:
        return _cost(roots, truth, wrong)
    return _cost(np.sqrt(roots) if "root-of-root" in wrong else roots, np.sqrt(truth), wrong)


def _class(pred: Array, label: int, wrong: Collection[str]) -> float:
    truth = np.arange(len(pred)) == label
    if "cross-entropy" in wrong:
        return float(-np.log(pred[label]))
    if "softmax-cross-entropy" in wrong:
        return float(np.log(np.exp(pred).sum()) - pred[label])
    if "true-class-only" in wrong:
        return _cost(pred[truth], 1.0, wrong, printed=True)
    return _cost(pred, truth, wrong, printed=True)


def _cost(pred: Array, truth: Array | float, wrong: Collection[str], *, printed: bool = False) -> float:
    """The sum of squared errors; ``printed``: some texts print this term without the square."""
    gap = np.asarray(pred) - truth
    if "absolute" in wrong:
        return float(np.abs(gap).sum())
    if printed and "no-square" in wrong:
        return float(-gap.sum())
    if printed and "no-square-reversed" in wrong:
        return float(gap.sum())
    return float((gap**2).sum()) / (2 if "halved" in wrong else 1)


def _lambdas(wrong: Collection[str]) -> tuple[float, float]:
    """lambda_coord and lambda_noobj."""
    coord, noobj = (0.5, 5.0) if "lambdas-exchanged" in wrong else (5.0, 0.5)
    if "lambda-squared" in wrong:
        coord, noobj = coord**2, noobj**2
    return (1.0 if "no-lambda-coord" in wrong else coord), (1.0 if "no-lambda-noobj" in wrong else noobj)
