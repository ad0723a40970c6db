"""Lesson 5, third part: term 3-2, the confidence of all other boxes, and the mask that everybody gets wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from yolosses.lessons.cases import Case, fractions, scene_of, scenes
from yolosses.lessons.exercise import Exercise, Misconception, together
from yolosses.lessons.exercises.objectness import TWO_GOOD, obj_case
from yolosses.lessons.scene import Array, Scene
from yolosses.lessons.words import Words


def noobj_term(confidence, iou, obj, lambda_noobj):
    return lambda_noobj * ((1 - obj) * confidence**2).sum()


def _case(scene: Scene, lambda_noobj: float = 0.5) -> Case:
    case = obj_case(scene)
    return Case({**case.arguments, "lambda_noobj": lambda_noobj}, case.scene)


def _over(mask: Any) -> Any:
    """Term 3-2 over the boxes of ``mask(iou, obj)``."""
    return lambda confidence, iou, obj, lambda_noobj: lambda_noobj * (mask(iou, obj) * confidence**2).sum()


def _cost(cost: Any) -> Any:
    """Term 3-2 with another ``cost(confidence, iou)`` of a box."""
    return lambda confidence, iou, obj, lambda_noobj: lambda_noobj * ((1 - obj) * cost(confidence, iou)).sum()


def _weighted(weight: Any) -> Any:
    """Term 3-2 with another ``weight(lambda_noobj, obj)``."""
    return lambda confidence, iou, obj, lambda_noobj: noobj_term(
        confidence, iou, obj, weight(lambda_noobj, obj)
    )


def _each_object(confidence: Array, iou: Array, obj: Array, lambda_noobj: float) -> Any:
    return lambda_noobj * (obj.sum() * (confidence**2).sum() - (obj * confidence**2).sum())


_NOOBJ = (
    Misconception(
        key="empty-cells",
        mutant=_over(lambda iou, obj: np.broadcast_to(1 - obj.max(1, keepdims=True), obj.shape)),
        says=Words(
            "You count the boxes of empty cells only. 1noobj_ij is 1 for EVERY box that is not responsible, also in "
            "the cell of an object.",
            "你只算了空格子的框。只要不負責，1noobj_ij 就是 1，有物體的格子裡的其他框也一樣。",
        ),
        why=Words(
            "Nothing would ever lower the confidence of the second box of such a cell: it reports each object again.",
            "不然沒有東西會降低這些格子裡另一個框的信心度，同一個物體會被回報兩次。",
        ),
        hint=Words(
            "1noobj_ij has a j. It is 1 - 1obj_ij, box for box.",
            "1noobj_ij 有下標 j。它就是 1 - 1obj_ij，每個框各自算。",
        ),
    ),
    Misconception(
        key="all-boxes",
        mutant=_over(lambda iou, obj: np.ones_like(obj)),
        says=Words(
            "You count every box, responsible ones too. Those have their own term 3-1.",
            "你把負責的框也算進來了。它們有自己的 3-1。",
        ),
        why=Words(
            "The confidence of the right box would be pulled up and down at once.",
            "同一個框會同時被要求「有信心」和「沒信心」。",
        ),
        hint=Words("Leave out the boxes where obj is 1.", "去掉 obj 是 1 的框。"),
    ),
    Misconception(
        key="inverted-mask",
        mutant=_over(lambda iou, obj: obj),
        says=Words(
            "You count the responsible boxes. Term 3-2 is for all others.",
            "你算的是負責的框。3-2 算的是其他所有的框。",
        ),
        why=Words("Boxes that find objects would learn a confidence of 0.", "找到物體的框，信心度反而會學成 0。"),
        hint=Words("The mask is 1 - obj.", "遮罩是 1 - obj。"),
    ),
    Misconception(
        key="overlap-left-out",
        mutant=_over(lambda iou, obj: (1 - obj) * (iou <= 0.5)),
        says=Words(
            "You leave out boxes that overlap an object by more than 0.5. YOLOv1 does not; v2 and v3 do.",
            "你把 IoU 大於 0.5 的框排除了。YOLOv1 沒有這樣做，v2 和 v3 才有。",
        ),
        why=Words(
            "In YOLOv1 even a good box learns 0 when another one of its cell is better.",
            "在 YOLOv1，框再準，只要同格有更準的，它的目標就是 0。",
        ),
        hint=Words("No threshold: 1 - obj is the whole mask.", "沒有門檻：遮罩就是 1 - obj。"),
    ),
    Misconception(
        key="no-overlap",
        mutant=_over(lambda iou, obj: iou == 0),
        says=Words(
            "You count the boxes that touch no object. 1noobj_ij asks who is responsible, not who overlaps.",
            "你只算了完全沒碰到物體的框。1noobj_ij 看的是負不負責，不是有沒有重疊。",
        ),
        why=Words(
            "The second best box would stay confident, and report the object again.",
            "第二準的框會一直有信心，重複回報同一個物體。",
        ),
        hint=Words("You need no IoU in this term.", "這一項用不到 IoU。"),
    ),
    Misconception(
        key="target-iou",
        mutant=_cost(lambda confidence, iou: (confidence - iou) ** 2),
        says=Words(
            "You compare these boxes with their IoU. The target of a box that is not responsible is 0.",
            "你拿這些框和自己的 IoU 比較。不負責的框，目標是 0。",
        ),
        why=Words(
            "The second best box would stay confident, and report the object again.",
            "第二準的框會一直有信心，重複回報同一個物體。",
        ),
        hint=Words("You need no IoU in this term.", "這一項用不到 IoU。"),
    ),
    Misconception(
        key="target-one",
        mutant=_cost(lambda confidence, iou: (confidence - 1) ** 2),
        says=Words("You compare these boxes with 1. Their target is 0.", "你拿這些框和 1 比較。它們的目標是 0。"),
        why=Words("The background would be taught to be an object.", "背景會學到自己是物體。"),
        hint=Words("No object: confidence 0.", "沒有物體：信心度是 0。"),
    ),
    Misconception(
        key="no-square",
        mutant=_cost(lambda confidence, iou: confidence),
        says=Words(
            "The square is missing. Many texts print the term without it; the paper squares it.",
            "少了平方。有些教材漏印了平方，論文裡是有平方的。",
        ),
        why=Words(
            "A negative confidence would be rewarded, the more negative the better.",
            "信心度變成負的反而有獎勵，越負越好。",
        ),
        hint=Words("(confidence - 0)^2", "(信心度 - 0)²"),
    ),
    Misconception(
        key="no-square-reversed",
        mutant=_cost(lambda confidence, iou: -confidence),
        says=Words(
            "The square is missing. Many texts print the term without it; the paper squares it.",
            "少了平方。有些教材漏印了平方，論文裡是有平方的。",
        ),
        why=Words(
            "The loss would fall as the confidence of the background grows.",
            "背景的信心度越高，損失反而越小。",
        ),
        hint=Words("(0 - confidence)^2", "(0 - 信心度)²"),
    ),
    Misconception(
        key="cross-entropy",
        mutant=_cost(lambda confidence, iou: -np.log(1 - confidence)),
        says=Words(
            "That is the cross-entropy. YOLOv1 uses the squared error here; cross-entropy came with YOLOv3.",
            "這是交叉熵。YOLOv1 在這裡用的是平方誤差，YOLOv3 才改用交叉熵。",
        ),
        why=Words(
            "The network of YOLOv1 emits the confidence itself, which may be above 1: no logarithm.",
            "YOLOv1 的網路直接輸出信心度，可能大於 1，不能取對數。",
        ),
        hint=Words("Square, sum, lambda.", "平方、加總、乘上 lambda。"),
    ),
    Misconception(
        key="no-lambda",
        mutant=_weighted(lambda weight, obj: 1),
        says=Words("lambda_noobj is forgotten.", "忘了乘上 lambda_noobj。"),
        why=Words(
            "The many boxes of the background would overpower the few with an object.",
            "大量的背景框會蓋過少數有物體的框。",
        ),
        hint=Words("Which factor stands before this line of the formula?", "公式這一行前面有什麼係數？"),
    ),
    Misconception(
        key="lambda-squared",
        mutant=_weighted(lambda weight, obj: weight**2),
        says=Words(
            "lambda_noobj comes in squared: it belongs before the square, not inside it.",
            "lambda_noobj 被平方了：它應該在平方外面，不是裡面。",
        ),
        why=Words(
            "The program of the paper's author prints its cost so, but trains on 0.5, not on 0.25.",
            "論文作者的程式印出的 cost 是這樣，但訓練時用的是 0.5，不是 0.25。",
        ),
        hint=Words("Multiply the sum, not the confidence.", "要乘在總和上，不是乘在信心度上。"),
    ),
    Misconception(
        key="lambda-typed-in",
        mutant=_weighted(lambda weight, obj: 0.5),
        says=Words("You typed in 0.5. Use the argument lambda_noobj.", "你直接寫了 0.5。請用參數 lambda_noobj。"),
        why=Words(
            "It is a hyper-parameter: whoever trains chooses it.",
            "它是超參數，由訓練的人決定。",
        ),
        hint=Words("The last argument is another number each time.", "最後一個參數每次都不同。"),
    ),
    Misconception(
        key="once-for-each-object",
        mutant=_each_object,
        says=Words(
            "You count the background once for each object, as a well-known port does.",
            "你對每個物體都把背景算了一次，有個很多人抄的版本就是這樣。",
        ),
        why=Words(
            "The background of a picture with ten objects would weigh ten times, and one without objects nothing.",
            "有十個物體的圖片，背景會算十次；沒有物體的圖片反而完全不算。",
        ),
        hint=Words(
            "One sum over all boxes, outside any loop over objects.",
            "對所有的框加總一次，放在物體的迴圈外面。",
        ),
    ),
    Misconception(
        key="mean",
        mutant=_weighted(lambda weight, obj: weight / max((1 - obj).sum(), 1)),
        says=Words("You take the mean over these boxes. The term is a sum.", "你對這些框取平均。這一項是總和。"),
        why=Words(
            "A mean of 97 boxes counts a false alarm 97 times less.",
            "對 97 個框取平均，一次誤報的代價就縮成 97 分之一。",
        ),
        hint=Words("sum, not mean.", "用 sum，不是 mean。"),
    ),
    Misconception(
        key="mean-of-all",
        mutant=_weighted(lambda weight, obj: weight / obj.size),
        says=Words("You take the mean over all boxes. The term is a sum.", "你對所有的框取平均。這一項是總和。"),
        why=Words(
            "A mean of 98 boxes counts a false alarm 98 times less.",
            "對 98 個框取平均，一次誤報的代價就縮成 98 分之一。",
        ),
        hint=Words("MSELoss(reduction=\"sum\"), not its default.", "要用 MSELoss(reduction=\"sum\")，不是預設值。"),
    ),
)  # fmt: skip

_BY_KEY = {each.key: each for each in _NOOBJ}
_MASKS = ("empty-cells", "all-boxes", "inverted-mask", "no-overlap")
_LAMBDAS = {"no-lambda": 1.0, "lambda-typed-in": 0.5}


def _with_lambda(mask: str, key: str, weight: float) -> Misconception:
    """The misunderstood ``mask``, and another weight."""
    return together(
        _BY_KEY[mask],
        _BY_KEY[key],
        lambda confidence, iou, obj, lambda_noobj: _BY_KEY[mask].mutant(confidence, iou, obj, weight),
    )


noobj = Exercise(
    key="noobj_term",
    lesson=5,
    task=Words(
        "Term 3-2, one number. confidence, iou, obj: (cells, boxes), as in obj_term; lambda_noobj: a number. You may "
        "not need all of them.",
        "3-2，回傳一個數字。confidence、iou、obj：(格子, 框)，和 obj_term 相同；lambda_noobj：一個數字。"
        "不一定每個參數都用得到。",
    ),
    right=noobj_term,
    cases=st.builds(_case, scenes(), fractions(1)),
    chosen=(
        _case(TWO_GOOD, 0.3),
        _case(scene_of(1, grid=2, boxes=2, classes=1, objects=2)),
        _case(scene_of(2, grid=3, boxes=3, classes=1, objects=3), 0.25),
        _case(scene_of(3, grid=2, boxes=2, classes=1, objects=0)),
        _case(scene_of(13, grid=5, boxes=4, classes=1, objects=4)),
    ),
    misconceptions=_NOOBJ,
    pairs=tuple(_with_lambda(mask, key, weight) for mask in _MASKS for key, weight in _LAMBDAS.items()),
    hints=Words(
        "Which boxes? All that are not responsible: 1 - obj. Which target? 0.",
        "哪些框？所有不負責的框：1 - obj。目標是多少？0。",
    ),
)
