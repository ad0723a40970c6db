"""The output of YOLOv6: that of `PointCodec`, in the forms in which its heads emit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.codecs.point import PointCodec, PointOutput, PointRaw
from yolosses.precision import at_least_float32

LEAST_LOG = -100.0  # where `torch.nn.functional.binary_cross_entropy` stops as well


@dataclass(frozen=True, kw_only=True)
class YOLOv6Codec(PointCodec):
    """`PointCodec` for heads that put locations before channels, and may apply the sigmoid themselves.

    Attributes:
        activated: the scores of ``raw`` are probabilities. `split` gives logits in any case.
    """

    activated: bool = False

    def split(self, raw: PointRaw) -> PointOutput:
        """The parts of ``raw``, see `channels_first`; `ValueError` where they are not those of these levels."""
        output = super().split(channels_first(raw, num_classes=self.num_classes, bins=self.bins))
        if not self.activated:
            return output
        return output._replace(scores=tuple(logit(level) for level in output.scores))


def channels_first(raw: PointRaw, *, num_classes: int, bins: int) -> PointRaw:
    """What `PointCodec` reads: (scores (B, A, C), distances (B, A, 4R)), or (feats, scores, distances) with the
    features of each level, in its order and under its names; anything else as it is.

    Raises:
        ValueError: the two have other shapes.
    """
    if not isinstance(raw, Sequence) or not 2 <= len(raw) <= 3:
        return raw
    scores, distances = raw[-2:]
    if not all(isinstance(part, Tensor) and part.ndim == 3 for part in (scores, distances)):
        return raw
    wanted = (num_classes, 4 * bins)
    if scores.shape[:2] != distances.shape[:2] or (scores.shape[2], distances.shape[2]) != wanted:
        raise ValueError(
            f"raw: expected scores (B, A, {num_classes}) and distances (B, A, {4 * bins}), for "
            f"num_classes={num_classes} and bins={bins}; got {tuple(scores.shape)} and {tuple(distances.shape)}"
        )
    named = {"scores": scores.mT, "boxes": distances.mT}
    return named if len(raw) == 2 else {**named, "feats": raw[0]}


def logit(probability: Tensor) -> Tensor:
    """log p - log(1 - p), at least float32, with both logarithms at least -100 (and no gradient) where p is 0 or
    1."""
    p = at_least_float32(probability)
    possible, uncertain = p > 0, p < 1
    log = torch.where(possible, torch.where(possible, p, 1).log(), LEAST_LOG)
    return log - torch.where(uncertain, (-torch.where(uncertain, p, 0)).log1p(), LEAST_LOG)
