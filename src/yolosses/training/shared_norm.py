"""Batch normalisation with the statistics of the pictures of all processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def share_statistics(model: nn.Module, device: torch.device) -> nn.Module:
    """``model`` with batch normalisation over all processes, so that they compute what one process would.

    Names and values of the weights stay. On a GPU it is `torch.nn.SyncBatchNorm`, which torch does not have for a CPU.
    """
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return converted
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
    return model


class SharedBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose mean and variance in training are those of all processes' pictures, also where a process
    has none."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W), any B from 0."""
        if not self.training:
            return super().forward(input)
        values = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        means, spreads, counts = _gathered(*_own_statistics(values))
        count = counts.sum().clamp(min=1)
        mean = (counts * means).sum(0) / count
        # Not from the sum of the squares: the difference of two large numbers would lose digits.
        variance = (spreads + counts * (means - mean).square()).sum(0) / count
        self._remember(mean.detach(), variance.detach(), count)
        normed = (values - _column(mean)) * _column(torch.rsqrt(variance + self.eps))
        return (normed * _column(self.weight) + _column(self.bias)).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if not self.track_running_stats:
            return
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        unbiased = variance * (count / (count - 1).clamp(min=1))
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)


@contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """The running statistics stay as they are: the same pictures are computed a second time."""
    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            assert norm.num_batches_tracked is not None
            norm.num_batches_tracked.sub_(1)


def _own_statistics(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each channel the mean (C,) and the sum of squared differences from it (C,), and how many values it has (1,).
    0 where there are no pictures, with a gradient that reaches them, so that all processes go back together.
    """
    count = values.numel() // values.shape[1]
    mean = values.sum((0, 2, 3)) / max(count, 1)
    return mean, (values - _column(mean)).square().sum((0, 2, 3)), values.new_full((1,), count)


def _gathered(*parts: Tensor) -> Sequence[Tensor]:
    """``parts`` (n,) of all N processes, each (N, n), in one exchange."""
    own = torch.cat(parts)
    mine = torch.arange(dist.get_world_size(), device=own.device) == dist.get_rank()
    table = _summed(torch.where(mine[:, None], own, 0))
    return torch.split(table, [len(part) for part in parts], 1)


class _Summed(torch.autograd.Function):
    """The sum over the processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(values: Tensor) -> Tensor:
    total: Tensor = _Summed.apply(values)  # type: ignore[no-untyped-call]
    return total


def _column(values: Tensor) -> Tensor:
    return values[None, :, None, None]
