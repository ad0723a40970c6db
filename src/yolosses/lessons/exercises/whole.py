"""Lesson 7, the whole loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.explain.style import FAINT_INK
from yolosses.lessons.cases import STEPS, Case, fractions, tables
from yolosses.lessons.exercise import Exercise, Misconception, Question, together
from yolosses.lessons.exercises.overlap import iou
from yolosses.lessons.exercises.whole_faults import terms, total
from yolosses.lessons.exercises.whole_words import FAULTS
from yolosses.lessons.pictures import draw_scene
from yolosses.lessons.scene import Array, Object, Scene
from yolosses.lessons.words import Words


def my_loss(raw, objects, S, B, C):
    boxes = raw[..., : 5 * B].reshape(S, S, B, 5)  # x, y, sqrt w, sqrt h, confidence
    classes = raw[..., 5 * B :]

    def iou(a, b):
        (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
        across = min(ax + aw / 2, bx + bw / 2) - max(ax - aw / 2, bx - bw / 2)
        down = min(ay + ah / 2, by + bh / 2) - max(ay - ah / 2, by - bh / 2)
        both = max(across, 0) * max(down, 0)
        return both / (aw * ah + bw * bh - both)

    xy = wh = obj = cls = 0
    background = np.ones((S, S, B))  # 1noobj_ij
    taken = set()
    for cx, cy, w, h, label in objects:
        col, row = int(cx * S), int(cy * S)
        if (row, col) in taken:  # a cell is responsible for one object, the first
            continue
        taken.add((row, col))
        placed = [((col + x) / S, (row + y) / S, rw**2, rh**2) for x, y, rw, rh, _ in boxes[row, col]]
        ious = [iou(box, (cx, cy, w, h)) for box in placed]
        j = int(np.argmax(ious))  # the responsible box
        background[row, col, j] = 0
        x, y, rw, rh, confidence = boxes[row, col, j]
        xy += (x - (cx * S - col)) ** 2 + (y - (cy * S - row)) ** 2
        wh += (rw - np.sqrt(w)) ** 2 + (rh - np.sqrt(h)) ** 2
        obj += (confidence - ious[j]) ** 2
        cls += ((classes[row, col] - np.eye(C)[int(label)]) ** 2).sum()
    noobj = (background * boxes[..., 4] ** 2).sum()
    return 5 * xy + 5 * wh + obj + 0.5 * noobj + cls


def _case(grid: int, objects: Sequence[Object], boxes: Array, confidence: Array, scores: Array) -> Case:
    """One call. The scene to draw has only the first object of each cell."""
    every = Scene(grid=grid, objects=tuple(objects), boxes=boxes, confidence=confidence, scores=scores)
    rows = np.concatenate([every.truths, every.labels[:, None]], 1)
    arguments = {"raw": every.raw, "objects": rows, "S": grid, "B": boxes.shape[1], "C": scores.shape[1]}
    first = {each.cell: each for each in reversed(objects)}
    return Case(arguments, replace(every, objects=tuple(first.values())))


def is_clear(case: Case) -> bool:
    """Whether which box is responsible is beyond doubt: no two IoUs of a cell alike, and the best one not 0."""
    assert case.scene is not None
    for each, truth in zip(case.scene.objects, case.scene.truths, strict=True):
        ious = sorted(iou(box, truth) for box in case.scene.placed[each.cell])
        if ious[-1] < 0.05 or (len(ious) > 1 and ious[-1] - ious[-2] < 0.02):
            return False
    return True


@st.composite
def _pictures(draw: DrawFn) -> Case:
    """Sizes are not too small, so that a learner's 1e-6 in the IoU does not matter."""
    grid, per_cell, num_classes = (draw(st.integers(1, 3)) for _ in range(3))
    shape = (grid**2, per_cell)
    objects = [
        Object(
            cell=draw(st.integers(0, grid**2 - 1)),
            x=draw(fractions(1, STEPS - 1)),
            y=draw(fractions(1, STEPS - 1)),
            w=draw(fractions(5)),
            h=draw(fractions(5)),
            label=draw(st.integers(0, num_classes - 1)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    sides = draw(tables((*shape, 2), STEPS // 2)) ** 2
    boxes = np.concatenate([draw(tables((*shape, 2), 1, STEPS - 1)), sides], -1)
    scores = draw(tables((grid**2, num_classes), 1, STEPS - 1))
    return _case(grid, objects, boxes, draw(tables(shape, 1, STEPS - 1)), scores)


def _chosen(seed: int, *, grid: int, boxes: int, classes: int, cells: Sequence[int]) -> Case:
    """A case that is the same each time, with objects in ``cells``."""
    random = np.random.default_rng(seed)

    def steps(*shape: int, least: int = 1) -> Array:
        return random.integers(least, STEPS, shape) / STEPS

    while True:
        objects = []
        for cell in cells:
            (x, y), (w, h) = steps(2).tolist(), steps(2, least=6).tolist()
            objects.append(Object(cell, x, y, w, h, int(random.integers(classes))))
        shape = (grid**2, boxes)
        numbers = np.concatenate([steps(*shape, 2), steps(*shape, 2, least=STEPS // 2) ** 2], -1)
        case = _case(grid, objects, numbers, steps(*shape), steps(grid**2, classes))
        if is_clear(case):
            return case


def _mistaken(wrong: tuple[str, ...]) -> Any:
    return lambda raw, objects, S, B, C: total(raw, objects, S, B, C, wrong)


_WHOLE = tuple(
    Misconception(key=key, mutant=_mistaken((key,)), says=says, why=why, hint=hint)
    for key, (says, why, hint) in FAULTS.items()
)


def _draw(case: Case) -> Figure:
    """The scene, and in grey the objects that come second in their cell."""
    assert case.scene is not None
    figure = draw_scene(case.scene)
    counted = {tuple(truth) for truth in case.scene.truths}
    for cx, cy, w, h, _ in case.arguments["objects"]:
        if (cx, cy, w, h) not in counted:
            corner = (cx - w / 2, cy - h / 2)
            figure.axes[0].add_patch(Rectangle(corner, w, h, fill=False, edgecolor=FAINT_INK, linewidth=2))
    return figure


whole = Exercise(
    key="my_loss",
    lesson=7,
    task=Words(
        "The YOLOv1 loss of one picture, one number, with lambda_coord = 5 and lambda_noobj = 0.5. "
        "raw: (S, S, 5B + C), of each cell [row, column] what the network emits: for each of the B boxes x, y (offset "
        "in the cell, 0 to 1), sqrt w, sqrt h (w, h as fractions of the picture), confidence; then C class outputs. "
        "objects: one row each, cx, cy, w, h as fractions of the picture and the class 0.0, 1.0, ...; there may be "
        "none. If two of them share a cell, only the first counts. S, B, C: whole numbers.",
        "一張圖片的 YOLOv1 損失，回傳一個數字，lambda_coord = 5，lambda_noobj = 0.5。"
        "raw：(S, S, 5B + C)，每一格 [row, column] 的網路輸出：B 個框各有 x、y（格子裡的位置，0 到 1）、"
        "√w、√h（w、h 是佔圖片的比例）、信心度，最後是 C 個類別輸出。"
        "objects：每個物體一列，cx、cy、w、h 是佔圖片的比例，最後是類別 0.0、1.0……，也可能沒有物體。"
        "如果兩個物體在同一格，只算第一個。S、B、C：整數。",
    ),
    right=my_loss,
    cases=_pictures().filter(is_clear),
    chosen=(
        _chosen(0, grid=1, boxes=2, classes=2, cells=(0,)),
        _chosen(1, grid=2, boxes=3, classes=3, cells=(1, 2)),
        _chosen(2, grid=2, boxes=2, classes=3, cells=(3, 3)),
        _chosen(3, grid=3, boxes=2, classes=2, cells=(5, 0, 5)),
        _chosen(4, grid=2, boxes=1, classes=2, cells=()),
        _chosen(5, grid=5, boxes=4, classes=6, cells=(24, 3, 17, 3)),
    ),
    misconceptions=_WHOLE,
    pairs=tuple(
        together(one, other, _mistaken((one.key, other.key))) for one, other in combinations(_WHOLE, 2)
    ),
    terms=partial(terms, wrong=()),
    hints=Words(
        "A loop over objects: its cell, the IoUs of the cell's boxes, the best box j. Then add to xy, wh, obj and cls. "
        "After the loop: all boxes that were never j, for noobj.",
        "寫一個物體的迴圈：找出它的格子、算出該格每個框的 IoU、選出最好的框 j，再加到 xy、wh、obj、cls。"
        "迴圈之後：從來沒當過 j 的框，全部算進 noobj。",
    ),
    picture=_draw,
)  # fmt: skip

second_box = Question(
    key="second_box_question",
    lesson=7,
    question=Words(
        "What would happen to a detector if term 3-2 left out the other boxes of an object's cell?",
        "如果 3-2 漏掉「有物體的格子裡其他的框」，訓練出來的偵測器會怎樣？",
    ),
    hints=Words(
        "Which terms give the second box of such a cell a gradient at all?",
        "這種格子裡的第二個框，還有哪一項會給它梯度？",
    ),
    answer=Words(
        "The second box of such a cell would get no gradient from any term: it is not responsible, so 1, 2 and 3-1 "
        "leave it alone, and 3-2 was the only one left. Its confidence stays what it happens to be. In a network, "
        "whose boxes share most weights, it tends to follow the first one: each object is reported twice, by a good "
        "box and by one that was never trained to fit. Non-maximum suppression removes the double only where the two "
        "overlap enough. On paper the loss is even smaller than the right one, so nobody sees it in the curve.",
        "這個框從任何一項都得不到梯度：它不負責，所以第 1、2 項和 3-1 都不管它，剩下的只有 3-2。"
        "它的信心度就停在碰巧的數字上。網路裡各個框共用大部分的權重，所以它往往會跟著第一個框變高，"
        "於是每個物體會被回報兩次：一次是準的框，一次是沒有人教過它要準的框。"
        "NMS 只有在兩個框重疊夠多時才能刪掉多餘的那個。而且這樣算出來的損失比正確的還小，從曲線上完全看不出來。",
    ),
)

EXERCISES = (whole, second_box)
