"""Reading several levels is plain indexing of what they are joined to, with one gradient of the output's size."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from yolosses.codecs.level_reading import Listed, in_memory_order, read_levels

B, E, CHANNEL = 2, 7, 4
SHAPES = ((2, 3, 2), (2, 1, 2))  # (K, rows, columns) of the levels
COUNTS = [12, 4]
A = sum(COUNTS)

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "channels last": lambda view: view,
    "channels first": lambda view: view.movedim(-1, 2).contiguous().movedim(2, -1),
    "a map": lambda view: (
        view.permute(0, 1, 4, 2, 3).flatten(1, 2).contiguous().unflatten(1, (2, E)).permute(0, 1, 3, 4, 2)
    ),
    "a map, channels last": lambda view: (
        view.permute(0, 1, 4, 2, 3)
        .flatten(1, 2)
        .contiguous(memory_format=torch.channels_last)
        .unflatten(1, (2, E))
        .permute(0, 1, 3, 4, 2)
    ),
    "rows": lambda view: view.flatten(1, 3).contiguous(),
}
EACH = pytest.mark.parametrize("laid_out", LAYOUTS.values(), ids=LAYOUTS)
IMAGE, PREDICTOR = torch.tensor([1, 0, 0, 1, 0]), torch.tensor([13, 3, 11, 13, 15])


def views(seed: int = 0) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    return [torch.randn(B, *shape, E, generator=noise, dtype=torch.float64) for shape in SHAPES]


def by_indexing(views: list[Tensor], listed: Listed) -> tuple[Tensor, Tensor]:
    joined = torch.cat([view.flatten(1, -2) for view in views], 1)
    return joined[listed.image, listed.predictor], joined[..., CHANNEL]


def mixed(found: tuple[Tensor, Tensor]) -> Tensor:
    return sum(
        (part.flatten() * torch.linspace(0.5, 1.5, part.numel()).double()).sin().sum() for part in found
    )


def listed_of(image: Tensor = IMAGE, predictor: Tensor = PREDICTOR) -> Listed:
    return in_memory_order(image, predictor, COUNTS, B)[0]


def test_the_order_of_memory() -> None:
    listed, order = in_memory_order(IMAGE, PREDICTOR, COUNTS, B)
    assert listed.predictor.tolist() == [3, 11, 15, 13, 13]
    assert listed.image.tolist() == [0, 0, 0, 1, 1]
    assert listed.level_sizes == [2, 3]
    assert not listed.distinct
    assert torch.equal(PREDICTOR[order], listed.predictor)
    assert listed_of(IMAGE[:3], PREDICTOR[:3]).distinct
    assert listed_of(IMAGE[:0], PREDICTOR[:0]).level_sizes == [0, 0]


@pytest.mark.parametrize("count", [5, 3, 0], ids=["one twice", "distinct", "none"])
@EACH
def test_it_is_plain_indexing(laid_out: Callable[[Tensor], Tensor], count: int) -> None:
    listed = listed_of(IMAGE[:count], PREDICTOR[:count])
    outputs = [[laid_out(view).detach().requires_grad_() for view in views()] for _ in range(2)]
    found = [read_levels(outputs[0], listed, CHANNEL), by_indexing(outputs[1], listed)]
    assert all(map(torch.equal, *found))
    grads = [torch.autograd.grad(mixed(parts), output) for parts, output in zip(found, outputs, strict=True)]
    for mine, wanted, output in zip(*grads, outputs[0], strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-13, atol=1e-14)
        assert mine.stride() == output.stride()  # laid out as what it is of, so that nothing has to copy it


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 12))
def test_it_is_plain_indexing_of_any_predictors(seed: int, count: int) -> None:
    noise = torch.Generator().manual_seed(seed)
    listed = listed_of(*(torch.randint(0, most, (count,), generator=noise) for most in (B, A)))
    outputs = [[view.requires_grad_() for view in views(seed)] for _ in range(2)]
    found = [read_levels(outputs[0], listed, CHANNEL), by_indexing(outputs[1], listed)]
    assert all(map(torch.equal, *found))
    grads = [torch.autograd.grad(mixed(parts), output) for parts, output in zip(found, outputs, strict=True)]
    for mine, wanted in zip(*grads, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("count", [5, 3], ids=["one twice", "distinct"])
@EACH
def test_derivatives_of_second_order(laid_out: Callable[[Tensor], Tensor], count: int) -> None:
    listed = listed_of(IMAGE[:count], PREDICTOR[:count])
    outputs = tuple(laid_out(view).detach().requires_grad_() for view in views())

    def value(*outputs: Tensor) -> Tensor:
        return mixed(read_levels(outputs, listed, CHANNEL))

    assert torch.autograd.gradcheck(value, outputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(value, outputs, fast_mode=True)


def test_functional_transforms() -> None:
    listed, way = listed_of(), tuple(views(1))

    def value(*outputs: Tensor) -> Tensor:
        return mixed(read_levels(outputs, listed, CHANNEL))

    def plainly(*outputs: Tensor) -> Tensor:
        return mixed(by_indexing(list(outputs), listed))

    both = [torch.func.grad(f, argnums=(0, 1)) for f in (value, plainly)]
    torch.testing.assert_close(*(f(*views()) for f in both))
    torch.testing.assert_close(*(torch.func.jvp(f, tuple(views()), way) for f in (value, plainly)))
    torch.testing.assert_close(*(torch.func.jvp(f, tuple(views()), way)[1] for f in both))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_it_keeps_the_dtype(dtype: torch.dtype) -> None:
    outputs = [view.to(dtype).requires_grad_() for view in views()]
    rows, every = read_levels(outputs, listed_of(), CHANNEL)
    assert rows.dtype == every.dtype == dtype
    assert {
        grad.dtype for grad in torch.autograd.grad(rows.float().sum() + every.float().sum(), outputs)
    } == {dtype}
