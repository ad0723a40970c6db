"""What is misunderstood about decoding, each as the function that somebody writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from yolosses.lessons.exercise import Misconception
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _decoded(
    centre: Callable[..., Any] | None = None, size: Callable[..., Any] | None = None
) -> Callable[..., Array]:
    """Decoding with another ``centre(t, cell, grid)`` or ``size(t, anchor, grid)``."""

    def mutant(t: Array, cell: Array, anchor: Array, grid: float) -> Array:
        where = (cell + _sigmoid(t[:2])) / grid if centre is None else centre(t[:2], cell, grid)
        return np.concatenate([where, anchor * np.exp(t[2:]) if size is None else size(t[2:], anchor, grid)])

    return mutant


_EXPONENT = Words("w = anchor_w exp(tw), and h likewise.", "w = anchor_w · exp(tw)，h 也一樣。")
_CENTRE = Words("x = (column + sigmoid(tx)) / grid.", "x = (行 + sigmoid(tx)) / grid。")

DECODE = (
    Misconception(
        key="no-sigmoid",
        mutant=_decoded(lambda t, cell, grid: (cell + t) / grid),
        says=Words(
            "The sigmoid of tx and ty is missing.",
            "tx 和 ty 少了 sigmoid。",
        ),
        why=Words(
            "Without it a cell may place its centre anywhere; the sigmoid keeps it in its own cell.",
            "沒有它，格子可以把中心點放到任何地方；sigmoid 讓中心點留在自己的格子裡。",
        ),
        hint=_CENTRE,
    ),
    Misconception(
        key="sigmoid-of-sum",
        mutant=_decoded(lambda t, cell, grid: _sigmoid(cell + t) / grid),
        says=Words(
            "You take the sigmoid of cell + t. It belongs to t alone.",
            "你對 cell + t 取 sigmoid。只有 t 才要取。",
        ),
        why=Words("All boxes would then lie in the first cell.", "這樣所有的框都會落在第一格。"),
        hint=_CENTRE,
    ),
    Misconception(
        key="cell-units",
        mutant=_decoded(lambda t, cell, grid: cell + _sigmoid(t)),
        says=Words(
            "Your centre is in cell units. The division by the number of cells is missing.",
            "你的中心點是以格子為單位，少了除以格子數。",
        ),
        why=Words(
            "Centre and size would be in different units: no IoU of such a box is right.",
            "中心點和寬高的單位不同，這種框的 IoU 都會算錯。",
        ),
        hint=_CENTRE,
    ),
    Misconception(
        key="offset-in-picture",
        mutant=_decoded(lambda t, cell, grid: cell / grid + _sigmoid(t)),
        says=Words(
            "You divide the cell by grid, but not the offset: sigmoid(t) is a part of a cell, not of the picture.",
            "你把格子除以 grid，卻沒有除偏移：sigmoid(t) 是一格的比例，不是整張圖的比例。",
        ),
        why=Words("The centre could lie a whole picture away.", "中心點可能會偏離一整張圖那麼遠。"),
        hint=_CENTRE,
    ),
    Misconception(
        key="offset-alone",
        mutant=_decoded(lambda t, cell, grid: _sigmoid(t)),
        says=Words("The cell is missing: where it lies must be added.", "少了格子：要加上格子的位置。"),
        why=Words(
            "The same output means another place in each cell.",
            "同樣的輸出，在不同的格子裡代表不同的位置。",
        ),
        hint=_CENTRE,
    ),
    Misconception(
        key="row-first",
        mutant=_decoded(lambda t, cell, grid: (cell[::-1] + _sigmoid(t)) / grid),
        says=Words(
            "Column and row are exchanged: x belongs to the column.",
            "行和列弄反了：x 對應的是行（水平方向）。",
        ),
        why=Words("Boxes would be mirrored at the diagonal of the picture.", "框會沿著圖片的對角線翻轉。"),
        hint=Words("cell[0] is the column, and goes with x.", "cell[0] 是水平方向的位置，搭配 x。"),
    ),
    Misconception(
        key="no-exp",
        mutant=_decoded(size=lambda t, anchor, grid: anchor * t),
        says=Words("The exp of tw and th is missing.", "tw 和 th 少了 exp。"),
        why=Words(
            "A negative output would be a negative width; exp is always above 0.",
            "輸出是負數時，寬度也會是負數；exp 永遠大於 0。",
        ),
        hint=_EXPONENT,
    ),
    Misconception(
        key="anchor-added",
        mutant=_decoded(size=lambda t, anchor, grid: anchor + np.exp(t)),
        says=Words(
            "You add the anchor. The size is a multiple of it.", "你把錨框用加的。大小應該是錨框的倍數。"
        ),
        why=Words(
            "At t = 0 the box should be the anchor itself: factor 1, not plus 1.",
            "t = 0 時框應該就是錨框本身：是乘以 1，不是加 1。",
        ),
        hint=_EXPONENT,
    ),
    Misconception(
        key="anchor-shifted",
        mutant=_decoded(size=lambda t, anchor, grid: anchor + t),
        says=Words(
            "You add tw and th to the anchor. YOLOv3 multiplies it by their exp.",
            "你把 tw、th 加到錨框上。YOLOv3 是把錨框乘上它們的 exp。",
        ),
        why=Words(
            "A step of t should change a small and a large box by the same factor.",
            "t 變動一點時，大框和小框應該改變同樣的倍數。",
        ),
        hint=_EXPONENT,
    ),
    Misconception(
        key="no-anchor",
        mutant=_decoded(size=lambda t, anchor, grid: np.exp(t)),
        says=Words("The anchor is missing.", "少了錨框。"),
        why=Words(
            "Without it all boxes start as large as the whole picture.",
            "沒有它，所有的框一開始都和整張圖一樣大。",
        ),
        hint=_EXPONENT,
    ),
    Misconception(
        key="size-over-grid",
        mutant=_decoded(size=lambda t, anchor, grid: anchor * np.exp(t) / grid),
        says=Words(
            "You divide the size by grid. The anchor is a fraction of the picture already.",
            "你把大小除以 grid。錨框本來就是佔整張圖的比例。",
        ),
        why=Words("All boxes would be grid times too small.", "所有的框都會小 grid 倍。"),
        hint=_EXPONENT,
    ),
    Misconception(
        key="v5",
        mutant=_decoded(size=lambda t, anchor, grid: anchor * (2 * _sigmoid(t)) ** 2),
        says=Words(
            "That is the size of YOLOv5, (2 sigmoid(t))^2 times the anchor.",
            "這是 YOLOv5 的大小：錨框乘上 (2 sigmoid(t))²。",
        ),
        why=Words(
            "It is bounded by 4 anchors; YOLOv3's exp has no bound.",
            "它最多是錨框的 4 倍；YOLOv3 的 exp 沒有上限。",
        ),
        hint=_EXPONENT,
    ),
    Misconception(
        key="v1",
        mutant=_decoded(size=lambda t, anchor, grid: t**2),
        says=Words(
            "That is the size of YOLOv1: the square of the output.", "這是 YOLOv1 的大小：輸出的平方。"
        ),
        why=Words("Since YOLOv2 boxes are measured by anchors.", "從 YOLOv2 開始，框的大小是以錨框為準。"),
        hint=_EXPONENT,
    ),
)


def _softmax(logits: Array) -> Array:
    return np.asarray(np.exp(logits) / np.exp(logits).sum())


def _bins(logits: Array) -> Array:
    return np.arange(len(logits), dtype=np.float64)


_EXPECTATION = Words(
    "The sum of k times softmax(logits)[k], k from 0.", "把 k 乘上 softmax(logits)[k] 加起來，k 從 0 開始。"
)

DISTANCE = (
    Misconception(
        key="argmax",
        mutant=lambda logits: float(np.argmax(logits)),
        says=Words("You take the most probable bin.", "你取的是機率最大的那一格。"),
        why=Words(
            "Distances would be whole strides only, and argmax has no gradient. The expectation can lie between bins.",
            "這樣距離只能是整數個 stride，而且 argmax 沒有梯度。期望值可以落在兩格之間。",
        ),
        hint=_EXPECTATION,
    ),
    Misconception(
        key="no-softmax",
        mutant=lambda logits: (logits * _bins(logits)).sum(),
        says=Words(
            "The softmax is missing: you weigh the bins with the logits themselves.",
            "少了 softmax：你直接用 logits 當權重。",
        ),
        why=Words("Logits may be negative and do not sum to 1.", "logits 可能是負數，加起來也不是 1。"),
        hint=_EXPECTATION,
    ),
    Misconception(
        key="exp-alone",
        mutant=lambda logits: (np.exp(logits) * _bins(logits)).sum(),
        says=Words("You take exp, but do not divide by the sum.", "你取了 exp，但沒有除以總和。"),
        why=Words("Without the division the weights are no probabilities.", "沒有除以總和，權重就不是機率。"),
        hint=_EXPECTATION,
    ),
    Misconception(
        key="sigmoid",
        mutant=lambda logits: (_sigmoid(logits) * _bins(logits)).sum(),
        says=Words(
            "You take a sigmoid of each logit. The bins share one softmax.",
            "你對每個 logit 取 sigmoid。這些格子應該共用一個 softmax。",
        ),
        why=Words("Sigmoids do not sum to 1.", "sigmoid 加起來不是 1。"),
        hint=_EXPECTATION,
    ),
    Misconception(
        key="from-one",
        mutant=lambda logits: (_softmax(logits) * (_bins(logits) + 1)).sum(),
        says=Words(
            "Your bins count from 1. The first bin is the distance 0.",
            "你的編號從 1 開始。第一格代表距離 0。",
        ),
        why=Words("Every box would be two strides too wide.", "每個框都會寬兩個 stride。"),
        hint=_EXPECTATION,
    ),
    Misconception(
        key="mean",
        mutant=lambda logits: (_softmax(logits) * _bins(logits)).mean(),
        says=Words(
            "You take a mean over the bins. The probabilities already sum to 1.",
            "你對格子取了平均。機率加起來已經是 1 了。",
        ),
        why=Words("The distance would be R times too small.", "距離會小 R 倍。"),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
    Misconception(
        key="fraction",
        mutant=lambda logits: (_softmax(logits) * _bins(logits)).sum() / (len(logits) - 1),
        says=Words(
            "You divide by R - 1. The distance is in strides, not a fraction of the largest one.",
            "你除以了 R - 1。距離的單位是 stride，不是最大距離的比例。",
        ),
        why=Words("All boxes would be smaller than two strides.", "所有的框都會小於兩個 stride。"),
        hint=_EXPECTATION,
    ),
    Misconception(
        key="rounded",
        mutant=lambda logits: float(np.rint((_softmax(logits) * _bins(logits)).sum())),
        says=Words("You round the expectation.", "你把期望值四捨五入了。"),
        why=Words(
            "Distances between bins are the purpose of the expectation.",
            "取期望值就是為了得到格子之間的距離。",
        ),
        hint=_EXPECTATION,
    ),
)
