"""How well locations and objects fit, and which of them task-aligned assignment asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses import modes
from yolosses.boxes import Similarity
from yolosses.codecs import ClassScores
from yolosses.codecs.levels import Layout

EDGE = 1e-9
LARGEST = 2**31 - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Alignment:
    """Feng et al. 2021 (TOOD, eq. 4): ``score^alpha overlap^beta`` of any location with any object.

    Attributes:
        levels, pred_boxes (B, A, 4), pred_scores: of the locations. overlap: similarity of boxes cxcywh.
    """

    levels: Layout
    pred_boxes: Tensor
    pred_scores: ClassScores
    alpha: float
    beta: float
    overlap: Similarity

    def of(self, overlap: Tensor, score: Tensor) -> Tensor:
        """The alignment of pairs with this overlap, not negative, and score; 0 with a score of 0."""
        scored = (score > 0).to(score.dtype) if self.alpha == 0 else power(score, self.alpha)
        return scored * power(overlap, self.beta)


class Wanted(NamedTuple):
    """Which locations an object takes; see `TaskAligned`."""

    topk: int
    least_side: float
    reach: float | None
    fallback: bool
    contested: str

    def inside(self, points: Tensor, boxes: Tensor, stride: float) -> Tensor:
        """(..., cells) bool: the candidates on one axis, of ``points`` (cells,) and boxes (..., 2) centre, size."""
        centre, half = boxes[..., :1], boxes[..., 1:].clamp(min=self.least_side) / 2
        low, high = points - (centre - half), centre + half - points
        if self.reach is None:
            return (low > EDGE) & (high > EDGE)
        limit = self.reach * stride
        return (low >= 0) & (high >= 0) & (low <= limit) & (high <= limit)


def best(alignment: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Whether the ``k`` largest of each row (..., N) are above 0, and where they are; of equals the first."""
    # In float64 there is no room for the place beside it, and ONNX knows no bits of floats: of equals any.
    if alignment.dtype == torch.float64 or modes.is_exporting():
        top, index = alignment.topk(k)
        return top > 0, index
    # Floats above 0 are in the order of their bits. Below them the place makes every number another one.
    place = LARGEST - torch.arange(alignment.shape[-1], device=alignment.device)
    keys = (alignment.view(torch.int32).long() << 32) + place
    top = keys.topk(k).values
    return (top >> 32).int().view(torch.float32) > 0, LARGEST - (top & 0xFFFFFFFF)


def power(base: Tensor, exponent: float) -> Tensor:
    """``base ** exponent``; small whole exponents by products, several times faster than a logarithm."""
    if exponent == 6:
        square = base.square()
        return square * square * square
    return base.pow(exponent)
