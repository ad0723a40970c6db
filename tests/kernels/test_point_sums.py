"""The kernels give what `PointCodec`, `paired_ciou` and `distribution_focal` give, in value and in gradient: of images
of one cell and one object, so that the sums of an image are the terms of one pair."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from tests.hazards import LargestTensor, NoHostSync
from torch import Tensor

from yolosses.boxes import paired_ciou
from yolosses.codecs import Levels, PointCodec
from yolosses.constants import DFL_MARGIN
from yolosses.functional import distribution_focal
from yolosses.precision import at_least_float32

pytest.importorskip("triton")

from yolosses.kernels.triton import point_sums

STRIDE, POINT = 8.0, 4.0
LEVELS = Levels(grids=((1, 1),), strides=(STRIDE,))
TIGHT = {"rtol": 1e-11, "atol": 1e-13}
SINGLE = {"rtol": 2e-5, "atol": 2e-6}


class Pairs(NamedTuple):
    """Of each pair the numbers (4, R) of the cell's sides, and the true box (4,) cxcywh in pixels."""

    numbers: Tensor
    boxes: Tensor


def pairs(seed: int, count: int, bins: int, dtype: torch.dtype = torch.float64) -> Pairs:
    """Objects near the cell, some beyond what the bins can express; with one bin distances of both signs."""
    noise = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=noise, dtype=torch.float64)

    centres = POINT + (random(count, 2) - 0.5) * 8 * STRIDE
    boxes = torch.cat((centres, random(count, 2) * 20 * STRIDE), -1)
    numbers = 6 * (random(count, 4, bins) - 0.3)
    return Pairs(numbers.to(dtype), boxes.to(torch.promote_types(dtype, torch.float32)))


def of_torch(case: Pairs) -> tuple[Tensor, Tensor]:
    bins = case.numbers.shape[-1]
    codec = PointCodec(levels=LEVELS, num_classes=1, bins=bins)
    numbers = at_least_float32(case.numbers)
    point, stride = numbers.new_full((2,), POINT), numbers.new_full((), STRIDE)
    sides = codec.sides(numbers)
    wanted = codec.encode(case.boxes, point, stride)
    missing = 1 - paired_ciou(codec.decode(sides, point, stride), case.boxes)
    if bins == 1:
        return missing, (sides - wanted).abs().mean(-1)
    wanted = wanted.clamp(0, bins - 1 - DFL_MARGIN)
    return missing, distribution_focal(numbers, wanted).mean(-1)


def of_kernel(case: Pairs, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """(N,) 1 - CIoU, and the mean of the four sides' focal losses."""
    count, _, bins = case.numbers.shape
    boxes = case.boxes[:, None]
    first, like = torch.zeros(count, 1, dtype=torch.int64, device=boxes.device), boxes[..., 0]
    if mask is None:
        mask = torch.ones(count, dtype=torch.bool, device=boxes.device)
    logits = case.numbers.new_zeros(count, 1, 1)
    sums = point_sums.point_sums(
        bins, [1, 1], [STRIDE], 0.0, first, first, mask[:, None], torch.ones_like(like), boxes, first, None, None, None,
        [case.numbers.reshape(count, 4 * bins, 1), logits],
    )  # fmt: skip
    missing, _, focal = sums.unbind(1)
    return missing, focal


def gradient(terms: tuple[Tensor, Tensor], numbers: Tensor) -> Tensor:
    """Each number weighed by another factor."""
    noise, total = torch.Generator().manual_seed(5), numbers.new_zeros((), dtype=terms[0].dtype)
    for term in terms:
        factor = torch.rand(term.shape, generator=noise, dtype=torch.float64).to(term.device) + 0.5
        total = total + (term * factor.to(term.dtype)).sum()
    return torch.autograd.grad(total, numbers)[0]


def agree(case: Pairs, device: str = "cpu", **tolerance: float) -> None:
    """The kernels there with torch here."""
    case = case._replace(numbers=case.numbers.detach().requires_grad_())
    there = Pairs(case.numbers.detach().to(device).requires_grad_(), case.boxes.to(device))
    ours, theirs = of_kernel(there), of_torch(case)
    for value, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(value.cpu(), wanted.detach(), **tolerance)
    torch.testing.assert_close(
        gradient(ours, there.numbers).cpu(), gradient(theirs, case.numbers), **tolerance
    )


@pytest.mark.parametrize("bins", [16, 1, 2, 5])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, TIGHT), (torch.float32, SINGLE)], ids=["float64", "float32"]
)
def test_value_and_gradient(bins: int, dtype: torch.dtype, tolerance: dict[str, float]) -> None:
    agree(pairs(1, 40, bins, dtype), **tolerance)


@pytest.mark.parametrize("bins", [16, 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32(bins: int, dtype: torch.dtype) -> None:
    half = pairs(2, 20, bins, dtype)
    half = half._replace(numbers=half.numbers.requires_grad_())
    single = half._replace(numbers=half.numbers.detach().float().requires_grad_())
    ours, same = of_kernel(half), of_kernel(single)
    for value, wanted in zip(ours, same, strict=True):
        assert value.dtype == torch.float32
        assert torch.equal(value, wanted)
    # Triton's interpreter rounds a bfloat16 towards 0.
    torch.testing.assert_close(gradient(ours, half.numbers), gradient(same, single.numbers).to(dtype))


# Distances l, t, r, b in strides of a predicted box, against an object that reaches 2 strides to every side.
MEETINGS = {
    "identical": (2, 2, 2, 2),
    "the same left and top": (2, 2, 1, 3),
    "the same centre": (1, 1, 1, 1),
    "the same height": (1, 2, 1.5, 2),
    "inside": (1, 0.5, 1, 1.5),
    "around": (3, 4, 3, 2.5),
    "disjoint": (-5, -4, 7, 9),
    "disjoint on one axis": (-5, 1, 7, 1),
    "touching": (-2, 2, 5, 2),
    "touching at a corner": (-2, -2, 5, 4),
    "flat": (1, 1, 1, -1),
    "a line on an edge": (2, 1, -2, 1),
    "a line beside a flat object": (5, 0, 1, 0),
    "a point": (1, 1, -1, -1),
    "a point at the centre": (0, 0, 0, 0),
    "a negative width": (-3, 1, 1, 1),
    "both negative": (-3, -2, 1, -1),
    "tiny": (1e-6, 1e-6, 1e-6, 1e-6),
    "long": (30, 0.01, 30, 0.01),
    "high": (0.01, 30, 0.01, 30),
}


def meetings(dtype: torch.dtype) -> Pairs:
    """With a square, and with objects that are flat or nothing themselves. Numbers that are exact in binary, so that
    edges coincide where they should."""
    sides = torch.tensor(list(MEETINGS.values()), dtype=dtype)
    truths = torch.tensor([[4, 4, 32, 32], [4, 4, 32, 0], [4, 4, 0, 0], [12, 4, 16, 48]], dtype=dtype)
    return Pairs(sides.repeat(len(truths), 1)[..., None], truths.repeat_interleave(len(sides), 0))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_boxes_meet_in_every_way(dtype: torch.dtype) -> None:
    agree(meetings(dtype), **(TIGHT if dtype == torch.float64 else SINGLE))


def test_identical_boxes_have_no_gradient() -> None:
    case = Pairs(torch.full((1, 4, 1), 2.0, requires_grad=True), torch.tensor([[4.0, 4, 32, 32]]))
    missing, error = of_kernel(case)
    assert missing.tolist() == [0]
    assert not error.any()
    assert not gradient((missing, error), case.numbers).any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_aspect_ratios_of_every_size(dtype: torch.dtype) -> None:
    """Also next to where the arc tangent goes from one form to another."""
    ratio = torch.cat((torch.logspace(-12, 12, 25), torch.tensor([0.66, 1.0, 1 + 2**0.5]))).to(dtype)
    ratio = torch.cat((ratio, ratio.nextafter(ratio * 2), ratio.nextafter(ratio / 2)))
    width, height = ratio.clamp(max=1), (1 / ratio).clamp(max=1)
    numbers = torch.stack((width, height, width, height), -1)[..., None]
    truth = torch.tensor([POINT, POINT, STRIDE, STRIDE], dtype=dtype).expand(len(numbers), 4)
    case = Pairs(numbers.requires_grad_(), truth)
    ours, theirs = of_kernel(case)[0], of_torch(case)[0]
    torch.testing.assert_close(ours, theirs, **(TIGHT if dtype == torch.float64 else SINGLE))
    # Of a side of 1e-12 the gradient is as large as the rounding of its reciprocal.
    of_ours, of_theirs = (torch.autograd.grad(value.sum(), case.numbers)[0] for value in (ours, theirs))
    scale = of_theirs.abs().amax(1, keepdim=True)
    torch.testing.assert_close(
        of_ours / scale, of_theirs / scale, rtol=0, atol=1e-11 if dtype == torch.float64 else 1e-5
    )


@pytest.mark.parametrize("bins", [1, 4])
def test_gradients_of_the_sides_are_those_of_differences(bins: int) -> None:
    case = pairs(3, 1, bins)
    numbers = case.numbers.requires_grad_()
    assert torch.autograd.gradcheck(lambda numbers: of_kernel(case._replace(numbers=numbers))[1], (numbers,))


def test_gradients_of_the_boxes_are_those_of_differences() -> None:
    """Of squares, whose aspect ratios do not differ: elsewhere CIoU's alpha is held constant. One is inside its object,
    one across its edge, one outside it."""
    truth = torch.tensor([[8.0, 6, 30, 30], [-12, 6, 30, 30], [-42, -34, 30, 30]], dtype=torch.float64)

    def missing(factor: Tensor) -> Tensor:
        numbers = factor[:, None, None] * torch.ones(1, 4, 1, dtype=torch.float64)
        return of_kernel(Pairs(numbers, truth))[0]

    factor = torch.tensor([0.7, 2.0, 1.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(missing, (factor,))
    assert (torch.autograd.grad(missing(factor).sum(), factor)[0] != 0).all()


@pytest.mark.parametrize("bins", [16, 1])
def test_pairs_that_do_not_count_are_not_read(bins: int) -> None:
    case = pairs(4, 20, bins, torch.float32)
    mask = torch.arange(20) % 3 != 1
    padded = Pairs(*(torch.where(mask.view(-1, *(1,) * (part.ndim - 1)), part, torch.nan) for part in case))
    padded = padded._replace(numbers=padded.numbers.requires_grad_())
    whole = case._replace(numbers=case.numbers.requires_grad_())
    ours, theirs = of_kernel(padded, mask), of_kernel(whole)
    for value, wanted in zip(ours, theirs, strict=True):
        assert torch.equal(value[mask], wanted[mask])
        assert not value[~mask].any()
    of_ours, of_theirs = gradient(ours, padded.numbers), gradient(theirs, whole.numbers)
    assert torch.equal(of_ours[mask], of_theirs[mask])
    assert not of_ours[~mask].any()


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("bins", [16, 1])
def test_numbers_that_are_none_show(bins: int) -> None:
    case = pairs(5, 4, bins, torch.float32)
    case.numbers[1, 2] = torch.nan
    case.boxes[2, 0] = torch.nan
    missing, focal = of_kernel(case)
    assert missing.isnan().tolist() == [False, True, True, False]
    assert focal.isnan().tolist() == [False, True, True, False]


@pytest.mark.parametrize("bins", [16, 1])
def test_any_strides(bins: int) -> None:
    case = pairs(6, 12, bins)
    flat = case._replace(numbers=case.numbers.requires_grad_())
    apart = torch.stack((case.numbers, case.numbers * torch.nan), 1).detach()
    strided = Pairs(apart[:, 0].requires_grad_(), case.boxes)
    assert not strided.numbers.is_contiguous()
    for value, wanted in zip(of_kernel(strided), of_kernel(flat), strict=True):
        assert torch.equal(value, wanted)
    of_ours, of_theirs = (
        torch.autograd.grad(of_kernel(part)[0].square().sum(), part.numbers)[0] for part in (strided, flat)
    )
    assert torch.equal(of_ours, of_theirs)


def test_no_images() -> None:
    case = pairs(7, 0, 16, torch.float32)
    case = case._replace(numbers=case.numbers.requires_grad_())
    missing, focal = of_kernel(case)
    assert (missing.shape, focal.shape) == ((0,), (0,))
    assert torch.autograd.grad(missing.sum() + focal.sum(), case.numbers)[0].shape == (0, 4, 16)


def test_only_the_numbers_have_a_gradient() -> None:
    case = Pairs(*(part.requires_grad_() for part in pairs(8, 5, 4)))
    missing, focal = of_kernel(case)
    (missing.sum() + focal.sum()).backward()
    assert case.numbers.grad is not None
    assert case.boxes.grad is None


def test_nothing_is_larger_than_the_numbers_and_nothing_is_read_back() -> None:
    case = pairs(9, 10, 16, torch.float32)
    case = case._replace(numbers=case.numbers.requires_grad_())
    with LargestTensor() as largest, NoHostSync():
        missing, focal = of_kernel(case)
        (missing.sum() + focal.sum()).backward()
    assert largest.nbytes <= case.numbers.nbytes, largest.operation


def test_bins_of_no_probability() -> None:
    """Those whose logits are minus infinity add nothing."""
    from yolosses.kernels.triton.point_decode import decode_boxes

    logits = torch.randn(1, 4 * 5, 4)
    logits.unflatten(1, (4, 5))[:, :, :2] = -torch.inf
    ours = decode_boxes([logits], grids=((2, 2),), strides=(STRIDE,), bins=5)
    codec = PointCodec(levels=Levels(grids=((2, 2),), strides=(STRIDE,)), num_classes=1, bins=5)
    theirs = codec.boxes((logits, torch.zeros(1, 1, 4)))
    assert ours.isfinite().all()
    torch.testing.assert_close(ours, theirs, **SINGLE)
