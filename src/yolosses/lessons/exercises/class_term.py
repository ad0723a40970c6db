"""Lesson 6, first part: the class term."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.explain.style import FAINT_INK, GREEN, INK
from yolosses.lessons.cases import Case, scene_of, scenes
from yolosses.lessons.exercise import Exercise, Misconception
from yolosses.lessons.scene import Array, Scene
from yolosses.lessons.words import Words


def cls_term(pred, truth, obj):
    holds = obj.max(axis=1)  # 1obj_i: 1 where the cell holds an object
    return (holds[:, None] * (pred - truth) ** 2).sum()


def _cost(cost: Any) -> Any:
    """Term 4 with another ``cost(pred, truth)`` of a cell's classes."""
    return lambda pred, truth, obj: (obj.max(1, keepdims=True) * cost(pred, truth)).sum()


def _scaled(factor: Any) -> Any:
    """Term 4 times ``factor(pred, obj)``."""
    return lambda pred, truth, obj: factor(pred, obj) * cls_term(pred, truth, obj)


def _softmax(pred: Array) -> Array:
    weights = np.exp(pred)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _lengths(pred: Array, truth: Array, obj: Array) -> Any:
    return (obj.max(1) * np.sqrt(((pred - truth) ** 2).sum(1))).sum()


_PRINTED = Words(
    "You add up differences without the square. Many texts print the term so; the paper squares it.",
    "你加總的是差，沒有平方。有些教材漏印了平方，論文裡是有平方的。",
)
_CANCELS = Words(
    "The error of the true class and those of the others have opposite signs: they cancel.",
    "正確類別的誤差和其他類別的誤差正負相反，會互相抵消。",
)
_SSE = Words("SSE: the S in the middle stands for squared.", "SSE 中間的 S 是 squared（平方）。")

_CLS = (
    Misconception(
        key="each-box",
        mutant=_scaled(lambda pred, obj: obj.shape[1]),
        says=Words(
            "You count the class error once for each box. The classes belong to the cell: once for each cell.",
            "你對每個框都算了一次類別誤差。類別屬於格子，每格只算一次。",
        ),
        why=Words(
            "With B boxes the class term would weigh B times as much.",
            "每格有 B 個框，類別這一項就變成 B 倍。",
        ),
        hint=Words(
            "The formula has 1obj_i, without a j. pred has no dimension for boxes either.",
            "公式裡是 1obj_i，沒有 j。pred 也沒有「框」這個維度。",
        ),
    ),
    Misconception(
        key="every-cell",
        mutant=lambda pred, truth, obj: ((pred - truth) ** 2).sum(),
        says=Words(
            "You count every cell. Only cells that hold an object's centre have a class.",
            "你把每一格都算了。只有物體中心點所在的格子才有類別。",
        ),
        why=Words(
            "Empty cells would be taught to have no class; that is what the confidence is for.",
            "空格子會學到「什麼類別都不是」，但那是信心度的工作。",
        ),
        hint=Words(
            "A cell holds an object where one of its boxes has obj = 1.",
            "格子裡有框的 obj 是 1，這一格就有物體。",
        ),
    ),
    Misconception(
        key="empty-cells",
        mutant=lambda pred, truth, obj: ((1 - obj.max(1, keepdims=True)) * (pred - truth) ** 2).sum(),
        says=Words("You count the cells WITHOUT an object.", "你算的是「沒有」物體的格子。"),
        why=Words("The cells with an object would learn no class at all.", "有物體的格子反而完全學不到類別。"),
        hint=Words("1obj_i is 1 where the cell holds an object.", "格子裡有物體時 1obj_i 是 1。"),
    ),
    Misconception(
        key="cross-entropy",
        mutant=_cost(lambda pred, truth: -truth * np.log(pred)),
        says=Words(
            "That is the cross-entropy of probabilities. YOLOv1 uses squared errors for classes, too.",
            "這是交叉熵。YOLOv1 連類別用的也是平方誤差。",
        ),
        why=Words(
            "The outputs of YOLOv1 are linear and may be negative: a logarithm would give NaN.",
            "YOLOv1 的輸出是線性的，可能是負數，取對數會得到 NaN。",
        ),
        hint=Words("Difference, square, sum over all classes.", "相減、平方、對所有類別加總。"),
    ),
    Misconception(
        key="softmax-cross-entropy",
        mutant=_cost(lambda pred, truth: -truth * np.log(_softmax(pred))),
        says=Words(
            "That is cross_entropy after a softmax, as for a classifier. YOLOv1 uses squared errors for classes, too.",
            "這是先做 softmax 再算交叉熵，像一般的分類器。YOLOv1 連類別用的也是平方誤差。",
        ),
        why=Words("It came with YOLOv2, and changes the scale against the other terms.",
                  "那是 YOLOv2 才有的，和其他項的比例也會跟著改變。"),
        hint=Words("Difference, square, sum over all classes.", "相減、平方、對所有類別加總。"),
    ),
    Misconception(
        key="binary-cross-entropy",
        mutant=_cost(lambda pred, truth: -(truth * np.log(pred) + (1 - truth) * np.log(1 - pred))),
        says=Words(
            "That is the binary cross-entropy of each class. YOLOv1 uses squared errors for classes, too.",
            "這是每個類別的二元交叉熵。YOLOv1 連類別用的也是平方誤差。",
        ),
        why=Words("It came with YOLOv3, with sigmoids before it.", "那是 YOLOv3 才有的，前面還要加 sigmoid。"),
        hint=Words("Difference, square, sum over all classes.", "相減、平方、對所有類別加總。"),
    ),
    Misconception(
        key="softmax-first",
        mutant=_cost(lambda pred, truth: (_softmax(pred) - truth) ** 2),
        says=Words(
            "You take a softmax before the difference. YOLOv1 compares its outputs as they are.",
            "你在相減之前先做了 softmax。YOLOv1 直接比較網路的輸出。",
        ),
        why=Words(
            "The author's network has no activation at its end.",
            "論文作者的網路最後沒有激活函數。",
        ),
        hint=Words("pred is compared as it comes.", "pred 直接拿來比較。"),
    ),
    Misconception(
        key="true-class-only",
        mutant=_cost(lambda pred, truth: truth * (pred - truth) ** 2),
        says=Words(
            "You count the true class only. The sum goes over all classes.",
            "你只算了正確的類別。總和要包含所有類別。",
        ),
        why=Words(
            "A network that says 1 to all classes would have no error.",
            "網路對所有類別都輸出 1，誤差就是 0 了。",
        ),
        hint=Words("For the other classes the target is 0, and they count.", "其他類別的目標是 0，也要算。"),
    ),
    Misconception(
        key="no-square",
        mutant=_cost(lambda pred, truth: truth - pred),
        says=_PRINTED, why=_CANCELS, hint=_SSE,
    ),
    Misconception(
        key="no-square-reversed",
        mutant=_cost(lambda pred, truth: pred - truth),
        says=_PRINTED, why=_CANCELS, hint=_SSE,
    ),
    Misconception(
        key="absolute",
        mutant=_cost(lambda pred, truth: np.abs(pred - truth)),
        says=Words(
            "You add up absolute differences. All terms of YOLOv1 are squared errors.",
            "你加總的是差的絕對值。YOLOv1 的每一項都是誤差平方。",
        ),
        why=Words(
            "An absolute error pulls as hard near the target as far from it.",
            "絕對誤差不管離目標多近，拉力都一樣大。",
        ),
        hint=_SSE,
    ),
    Misconception(
        key="minus",
        mutant=_scaled(lambda pred, obj: -1),
        says=Words(
            "Your value is negative. One print of the formula has a minus sign before the sum over classes: a slip.",
            "你的值是負的。有一份講義在類別總和前面印了一個減號，那是筆誤。",
        ),
        why=Words(
            "A loss with that sign would reward wrong classes.",
            "有了這個負號，類別錯得越多，損失反而越小。",
        ),
        hint=Words("1obj_i TIMES the sum over classes.", "1obj_i「乘上」類別的總和。"),
    ),
    Misconception(
        key="mean-over-classes",
        mutant=_scaled(lambda pred, obj: 1 / pred.shape[1]),
        says=Words("You take the mean over classes. The term is a sum.", "你對類別取平均。這一項是總和。"),
        why=Words(
            "With 20 classes the term would weigh a twentieth.",
            "有 20 個類別時，這一項就只剩二十分之一。",
        ),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
    Misconception(
        key="mean-over-objects",
        mutant=_scaled(lambda pred, obj: 1 / max(obj.sum(), 1)),
        says=Words("You take the mean over cells with an object. The term is a sum.",
                   "你對有物體的格子取平均。這一項是總和。"),
        why=Words(
            "Each object of a crowded picture would count less.",
            "擁擠的圖片裡，每個物體都會變得不重要。",
        ),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
    Misconception(
        key="mean-of-all",
        mutant=_scaled(lambda pred, obj: 1 / pred.size),
        says=Words("You take the mean over all numbers. The term is a sum.", "你對所有的數字取平均。這一項是總和。"),
        why=Words(
            "With 49 cells of 20 classes almost nothing of the term would be left.",
            "49 格、20 個類別，平均之後這一項就幾乎不見了。",
        ),
        hint=Words("MSELoss(reduction=\"sum\"), not its default.", "要用 MSELoss(reduction=\"sum\")，不是預設值。"),
    ),
    Misconception(
        key="rmse",
        mutant=lambda pred, truth, obj: np.sqrt(cls_term(pred, truth, obj)),
        says=Words("You take a root of the sum. Term 4 has no root.", "你對總和開了根號。第 4 項沒有根號。"),
        why=Words(
            "The gradient of that root grows without end when the error goes to 0.",
            "誤差趨近 0 時，這個根號的梯度會變成無限大。",
        ),
        hint=Words("Leave out the root.", "拿掉根號。"),
    ),
    Misconception(
        key="distance",
        mutant=_lengths,
        says=Words(
            "You take a root for each cell, the distance between the two vectors. Term 4 has no root.",
            "你對每一格開了根號，也就是兩個向量的距離。第 4 項沒有根號。",
        ),
        why=Words(
            "A distance pulls as hard near the target as far from it.",
            "距離不管離目標多近，拉力都一樣大。",
        ),
        hint=Words("Leave out the root.", "拿掉根號。"),
    ),
    Misconception(
        key="half",
        mutant=_scaled(lambda pred, obj: 0.5),
        says=Words("You halve the squares. The formula of the paper has no 1/2.",
                   "你把平方除以 2 了。論文的公式沒有 1/2。"),
        why=Words("The balance with the other terms changes.", "和其他項的平衡就變了。"),
        hint=Words("Nothing stands before the square.", "平方前面沒有其他係數。"),
    ),
    Misconception(
        key="doubled",
        mutant=_scaled(lambda pred, obj: 2),
        says=Words(
            "Your value is doubled. A well-known port doubles the class term; the paper does not.",
            "你的值是兩倍。有個很多人抄的版本把類別這一項加倍，論文沒有。",
        ),
        why=Words("The balance with the other terms changes.", "和其他項的平衡就變了。"),
        hint=Words("The factor of this term is 1.", "這一項的係數是 1。"),
    ),
    Misconception(
        key="five-times",
        mutant=_scaled(lambda pred, obj: 5),
        says=Words(
            "You multiply by lambda_coord = 5. It belongs to terms 1 and 2; the factor of term 4 is 1.",
            "你乘了 lambda_coord = 5。那是第 1、2 項的係數，第 4 項的係數是 1。",
        ),
        why=Words("Then localisation would no longer count more than classes.", "這樣定位就不會比類別重要了。"),
        hint=Words("No lambda stands before the last line.", "最後一行前面沒有 lambda。"),
    ),
)  # fmt: skip


def _case(scene: Scene) -> Case:
    scene = replace(scene, scores=np.clip(scene.scores, 0.05, 0.95))  # logarithms of it are finite
    return Case({"pred": scene.scores, "truth": scene.one_hot, "obj": scene.obj})


def _draw(case: Case) -> Figure:
    """A row a cell, a column a class: the predicted numbers, the true class framed, cells without object faint."""
    pred, truth, obj = (case.arguments[name] for name in ("pred", "truth", "obj"))
    figure = Figure(figsize=(1.3 + 0.7 * pred.shape[1], 1.1 + 0.33 * len(pred)), layout="constrained")
    axes = figure.subplots()
    for cell, row in enumerate(pred):
        holds = obj[cell].any()
        for label, value in enumerate(row):
            axes.text(label, cell, f"{value:.2f}", ha="center", va="center", color=INK if holds else FAINT_INK,
                      weight="bold" if holds else "normal", alpha=1 if holds else 0.6)  # fmt: skip
            if truth[cell, label]:
                frame = Rectangle(
                    (label - 0.45, cell - 0.42), 0.9, 0.84, fill=False, edgecolor=GREEN, linewidth=2
                )
                axes.add_patch(frame)
    axes.set(xlim=(-0.6, pred.shape[1] - 0.4), ylim=(len(pred) - 0.4, -0.6), xlabel="class", ylabel="cell",
             xticks=range(pred.shape[1]), yticks=range(len(pred)))  # fmt: skip
    return figure


term = Exercise(
    key="cls_term",
    lesson=6,
    task=Words(
        "Term 4, one number. pred: (cells, classes), predicted; truth: (cells, classes), 1.0 for the class of the "
        "cell's object, else 0.0; obj: (cells, boxes), 1obj_ij as 0.0 or 1.0.",
        "第 4 項，回傳一個數字。pred：(格子, 類別)，預測值；truth：(格子, 類別)，該格物體的類別是 1.0，其他是 0.0；"
        "obj：(格子, 框)，也就是 1obj_ij，值是 0.0 或 1.0。",
    ),
    right=cls_term,
    cases=st.builds(_case, scenes(classes=(2, 3))),
    chosen=(
        _case(scene_of(0, grid=1, boxes=2, classes=3, objects=1)),
        _case(scene_of(1, grid=2, boxes=3, classes=2, objects=2)),
        _case(scene_of(2, grid=2, boxes=1, classes=4, objects=3)),
        _case(scene_of(3, grid=2, boxes=2, classes=2, objects=0)),
        _case(scene_of(4, grid=5, boxes=4, classes=6, objects=4)),
    ),
    misconceptions=_CLS,
    hints=Words(
        "Which cells? Those where some box has obj = 1. There: the squared differences of ALL classes.",
        "哪些格子？有框的 obj 是 1 的格子。在那裡，把「所有」類別的差平方後加起來。",
    ),
    picture=_draw,
)
