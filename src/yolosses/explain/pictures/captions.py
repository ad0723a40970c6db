"""The words and numbers in the pictures, English and Traditional Chinese."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from yolosses.language import Language, require_language


@dataclass(frozen=True, kw_only=True)
class Captions:
    """What is written in the pictures; ``{...}`` are filled in where they are drawn."""

    titled: str
    loss: str
    comma: str
    all_terms: str
    not_finite: str

    counts: str
    dropped_count: str
    ignored_count: str
    mean_iou: str
    truth: str
    plain_truth: str
    pulled: str
    answering: str
    others: str
    all_others: str
    dropped: str
    dropped_tag: str
    ignored: str
    ignored_tag: str
    several: str
    undrawable: str

    maps: str
    maps_note: str
    map_title: str
    worst_cell: str
    level: str
    empty_map: str

    bars: str
    bars_of: str
    before: str
    after: str
    bar: str
    bars_axis: str
    of_batch: str

    pull: str
    pull_note: str
    centre_pull: str
    size_pull: str
    rise: str
    fall: str
    too_weak: str
    outside: str
    no_pull: str

    batch: str
    batch_note: str
    batch_axis: str
    ranking: str
    row: str

    terms: dict[str, str]
    later_terms: dict[str, str]
    heads: dict[str, str]

    def term(self, name: str, among: Collection[str]) -> str:
        """A term as people know it, ``among`` all terms of its loss: numbered as in YOLOv1's formula where the loss
        tells boxes with an object from those without, as YOLOv1 to v4 do. Unknown terms are shown by their own name."""
        head, kind = head_and_kind(name, among)
        if head in self.heads:
            return self.heads[head].format(term=self.later_terms.get(kind, kind))
        return (self.terms if "noobj" in among else self.later_terms).get(kind, name)


_CAPTIONS: dict[Language, Captions] = {
    "en": Captions(
        titled="{title}: {name}",
        loss="loss {loss}",
        comma=", ",
        all_terms="all terms",
        not_finite="not finite",
        counts="objects: {objects}, assigned: {answered}",
        dropped_count="dropped: {count}",
        ignored_count="ignored: {count}",
        mean_iou="mean IoU {iou}",
        truth="truth, with its class",
        plain_truth="truth",
        pulled="box whose place or size the loss pulls",
        answering="box that is responsible for it, with its IoU",
        others="the {shown} surest of {count} other boxes: the surer, the stronger",
        all_others="other boxes: the surer, the stronger",
        dropped="dropped: its cell is responsible for another object",
        dropped_tag="{name}: dropped",
        ignored="ignored region: asks for no box, and none is punished",
        ignored_tag="{name}: ignored",
        several="IoU up to {iou}, {count} boxes",
        undrawable="predicted boxes that are not finite and cannot be drawn: {count}",
        maps="where in the picture the loss comes from",
        maps_note="weighted; every map has its own scale; cells are (row, column), counted from 0",
        map_title="{term}: {value} ({share})",
        worst_cell="most in cell ({row},{col}): {value}",
        level="level {level}",
        empty_map="no cell adds to it",
        bars="what the lambdas do to the terms",
        bars_of="total {total}: the sum of the filled bars",
        before="before its lambda",
        after="after its lambda: what the optimiser sees",
        bar="× {scale} = {value} ({share})",
        bars_axis="loss",
        of_batch="{share} of the loss of the batch, {total}",
        pull="where the loss pulls the boxes",
        pull_note="longer and thicker: stronger; in proportion within each kind",
        centre_pull="centre: longest arrow = {strength} (loss per picture side)",
        size_pull="size, outwards to grow, inwards to shrink: longest arrow = {strength} (loss per picture side)",
        rise="confidence should rise: largest = {strength} (loss per 1 of confidence)",
        fall="confidence should fall: largest = {strength} (loss per 1 of confidence)",
        too_weak="left out, with less than {share} of the largest pull on a confidence: {count}",
        outside="left out, with their centre outside the picture: {count}",
        no_pull="the loss pulls at no box",
        batch="the pictures of the batch, worst first",
        batch_note="pictures: {count}, loss {loss}",
        batch_axis="share of each picture in the loss",
        ranking="all {count} pictures by rank; below, the worst {shown}",
        row="{name}: {loss} ({share})",
        terms={
            "xy": "1 centre (xy)",
            "wh": "2 size (wh)",
            "obj": "3-1 confidence, object",
            "noobj": "3-2 confidence, no object",
            "cls": "4 class",
            "box": "1+2 box overlap",
            "prior": "pull to the anchors",
        },
        later_terms={
            "box": "box overlap",
            "objectness": "objectness",
            "cls": "class",
            "dfl": "sides, as distributions",
            "l1": "sides, as distances",
        },
        heads={"o2o": "{term}, one-to-one head", "o2m": "{term}, one-to-many head"},
    ),
    "zh-TW": Captions(
        titled="{title}：{name}",
        loss="損失 {loss}",
        comma="，",
        all_terms="全部的項",
        not_finite="不是有限的數",
        counts="{objects} 個物件，{answered} 個有預測框負責",
        dropped_count="{count} 個沒有預測框負責",
        ignored_count="{count} 個忽略",
        mean_iou="平均 IoU {iou}",
        truth="真實框與它的類別",
        plain_truth="真實框",
        pulled="位置或大小受到拉力的預測框",
        answering="負責它的預測框與 IoU",
        others="其餘 {count} 個預測框中信心度最高的 {shown} 個，越有信心線越深",
        all_others="其餘的預測框，越有信心線越深",
        dropped="被捨棄：它的格子已負責另一個物件",
        dropped_tag="{name}：被捨棄",
        ignored="忽略區域：不需要預測框，也不處罰預測框",
        ignored_tag="{name}：忽略",
        several="IoU 最高 {iou}，{count} 個預測框",
        undrawable="有 {count} 個預測框的數值不是有限的數，畫不出來",
        maps="損失來自影像的哪些地方",
        maps_note="乘上權重之後；每張圖有自己的色階；格子為（列, 行），從 0 起算",
        map_title="{term}：{value}（{share}）",
        worst_cell="貢獻最多的格子 ({row},{col})：{value}",
        level="第 {level} 層",
        empty_map="沒有格子貢獻這一項",
        bars="lambda 對各項的作用",
        bars_of="總損失 {total}：實心長條的總和",
        before="乘上 lambda 之前",
        after="乘上 lambda 之後：最佳化器看到的值",
        bar="× {scale} = {value}（{share}）",
        bars_axis="損失",
        of_batch="佔整批損失 {total} 的 {share}",
        pull="損失把預測框拉向哪裡",
        pull_note="越長、越粗表示越強；同一種記號之間成比例",
        centre_pull="中心點：最長的箭頭 = {strength}（每移動一個影像邊長的損失變化）",
        size_pull="大小，向外變大，向內變小：最長的箭頭 = {strength}（每改變一個影像邊長的損失變化）",
        rise="信心度應該提高：最大的三角形 = {strength}（信心度每改變 1 的損失變化）",
        fall="信心度應該降低：最大的三角形 = {strength}（信心度每改變 1 的損失變化）",
        too_weak="有 {count} 個信心度的拉力不到最大的 {share}，沒有畫出",
        outside="有 {count} 個受拉力的預測框中心點在影像之外，沒有畫出",
        no_pull="損失沒有拉動任何預測框",
        batch="這一批影像，損失最大的在前",
        batch_note="{count} 張影像，損失 {loss}",
        batch_axis="每張影像在損失中的份量",
        ranking="全部 {count} 張影像依損失排列；下面是損失最大的 {shown} 張",
        row="{name}：{loss}（{share}）",
        terms={
            "xy": "1 中心點 (xy)",
            "wh": "2 寬與高 (wh)",
            "obj": "3-1 有物件的信心度",
            "noobj": "3-2 沒有物件的信心度",
            "cls": "4 類別",
            "box": "1+2 預測框的重疊",
            "prior": "拉向錨框",
        },
        later_terms={
            "box": "預測框的重疊",
            "objectness": "有沒有物件",
            "cls": "類別",
            "dfl": "四邊的距離分布",
            "l1": "四邊的距離",
        },
        heads={"o2o": "{term}，一對一", "o2m": "{term}，一對多"},
    ),
}


def head_and_kind(name: str, among: Collection[str]) -> tuple[str, str]:
    """The head that a term belongs to ("" where there is one), and what it measures: its name without the head, and
    "objectness" for a confidence term that covers all boxes, those without an object too."""
    head, _, kind = name.rpartition("_")
    return head, "objectness" if kind == "obj" and "noobj" not in among else kind


def captions(language: Language) -> Captions:
    """The words of ``language``. Raises ``ValueError`` for one that there are no words for."""
    require_language(language)
    return _CAPTIONS[language]


def number(value: float) -> str:
    """Three significant digits, as people write them: 1,234; 12.3; 0.0123; 1.2e-05."""
    size = abs(value)
    if not np.isfinite(value):
        return str(float(value))
    if size == 0:
        return "0"
    if size < 0.0001:
        return f"{value:.1e}"
    decimals = max(0, 2 - int(np.floor(np.log10(size))))
    return f"{value:,.{decimals}f}"


def percent(part: float, whole: float) -> str:
    """``part`` of ``whole``, or a dash where there is no such share."""
    if not (np.isfinite(part) and np.isfinite(whole)) or whole == 0:
        return "–"
    share = 100 * part / whole
    return f"{share:.1f} %" if 0 < share < 1 else f"{share:.0f} %"
