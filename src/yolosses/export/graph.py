"""A loss as one function of plain tensors, its gradient included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_unflatten

from yolosses.losses.base import Loss
from yolosses.modes import exporting
from yolosses.structures import Targets, Term

TARGETS = ("boxes", "labels", "mask")
IGNORE = "ignore"
LAMBDAS = "lambdas"
OF_TERMS = ("penalty", "weight", "pred", "target", "predictor")


class LossGraph(nn.Module):
    """``loss`` as a function from tensors to tensors, which holds no choice that depends on their values.

    It is called with the tensors of the raw output in order, boxes (B, M, 4) cxcywh in fractions, labels (B, M), mask
    (B, M), ignore (B, M) if the example has it, and lambdas (T,), the weights of the T terms. It returns, in the order
    of `outputs`:

    - ``total``: (), the loss; ``terms``: (T,) weighted; they sum to it; ``unweighted``: (T,), each with a lambda of 1.
    - ``gradient_K``: of the total with respect to tensor K of the raw output.
    - ``pair_predictor``, ``pair_object``, ``pair_mask``, ``pair_iou``: the `Assignment`.
    - ``NAME_penalty``, ``NAME_weight``, ``NAME_pred``, ``NAME_target``, ``NAME_predictor``: of each `Term`, before any
      sum. The sum of penalty times weight, divided by the normaliser, times lambda is the entry of ``terms``.

    Args:
        loss: any loss of the library, with ``reduction="mean"``.
        raw: an example of its input, a tensor or lists and dicts of tensors; it fixes the shapes. targets: an example,
            which fixes M, and whether regions can be ignored.

    Raises:
        ValueError: ``loss`` has another reduction.
    """

    def __init__(self, loss: Loss, raw: Any, targets: Targets) -> None:
        super().__init__()
        if loss.reduction != "mean":
            raise ValueError(f'loss: expected reduction="mean"; got {loss.reduction!r}')
        self.loss = loss
        levels, self.form = tree_flatten(raw)
        self.levels = len(levels)
        with torch.no_grad(), exporting():
            terms = loss.elementwise(raw, targets, loss.assign(raw, targets))
        self.names = tuple(term.name for term in terms)
        lambdas = torch.tensor([term.scale for term in terms], dtype=levels[0].dtype)
        ignore = () if targets.ignore is None else (targets.ignore,)
        self.targets = TARGETS if targets.ignore is None else (*TARGETS, IGNORE)
        self.example = (*levels, targets.boxes, targets.labels, targets.mask, *ignore, lambdas)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the arguments."""
        return (*(f"raw_{level}" for level in range(self.levels)), *self.targets, LAMBDAS)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what is returned."""
        gradients = (f"gradient_{level}" for level in range(self.levels))
        pairs = ("pair_predictor", "pair_object", "pair_mask", "pair_iou")
        return (
            "total",
            "terms",
            "unweighted",
            *gradients,
            *pairs,
            *(f"{name}_{part}" for name in self.names for part in OF_TERMS),
        )

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The `outputs` for `inputs` in order."""
        levels = [level.detach().requires_grad_() for level in inputs[: self.levels]]
        *truth, lambdas = inputs[self.levels :]
        targets = Targets(**dict(zip(self.targets, truth, strict=True)))
        raw = tree_unflatten(levels, self.form)
        with exporting(), torch.enable_grad():
            assignment = self.loss.assign(raw, targets)
            terms = self.loss.elementwise(raw, targets, assignment)
            each = self.loss.reduce([replace(term, scale=1.0) for term in terms], assignment).unweighted
            unweighted = torch.stack([each[name] for name in self.names])
            weighted = unweighted * lambdas
            total = weighted.sum()
            gradients = torch.autograd.grad(total, levels)
        pairs = (assignment.predictor, assignment.object, assignment.mask, assignment.iou)
        parts = (part for term in terms for part in _parts(term))
        return tuple(value.detach() for value in (total, weighted, unweighted, *gradients, *pairs, *parts))

    def traced(self) -> GraphModule:
        """The operations of `forward` alone, recorded on the example; `torch.export` and ONNX read it."""
        return make_fx(self, decomposition_table={torch.ops.aten.sigmoid.default: _sigmoid})(*self.example)

    def program(self) -> ExportedProgram:
        """`forward` as a program of `torch.export`, which `torch.export.save` writes; all shapes are fixed."""
        return torch.export.export(self.traced(), self.example, strict=False)


def _sigmoid(x: Tensor) -> Tensor:
    """The sigmoid from an exponential: that of onnxruntime is 0 below -18, where other predictors would be chosen."""
    small = torch.exp(-x.abs())
    return torch.where(x >= 0, torch.ones_like(x), small) / (1 + small)


def _parts(term: Term) -> tuple[Tensor, ...]:
    shape = term.penalty.shape
    return (
        term.penalty,
        term.weight.to(term.penalty.dtype).expand(shape),
        term.pred.expand(shape),
        term.target.expand(shape),
        term.predictor.expand(shape[:2]),
    )
