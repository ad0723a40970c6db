"""Lesson 3, centres: the first term, and where its gradient pulls."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from yolosses.lessons.cases import Case, fractions, scene_of, scenes
from yolosses.lessons.exercise import Exercise, Misconception, Question
from yolosses.lessons.exercises import centre_misconceptions as known
from yolosses.lessons.exercises.cells import centres, draw_centre
from yolosses.lessons.scene import Scene
from yolosses.lessons.words import Words


def offset(cx, cy, S):
    return cx * S % 1, cy * S % 1


def _centre(cx: float, cy: float, S: int) -> Case:
    return Case({"cx": cx, "cy": cy, "S": S})


def _whole(cx: float, cy: float, S: int) -> tuple[int, int]:
    return int(cx * S), int(cy * S)


def _nearest(cx: float, cy: float, S: int) -> Any:
    x, y = np.array([cx, cy]) * S
    return x - np.floor(x + 0.5), y - np.floor(y + 0.5)


_OFFSET = (
    Misconception(
        key="in-the-picture",
        mutant=lambda cx, cy, S: (cx, cy),
        says=Words(
            "You return the place in the picture. The place inside the cell is asked.",
            "你回傳的是圖片中的位置。這裡要的是格子裡的位置。",
        ),
        why=Words(
            "Then every cell would have to learn numbers of its own; offsets mean the same in all cells.",
            "這樣每一格要學的數字範圍都不同；用格子裡的位置，在每一格的意義都一樣。",
        ),
        hint=Words("How far is the centre from the left edge of its cell?", "中心點離它那一格的左邊有多遠？"),
    ),
    Misconception(
        key="in-cells",
        mutant=lambda cx, cy, S: (cx * S, cy * S),
        says=Words(
            "You do not subtract the cell's corner: that is the place in cells from the picture's corner.",
            "你沒有減掉格子的角：這是從圖片左上角數起的第幾格。",
        ),
        why=Words(
            "The targets would grow from left to right up to S instead of staying between 0 and 1.",
            "目標會從左到右一路增加到 S，而不是在 0 和 1 之間。",
        ),
        hint=Words("Take away the whole cells.", "把整數的格數減掉。"),
    ),
    Misconception(
        key="not-scaled",
        mutant=lambda cx, cy, S: (cx - _whole(cx, cy, S)[0] / S, cy - _whole(cx, cy, S)[1] / S),
        says=Words(
            "You measure in fractions of the picture. x and y are fractions of the CELL: times S.",
            "你用的單位是圖片的比例。x、y 是「格子」的比例，要乘 S。",
        ),
        why=Words(
            "Errors would be S times smaller, and their squares S * S times: 49 times for 7 x 7.",
            "誤差會變成 1/S，平方後是 1/S²；7 x 7 時就是 1/49。",
        ),
        hint=Words("At the right edge of the cell x is 1.", "在格子的右邊緣，x 是 1。"),
    ),
    Misconception(
        key="cell-itself",
        mutant=_whole,
        says=Words(
            "You return column and row of the cell. What is left over is asked.",
            "你回傳的是第幾行、第幾列。這裡要的是剩下的小數部分。",
        ),
        why=Words(
            "The cell is known already; where in it the centre lies is what the box learns.",
            "是哪一格早就知道了，框要學的是在格子裡的哪裡。",
        ),
        hint=Words("cx * S minus its whole part.", "cx * S 減掉它的整數部分。"),
    ),
    Misconception(
        key="from-the-middle",
        mutant=lambda cx, cy, S: (cx * S % 1 - 0.5, cy * S % 1 - 0.5),
        says=Words(
            "You measure from the middle of the cell. It begins at its upper left corner.",
            "你是從格子中央量的。要從左上角開始量。",
        ),
        why=Words("Every box would be off by half a cell after decoding.", "解碼後每個框都會偏掉半格。"),
        hint=Words("x = 0 is the left edge.", "x = 0 是格子的左邊。"),
    ),
    Misconception(
        key="nearest-corner",
        mutant=_nearest,
        says=Words(
            "You subtract the nearest whole number. The cell's corner is found by rounding DOWN.",
            "你減掉的是四捨五入的整數。格子的角要用無條件捨去。",
        ),
        why=Words(
            "Offsets would lie between -0.5 and 0.5, from a corner of another cell.",
            "位置會在 -0.5 到 0.5 之間，而且是相對於別格的角。",
        ),
        hint=Words("floor, not round.", "用 floor，不是 round。"),
    ),
    Misconception(
        key="from-the-right",
        mutant=lambda cx, cy, S: (1 - cx * S % 1, 1 - cy * S % 1),
        says=Words(
            "You measure from the right and the lower edge. Left and upper edge are 0.",
            "你是從右邊和下面量的。左邊和上面才是 0。",
        ),
        why=Words("Boxes would come out mirrored inside their cell.", "框在格子裡會左右、上下顛倒。"),
        hint=Words("Whole cells away from cx * S, not the other way round.", "是 cx * S 減整數，不是反過來。"),
    ),
    Misconception(
        key="swapped",
        mutant=lambda cx, cy, S: (cy * S % 1, cx * S % 1),
        says=Words("x and y are swapped.", "x 和 y 放反了。"),
        why=Words("Boxes would come out mirrored at the diagonal.", "框會沿著對角線翻過去。"),
        hint=Words("First x, from cx; then y, from cy.", "先 x（來自 cx），再 y（來自 cy）。"),
    ),
)  # fmt: skip

inside = Exercise(
    key="offset",
    lesson=3,
    task=Words(
        "Where in its cell a centre lies: two numbers x, y, each from 0 (left or upper edge) to 1. cx, cy: the centre, "
        "fractions of the picture; S: cells on a side. No centre lies on a border.",
        "中心點在它那一格裡的位置，回傳兩個數字 x、y，都從 0（左邊或上面）到 1。cx、cy：中心點，佔圖片的比例；"
        "S：一邊有幾格。中心點不會剛好在格線上。",
    ),
    right=offset,
    cases=centres(),
    chosen=(_centre(0.7, 0.4, 4), _centre(0.45, 0.85, 3), _centre(0.95, 0.15, 5)),
    misconceptions=_OFFSET,
    hints=Words(
        "cx * S is the centre in cells, for example 2.8: two whole cells and 0.8 of the third.",
        "cx * S 是以格子為單位的位置，例如 2.8：兩個整格，加上第三格的 0.8。",
    ),
    picture=draw_centre,
)


def xy_term(pred, truth, obj, lambda_coord):
    error = pred - truth[:, None]  # (cells, boxes, 2): x, y
    return lambda_coord * (obj[..., None] * error**2).sum()


def _case(scene: Scene, lambda_coord: float = 5.0) -> Case:
    arguments = {"pred": scene.boxes[..., :2], "truth": scene.of_cells("x", "y"), "obj": scene.obj,
                 "lambda_coord": lambda_coord}  # fmt: skip
    return Case(arguments, scene)


xy = Exercise(
    key="xy_term",
    lesson=3,
    task=Words(
        "Term 1, one number. pred: (cells, boxes, 2), predicted x and y in the cell, 0 to 1; truth: "
        "(cells, 2), x and y "
        "of each cell's object, 0 where there is none; obj: (cells, boxes), 1obj_ij as 0.0 or 1.0; lambda_coord: a "
        "number.",
        "第 1 項，回傳一個數字。pred：(格子, 框, 2)，預測的 x 與 y，是格子裡的位置，0 到 1；truth：(格子, 2)，"
        "每格物體的 x 與 y，沒有物體時是 0；obj：(格子, 框)，也就是 1obj_ij，值是 0.0 或 1.0；lambda_coord：一個數字。",
    ),
    right=xy_term,
    cases=st.builds(_case, scenes(), fractions(1).map(lambda part: 10 * part)),
    chosen=(
        _case(scene_of(0, grid=1, boxes=2, classes=1, objects=1), 3.0),
        _case(scene_of(1, grid=2, boxes=2, classes=2, objects=2)),
        _case(scene_of(2, grid=3, boxes=3, classes=2, objects=3), 2.0),
        _case(scene_of(3, grid=2, boxes=2, classes=2, objects=0)),
        _case(scene_of(4, grid=5, boxes=4, classes=2, objects=4)),
    ),
    misconceptions=known.of_term(xy_term),
    hints=Words(
        "For one responsible box: (x - x^)^2 + (y - y^)^2. Then the sum over all of them, then lambda_coord.",
        "先看一個負責的框：(x - x̂)² + (y - ŷ)²。再把所有負責的框加起來，最後乘上 lambda_coord。",
    ),
)


def x_gradient(x, true, lambda_coord):
    return 2 * lambda_coord * (x - true)


def _pull(x: float, true: float, lambda_coord: float) -> Case:
    return Case({"x": x, "true": true, "lambda_coord": lambda_coord})


gradient = Exercise(
    key="x_gradient",
    lesson=3,
    task=Words(
        "The derivative of lambda_coord * (x - true)^2 with respect to x, one number. x: predicted; true: the truth; "
        "lambda_coord: a number.",
        "lambda_coord * (x - true)² 對 x 的微分，回傳一個數字。x：預測值；true：真實值；lambda_coord：一個數字。",
    ),
    right=x_gradient,
    cases=st.builds(_pull, fractions(), fractions(), fractions(1).map(lambda part: 10 * part)),
    chosen=(_pull(0.7, 0.4, 5.0), _pull(0.1, 0.9, 5.0), _pull(0.5, 0.25, 3.0)),
    misconceptions=known.OF_GRADIENT,
    hints=Words("The derivative of u^2 is 2u. lambda_coord stays.", "u² 的微分是 2u，lambda_coord 保留。"),
)

question = Question(
    key="centre_question",
    lesson=3,
    question=Words(
        "Width and height are compared under a root (lesson 4). Why has the centre no root?",
        "寬和高要開根號再比較（第 4 課）。中心點為什麼不開根號？",
    ),
    hints=Words(
        "Move a box from the left edge of its cell to the right edge. x goes from 0 to 1. Has anything about the box "
        "become larger?",
        "把一個框從格子的左邊移到右邊，x 從 0 變成 1。這個框有什麼變大了嗎？",
    ),
    answer=Words(
        "Because x is a place, not a size. An error of 0.1 is the same shift at x = 0.1 and at x = 0.9; a root would "
        "punish it more near the left and upper edge of the cell, for no reason. A width is different: 5 pixels too "
        "many matter more on a small box. 'The centre matters more, so it has no root' is not the reason: both terms "
        "have the same weight, lambda_coord, and weights say what matters. Nor is one term an MSE and the other an "
        "RMSE: both are sums of squared errors.",
        "因為 x 是「位置」，不是「大小」。0.1 的誤差，在 x = 0.1 和 x = 0.9 都是一樣的偏移；開根號的話，"
        "靠近格子左邊和上面的誤差會被罰得比較重，毫無道理。寬度就不同：多 5 個像素，對小框影響比較大。"
        "「中心點比較重要，所以不開根號」不是理由：兩項的權重都是 lambda_coord，重要不重要是由權重決定的。"
        "也不是一項用 MSE、一項用 RMSE：兩項都是誤差平方和。",
    ),
)

EXERCISES = (inside, xy, gradient, question)
