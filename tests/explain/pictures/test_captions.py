"""Numbers and words."""

from __future__ import annotations

from dataclasses import fields
from string import Formatter

import pytest

from yolosses.explain.pictures.captions import Captions, captions, number, percent
from yolosses.losses.v1 import TERMS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (1234.5, "1,234"), (999.0, "999"), (12.34, "12.3"), (1.0, "1.00"), (0.5, "0.500"),
        (0.0123, "0.0123"),
        (0.00012, "0.000120"), (0.000012, "1.2e-05"), (-3.14159, "-3.14"), (float("nan"), "nan"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (1.0, 4.0, "25 %"), (0.0, 4.0, "0 %"), (0.01, 4.0, "0.2 %"), (4.0, 4.0, "100 %"), (0.0, 0.0, "–"),
        (float("nan"), 4.0, "–"), (1.0, float("inf"), "–"),
    ],
)  # fmt: skip
def test_shares(part: float, whole: float, text: str) -> None:
    assert percent(part, whole) == text


def test_both_languages_fill_in_the_same_values() -> None:
    english, chinese = captions("en"), captions("zh-TW")
    for field in fields(Captions):
        one, other = getattr(english, field.name), getattr(chinese, field.name)
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            continue
        assert _filled(one) == _filled(other), field.name
        assert one != other, field.name


def _filled(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_term_of_yolov1_has_a_name_in_both_languages() -> None:
    for language in ("en", "zh-TW"):
        assert set(TERMS) <= set(captions(language).terms)
    assert captions("en").term("another", TERMS) == "another"
