"""What one scale of a network emits for the losses with several scales, and what it begins with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from yolosses.training.models.blocks import ConvBlock

STRIDES_TO_A_SIDE = 2.0  # from a location to each side of the box it begins with, where no anchor says so


@dataclass(frozen=True, kw_only=True)
class Emission:
    """The numbers of each location: for each of K predicted boxes those of the box, its objectness (unless the loss has
    none) and its classes, in this order.

    Attributes:
        num_classes: C.
        box: what the numbers of a box begin with: 4 offsets and sizes, or 4R bins of distances.
        boxes_per_cell: K.
        objectness: the probability that it begins with; None where there is none.
        classes: the probability that every class begins with.
    """

    num_classes: int
    box: tuple[float, ...]
    boxes_per_cell: int = 1
    objectness: float | None = None
    classes: float = 0.01

    @property
    def channels(self) -> int:
        """Numbers a location."""
        return self.boxes_per_cell * (len(self.box) + (self.objectness is not None) + self.num_classes)


def logit(probability: float) -> float:
    """What a sigmoid makes ``probability`` of."""
    return math.log(probability / (1 - probability))


def distance_start(bins: int, *, distance: float = STRIDES_TO_A_SIDE) -> tuple[float, ...]:
    """The numbers of the four distances from a location to the sides of its box: 4 R logits whose softmax has the mean
    ``distance`` over 0..R-1, or with one bin the distances themselves.

    With equal logits, as is usual, a network begins with distances of (R - 1) / 2: with boxes of the whole picture on
    the coarsest level. The bins fall off geometrically instead; where R is too small for the mean they are equal.
    """
    if bins == 1:
        return (distance,) * 4
    low, high = 0.0, 20.0  # how much each bin is below the one before
    mean = _mean_bin(low, bins)
    while mean > distance and high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if _mean_bin(middle, bins) > distance else (low, middle)
    return tuple(-low * k for k in range(bins)) * 4


def _mean_bin(fall: float, bins: int) -> float:
    weights = [math.exp(-fall * k) for k in range(bins)]
    return sum(k * weight for k, weight in enumerate(weights)) / sum(weights)


class LevelHead(nn.Module):
    """One scale: a branch for the boxes and their objectness, a branch for the classes.

    Input (B, inputs, H, W); output (B, K * (box numbers + objectness + C), H, W), linear.
    """

    def __init__(self, inputs: int, emission: Emission) -> None:
        super().__init__()
        k, c = emission.boxes_per_cell, emission.num_classes
        self.boxes_per_cell = k
        self.box_features = ConvBlock(inputs, inputs)
        self.class_features = ConvBlock(inputs, inputs)
        self.boxes = _readout(inputs, torch.tensor(emission.box).repeat(k))
        self.objectness = (
            None
            if emission.objectness is None
            else _readout(inputs, torch.full((k,), logit(emission.objectness)))
        )
        self.classes = _readout(inputs, torch.full((k * c,), logit(emission.classes)))

    def forward(self, features: Tensor) -> Tensor:
        """The map of one level."""
        of_box = self.box_features(features)
        parts = [self.boxes(of_box)]
        if self.objectness is not None:
            parts.append(self.objectness(of_box))
        parts.append(self.classes(self.class_features(features)))
        by_box = [part.unflatten(1, (self.boxes_per_cell, -1)) for part in parts]
        return torch.cat(by_box, 2).flatten(1, 2)


def _readout(inputs: int, start: Tensor) -> nn.Conv2d:
    """A linear layer that begins near ``start`` everywhere."""
    readout = nn.Conv2d(inputs, len(start), 1)
    with torch.no_grad():
        readout.weight.mul_(0.1)
    readout.bias = nn.Parameter(start.clone())
    return readout
