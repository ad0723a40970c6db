"""Lesson 5, second part: term 3-1, the confidence of responsible boxes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from yolosses.lessons.cases import Case, scene_of, scenes
from yolosses.lessons.exercise import Exercise, Misconception
from yolosses.lessons.scene import Object, Scene
from yolosses.lessons.words import Words


def obj_term(confidence, iou, obj):
    return (obj * (confidence - iou) ** 2).sum()


def obj_case(scene: Scene) -> Case:
    scene = _open(scene)
    return Case({"confidence": scene.confidence, "iou": scene.iou, "obj": scene.obj}, scene)


def _open(scene: Scene) -> Scene:
    """With confidences strictly between 0 and 1, where a logarithm is finite."""
    return replace(scene, confidence=np.clip(scene.confidence, 0.05, 0.95))


TWO_GOOD = Scene(  # both boxes of the cell overlap the object by more than a half
    grid=1,
    objects=(Object(0, 0.5, 0.5, 0.6, 0.6, 0),),
    boxes=np.array([[[0.5, 0.5, 0.6, 0.5], [0.5, 0.5, 0.6, 0.4]]]),
    confidence=np.array([[0.7, 0.8]]),
    scores=np.array([[1.0]]),
)


def _cost(cost: Any) -> Any:
    """Term 3-1 with another ``cost(confidence, iou)`` of a box."""
    return lambda confidence, iou, obj: (obj * cost(confidence, iou)).sum()


def _masked(mask: Any) -> Any:
    """Term 3-1 with another ``mask(obj)``."""
    return lambda confidence, iou, obj: obj_term(confidence, iou, mask(obj))


def _scaled(factor: Any) -> Any:
    """Term 3-1 times ``factor(obj)``."""
    return lambda confidence, iou, obj: factor(obj) * obj_term(confidence, iou, obj)


_OBJ = (
    Misconception(
        key="target-one",
        mutant=_cost(lambda confidence, iou: (confidence - 1) ** 2),
        says=Words(
            "You compare the confidence with 1. Its target is the IoU of the box with the object.",
            "你拿信心度和 1 比較。它的目標是這個框和物體的 IoU。",
        ),
        why=Words(
            "With 1 every box learns to be sure, however badly it fits; then confidence cannot rank boxes.",
            "目標是 1 的話，框再不準也會學到很有把握，信心度就沒辦法用來排序了。",
        ),
        hint=Words("Which of the arguments says how well a box fits?", "哪個參數說出了框有多準？"),
    ),
    Misconception(
        key="no-square",
        mutant=_cost(lambda confidence, iou: iou - confidence),
        says=Words(
            "You add up differences without the square. Many texts print the term so; the paper squares it.",
            "你加總的是差，沒有平方。有些教材漏印了平方，論文裡是有平方的。",
        ),
        why=Words(
            "Positive and negative errors would cancel, and a confidence without end would be the best.",
            "正負誤差會互相抵消，而且信心度越離譜損失反而越小。",
        ),
        hint=Words("SSE: the S in the middle stands for squared.", "SSE 中間的 S 是 squared（平方）。"),
    ),
    Misconception(
        key="no-square-reversed",
        mutant=_cost(lambda confidence, iou: confidence - iou),
        says=Words(
            "You add up differences without the square. Many texts print the term so; the paper squares it.",
            "你加總的是差，沒有平方。有些教材漏印了平方，論文裡是有平方的。",
        ),
        why=Words(
            "Positive and negative errors would cancel, and a confidence without end would be the best.",
            "正負誤差會互相抵消，而且信心度越離譜損失反而越小。",
        ),
        hint=Words("SSE: the S in the middle stands for squared.", "SSE 中間的 S 是 squared（平方）。"),
    ),
    Misconception(
        key="absolute",
        mutant=_cost(lambda confidence, iou: np.abs(confidence - iou)),
        says=Words(
            "You add up absolute differences. All terms of YOLOv1 are squared errors.",
            "你加總的是差的絕對值。YOLOv1 的每一項都是誤差平方。",
        ),
        why=Words(
            "An absolute error pulls as hard near the target as far from it.",
            "絕對誤差不管離目標多近，拉力都一樣大。",
        ),
        hint=Words("Square the difference.", "把差平方。"),
    ),
    Misconception(
        key="cross-entropy",
        mutant=_cost(lambda c, iou: -(iou * np.log(c) + (1 - iou) * np.log(1 - c))),
        says=Words(
            "That is the cross-entropy. YOLOv1 uses the squared error here; cross-entropy came with YOLOv3.",
            "這是交叉熵。YOLOv1 在這裡用的是平方誤差，YOLOv3 才改用交叉熵。",
        ),
        why=Words(
            "The network of YOLOv1 emits the confidence itself, which may be negative: no logarithm.",
            "YOLOv1 的網路直接輸出信心度，可能是負的，不能取對數。",
        ),
        hint=Words("Difference, square, sum.", "相減、平方、加總。"),
    ),
    Misconception(
        key="log-of-confidence",
        mutant=_cost(lambda c, iou: -np.log(c)),
        says=Words(
            "That is the cross-entropy with the target 1. YOLOv1: squared error, and the target is the IoU.",
            "這是目標為 1 的交叉熵。YOLOv1 用平方誤差，目標是 IoU。",
        ),
        why=Words(
            "Boxes that fit badly would be made sure of themselves.",
            "不準的框也會變得很有把握。",
        ),
        hint=Words("Difference to the IoU, square, sum.", "和 IoU 相減、平方、加總。"),
    ),
    Misconception(
        key="confidence-times-iou",
        mutant=_cost(lambda confidence, iou: (1 - confidence * iou) ** 2),
        says=Words(
            "You multiply the confidence by the IoU. Pr(object) x IoU is its target, not a factor.",
            "你把信心度乘上 IoU。Pr(物體) × IoU 是信心度的目標，不是要乘上去的係數。",
        ),
        why=Words(
            "A box that fits badly would have to be all the more confident.",
            "框越不準，信心度反而要越高。",
        ),
        hint=Words("The IoU stands on the other side of the minus sign.", "IoU 在減號的另一邊。"),
    ),
    Misconception(
        key="no-mask",
        mutant=_masked(np.ones_like),
        says=Words(
            "You count every box. Term 3-1 is for responsible boxes only; the others belong to 3-2.",
            "你把每個框都算了。3-1 只算負責的框，其他的框屬於 3-2。",
        ),
        why=Words(
            "The many boxes of the background would count fully, without lambda_noobj.",
            "大量的背景框會完整計入，沒有經過 lambda_noobj 打折。",
        ),
        hint=Words("Multiply each box's error by obj.", "每個框的誤差都要乘上 obj。"),
    ),
    Misconception(
        key="whole-cell",
        mutant=_masked(lambda obj: np.broadcast_to(obj.max(1, keepdims=True), obj.shape)),
        says=Words(
            "You count all boxes of an object's cell. Only the responsible one is compared with its IoU.",
            "你把有物體的格子裡所有的框都算了。只有負責的框才和自己的 IoU 比較。",
        ),
        why=Words(
            "Both boxes would be confident, and each object would be found twice.",
            "兩個框都會有信心，於是每個物體都被找到兩次。",
        ),
        hint=Words("obj has a number for each box j.", "obj 對每個框 j 都有一個數。"),
    ),
    Misconception(
        key="inverted-mask",
        mutant=_masked(lambda obj: 1 - obj),
        says=Words("You count the boxes that are NOT responsible.", "你算的是「不負責」的框。"),
        why=Words("The box that found the object learns nothing.", "真正找到物體的框什麼都沒學到。"),
        hint=Words("obj is 1 where the box is responsible.", "框負責時 obj 是 1。"),
    ),
    Misconception(
        key="five-times",
        mutant=_scaled(lambda obj: 5),
        says=Words(
            "You multiply by lambda_coord = 5. It belongs to terms 1 and 2; the factor of 3-1 is 1.",
            "你乘了 lambda_coord = 5。那是第 1、2 項的係數，3-1 的係數是 1。",
        ),
        why=Words(
            "Then localisation would no longer count more than confidence.",
            "這樣定位就不會比信心度重要了。",
        ),
        hint=Words("No lambda stands before this line of the formula.", "公式這一行前面沒有 lambda。"),
    ),
    Misconception(
        key="half",
        mutant=_scaled(lambda obj: 0.5),
        says=Words(
            "Your value is the half: a 1/2 before the square, or lambda_noobj = 0.5. Neither belongs to 3-1.",
            "你的值只有一半：平方前面多了 1/2，或是乘了 lambda_noobj = 0.5。兩者都不屬於 3-1。",
        ),
        why=Words(
            "The few boxes with an object would be discounted like the background.",
            "少數有物體的框會像背景一樣被打折。",
        ),
        hint=Words("The factor of this term is 1.", "這一項的係數是 1。"),
    ),
    Misconception(
        key="mean",
        mutant=_scaled(lambda obj: 1 / max(obj.sum(), 1)),
        says=Words(
            "You take the mean over responsible boxes. The term is a sum.",
            "你對負責的框取平均。這一項是總和。",
        ),
        why=Words(
            "Each object of a crowded picture would count less.",
            "擁擠的圖片裡，每個物體都會變得不重要。",
        ),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
    Misconception(
        key="mean-of-all",
        mutant=_scaled(lambda obj: 1 / obj.size),
        says=Words("You take the mean over all boxes. The term is a sum.", "你對所有的框取平均。這一項是總和。"),
        why=Words(
            "With 98 boxes and one object the error would shrink to a hundredth.",
            "98 個框只有一個物體時，誤差會縮到約百分之一。",
        ),
        hint=Words("MSELoss(reduction=\"sum\"), not its default.", "要用 MSELoss(reduction=\"sum\")，不是預設值。"),
    ),
    Misconception(
        key="rmse",
        mutant=lambda confidence, iou, obj: np.sqrt(obj_term(confidence, iou, obj)),
        says=Words("You take a root of the sum. Term 3-1 has no root.", "你對總和開了根號。3-1 沒有根號。"),
        why=Words(
            "The gradient of that root grows without end when the error goes to 0.",
            "誤差趨近 0 時，這個根號的梯度會變成無限大。",
        ),
        hint=Words("Leave out the root.", "拿掉根號。"),
    ),
)  # fmt: skip

obj = Exercise(
    key="obj_term",
    lesson=5,
    task=Words(
        "Term 3-1, one number. All three have the shape (cells, boxes): confidence, predicted; iou, of each box with "
        "the object of its cell, 0 where there is none; obj, 1obj_ij as 0.0 or 1.0.",
        "3-1，回傳一個數字。三個參數的形狀都是 (格子, 框)：confidence 是預測的信心度；iou 是每個框和該格物體的 IoU，"
        "沒有物體時是 0；obj 就是 1obj_ij，值是 0.0 或 1.0。",
    ),
    right=obj_term,
    cases=st.builds(obj_case, scenes()),
    chosen=(
        obj_case(TWO_GOOD),
        obj_case(scene_of(1, grid=2, boxes=2, classes=1, objects=2)),
        obj_case(scene_of(2, grid=3, boxes=3, classes=1, objects=3)),
        obj_case(scene_of(3, grid=2, boxes=2, classes=1, objects=0)),
        obj_case(scene_of(4, grid=5, boxes=4, classes=1, objects=4)),
    ),
    misconceptions=_OBJ,
    hints=Words(
        "For each responsible box: (confidence - IoU)^2. Then the sum. The factor is 1.",
        "每個負責的框：(信心度 - IoU)²，再全部加起來。係數是 1。",
    ),
)
