"""What is misunderstood about task-aligned assignment, each as the function that somebody writes."""

from __future__ import annotations

from typing import Any

import numpy as np

from yolosses.lessons.exercise import Misconception
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words

ALIGNMENT = (
    Misconception(
        key="swapped",
        mutant=lambda score, iou, alpha, beta: score**beta * iou**alpha,
        says=Words(
            "alpha and beta are exchanged: beta belongs to the IoU.",
            "alpha 和 beta 弄反了：beta 是 IoU 的次方。",
        ),
        why=Words(
            "With 0.5 and 6 the IoU is meant to decide, and the score to matter little.",
            "0.5 和 6 的意思是由 IoU 決定，分數只有小小的影響。",
        ),
        hint=Words("score^alpha times iou^beta", "score^alpha 乘上 iou^beta"),
    ),
    Misconception(
        key="sum",
        mutant=lambda score, iou, alpha, beta: score**alpha + iou**beta,
        says=Words("You add. The alignment is a product.", "你用了加法。alignment 是乘積。"),
        why=Words(
            "A sum would take a location with a fine score and no overlap at all.",
            "用加的話，分數高但完全沒有重疊的位置也會被選上。",
        ),
        hint=Words("times, not plus.", "用乘的，不是加的。"),
    ),
    Misconception(
        key="weighted-sum",
        mutant=lambda score, iou, alpha, beta: alpha * score + beta * iou,
        says=Words(
            "You use alpha and beta as weights of a sum. They are exponents of a product.",
            "你把 alpha、beta 當成加權和的權重。它們是乘積裡的次方。",
        ),
        why=Words(
            "A sum would take a location with a fine score and no overlap at all.",
            "用加的話，分數高但完全沒有重疊的位置也會被選上。",
        ),
        hint=Words("score^alpha times iou^beta", "score^alpha 乘上 iou^beta"),
    ),
    Misconception(
        key="factors",
        mutant=lambda score, iou, alpha, beta: alpha * score * beta * iou,
        says=Words(
            "You use alpha and beta as factors. They are exponents.",
            "你把 alpha、beta 當成係數。它們是次方。",
        ),
        why=Words(
            "A factor changes no order: all locations would get the same one.",
            "係數不會改變順序：每個位置都乘上一樣的數。",
        ),
        hint=Words("** is the power.", "次方要用 **。"),
    ),
    Misconception(
        key="no-exponents",
        mutant=lambda score, iou, alpha, beta: score * iou,
        says=Words("alpha and beta are forgotten.", "忘了 alpha 和 beta。"),
        why=Words("They say what decides: the score or the overlap.", "它們決定分數和重疊哪個重要。"),
        hint=Words("score^alpha times iou^beta", "score^alpha 乘上 iou^beta"),
    ),
    Misconception(
        key="product-of-exponents",
        mutant=lambda score, iou, alpha, beta: (score * iou) ** (alpha * beta),
        says=Words(
            "You take one power of the product. Each has its own exponent.",
            "你對乘積取了同一個次方。兩者各有自己的次方。",
        ),
        why=Words("Then score and overlap count alike.", "這樣分數和重疊就一樣重要了。"),
        hint=Words("score^alpha times iou^beta", "score^alpha 乘上 iou^beta"),
    ),
    Misconception(
        key="geometric-mean",
        mutant=lambda score, iou, alpha, beta: (score**alpha * iou**beta) ** (1 / (alpha + beta)),
        says=Words(
            "You take a root of the product, a geometric mean. The paper has none.",
            "你又對乘積開了根號（幾何平均）。論文沒有這一步。",
        ),
        why=Words(
            "The order stays, but the quality, which weighs the loss, changes.",
            "順序不變，但當作損失權重的品質會改變。",
        ),
        hint=Words("Leave out the last root.", "拿掉最後的根號。"),
    ),
    Misconception(
        key="overlap-alone",
        mutant=lambda score, iou, alpha, beta: iou**beta,
        says=Words(
            "The score is missing: that is the overlap alone, as in YOLOv1.",
            "少了分數：只看重疊，就像 YOLOv1。",
        ),
        why=Words(
            "Then a location could be chosen whose class is wrong; task-aligned means good at both.",
            "這樣可能選到類別不對的位置；task-aligned 的意思就是兩個任務都要好。",
        ),
        hint=Words("times score^alpha", "再乘上 score^alpha"),
    ),
    Misconception(
        key="score-alone",
        mutant=lambda score, iou, alpha, beta: score**alpha,
        says=Words("The overlap is missing.", "少了重疊（IoU）。"),
        why=Words(
            "Then the most confident location is chosen, however bad its box is.",
            "這樣會選最有信心的位置，不管它的框有多差。",
        ),
        hint=Words("times iou^beta", "再乘上 iou^beta"),
    ),
)


def _ranked(alignment: Array, k: float, *, order: Any) -> Array:
    taken = np.zeros(len(alignment))
    taken[order[: int(k)]] = 1
    return taken


BEST = (
    Misconception(
        key="zeros-too",
        mutant=lambda alignment, k: _ranked(alignment, k, order=np.argsort(-alignment, kind="stable")),
        says=Words("You also take locations of alignment 0.", "你把 alignment 是 0 的位置也選進來了。"),
        why=Words(
            "Such a location lies outside the object, or its box does not touch it.",
            "這種位置在物體外面，或是它的框完全沒碰到物體。",
        ),
        hint=Words("Fewer than k may be taken.", "選走的可以少於 k 個。"),
    ),
    Misconception(
        key="lowest",
        mutant=lambda alignment, k: (
            _ranked(alignment, k, order=np.argsort(alignment, kind="stable")) * (alignment > 0)
        ),
        says=Words("You take the k lowest.", "你選的是最小的 k 個。"),
        why=Words("The larger the alignment, the better the fit.", "alignment 越大，越適合。"),
        hint=Words("argsort sorts upwards.", "argsort 是由小排到大。"),
    ),
    Misconception(
        key="best-alone",
        mutant=lambda alignment, k: (
            _ranked(alignment, 1, order=np.argsort(-alignment, kind="stable")) * (alignment > 0)
        ),
        says=Words("You take the best location alone, whatever k is.", "不管 k 是多少，你都只選最好的一個。"),
        why=Words("That is v10's one2one head; v8 takes ten.", "那是 v10 的 one2one head；v8 會選十個。"),
        hint=Words("Use k.", "要用到 k。"),
    ),
    Misconception(
        key="all-inside",
        mutant=lambda alignment, k: 1.0 * (alignment > 0),
        says=Words("You take every location above 0.", "只要大於 0 的位置你全選了。"),
        why=Words(
            "Large objects would have hundreds of locations, small ones two.",
            "大物體會有幾百個位置，小物體只有兩個。",
        ),
        hint=Words("At most k.", "最多 k 個。"),
    ),
    Misconception(
        key="first",
        mutant=lambda alignment, k: _ranked(alignment, k, order=np.flatnonzero(alignment > 0)),
        says=Words(
            "You take the first k, without a look at how well they fit.", "你選了前 k 個，沒有看適不適合。"
        ),
        why=Words(
            "The order of locations is that of the picture, row by row.",
            "位置的順序只是圖片由上到下、由左到右的順序。",
        ),
        hint=Words("Sort by alignment first.", "先依 alignment 排序。"),
    ),
    Misconception(
        key="values",
        mutant=lambda alignment, k: (
            alignment * _ranked(alignment, k, order=np.argsort(-alignment, kind="stable"))
        ),
        says=Words(
            "You return the alignment of what is taken. Asked is 1.0 or 0.0.",
            "你回傳的是選中位置的 alignment。題目要的是 1.0 或 0.0。",
        ),
        why=Words("The weight of a pair, its quality, is another step.", "配對的權重（品質）是另一個步驟。"),
        hint=Words("1.0 where it is taken.", "選走的地方是 1.0。"),
    ),
    Misconception(
        key="not-taken",
        mutant=lambda alignment, k: (
            1 - _ranked(alignment, k, order=np.argsort(-alignment, kind="stable")) * (alignment > 0)
        ),
        says=Words("You mark the locations that are NOT taken.", "你標出的是「沒有」被選走的位置。"),
        why=Words("Those learn background.", "那些位置學的是背景。"),
        hint=Words("1.0 where it is taken.", "選走的地方是 1.0。"),
    ),
)
