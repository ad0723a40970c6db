"""Lesson 6, classes: the fourth term, and what a detection's score is."""

from __future__ import annotations

from yolosses.lessons.exercise import Question
from yolosses.lessons.exercises.class_term import term
from yolosses.lessons.exercises.detection_scores import scores
from yolosses.lessons.words import Words

squares = Question(
    key="classes_question",
    lesson=6,
    question=Words(
        "Why does YOLOv1 use squared errors for classes, and what do later YOLOs use instead?",
        "YOLOv1 的類別為什麼用平方誤差？後來的 YOLO 改用什麼？",
    ),
    hints=Words(
        "What do all five lines of the formula have in common? And how large can (1 - p)^2 become, how large -log p?",
        "公式的五行有什麼共同點？另外，(1 - p)² 最大可以到多少？-log p 呢？",
    ),
    answer=Words(
        'The paper treats detection as one regression: all terms are squared errors, "because it is easy to '
        'optimize", and it says itself that this does not fit the goal perfectly. The outputs are linear, without a '
        "softmax or a sigmoid, and may leave 0 to 1: a logarithm is not possible there, a square is. The price: a "
        "sure mistake costs little (at most 1 for the true class while p stays between 0 and 1), and a class output "
        "of 1.5 is punished although the class is right. YOLOv2 takes a softmax over the classes, with the gradient "
        "of the cross-entropy. YOLOv3 takes a sigmoid and the binary cross-entropy for each class by itself, so that "
        "a box may be a woman and a person at once. Later ones keep that and change its target or its weight: in "
        "YOLOX and v8 the target also says how well the box fits, v6 weights with the varifocal loss.",
        "論文把偵測當成一個迴歸問題：五行都是誤差平方，理由是「容易最佳化」，論文自己也承認這和目標並不完全一致。"
        "網路的輸出是線性的，沒有經過 softmax 或 sigmoid，可能小於 0 或大於 1，不能取對數，但可以平方。"
        "代價是：很有把握的錯誤付出的代價不大（p 在 0 到 1 之間時，正確類別最多只算 1），"
        "而且輸出 1.5 明明類別是對的，也會被罰。"
        "YOLOv2 對類別做 softmax，梯度就是交叉熵的梯度。"
        "YOLOv3 改成每個類別各自用 sigmoid 和二元交叉熵，所以一個框可以同時是「女人」和「人」。"
        "之後的版本沿用這個做法，改的是目標或權重：YOLOX 和 v8 的目標還包含框有多準，v6 用 varifocal loss 加權。",
    ),
)

EXERCISES = (term, scores, squares)
