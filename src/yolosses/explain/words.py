"""A loss in sentences, English and Traditional Chinese."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yolosses.explain.contributions import Contributions
from yolosses.explain.structures import ExplainedObject
from yolosses.language import Language

MOST_FAULTS = 3
LEAST_SHARE = 0.1  # of the loss of what the sentence speaks of: a smaller fault is not worth a word


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """What happened at one object, or at one predicted box that should predict nothing.

    Attributes:
        image: index in the batch.
        object: index in the image's targets, None for background.
        loss: the share of the total that it speaks of.
    """

    image: int
    object: int | None
    loss: float
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class _Texts:
    answers: str
    background: str
    dropped: str
    nobody: str
    ignored: str
    well: str
    beyond: str
    sides: dict[str, str]
    both: str
    fault: str
    comma: str
    low: dict[str, str]
    high: dict[str, str]
    class_low: str
    class_high: str


_SIDES = {"w": "width", "sqrt w": "width", "log w": "width"} | {
    "h": "height", "sqrt h": "height", "log h": "height"
}  # fmt: skip
_SIDES_ZH = {"w": "寬度", "sqrt w": "寬度", "log w": "寬度"} | {
    "h": "高度", "sqrt h": "高度", "log h": "高度"
}  # fmt: skip
_EDGES = {"left": "left edge", "top": "top edge", "right": "right edge", "bottom": "bottom edge"}
_EDGES_ZH = {"left": "左邊", "top": "上邊", "right": "右邊", "bottom": "下邊"}

_TEXTS: dict[Language, _Texts] = {
    "en": _Texts(
        answers='{place} is responsible for "{name}": IoU {iou}{faults}',
        background="{place} is responsible for nothing: {faults}",
        dropped='no box is responsible for "{name}": {place} is responsible for another object already',
        nobody='no box is responsible for "{name}", whose centre is in {place}',
        ignored='"{name}" is an ignored region: no box is responsible for it, none near it is punished',
        well=", nothing far off",
        beyond="{sides} beyond the reach of its bins",
        sides={"w": "width", "h": "height"},
        both=" and ",
        fault="{what}: {quantity}{pred}, should be {target}",
        comma=", ",
        low={"x": "centre too far left", "y": "centre too high", "confidence": "confidence too low"}
        | {element: f"{side} too small" for element, side in _SIDES.items()}
        | {element: f"{side} too near" for element, side in _EDGES.items()}
        | {"iou": "box fits badly"},
        high={"x": "centre too far right", "y": "centre too low", "confidence": "confidence too high"}
        | {element: f"{side} too large" for element, side in _SIDES.items()}
        | {element: f"{side} too far" for element, side in _EDGES.items()},
        class_low='too unsure of "{name}"',
        class_high='takes it for "{name}"',
    ),
    "zh-TW": _Texts(
        answers="{place}負責「{name}」：IoU {iou}{faults}",
        background="{place}不負責任何物件：{faults}",
        dropped="沒有預測框負責「{name}」：{place}已經負責另一個物件",
        nobody="沒有預測框負責「{name}」，它的中心在{place}",
        ignored="「{name}」是忽略區域：沒有預測框負責它，附近的預測框也不受罰",
        well="，沒有明顯偏差",
        beyond="{sides}超出它的分布所能表示的範圍",
        sides={"w": "寬度", "h": "高度"},
        both="與",
        fault="{what}：{quantity}{pred}，應為 {target}",
        comma="，",
        low={"x": "中心太偏左", "y": "中心太偏上", "confidence": "信心度太低"}
        | {element: f"{side}太小" for element, side in _SIDES_ZH.items()}
        | {element: f"{side}太近" for element, side in _EDGES_ZH.items()}
        | {"iou": "框不合"},
        high={"x": "中心太偏右", "y": "中心太偏下", "confidence": "信心度太高"}
        | {element: f"{side}太大" for element, side in _SIDES_ZH.items()}
        | {element: f"{side}太遠" for element, side in _EDGES_ZH.items()},
        class_low="對「{name}」太沒把握",
        class_high="誤認成「{name}」",
    ),
}


def place_in_words(
    level: int | None, row: int, col: int, box: int | None, *, language: Language = "en"
) -> str:
    """``cell (3,4) box 1``: row and column, then the box within the cell, all from 0. ``level``: None where the
    output has one level only; ``box``: None for the cell as a whole."""
    if language == "en":
        start = "" if level is None else f"level {level} "
        return f"{start}cell ({row},{col})" + ("" if box is None else f" box {box}")
    start = "" if level is None else f"第 {level} 層"
    return f"{start}格子 ({row},{col})" + (" " if box is None else f" 的框 {box} ")


def object_sentence(
    obj: ExplainedObject,
    rows: Contributions,
    element_names: tuple[tuple[str, ...] | None, ...],
    class_names: tuple[str, ...],
    *,
    language: Language,
) -> str:
    """What the box that is responsible for ``obj`` gets wrong; ``rows``: the contributions of this object."""
    texts = _TEXTS[language]
    place = place_in_words(obj.level, obj.row, obj.col, obj.box_in_cell, language=language)
    if obj.state != "answered":
        # Where there are several levels, a cell that is taken is not the only reason.
        unanswered = texts.dropped if obj.level is None else texts.nobody
        text = unanswered if obj.state == "dropped" else texts.ignored
        return text.format(name=obj.class_name, place=place)
    faults = _faults(rows, element_names, class_names, texts)
    if obj.out_of_reach:
        sides = texts.both.join(texts.sides[side] for side in obj.out_of_reach)
        faults.insert(0, texts.beyond.format(sides=sides))
    said = "".join(texts.comma + fault for fault in faults) if faults else texts.well
    return texts.answers.format(place=place, name=obj.class_name, iou=_number(obj.iou or 0.0), faults=said)


def background_sentence(
    place: str,
    rows: Contributions,
    element_names: tuple[tuple[str, ...] | None, ...],
    class_names: tuple[str, ...],
    *,
    language: Language,
) -> str:
    """What a box that is responsible for nothing gets wrong; ``rows``: its contributions."""
    texts = _TEXTS[language]
    faults = _faults(rows, element_names, class_names, texts)
    return texts.background.format(place=place, faults=texts.comma.join(faults))


def _faults(
    rows: Contributions,
    element_names: tuple[tuple[str, ...] | None, ...],
    class_names: tuple[str, ...],
    texts: _Texts,
) -> list[str]:
    value = rows.value
    order = np.argsort(-value, kind="stable")[:MOST_FAULTS]
    least = max(LEAST_SHARE * float(value.sum()), 1e-12)
    return [_fault(rows, int(i), element_names, class_names, texts) for i in order if value[i] >= least]


def _fault(
    rows: Contributions,
    i: int,
    element_names: tuple[tuple[str, ...] | None, ...],
    class_names: tuple[str, ...],
    texts: _Texts,
) -> str:
    names = element_names[rows.term[i]]
    pred, target = float(rows.pred[i]), float(rows.target[i])
    if names is None:
        element = class_names[rows.element[i]]
        what = (texts.class_low if pred < target else texts.class_high).format(name=element)
        element = "p"
    else:
        element = names[rows.element[i]]
        what = (texts.low if pred < target else texts.high).get(element, element)
    quantity = "" if element in ("confidence", "iou") else f"{element} "  # it is named already
    return texts.fault.format(what=what, quantity=quantity, pred=_number(pred), target=_number(target))


def _number(value: float) -> str:
    text = f"{value:.2f}" if 0.01 <= abs(value) < 1000 or value == 0 else f"{value:.2g}"
    return text.rstrip("0").rstrip(".") if text.endswith((".00", ".0")) else text
