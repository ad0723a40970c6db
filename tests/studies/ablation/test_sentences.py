"""Findings in words: what is said, with which numbers, in both languages."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from tests.studies.ablation.synthetic import flat, synthetic

from yolosses.language import LANGUAGES, Language
from yolosses.studies.ablation.findings import Finding, Kind, findings
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import (
    format_interval,
    format_value,
    level_name,
    measure_name,
    measure_note,
    sentence,
)
from yolosses.studies.ablation.statistics import Difference, Interval
from yolosses.studies.ablation.structures import Setting, StudyResults


def interval(mean: float, half: float, *, left_out: int = 0) -> Interval:
    return Interval(mean=mean, low=mean - half, high=mean + half, count=3, left_out=left_out)


def change(start: float, end: float, half: float = 0.01, *, left_out: int = 0) -> Difference:
    return Difference(
        start=interval(start, half),
        end=interval(end, half, left_out=left_out),
        change=interval(end - start, half),
        p=0.001,
    )


@pytest.fixture
def study() -> StudyResults:
    return synthetic()


# ------------------------------------------------------------ words for measures


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", [measure_name, measure_note])
def test_every_measure_has_words(words: Callable[[str, Language], str], language: Language) -> None:
    said = [words(name, language) for name in MEASURES]
    assert len(set(said)) == len(MEASURES)
    assert all(text.strip() == text and text for text in said)


def test_notes_are_sentences_in_their_language() -> None:
    for name in MEASURES:
        assert measure_note(name, "en").endswith(".")
        assert measure_note(name, "en").isascii()
        assert measure_note(name, "zh-TW").endswith("。")
        assert re.search(r"[\u4e00-\u9fff]", measure_note(name, "zh-TW"))
    # Words of Taiwan, and none of the mainland.
    written = "".join(words(name, "zh-TW") for name in MEASURES for words in (measure_name, measure_note))
    for word in ("交並比", "信心度", "召回率", "精確率", "邊界框", "背景誤報", "寬高", "中心", "格子"):
        assert word in written
    for word in ("置信", "網络", "圖像", "檢測", "查準", "函数", "图"):
        assert word not in written


# ------------------------------------------------------------ numbers


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("map50", 0.6134, "61.3 %"),
        ("map50", 0.0, "0.0 %"),
        ("map50", 1.0, "100.0 %"),
        ("empty_confidence", 0.0042, "0.42 %"),
        ("tide_background", -0.02, "−2.0 %"),
        ("map50", -1e-9, "0.00 %"),
        ("background_fp", 0.4249, "0.42"),
        ("background_fp", 23.42, "23.4"),
        ("threshold", 0.315, "0.32"),
        ("mean_iou", math.nan, "–"),
    ],
)
def test_values(measure: str, value: float, text: str) -> None:
    assert format_value(measure, value) == text


def test_intervals() -> None:
    assert format_interval("map50", interval(0.613, 0.012)) == "61.3 % [60.1, 62.5]"
    assert format_interval("background_fp", interval(9.99, 0.5)) == "9.99 [9.49, 10.49]"
    assert format_interval("map50", Interval(mean=0.5, low=math.nan, high=math.nan, count=1)) == "50.0 %"


def test_levels() -> None:
    assert [level_name(level) for level in (5.0, 5, 0.05, "sqrt", True, 1e-5)] == [
        "5",
        "5",
        "0.05",
        "sqrt",
        "true",
        "1e-05",
    ]


# ------------------------------------------------------------ sentences


def test_a_clear_change_in_full(study: StudyResults) -> None:
    finding = Finding(
        kind="lowers",
        parameter="lambda_noobj",
        start=0.1,
        end=1,
        measures=("background_fp_fixed", "recall"),
        differences=(change(1.42, 0.31, 0.06), change(0.912, 0.84)),
        ability="background",
        clear=True,
    )
    assert sentence(finding, study, "en") == (
        "Raising lambda_noobj from 0.1 to 1 lowers background detections a picture at score 0.25 from 1.42 "
        "[1.36, 1.48] to 0.31 [0.25, 0.37], and recall from 91.2 % [90.2, 92.2] to 84.0 % [83.0, 85.0]."
    )
    assert sentence(finding, study, "zh-TW") == (
        "將 lambda_noobj 從 0.1 提高到 1，分數 0.25 時每張影像的背景誤報從 1.42 [1.36, 1.48] 降到 0.31 [0.25, 0.37]、"
        "召回率從 91.2 % [90.2, 92.2] 降到 84.0 % [83.0, 85.0]。"
    )


def test_a_change_between_words_and_what_is_left_out() -> None:
    study = synthetic(lambdas={"size_term": ("sqrt", "linear")})
    finding = Finding(
        kind="raises",
        parameter="size_term",
        start="sqrt",
        end="linear",
        measures=("mean_iou",),
        differences=(change(0.6, 0.7, left_out=2),),
        ability="localisation",
        clear=True,
    )
    assert sentence(finding, study) == (
        "size_term = linear instead of sqrt raises mean IoU of true positives from 60.0 % [59.0, 61.0] to "
        "70.0 % [69.0, 71.0] (2 runs without a value left out)."
    )
    assert "未計沒有數值的 2 次訓練" in sentence(finding, study, "zh-TW")


def test_what_does_not_move(study: StudyResults) -> None:
    finding = Finding(
        kind="no_difference",
        parameter="lambda_coord",
        start=1,
        end=25,
        measures=("map50", "missed"),
        differences=(change(0.6, 0.604), change(0.1, 0.1)),
    )
    assert sentence(finding, study) == (
        "No difference seen between lambda_coord = 1 and 25 in mAP50 (change +0.4 [−0.6, +1.4] points), and missed "
        "objects."
    )
    assert sentence(finding, study, "zh-TW") == (
        "lambda_coord = 1 與 25 之間，看不出下列指標有差異：mAP50（差 +0.4 [−0.6, +1.4] 個百分點）、漏掉的物件。"
    )


def test_an_interval_without_0_is_not_called_no_difference(study: StudyResults) -> None:
    """It was not clear among so many comparisons, which is another thing."""
    finding = Finding(
        kind="no_difference",
        parameter="lambda_coord",
        start=1,
        end=25,
        measures=("map50", "missed"),
        differences=(change(0.6, 0.604), change(0.1, 0.12)),
    )
    text = sentence(finding, study)
    seen, unsure = text.split("; not clear beyond chance among so many comparisons: ")
    assert "mAP50" in seen
    assert unsure == "missed objects (change +2.0 [+1.0, +3.0] points)."
    only = replace(finding, measures=("missed",), differences=finding.differences[1:])
    assert "No difference" not in sentence(only, study)
    assert "看不出" not in sentence(only, study, "zh-TW")


def test_identical_results_are_called_so(study: StudyResults) -> None:
    finding = Finding(
        kind="no_difference",
        parameter="lambda_coord",
        start=1,
        end=2,
        measures=("map50",),
        differences=(replace(change(0.6, 0.6), identical=True),),
    )
    assert "identical" in sentence(finding, study)
    assert "完全一樣" in sentence(finding, study, "zh-TW")


def test_the_best_value(study: StudyResults) -> None:
    finding = Finding(
        kind="best",
        parameter="lambda_coord",
        start=5,
        end=10,
        measures=("map50",),
        differences=(change(0.61, 0.62),),
        ability="score",
    )
    assert sentence(finding, study) == (
        "Of the values of lambda_coord, 10 has the best mAP50, 62.0 % [61.0, 63.0]; the default, 5, has "
        "61.0 % [60.0, 62.0], no clear difference."
    )
    own = sentence(replace(finding, start=10, end=5, clear=True), study)
    assert "the default, 5, has the best" in own
    assert "the next best, 10, has" in own
    assert own.endswith(", a clear difference.")
    peak = replace(finding, ends=(change(0.4, 0.62), change(0.5, 0.62)))
    assert sentence(peak, study).startswith(
        "mAP50 peaks at lambda_coord = 10 with 62.0 % [61.0, 63.0], clearly above 40.0 % [39.0, 41.0] at 1 and "
        "50.0 % [49.0, 51.0] at 25; the default, 5, has"
    )
    assert sentence(peak, study, "zh-TW").startswith(
        "mAP50 在 lambda_coord = 10 達到高峰 62.0 % [61.0, 63.0]，"
    )


def test_a_lost_ability(study: StudyResults) -> None:
    finding = Finding(
        kind="unable",
        parameter="lambda_coord",
        start=5,
        end=0,
        measures=("covered", "map50"),
        differences=(change(0.9, 0.02), change(0.6, 0.0134)),
        ability="localisation",
        clear=True,
    )
    assert sentence(finding, study) == (
        "With lambda_coord = 0 the detector is unable to localise: objects covered by some box = 2.0 % [1.0, 3.0] "
        "(with 5: 90.0 % [89.0, 91.0]), and mAP50 = 1.3 % [0.3, 2.3] (with 5: 60.0 % [59.0, 61.0])."
    )
    assert sentence(finding, study, "zh-TW").startswith("lambda_coord = 0 時，偵測器無法定位：")


def test_no_statement_and_why() -> None:
    one_seed = synthetic(seeds=1)
    finding = Finding(kind="no_statement", parameter="lambda_coord")
    assert "one seed" in sentence(finding, one_seed)
    assert "只有一個隨機種子" in sentence(finding, one_seed, "zh-TW")
    assert "one seed" not in sentence(finding, synthetic())
    undefined = synthetic(lambdas={"lambda_coord": (0, 5)})
    (nothing,) = (found for found in findings(undefined) if found.kind == "no_statement")
    assert sentence(nothing, undefined) == (
        "Between lambda_coord = 0 and 5 nothing can be said of mean IoU of true positives (3 of 6 runs without a "
        "value)."
    )


def only_recall(setting: Setting) -> dict[str, float | None]:
    return {**flat(setting), "recall": 0.8 if setting["confidence_target"] == "iou" else 0.7}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_becomes_one_plain_sentence(language: Language) -> None:
    studies = [
        synthetic(lambdas={"lambda_coord": (0, 1, 5), "lambda_noobj": (0, 0.5)}),
        synthetic(lambdas={"confidence_target": ("iou", "one", "half")}, effects=only_recall),
        synthetic(seeds=1),
        synthetic(seeds=2, effects=flat),
    ]
    kinds = set()
    for study in studies:
        for finding in findings(study):
            kinds.add(finding.kind)
            text = sentence(finding, study, language)
            assert finding.parameter in text
            assert text.endswith("." if language == "en" else "。")
            assert text.count("。") <= 1
            for mark in ("{", "}", "nan", "None", "<", "\n", "  ", "-0."):
                assert mark not in text
            if language == "zh-TW":
                assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9%][\u4e00-\u9fff]", text)
    assert kinds == set(get_args(Kind))
