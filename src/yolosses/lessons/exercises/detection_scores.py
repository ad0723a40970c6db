"""Lesson 6, second part: the scores of detections when a detector is used."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure

from yolosses.explain.style import BLUE, GREEN, SKY
from yolosses.lessons.cases import Case, scene_of, scenes
from yolosses.lessons.exercise import Exercise, Misconception
from yolosses.lessons.scene import Array, Scene
from yolosses.lessons.words import Words


def class_scores(confidence, pred):
    return confidence[:, :, None] * pred[:, None, :]


def _combined(by: Any) -> Any:
    """Scores ``by(confidence, pred)``, both (cells, boxes, classes)."""

    def mutant(confidence: Array, pred: Array) -> Any:
        shape = (*confidence.shape, pred.shape[1])
        return by(np.broadcast_to(confidence[:, :, None], shape), np.broadcast_to(pred[:, None], shape))

    return mutant


def _softmax(pred: Array) -> Array:
    weights = np.exp(pred)
    return np.asarray(weights / weights.sum(-1, keepdims=True))


_SCORES = (
    Misconception(
        key="class-alone",
        mutant=_combined(lambda confidence, pred: pred),
        says=Words("You leave the confidence out.", "你沒有用到信心度。"),
        why=Words(
            "The class outputs of empty cells are never trained: they would be full of detections.",
            "空格子的類別輸出從來沒有訓練過，會冒出一堆偵測結果。",
        ),
        hint=Words("Pr(class | object) x Pr(object) x IoU.", "Pr(類別 | 物體) × Pr(物體) × IoU。"),
    ),
    Misconception(
        key="confidence-alone",
        mutant=_combined(lambda confidence, pred: confidence),
        says=Words("You leave the classes out.", "你沒有用到類別。"),
        why=Words("All classes of a box would have the same score.", "同一個框的每個類別分數都會一樣。"),
        hint=Words("Pr(class | object) x Pr(object) x IoU.", "Pr(類別 | 物體) × Pr(物體) × IoU。"),
    ),
    Misconception(
        key="sum",
        mutant=_combined(lambda confidence, pred: confidence + pred),
        says=Words("You add. Probabilities of two conditions are multiplied.", "你用了加法。兩個條件的機率要相乘。"),
        why=Words(
            "A sure class in an empty cell would still score high.",
            "空格子只要類別很確定，分數還是會很高。",
        ),
        hint=Words("Use a product.", "用乘法。"),
    ),
    Misconception(
        key="average",
        mutant=_combined(lambda confidence, pred: (confidence + pred) / 2),
        says=Words(
            "You take the average. Probabilities of two conditions are multiplied.",
            "你取了平均。兩個條件的機率要相乘。",
        ),
        why=Words(
            "A sure class in an empty cell would still score 0.5.",
            "空格子只要類別很確定，分數還是有 0.5。",
        ),
        hint=Words("Use a product.", "用乘法。"),
    ),
    Misconception(
        key="root-of-product",
        mutant=_combined(lambda confidence, pred: np.sqrt(confidence * pred)),
        says=Words(
            "You take the root of the product. Some later detectors do; YOLOv1 does not.",
            "你對乘積開了根號。有些後來的偵測器會這樣做，YOLOv1 不會。",
        ),
        why=Words(
            "The order stays, but a threshold such as 0.2 then means something else.",
            "排序不變，但 0.2 之類的門檻意思就不一樣了。",
        ),
        hint=Words("The product itself.", "乘積本身就是分數。"),
    ),
    Misconception(
        key="smaller-of-both",
        mutant=_combined(lambda confidence, pred: np.minimum(confidence, pred)),
        says=Words(
            "You take the smaller of the two. The score is their product.",
            "你取了兩者中較小的。分數是兩者的乘積。",
        ),
        why=Words(
            "0.5 and 0.5 would be as good as 0.5 and 1.",
            "0.5 和 0.5 會跟 0.5 和 1 一樣好。",
        ),
        hint=Words("Use a product.", "用乘法。"),
    ),
    Misconception(
        key="softmax-first",
        mutant=_combined(lambda confidence, pred: confidence * _softmax(pred)),
        says=Words(
            "You take a softmax of the classes first. YOLOv1 uses its outputs as they are; v2 has a softmax.",
            "你先對類別做了 softmax。YOLOv1 直接用輸出，v2 才有 softmax。",
        ),
        why=Words(
            "The network learned outputs near 0 and 1; a softmax of these is never near 1.",
            "網路學到的輸出接近 0 和 1，再做 softmax 就永遠到不了 1。",
        ),
        hint=Words("pred is multiplied as it comes.", "pred 直接相乘。"),
    ),
    Misconception(
        key="normalised",
        mutant=_combined(lambda confidence, pred: confidence * pred / pred.sum(-1, keepdims=True)),
        says=Words(
            "You divide the classes by their sum first. YOLOv1 uses its outputs as they are.",
            "你先把類別除以總和。YOLOv1 直接用輸出。",
        ),
        why=Words(
            "A cell that sees no class clearly would look as sure as one that does.",
            "看不清楚類別的格子，會和看得清楚的一樣有把握。",
        ),
        hint=Words("pred is multiplied as it comes.", "pred 直接相乘。"),
    ),
    Misconception(
        key="best-box-for-all",
        mutant=lambda confidence, pred: class_scores(
            np.broadcast_to(confidence.max(1, keepdims=True), confidence.shape), pred
        ),
        says=Words(
            "You give all boxes of a cell the highest confidence of that cell.",
            "你讓同一格的每個框都用了該格最高的信心度。",
        ),
        why=Words(
            "Then the worse box is reported as surely as the better one.",
            "比較差的框會和比較好的框一樣有把握。",
        ),
        hint=Words(
            "Each box has its own confidence; the classes are shared.",
            "每個框有自己的信心度，類別才是共用的。",
        ),
    ),
    Misconception(
        key="best-class-only",
        mutant=lambda confidence, pred: confidence * pred.max(1, keepdims=True),
        says=Words(
            "You keep the best class only. Asked are the scores of all classes: (cells, boxes, classes).",
            "你只留下最好的類別。題目要的是所有類別的分數：(格子, 框, 類別)。",
        ),
        why=Words(
            "Non-maximum suppression works class by class: a second class of a box may be the right one.",
            "NMS 是一個類別一個類別做的，分數第二高的類別也可能才是對的。",
        ),
        hint=Words("Every box with every class of its cell.", "每個框都要和該格的每個類別相乘。"),
    ),
    Misconception(
        key="summed-classes",
        mutant=lambda confidence, pred: confidence * pred.sum(1, keepdims=True),
        says=Words(
            "You add up the classes. Asked is one score for each class: (cells, boxes, classes).",
            "你把類別加起來了。題目要的是每個類別各一個分數：(格子, 框, 類別)。",
        ),
        why=Words("The sum says nothing about which class it is.", "加起來就看不出是哪個類別了。"),
        hint=Words("Every box with every class of its cell.", "每個框都要和該格的每個類別相乘。"),
    ),
    Misconception(
        key="other-order",
        mutant=lambda confidence, pred: class_scores(confidence, pred).swapaxes(1, 2),
        says=Words(
            "The numbers are right, but classes come before boxes. Asked is (cells, boxes, classes).",
            "數字都對，但類別排在框前面了。題目要的是 (格子, 框, 類別)。",
        ),
        why=Words(
            "With as many boxes as classes nobody would notice, and boxes get each other's scores.",
            "框數和類別數剛好一樣時，沒有人會發現，分數就配錯框了。",
        ),
        hint=Words("confidence[:, :, None] and pred[:, None, :].", "用 confidence[:, :, None] 和 pred[:, None, :]。"),
    ),
)  # fmt: skip


def _case(scene: Scene) -> Case:
    return Case({"confidence": scene.confidence, "pred": np.clip(scene.scores, 0.05, 1)})


def _draw(case: Case) -> Figure:
    """Of the first cell: the confidence of each box, the classes, and their products."""
    confidence, pred = case.arguments["confidence"][0], case.arguments["pred"][0]
    figure = Figure(figsize=(4.2, 1.9), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    products = np.outer(confidence, pred).ravel()
    names = [f"{box},{label}" for box in range(len(confidence)) for label in range(len(pred))]
    for panel, title, values, ticks, colour in (
        (panels[0], "confidence", confidence, [str(box) for box in range(len(confidence))], BLUE),
        (panels[1], "classes", pred, [str(label) for label in range(len(pred))], GREEN),
        (panels[2], "scores", products, names, SKY),
    ):
        panel.bar(range(len(values)), values, color=colour)
        panel.set(title=title, ylim=(0, 1))
        panel.set_xticks(range(len(values)), ticks, fontsize=6)
    return figure


scores = Exercise(
    key="class_scores",
    lesson=6,
    task=Words(
        "The scores of all detections when the detector is used, an array (cells, boxes, classes). confidence: (cells, "
        "boxes); pred: (cells, classes), the class outputs of each cell.",
        "使用偵測器時，所有偵測結果的分數，回傳形狀是 (格子, 框, 類別) 的陣列。confidence：(格子, 框)；"
        "pred：(格子, 類別)，每一格的類別輸出。",
    ),
    right=class_scores,
    cases=st.builds(_case, scenes(classes=(2, 3), objects=(0, 0))),
    chosen=(
        _case(scene_of(4, grid=1, boxes=2, classes=3, objects=0)),
        _case(scene_of(5, grid=2, boxes=3, classes=3, objects=0)),
        _case(scene_of(6, grid=2, boxes=2, classes=4, objects=0)),
    ),
    misconceptions=_SCORES,
    hints=Words(
        "Pr(class | object) x Pr(object) x IoU = Pr(class) x IoU: each box's confidence times each class of its cell.",
        "Pr(類別 | 物體) × Pr(物體) × IoU = Pr(類別) × IoU：每個框的信心度乘上該格的每個類別。",
    ),
    picture=_draw,
)
