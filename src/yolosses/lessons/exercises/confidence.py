"""Lesson 5, confidence: the overlap, term 3-1, term 3-2, and why the background is discounted."""

from __future__ import annotations

from yolosses.lessons.exercise import Question
from yolosses.lessons.exercises.background import noobj
from yolosses.lessons.exercises.objectness import obj
from yolosses.lessons.exercises.overlap import overlap
from yolosses.lessons.words import Words

half = Question(
    key="noobj_question",
    lesson=5,
    question=Words(
        "Why does the paper give boxes without an object only the weight 0.5, and what would happen with 1, or with 0?",
        "為什麼論文只給沒有物體的框 0.5 的權重？如果改成 1，或是改成 0，會怎樣？",
    ),
    hints=Words(
        "7 x 7 cells of 2 boxes, and 2 objects: count how many boxes are pulled up and how many down.",
        "7 × 7 格，每格 2 個框，圖裡有 2 個物體：數數看，幾個框往上拉，幾個框往下拉？",
    ),
    answer=Words(
        "A picture has 98 boxes and few objects. With two of them, 96 boxes are pulled towards 0 and 2 upwards. A "
        "network that has not learned to tell them apart yet says the same confidence everywhere, and the best such "
        "number is almost 0: the background overpowers the gradients of the few boxes with an object. The weight 0.5 "
        "halves the pull of the background. It does not make the sides equal (48 against 2), it only makes the start "
        "easier. With 1 the background counts twice as much as now; the paper reports that training may diverge "
        "early. With 0 nothing is ever pulled down: every box may be as confident as it likes, and the picture fills "
        "with false alarms.",
        "一張圖片有 98 個框，物體卻很少。如果有 2 個物體，就有 96 個框被拉向 0，只有 2 個框往上拉。"
        "網路一開始還分不出兩者，只能到處說同一個信心度，而這個數字最好就是接近 0："
        "背景贏了，少數有物體的框的梯度被蓋過去。"
        "0.5 讓背景的拉力減半。兩邊並沒有因此相等（48 比 2），只是讓一開始容易一點。"
        "改成 1，背景的影響是現在的兩倍，論文說訓練可能很早就發散。"
        "改成 0，沒有任何力量把信心度往下拉，每個框想多有信心都可以，圖片裡會滿是誤報。",
    ),
)

EXERCISES = (overlap, obj, noobj, half)
