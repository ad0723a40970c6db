"""A search as one operator of a compiled graph.

Searches compare some objects at a time, in a Python loop over all of them. Traced, the loop would be unrolled: a graph
that grows with the number of objects, and another graph for every other number. As an operator the search is one node,
around which shapes are told and nothing is traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

Found = TypeVar("Found")

_library: Any = torch.library.Library("yolosses", "FRAGMENT")  # type: ignore[no-untyped-call]


def operator(
    schema: str, function: Callable[..., Found], shapes: Callable[..., Found]
) -> Callable[..., Found]:
    """``function``, which in a compiled graph is the operator ``torch.ops.yolosses.NAME``.

    Elsewhere, and while `torch.export` records a graph that other programs have to run, it is called plainly.

    Args:
        schema: ``NAME(arguments) -> results``; sizes are ``SymInt``, so that no graph is made for one of them alone.
        function: of tensors, numbers and names alone; its results share no memory with its arguments.
        shapes: the same with results that hold anything.
    """
    name = schema.partition("(")[0]
    _library.define(schema)
    _library.impl(name, function, "CompositeExplicitAutograd")
    torch.library.register_fake(f"yolosses::{name}", shapes, lib=_library)
    opaque = getattr(torch.ops.yolosses, name).default

    def run(*arguments: object) -> Found:
        found: Found = (opaque if in_compiled_graph() else function)(*arguments)
        return found

    return run


def in_compiled_graph() -> bool:
    """Whether `torch.compile` traces the call: not `torch.export`, whose graphs keep to what every program knows."""
    return torch.compiler.is_compiling() and not torch.compiler.is_exporting()
