"""Lesson 3: what is misunderstood about the first term and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from yolosses.lessons.exercise import Misconception
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words

Term = Callable[[Array, Array, Array, float], Any]


def _other(cost: Callable[[Array, Array], Any]) -> Term:
    """The term with another ``cost(pred, truth)`` of a coordinate."""

    def mutant(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
        return lambda_coord * (obj[..., None] * cost(pred, np.broadcast_to(truth[:, None], pred.shape))).sum()

    return mutant


def _distances(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return lambda_coord * (obj * np.sqrt(((pred - truth[:, None]) ** 2).sum(-1))).sum()


def _sum_of_both_first(pred: Array, truth: Array, obj: Array, lambda_coord: float) -> Any:
    return lambda_coord * (obj * (pred - truth[:, None]).sum(-1) ** 2).sum()


_RMSE = Words(
    "You take the root mean squared error (RMSE). The centre has no RMSE: it is a sum of squared errors, "
    "like the size.",
    "你算的是均方根誤差（RMSE）。中心點不是用 RMSE，它和寬高一樣是誤差平方和。",
)
_RMSE_WHY = Words(
    "The gradient of that root does not fade near the truth, and is undefined at the truth.",
    "這個根號的梯度在接近真實值時不會變小，剛好相等時更沒有定義。",
)


def of_term(xy_term: Term) -> tuple[Misconception, ...]:
    """Of term 1, some of them as changes of the right ``xy_term``."""
    return (
        Misconception(
            key="root",
            mutant=_other(lambda pred, truth: (np.sqrt(pred) - np.sqrt(truth)) ** 2),
            says=Words(
                "You compare the roots of x and y. Roots belong to width and height, term 2.",
                "你比較的是 x、y 的平方根。開根號的是寬和高，也就是第 2 項。",
            ),
            why=Words(
                "The same shift would cost more near the left edge of a cell than near its right edge.",
                "同樣的偏移，靠近格子左邊的代價會比靠近右邊的高。",
            ),
            hint=Words("x and y as they are.", "直接用 x 和 y。"),
        ),
        Misconception(
            key="rmse",
            mutant=lambda pred, truth, obj, weight: weight * np.sqrt(xy_term(pred, truth, obj, 1.0)),
            says=Words(
                "You take the root of the whole sum. The centre has no RMSE: it is a sum of squared errors, "
                "like the size.",
                "你對整個總和開根號。中心點不是用 RMSE，它和寬高一樣是誤差平方和。",
            ),
            why=Words(
                "The gradient of that root does not fade near the truth, and is undefined at the truth.",
                "這個根號的梯度在接近真實值時不會變小，剛好相等時更沒有定義。",
            ),
            hint=Words("Is there any root sign in the first line of the formula?", "公式的第一行有根號嗎？"),
        ),
        Misconception(
            key="rmse-with-mean",
            mutant=lambda pred, truth, obj, weight: (
                weight * np.sqrt(xy_term(pred, truth, obj, 1.0) / max(2 * obj.sum(), 1))
            ),
            says=_RMSE,
            why=_RMSE_WHY,
            hint=Words("Is there any root sign in the first line of the formula?", "公式的第一行有根號嗎？"),
        ),
        Misconception(
            key="rmse-of-all",
            mutant=lambda pred, truth, obj, weight: (
                weight * np.sqrt(xy_term(pred, truth, obj, 1.0) / pred.size)
            ),
            says=_RMSE,
            why=_RMSE_WHY,
            hint=Words("Is there any root sign in the first line of the formula?", "公式的第一行有根號嗎？"),
        ),
        Misconception(
            key="distance",
            mutant=_distances,
            says=Words(
                "You add up the distances between the centres. Term 1 adds up their squares: no root.",
                "你加的是中心點之間的距離。第 1 項加的是距離的平方，不開根號。",
            ),
            why=Words(
                "A distance pulls as hard near the truth as far from it, and so the box never comes to rest.",
                "距離不管離真實值多近，拉力都一樣大，框就會一直晃，停不下來。",
            ),
            hint=Words("Leave out the root of dx^2 + dy^2.", "dx² + dy² 不用開根號。"),
        ),
        Misconception(
            key="no-square",
            mutant=_other(lambda pred, truth: np.abs(pred - truth)),
            says=Words(
                "You add up absolute differences. All terms of YOLOv1 are squared errors.",
                "你加的是差的絕對值。YOLOv1 的每一項都是誤差平方。",
            ),
            why=Words(
                "An absolute error pulls as hard near the truth as far from it.",
                "絕對誤差不管離真實值多近，拉力都一樣大。",
            ),
            hint=Words("SSE: the S in the middle stands for squared.", "SSE 中間的 S 是 squared（平方）。"),
        ),
        Misconception(
            key="signed",
            mutant=_other(lambda pred, truth: pred - truth),
            says=Words(
                "The square is missing: errors to the left and to the right cancel.",
                "少了平方：偏左和偏右的誤差會互相抵消。",
            ),
            why=Words(
                "The loss could go below 0, and training would push all boxes to the left.",
                "損失會小於 0，訓練就把所有的框一直往左推。",
            ),
            hint=Words("Square each difference.", "每個差都要平方。"),
        ),
        Misconception(
            key="sum-first",
            mutant=_sum_of_both_first,
            says=Words(
                "You add the errors of x and y before you square. Each is squared by itself.",
                "你先把 x 和 y 的誤差相加才平方。應該各自平方。",
            ),
            why=Words(
                "Too far right and too high would cancel.",
                "太右邊和太上面的誤差會互相抵消。",
            ),
            hint=Words("(x - x^)^2 + (y - y^)^2.", "(x - x̂)² 加上 (y - ŷ)²。"),
        ),
        Misconception(
            key="squares-first",
            mutant=_other(lambda pred, truth: (pred**2 - truth**2) ** 2),
            says=Words(
                "You square x and y before the difference, and again after it.",
                "你在相減之前就先把 x、y 平方了，相減後又再平方。",
            ),
            why=Words(
                "The same shift would cost more at the right edge of a cell.",
                "同樣的偏移，在格子右邊的代價會比較高。",
            ),
            hint=Words("Difference first, then one square.", "先相減，再平方一次。"),
        ),
        Misconception(
            key="picture-units",
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, obj, weight) / len(pred),
            says=Words(
                "Your value is 1 / (S * S) of the right one: errors in fractions of the picture, or a mean over cells. "
                "x and y are fractions of the cell, and the term is a sum.",
                "你的值是正確值的 1 / (S * S)：可能用了圖片的比例當單位，或對格子取了平均。x、y "
                "是格子的比例，而且這一項是總和。",
            ),
            why=Words(
                "With 7 x 7 cells the term would be 49 times too small: places would hardly be learnt.",
                "7 x 7 格時，這一項會小 49 倍，位置幾乎學不到。",
            ),
            hint=Words("Nothing is divided by S or by the number of cells.", "不用除以 S，也不用除以格子數。"),
        ),
        Misconception(
            key="half",
            mutant=_other(lambda pred, truth: (pred - truth) ** 2 / 2),
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
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, obj, weight) / max(obj.sum(), 1),
            says=Words(
                "You divide by the number of responsible boxes. Term 1 is a sum.",
                "你除以負責的框數。第 1 項是總和，不是平均。",
            ),
            why=Words(
                "A mean over objects makes each object of a crowded picture count less.",
                "對物體取平均，會讓擁擠的圖片裡每個物體變得不重要。",
            ),
            hint=Words("sum, not mean.", "用 sum，不是 mean。"),
        ),
        Misconception(
            key="mean-of-numbers",
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, obj, weight) / max(2 * obj.sum(), 1),
            says=Words(
                "You take the mean over x and y of the responsible boxes. Term 1 is a sum.",
                "你對負責的框的 x 和 y 取了平均。第 1 項是總和，不是平均。",
            ),
            why=Words(
                "A mean over objects makes each object of a crowded picture count less.",
                "對物體取平均，會讓擁擠的圖片裡每個物體變得不重要。",
            ),
            hint=Words("sum, not mean.", "用 sum，不是 mean。"),
        ),
        Misconception(
            key="mean-of-all",
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, obj, weight) / pred.size,
            says=Words(
                "You take the mean over all boxes of all cells. Term 1 is a sum, over the responsible boxes.",
                "你對所有格子的所有框取平均。第 1 項是負責的框的總和。",
            ),
            why=Words(
                "With 98 boxes of which one is responsible, the error would shrink to a hundredth.",
                "98 個框裡只有一個負責，誤差會縮到約百分之一。",
            ),
            hint=Words('MSELoss(reduction="sum"), not its default.', '要用 MSELoss(reduction="sum")，不是預設值。'),
        ),
        Misconception(
            key="no-lambda",
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, obj, 1.0),
            says=Words("lambda_coord is forgotten.", "忘了乘上 lambda_coord。"),
            why=Words(
                "It says that localisation counts five times as much as the confidence of an object.",
                "它表示定位的重要性是物體信心度的五倍。",
            ),
            hint=Words("Which factor stands before the first line of the formula?", "公式第一行前面有什麼係數？"),
        ),
        Misconception(
            key="lambda-typed-in",
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, obj, 5.0),
            says=Words("You typed in 5. Use the argument lambda_coord.", "你直接寫了 5。請用參數 lambda_coord。"),
            why=Words(
                "It is a hyper-parameter: whoever trains chooses it.",
                "它是超參數，由訓練的人決定。",
            ),
            hint=Words("The last argument is another number each time.", "最後一個參數每次都不同。"),
        ),
        Misconception(
            key="lambda-squared",
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, obj, weight**2),
            says=Words(
                "lambda_coord comes in squared: it belongs before the square, not inside it.",
                "lambda_coord 被平方了：它應該在平方外面，不是裡面。",
            ),
            why=Words("25 instead of 5: places would drown everything else.", "變成 25 而不是 5，位置會蓋過其他一切。"),
            hint=Words("Multiply the sum, not the difference.", "要乘在總和上，不是乘在差上。"),
        ),
        Misconception(
            key="whole-cell",
            mutant=lambda pred, truth, obj, weight: xy_term(
                pred, truth, np.broadcast_to(obj.max(1, keepdims=True), obj.shape), weight
            ),
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
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, np.ones_like(obj), weight),
            says=Words(
                "You count every box, without 1obj_ij. Only responsible boxes have a centre to learn.",
                "你沒有用 1obj_ij，每個框都算了。只有負責的框才有中心點要學。",
            ),
            why=Words(
                "Boxes of empty cells would learn to sit in the upper left corner of their cell.",
                "空格子的框會學成待在格子的左上角。",
            ),
            hint=Words("Multiply each box's error by obj.", "每個框的誤差都要乘上 obj。"),
        ),
        Misconception(
            key="inverted-mask",
            mutant=lambda pred, truth, obj, weight: xy_term(pred, truth, 1 - obj, weight),
            says=Words("You count the boxes that are NOT responsible.", "你算的是「不負責」的框。"),
            why=Words(
                "The box that should learn the object's place learns nothing.",
                "真正該學物體位置的框反而什麼都沒學到。",
            ),
            hint=Words("obj is 1 where the box is responsible.", "框負責時 obj 是 1。"),
        ),
        Misconception(
            key="x-alone",
            mutant=lambda pred, truth, obj, weight: xy_term(pred[..., :1], truth[..., :1], obj, weight),
            says=Words("y is missing.", "少了 y。"),
            why=Words("Nothing would teach the boxes how high objects lie.", "框永遠學不到物體的高低位置。"),
            hint=Words("The last dimension holds x and y.", "最後一個維度是 x 和 y。"),
        ),
    )  # fmt: skip


OF_GRADIENT = (
    Misconception(
        key="no-two",
        mutant=lambda x, true, lambda_coord: lambda_coord * (x - true),
        says=Words("The 2 is missing: the derivative of u^2 is 2u.", "少了 2：u² 的微分是 2u。"),
        why=Words(
            "Programs that halve the loss have no 2 here; this one does not halve.",
            "把損失除以 2 的程式，這裡就沒有 2；這裡的損失沒有除以 2。",
        ),
        hint=Words("The exponent comes down as a factor.", "指數會變成前面的係數。"),
    ),
    Misconception(
        key="no-lambda",
        mutant=lambda x, true, lambda_coord: 2 * (x - true),
        says=Words("lambda_coord is missing.", "少了 lambda_coord。"),
        why=Words(
            "A weight of the loss is a weight of its gradient: that is how a lambda acts.",
            "損失的權重就是梯度的權重，lambda 就是這樣發揮作用的。",
        ),
        hint=Words("A constant factor stays.", "常數係數會保留下來。"),
    ),
    Misconception(
        key="sign",
        mutant=lambda x, true, lambda_coord: 2 * lambda_coord * (true - x),
        says=Words(
            "The sign is turned round. The gradient points uphill, away from the truth; the step goes against it.",
            "正負號反了。梯度指向上坡，也就是遠離真實值的方向；更新時才往反方向走。",
        ),
        why=Words(
            "An optimiser subtracts the gradient: with your sign x would run away from the truth.",
            "最佳化器會「減掉」梯度：用你的正負號，x 會離真實值越來越遠。",
        ),
        hint=Words("x - true, as in the loss.", "和損失裡一樣是 x - true。"),
    ),
    Misconception(
        key="loss-itself",
        mutant=lambda x, true, lambda_coord: lambda_coord * (x - true) ** 2,
        says=Words("That is the loss itself, not its derivative.", "這是損失本身，不是微分。"),
        why=Words(
            "The loss is never below 0: it does not say in which direction to go.",
            "損失不會小於 0，看不出該往哪個方向走。",
        ),
        hint=Words("The derivative of u^2 is 2u.", "u² 的微分是 2u。"),
    ),
    Misconception(
        key="direction-only",
        mutant=lambda x, true, lambda_coord: lambda_coord * np.sign(x - true),
        says=Words(
            "You give the direction alone: that is the derivative of the absolute error.",
            "你只給了方向：那是絕對誤差的微分。",
        ),
        why=Words(
            "With a square the pull fades near the truth, and so the box comes to rest.",
            "平方的拉力在接近真實值時會變小，框才停得下來。",
        ),
        hint=Words("The size of the error stays in the derivative.", "誤差的大小會留在微分裡。"),
    ),
    Misconception(
        key="lambda-squared",
        mutant=lambda x, true, lambda_coord: 2 * lambda_coord**2 * (x - true),
        says=Words("lambda_coord comes in twice.", "lambda_coord 乘了兩次。"),
        why=Words("25 instead of 5: places would drown everything else.", "變成 25 而不是 5，位置會蓋過其他一切。"),
        hint=Words("It stands outside the square.", "它在平方外面。"),
    ),
)  # fmt: skip
