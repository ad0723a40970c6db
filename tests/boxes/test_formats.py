"""Conversions between box formats."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from yolosses.boxes import (
    clip_to_image,
    cxcywh_to_xywh,
    cxcywh_to_xyxy,
    from_pixels,
    to_pixels,
    xywh_to_cxcywh,
    xyxy_to_cxcywh,
)

number = st.floats(-10, 10, allow_subnormal=False)
boxes = st.lists(st.tuples(number, number, number, number), min_size=1, max_size=4).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)
)


def test_one_box_in_every_format() -> None:
    centre = torch.tensor([[5.0, 7.0, 4.0, 2.0]])
    assert cxcywh_to_xyxy(centre).tolist() == [[3.0, 6.0, 7.0, 8.0]]
    assert cxcywh_to_xywh(centre).tolist() == [[3.0, 6.0, 4.0, 2.0]]
    assert xyxy_to_cxcywh(torch.tensor([[3.0, 6.0, 7.0, 8.0]])).tolist() == centre.tolist()
    assert xywh_to_cxcywh(torch.tensor([[3.0, 6.0, 4.0, 2.0]])).tolist() == centre.tolist()


@pytest.mark.parametrize(
    ("there", "back"), [(cxcywh_to_xyxy, xyxy_to_cxcywh), (cxcywh_to_xywh, xywh_to_cxcywh)]
)
@given(boxes=boxes)
def test_there_and_back(
    there: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor], boxes: Tensor
) -> None:
    torch.testing.assert_close(back(there(boxes)), boxes, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(there(back(boxes)), boxes, rtol=1e-12, atol=1e-12)


@given(boxes=boxes, height=st.integers(1, 5000), width=st.integers(1, 5000))
def test_pixels_and_back(boxes: Tensor, height: int, width: int) -> None:
    again = from_pixels(to_pixels(boxes, (height, width)), (height, width))
    torch.testing.assert_close(again, boxes, rtol=1e-12, atol=1e-12)


def test_image_size_is_height_then_width() -> None:
    half = torch.tensor([0.5, 0.5, 0.5, 0.5])
    assert to_pixels(half, (100, 640)).tolist() == [320.0, 50.0, 320.0, 50.0]
    assert from_pixels(torch.tensor([320.0, 50.0, 320.0, 50.0]), (100, 640)).tolist() == half.tolist()


@pytest.mark.parametrize("image_size", [(0, 10), (10, -1)])
def test_an_image_without_area_is_an_error(image_size: tuple[int, int]) -> None:
    for convert in (from_pixels, to_pixels):
        with pytest.raises(
            ValueError, match=r"^image_size: expected \(height, width\) > 0 in pixels; got \("
        ):
            convert(torch.zeros(1, 4), image_size)


def test_clip_to_image() -> None:
    given_ = torch.tensor(
        [
            [0.5, 0.5, 0.4, 0.2],
            [0.0, 0.5, 0.4, 0.2],
            [1.0, 1.0, 0.5, 0.5],
            [0.5, 0.5, 3.0, 3.0],
            [1.5, 0.5, 0.2, 0.2],
        ],
        dtype=torch.float64,
    )
    expected = torch.tensor(
        [
            [0.5, 0.5, 0.4, 0.2],
            [0.1, 0.5, 0.2, 0.2],
            [0.875, 0.875, 0.25, 0.25],
            [0.5, 0.5, 1.0, 1.0],
            [1.0, 0.5, 0.0, 0.2],
        ],
        dtype=torch.float64,
    )
    torch.testing.assert_close(clip_to_image(given_), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_leading_shapes_and_dtypes_stay(dtype: torch.dtype) -> None:
    boxes = torch.rand(2, 3, 5, 4).to(dtype)
    for convert in (cxcywh_to_xyxy, xyxy_to_cxcywh, xywh_to_cxcywh, cxcywh_to_xywh, clip_to_image):
        result = convert(boxes)
        assert result.shape == boxes.shape
        assert result.dtype == dtype
        assert convert(boxes[:0]).shape == (0, 3, 5, 4)
