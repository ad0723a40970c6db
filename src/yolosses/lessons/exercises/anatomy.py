"""Lesson 11, from v1 to v10: how boxes are decoded, and who is responsible, in the losses that came after."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.explain.style import BLUE, FAINT_INK, GRID, ORANGE
from yolosses.lessons.cases import STEPS, Case, fractions, tables
from yolosses.lessons.exercise import Exercise, Question
from yolosses.lessons.exercises.alignment_mistakes import ALIGNMENT, BEST
from yolosses.lessons.exercises.decoding_mistakes import DECODE, DISTANCE
from yolosses.lessons.words import Words


def v3_decode(t, cell, anchor, grid):
    centre = (cell + 1 / (1 + np.exp(-t[:2]))) / grid
    size = anchor * np.exp(t[2:])
    return np.concatenate([centre, size])


def _decode_case(t: Any, cell: Any, anchor: Any, grid: int) -> Case:
    arrays = {"t": t, "cell": cell, "anchor": anchor}
    return Case(
        {**{name: np.array(value, dtype=float) for name, value in arrays.items()}, "grid": float(grid)}
    )


@st.composite
def _decode_cases(draw: st.DrawFn) -> Case:
    side = draw(st.integers(2, 5))
    cell = [draw(st.integers(0, side - 1)), draw(st.integers(0, side - 1))]
    t = 2 * draw(tables((4,))) - 1
    return _decode_case(t, cell, [draw(fractions(2, 10)), draw(fractions(2, 10))], side)


def _draw_decoding(case: Case) -> Figure:
    """The cell in grey, the anchor around its centre dashed, the decoded box in blue."""
    t, cell, anchor, side = case.arguments.values()
    figure = Figure(figsize=(3, 3), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(1, 0), aspect="equal", xticks=[], yticks=[])
    for line in range(1, int(side)):
        axes.axhline(line / side, color=GRID)
        axes.axvline(line / side, color=GRID)
    axes.add_patch(Rectangle(tuple(cell / side), 1 / side, 1 / side, color=GRID))
    x, y, w, h = v3_decode(t, cell, anchor, side)
    for (width, height), colour, style in ((anchor, FAINT_INK, ":"), ((w, h), BLUE, "-")):
        corner = (x - width / 2, y - height / 2)
        axes.add_patch(
            Rectangle(corner, width, height, fill=False, edgecolor=colour, linestyle=style, linewidth=2)
        )
    axes.plot(x, y, "o", color=BLUE)
    return figure


decode = Exercise(
    key="v3_decode",
    lesson=11,
    task=Words(
        "Decode one output of YOLOv3. t: (4,), the outputs tx, ty, tw, th; cell: (2,), column and row of the cell; "
        "anchor: (2,), its w and h as fractions of the picture; grid: cells a side. Returns (4,): centre x, y and w, "
        "h, all as fractions of the picture.",
        "解碼 YOLOv3 的一個輸出。t：(4,)，也就是 tx、ty、tw、th；cell：(2,)，格子的行（水平位置）與列（垂直位置）；"
        "anchor：(2,)，錨框的 w 與 h，佔整張圖的比例；grid：每邊的格子數。"
        "回傳 (4,)：中心點 x、y 和 w、h，都是佔整張圖的比例。",
    ),
    right=v3_decode,
    cases=_decode_cases(),
    chosen=(
        _decode_case([0.5, -1.0, 0.4, -0.3], [1, 2], [0.3, 0.2], 4),
        _decode_case([0.0, 0.0, 0.0, 0.0], [0, 1], [0.25, 0.4], 3),
        _decode_case([-2.0, 1.0, 1.0, 0.5], [3, 0], [0.1, 0.3], 5),
    ),
    misconceptions=DECODE,
    hints=Words(
        "The centre: a sigmoid keeps it inside its cell; add the cell's place; divide by grid. The size: exp of tw, th "
        "says how many times the anchor.",
        "中心點：用 sigmoid 讓它留在格子裡，加上格子的位置，再除以 grid。大小：exp(tw)、exp(th) 表示是錨框的幾倍。",
    ),
    picture=_draw_decoding,
)


def dfl_distance(logits):
    probability = np.exp(logits) / np.exp(logits).sum()
    return (probability * np.arange(len(logits))).sum()


def _logits() -> SearchStrategy[Case]:
    """Two to eight different numbers: without ties."""
    steps = st.lists(st.integers(-STEPS, STEPS), min_size=2, max_size=8, unique=True)
    return steps.map(lambda found: Case({"logits": np.array(found) / 10}))


def _draw_bins(case: Case) -> Figure:
    """The probability of each bin, and the expectation as a line."""
    logits = case.arguments["logits"]
    probability = np.exp(logits) / np.exp(logits).sum()
    figure = Figure(figsize=(3.2, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(logits)), probability, color=BLUE)
    axes.axvline(dfl_distance(logits), color=ORANGE, linewidth=2.5)
    axes.set(xlabel="bin", ylabel="softmax", xticks=range(len(logits)))
    return figure


distance = Exercise(
    key="dfl_distance",
    lesson=11,
    task=Words(
        "The distance from a location to one side of its box, as YOLOv8 reads it. logits: (R,), one for each of the "
        "bins 0, 1, ..., R - 1. Returns one number, in strides.",
        "YOLOv8 讀出的「位置到框的某一邊」的距離。logits：(R,)，分別對應 0、1、……、R - 1。"
        "回傳一個數字，單位是 stride。",
    ),
    right=dfl_distance,
    cases=_logits(),
    chosen=(
        Case({"logits": np.array([0.5, 1.5, -1.0])}),
        Case({"logits": np.array([-1.0, 0.3, 2.0, 1.2, 0.0])}),
        Case({"logits": np.array([2.0, -0.4])}),
        Case({"logits": np.array([2.0, -1.0, -1.1, 1.9])}),
    ),
    misconceptions=DISTANCE,
    hints=Words(
        "A softmax turns the logits into probabilities of the distances 0, 1, ..., R - 1. Their expectation is the "
        "distance.",
        "softmax 把 logits 變成距離 0、1、……、R - 1 的機率，它們的期望值就是距離。",
    ),
    picture=_draw_bins,
)


def alignment(score, iou, alpha, beta):
    return score**alpha * iou**beta


def _alignment_case(score: Any, iou: Any, alpha: float, beta: float) -> Case:
    return Case({"score": np.array(score), "iou": np.array(iou), "alpha": alpha, "beta": beta})


@st.composite
def _alignment_cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 4))
    alpha, beta = draw(st.sampled_from([0.5, 1.0, 2.0])), draw(st.sampled_from([6.0, 3.0, 1.0]))
    return _alignment_case(draw(tables((count,), 1)), draw(tables((count,), 1)), alpha, beta)


aligned = Exercise(
    key="alignment",
    lesson=11,
    task=Words(
        "How well locations fit an object, by YOLOv8's assigner. score: (locations,), of the object's class, 0 to 1; "
        "iou: (locations,), of the predicted box with the object; alpha, beta: numbers. Returns (locations,).",
        "YOLOv8 的分配器怎麼衡量位置適不適合某個物體。score：(位置,)，物體類別的分數，0 到 1；"
        "iou：(位置,)，預測框與物體的 IoU；alpha、beta：數字。回傳 (位置,)。",
    ),
    right=alignment,
    cases=_alignment_cases(),
    chosen=(
        _alignment_case([0.8, 0.3], [0.6, 0.9], 0.5, 6.0),
        _alignment_case([0.4], [0.7], 1.0, 3.0),
        _alignment_case([0.9, 0.5, 0.2], [0.5, 0.5, 1.0], 2.0, 1.0),
    ),
    misconceptions=ALIGNMENT,
    hints=Words(
        "score to the power alpha, times iou to the power beta.",
        "score 的 alpha 次方，乘上 iou 的 beta 次方。",
    ),
)


def best_locations(alignment, k):
    order = np.argsort(-alignment)
    taken = np.zeros(len(alignment))
    taken[order[: int(k)]] = 1
    return taken * (alignment > 0)


@st.composite
def _best_cases(draw: st.DrawFn) -> Case:
    """Up to six locations, no two alike."""
    steps = draw(st.lists(st.integers(1, STEPS), min_size=1, max_size=5, unique=True))
    zeros = draw(st.integers(0, 1))
    found = draw(st.permutations([*steps, *[0] * zeros]))
    return _best_case(np.array(found) / STEPS, draw(st.integers(1, 4)))


def _best_case(values: Any, k: int) -> Case:
    return Case({"alignment": np.array(values, dtype=float), "k": float(k)})


def _draw_taken(case: Case) -> Figure:
    """The alignment of each location; those that are taken in blue."""
    values, k = case.arguments.values()
    taken = best_locations(values, k) > 0
    figure = Figure(figsize=(3.2, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(values)), values, color=np.where(taken, BLUE, GRID))
    axes.set(xlabel="location", ylabel="alignment", xticks=range(len(values)))
    return figure


best = Exercise(
    key="best_locations",
    lesson=11,
    task=Words(
        "Which locations one object takes. alignment: (locations,), 0 where the location lies outside the object; k: "
        "how many it takes at most. Returns (locations,): 1.0 where it is taken, else 0.0. A location of alignment 0 "
        "is never taken.",
        "一個物體選走哪些位置。alignment：(位置,)，位置在物體外時是 0；k：最多選幾個。"
        "回傳 (位置,)：選走的是 1.0，其他是 0.0。alignment 是 0 的位置永遠不選。",
    ),
    right=best_locations,
    cases=_best_cases(),
    chosen=(
        _best_case([0.2, 0.9, 0.5, 0.7, 0.1], 2),
        _best_case([0.3, 0.0, 0.6, 0.05], 4),
        _best_case([0.4, 0.8, 0.0], 1),
    ),
    misconceptions=BEST,
    hints=Words("Sort the locations by alignment, the largest first.", "把位置依 alignment 由大到小排序。"),
    picture=_draw_taken,
)

no_nms = Question(
    key="no_nms_question",
    lesson=11,
    question=Words(
        "YOLOv1 to v9 need non-maximum suppression (NMS) after the network. Why does YOLOv10 not need it? And why does "
        "it still train a second head whose boxes nobody uses?",
        "YOLOv1 到 v9 的網路後面都需要非極大值抑制（NMS）。為什麼 YOLOv10 不需要？"
        "它又為什麼還要訓練第二個沒有人用它的框的 head？",
    ),
    hints=Words(
        "How many locations learn a high score for one object, in each of the two heads?",
        "在兩個 head 裡，分別有幾個位置會對同一個物體學到高分？",
    ),
    answer=Words(
        "In v8 about ten locations are responsible for one object. All of them learn a high score, so one object gives "
        "ten boxes, and NMS has to remove nine. In v10's one2one head ONE location is responsible for an object; all "
        "others learn a low score, those beside it too. So each object gives one box. But one location an object is "
        "little to learn from: most of the gradient would be background. The one2many head trains the shared features "
        "with ten locations an object, and is left out after training. Both heads choose by the same measure, "
        "score^alpha IoU^beta, so the best location of one is among the good ones of the other.",
        "在 v8 裡，大約有十個位置負責同一個物體。它們都會學到高分，所以一個物體會得到十個框，NMS 必須去掉九個。"
        "在 v10 的 one2one head 裡，一個物體只由「一個」位置負責，其他位置（包括旁邊的）都學到低分，"
        "所以一個物體只有一個框。可是每個物體只靠一個位置，能學的太少：梯度大部分來自背景。"
        "one2many head 讓每個物體有十個位置，用來訓練共用的特徵，訓練完就拿掉。"
        "兩個 head 用同一個標準（score^alpha × IoU^beta）來選，所以其中一個選出的最佳位置，在另一個看來也是好位置。",
    ),
)

EXERCISES = (decode, distance, aligned, best, no_nms)
