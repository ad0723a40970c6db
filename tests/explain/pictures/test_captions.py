"""Numbers as people write them."""

from __future__ import annotations

import pytest

from yolosses.explain.pictures.captions import number, percent


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
