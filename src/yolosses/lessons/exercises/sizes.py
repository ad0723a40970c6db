"""Lesson 4, width and height: the second term, and what its roots do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from yolosses.lessons.cases import Case, fractions, scene_of, scenes
from yolosses.lessons.exercise import Exercise, Misconception, Question, together
from yolosses.lessons.scene import Array, Scene
from yolosses.lessons.words import Words


def wh_term(pred, truth, obj, lambda_coord):
    roots = np.sqrt(pred) - np.sqrt(truth)[:, None]  # (cells, boxes, 2): sqrt w, sqrt h
    return lambda_coord * (obj[..., None] * roots**2).sum()


def _case(scene: Scene, lambda_coord: float = 5.0) -> Case:
    arguments = {"pred": scene.boxes[..., 2:], "truth": scene.of_cells("w", "h"), "obj": scene.obj,
                 "lambda_coord": lambda_coord}  # fmt: skip
    return Case(arguments, scene)


def _sides(pred: Array, truth: Array) -> tuple[Array, Array]:
    """Of all boxes the predicted and the true sides, both (cells, boxes, 2)."""
    return pred, np.broadcast_to(truth[:, None], pred.shape)


def _other(cost: Any) -> Any:
    """The term with another ``cost(pred, truth)`` of a side."""

    def mutant(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
        return lambda_coord * (obj[..., None] * cost(*_sides(pred, truth))).sum()

    return mutant


def _rooted_sum(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    pred, truth = _sides(pred, truth)
    return lambda_coord * np.sqrt((obj[..., None] * (pred - truth) ** 2).sum())


def _rmse(pred: Array, truth: Array, obj: Array, lambda_coord: float, count: float | None = None) -> Any:
    pred, truth = _sides(pred, truth)
    squares = (obj[..., None] * (pred - truth) ** 2).sum()
    return lambda_coord * np.sqrt(squares / (count or max(2 * obj.sum(), 1)))


def _rmse_of_all(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return _rmse(pred, truth, obj, lambda_coord, pred.size)


def _rooted_sum_of_roots(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return lambda_coord * np.sqrt(wh_term(pred, truth, obj, 1.0))


Change = Callable[[Array, Array, Array, float], tuple[Array, Array, Array, float]]


def _with(change: Change, term: Any = wh_term) -> Any:
    """The term of other arguments."""
    return lambda *arguments: term(*change(*arguments))


def _mean(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, obj, lambda_coord / max(obj.sum(), 1)


def _mean_of_numbers(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, obj, lambda_coord / max(2 * obj.sum(), 1)


def _mean_of_all(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, obj, lambda_coord / pred.size


def _no_lambda(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, obj, 1.0


def _lambda_typed_in(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, obj, 5.0


def _lambda_squared(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, obj, lambda_coord**2


def _whole_cell(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, np.broadcast_to(obj.max(1, keepdims=True), obj.shape), lambda_coord


def _everyone(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, np.ones_like(obj), lambda_coord


def _others(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred, truth, 1 - obj, lambda_coord


def _width_alone(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return pred[..., :1], truth[..., :1], obj, lambda_coord


# What stands beside another misunderstanding in a pair.
_CHANGES: dict[str, Change] = {
    "no-lambda": _no_lambda,
    "lambda-typed-in": _lambda_typed_in,
    "mean": _mean,
    "mean-of-numbers": _mean_of_numbers,
    "mean-of-all": _mean_of_all,
    "whole-cell": _whole_cell,
    "no-mask": _everyone,
    "width-alone": _width_alone,
}
_COSTS = (
    "no-root",
    "root-of-difference",
    "squared-first",
    "truth-not-rooted",
    "pred-not-rooted",
    "no-square",
)

_WH = (
    Misconception(
        key="no-root",
        mutant=_other(lambda pred, truth: (pred - truth) ** 2),
        says=Words(
            "You compare w and h themselves, as the centre does. Term 2 compares their roots.",
            "你直接比較 w 和 h，就像中心點那樣。第 2 項比較的是它們的平方根。",
        ),
        why=Words(
            "Without roots, five pixels cost a small box as much as a large one.",
            "不開根號的話，同樣差 5 個像素，小框和大框付出的代價一樣。",
        ),
        hint=Words("Take the root of each side first, then the difference.", "先對每個邊長開根號，再相減。"),
    ),
    Misconception(
        key="root-of-difference",
        mutant=_other(lambda pred, truth: np.abs(pred - truth)),
        says=Words(
            "You take the root of the difference: squared again, that is |w - w^|. "
            "The root belongs to w and to w^ each.",
            "你是對「差」開根號：再平方就只剩 |w - ŵ|。根號應該分別放在 w 和 ŵ 上。",
        ),
        why=Words(
            "|w - w^| again does not see how large the box is.",
            "|w - ŵ| 一樣看不出框有多大。",
        ),
        hint=Words("sqrt(a) - sqrt(b) is not sqrt(a - b).", "√a - √b 不等於 √(a - b)。"),
    ),
    Misconception(
        key="rmse",
        mutant=_rooted_sum,
        says=Words(
            "You take the root of the whole sum, a root mean squared error without the mean. "
            "The roots stand inside, at w and h.",
            "你對整個總和開根號，那像是均方根誤差（RMSE）。根號在裡面，是 w 和 h 的根號。",
        ),
        why=Words(
            "A root outside changes no box against another; the one inside makes small boxes count more.",
            "外面的根號不會改變框與框之間的輕重；裡面的根號才會讓小框更重要。",
        ),
        hint=Words("Which symbols stand below the root sign in the formula?", "公式裡，根號底下是哪些符號？"),
    ),
    Misconception(
        key="rmse-with-mean",
        mutant=_rmse,
        says=Words(
            "You take the root mean squared error (RMSE) of w and h. "
            "Term 2 is a sum, and its roots stand inside, at w and h.",
            "你算的是 w、h 的均方根誤差（RMSE）。第 2 項是總和，根號在裡面，放在 w 和 h 上。",
        ),
        why=Words(
            "A root outside changes no box against another; the one inside makes small boxes count more.",
            "外面的根號不會改變框與框之間的輕重；裡面的根號才會讓小框更重要。",
        ),
        hint=Words("Which symbols stand below the root sign in the formula?", "公式裡，根號底下是哪些符號？"),
    ),
    Misconception(
        key="rmse-of-all",
        mutant=_rmse_of_all,
        says=Words(
            "You take the root mean squared error (RMSE) over all boxes of all cells. "
            "Term 2 is a sum, and its roots stand inside, at w and h.",
            "你對所有格子的所有框算了均方根誤差（RMSE）。第 2 項是總和，根號在裡面，放在 w 和 h 上。",
        ),
        why=Words(
            "A root outside changes no box against another; the one inside makes small boxes count more.",
            "外面的根號不會改變框與框之間的輕重；裡面的根號才會讓小框更重要。",
        ),
        hint=Words("Which symbols stand below the root sign in the formula?", "公式裡，根號底下是哪些符號？"),
    ),
    Misconception(
        key="rmse-of-roots",
        mutant=_rooted_sum_of_roots,
        says=Words(
            "The roots of the sides are right, but you take one more root of the sum. "
            "Term 2 is a sum of squared errors.",
            "邊長的根號對了，但你又對總和開了一次根號。第 2 項是誤差平方和。",
        ),
        why=Words(
            "The gradient of that root grows without end when the error goes to 0.",
            "誤差趨近 0 時，這個根號的梯度會變成無限大。",
        ),
        hint=Words("Leave out the last root.", "拿掉最後那個根號。"),
    ),
    Misconception(
        key="squared-first",
        mutant=_other(lambda pred, truth: (pred**2 - truth**2) ** 2),
        says=Words(
            "You square w and h before the difference. Term 2 takes their roots there, the opposite.",
            "你在相減之前先把 w 和 h 平方了。第 2 項在那裡是開根號，剛好相反。",
        ),
        why=Words("Squares make large boxes count even more.", "平方會讓大框變得更重要。"),
        hint=Words("Root, difference, square: in this order.", "順序是：開根號、相減、平方。"),
    ),
    Misconception(
        key="squared-twice",
        mutant=_other(lambda pred, truth: (pred - truth) ** 4),
        says=Words(
            "You square the error and then square it again. Term 2 takes roots of w and h, and squares once.",
            "你把誤差平方之後，又平方了一次。第 2 項是先對 w 和 h 開根號，最後只平方一次。",
        ),
        why=Words(
            "Squared twice, small errors vanish: nothing would teach a box its last pixels.",
            "平方兩次，小誤差幾乎消失，框就學不到最後那幾個像素。",
        ),
        hint=Words("Root, difference, square: in this order.", "順序是：開根號、相減、平方。"),
    ),
    Misconception(
        key="truth-not-rooted",
        mutant=_other(lambda pred, truth: (np.sqrt(pred) - truth) ** 2),
        says=Words(
            "You compare the root of the prediction with the true side itself. Both need a root.",
            "你拿預測值的平方根和真實的邊長比較。兩邊都要開根號。",
        ),
        why=Words(
            "The loss would be 0 where the predicted side is the square of the true one.",
            "這樣預測的邊長等於真實邊長的「平方」時，損失才會是 0。",
        ),
        hint=Words("sqrt of truth, too.", "truth 也要開根號。"),
    ),
    Misconception(
        key="pred-not-rooted",
        mutant=_other(lambda pred, truth: (pred - np.sqrt(truth)) ** 2),
        says=Words(
            "You compare the predicted side itself with the root of the truth. Here pred holds w and h: "
            "both need a root.",
            "你拿預測的邊長和真實值的平方根比較。這裡的 pred 是 w 和 h，兩邊都要開根號。",
        ),
        why=Words(
            "The loss would be 0 where the predicted side is the root of the true one.",
            "這樣預測的邊長等於真實邊長的「平方根」時，損失才會是 0。",
        ),
        hint=Words("sqrt of pred, too.", "pred 也要開根號。"),
    ),
    Misconception(
        key="no-square",
        mutant=_other(lambda pred, truth: np.abs(np.sqrt(pred) - np.sqrt(truth))),
        says=Words(
            "You add up absolute differences of the roots. All terms of YOLOv1 are squared errors.",
            "你加總的是根號差的絕對值。YOLOv1 的每一項都是誤差平方。",
        ),
        why=Words(
            "An absolute error pulls as hard near the truth as far from it.",
            "絕對誤差不管離真實框多近，拉力都一樣大。",
        ),
        hint=Words("SSE: the S in the middle stands for squared.", "SSE 中間的 S 是 squared（平方）。"),
    ),
    Misconception(
        key="relative",
        mutant=_other(lambda pred, truth: ((pred - truth) / np.where(truth > 0, truth, 1)) ** 2),
        says=Words(
            "You divide the error by the true side. The roots go only half of that way.",
            "你把誤差除以真實的邊長。開根號只走了一半的路。",
        ),
        why=Words(
            "A relative error would treat all sizes alike; with roots, at equal ratio the larger box still costs more.",
            "相對誤差會讓所有大小一視同仁；開根號時，同樣的比例誤差，大框的代價仍然比較高。",
        ),
        hint=Words("Compare sqrt w with sqrt w^, without a division.", "比較 √w 和 √ŵ，不用除法。"),
    ),
    Misconception(
        key="half",
        mutant=_other(lambda pred, truth: (np.sqrt(pred) - np.sqrt(truth)) ** 2 / 2),
        says=Words(
            "You halve the squares. The formula of the paper has no 1/2.",
            "你把平方除以 2 了。論文的公式沒有 1/2。",
        ),
        why=Words(
            "Half a term is a lambda of 2.5: the balance with the other terms changes.",
            "這一項減半等於 λ 變成 2.5，和其他項的平衡就變了。",
        ),
        hint=Words("Nothing stands before the square.", "平方前面沒有其他係數。"),
    ),
    Misconception(
        key="mean",
        mutant=_with(_mean),
        says=Words(
            "You divide by the number of responsible boxes. Term 2 is a sum.",
            "你除以負責的框數。第 2 項是總和，不是平均。",
        ),
        why=Words(
            "A mean over objects makes each object of a crowded picture count less.",
            "對物體取平均，會讓擁擠的圖片裡每個物體變得不重要。",
        ),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
    Misconception(
        key="mean-of-numbers",
        mutant=_with(_mean_of_numbers),
        says=Words(
            "You take the mean over the widths and heights of responsible boxes. Term 2 is a sum.",
            "你對負責的框的寬和高取了平均。第 2 項是總和，不是平均。",
        ),
        why=Words(
            "A mean over objects makes each object of a crowded picture count less.",
            "對物體取平均，會讓擁擠的圖片裡每個物體變得不重要。",
        ),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
    Misconception(
        key="mean-of-all",
        mutant=_with(_mean_of_all),
        says=Words(
            "You take the mean over all boxes of all cells. Term 2 is a sum, over the responsible boxes.",
            "你對所有格子的所有框取平均。第 2 項是負責的框的總和。",
        ),
        why=Words(
            "With 98 boxes of which one is responsible, the error would shrink to a hundredth.",
            "98 個框裡只有一個負責，誤差會縮到約百分之一。",
        ),
        hint=Words("MSELoss(reduction=\"sum\"), not its default.", "要用 MSELoss(reduction=\"sum\")，不是預設值。"),
    ),
    Misconception(
        key="no-lambda",
        mutant=_with(_no_lambda),
        says=Words("lambda_coord is forgotten.", "忘了乘上 lambda_coord。"),
        why=Words(
            "It says that localisation counts five times as much as the confidence of an object.",
            "它表示定位的重要性是物體信心度的五倍。",
        ),
        hint=Words("Which factor stands before the second line of the formula?", "公式第二行前面有什麼係數？"),
    ),
    Misconception(
        key="lambda-typed-in",
        mutant=_with(_lambda_typed_in),
        says=Words("You typed in 5. Use the argument lambda_coord.", "你直接寫了 5。請用參數 lambda_coord。"),
        why=Words(
            "It is a hyper-parameter: whoever trains chooses it.",
            "它是超參數，由訓練的人決定。",
        ),
        hint=Words("The last argument is another number each time.", "最後一個參數每次都不同。"),
    ),
    Misconception(
        key="lambda-squared",
        mutant=_with(_lambda_squared),
        says=Words(
            "lambda_coord comes in squared: it belongs before the square, not inside it.",
            "lambda_coord 被平方了：它應該在平方外面，不是裡面。",
        ),
        why=Words(
            "The program of the paper's author prints its cost so, but trains on 5, not on 25.",
            "論文作者的程式印出的 cost 是這樣，但訓練時用的是 5，不是 25。",
        ),
        hint=Words("Multiply the sum, not the difference.", "要乘在總和上，不是乘在差上。"),
    ),
    Misconception(
        key="whole-cell",
        mutant=_with(_whole_cell),
        says=Words(
            "You count all boxes of an object's cell. 1obj_ij chooses only the responsible one.",
            "你把有物體的格子裡所有的框都算進去了。1obj_ij 只選負責的那一個。",
        ),
        why=Words(
            "When all boxes of a cell learn the same object, they become copies of each other.",
            "如果同一格的框都學同一個物體，它們會變得一模一樣。",
        ),
        hint=Words(
            "obj has a number for each box j, not only for each cell i.",
            "obj 對每個框 j 都有一個數，不是每格 i 一個。",
        ),
    ),
    Misconception(
        key="no-mask",
        mutant=_with(_everyone),
        says=Words(
            "You count every box, without 1obj_ij. Only responsible boxes have a size to learn.",
            "你沒有用 1obj_ij，每個框都算了。只有負責的框才有大小要學。",
        ),
        why=Words(
            "Boxes of empty cells would learn to have no size.",
            "空格子的框會學到「大小是 0」。",
        ),
        hint=Words("Multiply each box's error by obj.", "每個框的誤差都要乘上 obj。"),
    ),
    Misconception(
        key="inverted-mask",
        mutant=_with(_others),
        says=Words(
            "You count the boxes that are NOT responsible.",
            "你算的是「不負責」的框。",
        ),
        why=Words(
            "The box that should learn the object's size learns nothing.",
            "真正該學物體大小的框反而什麼都沒學到。",
        ),
        hint=Words("obj is 1 where the box is responsible.", "框負責時 obj 是 1。"),
    ),
    Misconception(
        key="width-alone",
        mutant=_with(_width_alone),
        says=Words("The height is missing.", "少了高度。"),
        why=Words("Nothing would teach the boxes how tall objects are.", "框永遠學不到物體有多高。"),
        hint=Words("The last dimension holds w and h.", "最後一個維度是 w 和 h。"),
    ),
)  # fmt: skip

_BY_KEY = {each.key: each for each in _WH}

wh = Exercise(
    key="wh_term",
    lesson=4,
    task=Words(
        "Term 2, one number. pred: (cells, boxes, 2), predicted w and h; truth: (cells, 2), w and h of each cell's "
        "object, 0 where there is none; obj: (cells, boxes), 1obj_ij as 0.0 or 1.0; lambda_coord: a number.",
        "第 2 項，回傳一個數字。pred：(格子, 框, 2)，預測的 w 與 h；truth：(格子, 2)，每格物體的 w 與 h，"
        "沒有物體時是 0；obj：(格子, 框)，也就是 1obj_ij，值是 0.0 或 1.0；lambda_coord：一個數字。",
    ),
    right=wh_term,
    cases=st.builds(_case, scenes(), fractions(1).map(lambda part: 10 * part)),
    chosen=(
        _case(scene_of(0, grid=1, boxes=2, classes=1, objects=1), 3.0),
        _case(scene_of(1, grid=2, boxes=2, classes=2, objects=2)),
        _case(scene_of(2, grid=3, boxes=3, classes=2, objects=3), 2.0),
        _case(scene_of(3, grid=2, boxes=2, classes=2, objects=0)),
        _case(scene_of(4, grid=5, boxes=4, classes=2, objects=4)),
    ),
    misconceptions=_WH,
    pairs=tuple(
        together(_BY_KEY[cost], _BY_KEY[key], _with(change, _BY_KEY[cost].mutant))
        for cost in _COSTS
        for key, change in _CHANGES.items()
    ),
    hints=Words(
        "For one responsible box: (sqrt w - sqrt w^)^2 + (sqrt h - sqrt h^)^2. Then the sum over all of them, then "
        "lambda_coord.",
        "先看一個負責的框：(√w - √ŵ)² + (√h - √ĥ)²。再把所有負責的框加起來，最後乘上 lambda_coord。",
    ),
)


def side_cost(true, error):
    return (np.sqrt(true + error) - np.sqrt(true)) ** 2


side = Exercise(
    key="side_cost",
    lesson=4,
    task=Words(
        "What term 2 (without lambda) costs for one side that is predicted as true + error. Two numbers come, one "
        "number is returned.",
        "某一邊的真實長度是 true，卻預測成 true + error：第 2 項（不乘 lambda）的代價是多少？"
        "輸入兩個數字，回傳一個數字。",
    ),
    right=side_cost,
    cases=st.builds(lambda true, error: Case({"true": true, "error": error}), fractions(1), fractions(0)),
    chosen=(
        Case({"true": 0.1, "error": 0.05}),
        Case({"true": 0.25, "error": 0.75}),
        Case({"true": 1.0, "error": 0.44}),
    ),
    misconceptions=(
        Misconception(
            key="no-root",
            mutant=lambda true, error: error**2,
            says=Words("That is the cost without roots.", "這是沒有開根號的代價。"),
            why=Words(
                "It does not depend on true at all: then all sizes would cost the same.",
                "它完全和 true 無關：那樣所有大小的代價都一樣。",
            ),
            hint=Words(
                "The prediction is true + error. Take its root.", "預測值是 true + error，對它開根號。"
            ),
        ),
        Misconception(
            key="root-of-difference",
            mutant=lambda true, error: error,
            says=Words("That is the root of the error, squared again.", "這是先對誤差開根號再平方。"),
            why=Words("It does not depend on true at all.", "它完全和 true 無關。"),
            hint=Words("sqrt(a) - sqrt(b) is not sqrt(a - b).", "√a - √b 不等於 √(a - b)。"),
        ),
        Misconception(
            key="relative",
            mutant=lambda true, error: (error / true) ** 2,
            says=Words("That is the relative error, squared.", "這是相對誤差的平方。"),
            why=Words(
                "Roots only partly help: at equal ratios the larger side still costs more.",
                "開根號只幫了一部分：同樣的比例，較長的邊代價仍然比較高。",
            ),
            hint=Words("Two roots, one difference, one square.", "兩個根號、一個減法、一個平方。"),
        ),
        Misconception(
            key="error-as-prediction",
            mutant=lambda true, error: (np.sqrt(error) - np.sqrt(true)) ** 2,
            says=Words(
                "You take error for the prediction. The prediction is true + error.",
                "你把 error 當成預測值了。預測值是 true + error。",
            ),
            why=Words(
                "With an error of 0 the cost must be 0.",
                "error 是 0 的時候，代價應該是 0。",
            ),
            hint=Words("Take the root of true + error.", "對 true + error 開根號。"),
        ),
        Misconception(
            key="squared-first",
            mutant=lambda true, error: ((true + error) ** 2 - true**2) ** 2,
            says=Words(
                "You square both sides before the difference. Term 2 takes their roots there, the opposite.",
                "你在相減之前先平方了。第 2 項在那裡是開根號，剛好相反。",
            ),
            why=Words("Squares make long sides count even more.", "平方會讓長的邊變得更重要。"),
            hint=Words("Root, difference, square: in this order.", "順序是：開根號、相減、平方。"),
        ),
        Misconception(
            key="no-square",
            mutant=lambda true, error: np.sqrt(true + error) - np.sqrt(true),
            says=Words("The square is missing.", "少了平方。"),
            why=Words("All terms are squared errors.", "每一項都是誤差平方。"),
            hint=Words("Square the difference of the roots.", "把根號的差平方。"),
        ),
    ),
    hints=Words("(sqrt(prediction) - sqrt(truth))^2", "(√預測 - √真實)²"),
)


def emitted_cost(emitted, true):
    return (emitted - np.sqrt(true)) ** 2


emitted = Exercise(
    key="emitted_cost",
    lesson=4,
    task=Words(
        "The cost of one side when the network emits its root: emitted (it may be negative) and the true side come, "
        "one number is returned.",
        "網路直接輸出邊長的平方根時，這一邊的代價。輸入 emitted（可能是負數）和真實的邊長 true，回傳一個數字。",
    ),
    right=emitted_cost,
    cases=st.builds(
        lambda emitted, true: Case({"emitted": emitted, "true": true}),
        fractions(0).map(lambda step: 2 * step - 1),
        fractions(1),
    ),
    chosen=(
        Case({"emitted": 0.5, "true": 0.36}),
        Case({"emitted": -0.4, "true": 0.25}),
        Case({"emitted": 0.9, "true": 0.09}),
    ),
    misconceptions=(
        Misconception(
            key="root-again",
            mutant=lambda emitted, true: (np.sqrt(emitted) - np.sqrt(true)) ** 2,
            says=Words(
                "You take the root of what is a root already.",
                "網路輸出的已經是平方根，你又開了一次根號。",
            ),
            why=Words("And a negative output gives NaN again.", "而且輸出是負數時，又會得到 NaN。"),
            hint=Words("emitted stands for sqrt w itself.", "emitted 本身就是 √w。"),
        ),
        Misconception(
            key="squared-back",
            mutant=lambda emitted, true: (emitted**2 - true) ** 2,
            says=Words(
                "You square the output and compare widths. Then the roots have no effect any more.",
                "你把輸出平方後再比較寬度，這樣開根號就失去作用了。",
            ),
            why=Words(
                "The gradient becomes 0 where the output is 0: such a box never grows.",
                "輸出是 0 的地方梯度也是 0，那個框永遠長不大。",
            ),
            hint=Words(
                "Compare two roots: one comes from the network.", "比較兩個平方根，其中一個由網路輸出。"
            ),
        ),
        Misconception(
            key="root-of-absolute",
            mutant=lambda emitted, true: (np.sqrt(np.abs(emitted)) - np.sqrt(true)) ** 2,
            says=Words(
                "You take the root of the absolute value: the network's output is a root already.",
                "你對絕對值開根號，但網路輸出的已經是平方根。",
            ),
            why=Words(
                "It hides the NaN, but -0.3 then looks as good as 0.3, and the gradient at 0 is infinite.",
                "NaN 是不見了，但 -0.3 看起來和 0.3 一樣好，而且 0 附近的梯度會是無限大。",
            ),
            hint=Words("No root of emitted at all.", "emitted 完全不用開根號。"),
        ),
        Misconception(
            key="absolute",
            mutant=lambda emitted, true: (np.abs(emitted) - np.sqrt(true)) ** 2,
            says=Words(
                "You drop the sign of the output: the root of its square is |emitted|. Compare emitted itself.",
                "你去掉了輸出的正負號：平方再開根號，得到的是 |emitted|。請直接用 emitted 比較。",
            ),
            why=Words(
                "A negative output would then be pulled away from 0, to -sqrt w, instead of back to sqrt w.",
                "這樣負的輸出會被拉向 -√w，離 0 更遠，而不是回到 √w。",
            ),
            hint=Words(
                "No absolute value, no square of emitted alone.", "emitted 不取絕對值，也不單獨平方。"
            ),
        ),
        Misconception(
            key="clamped",
            mutant=lambda emitted, true: (np.maximum(emitted, 0) - np.sqrt(true)) ** 2,
            says=Words(
                "You replace a negative output by 0. The paper's loss compares the output as it is.",
                "你把負的輸出換成 0 了。論文的損失直接比較輸出，不管正負。",
            ),
            why=Words(
                "Below 0 the gradient would be 0: such an output never comes back.",
                "輸出小於 0 時梯度就變成 0，再也拉不回來。",
            ),
            hint=Words("Without a root no number is forbidden.", "不開根號，負數就沒有問題。"),
        ),
        Misconception(
            key="no-square",
            mutant=lambda emitted, true: emitted - np.sqrt(true),
            says=Words("The square is missing.", "少了平方。"),
            why=Words("All terms are squared errors.", "每一項都是誤差平方。"),
            hint=Words("Square the difference.", "把差平方。"),
        ),
        Misconception(
            key="true-not-rooted",
            mutant=lambda emitted, true: (emitted - true) ** 2,
            says=Words(
                "You compare a root with a width. The truth needs its root, too.",
                "你拿平方根和寬度相比。真實值也要開根號。",
            ),
            why=Words(
                "The network would learn w, and everyone who squares its output would get w squared.",
                "網路會學到 w，之後再平方就變成 w²。",
            ),
            hint=Words("sqrt of true.", "對 true 開根號。"),
        ),
    ),
    hints=Words("The output stands in the place of sqrt w.", "把輸出放在公式中 √w 的位置。"),
)

roots = Question(
    key="roots_question",
    lesson=4,
    question=Words(
        "How does the loss of width and height differ from that of the centre, and why is it designed so?",
        "寬高的損失和中心點的損失有什麼不同？為什麼這樣設計？",
    ),
    hints=Words(
        "Take a 10 pixel box and a 100 pixel box that are both 5 pixels too wide. Which one looks worse?",
        "一個寬 10 像素的框和一個寬 100 像素的框，都多了 5 個像素。哪一個看起來比較糟？",
    ),
    answer=Words(
        "Both are sums of squared errors over responsible boxes, with the weight lambda_coord. The centre compares "
        "x and y as they are. The size compares the ROOTS of w and h. The same 5 pixels hurt a small box more than a "
        "large one, and a squared error of w alone does not see that. The root is steep where w is small: 5 pixels "
        "too many cost a 10 pixel box about 8 times what they cost a 100 pixel box. It only partly helps: at an "
        "equal RATIO (both 50 % too wide) the large box still costs 10 times more. The centre needs no root: where a "
        "box is does not say how large it is.",
        "兩者都是「負責的框」的誤差平方和，權重都是 lambda_coord。中心點直接比較 x 和 y；寬高比較的是 w 和 h "
        "的「平方根」。同樣差 5 個像素，對小框的影響比大框嚴重，但只用 w 的平方誤差看不出來。"
        "根號在 w 小的地方比較陡，所以同樣的差，"
        "10 像素的框要付出的代價大約是 100 像素的框的 8 倍。不過它只解決了一部分：如果「比例」相同（都寬了 50 %），"
        "大框的代價仍然是 10 倍。中心點不需要根號：框在哪裡，和框有多大沒有關係。",
    ),
)

EXERCISES = (side, wh, emitted, roots)
