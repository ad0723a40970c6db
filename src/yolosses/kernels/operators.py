"""How kernels are known to compiled graphs: as operators of which the shapes are told and nothing is traced."""

from collections.abc import Callable
from typing import Any

import torch

_operators = torch.library.Library("yolosses", "FRAGMENT")


def operator(schema: str, function: Callable[..., Any], shapes: Callable[..., Any], on: str = "CPU") -> None:
    """Make ``function`` the operator ``torch.ops.yolosses.NAME``, around which a compiled graph knows the ``shapes``.

    Not `torch.library.custom_op`, whose checks take as long as the kernels of a small batch.

    Args:
        on: dispatch key: "CPU", or "CompositeExplicitAutograd" for any device.
    """
    name = schema.partition("(")[0]
    _operators.define(schema)
    _operators.impl(name, function, on)
    torch.library.register_fake(f"yolosses::{name}", shapes, lib=_operators)
