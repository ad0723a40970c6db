"""Lesson 1, second exercise: the Huber loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure

from yolosses.explain.style import BLUE, FAINT_INK, VERMILLION, new_figure, plain_axes
from yolosses.lessons.cases import Case, tables
from yolosses.lessons.exercise import Exercise, Misconception
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words


def huber(pred, truth, delta):
    error = np.abs(pred - truth)
    small, large = error**2 / 2, delta * (error - delta / 2)
    return np.where(error <= delta, small, large).sum()


def _case(pred: Array | list[float], truth: Array | list[float], delta: float) -> Case:
    pred, truth = np.asarray(pred, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    return Case({"pred": pred, "truth": truth, "delta": delta})


def _drawn(pair: tuple[Array, Array], step: int) -> Case:
    """Multiples of 0.5, with a delta between them: no error is exactly delta."""
    return _case(10 * pair[0], 10 * pair[1], step / 2 + 0.25)


def _other(cost: Callable[[Array, float], Any]) -> Callable[[Array, Array, float], Any]:
    """The sum of another ``cost(absolute error, delta)``."""

    def mutant(pred: Array, truth: Array, delta: float) -> Any:
        return cost(np.abs(pred - truth), delta).sum()

    return mutant


def _signed(pred: Array, truth: Array, delta: float) -> Any:
    error = pred - truth
    return np.where(error <= delta, error**2 / 2, delta * (np.abs(error) - delta / 2)).sum()


def _mean(pred: Array, truth: Array, delta: float) -> Any:
    return huber(pred, truth, delta) / len(pred)


def _picture(case: Case) -> Figure:
    """The curve of the loss, and where the errors of the case lie on it."""
    pred, truth, delta = case.arguments.values()
    error = pred - truth
    most = max(1.5 * delta, 1.1 * np.abs(error).max())
    line = np.linspace(-most, most, 201)
    figure = new_figure(3, 2.4)
    axes = figure.subplots()
    plain_axes(axes)
    axes.plot(line, [huber(at, 0, delta) for at in line], color=BLUE)
    axes.plot(error, [huber(at, 0, delta) for at in error], "o", color=VERMILLION)
    for end in (-delta, delta):
        axes.axvline(end, color=FAINT_INK, linestyle=":")
    axes.set(xlabel="pred - truth")
    return figure


_SIGNED = Misconception(
    key="signed",
    mutant=_signed,
    says=Words(
        "You compare the error with delta without its absolute value: large errors below 0 are still squared.",
        "你拿誤差和 delta 比較時沒有取絕對值，所以很大的「負」誤差還是被平方了。",
    ),
    why=Words(
        "Outliers on one side would be forgiven, those on the other side would not.",
        "一側的離群值會被原諒，另一側的卻不會。",
    ),
    hint=Words("-5 <= delta is true. Is -5 a small error?", "-5 <= delta 成立，但 -5 是小誤差嗎？"),
)

_HUBER = (
    Misconception(
        key="no-half",
        mutant=_other(lambda error, delta: np.where(error <= delta, error**2, delta * (error - delta / 2))),
        says=Words(
            "Small errors cost e^2 in your function. Huber halves it there: e^2 / 2.",
            "小誤差在你的函式裡是 e²，Huber 在這裡是 e² / 2。",
        ),
        why=Words(
            "Without the half, the two parts do not meet at delta: the curve jumps.",
            "少了一半，兩段曲線在 delta 的地方接不起來，會跳一下。",
        ),
        hint=Words("Put e = delta into both parts: they must be equal.", "把 e = delta 代進兩段，結果要一樣。"),
    ),
    Misconception(
        key="jump",
        mutant=_other(lambda error, delta: np.where(error <= delta, error**2 / 2, delta * error)),
        says=Words(
            "Large errors cost delta * e in your function. Minus delta / 2 is missing: delta * (e - delta / 2).",
            "大誤差在你的函式裡是 delta * e，少減了 delta / 2，應該是 delta * (e - delta / 2)。",
        ),
        why=Words(
            "The two parts do not meet at delta: the curve jumps.",
            "兩段曲線在 delta 的地方接不起來，會跳一下。",
        ),
        hint=Words("Put e = delta into both parts: they must be equal.", "把 e = delta 代進兩段，結果要一樣。"),
    ),
    Misconception(
        key="plain-absolute",
        mutant=_other(lambda error, delta: np.where(error <= delta, error**2 / 2, error)),
        says=Words(
            "Large errors cost |e| itself in your function. Huber's line is delta * (|e| - delta / 2).",
            "大誤差在你的函式裡就是 |e|，Huber 的直線是 delta * (|e| - delta / 2)。",
        ),
        why=Words(
            "The curve jumps at delta, and its slope too.",
            "曲線在 delta 的地方會跳，斜率也接不起來。",
        ),
        hint=Words("The slope of e^2 / 2 at delta is delta.", "e² / 2 在 delta 的斜率是 delta。"),
    ),
    Misconception(
        key="slope-one",
        mutant=_other(lambda error, delta: np.where(error <= delta, error**2 / 2, error - delta / 2)),
        says=Words(
            "The factor delta of large errors is missing: delta * (e - delta / 2).",
            "大誤差那一段少乘了 delta，應該是 delta * (e - delta / 2)。",
        ),
        why=Words(
            "It is right for delta = 1 alone; elsewhere the curve jumps.",
            "只有 delta = 1 時才對，其他時候曲線會跳。",
        ),
        hint=Words("The slope of e^2 / 2 at delta is delta.", "e² / 2 在 delta 的斜率是 delta。"),
    ),
    Misconception(
        key="swapped",
        mutant=_other(lambda error, delta: np.where(error > delta, error**2 / 2, delta * (error - delta / 2))),
        says=Words(
            "The two parts are swapped: the square belongs to small errors, the line to large ones.",
            "兩段放反了：小誤差用平方，大誤差用直線。",
        ),
        why=Words(
            "Outliers would get the square, the very thing that Huber takes from them.",
            "離群值反而用了平方，正好是 Huber 要避免的。",
        ),
        hint=Words("e <= delta: which part?", "e <= delta 時，應該用哪一段？"),
    ),
    Misconception(
        key="always-squared",
        mutant=_other(lambda error, delta: error**2 / 2),
        says=Words("You square every error: delta has no effect.", "每個誤差你都平方了，delta 沒有作用。"),
        why=Words(
            "One outlier then counts more than all other points together.",
            "這樣一個離群值就比其他點加起來還重要。",
        ),
        hint=Words("Beyond delta the cost is a straight line.", "超過 delta 之後，代價是一條直線。"),
    ),
    Misconception(
        key="always-absolute",
        mutant=_other(lambda error, delta: delta * (error - delta / 2)),
        says=Words(
            "Every error costs the straight line. Within delta it is e^2 / 2.",
            "每個誤差你都用直線。在 delta 以內應該是 e² / 2。",
        ),
        why=Words("Small errors then cost less than 0.", "這樣小誤差的代價會小於 0。"),
        hint=Words("Two cases: np.where, or an if in a loop.", "分成兩種情況：用 np.where，或在迴圈裡用 if。"),
    ),
    Misconception(
        key="smooth-l1",
        mutant=_other(
            lambda error, delta: np.where(error <= delta, error**2 / 2 / delta, error - delta / 2)
        ),
        says=Words(
            "That is PyTorch's smooth_l1_loss with beta = delta: Huber divided by delta.",
            "這是 PyTorch 的 smooth_l1_loss（beta = delta），等於 Huber 除以 delta。",
        ),
        why=Words(
            "The shape is the same, but the weight against other terms changes with delta.",
            "形狀一樣，但和其他項的輕重比例會隨著 delta 改變。",
        ),
        hint=Words("Multiply by delta.", "再乘上 delta。"),
    ),
    Misconception(
        key="clipped",
        mutant=_other(lambda error, delta: np.minimum(error, delta) ** 2 / 2),
        says=Words(
            "Beyond delta your cost stays the same. Huber's goes on as a straight line.",
            "超過 delta 之後，你的代價就不再增加。Huber 會沿著直線繼續增加。",
        ),
        why=Words(
            "Where the cost is flat the gradient is 0: a point that starts far away would never be learnt.",
            "代價是平的地方梯度就是 0：一開始離得遠的點永遠學不到。",
        ),
        hint=Words("delta * (e - delta / 2) beyond delta.", "超過 delta 時是 delta * (e - delta / 2)。"),
    ),
    _SIGNED,
    replace(_SIGNED, key="signed-other-way", mutant=lambda pred, truth, delta: _signed(truth, pred, delta)),
    Misconception(
        key="delta-one",
        mutant=lambda pred, truth, delta: huber(pred, truth, 1.0),
        says=Words("You take delta = 1 whatever delta is.", "不管 delta 是多少，你都用 1。"),
        why=Words(
            "delta says from where on an error is an outlier; only you know that of your data.",
            "delta 決定誤差多大才算離群值，這只有你的資料知道。",
        ),
        hint=Words("Use the argument delta.", "要用參數 delta。"),
    ),
    Misconception(
        key="mean",
        mutant=_mean,
        says=Words("You take the mean. The sum is asked here.", "你取了平均，這裡要的是總和。"),
        why=Words(
            "The losses of this course add up; PyTorch's take the mean unless you say reduction=\"sum\".",
            "這門課的損失都是加總；PyTorch 預設取平均，要加總得寫 reduction=\"sum\"。",
        ),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
)  # fmt: skip

exercise = Exercise(
    key="huber",
    lesson=1,
    task=Words(
        "The Huber loss, summed, one number. pred, truth: (n,), predictions and truths; delta: a number > 0. An error "
        "e up to delta costs e^2 / 2, a larger one delta * (|e| - delta / 2).",
        "Huber 損失的總和，回傳一個數字。pred、truth：形狀 (n,)，預測值與真實值；delta：大於 0 的數字。"
        "誤差 e 在 delta 以內時代價是 e² / 2，超過時是 delta * (|e| - delta / 2)。",
    ),
    right=huber,
    cases=st.builds(
        _drawn,
        st.integers(1, 4).flatmap(lambda n: st.tuples(tables((n,)), tables((n,)))),
        st.integers(0, 8),
    ),
    chosen=(
        _case([3.0, 5.0], [2.0, 9.0], 1.5),
        _case([2.0, 7.5, 4.0], [2.5, 1.0, 3.0], 2.0),
        _case([1.0, 8.0, 0.5, 3.0], [4.0, 2.0, 0.0, 3.2], 0.75),
    ),
    misconceptions=_HUBER,
    hints=Words(
        "e = |pred - truth| for each element. Then choose for each: e <= delta or not. Then the sum.",
        "先算每個元素的 e = |pred - truth|，再逐一判斷 e 是不是 <= delta，最後加總。",
    ),
    picture=_picture,
)
