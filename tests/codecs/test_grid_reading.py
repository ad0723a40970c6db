"""Reading a grid is plain indexing, with one gradient of the output's size: to any order, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hazards import LargestTensor
from torch import Tensor

from yolosses.codecs import GridCodec
from yolosses.codecs.grid_reading import read_grid, write_grid

B, K, C = 2, 2, 3
GRID = (2, 3)
CODEC = GridCodec(grid=GRID, boxes_per_cell=K, num_classes=C, size_encoding="sqrt", layout="cell")
DARKNET = GridCodec(grid=GRID, boxes_per_cell=K, num_classes=C, size_encoding="sqrt", layout="darknet")
A = GRID[0] * GRID[1] * K

LAYOUTS: dict[str, tuple[GridCodec, Callable[[Tensor], Tensor]]] = {
    "cells": (CODEC, lambda raw: raw),
    "flat": (CODEC, lambda raw: raw.flatten(1)),
    "darknet": (DARKNET, lambda raw: raw.flatten(1)),
    "channels first in memory": (CODEC, lambda raw: raw.movedim(-1, 1).contiguous().movedim(1, -1)),
    "a slice": (CODEC, lambda raw: torch.cat((raw, raw), 2)[:, :, ::2]),
}
EACH = pytest.mark.parametrize(("codec", "laid_out"), LAYOUTS.values(), ids=LAYOUTS)
# Of a predictor twice, of both boxes of a cell, of none in the second image.
IMAGE, PREDICTOR = torch.tensor([0, 0, 0, 0, 1]), torch.tensor([3, 3, 2, A - 1, 0])


def raw(seed: int = 0) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randn(B, *GRID, 5 * K + C, generator=noise, dtype=torch.float64)


def by_indexing(output: Tensor, codec: GridCodec, image: Tensor, predictor: Tensor) -> tuple[Tensor, Tensor]:
    boxes, confidence, classes = codec.split(output)
    each = torch.cat((boxes, confidence[..., None], classes[:, :, None].expand(-1, -1, K, -1)), -1).flatten(
        1, 2
    )
    return each[image, predictor], confidence.flatten(1)


def mixed(found: tuple[Tensor, Tensor]) -> Tensor:
    """A number that every element moves differently, and not in proportion."""
    return sum(
        (part.flatten() * torch.linspace(0.5, 1.5, part.numel()).double()).sin().sum() for part in found
    )


@EACH
def test_it_is_plain_indexing(codec: GridCodec, laid_out: Callable[[Tensor], Tensor]) -> None:
    outputs = [laid_out(raw()).detach().requires_grad_() for _ in range(2)]
    found = [
        read(output, codec, IMAGE, PREDICTOR)
        for read, output in zip((read_grid, by_indexing), outputs, strict=True)
    ]
    assert all(map(torch.equal, *found))
    grads = [
        torch.autograd.grad(mixed(parts), output)[0] for parts, output in zip(found, outputs, strict=True)
    ]
    torch.testing.assert_close(*grads, rtol=1e-13, atol=1e-14)
    assert grads[0].shape == outputs[0].shape


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 12))
def test_it_is_plain_indexing_of_any_predictors(seed: int, count: int) -> None:
    noise = torch.Generator().manual_seed(seed)
    image, predictor = (torch.randint(0, most, (count,), generator=noise) for most in (B, A))
    outputs = [raw(seed).requires_grad_() for _ in range(2)]
    found = [
        read(output, CODEC, image, predictor)
        for read, output in zip((read_grid, by_indexing), outputs, strict=True)
    ]
    assert all(map(torch.equal, *found))
    grads = [
        torch.autograd.grad(mixed(parts), output)[0] for parts, output in zip(found, outputs, strict=True)
    ]
    torch.testing.assert_close(*grads, rtol=1e-13, atol=1e-14)


def test_a_list_and_a_table_of_all_pairs_are_the_same() -> None:
    predictor = torch.tensor([[3, 3, 2], [0, A - 1, 0]])
    image = torch.arange(B)[:, None]
    table, every = read_grid(raw(), CODEC, image, predictor)
    rows, other = read_grid(raw(), CODEC, image.expand_as(predictor).flatten(), predictor.flatten())
    assert torch.equal(table.flatten(0, 1), rows)
    assert torch.equal(every, other)


@EACH
def test_derivatives_of_second_order(codec: GridCodec, laid_out: Callable[[Tensor], Tensor]) -> None:
    output = laid_out(raw()).detach().requires_grad_()

    def value(output: Tensor) -> Tensor:
        return mixed(read_grid(output, codec, IMAGE, PREDICTOR))

    assert torch.autograd.gradcheck(value, output)
    assert torch.autograd.gradgradcheck(value, output)


def test_functional_transforms() -> None:
    def value(output: Tensor) -> Tensor:
        return mixed(read_grid(output, CODEC, IMAGE, PREDICTOR))

    def plainly(output: Tensor) -> Tensor:
        return mixed(by_indexing(output, CODEC, IMAGE, PREDICTOR))

    way = raw(1)
    torch.testing.assert_close(torch.func.grad(value)(raw()), torch.func.grad(plainly)(raw()))
    torch.testing.assert_close(
        torch.func.jvp(value, (raw(),), (way,)), torch.func.jvp(plainly, (raw(),), (way,))
    )
    # The derivative of the gradient along a direction: forwards over backwards.
    torch.testing.assert_close(
        *(torch.func.jvp(torch.func.grad(f), (raw(),), (way,))[1] for f in (value, plainly))
    )


def test_writing_is_the_transpose_of_reading() -> None:
    """<write(r), x> = <r, read(x)>: what several pairs share is added up."""
    rows, every = read_grid(raw(1), CODEC, IMAGE, PREDICTOR)
    written = write_grid(rows, every, CODEC, IMAGE, PREDICTOR, shape=raw().shape)
    found = read_grid(raw(), CODEC, IMAGE, PREDICTOR)
    torch.testing.assert_close((written * raw()).sum(), (rows * found[0]).sum() + (every * found[1]).sum())
    rows, every = rows.requires_grad_(), every.requires_grad_()

    def value(rows: Tensor, every: Tensor) -> Tensor:
        return write_grid(rows, every, CODEC, IMAGE, PREDICTOR, shape=raw().shape).sin().sum()

    assert torch.autograd.gradcheck(value, (rows, every))
    assert torch.autograd.gradgradcheck(value, (rows, every))


def test_the_gradient_is_the_only_tensor_of_the_outputs_size() -> None:
    codec = GridCodec(grid=(20, 20), boxes_per_cell=2, num_classes=20, size_encoding="sqrt", layout="cell")
    output = torch.zeros(2, 20, 20, 30, requires_grad=True)
    rows, every = read_grid(output, codec, IMAGE, PREDICTOR)
    made = 0

    class Count(LargestTensor):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal made
            result = super().__torch_dispatch__(func, types, args, kwargs)
            made += ("new_zeros" in str(func) or "empty" in str(func)) and result.numel() == output.numel()
            return result

    with Count():
        torch.autograd.grad(rows.sum() + every.sum(), output)
    assert made <= 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_it_keeps_the_dtype(dtype: torch.dtype) -> None:
    output = raw().to(dtype).requires_grad_()
    rows, every = read_grid(output, CODEC, IMAGE, PREDICTOR)
    assert rows.dtype == every.dtype == dtype
    (grad,) = torch.autograd.grad(rows.float().sum() + every.float().sum(), output)
    assert grad.dtype == dtype
