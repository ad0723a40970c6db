"""A network's raw output: a tensor, or tensors in lists, tuples and dictionaries, as networks emit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

Raw = Tensor | Sequence[Any] | Mapping[str, Any]


def tensors_of(raw: Raw) -> tuple[Tensor, ...]:
    """All tensors of ``raw`` in order."""
    if isinstance(raw, Tensor):
        return (raw,)
    parts = raw.values() if isinstance(raw, Mapping) else raw
    return tuple(tensor for part in parts for tensor in tensors_of(part))


def with_tensors(raw: Raw, tensors: Iterable[Tensor]) -> Any:
    """``raw`` with other tensors in the same order. Inverse of `tensors_of`."""
    rest = iter(tensors)
    if isinstance(raw, Tensor):
        return next(rest)
    if isinstance(raw, Mapping):
        return {name: with_tensors(part, rest) for name, part in raw.items()}
    return [with_tensors(part, rest) for part in raw]
