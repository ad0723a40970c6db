"""Lesson 1, third exercise: the cross-entropy of a softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure

from yolosses.explain.style import FAINT_INK, GREEN, new_figure, plain_axes
from yolosses.lessons.cases import Case, tables
from yolosses.lessons.exercise import Exercise, Misconception
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words


def cross_entropy(scores, label):
    p = np.exp(scores) / np.exp(scores).sum()  # softmax: positive, and the sum is 1
    return -np.log(p[label])


def _case(scores: Array | list[float], label: int) -> Case:
    return Case({"scores": np.asarray(scores, dtype=np.float64), "label": label})


def _softmax(scores: Array) -> Array:
    p: Array = np.exp(scores) / np.exp(scores).sum()
    return p


def _sigmoid(scores: Array) -> Array:
    p: Array = 1 / (1 + np.exp(-scores))
    return p


def _one_hot(scores: Array, label: int) -> Array:
    row: Array = np.eye(len(scores))[label]
    return row


def _binary(p: Array, truth: Array) -> Any:
    return -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).sum()


def _picture(case: Case) -> Figure:
    """The probabilities that the softmax gives; that of the label in green."""
    scores, label = case.arguments["scores"], case.arguments["label"]
    figure = new_figure(3, 2.2)
    axes = figure.subplots()
    plain_axes(axes)
    place = np.arange(len(scores))
    bars = axes.bar(place, _softmax(scores), color=[GREEN if at == label else FAINT_INK for at in place])
    axes.bar_label(bars, fmt="%.3f", fontsize=8)
    axes.set(xticks=place, ylim=(0, 1.1), ylabel="softmax")
    return figure


_CROSS_ENTROPY = (
    Misconception(
        key="base-2",
        mutant=lambda scores, label: -np.log2(_softmax(scores)[label]),
        says=Words(
            "You take the logarithm to base 2. Here it is the natural one.",
            "你用了以 2 為底的對數，這裡用的是自然對數。",
        ),
        why=Words(
            "The value is 1.44 times as large, and no longer that of PyTorch.",
            "值會變成 1.44 倍，和 PyTorch 的不一樣。",
        ),
        hint=Words("np.log, torch.log and math.log are natural.", "np.log、torch.log、math.log 都是自然對數。"),
    ),
    Misconception(
        key="base-10",
        mutant=lambda scores, label: -np.log10(_softmax(scores)[label]),
        says=Words(
            "You take the logarithm to base 10. Here it is the natural one.",
            "你用了以 10 為底的對數，這裡用的是自然對數。",
        ),
        why=Words(
            "The value is 0.43 times as large, and no longer that of PyTorch.",
            "值會變成 0.43 倍，和 PyTorch 的不一樣。",
        ),
        hint=Words("np.log, torch.log and math.log are natural.", "np.log、torch.log、math.log 都是自然對數。"),
    ),
    Misconception(
        key="all-classes",
        mutant=lambda scores, label: -np.log(_softmax(scores)).sum(),
        says=Words(
            "You add up -log p of all classes. Only the true class counts.",
            "你把所有類別的 -log p 都加起來了。只有正確的類別要算。",
        ),
        why=Words(
            "It is smallest when all classes are equally likely: the label has no effect.",
            "所有類別機率相同時這個值最小，標記完全沒有作用。",
        ),
        hint=Words("Only p[label] goes in.", "只用到 p[label]。"),
    ),
    Misconception(
        key="mean-of-classes",
        mutant=lambda scores, label: -np.log(_softmax(scores)[label]) / len(scores),
        says=Words(
            "You divide by the number of classes. Cross-entropy does not.",
            "你除以類別數了，交叉熵不用除。",
        ),
        why=Words(
            "With 20 classes the class loss would nearly vanish beside other losses.",
            "有 20 個類別時，分類損失和其他損失相比幾乎會消失。",
        ),
        hint=Words("Only one class counts, so there is nothing to average.", "只有一個類別要算，沒有東西要平均。"),
    ),
    Misconception(
        key="sign",
        mutant=lambda scores, label: np.log(_softmax(scores)[label]),
        says=Words("The minus sign is missing: log p is below 0.", "少了負號：log p 是負的。"),
        why=Words(
            "Without it training makes the right class less likely.",
            "少了負號，訓練會讓正確類別的機率越來越低。",
        ),
        hint=Words("A loss is smaller when the prediction is better.", "預測越好，損失要越小。"),
    ),
    Misconception(
        key="no-softmax",
        mutant=lambda scores, label: -np.log(scores[label]),
        says=Words(
            "You take the logarithm of the score itself. A score is no probability yet: softmax comes first.",
            "你直接對分數取對數。分數還不是機率，要先做 softmax。",
        ),
        why=Words(
            "A score below 0 gives NaN, and one above 1 a loss below 0.",
            "分數小於 0 會得到 NaN，大於 1 則損失是負的。",
        ),
        hint=Words("exp of each score, divided by the sum of all.", "每個分數取 exp，再除以全部的和。"),
    ),
    Misconception(
        key="no-logarithm",
        mutant=lambda scores, label: -_softmax(scores)[label],
        says=Words(
            "You return -p. The logarithm is missing.",
            "你回傳的是 -p，少了對數。",
        ),
        why=Words(
            "-p is nearly flat when the prediction is quite wrong: there the gradient is needed most.",
            "預測錯得很離譜時，-p 幾乎是平的，但那裡最需要梯度。",
        ),
        hint=Words("Take -log of p[label].", "對 p[label] 取 -log。"),
    ),
    Misconception(
        key="one-minus-p",
        mutant=lambda scores, label: 1 - _softmax(scores)[label],
        says=Words(
            "You return 1 - p. Cross-entropy is -log p.",
            "你回傳的是 1 - p，交叉熵是 -log p。",
        ),
        why=Words(
            "1 - p never exceeds 1: it punishes a quite wrong prediction hardly more than a doubtful one.",
            "1 - p 最大就是 1：錯得離譜和沒把握，懲罰差不了多少。",
        ),
        hint=Words("Take -log of p[label].", "對 p[label] 取 -log。"),
    ),
    Misconception(
        key="squared-error",
        mutant=lambda scores, label: ((_softmax(scores) - _one_hot(scores, label)) ** 2).sum(),
        says=Words(
            "That is a sum of squared errors of the probabilities, not the cross-entropy.",
            "這是機率的誤差平方和，不是交叉熵。",
        ),
        why=Words(
            "It never exceeds 2, and its gradient fades where the prediction is quite wrong.",
            "它最大就是 2，而且預測錯得離譜時梯度反而變小。",
        ),
        hint=Words("-log of one probability.", "對一個機率取 -log。"),
    ),
    Misconception(
        key="yolov1-class-term",
        mutant=lambda scores, label: ((scores - _one_hot(scores, label)) ** 2).sum(),
        says=Words(
            "That is term 4 of YOLOv1: squared errors of the scores. Many call it cross-entropy; it is not.",
            "這是 YOLOv1 的第 4 項：分數的誤差平方和。很多人叫它交叉熵，其實不是。",
        ),
        why=Words(
            "It also punishes a score above 1 of the right class; cross-entropy is glad about it.",
            "它連正確類別的分數超過 1 也會懲罰，交叉熵則是越高越好。",
        ),
        hint=Words("Softmax, then -log of one probability.", "先 softmax，再對一個機率取 -log。"),
    ),
    Misconception(
        key="sigmoid",
        mutant=lambda scores, label: -np.log(_sigmoid(scores)[label]),
        says=Words(
            "You take the sigmoid of one score. Softmax compares it with the scores of all classes.",
            "你只對一個分數取 sigmoid。softmax 會和所有類別的分數比較。",
        ),
        why=Words(
            "The other classes would never learn to be low.",
            "其他類別永遠學不到要變低。",
        ),
        hint=Words("Divide by the sum over all classes.", "要除以所有類別的和。"),
    ),
    Misconception(
        key="binary",
        mutant=lambda scores, label: _binary(_sigmoid(scores), _one_hot(scores, label)),
        says=Words(
            "That is binary cross-entropy, a yes or no for each class by itself. A softmax chooses one of all.",
            "這是二元交叉熵，每個類別各自判斷是或不是。softmax 是從所有類別裡選一個。",
        ),
        why=Words(
            "YOLOv3 does that, so that one object may be of two classes; it is another loss with other values.",
            "YOLOv3 用的就是這種，一個物體可以同時屬於兩個類別；但這是另一種損失，值也不同。",
        ),
        hint=Words("One softmax over all scores, no sigmoid.", "對所有分數做一次 softmax，不用 sigmoid。"),
    ),
    Misconception(
        key="binary-of-softmax",
        mutant=lambda scores, label: _binary(_softmax(scores), _one_hot(scores, label)),
        says=Words(
            "You also add -log(1 - p) of the wrong classes. Only the true class counts.",
            "你還加了錯誤類別的 -log(1 - p)。只有正確的類別要算。",
        ),
        why=Words(
            "The softmax already ties them: when p of the true class rises, the others fall.",
            "softmax 已經把它們綁在一起：正確類別的機率上升，其他的就會下降。",
        ),
        hint=Words("One logarithm, of p[label].", "只有一個對數：p[label] 的。"),
    ),
    Misconception(
        key="softmax-twice",
        mutant=lambda scores, label: -np.log(_softmax(_softmax(scores))[label]),
        says=Words(
            "The softmax is applied twice. PyTorch's cross_entropy already contains it.",
            "softmax 做了兩次。PyTorch 的 cross_entropy 裡面已經包含 softmax。",
        ),
        why=Words(
            "The loss then never comes near 0, however sure and right the model is.",
            "這樣不管模型多有把握、多正確，損失都不會接近 0。",
        ),
        hint=Words("Give F.cross_entropy the scores themselves.", "把分數直接交給 F.cross_entropy。"),
    ),
    Misconception(
        key="one-based",
        mutant=lambda scores, label: -np.log(_softmax(scores)[label - 1]),
        says=Words(
            "You count classes from 1. The label 0 is the first class.",
            "你從 1 開始數類別，但標記 0 就是第一個類別。",
        ),
        why=Words(
            "Every class would be learnt as its neighbour, and Python does not complain: index -1 is the last.",
            "每個類別都會學成隔壁的類別，而且 Python 不會報錯：索引 -1 就是最後一個。",
        ),
        hint=Words("scores[label], without - 1.", "scores[label]，不用減 1。"),
    ),
)  # fmt: skip

exercise = Exercise(
    key="cross_entropy",
    lesson=1,
    task=Words(
        "The cross-entropy of one example, one number. scores: (classes,), any numbers, not yet probabilities; label: "
        "the true class, an int from 0. Softmax, then minus the natural logarithm of the true class's probability.",
        "一個例子的交叉熵，回傳一個數字。scores：形狀 (類別,)，任意的分數，還不是機率；"
        "label：正確的類別，從 0 開始的整數。"
        "先做 softmax，再把正確類別的機率取自然對數，加上負號。",
    ),
    right=cross_entropy,
    cases=st.integers(2, 4).flatmap(
        lambda n: st.builds(
            lambda steps, label: _case(10 * steps - 5, label), tables((n,)), st.integers(0, n - 1)
        )
    ),
    chosen=(
        _case([2.0, 0.5, -1.0], 0),
        _case([0.5, 1.5], 1),
        _case([-1.5, 0.5, 2.0, 3.0], 2),
    ),
    misconceptions=_CROSS_ENTROPY,
    hints=Words(
        "p = exp(scores) / the sum of exp(scores). Then -log(p[label]).",
        "p = exp(scores) / exp(scores) 的總和，然後 -log(p[label])。",
    ),
    picture=_picture,
)
