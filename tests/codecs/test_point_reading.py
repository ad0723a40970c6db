"""Reading the output of anchor-free networks: what plain operations on the joined output say, value and gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hazards import LargestTensor
from torch import Tensor

from yolosses.codecs.level_reading import in_memory_order
from yolosses.codecs.point_reading import At, Read, read_points

B, C, BOX = 2, 3, 8
GRIDS = ((3, 4), (2, 2))
COUNTS = [12, 4]
A = sum(COUNTS)
FORMS = ("maps", "channels last", "a slice", "flat", "flat, transposed")


def maps(seed: int = 0) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    return [torch.randn(B, BOX + C, *grid, generator=noise, dtype=torch.float64) for grid in GRIDS]


def formed(form: str, levels: list[Tensor]) -> list[Tensor]:
    if form == "channels last":
        levels = [level.to(memory_format=torch.channels_last) for level in levels]
    if form == "a slice":
        levels = [torch.cat((level, level), 3)[..., : level.shape[3]] for level in levels]
    if form.startswith("flat"):
        joined = torch.cat([level.flatten(2) for level in levels], 2)
        levels = [part.contiguous() for part in joined.split([BOX, C], 1)]
    if form == "flat, transposed":
        levels = [part.mT.contiguous().mT for part in levels]
    return [level.detach().requires_grad_() for level in levels]


def joined(parts: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Boxes (B, A, 4R) and class logits (B, A, C)."""
    if parts[0].ndim == 3:
        return parts[0].mT, parts[1].mT
    together = torch.cat([level.flatten(2) for level in parts], 2).mT
    return together[..., :BOX], together[..., BOX:]


def plainly(parts: list[Tensor], at: At, mask: Tensor | None) -> Read:
    boxes, scores = joined(parts)
    weight = torch.ones(B, A).double() if at.location_weight is None else at.location_weight
    factor = torch.ones(C).double() if at.class_weight is None else at.class_weight
    logit = scores[at.image, at.predictor, at.label]
    total = (scores[at.image, at.predictor] * factor).sum(-1) if at.totals else torch.zeros_like(logit)
    softplus = (torch.nn.functional.softplus(scores, threshold=60) * factor).sum(-1) * weight
    return Read(boxes[at.image, at.predictor], logit, total, softplus.sum(1))


def mixed(found: Read, mask: Tensor | None) -> Tensor:
    value: Any = 0
    for index, part in enumerate(found):
        if mask is not None and index < 3:
            part = torch.where(mask.view(*mask.shape, *(1,) * (part.ndim - 2)), part, 0)
        value = value + (part.flatten() * torch.linspace(0.5, 1.5, part.numel()).double()).sin().sum()
    return value


def scene(
    seed: int, pairs: int, *, whole: bool, weighted: bool, totals: bool, one_level: bool = False
) -> tuple[At, Tensor | None]:
    """Pairs, some of a location twice; all (B, P) of which some count, or the list of those."""
    noise = torch.Generator().manual_seed(seed)
    predictor, label = (torch.randint(0, most, (B, pairs), generator=noise) for most in (A, C))
    mask = torch.rand(B, pairs, generator=noise) < 0.7
    weight = torch.rand(B, A, generator=noise, dtype=torch.float64) * 2 if weighted else None
    factor = torch.tensor([0.5, 0.0, 2.0], dtype=torch.float64) if weighted else None
    if whole:
        return At(torch.arange(B)[:, None], predictor, label, weight, factor, None, False, totals), mask
    image, pair = mask.nonzero().unbind(1)
    listed, order = in_memory_order(image, predictor[image, pair], [A] if one_level else COUNTS, B)
    label = label[image, pair][order]
    return At(
        listed.image, listed.predictor, label, weight, factor, listed.level_sizes, listed.distinct, totals
    ), None


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    pairs=st.integers(0, 9),
    form=st.sampled_from(FORMS),
    whole=st.booleans(),
    weighted=st.booleans(),
    totals=st.booleans(),
)
def test_it_is_what_plain_operations_say(
    seed: int, pairs: int, form: str, whole: bool, weighted: bool, totals: bool
) -> None:
    at, mask = scene(seed, pairs, whole=whole, weighted=weighted, totals=totals)
    ours, theirs = (formed(form, maps(seed)) for _ in range(2))
    found, wanted = read_points(ours, BOX, at, mask), plainly(theirs, at, mask)
    values = [mixed(read, mask) for read in (found, wanted)]
    torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)
    grads = [torch.autograd.grad(value, parts) for value, parts in zip(values, (ours, theirs), strict=True)]
    for mine, other in zip(*grads, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("form", FORMS)
def test_a_list_and_a_table_of_all_pairs_are_the_same(form: str) -> None:
    parts = formed(form, maps())
    (listed, _), (table, mask) = (
        scene(5, 6, whole=whole, weighted=True, totals=True) for whole in (False, True)
    )
    rows, every = read_points(parts, BOX, listed, None), read_points(parts, BOX, table, mask)
    assert mask is not None
    image, pair = mask.nonzero().unbind(1)
    _, order = in_memory_order(image, table.predictor[image, pair], COUNTS, B)
    for mine, other in zip(rows[:3], every[:3], strict=True):
        torch.testing.assert_close(mine, other[image[order], pair[order]])
    torch.testing.assert_close(rows.softplus, every.softplus)
    assert rows.softplus.dtype == torch.float64


@pytest.mark.parametrize("whole", [False, True], ids=["a list", "all pairs"])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("form", ["maps", "channels last", "flat"])
def test_derivatives_of_second_order(form: str, weighted: bool, whole: bool) -> None:
    at, mask = scene(3, 5, whole=whole, weighted=weighted, totals=True)
    parts = tuple(formed(form, maps()))

    def value(*parts: Tensor) -> Tensor:
        return mixed(read_points(parts, BOX, at, mask), mask)

    assert torch.autograd.gradcheck(value, parts, fast_mode=True)
    assert torch.autograd.gradgradcheck(value, parts, fast_mode=True)


def test_a_gradient_of_the_functional_kind() -> None:
    at, mask = scene(3, 5, whole=False, weighted=True, totals=True)
    ours, theirs = (
        torch.func.grad(f, argnums=(0, 1))(*maps())
        for f in (
            lambda *parts: mixed(read_points(parts, BOX, at, mask), mask),
            lambda *parts: mixed(plainly(list(parts), at, mask), mask),
        )
    )
    torch.testing.assert_close(ours, theirs)


def test_a_saturated_logit_does_not_drown_the_rest() -> None:
    """softplus(x) - t x of a large x is a difference of large numbers: their sum is kept in float64."""
    at, _ = scene(3, 5, whole=False, weighted=False, totals=False)
    levels = [level.float() for level in maps()]
    levels[0][0, BOX, 0, 0] = 1e6
    wanted = read_points([level.double() for level in levels], BOX, at, None).softplus - 1e6
    found = read_points(levels, BOX, at, None).softplus - 1e6
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_read_in_float32(dtype: torch.dtype) -> None:
    at, _ = scene(3, 5, whole=False, weighted=False, totals=True)
    half = [level.to(dtype).requires_grad_() for level in maps()]
    single = [level.detach().float().requires_grad_() for level in half]
    found, wanted = (read_points(parts, BOX, at, None) for parts in (half, single))
    assert found.numbers.dtype == found.logit.dtype == torch.float32
    torch.testing.assert_close(tuple(found), tuple(wanted), rtol=1e-6, atol=1e-6)
    ours, theirs = (
        torch.autograd.grad(mixed(read, None), parts) for read, parts in ((found, half), (wanted, single))
    )
    eps = torch.finfo(dtype).eps  # of the class of a pair the gradient is a sum of rounded numbers of about 1
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other.to(dtype), rtol=2 * eps, atol=eps)


@pytest.mark.parametrize("whole", [False, True], ids=["a list", "all pairs"])
def test_the_gradient_is_the_only_tensor_of_the_outputs_size(whole: bool) -> None:
    """And nothing is larger than a level: no table of targets, no joined maps."""
    at, mask = scene(3, 5, whole=whole, weighted=False, totals=True)
    parts = [torch.zeros(B, BOX + C, *grid, requires_grad=True) for grid in GRIDS]
    with LargestTensor() as forward:
        value = mixed(read_points(parts, BOX, at, mask), mask)
    with LargestTensor() as backward:
        value.backward()
    assert forward.nbytes <= parts[0].nbytes, forward.operation
    assert backward.nbytes <= parts[0].nbytes, backward.operation
