"""Lesson 1, what a loss is: the sum of squared errors, and which loss forgives what."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from matplotlib.figure import Figure

from yolosses.explain.style import FAINT_INK, GREEN, VERMILLION, new_figure, plain_axes
from yolosses.lessons.cases import Case, tables
from yolosses.lessons.exercise import Exercise, Misconception, Question
from yolosses.lessons.exercises import cross_entropy_loss, huber_loss
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words


def sse(pred, truth):
    return ((pred - truth) ** 2).sum()


def _pairs() -> SearchStrategy[tuple[Array, Array]]:
    """Predictions and truths: multiples of 0.5 from 0 to 10."""
    return st.integers(1, 4).flatmap(lambda n: st.tuples(tables((n,)), tables((n,)))).map(_tenfold)


def _tenfold(pair: tuple[Array, Array]) -> tuple[Array, Array]:
    return 10 * pair[0], 10 * pair[1]


def _case(pred: Array | list[float], truth: Array | list[float]) -> Case:
    return Case({"pred": np.asarray(pred, dtype=np.float64), "truth": np.asarray(truth, dtype=np.float64)})


def _picture(case: Case) -> Figure:
    """Truths, predictions, and the errors between them."""
    pred, truth = case.arguments["pred"], case.arguments["truth"]
    figure = new_figure(3, 2.4)
    axes = figure.subplots()
    plain_axes(axes)
    place = np.arange(len(pred))
    axes.vlines(place, pred, truth, color=VERMILLION, linewidth=2)
    axes.plot(place, truth, "o", color=GREEN, label="truth")
    axes.plot(place, pred, "x", color=FAINT_INK, markeredgewidth=2, label="pred")
    axes.set(xticks=place, xlim=(-0.5, len(pred) - 0.5))
    axes.legend(fontsize=8)
    return figure


_SSE = (
    Misconception(
        key="mean",
        mutant=lambda pred, truth: ((pred - truth) ** 2).mean(),
        says=Words(
            "That is the mean of the squared errors (MSE). SSE is their sum.",
            "這是平方誤差的平均（MSE）。SSE 要的是總和。",
        ),
        why=Words(
            "YOLOv1 adds up: a picture with more objects costs more, and a mean would hide that.",
            "YOLOv1 用的是總和：物體多的圖片損失就比較大，取平均就看不出來了。",
        ),
        hint=Words("The first S of SSE stands for sum.", "SSE 的第一個 S 是 sum（總和）。"),
    ),
    Misconception(
        key="rmse",
        mutant=lambda pred, truth: np.sqrt(((pred - truth) ** 2).mean()),
        says=Words(
            "That is the root of the mean squared error (RMSE). SSE has neither a mean nor a root.",
            "這是均方根誤差（RMSE）。SSE 不取平均，也不開根號。",
        ),
        why=Words(
            "A root over everything ties all errors together: the gradient of one then depends on the others.",
            "對整體開根號會把所有誤差綁在一起：某個誤差的梯度會受其他誤差影響。",
        ),
        hint=Words("Square each error, add them up, stop.", "每個誤差平方、加總，就這樣。"),
    ),
    Misconception(
        key="root",
        mutant=lambda pred, truth: np.sqrt(((pred - truth) ** 2).sum()),
        says=Words(
            "You take the root of the sum: that is the distance of two points. SSE has no root.",
            "你對總和開了根號，那是兩點之間的距離。SSE 不開根號。",
        ),
        why=Words(
            "A root over everything ties all errors together: the gradient of one then depends on the others.",
            "對整體開根號會把所有誤差綁在一起：某個誤差的梯度會受其他誤差影響。",
        ),
        hint=Words("Leave out the last root.", "拿掉最後的根號。"),
    ),
    Misconception(
        key="absolute",
        mutant=lambda pred, truth: np.abs(pred - truth).sum(),
        says=Words("You add up absolute errors. SSE squares each error.", "你加的是絕對誤差。SSE 要把每個誤差平方。"),
        why=Words(
            "With squares, one error of 4 costs as much as sixteen errors of 1; with absolute values, as four.",
            "用平方時，一個 4 的誤差抵得過十六個 1 的誤差；用絕對值時只抵四個。",
        ),
        hint=Words("The second S of SSE stands for squared.", "SSE 的第二個 S 是 squared（平方）。"),
    ),
    Misconception(
        key="mean-absolute",
        mutant=lambda pred, truth: np.abs(pred - truth).mean(),
        says=Words(
            "That is the mean absolute error (MAE). SSE squares each error and adds them up.",
            "這是平均絕對誤差（MAE）。SSE 要把每個誤差平方再加總。",
        ),
        why=Words(
            "With squares, one error of 4 costs as much as sixteen errors of 1; with absolute values, as four.",
            "用平方時，一個 4 的誤差抵得過十六個 1 的誤差；用絕對值時只抵四個。",
        ),
        hint=Words("Sum of squared errors: each word is a step.", "誤差、平方、和：每個詞都是一個步驟。"),
    ),
    Misconception(
        key="not-squared",
        mutant=lambda pred, truth: (pred - truth).sum(),
        says=Words(
            "You add up the differences without squares. Then an error of +3 and one of -3 cancel.",
            "你直接把差加起來，沒有平方。這樣 +3 和 -3 的誤差會互相抵消。",
        ),
        why=Words(
            "A loss that can go below 0 has no smallest value: training would push predictions down without end.",
            "可以小於 0 的損失沒有最小值：訓練會把預測值一直往下推。",
        ),
        hint=Words("Which operation makes each error positive?", "哪一種運算會讓每個誤差都變成正的？"),
    ),
    Misconception(
        key="sum-first",
        mutant=lambda pred, truth: (pred - truth).sum() ** 2,
        says=Words(
            "You add up first and square the sum. SSE squares each error first.",
            "你先加總再平方。SSE 是每個誤差先平方，再加總。",
        ),
        why=Words(
            "An error of +3 and one of -3 cancel before the square sees them.",
            "+3 和 -3 的誤差在平方之前就互相抵消了。",
        ),
        hint=Words("Difference, square, sum: in this order.", "順序是：相減、平方、加總。"),
    ),
    Misconception(
        key="squares-first",
        mutant=lambda pred, truth: (pred**2 - truth**2).sum(),
        says=Words(
            "You square prediction and truth, then take the difference. The error itself is squared.",
            "你先把預測和真實各自平方再相減。要平方的是誤差本身。",
        ),
        why=Words(
            "The result can go below 0, and the same error costs more on large numbers.",
            "結果可能小於 0，而且同樣的誤差，數字大的代價就比較高。",
        ),
        hint=Words("a^2 - b^2 is not (a - b)^2.", "a² - b² 不等於 (a - b)²。"),
    ),
    Misconception(
        key="half",
        mutant=lambda pred, truth: ((pred - truth) ** 2).sum() / 2,
        says=Words(
            "You halve the sum. Some books do, so that the 2 of the derivative goes away; SSE does not.",
            "你把總和除以 2。有些書會這樣寫，好讓微分後的 2 消掉；SSE 沒有除以 2。",
        ),
        why=Words(
            "Where several terms are added, a half changes the balance between them.",
            "好幾項加在一起時，多一個 1/2 就會改變各項之間的平衡。",
        ),
        hint=Words("Nothing stands before the sum.", "總和前面沒有係數。"),
    ),
    Misconception(
        key="last-only",
        mutant=lambda pred, truth: (pred[-1] - truth[-1]) ** 2,
        says=Words(
            "Only the last error counts. Does your loop overwrite the total instead of adding to it?",
            "只算到最後一個誤差。迴圈裡是不是用 = 蓋掉了總和，而不是用 += 加上去？",
        ),
        why=Words(
            "A model would learn one point and no other.",
            "模型只會學到一個點，其他的都學不到。",
        ),
        hint=Words("total += ..., and total = 0 before the loop.", "迴圈前 total = 0，迴圈裡 total += ……。"),
    ),
    Misconception(
        key="first-only",
        mutant=lambda pred, truth: (pred[0] - truth[0]) ** 2,
        says=Words(
            "Only the first error counts. Does return stand inside your loop?",
            "只算到第一個誤差。return 是不是寫在迴圈裡面了？",
        ),
        why=Words(
            "A model would learn one point and no other.",
            "模型只會學到一個點，其他的都學不到。",
        ),
        hint=Words("return belongs after the loop.", "return 要放在迴圈之後。"),
    ),
)  # fmt: skip

squared = Exercise(
    key="sse",
    lesson=1,
    task=Words(
        "The sum of squared errors, one number. pred, truth: (n,), predictions and truths.",
        "誤差平方和，回傳一個數字。pred、truth：形狀 (n,)，預測值與真實值。",
    ),
    right=sse,
    cases=_pairs().map(lambda pair: _case(*pair)),
    chosen=(
        _case([3.0, 5.0], [1.0, 6.0]),
        _case([2.0, 4.0, 7.0], [2.5, 1.0, 9.0]),
        _case([1.0, 8.0, 0.5, 3.0], [4.0, 2.0, 1.0, 5.0]),
    ),
    misconceptions=_SSE,
    hints=Words(
        "Three steps: the difference of each pair, its square, the sum of all.",
        "三個步驟：每一對相減、平方、全部加起來。",
    ),
    picture=_picture,
)

wrong_labels = Question(
    key="wrong_labels_question",
    lesson=1,
    question=Words(
        "Some labels of a data set are wrong. Which loss would you take, and what does it cost you?",
        "資料集裡有一些標記是錯的。你會選哪一種損失函數？要付出什麼代價？",
    ),
    hints=Words(
        "Look at the curves again: which of them stops getting steeper for large errors? And what else, apart from "
        "wrong labels, makes large errors?",
        "再看一次曲線：誤差很大時，哪一條不會再變陡？除了標錯之外，還有什麼會造成很大的誤差？",
    ),
    answer=Words(
        "One whose gradient stops growing: absolute error or Huber for numbers. For classes, cross-entropy and hinge "
        "pull with a bounded force, too, but never let go of a flipped label; focal loss makes the easy points nearly "
        "silent, and so the flipped label counts even more. The price: the loss cannot tell a wrong label from a rare, "
        "hard example that is right. What forgives the one also learns the other badly. Absolute error has a corner "
        "at 0, and Huber has a delta that you have to choose. It is better to find the wrong labels: points with the "
        "largest loss are where to look first.",
        "選誤差變大時梯度不會跟著變大的：預測數值時用絕對誤差或 Huber。分類時，交叉熵和 hinge 的拉力也有上限，"
        "但永遠不會放過標錯的點；focal loss 讓簡單的點幾乎不出聲，標錯的點反而更有影響力。"
        "代價是：損失函數分不出「標錯的」和「標對但少見、困難的」例子，原諒了前者，後者也會學得比較差。"
        "絕對誤差在 0 的地方有個尖角，Huber 則要自己選 delta。更好的辦法是把標錯的找出來：先看損失最大的那些點。",
    ),
)

EXERCISES = (squared, huber_loss.exercise, cross_entropy_loss.exercise, wrong_labels)
