"""GIoU, DIoU, CIoU, EIoU and SIoU: their papers' formulas in plain numbers, truths of geometry, and nothing that is not
finite."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.hazards import NoHostSync
from torch import Tensor

import yolosses.boxes as boxes_module
from yolosses.boxes import (
    paired_ciou,
    paired_diou,
    paired_eiou,
    paired_giou,
    paired_iou,
    paired_siou,
)

Box = tuple[float, float, float, float]
Similarity = Callable[[Tensor, Tensor], Tensor]
SIMILARITIES: dict[str, Similarity] = {
    "giou": paired_giou,
    "diou": paired_diou,
    "ciou": paired_ciou,
    "eiou": paired_eiou,
    "siou": paired_siou,
}
LOWEST = {"giou": -1.0, "diou": -1.0, "ciou": -2.0, "eiou": -3.0, "siou": -2.0}
"""Of boxes with sizes: what is subtracted is at most 1, 1, 1 + 1, 1 + 1 + 1 and (2 + 2) / 2."""

place, side = st.floats(-2, 2, allow_subnormal=False), st.floats(0.01, 2)
ordinary = st.tuples(place, place, side, side)
any_number = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-30, -1e-30, 1e30, -1e30, 1e-38, 1e-10, 1e10]),
    st.floats(-1e30, 1e30, allow_subnormal=False),
)
anything = st.tuples(any_number, any_number, any_number, any_number)
by_name = pytest.mark.parametrize("name", SIMILARITIES)


def tensor(*boxes: Box, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(boxes, dtype=dtype)


def value(name: str, a: Box, b: Box) -> float:
    return SIMILARITIES[name](tensor(a), tensor(b)).item()


def by_hand(name: str, a: Box, b: Box) -> float:
    """The papers' formulas, number by number."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    common_w = min(ax + aw / 2, bx + bw / 2) - max(ax - aw / 2, bx - bw / 2)
    common_h = min(ay + ah / 2, by + bh / 2) - max(ay - ah / 2, by - bh / 2)
    intersection = max(common_w, 0.0) * max(common_h, 0.0)
    union = aw * ah + bw * bh - intersection
    iou = intersection / union
    cw = max(ax + aw / 2, bx + bw / 2) - min(ax - aw / 2, bx - bw / 2)
    ch = max(ay + ah / 2, by + bh / 2) - min(ay - ah / 2, by - bh / 2)
    dx, dy = abs(ax - bx), abs(ay - by)
    distance = (dx**2 + dy**2) / (cw**2 + ch**2)
    match name:
        case "giou":
            return iou - (cw * ch - union) / (cw * ch)
        case "diou":
            return iou - distance
        case "ciou":
            v = 4 / math.pi**2 * (math.atan(bw / bh) - math.atan(aw / ah)) ** 2
            return iou - distance - (v * v / (1 - iou + v) if v else 0.0)
        case "eiou":
            return iou - distance - (aw - bw) ** 2 / cw**2 - (ah - bh) ** 2 / ch**2
    sigma = math.hypot(dx, dy)
    angle = 1 - 2 * math.sin(math.asin(dy / sigma) - math.pi / 4) ** 2 if sigma else 0.0
    gamma = 2 - angle
    delta = sum(1 - math.exp(-gamma * rho) for rho in ((dx / cw) ** 2, (dy / ch) ** 2))
    omega = sum((1 - math.exp(-abs(p - q) / max(p, q))) ** 4 for p, q in ((aw, bw), (ah, bh)))
    return iou - (delta + omega) / 2


@by_name
@given(a=ordinary, b=ordinary)
def test_is_the_formula_of_its_paper(name: str, a: Box, b: Box) -> None:
    assert value(name, a, b) == pytest.approx(by_hand(name, a, b), rel=1e-7, abs=1e-7)


@by_name
@given(a=ordinary, b=ordinary)
def test_is_at_most_the_iou_symmetric_and_bounded(name: str, a: Box, b: Box) -> None:
    similarity = value(name, a, b)
    assert similarity <= paired_iou(tensor(a), tensor(b)).item() + 1e-12
    assert similarity >= LOWEST[name] - 1e-12
    assert similarity == pytest.approx(value(name, b, a), abs=1e-9)


@by_name
@given(a=ordinary, scale=st.sampled_from([1e-6, 0.3, 640.0, 1e6]), b=ordinary)
def test_depends_on_no_unit(name: str, a: Box, b: Box, scale: float) -> None:
    scaled = SIMILARITIES[name](tensor(a) * scale, tensor(b) * scale).item()
    assert scaled == pytest.approx(value(name, a, b), rel=1e-9, abs=1e-9)


@by_name
@given(a=anything)
def test_identical_boxes_with_sizes_are_1_without_gradient(name: str, a: Box) -> None:
    box = tensor((a[0], a[1], max(abs(a[2]), 1e-6), max(abs(a[3]), 1e-6)))
    pred = box.clone().requires_grad_()
    similarity = SIMILARITIES[name](pred, box)
    (gradient,) = torch.autograd.grad(similarity.sum(), pred)
    assert similarity.item() == pytest.approx(1, abs=1e-12)
    assert gradient.abs().max() <= 1e-9 / box[..., 2:].min()


@pytest.mark.parametrize(
    ("name", "near"), [("giou", -1.0), ("diou", -1.0), ("ciou", -1.0), ("eiou", -1.0)], ids=lambda v: str(v)
)
def test_equal_boxes_far_apart(name: str, near: float) -> None:
    assert value(name, (0, 0, 1, 1), (1e6, 1e6, 1, 1)) == pytest.approx(near, abs=1e-5)


def gradients(name: str, *boxes: Tensor) -> list[Tensor]:
    leaves = [box.clone().requires_grad_() for box in boxes]
    similarity = SIMILARITIES[name](*leaves)
    assert similarity.dtype == torch.promote_types(boxes[0].dtype, torch.float32)
    assert similarity.isfinite().all()
    return list(torch.autograd.grad(similarity.sum(), leaves))


def stored(box: Box, dtype: torch.dtype) -> Tensor:
    limit = torch.finfo(dtype).max / 10
    return tensor(box).clamp(-limit, limit).to(dtype)


@by_name
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@settings(max_examples=150)
@given(a=anything, b=anything)
@example(a=(0, 0, 1, 3e-39), b=(0, 0, 1, 3e-39))  # an area whose reciprocal float32 cannot hold
@example(a=(0, 0, 3e-39, 3e-39), b=(0, 0, 3e-39, 1))
def test_value_and_gradient_are_finite_for_whatever_comes(
    name: str, dtype: torch.dtype, a: Box, b: Box
) -> None:
    for gradient in gradients(name, stored(a, dtype), stored(b, dtype)):
        assert gradient.dtype == dtype
        assert gradient.isfinite().all()


@by_name
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@settings(max_examples=150)
@given(a=anything, b=anything)
@example(a=(0, 0, 0, 0), b=(0, 0, 0, 1e-6))  # a gradient of 1e6, for which float16 has no number
def test_the_gradient_in_half_precision_is_that_of_float32_rounded(
    name: str, dtype: torch.dtype, a: Box, b: Box
) -> None:
    half = stored(a, dtype), stored(b, dtype)
    exact = gradients(name, *(box.float() for box in half))
    for gradient, wanted in zip(gradients(name, *half), exact, strict=True):
        assert wanted.isfinite().all()
        assert torch.equal(gradient, wanted.to(dtype))


@by_name
@pytest.mark.parametrize("size", [-0.1, -1.0, -10.0])
@pytest.mark.parametrize("axis", [2, 3])
def test_a_negative_size_is_enlarged(name: str, size: float, axis: int) -> None:
    pred = tensor((0.4, 0.6, 0.5, 0.5))
    pred[0, axis] = size
    pred.requires_grad_()
    SIMILARITIES[name](pred, tensor((0.5, 0.5, 0.4, 0.3))).sum().backward()
    assert pred.grad is not None
    assert pred.grad[0, axis] > 0


@pytest.mark.parametrize("name", ["giou", "diou", "ciou", "eiou", "siou"])
def test_a_box_apart_is_drawn_to_the_truth_where_the_iou_is_silent(name: str) -> None:
    pred, truth = tensor((0.2, 0.5, 0.1, 0.1)).requires_grad_(), tensor((0.8, 0.5, 0.1, 0.1))
    (silent,) = torch.autograd.grad(paired_iou(pred, truth).sum(), pred)
    (gradient,) = torch.autograd.grad(SIMILARITIES[name](pred, truth).sum(), pred)
    assert not silent.any()
    assert gradient[0, 0] > 0


@by_name
def test_gradient_is_that_of_differences(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    pred = torch.rand(40, 4, dtype=torch.float64, generator=generator) * 0.5 + 0.2
    truth = torch.rand(40, 4, dtype=torch.float64, generator=generator) * 0.5 + 0.2
    if name == "ciou":
        # alpha is held constant: the gradient is that of the formula with alpha as it is here.
        pred.requires_grad_()
        (gradient,) = torch.autograd.grad(paired_ciou(pred, truth).sum(), pred)
        with torch.no_grad():
            iou, diou = paired_iou(pred, truth), paired_diou(pred, truth)
            v = 4 / math.pi**2 * _aspect(pred, truth).square()
            alpha = v / (1 - iou + v)
        held = pred.detach().clone().requires_grad_()
        frozen = paired_diou(held, truth) - alpha * 4 / math.pi**2 * _aspect(held, truth).square()
        assert torch.allclose(frozen, diou - alpha * v)
        (wanted,) = torch.autograd.grad(frozen.sum(), held)
        assert torch.allclose(gradient, wanted, rtol=1e-9, atol=1e-12)
    else:
        inputs = (pred.requires_grad_(), truth.requires_grad_())
        assert torch.autograd.gradcheck(SIMILARITIES[name], inputs)


def _aspect(pred: Tensor, truth: Tensor) -> Tensor:
    return (truth[..., 2] / truth[..., 3]).atan() - (pred[..., 2] / pred[..., 3]).atan()


@by_name
def test_pairwise_is_paired_with_every_box(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.rand(2, n, 4, generator=generator) for n in (5, 3))
    table = getattr(boxes_module, f"pairwise_{name}")(a, b)
    for i in range(5):
        for j in range(3):
            assert torch.equal(table[:, i, j], SIMILARITIES[name](a[:, i], b[:, j]))


@by_name
@pytest.mark.slow
def test_compiles_whole_and_never_waits(name: str) -> None:
    generator = torch.Generator().manual_seed(2)
    a, b = (torch.rand(7, 4, generator=generator) for _ in range(2))
    with NoHostSync():
        eager = SIMILARITIES[name](a, b)
    assert torch.allclose(torch.compile(SIMILARITIES[name], fullgraph=True)(a, b), eager, atol=1e-6)
