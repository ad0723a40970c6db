"""The five sums of squared errors with one gradient are those of the elementwise terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import yolosses as yl
from yolosses import host

OPTIONS: dict[str, dict[str, Any]] = {
    "paper": {},
    "Darknet's layout": {"layout": "darknet"},
    "linear sizes": {"size_encoding": "linear", "size_term": "linear"},
    "confidence one": {"confidence_target": "one"},
    "three boxes, not square": {"grid": (2, 3), "boxes_per_cell": 3},
    "class weights": {"class_weight": torch.linspace(0.5, 2, 4, dtype=torch.float64)},
}


def scene() -> yl.Targets:
    """Three objects in each of three images, but for one hole whose numbers are NaN and an ignored region; weighted."""
    noise = torch.Generator().manual_seed(2)
    mask, ignore = torch.ones(3, 3, dtype=torch.bool), torch.zeros(3, 3, dtype=torch.bool)
    mask[1, 0], ignore[2, 1] = False, True
    boxes = 0.2 + 0.6 * torch.rand(3, 3, 4, generator=noise, dtype=torch.float64)
    return yl.Targets(
        boxes=torch.where(mask[..., None], boxes, torch.nan),
        labels=torch.randint(4, (3, 3), generator=noise),
        mask=mask,
        weight=torch.where(mask, torch.rand(3, 3, generator=noise, dtype=torch.float64), torch.nan),
        ignore=ignore,
    )


@pytest.fixture(params=["list of pairs", "fixed shapes", "triton", "numba"])
def impl(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ways to compute the sums."""
    if request.param in ("triton", "numba"):
        pytest.importorskip(request.param)
        return str(request.param)
    monkeypatch.setattr(host, "on_host", lambda tensor: request.param == "list of pairs")
    return "torch"


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_sums_and_gradients_are_those_of_the_terms(options: dict[str, Any], impl: str) -> None:
    loss = yl.YOLOv1Loss(**{"grid": 3, "num_classes": 4, "impl": impl, **options})
    length = loss.codec.num_cells * loss.codec.channels
    raw = torch.rand(
        3, length, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    ).requires_grad_()
    targets = scene()
    assignment = loss.assign(raw, targets)
    assert assignment.mask.sum() >= 5
    assert not assignment.mask.all()
    ours, wanted = loss.terms(raw, targets, assignment), loss.elementwise(raw, targets, assignment)
    assert [type(term).__name__ for term in ours] == ["TermSum"] * 5
    for a, b in zip(ours, wanted, strict=True):
        assert (a.name, a.scale) == (b.name, b.scale)
        torch.testing.assert_close(a.per_image(), b.per_image(), rtol=1e-12, atol=1e-15)
    # Each sum of each image is pulled by its own factor.
    factor = torch.rand(3, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    gradients = [
        torch.autograd.grad((torch.stack([t.per_image() for t in terms], 1) * factor).sum(), raw)[0]
        for terms in (ours, wanted)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-15)
    assert gradients[0].count_nonzero() > 3 * loss.codec.num_predictors / 2


def test_boxes_of_one_cell_may_answer_for_an_object_each(impl: str) -> None:
    loss = yl.YOLOv1Loss(grid=3, num_classes=4, impl=impl)
    raw = torch.rand(3, 126, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    pairs = torch.tensor([[8, 9, 3], [8, 9, 0], [1, 0, 17]])
    assignment = yl.Assignment(
        predictor=pairs, object=torch.tensor([[0, 1, 2]] * 3), iou=torch.rand(3, 3, dtype=torch.float64),
        mask=pairs != 3, num_dropped=torch.zeros(3, dtype=torch.int64),
    )  # fmt: skip
    targets = yl.Targets(
        boxes=torch.full((3, 3, 4), 0.4, dtype=torch.float64), labels=torch.tensor([[0, 1, 2]] * 3),
        mask=torch.ones(3, 3, dtype=torch.bool),
    )  # fmt: skip
    totals = [
        loss.reduce(terms(raw, targets, assignment), assignment).total
        for terms in (loss.terms, loss.elementwise)
    ]
    torch.testing.assert_close(*totals, rtol=1e-12, atol=0)
    torch.testing.assert_close(
        *(torch.autograd.grad(total, raw)[0] for total in totals), rtol=1e-12, atol=1e-15
    )


def test_what_answers_for_nothing_may_be_infinite(impl: str) -> None:
    loss = yl.YOLOv1Loss(grid=3, num_classes=4, impl=impl)
    raw = torch.rand(3, 3, 3, 14, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    targets = scene()
    assignment = loss.assign(raw, targets)
    free = assignment.background(18)
    for image, predictor in free.nonzero().tolist():
        raw.view(3, 9, 14)[image, predictor // 2, predictor % 2 * 5] = torch.inf  # its x
    raw.requires_grad_()
    output = loss(raw, targets, assignment)
    output.total.backward()
    assert output.total.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32(dtype: torch.dtype, impl: str) -> None:
    loss = yl.YOLOv1Loss(grid=3, num_classes=4, impl=impl)
    half = torch.rand(3, 126, generator=torch.Generator().manual_seed(1)).to(dtype).requires_grad_()
    full = half.detach().float().requires_grad_()
    targets = scene()
    a, b = loss(half, targets), loss(full, targets)
    assert a.total.dtype == torch.float32
    torch.testing.assert_close(a.total, b.total, rtol=1e-6, atol=0)
    a.total.backward()
    b.total.backward()
    assert half.grad is not None
    assert full.grad is not None
    assert half.grad.dtype == dtype
    # One unit in the last place: Triton's interpreter cuts bfloat16 off where hardware rounds.
    torch.testing.assert_close(half.grad.float(), full.grad, rtol=torch.finfo(dtype).eps, atol=1e-7)


def test_other_penalties_are_summed_from_their_elements() -> None:
    targets, raw = scene(), torch.rand(3, 126, dtype=torch.float64)
    for options in ({"cls_penalty": yl.functional.absolute_error}, {"size_encoding": "linear"}):
        loss = yl.YOLOv1Loss(grid=3, num_classes=4, **options)  # type: ignore[arg-type]
        terms = loss.terms(raw, targets, loss.assign(raw, targets))
        assert [type(term).__name__ for term in terms] == ["Term"] * 5


def test_triton_says_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^impl: expected one of 'torch', 'triton', 'numba'; got 'cuda'$"):
        yl.YOLOv1Loss(impl="cuda")
    with pytest.raises(ValueError, match=r"^impl: 'triton' computes squared errors"):
        yl.YOLOv1Loss(impl="triton", size_encoding="linear")
    pytest.importorskip("triton")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ValueError, match=r"^impl: 'triton' expected tensors on a GPU; got cpu$"):
        yl.YOLOv1Loss(grid=3, num_classes=4, impl="triton")(torch.rand(3, 126), scene())


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.sampled_from(["triton", "numba"]),
    seed=st.integers(0, 10**6),
    grid=st.sampled_from([(3, 3), (1, 2), (5, 4)]),
    boxes=st.integers(1, 3),
    objects=st.integers(1, 20),
    options=st.sampled_from([{}, {"layout": "darknet"}, {"size_encoding": "linear", "size_term": "linear"}]),
)
def test_the_kernels_find_the_same_responsible_boxes(
    kernel: str, seed: int, grid: tuple[int, int], boxes: int, objects: int, options: dict[str, Any]
) -> None:
    pytest.importorskip(kernel)
    noise = torch.Generator().manual_seed(seed)
    common: dict[str, Any] = {"grid": grid, "boxes_per_cell": boxes, "num_classes": 2, **options}
    torch_way, other = yl.YOLOv1Loss(**common), yl.YOLOv1Loss(impl=kernel, **common)
    # Numbers around 0, so that some boxes of a cell overlap an object, some do not, and some have no size.
    raw = 0.4 * torch.randn(2, grid[0] * grid[1] * (5 * boxes + 2), generator=noise, dtype=torch.float64)
    mask = torch.rand(2, objects, generator=noise) < 0.8
    numbers = torch.rand(2, objects, 4, generator=noise, dtype=torch.float64)
    targets = yl.Targets(
        boxes=torch.where(mask[..., None], numbers, torch.nan),
        labels=torch.zeros(2, objects, dtype=torch.int64), mask=mask,
    )  # fmt: skip
    a, b = torch_way.assign(raw, targets), other.assign(raw, targets)
    for name in ("predictor", "object", "mask", "num_dropped"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name
    torch.testing.assert_close(a.iou, b.iou, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("number", [-1, 10**6])
def test_an_assignment_of_other_objects_is_no_number(number: int) -> None:
    """With Triton, whose kernels cannot raise: nothing is read outside, and the loss of the image shows it."""
    pytest.importorskip("triton")
    loss = yl.YOLOv1Loss(grid=3, num_classes=4, impl="triton", reduction="none")
    raw = torch.rand(3, 126, generator=torch.Generator().manual_seed(1), requires_grad=True)
    targets = scene()
    before = loss(raw, targets)
    image, pair = before.assignment.mask.nonzero()[-1].tolist()
    object = before.assignment.object.clone()
    object[image, pair] = number
    after = loss(raw, targets, replace(before.assignment, object=object))
    others = torch.arange(3) != image
    assert after.per_image[image].isnan().any()
    torch.testing.assert_close(after.per_image[others], before.per_image[others])
    assert torch.autograd.grad(after.total[others].sum(), raw)[0].isfinite().all()


@pytest.mark.parametrize("kernel", ["triton", "numba"])
def test_a_box_at_no_number_overlaps_nothing(kernel: str) -> None:
    pytest.importorskip(kernel)
    raw = torch.rand(1, 1, 1, 16, generator=torch.Generator().manual_seed(1))
    raw[..., 0] = raw[..., 6] = torch.nan  # x of the first box, y of the second
    targets = yl.Targets.from_cxcywh([torch.tensor([[0.5, 0.5, 0.4, 0.4]])], [torch.tensor([0])])
    for box, wanted in ((0.5, 2), (99.0, 0)):  # of the third, which overlaps or not
        raw[..., 10] = box
        found = [
            yl.YOLOv1Loss(grid=1, boxes_per_cell=3, num_classes=1, impl=impl).assign(raw, targets)
            for impl in ("torch", kernel)
        ]
        assert [one.predictor.tolist() for one in found] == [[[wanted]]] * 2


@pytest.mark.parametrize("kernel", ["triton", "numba"])
def test_the_kernels_keep_a_number_that_is_none(kernel: str) -> None:
    pytest.importorskip(kernel)
    raw = torch.full((1, 1, 1, 11), 0.5)
    raw[..., 5] = torch.nan  # x of the second box
    targets = yl.Targets.from_cxcywh([torch.tensor([[0.5, 0.5, 1e-9, 1e-9]])], [torch.tensor([0])])
    for impl in ("torch", kernel):
        loss = yl.YOLOv1Loss(grid=1, num_classes=1, impl=impl)
        raw[..., 0] = 99  # the first box does not overlap
        assert loss.assign(raw, targets).predictor.tolist() == [[1]]
        assert loss(raw, targets).total.isnan()
