"""Lesson 8, the lambdas: what share of the loss each term gets, and what that makes of the confidences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure

from yolosses.explain.style import BLUE, FAINT_INK, GREEN, VERMILLION
from yolosses.lessons.cases import Case, fractions, scene_of, scenes, tables
from yolosses.lessons.exercise import Exercise, Misconception, Question
from yolosses.lessons.scene import Array, Scene
from yolosses.lessons.words import Words

TERMS = ("xy", "wh", "obj", "noobj", "cls")


def shares(terms, lambdas):
    weighted = lambdas * terms
    return weighted / weighted.sum()


def _draw_shares(case: Case) -> Figure:
    """Each term before and after its lambda."""
    terms, lambdas = case.arguments["terms"], case.arguments["lambdas"]
    figure = Figure(figsize=(3.6, 2.6), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(terms))
    axes.barh(rows - 0.2, terms, 0.36, facecolor="white", edgecolor=FAINT_INK, label="term")
    axes.barh(rows + 0.2, lambdas * terms, 0.36, color=BLUE, label="lambda x term")
    axes.set_yticks(rows, TERMS)
    axes.invert_yaxis()
    axes.legend(fontsize=8, frameon=False)
    return figure


def _some_weight(lambdas: Array) -> bool:
    return bool(lambdas.sum() > 0)


share = Exercise(
    key="shares",
    lesson=8,
    task=Words(
        "The share of each term in the whole loss. terms: 5 numbers, the terms xy, wh, obj, noobj and cls without "
        "their lambdas; lambdas: 5 numbers, the weight of each. Return 5 numbers between 0 and 1.",
        "每一項在總損失中占的比例。terms：5 個數字，依序是還沒乘 λ 的 xy、wh、obj、noobj、cls 五項；"
        "lambdas：5 個數字，各項的權重。回傳 5 個 0 到 1 之間的數字。",
    ),
    right=shares,
    cases=st.builds(
        lambda terms, lambdas: Case({"terms": terms, "lambdas": 10 * lambdas}),
        tables((5,), 1),
        tables((5,)).filter(_some_weight),
    ),
    chosen=(
        Case({"terms": np.array([0.4, 0.1, 0.3, 4.0, 0.8]), "lambdas": np.array([5.0, 5.0, 1.0, 0.5, 1.0])}),
        Case(
            {"terms": np.array([1.0, 0.5, 0.25, 2.0, 0.75]), "lambdas": np.array([1.0, 2.0, 0.5, 0.0, 3.0])}
        ),
    ),
    misconceptions=(
        Misconception(
            key="no-lambdas",
            mutant=lambda terms, lambdas: terms / terms.sum(),
            says=Words(
                "Those are the shares before the lambdas.",
                "這是還沒乘上 λ 之前的比例。",
            ),
            why=Words(
                "The optimiser only sees the weighted terms: the lambdas are there to change the shares.",
                "最佳化器看到的是加權後的各項；λ 的用途就是改變這些比例。",
            ),
            hint=Words("Multiply each term by its lambda first.", "先把每一項乘上自己的 λ。"),
        ),
        Misconception(
            key="not-normalised",
            mutant=lambda terms, lambdas: lambdas * terms,
            says=Words(
                "Those are the weighted terms, not yet their shares.",
                "這是加權後的各項，還不是比例。",
            ),
            why=Words(
                "Twice the loss everywhere changes no share: only the balance of the terms tells what is learnt first.",
                "整個損失變成兩倍，比例並不會變；先學什麼，看的是各項之間的輕重。",
            ),
            hint=Words(
                "Shares add up to 1. What do yours add up to?", "比例加起來應該是 1。你的加起來是多少？"
            ),
        ),
        Misconception(
            key="unweighted-total",
            mutant=lambda terms, lambdas: lambdas * terms / terms.sum(),
            says=Words(
                "You divide the weighted terms by the sum of the unweighted ones.",
                "你用加權後的各項，除以沒有加權的總和。",
            ),
            why=Words("Such shares do not add up to 1.", "這樣的比例加起來不是 1。"),
            hint=Words("Divide by the sum of the weighted terms.", "要除以「加權後」各項的總和。"),
        ),
        Misconception(
            key="lambdas-squared",
            mutant=lambda terms, lambdas: shares(terms, lambdas**2),
            says=Words(
                "The lambdas come in squared.",
                "λ 被平方了。",
            ),
            why=Words(
                "lambda_coord would count 25 times instead of 5.",
                "lambda_coord 就會變成 25 倍，而不是 5 倍。",
            ),
            hint=Words(
                "A term is squared already, its lambda is not.", "每一項本來就是平方誤差，但 λ 不用平方。"
            ),
        ),
        Misconception(
            key="shares-of-lambdas",
            mutant=lambda terms, lambdas: lambdas / lambdas.sum(),
            says=Words(
                "Those are the shares of the lambdas alone.",
                "這只是 λ 之間的比例。",
            ),
            why=Words(
                "A large lambda on a term that is nearly 0 counts little: lambda_noobj is the smallest, yet its term "
                "is often the largest of a new network.",
                "λ 再大，乘在接近 0 的項上也沒什麼用。lambda_noobj 最小，但在剛初始化的網路裡，它那一項往往最大。",
            ),
            hint=Words("terms must come in, too.", "terms 也要用到。"),
        ),
        Misconception(
            key="divided-by-lambda",
            mutant=lambda terms, lambdas: (terms / lambdas) / (terms / lambdas).sum(),
            says=Words("You divide by the lambdas.", "你除以 λ 了。"),
            why=Words(
                "Then a larger lambda would make its term count less.",
                "這樣 λ 愈大，那一項反而愈不重要。",
            ),
            hint=Words("A lambda stands before its term as a factor.", "λ 是乘在那一項前面的係數。"),
        ),
        Misconception(
            key="of-the-largest",
            mutant=lambda terms, lambdas: lambdas * terms / (lambdas * terms).max(),
            says=Words(
                "You divide by the largest weighted term, not by the sum.",
                "你除以最大的那一項，而不是總和。",
            ),
            why=Words("The largest share would always be 1.", "這樣最大的比例永遠是 1。"),
            hint=Words("Shares add up to 1.", "比例加起來應該是 1。"),
        ),
        Misconception(
            key="softmax",
            mutant=lambda terms, lambdas: np.exp(lambdas * terms) / np.exp(lambdas * terms).sum(),
            says=Words(
                "You take the softmax of the weighted terms.",
                "你對加權後的各項做了 softmax。",
            ),
            why=Words(
                "Softmax makes the largest term look larger than it is.",
                "softmax 會讓最大的那一項看起來比實際上更大。",
            ),
            hint=Words("No exponential: a term divided by the sum.", "不用指數函數，直接除以總和就好。"),
        ),
        Misconception(
            key="percent",
            mutant=lambda terms, lambdas: 100 * shares(terms, lambdas),
            says=Words("That is in percent: right but for the factor 100.", "這是百分比：只差 100 倍。"),
            why=Words("Shares were asked for, between 0 and 1.", "題目要的是 0 到 1 之間的比例。"),
            hint=Words("Leave out the factor 100.", "不用乘 100。"),
        ),
    ),
    hints=Words(
        "First weight: each term times its lambda. Then divide each by the sum of all five.",
        "先加權：每一項乘上自己的 λ。再把每一個除以五項的總和。",
    ),
    picture=_draw_shares,
)


def quiet_boxes(grid, boxes_per_cell, objects):
    all_boxes = grid**2 * boxes_per_cell
    return (all_boxes - objects) / objects  # one box is responsible for each object


def _quiet_case(scene: Scene) -> Case:
    arguments = {"grid": scene.grid, "boxes_per_cell": scene.boxes_per_cell, "objects": len(scene.objects)}
    return Case(arguments, scene)


quiet = Exercise(
    key="quiet_boxes",
    lesson=8,
    task=Words(
        "How many boxes term 3-2 pushes towards 0 for each box that term 3-1 pushes up. grid: S; boxes_per_cell: B; "
        "objects: how many objects the picture has, at least 1, no two of them in one cell. Return one number.",
        "第 3-1 項每往上推一個框，第 3-2 項要把幾個框往 0 推？grid：S；boxes_per_cell：B；"
        "objects：圖片裡有幾個物體，至少 1 個，而且不會有兩個在同一格。回傳一個數字。",
    ),
    right=quiet_boxes,
    cases=st.builds(_quiet_case, scenes(grids=(2, 4), boxes=(1, 3), objects=(1, 3))),
    chosen=(
        _quiet_case(scene_of(0, grid=2, boxes=2, classes=2, objects=1)),
        _quiet_case(scene_of(1, grid=3, boxes=2, classes=2, objects=2)),
        _quiet_case(scene_of(2, grid=4, boxes=3, classes=2, objects=3)),
    ),
    misconceptions=(
        Misconception(
            key="empty-cells",
            mutant=lambda grid, boxes_per_cell, objects: (grid**2 - objects) * boxes_per_cell / objects,
            says=Words(
                "You count the boxes of empty cells. 1noobj also holds the boxes of an object's own cell that are not "
                "responsible.",
                "你只算了空格子裡的框。物體所在的格子裡，沒有負責的框也屬於 1noobj。",
            ),
            why=Words(
                "Without it two boxes of one cell would both be sure of the same object.",
                "少了它，同一格的兩個框會同時對同一個物體很有信心。",
            ),
            hint=Words(
                "An object's cell has B boxes, and one of them is responsible. What about the others?",
                "有物體的格子有 B 個框，其中一個負責。其他的呢？",
            ),
        ),
        Misconception(
            key="cells",
            mutant=lambda grid, boxes_per_cell, objects: (grid**2 - objects) / objects,
            says=Words("You count cells. Each cell has B boxes.", "你算的是格子。每格有 B 個框。"),
            why=Words(
                "Each box has a confidence of its own, so each adds a square to the loss.",
                "每個框都有自己的信心度，所以每個框都會在損失裡加上一個平方。",
            ),
            hint=Words("How many boxes does the whole picture have?", "整張圖片一共有幾個框？"),
        ),
        Misconception(
            key="grid-not-squared",
            mutant=lambda grid, boxes_per_cell, objects: (grid * boxes_per_cell - objects) / objects,
            says=Words("There are S x S cells, not S.", "格子有 S × S 個，不是 S 個。"),
            why=Words(
                "The number of empty boxes grows with the square of S: a finer grid needs a smaller lambda_noobj.",
                "空框的數量隨 S 的平方增加：格子切得愈細，lambda_noobj 就要愈小。",
            ),
            hint=Words("The picture has S rows and S columns.", "圖片有 S 列，也有 S 行。"),
        ),
        Misconception(
            key="all-boxes",
            mutant=lambda grid, boxes_per_cell, objects: grid**2 * boxes_per_cell / objects,
            says=Words(
                "You count all boxes; the responsible ones are among them.",
                "你把所有的框都算進去了，負責的框也在裡面。",
            ),
            why=Words(
                "A box is pushed by term 3-1 or by term 3-2, never by both.",
                "一個框不是屬於第 3-1 項，就是屬於第 3-2 項，不會兩邊都算。",
            ),
            hint=Words("Take the responsible boxes out.", "把負責的框扣掉。"),
        ),
        Misconception(
            key="count",
            mutant=lambda grid, boxes_per_cell, objects: grid**2 * boxes_per_cell - objects,
            says=Words(
                "That is the number of boxes that are pushed towards 0. How many are there for EACH that is pushed up?",
                "這是往 0 推的框總數。題目問的是：往上推的框「每一個」對上幾個？",
            ),
            why=Words(
                "The balance matters: a picture with seven objects has seven voices against the same crowd.",
                "重要的是比例：有七個物體的圖片，就有七個框一起對抗那一大群空框。",
            ),
            hint=Words("Divide by the number of responsible boxes.", "除以負責的框數。"),
        ),
        Misconception(
            key="upside-down",
            mutant=lambda grid, boxes_per_cell, objects: objects / (grid**2 * boxes_per_cell - objects),
            says=Words("Your fraction is upside down.", "你的分數上下顛倒了。"),
            why=Words(
                "It says how few boxes hold an object; asked was how many do not for each that does.",
                "它說的是負責的框有多少，題目問的是每個負責的框對上幾個不負責的框。",
            ),
            hint=Words("Pushed towards 0, divided by pushed up.", "往 0 推的，除以往上推的。"),
        ),
        Misconception(
            key="share",
            mutant=lambda grid, boxes_per_cell, objects: 1 - objects / (grid**2 * boxes_per_cell),
            says=Words(
                "That is the share of such boxes among all. Asked is how many there are for each responsible one.",
                "這是它們占所有框的比例。題目問的是每個負責的框對上幾個。",
            ),
            why=Words(
                "99 % sounds harmless, 97 against 1 does not.",
                "99 % 聽起來沒什麼，97 比 1 就很驚人了。",
            ),
            hint=Words("Divide by the responsible boxes, not by all.", "除以負責的框數，不是所有的框數。"),
        ),
    ),
    hints=Words(
        "All boxes: S x S x B. Responsible: one for each object. The others are pushed towards 0.",
        "所有的框：S × S × B 個。負責的：每個物體一個。剩下的都往 0 推。",
    ),
)


def settled_confidence(p, iou, lambda_noobj):
    # The minimum of p (c - iou)^2 + lambda_noobj (1 - p) c^2 over c: its derivative is 0 there.
    return p * iou / (p + lambda_noobj * (1 - p))


def _settled_cost(c: Any, p: float, iou: float, lambda_noobj: float) -> Any:
    return p * (c - iou) ** 2 + lambda_noobj * (1 - p) * c**2


def _draw_settled(case: Case) -> Figure:
    """The two costs of a confidence and their sum."""
    p, iou, lambda_noobj = case.arguments.values()
    figure = Figure(figsize=(3.6, 2.6), layout="constrained")
    axes = figure.subplots()
    c = np.linspace(0, 1, 101)
    axes.plot(c, p * (c - iou) ** 2, "--", color=GREEN, label="object (3-1)")
    axes.plot(c, lambda_noobj * (1 - p) * c**2, ":", color=VERMILLION, label="no object (3-2)")
    axes.plot(c, _settled_cost(c, p, iou, lambda_noobj), color=BLUE, label="sum")
    axes.set(xlabel="confidence c", ylabel="mean cost")
    axes.legend(fontsize=8, frameon=False)
    return figure


def _settled(p: float, iou: float, lambda_noobj: float) -> Case:
    return Case({"p": p, "iou": iou, "lambda_noobj": lambda_noobj})


def _settling(function: Callable[[float, float, float], Any]) -> Any:
    return lambda p, iou, lambda_noobj: function(p, iou, lambda_noobj)


settled = Exercise(
    key="settled_confidence",
    lesson=8,
    task=Words(
        "The confidence c at which p (c - iou)^2 + lambda_noobj (1 - p) c^2 is smallest. p: how often the box is "
        "responsible for an object, above 0 and below 1; iou: its IoU then; lambda_noobj: above 0. Three numbers "
        "come, one number is returned.",
        "讓 p (c - iou)² + lambda_noobj (1 - p) c² 最小的信心度 c。p：這個框有多常負責一個物體，大於 0、小於 1；"
        "iou：負責時的 IoU；lambda_noobj：大於 0。輸入三個數字，回傳一個數字。",
    ),
    right=settled_confidence,
    cases=st.builds(_settled, fractions(1, 19), fractions(1), fractions(1).map(lambda part: 4 * part)),
    chosen=(
        _settled(0.1, 0.8, 0.5),
        _settled(0.25, 0.6, 2.0),
        _settled(0.4, 0.9, 1.5),
        _settled(0.05, 0.7, 0.2),
    ),
    misconceptions=(
        Misconception(
            key="no-lambda",
            mutant=_settling(lambda p, iou, lambda_noobj: p * iou),
            says=Words(
                "lambda_noobj is forgotten: that is its value 1.", "忘了 lambda_noobj：這等於把它當成 1。"
            ),
            why=Words(
                "lambda_noobj moves all scores of the detector, and with them the threshold that fits.",
                "lambda_noobj 會移動偵測器所有的分數，適合的門檻也會跟著變。",
            ),
            hint=Words("lambda_noobj stands before the second square.", "lambda_noobj 乘在第二個平方前面。"),
        ),
        Misconception(
            key="lambda-on-object",
            mutant=_settling(
                lambda p, iou, lambda_noobj: lambda_noobj * p * iou / (lambda_noobj * p + 1 - p)
            ),
            says=Words(
                "lambda_noobj stands at the object's side. It belongs to the pictures without one.",
                "你把 lambda_noobj 放到有物體的那一邊了。它屬於沒有物體的那一邊。",
            ),
            why=Words(
                "A larger lambda_noobj would then make the detector bolder instead of shyer.",
                "這樣 lambda_noobj 愈大，偵測器反而愈大膽，而不是愈保守。",
            ),
            hint=Words("It goes with 1 - p.", "它和 1 - p 放在一起。"),
        ),
        Misconception(
            key="target-one",
            mutant=_settling(lambda p, iou, lambda_noobj: p / (p + lambda_noobj * (1 - p))),
            says=Words("Your target is 1. It is the IoU.", "你的目標值是 1。目標應該是 IoU。"),
            why=Words(
                "A confidence in YOLOv1 also says how well the box fits.",
                "YOLOv1 的信心度也要反映框得準不準。",
            ),
            hint=Words("iou must come in.", "iou 也要用到。"),
        ),
        Misconception(
            key="lambda-everywhere",
            mutant=_settling(lambda p, iou, lambda_noobj: p * iou / (p + lambda_noobj)),
            says=Words(
                "lambda_noobj counts only while there is no object: it needs the factor 1 - p.",
                "lambda_noobj 只在沒有物體時才算：要乘上 1 - p。",
            ),
            why=Words(
                "A box that is always responsible (p = 1) must settle at its IoU, whatever the lambda.",
                "永遠負責的框（p = 1），不管 λ 是多少，都應該停在自己的 IoU。",
            ),
            hint=Words("How often is there no object?", "沒有物體的機率是多少？"),
        ),
        Misconception(
            key="one-side-each",
            mutant=_settling(lambda p, iou, lambda_noobj: p * iou / (lambda_noobj * (1 - p))),
            says=Words(
                "You let the object pull with p times iou, however large c is. It pulls with p (iou - c): less and "
                "less, the nearer c comes.",
                "你讓物體永遠用 p × iou 往上拉。其實是 p (iou - c)：c 愈接近 iou，拉力愈小。",
            ),
            why=Words(
                "Your confidence may exceed the IoU, and at lambda_noobj 0 it is infinite.",
                "你的信心度可能超過 IoU，lambda_noobj 是 0 時甚至會變成無限大。",
            ),
            hint=Words(
                "Set the whole derivative to 0: p (c - iou) + lambda_noobj (1 - p) c = 0.",
                "令整個導數等於 0：p (c - iou) + lambda_noobj (1 - p) c = 0。",
            ),
        ),
        Misconception(
            key="multiplied",
            mutant=_settling(lambda p, iou, lambda_noobj: lambda_noobj * p * iou),
            says=Words(
                "You multiply by lambda_noobj. A larger lambda_noobj pulls the confidence down, not up.",
                "你乘上了 lambda_noobj。lambda_noobj 愈大，信心度應該愈低，不是愈高。",
            ),
            why=Words(
                "With lambda_noobj 0 nothing pulls down, and yours would be 0.",
                "lambda_noobj 是 0 時沒有東西往下拉，你的結果卻是 0。",
            ),
            hint=Words(
                "Set the derivative by c to 0 and solve for c.", "對 c 微分，令導數等於 0，再解出 c。"
            ),
        ),
        Misconception(
            key="cost",
            mutant=_settling(
                lambda p, iou, lambda_noobj: _settled_cost(
                    settled_confidence(p, iou, lambda_noobj), p, iou, lambda_noobj
                )
            ),
            says=Words(
                "You return the smallest cost. Asked is the confidence at which it is reached.",
                "你回傳的是最小的代價。題目要的是代價最小時的信心度。",
            ),
            why=Words(
                "The detector shows its confidence to people, not its cost.",
                "偵測器給人看的是信心度，不是代價。",
            ),
            hint=Words("argmin, not min.", "要的是 argmin，不是 min。"),
        ),
        Misconception(
            key="lambda-squared",
            mutant=_settling(lambda p, iou, lambda_noobj: settled_confidence(p, iou, lambda_noobj**2)),
            says=Words("lambda_noobj comes in squared.", "lambda_noobj 被平方了。"),
            why=Words(
                "It stands before the square, not inside it.",
                "它在平方外面，不在裡面。",
            ),
            hint=Words(
                "Its derivative is lambda_noobj (1 - p) 2 c.", "那一項的導數是 lambda_noobj (1 - p) 2 c。"
            ),
        ),
    ),
    hints=Words(
        "The derivative by c, without the factor 2: p (c - iou) + lambda_noobj (1 - p) c. Set it to 0 and solve for c.",
        "對 c 微分（省略係數 2）：p (c - iou) + lambda_noobj (1 - p) c。令它等於 0，解出 c。",
    ),
    picture=_draw_settled,
)

abilities = Question(
    key="lambdas_question",
    lesson=8,
    question=Words(
        "What abilities do lambda_coord = 5 and lambda_noobj = 0.5 give the model? And what do they take away?",
        "lambda_coord = 5 和 lambda_noobj = 0.5 讓模型具備什麼能力？又犧牲了什麼？",
    ),
    hints=Words(
        "Which term grows when lambda_coord grows, and which share must then shrink? What is learnt about empty cells "
        "when lambda_noobj is 0, and when it is 5?",
        "lambda_coord 變大時，哪一項的比例變大？哪些項的比例一定會變小？"
        "lambda_noobj 是 0 或 5 時，模型對空格子會學到什麼？",
    ),
    answer=Words(
        "The course says: the weight lies on localisation, and empty cells that are taken for objects matter less; "
        "other values give other abilities. Measured, it is so, with a price. More lambda_coord gives tighter boxes, "
        "as long as boxes are still to be learnt, and takes effort from the classes. A small lambda_noobj keeps the "
        "many boxes without an object from drowning the few with one; 0 is too small: then nobody teaches the model "
        "what empty is. A large one makes the scores low and the model shy. No lambda adds an ability for free: only "
        "the balance counts.",
        "課程的答案是：重點放在定位，而把空格子誤認成物體則沒那麼重要；換成別的值，就有別的能力。"
        "實際量測的確如此，但有代價。lambda_coord 愈大，框愈準（只要框還有進步空間），但學類別的力氣就少了。"
        "lambda_noobj 小，可以避免大量沒有物體的框淹沒少數有物體的框；但 0 太小了：沒有人教模型什麼是「空的」。"
        "太大則分數變低，模型變得保守。沒有哪個 λ 能憑空增加能力：重要的只有各項之間的輕重。",
    ),
)

EXERCISES = (share, quiet, settled, abilities)
