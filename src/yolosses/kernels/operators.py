"""How kernels are registered: as operators whose output shapes a compiled graph knows and inside which nothing is
traced, and as functions with a first derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.autograd import Function

_operators = torch.library.Library("yolosses", "FRAGMENT")
_KEYS = {"numba": "CPU", "triton": "CompositeExplicitAutograd"}
"""Dispatch keys: loops know a CPU alone, kernels whatever Triton runs on."""

Kernel = Callable[..., Any]


def operator(schema: str, shapes: Kernel, impl: str) -> Callable[[Kernel], Kernel]:
    """Decorates a kernel, which becomes the operator ``torch.ops.yolosses.NAME``.

    What is returned calls the kernel itself, and goes through the dispatcher only where a compiler or a transform of
    `torch.func` has to see it. Not `torch.library.custom_op`, whose checks take as long as a small batch's kernels.

    Args:
        schema: with the name. Sizes that may differ between batches are SymInt.
        shapes: what the kernel returns, not yet written; it keeps symbolic sizes (``shape[0]``, not ``len``).
        impl: "numba" or "triton".
    """

    def register(function: Kernel) -> Kernel:
        name = schema.partition("(")[0]
        _operators.define(schema)
        _operators.impl(name, function, _KEYS[impl])
        _operators.impl(name, _refusing(impl, "torch.func.vmap"), "FuncTorchBatched")
        torch.library.register_fake(f"yolosses::{name}", shapes, lib=_operators)
        dispatched = getattr(torch.ops.yolosses, name)

        def run(*arguments: Any) -> Any:
            if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
                return dispatched(*arguments)
            return function(*arguments)

        return run

    return register


def with_gradient(impl: str, gradient: Kernel) -> Callable[..., Tensor]:
    """A function ``attach(sums, parts, kept, settings)`` that returns ``sums`` as what a kernel computed of ``parts``.

    The derivative of second order is refused: a graph of the gradient may be made, but not gone through.

    Args:
        impl: "numba" or "triton". gradient: ``gradient(of_sums, *parts, *kept, *settings)``, of each of ``parts``; an
            operator. There ``kept`` are tensors or None, and ``settings`` are not tensors.
    """
    refusal = f"impl: {impl!r} has no second derivative; use impl='torch'"

    class Gradient(Function):
        vmap = staticmethod(_refusing(impl, "torch.func.vmap"))
        jvp = staticmethod(_refusing(impl, "forward-mode derivatives"))

        @staticmethod
        def forward(settings: tuple[Any, ...], *tensors: Tensor | None) -> tuple[Tensor, ...]:
            return tuple(gradient(*(_constant(tensor) for tensor in tensors), *settings))

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, *_: Tensor) -> NoReturn:
            raise RuntimeError(refusal)

    class Sums(Function):
        @staticmethod
        def forward(count: int, settings: tuple[Any, ...], sums: Tensor, *tensors: Tensor | None) -> Tensor:
            return sums.view_as(sums)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:
            ctx.count, ctx.settings, _, *tensors = inputs
            ctx.save_for_backward(*tensors)

        @staticmethod
        def backward(ctx: Any, of_sums: Tensor) -> tuple[Tensor | None, ...]:
            tensors, settings, count = ctx.saved_tensors, ctx.settings, ctx.count
            if torch.is_grad_enabled() and not torch.compiler.is_compiling():
                found = Gradient.apply(settings, of_sums, *tensors)
            else:
                found = gradient(of_sums, *tensors, *settings)
            return None, None, None, *found, *(None,) * (len(tensors) - count)

    class EagerSums(Sums):  # Dynamo knows no Function with these
        vmap = staticmethod(_refusing(impl, "torch.func.vmap"))
        jvp = staticmethod(_refusing(impl, "forward-mode derivatives"))

    def attach(
        sums: Tensor, parts: Sequence[Tensor], kept: Sequence[Tensor | None], settings: tuple[Any, ...]
    ) -> Tensor:
        found: Tensor
        if torch.compiler.is_compiling():
            found = Sums.apply(len(parts), settings, sums, *parts, *kept)
        else:
            kept = [_saveable(tensor) for tensor in kept]
            found = EagerSums.apply(len(parts), settings, sums, *parts, *kept)
        return found

    return attach


def _constant(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.detach()


def _saveable(tensor: Tensor | None) -> Tensor | None:
    """Tensors of `torch.inference_mode`, targets for example, cannot be saved for backward; their copies can."""
    return tensor.clone() if tensor is not None and tensor.is_inference() else tensor


def _refusing(impl: str, what: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise RuntimeError(f"impl: {impl!r} does not know {what}; use impl='torch'")

    return refuse
