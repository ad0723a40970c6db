"""The watchers themselves: each hazard is seen, and harmless operations are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.hazards import HostSyncError, LargestTensor, NoHostSync, compiled
from torch import Tensor, nn

X = torch.arange(6.0)


@pytest.mark.parametrize(
    "hazard",
    [
        pytest.param(lambda: X.sum().item(), id="item"),
        pytest.param(lambda: float(X[0]), id="float"),
        pytest.param(lambda: bool(X[0] > 1), id="bool"),
        pytest.param(lambda: (X > 2).nonzero(), id="nonzero"),
        pytest.param(lambda: torch.where(X > 2), id="where of one argument"),
        pytest.param(lambda: X[X > 2], id="boolean mask"),
        pytest.param(lambda: X.clone().index_put_((X > 2,), torch.zeros(3)), id="writing by a mask"),
        pytest.param(lambda: X.masked_select(X > 2), id="masked_select"),
        pytest.param(lambda: X.unique(), id="unique"),
        pytest.param(lambda: torch.equal(X, X), id="equal"),
        pytest.param(lambda: X.repeat_interleave(X.long()), id="repeat_interleave"),
        pytest.param(lambda: X.long().bincount(), id="bincount"),
        pytest.param(lambda: torch.tensor([1.0, 2.0]), id="a constant from the host"),
        pytest.param(lambda: X.new_tensor([1.0]), id="new_tensor"),
    ],
)
def test_what_waits_for_the_device_is_seen(hazard: Callable[[], object]) -> None:
    with NoHostSync(), pytest.raises(HostSyncError):
        hazard()


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param(lambda: torch.where(X > 2, X, 0), id="where"),
        pytest.param(lambda: X.gather(0, X.long()), id="gather"),
        pytest.param(lambda: X[X.long()], id="integer indices"),
        pytest.param(lambda: X.masked_fill(X > 2, 0), id="masked_fill"),
        pytest.param(lambda: torch.arange(3) + torch.ones(3), id="factories"),
        pytest.param(lambda: X.repeat_interleave(2), id="repeat_interleave by a number"),
    ],
)
def test_what_does_not_wait_passes(harmless: Callable[[], object]) -> None:
    with NoHostSync():
        harmless()


def test_a_hazard_in_the_backward_pass_is_seen() -> None:
    class Peeks(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, *grads: Tensor) -> Tensor:
            assert grads[0].sum().item() > 0
            return grads[0] * 2

    y = Peeks.apply(torch.ones(2, requires_grad=True)).sum()  # type: ignore[no-untyped-call]
    with NoHostSync(), pytest.raises(HostSyncError):
        y.backward()


def test_the_largest_tensor_is_remembered_and_views_are_free() -> None:
    with LargestTensor() as watch:
        torch.ones(10).expand(1000, 10)
        assert watch.numel == 10
        (torch.ones(20, 1) * torch.ones(1, 30)).sum()
    assert watch.numel == 600
    assert "mul" in watch.operation


class Doubles(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Breaks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


def test_recompiling_is_an_error() -> None:
    with compiled(Doubles(), backend="eager") as fast:
        assert fast(torch.ones(3)).tolist() == [2, 2, 2]
        assert fast(torch.zeros(3)).tolist() == [0, 0, 0]
        with pytest.raises(Exception, match="Recompiling"):
            fast(torch.ones(4))


def test_a_break_in_the_graph_is_an_error() -> None:
    with (
        compiled(Breaks(), backend="eager") as fast,
        pytest.raises(Exception, match=r"(?i)data-dependent"),
    ):
        fast(torch.ones(3))
