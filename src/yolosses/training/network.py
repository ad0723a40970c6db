"""The network as a training step calls it: compiled, in parts, on several processes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from yolosses.training.processes import Processes
from yolosses.training.shared_norm import kept_statistics


def network_of(
    model: nn.Module, processes: Processes, *, parts: int = 1, compiled: bool = False
) -> nn.Module:
    """What maps images to a list of raw outputs, one for each of ``parts`` parts of the batch. It has the weights of
    ``model``; the gradients are averaged over the processes."""
    # Before they are wrapped: the layout of the weights is that of their gradients' buckets.
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network: nn.Module = InParts(model, parts, compiled=compiled)
    return network if processes.count == 1 else DistributedDataParallel(network)


class InParts(nn.Module):
    """Computes a batch in parts, with the memory of one: what a part needs for its gradient is computed again.

    So all outputs are there before the first gradient is. A normaliser that depends on them, such as the sum of
    qualities of YOLOv8, is that of the whole batch, and the gradient too; batch normalisation sees each part alone.
    """

    def __init__(self, model: nn.Module, parts: int, *, compiled: bool = False) -> None:
        super().__init__()
        self.model = model
        self.parts = parts
        self.call = torch.compile(model) if compiled else model

    def forward(self, images: Tensor) -> list[Any]:
        """(B, 3, H, W) to the raw output of each part."""
        if self.parts == 1:
            return [self.call(images)]
        return [
            checkpoint(self.call, part, use_reentrant=False, context_fn=self._contexts)
            for part in images.tensor_split(self.parts)
            # Other processes may have pictures in this part, and wait for its statistics.
            if len(part) or dist.is_initialized()
        ]

    def _contexts(self) -> tuple[Any, Any]:
        return nullcontext(), kept_statistics(self.model)
