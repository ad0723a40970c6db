"""The type that every elementwise penalty has."""

from typing import Protocol

from torch import Tensor


class Penalty(Protocol):
    """``(pred, target) -> penalty``, all of one shape, no reduction. Bind parameters with
    `functools.partial`."""

    def __call__(self, pred: Tensor, target: Tensor, /) -> Tensor: ...
