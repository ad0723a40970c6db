"""The running average of a network's weights: what is evaluated and kept."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(model: nn.Module, *, decay: float = 0.995) -> AveragedModel:
    """An exponential moving average of weights and batch-normalisation statistics; call
    ``update_parameters(model)`` after each step.

    The decay begins low and rises, so that the random weights of the start are soon forgotten.
    """

    @torch.no_grad()
    def blend(averages: Tensors, currents: Tensors, count: Tensor | int) -> None:
        if not averages[
            0
        ].is_floating_point():  # called for each dtype: batch normalisation counts its batches
            torch._foreach_copy_(averages, currents)
            return
        steps = float(count)
        torch._foreach_lerp_(averages, currents, 1 - min(decay, (1 + steps) / (10 + steps)))

    return AveragedModel(model, multi_avg_fn=blend, use_buffers=True)
