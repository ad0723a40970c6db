"""Truths of geometry that the overlap of boxes must keep."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from yolosses.boxes import paired_iou, pairwise_iou

Box = tuple[float, float, float, float]
coordinate, size = st.floats(-2, 2, allow_subnormal=False), st.floats(0.01, 2)
box = st.tuples(coordinate, coordinate, size, size)


def tensor(*boxes: Box, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(boxes, dtype=dtype)


def iou(a: Box, b: Box) -> float:
    return paired_iou(tensor(a), tensor(b)).item()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param((0.5, 0.5, 0.2, 0.4), (0.5, 0.5, 0.2, 0.4), 1, id="identical"),
        pytest.param((0.4, 0.5, 0.2, 0.2), (0.5, 0.5, 0.2, 0.2), 1 / 3, id="half of each"),
        pytest.param((0.4, 0.4, 0.2, 0.2), (0.5, 0.5, 0.2, 0.2), 1 / 7, id="a quarter of each"),
        pytest.param((0.5, 0.5, 0.8, 0.8), (0.4, 0.6, 0.2, 0.4), 1 / 8, id="contained: ratio of areas"),
        pytest.param((0.25, 0.5, 0.5, 0.5), (0.75, 0.5, 0.5, 0.5), 0, id="touching at an edge"),
        pytest.param((0.25, 0.25, 0.5, 0.5), (0.75, 0.75, 0.5, 0.5), 0, id="touching at a corner"),
        pytest.param((0.1, 0.1, 0.1, 0.1), (0.9, 0.9, 0.1, 0.1), 0, id="disjoint"),
        pytest.param((0.1, 0.5, 0.1, 0.9), (0.9, 0.5, 0.1, 0.9), 0, id="beside each other"),
        pytest.param((0.5, 0.5, 0.0, 0.0), (0.5, 0.5, 0.5, 0.5), 0, id="a point"),
        pytest.param((0.5, 0.5, 0.0, 0.3), (0.5, 0.5, 0.5, 0.5), 0, id="a line"),
        pytest.param((0.5, 0.5, 0.0, 0.0), (0.5, 0.5, 0.0, 0.0), 0, id="two points"),
        pytest.param((0.5, 0.5, -0.2, 0.2), (0.5, 0.5, 0.2, 0.2), 0, id="negative width"),
        pytest.param((0.5, 0.5, -0.2, -0.2), (0.5, 0.5, 0.2, 0.2), 0, id="negative size"),
        pytest.param((0.5, 0.5, -0.2, -0.2), (0.5, 0.5, -0.2, -0.2), 0, id="both negative"),
        pytest.param(
            (0.5, 0.5, 1e200, 1e200), (0.5, 0.5, 1.0, 1.0), 0, id="so large that the area overflows"
        ),
    ],
)
def test_known_overlaps(a: Box, b: Box, expected: float) -> None:
    assert iou(a, b) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert iou(b, a) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@given(a=box, b=box)
def test_symmetric_bounded_and_free_of_the_frame(a: Box, b: Box) -> None:
    value = iou(a, b)
    assert 0 <= value <= 1 + 1e-15
    assert value == pytest.approx(iou(b, a), rel=1e-12, abs=1e-14)
    assert iou(a, a) == 1
    moved = [(x + 3, y - 5, w, h) for x, y, w, h in (a, b)]
    scaled = [(7 * x, 0.1 * y, 7 * w, 0.1 * h) for x, y, w, h in (a, b)]
    assert iou(*moved) == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert iou(*scaled) == pytest.approx(value, rel=1e-9, abs=1e-12)


@given(a=st.lists(box, min_size=1, max_size=4), b=st.lists(box, min_size=1, max_size=4))
def test_pairwise_is_paired_of_every_pair(a: list[Box], b: list[Box]) -> None:
    table = pairwise_iou(tensor(*a), tensor(*b))
    assert table.shape == (len(a), len(b))
    for i, first in enumerate(a):
        for j, second in enumerate(b):
            assert table[i, j].item() == pytest.approx(iou(first, second), rel=1e-12, abs=1e-14)


def test_leading_shapes_broadcast() -> None:
    boxes = tensor((0.5, 0.5, 0.2, 0.2)).expand(2, 3, 4)
    assert paired_iou(boxes[:, :, None], boxes[:, None]).shape == (2, 3, 3)
    assert pairwise_iou(boxes, boxes[:, :2]).shape == (2, 3, 2)
    assert pairwise_iou(boxes[:, :0], boxes).shape == (2, 0, 3)


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-4, 1e-6])
def test_float32_keeps_its_precision_for_small_boxes_anywhere(scale: float) -> None:
    noise = torch.Generator().manual_seed(0)
    centre = 0.05 + 0.9 * torch.rand(5000, 2, generator=noise)
    sizes = scale * (0.1 + 0.9 * torch.rand(5000, 2, generator=noise))
    shift = sizes * 0.3 * torch.randn(5000, 2, generator=noise)
    a = torch.cat((centre, sizes), -1)
    b = torch.cat((centre + shift, sizes * (0.5 + torch.rand(5000, 2, generator=noise))), -1)
    exact = paired_iou(a.double(), b.double())
    torch.testing.assert_close(paired_iou(a, b).double(), exact, rtol=0, atol=1e-6)
    assert (paired_iou(a, a) == 1).all()
    assert (paired_iou(a, b) <= 1).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    a, b = (torch.rand(50, 4, generator=torch.Generator().manual_seed(n)).to(dtype) for n in (0, 1))
    assert paired_iou(a, b).dtype == torch.float32
    assert torch.equal(paired_iou(a, b), paired_iou(a.float(), b.float()))


def test_gradients_agree_with_finite_differences() -> None:
    noise = torch.Generator().manual_seed(0)
    a, b = (
        torch.cat((torch.rand(40, 2, generator=noise), 0.2 + torch.rand(40, 2, generator=noise)), -1).double()
        for _ in range(2)
    )
    assert torch.autograd.gradcheck(paired_iou, (a.requires_grad_(), b.requires_grad_()))


def test_gradients_are_finite_everywhere() -> None:
    special: list[Box] = [
        (0.5, 0.5, 0.2, 0.4),
        (0.5, 0.5, 0.2, 0.4),
        (0.5, 0.5, 0.0, 0.0),
        (0.5, 0.5, -0.2, 0.2),
        (0.5, 0.5, 1e-30, 1e-30),
        (0.5, 0.5, 1e30, 1e30),
        (0.7, 0.5, 0.2, 0.4),
        (9.0, 9.0, 0.2, 0.4),
    ]
    for dtype in (torch.float32, torch.float64):
        a = tensor(*special, dtype=dtype).requires_grad_()
        b = tensor(*special, dtype=dtype).requires_grad_()
        table = pairwise_iou(a, b)
        table.sum().backward()
        assert table.isfinite().all()
        assert ((table >= 0) & (table <= 1)).all()
        for grad in (a.grad, b.grad):
            assert grad is not None
            assert grad.isfinite().all()


def test_the_gradient_pulls_an_overlapping_box_to_the_object() -> None:
    pred = tensor((0.4, 0.5, 0.2, 0.2)).requires_grad_()
    paired_iou(pred, tensor((0.5, 0.5, 0.2, 0.2))).backward()
    assert pred.grad is not None
    assert pred.grad[0, 0] > 0  # further right is better
    disjoint = tensor((0.1, 0.1, 0.1, 0.1)).requires_grad_()
    paired_iou(disjoint, tensor((0.9, 0.9, 0.1, 0.1))).backward()
    assert disjoint.grad is not None
    assert not disjoint.grad.any()  # why detectors need more than the IoU
