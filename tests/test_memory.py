"""Memory for large results is like torch's in everything but where it comes from."""

from __future__ import annotations

import pytest
import torch

from yolosses import memory

LARGE = (2, 3, 700, 300)
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(0, 4), (), (3, 5), LARGE], ids=str)
def test_it_can_be_written_and_read(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    like = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = memory.empty_like(like)
    assert (found.shape, found.dtype, found.device) == (like.shape, like.dtype, like.device)
    found.copy_(like)
    assert torch.equal(found, like)
    assert torch.equal(memory.empty(*shape, dtype=dtype).fill_(2), torch.full(shape, 2, dtype=dtype))


@pytest.mark.parametrize(
    "like",
    [
        torch.zeros(LARGE).to(memory_format=torch.channels_last),
        torch.zeros(LARGE).permute(0, 2, 3, 1),
        torch.zeros(LARGE)[:, :, ::2],
        torch.zeros(700, 1, 300).expand(700, 5, 300),
    ],
    ids=["channels last", "permuted", "with gaps", "expanded"],
)
def test_the_order_in_memory_is_that_of_torch(like: torch.Tensor) -> None:
    assert memory.empty_like(like).stride() == torch.empty_like(like).stride()
    plain = memory.empty_like(like, torch.contiguous_format)
    assert plain.is_contiguous()
    assert plain.shape == like.shape


def test_it_is_a_gradient_that_is_kept_and_added_to() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, value):  # type: ignore[no-untyped-def]
            return value * 2

        @staticmethod
        def backward(ctx, gradient):  # type: ignore[no-untyped-def]
            return memory.empty_like(gradient).copy_(gradient).mul_(2)

    leaf = torch.zeros(LARGE, requires_grad=True)
    for times in (1, 2):
        Twice.apply(leaf).sum().backward()
        assert leaf.grad is not None
        assert leaf.grad.eq(2 * times).all()


def test_what_is_known_beforehand_is_asked_of_torch() -> None:
    """A compiled graph plans its memory, and the meta device has none."""
    compiled = torch.compile(lambda x: memory.empty_like(x).copy_(x) + 1, backend="eager", fullgraph=True)
    assert compiled(torch.ones(LARGE)).eq(2).all()
    assert memory.empty_like(torch.zeros(LARGE, device="meta")).device.type == "meta"
