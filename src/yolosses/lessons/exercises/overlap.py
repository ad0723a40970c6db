"""Lesson 5, first part: the overlap of two boxes, which is what a confidence should say."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from yolosses.explain.style import BLUE, GREEN, SKY
from yolosses.lessons.cases import Case
from yolosses.lessons.exercise import Exercise, Misconception
from yolosses.lessons.scene import Array
from yolosses.lessons.words import Words


def iou(a, b):
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    across = min(ax + aw / 2, bx + bw / 2) - max(ax - aw / 2, bx - bw / 2)
    down = min(ay + ah / 2, by + bh / 2) - max(ay - ah / 2, by - bh / 2)
    both = max(across, 0) * max(down, 0)  # each side: two negative ones would make a positive area
    return both / (aw * ah + bw * bh - both)


def _sides(a: Array, b: Array) -> tuple[float, float]:
    """Width and height of the overlap, negative where there is a gap."""
    low = np.maximum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    across, down = np.minimum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2) - low
    return float(across), float(down)


def _areas(a: Array, b: Array) -> tuple[float, float, float]:
    """Of the first box, of the second, of both."""
    across, down = _sides(a, b)
    return float(a[2] * a[3]), float(b[2] * b[3]), max(across, 0) * max(down, 0)


def _ratio(of: Any) -> Any:
    """Another ratio ``of(first, second, both)`` of the three areas."""
    return lambda a, b: of(*_areas(a, b))


def _read_as(change: Any) -> Any:
    """The IoU of boxes whose four numbers are read differently."""
    return lambda a, b: iou(change(a), change(b))


def _corner_at_centre(box: Array) -> Array:
    return np.concatenate([box[:2] + box[2:] / 2, box[2:]])


def _two_corners(box: Array) -> Array:
    return np.concatenate([(box[:2] + box[2:]) / 2, box[2:] - box[:2]])


def _whole_sides(box: Array) -> Array:
    return np.concatenate([box[:2], 2 * box[2:]])


def _not_clamped(a: Array, b: Array) -> float:
    across, down = _sides(a, b)
    return across * down / (float(a[2] * a[3] + b[2] * b[3]) - across * down)


def _clamped_late(a: Array, b: Array) -> float:
    across, down = _sides(a, b)
    both = max(across * down, 0)
    return both / (float(a[2] * a[3] + b[2] * b[3]) - both)


def _of_sizes(a: Array, b: Array) -> float:
    both = float(np.minimum(a[2:], b[2:]).prod())
    return both / (float(a[2] * a[3] + b[2] * b[3]) - both)


def _in_enclosing(a: Array, b: Array) -> float:
    low = np.minimum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    high = np.maximum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2)
    return _areas(a, b)[2] / float((high - low).prod())


def _plus_one(a: Array, b: Array) -> float:
    across, down = _sides(a, b)
    both = max(across + 1, 0) * max(down + 1, 0)
    return both / (float((a[2:] + 1).prod() + (b[2:] + 1).prod()) - both)


_IOU = (
    Misconception(
        key="over-sum",
        mutant=_ratio(lambda first, second, both: both / (first + second)),
        says=Words(
            "You divide by the sum of the two areas, which counts the overlap twice.",
            "你除以兩個面積的和，重疊的部分被算了兩次。",
        ),
        why=Words("Even two equal boxes would reach only 0.5.", "這樣連兩個完全相同的框也只有 0.5。"),
        hint=Words("Union = area + area - overlap.", "聯集 = 面積 + 面積 - 重疊。"),
    ),
    Misconception(
        key="dice",
        mutant=_ratio(lambda first, second, both: 2 * both / (first + second)),
        says=Words(
            "That is the Dice coefficient: twice the overlap over the sum of areas.",
            "這是 Dice 係數：重疊的兩倍除以面積的和。",
        ),
        why=Words(
            "It is larger than the IoU everywhere between 0 and 1: an IoU of 0.5 becomes 0.67.",
            "在 0 和 1 之間它都比 IoU 大：IoU 是 0.5 時，它是 0.67。",
        ),
        hint=Words("One overlap above, one union below.", "分子是一個交集，分母是一個聯集。"),
    ),
    Misconception(
        key="over-smaller",
        mutant=_ratio(lambda first, second, both: both / min(first, second)),
        says=Words("You divide by the area of the smaller box.", "你除以較小的框的面積。"),
        why=Words(
            "A tiny box anywhere inside the object would be called perfect.",
            "物體裡面隨便一個小框都會被當成完美。",
        ),
        hint=Words("The union covers both boxes.", "聯集要包含兩個框。"),
    ),
    Misconception(
        key="over-larger",
        mutant=_ratio(lambda first, second, both: both / max(first, second)),
        says=Words("You divide by the area of the larger box.", "你除以較大的框的面積。"),
        why=Words(
            "The part of the smaller box that sticks out costs nothing then.",
            "這樣小框超出去的部分就不用付出代價。",
        ),
        hint=Words("The union covers both boxes.", "聯集要包含兩個框。"),
    ),
    Misconception(
        key="over-first",
        mutant=_ratio(lambda first, second, both: both / first),
        says=Words("You divide by the area of the first box alone.", "你只除以第一個框的面積。"),
        why=Words(
            "A second box as large as the picture would be called perfect.",
            "第二個框只要和整張圖一樣大，就會被當成完美。",
        ),
        hint=Words("IoU is the same when a and b are exchanged.", "a 和 b 交換，IoU 應該不變。"),
    ),
    Misconception(
        key="over-second",
        mutant=_ratio(lambda first, second, both: both / second),
        says=Words("You divide by the area of the second box alone.", "你只除以第二個框的面積。"),
        why=Words(
            "A first box as large as the picture would be called perfect.",
            "第一個框只要和整張圖一樣大，就會被當成完美。",
        ),
        hint=Words("IoU is the same when a and b are exchanged.", "a 和 b 交換，IoU 應該不變。"),
    ),
    Misconception(
        key="over-enclosing",
        mutant=_in_enclosing,
        says=Words(
            "You divide by the smallest rectangle around both boxes. The union has its corners cut out.",
            "你除以同時包住兩個框的最小矩形。聯集不包含那些空白的角落。",
        ),
        why=Words(
            "GIoU uses that rectangle, but as a second summand beside the IoU.",
            "GIoU 會用到這個矩形，但它是 IoU 之外的另一項。",
        ),
        hint=Words("Union = area + area - overlap.", "聯集 = 面積 + 面積 - 重疊。"),
    ),
    Misconception(
        key="not-divided",
        mutant=_ratio(lambda first, second, both: both),
        says=Words("You return the area of the overlap, without the division.", "你回傳的是重疊的面積，還沒相除。"),
        why=Words("It says how large boxes are, not how well they fit.", "它說的是框有多大，不是框有多準。"),
        hint=Words("Divide by the area of the union.", "除以聯集的面積。"),
    ),
    Misconception(
        key="one-minus",
        mutant=_ratio(lambda first, second, both: 1 - both / (first + second - both)),
        says=Words(
            "You return 1 - IoU. That is the IoU loss of later YOLOs.",
            "你回傳的是 1 - IoU，那是後來的 YOLO 用的 IoU 損失。",
        ),
        why=Words("The confidence should be high where the fit is good.", "框越準，信心度應該越高。"),
        hint=Words("Two equal boxes have the IoU 1.", "兩個相同的框，IoU 是 1。"),
    ),
    Misconception(
        key="corner-as-centre",
        mutant=_read_as(_corner_at_centre),
        says=Words(
            "You read cx, cy as the left top corner. They are the centre.",
            "你把 cx、cy 當成左上角了。它們是中心點。",
        ),
        why=Words(
            "Boxes of different sizes move apart: the wrong box becomes responsible.",
            "大小不同的框會互相錯開，於是負責的框就選錯了。",
        ),
        hint=Words("Left is cx - w / 2, right is cx + w / 2.", "左邊是 cx - w / 2，右邊是 cx + w / 2。"),
    ),
    Misconception(
        key="four-corners",
        mutant=_read_as(_two_corners),
        says=Words(
            "You read the four numbers as two corners x1, y1, x2, y2. They are cx, cy, w, h.",
            "你把四個數字當成兩個角 x1、y1、x2、y2。它們是 cx、cy、w、h。",
        ),
        why=Words(
            "Mixed box formats give no error, only wrong numbers.",
            "框的格式弄混時不會出現錯誤訊息，只會算出錯的數字。",
        ),
        hint=Words("Left is cx - w / 2, right is cx + w / 2.", "左邊是 cx - w / 2，右邊是 cx + w / 2。"),
    ),
    Misconception(
        key="whole-sides",
        mutant=_read_as(_whole_sides),
        says=Words(
            "You go a whole width to each side of the centre. It is half of it.",
            "你從中心點往兩邊各走了一整個寬度，應該各走一半。",
        ),
        why=Words(
            "Boxes twice as wide overlap where the true ones do not.",
            "框變成兩倍寬，本來沒重疊的也重疊了。",
        ),
        hint=Words("Left is cx - w / 2, right is cx + w / 2.", "左邊是 cx - w / 2，右邊是 cx + w / 2。"),
    ),
    Misconception(
        key="not-clamped",
        mutant=_not_clamped,
        says=Words(
            "You do not stop the sides of the overlap at 0. Two negative sides make a positive area.",
            "重疊的邊長沒有限制在 0 以上。兩個負的邊長相乘，會變成正的面積。",
        ),
        why=Words(
            "Boxes far apart would get a positive IoU, and boxes beside each other a negative one.",
            "離得很遠的框會得到正的 IoU，左右相鄰的框會得到負的 IoU。",
        ),
        hint=Words("max(..., 0) for each side, before the product.", "相乘之前，每個邊長都先取 max(..., 0)。"),
    ),
    Misconception(
        key="clamped-late",
        mutant=_clamped_late,
        says=Words(
            "You stop the overlap at 0 only after the product. Two negative sides have a positive product.",
            "你在相乘之後才限制在 0 以上。兩個負的邊長相乘已經是正的了。",
        ),
        why=Words(
            "Boxes that are apart in both directions would get a positive IoU.",
            "左右和上下都分開的框，會得到正的 IoU。",
        ),
        hint=Words("max(..., 0) for each side, before the product.", "相乘之前，每個邊長都先取 max(..., 0)。"),
    ),
    Misconception(
        key="sizes-only",
        mutant=_of_sizes,
        says=Words(
            "You compare sizes alone, as if both boxes had the same centre.",
            "你只比較大小，好像兩個框的中心點在同一個位置。",
        ),
        why=Words(
            "YOLOv2 chooses anchors so, but a confidence has to know where the box is.",
            "YOLOv2 選錨框時是這樣，但信心度必須知道框在哪裡。",
        ),
        hint=Words("The overlap begins at the larger of the two left sides.", "重疊從兩個左邊之中較大的那個開始。"),
    ),
    Misconception(
        key="plus-one",
        mutant=_plus_one,
        says=Words(
            "You add 1 to each side, as code of Pascal VOC does for corners that are pixel numbers.",
            "你把每個邊長都加了 1，這是 Pascal VOC 程式對「像素編號」的做法。",
        ),
        why=Words(
            "Here w and h are lengths. In fractions of the picture a 1 would be the whole picture.",
            "這裡的 w 和 h 是長度。如果單位是圖片的比例，1 就是整張圖片。",
        ),
        hint=Words("Leave out the + 1.", "拿掉 + 1。"),
    ),
)  # fmt: skip


def _case(a: tuple[float, ...], b: tuple[float, ...]) -> Case:
    return Case({"a": np.asarray(a, dtype=np.float64), "b": np.asarray(b, dtype=np.float64)})


def _divisible(case: Case) -> bool:
    """Whether those who forget a clamp still divide by something: then their number tells what is misunderstood."""
    a, b = case.arguments["a"], case.arguments["b"]
    across, down = _sides(a, b)
    return bool(a[2] * a[3] + b[2] * b[3] != across * down)


def _pixels(least: int) -> st.SearchStrategy[float]:
    return st.integers(least, 10).map(lambda tens: 10.0 * tens)


def _draw(case: Case) -> Figure:
    """The two boxes and their overlap, in pixels."""
    figure = Figure(figsize=(3.0, 3.0), layout="constrained")
    axes = figure.subplots()
    a, b = case.arguments["a"], case.arguments["b"]
    for name, box, colour, style in (("a", a, GREEN, "-"), ("b", b, BLUE, "--")):
        left, top = box[:2] - box[2:] / 2
        axes.add_patch(
            Rectangle((left, top), *box[2:], fill=False, edgecolor=colour, linewidth=2, linestyle=style)
        )
        axes.text(left + box[2] - 1, top + 1, name, color=colour, ha="right", va="top")
    across, down = _sides(a, b)
    if across > 0 and down > 0:
        corner = np.maximum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
        axes.add_patch(Rectangle(corner, across, down, facecolor=SKY, alpha=0.4))
    low = min((a[:2] - a[2:] / 2).min(), (b[:2] - b[2:] / 2).min()) - 5
    high = max((a[:2] + a[2:] / 2).max(), (b[:2] + b[2:] / 2).max()) + 5
    axes.set(xlim=(low, high), ylim=(high, low), aspect="equal")
    return figure


_box = st.tuples(_pixels(0), _pixels(0), _pixels(1), _pixels(1))

overlap = Exercise(
    key="iou",
    lesson=5,
    task=Words(
        "The IoU of two boxes, one number between 0 and 1. Each box: cx, cy, w, h in pixels, (cx, cy) its centre.",
        "兩個框的 IoU，回傳 0 到 1 之間的一個數字。每個框是 cx、cy、w、h，單位是像素，(cx, cy) 是中心點。",
    ),
    right=iou,
    cases=st.builds(_case, _box, _box).filter(_divisible),
    chosen=(
        _case((40, 40, 40, 60), (60, 50, 50, 40)),
        _case((50, 50, 80, 60), (40, 50, 30, 20)),
        _case((20, 20, 20, 30), (70, 70, 40, 20)),
        _case((20, 50, 20, 40), (80, 60, 40, 50)),
        _case((60, 50, 30, 50), (50, 60, 70, 30)),
        _case((50, 50, 40, 40), (50, 50, 40, 40)),
    ),
    misconceptions=_IOU,
    hints=Words(
        "The overlap is a box, too: it begins at the larger left side and ends at the smaller right side. Then "
        "overlap / (area + area - overlap).",
        "重疊的部分也是一個框：從較大的左邊開始，到較小的右邊結束。最後是 重疊 / (面積 + 面積 - 重疊)。",
    ),
    picture=_draw,
)
