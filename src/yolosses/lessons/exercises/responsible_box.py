"""Lesson 2, third and fourth exercise: the box that is responsible, and those that are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from yolosses.lessons.cases import Case, scene_of, scenes
from yolosses.lessons.exercise import Exercise, Misconception
from yolosses.lessons.scene import Array, Scene
from yolosses.lessons.words import Words


def responsible(boxes, confidence, truth):
    low = np.maximum(
        boxes[:, :2] - boxes[:, 2:] / 2, truth[:2] - truth[2:] / 2
    )  # left, top of the intersection
    high = np.minimum(boxes[:, :2] + boxes[:, 2:] / 2, truth[:2] + truth[2:] / 2)  # right, bottom
    intersection = np.maximum(high - low, 0).prod(1)
    union = boxes[:, 2:].prod(1) + truth[2:].prod() - intersection
    return np.argmax(intersection / union)


def _intersection(boxes: Array, truth: Array) -> Array:
    low = np.maximum(boxes[:, :2] - boxes[:, 2:] / 2, truth[:2] - truth[2:] / 2)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:] / 2, truth[:2] + truth[2:] / 2)
    overlap: Array = np.maximum(high - low, 0).prod(1)
    return overlap


def _iou(boxes: Array, truth: Array) -> Array:
    overlap = _intersection(boxes, truth)
    iou: Array = overlap / (boxes[:, 2:].prod(1) + truth[2:].prod() - overlap)
    return iou


def _case(scene: Scene) -> Case:
    cell = scene.objects[0].cell
    arguments = {"boxes": scene.placed[cell], "confidence": scene.confidence[cell], "truth": scene.truths[0]}
    return Case(arguments, scene)


def _clear(scene: Scene) -> bool:
    """One box fits clearly best: ties and boxes without overlap are left to rules that the paper does not give."""
    *_, second, best = np.sort(scene.iou[scene.objects[0].cell])
    return bool(best > 0.05 and best - second > 0.02)


def _sizes_alone(boxes: Array, confidence: Array, truth: Array) -> Any:
    centred = np.concatenate([np.broadcast_to(truth[:2], (len(boxes), 2)), boxes[:, 2:]], 1)
    return np.argmax(_iou(centred, truth))


_RESPONSIBLE = (
    Misconception(
        key="most-confident",
        mutant=lambda boxes, confidence, truth: np.argmax(confidence),
        says=Words(
            "You take the most confident box. The box with the highest IoU is responsible.",
            "你選了信心度最高的框。負責的是 IoU 最高的框。",
        ),
        why=Words(
            "A box that fits badly but is sure of itself would keep the object for ever.",
            "有自信但位置很差的框，會一直佔著這個物體。",
        ),
        hint=Words("The confidence does not go in at all.", "完全用不到信心度。"),
    ),
    Misconception(
        key="confidence-times-iou",
        mutant=lambda boxes, confidence, truth: np.argmax(confidence * _iou(boxes, truth)),
        says=Words(
            "You multiply the IoU by the confidence. The IoU alone decides.",
            "你把 IoU 乘上信心度了。只看 IoU。",
        ),
        why=Words(
            "A box that fits well but is not yet sure would never learn to be.",
            "位置很準但還沒自信的框，就永遠學不到自信。",
        ),
        hint=Words("The confidence does not go in at all.", "完全用不到信心度。"),
    ),
    Misconception(
        key="nearest-centre",
        mutant=lambda boxes, confidence, truth: np.argmin(((boxes[:, :2] - truth[:2]) ** 2).sum(1)),
        says=Words(
            "You take the box whose centre is nearest. The IoU also sees the size.",
            "你選了中心點最近的框。IoU 還會看大小。",
        ),
        why=Words(
            "With two boxes a cell one can learn wide objects and the other tall ones; the centre alone never tells "
            "them apart.",
            "一格兩個框，可以一個學寬的物體、一個學高的物體；只看中心點就分不出來。",
        ),
        hint=Words("Intersection over union, of each box with the truth.", "每個框都和真實框算交集除以聯集。"),
    ),
    Misconception(
        key="smallest-iou",
        mutant=lambda boxes, confidence, truth: np.argmin(_iou(boxes, truth)),
        says=Words("You take the box with the SMALLEST IoU.", "你選到 IoU「最小」的框。"),
        why=Words("The worst box would learn the object, and never keep it.", "最差的框來學這個物體，而且每次都換人。"),
        hint=Words("argmax, not argmin.", "用 argmax，不是 argmin。"),
    ),
    Misconception(
        key="intersection",
        mutant=lambda boxes, confidence, truth: np.argmax(_intersection(boxes, truth)),
        says=Words(
            "You compare intersections. IoU divides them by the union.",
            "你比較的是交集。IoU 還要除以聯集。",
        ),
        why=Words(
            "A box as large as the picture has the largest intersection with everything.",
            "一個和圖片一樣大的框，和任何物體的交集都是最大的。",
        ),
        hint=Words("Union: both areas minus the intersection.", "聯集：兩個面積相加，減掉交集。"),
    ),
    Misconception(
        key="largest",
        mutant=lambda boxes, confidence, truth: np.argmax(boxes[:, 2:].prod(1)),
        says=Words("You take the largest box.", "你選了最大的框。"),
        why=Words("Small objects would be learnt by large boxes.", "小物體就會由大框來學。"),
        hint=Words("Compare each box with the truth.", "每個框都要和真實框比較。"),
    ),
    Misconception(
        key="sizes-alone",
        mutant=_sizes_alone,
        says=Words(
            "You compare sizes alone, as if all boxes had the same centre. The IoU of YOLOv1 is that of "
            "boxes where they "
            "lie.",
            "你只比較大小，好像所有框的中心點都一樣。YOLOv1 的 IoU 要用框實際的位置算。",
        ),
        why=Words(
            "YOLOv2 and v3 choose their anchors like that; v1 has no anchors.",
            "YOLOv2 和 v3 是這樣選錨框的，v1 沒有錨框。",
        ),
        hint=Words("Use all four numbers of each box.", "每個框的四個數字都要用到。"),
    ),
    Misconception(
        key="corners-mistaken",
        mutant=lambda boxes, confidence, truth: np.argmax(_iou(_as_if_corner(boxes), _as_if_corner(truth))),
        says=Words(
            "You read cx, cy as the upper left corner. They are the centre.",
            "你把 cx、cy 當成左上角。它們是中心點。",
        ),
        why=Words(
            "Boxes of different sizes move by different amounts, and the IoU is that of other boxes.",
            "大小不同的框偏移量也不同，算出來的是別的框的 IoU。",
        ),
        hint=Words("left = cx - w / 2, right = cx + w / 2.", "左邊是 cx - w / 2，右邊是 cx + w / 2。"),
    ),
    Misconception(
        key="one-based",
        mutant=lambda boxes, confidence, truth: responsible(boxes, confidence, truth) + 1,
        says=Words("You count boxes from 1. The first box is box 0.", "你從 1 開始數框。第一個框是第 0 個。"),
        why=Words("The mask would mark the neighbour.", "遮罩會標到隔壁的框。"),
        hint=Words("Leave out the + 1.", "拿掉 + 1。"),
    ),
    Misconception(
        key="value",
        mutant=lambda boxes, confidence, truth: _iou(boxes, truth).max(),
        says=Words(
            "You return the highest IoU itself. Its index is asked.",
            "你回傳的是最高的 IoU。這裡要的是它的索引。",
        ),
        why=Words(
            "The index says which box learns; the IoU will be the target of its confidence (lesson 5).",
            "索引說明由哪個框來學；IoU 則會是信心度的目標（第 5 課）。",
        ),
        hint=Words("argmax, not max.", "用 argmax，不是 max。"),
    ),
)  # fmt: skip


def _as_if_corner(boxes: Array) -> Array:
    return np.concatenate([boxes[..., :2] + boxes[..., 2:] / 2, boxes[..., 2:]], -1)


def _clear_scene(seed: int, boxes: int) -> Case:
    return _case(scene_of(seed, grid=2, boxes=boxes, classes=1, objects=1))


exercise = Exercise(
    key="responsible",
    lesson=2,
    task=Words(
        "The index, from 0, of the box of one cell that is responsible for its object. boxes: (B, 4), "
        "predicted cx, cy, "
        "w, h, fractions of the picture; confidence: (B,); truth: (4,), the true cx, cy, w, h. No two boxes fit "
        "equally well, and at least one overlaps.",
        "一個格子裡，由第幾個框負責這個物體，回傳索引（從 0 開始）。boxes：形狀 (B, 4)，預測的 cx、cy、"
        "w、h，都是圖片的比例；"
        "confidence：形狀 (B,)；truth：形狀 (4,)，真實的 cx、cy、w、h。不會有兩個框一樣好，而且至少有一個框有重疊。",
    ),
    right=responsible,
    cases=scenes(grids=(1, 2), boxes=(2, 3), objects=(1, 1)).filter(_clear).map(_case),
    chosen=tuple(_clear_scene(seed, boxes) for seed, boxes in ((6, 3), (48, 3))),
    misconceptions=_RESPONSIBLE,
    hints=Words(
        "The IoU of each box with the truth, then the index of the largest.",
        "算每個框和真實框的 IoU，再找最大的那個的索引。",
    ),
)


def noobj_mask(obj):
    return 1 - obj


_NOOBJ = (
    Misconception(
        key="empty-cells",
        mutant=lambda obj: np.broadcast_to(1 - obj.max(1, keepdims=True), obj.shape),
        says=Words(
            "You mark the boxes of empty cells alone. In a cell with an object, the boxes that are not responsible are "
            "noobj, too.",
            "你只標了空格子的框。有物體的格子裡，不負責的框也是 noobj。",
        ),
        why=Words(
            "Nobody would teach those boxes to be quiet: one object is then reported twice.",
            "沒有人教那些框安靜，同一個物體就會被報兩次。",
        ),
        hint=Words("1noobj_ij has a j: it is about boxes, not about cells.", "1noobj_ij 有 j：它說的是框，不是格子。"),
    ),
    Misconception(
        key="all-boxes",
        mutant=lambda obj: np.ones_like(obj),
        says=Words(
            "You mark every box, the responsible ones too.",
            "你把每個框都標了，連負責的框也算進去。",
        ),
        why=Words(
            "The responsible box would be pulled to its IoU and to 0 at once.",
            "負責的框會同時被拉向 IoU 和 0。",
        ),
        hint=Words("A responsible box has 0 here.", "負責的框在這裡是 0。"),
    ),
    Misconception(
        key="obj-itself",
        mutant=lambda obj: obj,
        says=Words("That is 1obj_ij itself. 1noobj_ij is the opposite.", "這是 1obj_ij 本身。1noobj_ij 剛好相反。"),
        why=Words("The boxes with objects would learn to be quiet.", "有物體的框反而會學成沒有物體。"),
        hint=Words(
            "Where obj is 1, noobj is 0, and the other way round.",
            "obj 是 1 的地方 noobj 是 0，反過來也一樣。",
        ),
    ),
    Misconception(
        key="one-a-cell",
        mutant=lambda obj: 1 - obj.max(1),
        says=Words(
            "You return one number for each cell: that is 'cell is empty', 1 - 1obj_i. 1noobj_ij has one for each box.",
            "你每格只回傳一個數，那是「格子是空的」，也就是 1 - 1obj_i。1noobj_ij 是每個框一個數。",
        ),
        why=Words(
            "The other boxes of an object's cell are noobj as well, and each box of an empty cell counts.",
            "有物體的格子裡其他的框也是 noobj，而且空格子的每個框都要算。",
        ),
        hint=Words("The shape of the answer is that of obj.", "答案的形狀和 obj 一樣。"),
    ),
    Misconception(
        key="object-cells-alone",
        mutant=lambda obj: obj.max(1, keepdims=True) - obj,
        says=Words(
            "You mark the other boxes of object cells alone. All boxes of empty cells are noobj, too.",
            "你只標了有物體的格子裡其他的框。空格子的所有框也是 noobj。",
        ),
        why=Words(
            "Most boxes are in empty cells: untaught, they would report objects everywhere.",
            "大部分的框都在空格子裡，不教的話會到處亂報物體。",
        ),
        hint=Words("Every box that is not responsible.", "只要不負責，就是 noobj。"),
    ),
    Misconception(
        key="first-box",
        mutant=lambda obj: (np.arange(obj.shape[1]) == 0) * (1 - obj.max(1, keepdims=True)),
        says=Words(
            "You mark one box of each empty cell. All its boxes count.",
            "每個空格子你只標了一個框。它的所有框都要算。",
        ),
        why=Words("The second box of each cell would stay untaught.", "每格的第二個框就沒有人教。"),
        hint=Words("Every box that is not responsible.", "只要不負責，就是 noobj。"),
    ),
)  # fmt: skip


def _mask_case(scene: Scene) -> Case:
    return Case({"obj": scene.obj}, scene)


mask = Exercise(
    key="noobj_mask",
    lesson=2,
    task=Words(
        "1noobj_ij, (cells, boxes): 1 for each box that is responsible for nothing, else 0. obj: (cells, boxes), "
        "1obj_ij as 0.0 or 1.0.",
        "1noobj_ij，形狀 (格子, 框)：沒有負責任何物體的框是 1，其他是 0。obj：形狀 (格子, 框)，"
        "也就是 1obj_ij，值是 0.0 或 1.0。",
    ),
    right=noobj_mask,
    cases=scenes(boxes=(2, 3)).map(_mask_case),
    chosen=(
        _mask_case(scene_of(0, grid=2, boxes=2, classes=1, objects=1)),
        _mask_case(scene_of(1, grid=2, boxes=3, classes=1, objects=2)),
        _mask_case(scene_of(2, grid=3, boxes=2, classes=1, objects=3)),
        _mask_case(scene_of(4, grid=5, boxes=4, classes=1, objects=4)),
    ),
    misconceptions=_NOOBJ,
    hints=Words(
        "A box is either responsible or it is not.",
        "一個框不是負責，就是不負責。",
    ),
)
