"""Findings in sentences and measures in words, English and Traditional Chinese."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yolosses.language import Language
from yolosses.studies.ablation.findings import Finding, is_ordered
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.statistics import Difference, Interval
from yolosses.studies.ablation.structures import Level, StudyResults

MEASURE_NAMES: dict[Language, dict[str, str]] = {
    "en": {
        "map50": "mAP50",
        "map50_95": "mAP50:95",
        "voc07_map": "VOC07 mAP",
        "f1": "F1",
        "precision": "precision",
        "recall": "recall",
        "threshold": "score threshold",
        "mean_iou": "mean IoU of true positives",
        "centre_error": "centre error",
        "size_error": "size error",
        "covered": "objects covered by some box",
        "background_fp": "background detections a picture",
        "background_fp_fixed": "background detections a picture at score 0.25",
        "empty_confidence": "confidence in empty cells",
        "missed": "missed objects",
        "recall_fixed": "recall at score 0.25",
        "object_confidence": "confidence where an object is",
        "class_accuracy": "class accuracy",
        "calibration_error": "calibration error",
        "tide_classification": "cost of wrong classes",
        "tide_localisation": "cost of bad boxes",
        "tide_both": "cost of wrong classes with bad boxes",
        "tide_duplicate": "cost of duplicates",
        "tide_background": "cost of background detections",
        "tide_missed": "cost of missed objects",
        "top_correct": "top detections: correct",
        "top_localisation": "top detections: localisation",
        "top_similar": "top detections: similar class",
        "top_other": "top detections: other class",
        "top_background": "top detections: background",
    },
    "zh-TW": {
        "map50": "mAP50",
        "map50_95": "mAP50:95",
        "voc07_map": "VOC07 mAP",
        "f1": "F1",
        "precision": "精確率",
        "recall": "召回率",
        "threshold": "分數門檻",
        "mean_iou": "真陽性的平均 IoU",
        "centre_error": "中心誤差",
        "size_error": "寬高誤差",
        "covered": "有框覆蓋的物件",
        "background_fp": "每張影像的背景誤報",
        "background_fp_fixed": "分數 0.25 時每張影像的背景誤報",
        "empty_confidence": "空格子的信心度",
        "missed": "漏掉的物件",
        "recall_fixed": "分數 0.25 時的召回率",
        "object_confidence": "有物件處的信心度",
        "class_accuracy": "類別正確率",
        "calibration_error": "校準誤差",
        "tide_classification": "類別錯誤的代價",
        "tide_localisation": "定位錯誤的代價",
        "tide_both": "類別與定位都錯的代價",
        "tide_duplicate": "重複偵測的代價",
        "tide_background": "背景誤報的代價",
        "tide_missed": "漏掉物件的代價",
        "top_correct": "前幾名偵測：正確",
        "top_localisation": "前幾名偵測：定位錯誤",
        "top_similar": "前幾名偵測：相似類別",
        "top_other": "前幾名偵測：其他類別",
        "top_background": "前幾名偵測：背景",
    },
}
"""By language and name in `MEASURES`: as they stand in a sentence or at the head of a column."""

MEASURE_NOTES: dict[Language, dict[str, str]] = {
    "en": {
        "map50": "Mean average precision at IoU 0.5, as COCO computes it.",
        "map50_95": "Mean average precision over the IoU thresholds 0.5, 0.55, ... 0.95, as COCO computes it.",
        "voc07_map": "Mean average precision at IoU 0.5 by the eleven points of VOC 2007.",
        "f1": "Harmonic mean of precision and recall at IoU 0.5, at the score threshold where it is highest.",
        "precision": "Share of the detections that are right at IoU 0.5, at the score threshold with the best F1.",
        "recall": "Share of the objects that are found at IoU 0.5, at the score threshold with the best F1.",
        "threshold": "The score threshold with the best F1.",
        "mean_iou": "Mean IoU of the true positives with their objects, at the score threshold with the best F1.",
        "centre_error": "Distance between the centres of box and object over the root of the object's area, where a "
        "detection of its class meets the object with IoU of at least 0.1 at the threshold with the best F1: bad boxes "
        "count too.",
        "size_error": "Mean of |ln(w / w^)| and |ln(h / h^)|, box against object: 10 % is about a tenth too large or "
        "too small; where a detection of its class meets the object with IoU of at least 0.1 at the threshold with the "
        "best F1: bad boxes count too.",
        "covered": "Share of the objects with which some predicted box has IoU of at least 0.5, whatever its score and "
        "class.",
        "background_fp": "Detections a picture that meet no object (IoU below 0.1 with all), at the threshold with the "
        "best F1.",
        "background_fp_fixed": "Detections a picture with a score of at least 0.25 that meet no object (IoU below 0.1 "
        "with all).",
        "empty_confidence": "Mean confidence of the boxes of cells without an object.",
        "missed": "Share of the objects that no detection of any class meets (IoU of at least 0.1), at the threshold "
        "with the best F1.",
        "recall_fixed": "Share of the objects that are found at IoU 0.5 by detections with a score of at least 0.25.",
        "object_confidence": "Mean confidence of the boxes that are responsible for an object.",
        "class_accuracy": "Of the detections with IoU of at least 0.5 with some object, the share that have its class, "
        "at the threshold with the best F1.",
        "calibration_error": "Mean distance between score and IoU over ten equal parts of the scores, weighted by how "
        "many detections each has.",
        "tide_classification": "How much AP50 rises (TIDE) when boxes in the right place with the wrong class are "
        "mended.",
        "tide_localisation": "How much AP50 rises (TIDE) when boxes of the right class in a bad place are mended.",
        "tide_both": "How much AP50 rises (TIDE) when boxes with the wrong class in a bad place are mended.",
        "tide_duplicate": "How much AP50 rises (TIDE) when second boxes on an object that is found are removed.",
        "tide_background": "How much AP50 rises (TIDE) when boxes that meet no object are removed.",
        "tide_missed": "How much AP50 rises (TIDE) when objects that no box finds are left out.",
        "top_correct": "Share of the top detections (of each class as many as it has objects) that are right.",
        "top_localisation": "Share of the top detections with the right class in a bad place.",
        "top_similar": "Share of the top detections that meet an object of a similar class.",
        "top_other": "Share of the top detections that meet an object of another class.",
        "top_background": "Share of the top detections that meet no object.",
    },
    "zh-TW": {
        "map50": "IoU 0.5 的平均精確率均值，照 COCO 的算法。",
        "map50_95": "IoU 門檻 0.5、0.55……0.95 的平均精確率均值，照 COCO 的算法。",
        "voc07_map": "IoU 0.5 的平均精確率均值，照 VOC 2007 的十一點算法。",
        "f1": "IoU 0.5 的精確率與召回率的調和平均，取最高時的分數門檻。",
        "precision": "偵測結果中正確的比例（IoU 0.5），取 F1 最佳的分數門檻。",
        "recall": "物件中被找到的比例（IoU 0.5），取 F1 最佳的分數門檻。",
        "threshold": "F1 最佳的分數門檻。",
        "mean_iou": "真陽性的邊界框與其物件的平均交並比 IoU，取 F1 最佳的分數門檻。",
        "centre_error": "邊界框與物件的中心距離，除以物件面積的平方根；取 F1 最佳的分數門檻下，"
        "有同類別的偵測結果以 IoU 至少 0.1 碰到的物件，所以框得不準的也算在內。",
        "size_error": "框與物件的 |ln(w / w^)| 與 |ln(h / h^)| 的平均：10 % 約為大了或小了一成；"
        "取 F1 最佳的分數門檻下，有同類別的偵測結果以 IoU 至少 0.1 碰到的物件，所以框得不準的也算在內。",
        "covered": "物件中有某個預測框與它的 IoU 至少 0.5 的比例，不管框的分數與類別。",
        "background_fp": "每張影像中沒有碰到任何物件（與所有物件的 IoU 都小於 0.1）的偵測結果數，"
        "取 F1 最佳的分數門檻。",
        "background_fp_fixed": "每張影像中分數至少 0.25、卻沒有碰到任何物件"
        "（與所有物件的 IoU 都小於 0.1）的偵測結果數。",
        "empty_confidence": "沒有物件的格子，其預測框的平均信心度。",
        "missed": "物件中沒有被任何類別的偵測結果碰到（IoU 至少 0.1）的比例，取 F1 最佳的分數門檻。",
        "recall_fixed": "物件中被分數至少 0.25 的偵測結果找到的比例（IoU 0.5）。",
        "object_confidence": "負責物件的預測框的平均信心度。",
        "class_accuracy": "與某個物件 IoU 至少 0.5 的偵測結果中，類別也正確的比例，取 F1 最佳的分數門檻。",
        "calibration_error": "把分數分成十等分，各段的分數與 IoU 的平均差距，按偵測結果數加權。",
        "tide_classification": "若只修正位置正確但類別錯誤的框，AP50 會提高多少（TIDE）。",
        "tide_localisation": "若只修正類別正確但位置不準的框，AP50 會提高多少（TIDE）。",
        "tide_both": "若只修正類別錯誤且位置不準的框，AP50 會提高多少（TIDE）。",
        "tide_duplicate": "若去掉已找到的物件上多餘的框，AP50 會提高多少（TIDE）。",
        "tide_background": "若去掉沒有碰到任何物件的框，AP50 會提高多少（TIDE）。",
        "tide_missed": "若不計沒有任何框找到的物件，AP50 會提高多少（TIDE）。",
        "top_correct": "前幾名偵測結果（每個類別有幾個物件就取幾個）中正確的比例。",
        "top_localisation": "前幾名偵測結果中類別正確但位置不準的比例。",
        "top_similar": "前幾名偵測結果中碰到相似類別物件的比例。",
        "top_other": "前幾名偵測結果中碰到其他類別物件的比例。",
        "top_background": "前幾名偵測結果中沒有碰到任何物件的比例。",
    },
}
"""What each measure is, in one line."""


@dataclass(frozen=True, kw_only=True)
class _Texts:
    """``{...}`` are filled in below."""

    comma: str
    last: str
    interval: str
    up: str
    down: str
    ordered: dict[str, str]
    unordered: dict[str, str]
    left_out: Callable[[int], str]
    points: str
    still: str
    still_change: str
    unsure: str
    also_unsure: str
    identical: str
    best: str
    best_own: str
    own: str
    other: str
    told: str
    untold: str
    peak: str
    lost: dict[str, str]
    lost_measure: str
    undefined: str
    undefined_measure: str
    no_statement: str
    one_seed: str
    no_pairs: str


def _left_out(count: int) -> str:
    return f" ({count} {'run' if count == 1 else 'runs'} without a value left out)"


_TEXTS: dict[Language, _Texts] = {
    "en": _Texts(
        comma=", ",
        last=", and ",
        interval="{mean} [{low}, {high}]",
        up="{name} from {start} to {end}{left_out}",
        down="{name} from {start} to {end}{left_out}",
        ordered={
            "raises": "Raising {parameter} from {start} to {end} raises {changes}.",
            "lowers": "Raising {parameter} from {start} to {end} lowers {changes}.",
        },
        unordered={
            "raises": "{parameter} = {end} instead of {start} raises {changes}.",
            "lowers": "{parameter} = {end} instead of {start} lowers {changes}.",
        },
        left_out=_left_out,
        points="points",
        still="No difference seen between {parameter} = {start} and {end} in {names}.",
        still_change="{name} (change {change})",
        unsure="Between {parameter} = {start} and {end}, not clear beyond chance among so many comparisons: {unsure}.",
        also_unsure="No difference seen between {parameter} = {start} and {end} in {names}; not clear beyond chance "
        "among so many comparisons: {unsure}.",
        identical="No difference between {parameter} = {start} and {end}: with the same seed their results are "
        "identical.",
        best="Of the values of {parameter}, {best} has the best {name}, {value}; {against} has {against_value}, "
        "{told}.",
        best_own="Of the values of {parameter}, the loss's own, {best}, has the best {name}, {value}; {against} has "
        "{against_value}, {told}.",
        own="the loss's own value, {level},",
        other="the next best, {level},",
        told="a clear difference",
        untold="no clear difference",
        peak="{name} peaks at {parameter} = {best} with {value}, clearly above {low} at {lowest} and {high} at "
        "{highest}; {against} has {against_value}, {told}.",
        lost={
            "localisation": "With {parameter} = {level} the detector is unable to localise: {measures}.",
            "background": "With {parameter} = {level} the detector takes empty cells for objects: {measures}.",
            "objects": "With {parameter} = {level} the detector hardly finds objects: {measures}.",
            "classes": "With {parameter} = {level} the detector cannot tell the classes apart: {measures}.",
        },
        lost_measure="{name} = {value} (with {best}: {best_value})",
        undefined="Between {parameter} = {start} and {end} nothing can be said of {names}.",
        undefined_measure="{name} ({count} of {runs} runs without a value)",
        no_statement="{parameter}: no statement, {reason}.",
        one_seed="with one seed a difference cannot be told from chance",
        no_pairs="no runs of two seeds differ in this parameter alone",
    ),
    "zh-TW": _Texts(
        comma="、",
        last="、",
        interval="{mean} [{low}, {high}]",
        up="{name}從 {start} 升到 {end}{left_out}",
        down="{name}從 {start} 降到 {end}{left_out}",
        ordered={
            "raises": "將 {parameter} 從 {start} 提高到 {end}，{changes}。",
            "lowers": "將 {parameter} 從 {start} 提高到 {end}，{changes}。",
        },
        unordered={
            "raises": "{parameter} 用 {end} 而不用 {start}，{changes}。",
            "lowers": "{parameter} 用 {end} 而不用 {start}，{changes}。",
        },
        left_out=lambda count: f"（未計沒有數值的 {count} 次訓練）",
        points="個百分點",
        still="{parameter} = {start} 與 {end} 之間，看不出下列指標有差異：{names}。",
        still_change="{name}（差 {change}）",
        unsure="{parameter} = {start} 與 {end} 之間，下列差異在這麼多項比較中可能只是偶然：{unsure}。",
        also_unsure="{parameter} = {start} 與 {end} 之間，看不出下列指標有差異：{names}；"
        "下列差異在這麼多項比較中可能只是偶然：{unsure}。",
        identical="{parameter} = {start} 與 {end} 沒有差異：隨機種子相同時，結果完全一樣。",
        best="{parameter} 的各個值中，{best} 的{name}最好，為 {value}；{against}為 {against_value}，{told}。",
        best_own="{parameter} 的各個值中，損失函數的預設值 {best} 的{name}最好，為 {value}；{against}為 "
        "{against_value}，{told}。",
        own="損失函數的預設值 {level} ",
        other="次佳的 {level} ",
        told="差異明確",
        untold="看不出明確的差異",
        peak="{name}在 {parameter} = {best} 達到高峰 {value}，明確優於 {lowest} 的 {low} 與 {highest} 的 {high}；"
        "{against}為 {against_value}，{told}。",
        lost={
            "localisation": "{parameter} = {level} 時，偵測器無法定位：{measures}。",
            "background": "{parameter} = {level} 時，偵測器把空格子當成物件：{measures}。",
            "objects": "{parameter} = {level} 時，偵測器幾乎找不到物件：{measures}。",
            "classes": "{parameter} = {level} 時，偵測器分不出類別：{measures}。",
        },
        lost_measure="{name} = {value}（{best} 時為 {best_value}）",
        undefined="{parameter} = {start} 與 {end} 之間，無法比較{names}。",
        undefined_measure="{name}（{runs} 次訓練中有 {count} 次沒有數值）",
        no_statement="{parameter}：無法下結論，{reason}。",
        one_seed="因為只有一個隨機種子，無法分辨差異與偶然",
        no_pairs="因為沒有兩個隨機種子以上、且只差在這個參數的訓練",
    ),
}


def sentence(finding: Finding, study: StudyResults, language: Language = "en") -> str:
    """A finding in one sentence of plain text, numbers with their 95 % intervals in brackets."""
    texts, names = _TEXTS[language], MEASURE_NAMES[language]
    match finding.kind:
        case "raises" | "lowers":
            text = _moved(finding, study, texts, names)
        case "no_difference":
            text = _still(finding, texts, names)
        case "best":
            text = _best(finding, study, texts, names)
        case "unable":
            text = _lost(finding, texts, names)
        case "no_statement":
            text = _nothing(finding, study, texts, names)
    return _spaced(text)


def level_name(level: Level | None) -> str:
    """A parameter's value: 5, 0.05, squared_error, true."""
    if isinstance(level, bool):
        return str(level).lower()
    return f"{level:g}" if isinstance(level, (int, float)) else str(level)


def format_value(measure: str, value: float) -> str:
    """A value of a measure: "61.3 %", "0.42". Small ones have more digits; what is not a number is a dash."""
    return _formatted(measure, value, _digits(measure, value))


def format_interval(measure: str, interval: Interval, language: Language = "en") -> str:
    """Mean and interval with the same digits, "61.3 % [60.1, 62.4]"; the mean alone where there is no interval."""
    if not interval.known:
        return format_value(measure, interval.mean)
    digits = _digits(measure, interval.mean)
    low, high = (_formatted(measure, end, digits).removesuffix(" %") for end in (interval.low, interval.high))
    return _TEXTS[language].interval.format(
        mean=_formatted(measure, interval.mean, digits), low=low, high=high
    )


def _digits(measure: str, value: float) -> int:
    """After the point."""
    if MEASURES[measure].percent:
        return 2 if 0 < abs(value) < 0.01 else 1
    return 1 if abs(value) >= 10 else 2


def _formatted(measure: str, value: float, digits: int, *, signed: bool = False) -> str:
    if not math.isfinite(value):
        return "–"
    percent = MEASURES[measure].percent
    shown = round(value * (100 if percent else 1), digits) or 0.0  # never -0.0
    number = f"{shown:+.{digits}f}" if signed else f"{shown:.{digits}f}"
    return number.replace("-", "−") + (" %" if percent else "")


def _moved(finding: Finding, study: StudyResults, texts: _Texts, names: dict[str, str]) -> str:
    template = texts.ordered if is_ordered(study.parameters[finding.parameter]) else texts.unordered
    change = texts.up if finding.kind == "raises" else texts.down
    changes = [
        change.format(
            name=names[measure],
            start=format_interval(measure, difference.start),
            end=format_interval(measure, difference.end),
            left_out=_without(difference, texts),
        )
        for measure, difference in zip(finding.measures, finding.differences, strict=True)
    ]
    return template[finding.kind].format(
        parameter=finding.parameter,
        start=level_name(finding.start),
        end=level_name(finding.end),
        changes=_joined(changes, texts),
    )


def _still(finding: Finding, texts: _Texts, names: dict[str, str]) -> str:
    words = {
        "parameter": finding.parameter,
        "start": level_name(finding.start),
        "end": level_name(finding.end),
    }
    if all(difference.identical for difference in finding.differences):
        return texts.identical.format(**words)
    still, unsure = [], []
    for measure, difference in zip(finding.measures, finding.differences, strict=True):
        changed = texts.still_change.format(name=names[measure], change=_change(measure, difference, texts))
        if difference.clear:
            unsure.append(changed)
        else:
            still.append(changed if MEASURES[measure].ability == "score" else names[measure])
    template = texts.still if not unsure else texts.also_unsure if still else texts.unsure
    return template.format(**words, names=_joined(still, texts), unsure=_joined(unsure, texts))


def _nothing(finding: Finding, study: StudyResults, texts: _Texts, names: dict[str, str]) -> str:
    if not finding.measures:
        reason = texts.one_seed if len({result.seed for result in study.results}) < 2 else texts.no_pairs
        return texts.no_statement.format(parameter=finding.parameter, reason=reason)
    runs = [run for run in study.results if run.setting[finding.parameter] in (finding.start, finding.end)]
    undefined = [
        texts.undefined_measure.format(
            name=names[measure],
            count=sum(run.measures.get(measure) is None for run in runs),
            runs=len(runs),
        )
        for measure in finding.measures
    ]
    return texts.undefined.format(
        parameter=finding.parameter,
        start=level_name(finding.start),
        end=level_name(finding.end),
        names=_joined(undefined, texts),
    )


def _best(finding: Finding, study: StudyResults, texts: _Texts, names: dict[str, str]) -> str:
    assert finding.measure is not None
    assert finding.difference is not None
    measure, difference = finding.measure, finding.difference
    own = study.defaults.get(finding.parameter)
    against = texts.own if finding.start == own else texts.other
    words = {
        "parameter": finding.parameter,
        "name": names[measure],
        "best": level_name(finding.end),
        "value": format_interval(measure, difference.end),
        "against": against.format(level=level_name(finding.start)),
        "against_value": format_interval(measure, difference.start),
        "told": texts.told if finding.clear else texts.untold,
    }
    if not finding.ends:
        return (texts.best_own if finding.end == own else texts.best).format(**words)
    levels = [float(level) for level in study.parameters[finding.parameter]]
    low, high = (format_interval(measure, end.start) for end in finding.ends)
    return texts.peak.format(
        **words, low=low, high=high, lowest=level_name(min(levels)), highest=level_name(max(levels))
    )


def _lost(finding: Finding, texts: _Texts, names: dict[str, str]) -> str:
    assert finding.ability is not None
    measures = [
        texts.lost_measure.format(
            name=names[measure],
            value=format_interval(measure, difference.end),
            best_value=format_interval(measure, difference.start),
            best=level_name(finding.start),
        )
        for measure, difference in zip(finding.measures, finding.differences, strict=True)
    ]
    return texts.lost[finding.ability].format(
        parameter=finding.parameter, level=level_name(finding.end), measures=_joined(measures, texts)
    )


def _change(measure: str, difference: Difference, texts: _Texts) -> str:
    """ "+0.4 [−1.1, +1.9] points" of percentages."""
    change = difference.change
    digits = 1 if MEASURES[measure].percent else 2
    mean, low, high = (
        _formatted(measure, value, digits, signed=True).removesuffix(" %")
        for value in (change.mean, change.low, change.high)
    )
    shown = texts.interval.format(mean=mean, low=low, high=high)
    return f"{shown} {texts.points}" if MEASURES[measure].percent else shown


def _without(difference: Difference, texts: _Texts) -> str:
    """How many runs at the two values have no value of the measure."""
    count = difference.start.left_out + difference.end.left_out
    return texts.left_out(count) if count else ""


def _spaced(text: str) -> str:
    """With a space between Chinese and Latin letters or digits, as is usual in Taiwan."""
    text = re.sub(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])", " ", text)
    return re.sub(r"(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])", " ", text)


def _joined(parts: Sequence[str], texts: _Texts) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return texts.comma.join(parts[:-1]) + texts.last + parts[-1]
