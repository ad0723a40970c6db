"""Messages about arguments: name, what was expected, what came."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.errors import exactly
from torch import Tensor

from yolosses.arguments import (
    anchor_list,
    anchor_sizes,
    choice,
    class_factors,
    image_size_of,
    integer,
    normalizer_value,
    number,
    rows_and_columns,
    stride_sizes,
)
from yolosses.modes import exporting
from yolosses.precision import at_least_float32

# --- what a check returns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0, "0"),
        (7.5, "7.5"),
        (np.float32(7.5), "7.5"),
        (np.int64(3), "3"),
        (np.array(0.5), "0.5"),
        (torch.tensor(2), "2"),
        (torch.tensor(2.0, dtype=torch.bfloat16), "2.0"),
    ],
)
def test_a_number_is_kept_as_a_python_number(value: Any, kept: str) -> None:
    assert repr(number("rate", value)) == kept


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3)])
def test_an_integer_is_kept_as_a_python_integer(value: Any) -> None:
    assert repr(integer("topk", value)) == "3"


def test_a_choice_is_kept_as_it_is() -> None:
    assert choice("layout", "darknet", ("cell", "darknet")) == "darknet"


@pytest.mark.parametrize("value", [[1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3]), torch.tensor([1, 2, 3])])
def test_class_factors_of_every_kind(value: Any) -> None:
    made = class_factors("class_weight", value, 3)
    assert isinstance(made, Tensor)
    assert made.dtype == torch.float32
    assert made.tolist() == [1.0, 2.0, 3.0]


def test_class_factors_are_a_copy_of_the_same_floating_dtype() -> None:
    given = torch.ones(3, dtype=torch.float64)
    made = class_factors("class_weight", given, 3)
    given.fill_(7.0)
    assert made is not None
    assert made.dtype == torch.float64
    assert made.tolist() == [1.0] * 3
    assert class_factors("class_weight", None, 3) is None


def test_class_factors_of_a_parameter_that_does_not_train_are_a_plain_tensor() -> None:
    made = class_factors("class_weight", torch.nn.Parameter(torch.ones(3), requires_grad=False), 3)
    assert type(made) is Tensor


def test_class_factors_made_in_inference_mode_can_be_trained_with() -> None:
    with torch.inference_mode():
        early = torch.ones(3)
        made = [class_factors("class_weight", value, 3) for value in (early, [1, 1, 1])]
    for factors in (*made, class_factors("class_weight", early, 3)):
        assert factors is not None
        scores = torch.ones(3, requires_grad=True)
        (scores * factors).square().sum().backward()
        assert scores.grad is not None
        assert scores.grad.tolist() == [2.0] * 3


def test_class_factors_of_numbers_lie_on_the_cpu_whatever_the_default_device() -> None:
    with torch.device("meta"):
        made = [class_factors("class_weight", v, 2) for v in ([1, 2], np.array([1.0, 2.0]))]
        kept = class_factors("class_weight", torch.tensor([1.0, 2.0], device="cpu"), 2)
    for factors in (*made, kept):
        assert factors is not None
        assert factors.tolist() == [1.0, 2.0]


def test_meta_tensors_pass_by_their_shape() -> None:
    made = class_factors("class_weight", torch.full((3,), -1.0, device="meta"), 3)
    assert made is not None
    assert made.is_meta


@pytest.mark.parametrize(
    "value", [(8, 16, 32), [8.0, 16.0, 32.0], np.array([8, 16, 32]), torch.tensor([8.0, 16.0, 32.0])]
)
def test_strides_of_every_kind(value: Any) -> None:
    assert repr(stride_sizes(value)) == "(8, 16, 32)"


def test_a_stride_need_not_be_whole() -> None:
    assert stride_sizes([2.5]) == (2.5,)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, None),
        (640, (640, 640)),
        ((640,), (640, 640)),
        ((480, 640), (480, 640)),
        ([480.0, 640.0], (480, 640)),
        (torch.Size((480, 640)), (480, 640)),
        (torch.tensor([480, 640]), (480, 640)),
        (torch.tensor(640), (640, 640)),
        (np.array([480, 640]), (480, 640)),
        (np.int64(640), (640, 640)),
    ],
)
def test_image_sizes_of_every_kind(value: Any, size: Any) -> None:
    assert repr(image_size_of(value)) == repr(size)


TWO_LEVELS = (((10, 13), (16, 30)), ((30, 61), (62, 45)))


@pytest.mark.parametrize(
    "value",
    [
        TWO_LEVELS,
        [[10, 13, 16, 30], [30, 61, 62, 45]],  # as in the configurations of YOLOv5
        np.array(TWO_LEVELS),
        torch.tensor(TWO_LEVELS),
        torch.tensor(TWO_LEVELS, dtype=torch.float32).view(2, 4),
        [torch.tensor([10, 13, 16, 30]), [(30, 61), np.array([62, 45])]],
    ],
)
def test_anchors_of_every_kind(value: Any) -> None:
    assert anchor_sizes(value, 2) == TWO_LEVELS


@pytest.mark.parametrize(
    "value", [TWO_LEVELS[0], [10, 13, 16, 30], np.array(TWO_LEVELS[0]), torch.tensor([10, 13, 16, 30])]
)
def test_a_list_of_anchors_of_every_kind(value: Any) -> None:
    assert anchor_list("anchors", value) == TWO_LEVELS[0]


@pytest.mark.parametrize("value", [(), [], torch.zeros(0, 2), np.zeros((0, 2))])
def test_a_list_of_no_anchors_where_it_may_be(value: Any) -> None:
    assert anchor_list("other_anchors", value, empty=True) == ()
    with pytest.raises(ValueError, match=r"^anchors: expected \(w, h\) above 0; got "):
        anchor_list("anchors", value)


# --- what it refuses --------------------------------------------------------------------------------------------------

META = torch.ones(3, device="meta")
LEARNT = torch.ones(3, requires_grad=True)


@pytest.mark.parametrize(
    ("check", "error", "message"),
    [
        (
            lambda: number("label_smoothing", 1.5, most=1),
            ValueError,
            "label_smoothing: expected a number from 0 to 1; got 1.5",
        ),
        (lambda: number("lambda_box", -1), ValueError, "lambda_box: expected a number >= 0; got -1"),
        (
            lambda: number("anchor_threshold", torch.tensor(0.5), least=1.0),
            ValueError,
            "anchor_threshold: expected a number >= 1; got 0.5",
        ),
        (lambda: number("rate", math.nan), ValueError, "rate: expected a number >= 0; got nan"),
        (
            lambda: number("rate", np.float32("inf")),
            ValueError,
            "rate: expected a number >= 0; got inf",
        ),
        (
            lambda: number("rate", math.inf, least=-math.inf),
            ValueError,
            "rate: expected a finite number; got inf",
        ),
        (
            lambda: number("rate", 2, least=-math.inf, most=1),
            ValueError,
            "rate: expected a number <= 1; got 2",
        ),
        (lambda: number("rate", True), TypeError, "rate: expected a number >= 0; got True"),
        (
            lambda: number("rate", torch.tensor(True)),
            TypeError,
            "rate: expected a number >= 0; got tensor(True)",
        ),
        (lambda: number("rate", "1"), TypeError, "rate: expected a number >= 0; got '1'"),
        (lambda: number("rate", [1.0]), TypeError, "rate: expected a number >= 0; got [1.0]"),
        (
            lambda: number("rate", META[0]),
            TypeError,
            "rate: expected a number >= 0; got a tensor of torch.float32 on meta",
        ),
        (
            lambda: number("rate", LEARNT[0]),
            ValueError,
            "rate: expected constants; got a tensor that requires grad",
        ),
        (lambda: integer("topk", 0), ValueError, "topk: expected an integer >= 1; got 0"),
        (lambda: integer("topk", 2.0), TypeError, "topk: expected an integer >= 1; got 2.0"),
        (lambda: integer("topk", True, least=0), TypeError, "topk: expected an integer >= 0; got True"),
        (
            lambda: choice("layout", "Cell", ("cell", "darknet")),
            ValueError,
            "layout: expected one of 'cell', 'darknet'; got 'Cell'",
        ),
        (
            lambda: choice("layout", ["cell"], ("cell", "darknet")),
            ValueError,
            "layout: expected one of 'cell', 'darknet'; got ['cell']",
        ),
        (
            lambda: class_factors("class_weight", [1, 2], 3),
            ValueError,
            "class_weight: expected (3,) numbers >= 0, one for each class; got (2,)",
        ),
        (
            lambda: class_factors("class_weight", torch.ones(()), 3),
            ValueError,
            "class_weight: expected (3,) numbers >= 0, one for each class; got ()",
        ),
        (
            lambda: class_factors("class_weight", torch.tensor([1.0, -1.0]), 2),
            ValueError,
            "class_weight: expected (2,) numbers >= 0, one for each class; got [1.0, -1.0]",
        ),
        (
            lambda: class_factors("class_weight", np.array([1.0, math.nan]), 2),
            ValueError,
            "class_weight: expected (2,) numbers >= 0, one for each class; got [1.0, nan]",
        ),
        (
            lambda: class_factors("class_weight", {"cat": 1.0}, 2),
            TypeError,
            "class_weight: expected (2,) numbers >= 0, one for each class; got {'cat': 1.0}",
        ),
        (
            lambda: class_factors("class_weight", [[1.0], [1.0, 2.0]], 2),
            TypeError,
            "class_weight: expected (2,) numbers >= 0, one for each class; got [[1.0], [1.0, 2.0]]",
        ),
        (
            lambda: class_factors("class_weight", torch.ones(2, dtype=torch.bool), 2),
            TypeError,
            "class_weight: expected (2,) numbers >= 0, one for each class; got a tensor of torch.bool",
        ),
        (
            lambda: class_factors("class_weight", LEARNT, 3),
            ValueError,
            "class_weight: expected constants; got a tensor that requires grad",
        ),
        (lambda: stride_sizes(()), ValueError, "strides: expected numbers > 0, one for each level; got ()"),
        (
            lambda: stride_sizes(torch.tensor([8, 0])),
            ValueError,
            "strides: expected numbers > 0, one for each level; got [8, 0]",
        ),
        (
            lambda: stride_sizes([8, math.inf]),
            ValueError,
            "strides: expected numbers > 0, one for each level; got [8, inf]",
        ),
        (lambda: stride_sizes(8), TypeError, "strides: expected numbers > 0, one for each level; got 8"),
        (
            lambda: stride_sizes("8,16"),
            TypeError,
            "strides: expected numbers > 0, one for each level; got '8,16'",
        ),
        (
            lambda: anchor_sizes(TWO_LEVELS, 3),
            ValueError,
            f"anchors: expected for each of 3 levels equally many (w, h) above 0; got {TWO_LEVELS}",
        ),
        (
            lambda: anchor_sizes([[1, 2], [1, 2, 3, 4]], 2),
            ValueError,
            "anchors: expected for each of 2 levels equally many (w, h) above 0; got [[1, 2], [1, 2, 3, 4]]",
        ),
        (
            lambda: anchor_sizes([[1, 2, 3]], 1),
            ValueError,
            "anchors: expected for each of 1 levels equally many (w, h) above 0; got [[1, 2, 3]]",
        ),
        (
            lambda: anchor_sizes(torch.zeros(1, 0, 2), 1),
            ValueError,
            "anchors: expected for each of 1 levels equally many (w, h) above 0; got [[]]",
        ),
        (
            lambda: anchor_sizes(3, 3),
            ValueError,
            "anchors: expected for each of 3 levels equally many (w, h) above 0; got 3",
        ),
        (
            lambda: anchor_list("other_anchors", [[1, 0]]),
            ValueError,
            "other_anchors: expected (w, h) above 0; got [[1, 0]]",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    check: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=exactly(message)):
        check()


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0, ValueError, "0"),
        ((480, 640, 3), ValueError, "(480, 640, 3)"),
        (640.5, ValueError, "640.5"),
        ((), ValueError, "()"),
        (True, TypeError, "True"),
        ("640", TypeError, "'640'"),
        ([[480, 640]], TypeError, "[[480, 640]]"),
    ],
)
def test_what_is_no_image_size(value: Any, error: type[Exception], shown: str) -> None:
    expected = "None, or pixels as (height, width) or one side of a square, whole numbers >= 1"
    with pytest.raises(error, match=exactly(f"image_size: expected {expected}; got {shown}")):
        image_size_of(value)


# --- what a sum is divided by -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [None, 3, 2.5, np.float32(2.0), torch.tensor(4.0), torch.tensor([1, 2]), torch.ones(2).bfloat16()],
)
def test_a_normalizer_comes_back_as_it_is(value: Any) -> None:
    shape = value.shape if isinstance(value, torch.Tensor) else ()
    assert normalizer_value(value, shape) is value


@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_tensor_of_one_number_is_one_number(shape: tuple[int, ...]) -> None:
    for form in (torch.tensor(4.0), torch.tensor([4.0]), torch.tensor([[4.0]])):
        number = normalizer_value(form, shape)
        assert isinstance(number, torch.Tensor)
        assert number.shape == ()
        assert number == 4


@pytest.mark.parametrize("wrong", [(0,), (2,), (4,), (3, 1), (1, 3)], ids=str)
def test_a_normalizer_has_the_shape_of_the_own_one(wrong: tuple[int, ...]) -> None:
    expected = "normalizer: expected a finite number > 0"
    with pytest.raises(
        ValueError, match=exactly(f"{expected}, or (3,) of them as own_normalizer gives; got {wrong}")
    ):
        normalizer_value(torch.ones(wrong), (3,))
    with pytest.raises(ValueError, match=exactly(f"{expected}; got {wrong}")):
        normalizer_value(torch.ones(wrong))


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0, ValueError, "0"),
        (-1.0, ValueError, "-1.0"),
        (math.nan, ValueError, "nan"),
        (math.inf, ValueError, "inf"),
        (torch.tensor(0.0), ValueError, "0.0"),
        (torch.tensor([1.0, math.nan]), ValueError, "[1.0, nan]"),
        (True, TypeError, "True"),
        ("2", TypeError, "'2'"),
        (torch.tensor(True), TypeError, "a tensor of torch.bool"),
    ],
)
def test_what_nothing_can_be_divided_by(value: Any, error: type[Exception], shown: str) -> None:
    shape = value.shape if isinstance(value, torch.Tensor) else ()
    with pytest.raises(error, match=exactly(f"normalizer: expected a finite number > 0; got {shown}")):
        normalizer_value(value, shape)


def test_a_normalizer_that_would_have_to_be_waited_for_is_not_looked_at() -> None:
    unseen = torch.zeros((), device="meta")
    assert normalizer_value(unseen) is unseen
    with exporting():
        zero = torch.zeros(())
        assert normalizer_value(zero) is zero


def test_a_compiled_step_takes_every_kind_of_normalizer() -> None:
    def step(loss: Tensor, normalizer: Any) -> Tensor:
        return loss / normalizer_value(normalizer, loss.shape)

    compiled: Any = torch.compile(step, fullgraph=True, backend="eager")
    loss = torch.ones(2)
    for value in (2.0, 2.5, 4, torch.tensor(2.0), torch.tensor([1.0, 2.0]), np.float32(2.0)):
        assert torch.equal(compiled(loss, value), loss / value)
    torch._dynamo.reset()


def test_rows_and_columns() -> None:
    for given, wanted in ((7, (7, 7)), ((7, 8), (7, 8)), ([7, 8], (7, 8)), (np.int64(7), (7, 7))):
        assert rows_and_columns("grid", given) == wanted
    for wrong in ((7,), (7, 7, 7), "7", 7.0, None):
        with pytest.raises(
            TypeError, match=exactly(f"grid: expected an integer or (rows, columns); got {wrong!r}")
        ):
            rows_and_columns("grid", wrong)
    with pytest.raises(TypeError, match=r"^grid: expected an integer >= 1; got 7.0$"):
        rows_and_columns("grid", (7, 7.0))


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
