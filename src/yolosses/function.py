"""The base of our operations with a gradient of their own."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch


class Function(torch.autograd.Function):
    """`torch.autograd.Function` whose signature is worked out once: ``apply`` asks for it in each call, which takes
    longer than many of the operations here."""

    if TYPE_CHECKING:
        apply: Callable[..., Any]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.forward.__signature__ = inspect.signature(cls.forward)  # type: ignore[attr-defined]
