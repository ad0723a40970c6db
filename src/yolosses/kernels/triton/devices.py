"""Where kernels run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor

Found = TypeVar("Found")


def on_its_device(launch: Callable[..., Found]) -> Callable[..., Found]:
    """``launch``, with the device of its first tensor as the current one, to which Triton launches."""

    @functools.wraps(launch)
    def there(*arguments: Any) -> Found:
        with torch.cuda.device_of(next(_tensors(arguments))):
            return launch(*arguments)

    return there


def _tensors(arguments: Iterable[Any]) -> Iterator[Tensor]:
    for argument in arguments:
        if isinstance(argument, Tensor):
            yield argument
        elif isinstance(argument, (list, tuple)):
            yield from _tensors(argument)
