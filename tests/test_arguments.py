"""Messages about arguments: name, what was expected, what came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.errors import exactly

from yolosses.arguments import require_at_least, require_choice, require_class_weight, require_pair
from yolosses.precision import at_least_float32


@pytest.mark.parametrize("value", [0, 1, 2.5, 1e300])
def test_numbers_that_are_large_enough_pass(value: float) -> None:
    require_at_least("rate", value, 0)


@pytest.mark.parametrize(
    ("value", "kind", "error", "message"),
    [
        (-0.1, float, ValueError, "rate: expected a number >= 0; got -0.1"),
        (float("nan"), float, ValueError, "rate: expected a number >= 0; got nan"),
        (float("inf"), float, ValueError, "rate: expected a number >= 0; got inf"),
        (True, float, TypeError, "rate: expected a number >= 0; got True"),
        (None, float, TypeError, "rate: expected a number >= 0; got None"),
        (2.0, int, TypeError, "rate: expected an integer >= 0; got 2.0"),
        (-1, int, ValueError, "rate: expected an integer >= 0; got -1"),
    ],
)
def test_other_numbers_are_named(value: Any, kind: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=exactly(message)):
        require_at_least("rate", value, 0, kind=kind)


def test_choices() -> None:
    require_choice("layout", "cell", ("cell", "darknet"))
    for wrong in ("Cell", None, 1):
        with pytest.raises(
            ValueError, match=exactly(f"layout: expected one of 'cell', 'darknet'; got {wrong!r}")
        ):
            require_choice("layout", wrong, ("cell", "darknet"))


def test_pairs() -> None:
    require_pair("grid", (7, 7))
    for wrong in (7, (7,), (7, 7, 7), [7, 7], "77"):
        with pytest.raises(
            TypeError, match=exactly(f"grid: expected an integer or (rows, columns); got {wrong!r}")
        ):
            require_pair("grid", wrong)


def test_class_weights() -> None:
    require_class_weight(None, 3)
    require_class_weight(torch.ones(3), 3)
    for wrong, got in (
        (torch.ones(2), "(2,)"),
        (np.ones((3, 1)), "(3, 1)"),
        ([1, 1, 1], "[1, 1, 1]"),
        (1.0, "1.0"),
    ):
        with pytest.raises(ValueError, match=exactly(f"class_weight: expected a tensor (3,); got {got}")):
            require_class_weight(wrong, 3)


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_raised_and_nothing_lowered(given_: torch.dtype, wanted: torch.dtype) -> None:
    assert at_least_float32(torch.ones(2, dtype=given_)).dtype == wanted
