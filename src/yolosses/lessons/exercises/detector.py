"""Lesson 9, a detector of one's own: reading its curves, its score and its worst objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from matplotlib.figure import Figure

from yolosses.explain.style import BLUE, FAINT_INK, GREEN, VERMILLION
from yolosses.lessons.cases import STEPS, Case, fractions, tables
from yolosses.lessons.exercise import Exercise, Misconception, Question
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words


def average_curve(values, beta):
    averages = [values[0]]
    for value in values[1:]:
        averages.append(beta * averages[-1] + (1 - beta) * value)
    return np.array(averages)


def _swapped_weights(values: Array, beta: float) -> Any:
    return average_curve(values, 1 - beta)


def _from_zero(values: Array, beta: float) -> Any:
    return average_curve(np.concatenate([[0.0], values]), beta)[1:]


def _corrected(values: Array, beta: float) -> Any:
    return _from_zero(values, beta) / (1 - beta ** np.arange(1, len(values) + 1))


def _two_values(values: Array, beta: float) -> Any:
    before = np.concatenate([values[:1], values[:-1]])
    return beta * before + (1 - beta) * values


def _mean_so_far(values: Array, beta: float) -> Any:
    return np.cumsum(values) / np.arange(1, len(values) + 1)


def _unweighted_addition(values: Array, beta: float) -> Any:
    sums = [values[0]]
    for value in values[1:]:
        sums.append(beta * sums[-1] + value)
    return np.array(sums)


def _draw_curve(case: Case) -> Figure:
    """The values and their right average."""
    values, beta = case.arguments["values"], case.arguments["beta"]
    figure = Figure(figsize=(3.6, 2.4), layout="constrained")
    axes = figure.subplots()
    steps = np.arange(len(values))
    axes.plot(steps, values, "o", color=FAINT_INK, label="values")
    axes.plot(steps, average_curve(values, beta), "-", color=BLUE, label="average")
    axes.set(xlabel="step", xticks=steps, ylim=(0, None))
    axes.legend(fontsize=8, frameon=False)
    return figure


curve = Exercise(
    key="average_curve",
    lesson=9,
    task=Words(
        "The running average of a curve. values: the loss at each step; beta: between 0 and 1. The first average is "
        "the first value; each later one is beta times the average before it plus (1 - beta) times the new value. "
        "Return as many numbers as there are values.",
        "曲線的移動平均。values：每一步的損失；beta：介於 0 和 1 之間。第一個平均就是第一個值；"
        "之後每個平均是「beta 乘前一個平均」加上「(1 - beta) 乘新的值」。回傳的數字個數和 values 一樣多。",
    ),
    right=average_curve,
    cases=st.builds(
        lambda values, beta: Case({"values": values, "beta": beta}),
        st.integers(2, 6).flatmap(lambda length: tables((length,), 1)),
        fractions(1, STEPS - 1),
    ),
    chosen=(
        Case({"values": np.array([1.0, 0.4, 0.7, 0.2]), "beta": 0.9}),
        Case({"values": np.array([0.5, 0.9, 0.3, 0.35, 0.1]), "beta": 0.6}),
    ),
    misconceptions=(
        Misconception(
            key="swapped-weights",
            mutant=_swapped_weights,
            says=Words(
                "The two weights are swapped: beta belongs to the old average.",
                "兩個權重對調了：beta 應該乘在舊的平均上。",
            ),
            why=Words(
                "With beta = 0.98 your curve would be nearly as rough as the values.",
                "beta = 0.98 時，你的曲線幾乎和原本一樣抖。",
            ),
            hint=Words("A large beta gives a smooth, slow curve.", "beta 愈大，曲線愈平滑，也愈慢。"),
        ),
        Misconception(
            key="from-zero",
            mutant=_from_zero,
            says=Words(
                "Your average begins at 0, not at the first value.",
                "你的平均是從 0 開始的，而不是第一個值。",
            ),
            why=Words(
                "The curve would begin low and rise: a loss that seems to grow at the start of training.",
                "曲線會從很低的地方往上升，看起來像訓練一開始損失變大了。",
            ),
            hint=Words("What is the average of a single value?", "只有一個值的時候，平均是多少？"),
        ),
        Misconception(
            key="bias-corrected",
            mutant=_corrected,
            says=Words(
                "You begin at 0 and correct for that, as Adam does. It is a good way, but the task begins at the first "
                "value.",
                "你從 0 開始再做修正，和 Adam 的做法一樣。這也是好方法，但這題是從第一個值開始。",
            ),
            why=Words(
                "The two differ in the first steps and come together later.",
                "兩種做法只有前面幾步不同，之後會愈來愈接近。",
            ),
            hint=Words("averages[0] = values[0], and no division.", "averages[0] = values[0]，不用再除。"),
        ),
        Misconception(
            key="two-values",
            mutant=_two_values,
            says=Words(
                "You mix each value with the VALUE before it. Mix it with the AVERAGE before it.",
                "你把每個值和前一個「值」混在一起。應該和前一個「平均」混在一起。",
            ),
            why=Words(
                "An average of two values forgets everything older and stays rough.",
                "只平均兩個值，更早的資訊就都不見了，曲線還是很抖。",
            ),
            hint=Words("Keep the last average in a variable.", "用一個變數記住上一個平均。"),
        ),
        Misconception(
            key="mean-so-far",
            mutant=_mean_so_far,
            says=Words(
                "That is the mean of all values so far, without beta.",
                "這是到目前為止所有值的平均，沒有用到 beta。",
            ),
            why=Words(
                "The high losses of the start stay in it for ever, so it falls too slowly.",
                "一開始很高的損失會一直留在裡面，曲線會降得太慢。",
            ),
            hint=Words("beta decides how fast the past is forgotten.", "beta 決定過去的值要忘得多快。"),
        ),
        Misconception(
            key="not-weighted",
            mutant=_unweighted_addition,
            says=Words("The new value needs the factor 1 - beta.", "新的值要乘上 1 - beta。"),
            why=Words(
                "Without it the curve climbs far above all values.",
                "少了它，曲線會爬到比所有值都高很多的地方。",
            ),
            hint=Words("The two weights add up to 1.", "兩個權重加起來是 1。"),
        ),
        Misconception(
            key="last-only",
            mutant=lambda values, beta: average_curve(values, beta)[-1],
            says=Words("You return the last average only.", "你只回傳了最後一個平均。"),
            why=Words("A curve needs a point for each step.", "要畫出曲線，每一步都要有一個點。"),
            hint=Words("Append each average to a list.", "把每個平均都加進串列。"),
        ),
    ),
    hints=Words(
        "A loop: keep the last average, mix it with the new value, append the result.",
        "用迴圈：記住上一個平均，和新的值混合，把結果加進串列。",
    ),
    picture=_draw_curve,
)


def precision_recall(scores, hits, num_objects, threshold):
    shown = scores > threshold
    found = hits[shown].sum()
    return np.array([found / shown.sum(), found / num_objects])


def _other(function: Callable[[Array, Array, float], Any]) -> Any:
    """Of the hits and the indicator of what is shown."""

    def mutant(scores: Array, hits: Array, num_objects: int, threshold: float) -> Any:
        return function(hits, (scores > threshold).astype(float), num_objects)

    return mutant


def _f1(hits: Array, shown: Array, num_objects: float) -> Any:
    return 2 * (hits * shown).sum() / (shown.sum() + num_objects)


def _scored(scores: Array, hits: Array, missed: int, threshold: float) -> Case:
    """``missed``: objects that no detection hits."""
    num_objects = int(hits.sum()) + missed
    return Case({"scores": scores, "hits": hits, "num_objects": num_objects, "threshold": threshold})


@st.composite
def _detections(draw: DrawFn) -> Case:
    """At least one detection is above the threshold, none is at it, and there is at least one object."""
    scores = draw(st.integers(1, 6).flatmap(lambda count: tables((count,), 1)))
    hits = draw(tables((len(scores),), 0, STEPS)) > 0.5
    at = draw(st.integers(0, round(scores.max() * STEPS) - 1))
    return _scored(scores, hits.astype(float), draw(st.integers(1, 3)), (at + 0.5) / STEPS)


def _draw_detections(case: Case) -> Figure:
    """Scores in order, hits and false alarms, and the threshold."""
    scores, hits, _, threshold = case.arguments.values()
    figure = Figure(figsize=(3.6, 2.4), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(scores))
    for kind, colour, marker, label in (
        (1.0, GREEN, "o", "hit"),
        (0.0, VERMILLION, "x", "false alarm"),
    ):
        axes.plot(places[hits == kind], scores[hits == kind], marker, color=colour, label=label)
    axes.axhline(threshold, color=FAINT_INK, linestyle="--", label="threshold")
    axes.set(xlabel="detection", ylabel="score", xticks=places, ylim=(0, 1.05))
    axes.legend(fontsize=8, frameon=False)
    return figure


precision = Exercise(
    key="precision_recall",
    lesson=9,
    task=Words(
        "Precision and recall at a score threshold, in this order. scores: of each detection; hits: 1.0 where it lies "
        "on an object of its class (each object is hit at most once), else 0.0; num_objects: all true objects; "
        "threshold: only detections with a larger score are shown, at least one is. Return two numbers.",
        "某個分數門檻下的精確率和召回率，依這個順序。scores：每個偵測結果的分數；hits：偵測結果命中同類別的物體時是 1.0"
        "（每個物體最多被命中一次），否則是 0.0；num_objects：真實物體的總數；threshold：只顯示分數比它大的偵測結果，"
        "至少有一個。回傳兩個數字。",
    ),
    right=precision_recall,
    cases=_detections(),
    chosen=(
        _scored(np.array([0.9, 0.8, 0.7, 0.4, 0.2]), np.array([1.0, 1.0, 0.0, 1.0, 0.0]), 2, 0.5),
        _scored(np.array([0.3, 0.95, 0.6, 0.1]), np.array([0.0, 1.0, 0.0, 1.0]), 1, 0.25),
    ),
    misconceptions=(
        Misconception(
            key="swapped",
            mutant=_other(
                lambda hits, shown, objects: np.array(
                    [(hits * shown).sum() / objects, (hits * shown).sum() / shown.sum()]
                )
            ),
            says=Words("Precision and recall are swapped.", "精確率和召回率對調了。"),
            why=Words(
                "A detector that shows every box has a high recall, not a high precision.",
                "把所有框都顯示出來的偵測器，召回率會很高，但精確率不會。",
            ),
            hint=Words(
                "Precision: of what is shown, how much is right? Recall: of what is there, how much is found?",
                "精確率：顯示出來的有多少是對的？召回率：存在的物體有多少被找到？",
            ),
        ),
        Misconception(
            key="no-threshold",
            mutant=_other(lambda hits, shown, objects: np.array([hits.mean(), hits.sum() / objects])),
            says=Words("You do not use the threshold.", "你沒有用到門檻。"),
            why=Words(
                "Down to a score of 0 a detector shows everything it can think of.",
                "門檻低到 0，偵測器會把所有想得到的框都顯示出來。",
            ),
            hint=Words("First keep what has a score above the threshold.", "先只留下分數高於門檻的。"),
        ),
        Misconception(
            key="below-threshold",
            mutant=_other(
                lambda hits, shown, objects: np.array(
                    [(hits * (1 - shown)).sum() / (1 - shown).sum(), (hits * (1 - shown)).sum() / objects]
                )
            ),
            says=Words("You keep the detections below the threshold.", "你留下的是門檻以下的偵測結果。"),
            why=Words("The sure ones are those above it.", "有把握的是門檻以上的。"),
            hint=Words("Keep where scores > threshold.", "留下 scores > threshold 的。"),
        ),
        Misconception(
            key="all-detections",
            mutant=_other(
                lambda hits, shown, objects: np.array(
                    [(hits * shown).sum() / len(hits), (hits * shown).sum() / objects]
                )
            ),
            says=Words(
                "For the precision you divide by all detections, also those that are not shown.",
                "算精確率時，你除以所有的偵測結果，連沒顯示的也算進去了。",
            ),
            why=Words(
                "What nobody sees is no false alarm.",
                "沒有顯示出來的，不算誤報。",
            ),
            hint=Words("Divide by the number of shown detections.", "除以顯示出來的數量。"),
        ),
        Misconception(
            key="recall-of-hits",
            mutant=_other(
                lambda hits, shown, objects: np.array(
                    [(hits * shown).sum() / shown.sum(), (hits * shown).sum() / max(hits.sum(), 1)]
                )
            ),
            says=Words(
                "For the recall you divide by the objects that some detection hits, not by all objects.",
                "算召回率時，你除以「有被命中的物體」，而不是所有的物體。",
            ),
            why=Words(
                "An object that the detector never sees must lower the recall.",
                "偵測器完全沒看到的物體，應該要讓召回率下降。",
            ),
            hint=Words("num_objects must come in.", "num_objects 也要用到。"),
        ),
        Misconception(
            key="f1",
            mutant=_other(_f1),
            says=Words(
                "That is F1, one number made of both. Asked are precision and recall.",
                "這是 F1，把兩者合成一個數字。題目要的是精確率和召回率。",
            ),
            why=Words(
                "F1 hides whether the detector misses objects or raises false alarms.",
                "只看 F1，分不出偵測器是漏掉物體，還是誤報太多。",
            ),
            hint=Words("Return two numbers: [precision, recall].", "回傳兩個數字：[精確率, 召回率]。"),
        ),
        Misconception(
            key="false-alarms",
            mutant=_other(
                lambda hits, shown, objects: np.array(
                    [1 - (hits * shown).sum() / shown.sum(), 1 - (hits * shown).sum() / objects]
                )
            ),
            says=Words(
                "Those are the shares of false alarms and of missed objects: 1 minus what is asked.",
                "這是誤報和漏掉的比例：題目要的是 1 減去它們。",
            ),
            why=Words(
                "Precision and recall are 1 for a perfect detector.", "完美的偵測器，精確率和召回率都是 1。"
            ),
            hint=Words("Count the hits, not the misses.", "要數命中的，不是沒命中的。"),
        ),
    ),
    hints=Words(
        "Of the shown detections count the hits. Divide once by the number shown, once by the number of objects.",
        "數一數顯示出來的偵測結果命中了幾個。一次除以顯示的數量，一次除以物體的數量。",
    ),
    picture=_draw_detections,
)


def worst(losses, k):
    return np.argsort(-losses)[:k]


def _draw_losses(case: Case) -> Figure:
    """The losses as bars, the right ones filled."""
    losses, k = case.arguments.values()
    figure = Figure(figsize=(3.6, 2.2), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar(np.arange(len(losses)), losses, facecolor="white", edgecolor=FAINT_INK)
    for place in worst(losses, k):
        bars[place].set_facecolor(VERMILLION)
    axes.set(xlabel="index", ylabel="loss", xticks=np.arange(len(losses)))
    return figure


def _losses(values: Any, k: int) -> Case:
    return Case({"losses": np.asarray(values, dtype=np.float64), "k": k})


@st.composite
def _different_losses(draw: DrawFn) -> Case:
    """No two are equal: which of two equals comes first is nobody's mistake."""
    values = draw(st.lists(fractions(), min_size=2, max_size=7, unique=True))
    return _losses(values, draw(st.integers(1, len(values) - 1)))


worst_objects = Exercise(
    key="worst",
    lesson=9,
    task=Words(
        "The indices of the k largest losses, the largest first. losses: n numbers, all different; k: less than n. "
        "Return k whole numbers.",
        "最大的 k 個損失的索引，最大的排第一個。losses：n 個數字，都不相同；k：比 n 小。回傳 k 個整數。",
    ),
    right=worst,
    cases=_different_losses(),
    chosen=(
        _losses([0.3, 0.9, 0.1, 0.7, 0.5], 3),
        _losses([0.85, 0.2, 0.6, 0.95, 0.05, 0.4], 2),
        _losses([0.6, 0.35, 0.8, 0.15, 0.9, 0.25], 4),
    ),
    misconceptions=(
        Misconception(
            key="smallest",
            mutant=lambda losses, k: np.argsort(losses)[:k],
            says=Words("Those are the SMALLEST losses.", "這是「最小」的 k 個損失。"),
            why=Words(
                "argsort sorts upwards. You would look at what the detector does best.",
                "argsort 是由小排到大。這樣看到的是偵測器做得最好的地方。",
            ),
            hint=Words("Sort the negative losses, or read from the end.", "對負的損失排序，或從後面開始取。"),
        ),
        Misconception(
            key="upwards",
            mutant=lambda losses, k: np.argsort(losses)[-k:],
            says=Words(
                "Those are the right ones in the wrong order: the largest comes last.",
                "選對了，但順序反了：最大的排在最後面。",
            ),
            why=Words(
                "A person who looks at the first only would miss the worst.",
                "只看第一個的人，就會錯過最糟的那一個。",
            ),
            hint=Words("Turn the order around: [::-1].", "把順序反過來：[::-1]。"),
        ),
        Misconception(
            key="values",
            mutant=lambda losses, k: np.sort(losses)[::-1][:k],
            says=Words("Those are the losses themselves, not their indices.", "這是損失的值，不是索引。"),
            why=Words(
                "The value does not say which picture to open.",
                "只有值，就不知道要打開哪一張圖片。",
            ),
            hint=Words("argsort, not sort.", "用 argsort，不是 sort。"),
        ),
        Misconception(
            key="by-place",
            mutant=lambda losses, k: np.sort(np.argsort(-losses)[:k]),
            says=Words(
                "Those are the right ones, but sorted by their place, not by their loss.",
                "選對了，但你是照位置排的，不是照損失的大小。",
            ),
            why=Words("The worst should be looked at first.", "最糟的應該最先看。"),
            hint=Words("Keep the order that argsort gives.", "保留 argsort 給的順序。"),
        ),
        Misconception(
            key="all",
            mutant=lambda losses, k: np.argsort(-losses),
            says=Words("You return all indices, not the first k.", "你回傳了所有的索引，不是前 k 個。"),
            why=Words(
                "Nobody looks at all the labels of a large data set.",
                "資料集很大時，沒有人會把標註全部看一遍。",
            ),
            hint=Words("Cut the list: [:k].", "只取前面：[:k]。"),
        ),
        Misconception(
            key="ranks",
            mutant=lambda losses, k: np.argsort(np.argsort(-losses))[:k],
            says=Words(
                "Those are the ranks of the first k losses, not the indices of the k largest.",
                "這是前 k 個損失的名次，不是最大的 k 個的索引。",
            ),
            why=Words(
                "A rank says how bad picture 0 is; asked is which picture is the worst.",
                "名次說的是第 0 張有多糟；題目問的是哪一張最糟。",
            ),
            hint=Words("One argsort is enough.", "argsort 用一次就夠了。"),
        ),
        Misconception(
            key="from-one",
            mutant=lambda losses, k: np.argsort(-losses)[:k] + 1,
            says=Words("You count from 1. Indices begin at 0.", "你從 1 開始數。索引是從 0 開始。"),
            why=Words("You would open the picture after the worst one.", "這樣會打開最糟那張的下一張圖片。"),
            hint=Words("losses[index] must be the loss.", "losses[index] 應該就是那個損失。"),
        ),
    ),
    hints=Words(
        "np.argsort gives indices, the smallest value first. You need the other end.",
        "np.argsort 會給出索引，最小的排前面。你要的是另一頭。",
    ),
    picture=_draw_losses,
)

curves = Question(
    key="curves_question",
    lesson=9,
    question=Words(
        "Look at the curves. Which term falls last, and which one rises at first? Why?",
        "看看這些曲線。哪一項最慢才降下來？哪一項一開始反而上升？為什麼？",
    ),
    hints=Words(
        "What must a network see to place a box, and what to tell a 3 from an 8? How sure is a new network?",
        "要放好一個框，網路得看出什麼？要分辨 3 和 8，又得看出什麼？剛初始化的網路有多少信心？",
    ),
    answer=Words(
        "cls falls last, and it is the largest at the end. A digit stands out from its background: where it is and how "
        "large can be seen from its edges, within the first two hundred steps. To tell ten digits apart takes their "
        "shapes, and only cells with an object teach them. noobj rises at first: a new network is sure of nothing, so "
        "empty boxes cost nothing yet. As confidences rise, boxes in doubt cost something. The target of obj is the "
        "IoU, which rises with the boxes, so obj falls late, too.",
        "cls 最慢降下來，最後也是最大的一項。數字和背景的差別很明顯：在哪裡、有多大，看邊緣就知道，"
        "前兩百步就學得差不多了。要分辨十個數字得看形狀，而且只有有物體的格子能教它。noobj 一開始會上升："
        "剛初始化的網路對什麼都沒有信心，空框還不用付出代價；等信心度上升，沒把握的框就要付出代價了。"
        "obj 的目標值是 IoU，框愈準目標愈高，所以 obj 也降得慢。",
    ),
)

EXERCISES = (curve, precision, worst_objects, curves)
