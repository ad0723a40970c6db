"""The output of anchor-free YOLOs (v8 to v12, YOLO26): each location measures the distances to the four sides of
its box."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from yolosses import modes
from yolosses.codecs.cells import Grid
from yolosses.codecs.class_scores import ClassScores
from yolosses.codecs.levels import ImageSize, Levels, take_by_level
from yolosses.functional import expected_distance
from yolosses.functional.distribution import expected_distance_of_maps
from yolosses.precision import at_least_float32
from yolosses.structures import Place, Predictions

BLOCK = 1 << 19
"""Numbers that are decoded at once on a CPU."""
PointRaw = Tensor | Sequence[Any] | Mapping[str, Any]
HEADS = ("one2one", "one2many")
"""Names of the outputs of a network with two heads, in the order in which they are numbered."""


class PointOutput(NamedTuple):
    """The parts of a raw output, views of it, one a level of n locations: ``distances`` (B, 4R, n), channel side * R +
    bin, sides left, top, right, bottom; ``scores`` (B, C, n) logits."""

    distances: tuple[Tensor, ...]
    scores: tuple[Tensor, ...]

    def joined_scores(self) -> Tensor:
        """(B, C, A) logits of all levels, at least float32."""
        return at_least_float32(torch.cat(self.scores, 2))


@dataclass(frozen=True, kw_only=True)
class PointCodec:
    """At the centre (px, py) of a cell with stride ``n`` a location emits the distances l, t, r, b to the sides of its
    box in units of n, each as a distribution over R bins (with R = 1 the number itself), and C class logits::

        x1 = px - l n    y1 = py - t n    x2 = px + r n    y2 = py + b n

    Boxes here are cxcywh in pixels; predictors are numbered level by level, row by row.

    Attributes:
        levels: with one box a cell. num_classes: C. bins: R.
    """

    levels: Levels
    num_classes: int
    bins: int = 16

    @property
    def counts(self) -> tuple[int, ...]:
        """Predictors of each level."""
        return self.levels.counts

    def within(self, boxes: Tensor, mask: Tensor) -> Tensor:
        """(B, A) bool: predictors on ``boxes`` (B, M, 4) where ``mask`` (B, M), see `Levels.within`."""
        return self.levels.within(boxes, mask)

    @property
    def grids(self) -> tuple[Grid, ...]:
        """(rows, columns) of each level."""
        return self.levels.grids

    def places(self, predictor: Tensor) -> Place:
        """Level, row, column and box of predictors, int64 of any shape."""
        return self.levels.places(predictor)

    def locate(self, boxes: Tensor, level: int = 0) -> tuple[Tensor, Tensor]:
        """The cell of one level that holds each centre, and the offset within it, see `Levels.locate`."""
        return self.levels.locate(boxes, level)

    def split(self, raw: PointRaw) -> PointOutput:
        """The parts of ``raw``, see `tensors_of`; `ValueError` where they are not those of these levels."""
        parts = tensors_of(raw, num_classes=self.num_classes, bins=self.bins)
        locations = (
            sum(part.shape[2] * part.shape[3] for part in parts) if parts[0].ndim == 4 else parts[0].shape[2]
        )
        if locations != self.levels.num_predictors:
            raise ValueError(
                f"raw: expected {self.levels.num_predictors} locations for grids {self.grids}; got {locations}"
            )
        if parts[0].ndim == 3:
            return PointOutput(*(torch.split(part, list(self.levels.counts), 2) for part in parts))
        maps = [torch.split(part.flatten(2), [4 * self.bins, self.num_classes], 1) for part in parts]
        return PointOutput(*zip(*maps, strict=True))

    def at(self, output: PointOutput, predictor: Tensor) -> Tensor:
        """(B, P, 4, R) the numbers that measure the sides, of the predictors (B, P); at least float32."""
        image = torch.arange(len(predictor), device=predictor.device)[:, None]

        def take(level: int, local: Tensor, here: Tensor) -> Tensor:
            return output.distances[level].mT[image, local]

        numbers = at_least_float32(take_by_level(self.levels, predictor, take))
        return numbers.reshape(*predictor.shape, 4, self.bins)

    def sides(self, numbers: Tensor) -> Tensor:
        """(..., 4) distances in strides, of the numbers (..., 4, R)."""
        return numbers.squeeze(-1) if self.bins == 1 else expected_distance(numbers)

    def decode(self, sides: Tensor, points: Tensor, strides: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh in pixels, of distances (..., 4) in ``strides`` (...) from ``points`` (..., 2)."""
        low, high = sides[..., :2] * strides[..., None], sides[..., 2:] * strides[..., None]
        return torch.cat((points + (high - low) / 2, low + high), -1)

    def encode(self, boxes: Tensor, points: Tensor, strides: Tensor) -> Tensor:
        """Distances (..., 4) in strides from the points to the sides of boxes (..., 4) cxcywh in pixels. Inverse of
        `decode`."""
        centre, half = boxes[..., :2], boxes[..., 2:] / 2
        return torch.cat((points - (centre - half), centre + half - points), -1) / strides[..., None]

    @property
    def largest(self) -> float:
        """The longest side of a box, in pixels, that a location of the last level can say: R - 1 strides to each
        end."""
        return math.inf if self.bins == 1 else 2 * (self.bins - 1) * max(self.levels.strides)

    def unreachable(self, boxes: Tensor, predictor: Tensor, mask: Tensor) -> Tensor:
        """(B, P) bool: the valid pairs whose location cannot say where the object ends, see `out_of_reach`.

        Args:
            boxes: (B, P, 4) cxcywh in pixels, the object of each pair. predictor: (B, P) its location. mask: (B, P)
            bool, which pairs are valid.
        """
        return mask & self.out_of_reach(boxes, predictor).any(-1)

    def out_of_reach(self, boxes: Tensor, predictor: Tensor) -> Tensor:
        """(..., 2) bool, across and down: whether a side of ``boxes`` (..., 4) in pixels is farther away from the
        location ``predictor`` (...) than R - 1 strides, the largest mean that R bins have, or the location lies beyond
        it. With one bin every distance can be said."""
        boxes = at_least_float32(boxes)
        points, strides = self.levels.points(boxes)[predictor], self.levels.stride_of(boxes)[predictor]
        sides = self.encode(boxes, points, strides)
        beyond = (sides < 0) | (sides > self.bins - 1)
        return (beyond[..., :2] | beyond[..., 2:]) & (self.bins > 1)

    def boxes(self, raw: PointRaw) -> Tensor:
        """(B, A, 4) cxcywh in pixels, of every location."""
        levels = [self._sides_in_parts(level) for level in self.split(raw).distances]
        sides = torch.cat(levels, 2).mT
        return self.decode(sides, self.levels.points(sides), self.levels.stride_of(sides))

    def _sides_in_parts(self, distances: Tensor) -> Tensor:
        """`_sides_of_level`; on a CPU of so few images at once that the probabilities of their bins stay in the
        cache."""
        if not modes.dynamic_lengths(distances):
            return self._sides_of_level(distances)
        images = max(1, BLOCK // max(1, distances[0].numel() if len(distances) else 1))
        return torch.cat([self._sides_of_level(part) for part in torch.split(distances, images)])

    def _sides_of_level(self, distances: Tensor) -> Tensor:
        """(B, 4, n) distances in strides, of the numbers (B, 4R, n)."""
        if self.bins == 1:
            return at_least_float32(distances)
        return expected_distance_of_maps(torch.unflatten(distances, 1, (4, self.bins)))

    def class_scores(self, raw: PointRaw) -> ClassScores:
        """The class scores, to be looked up."""
        return ClassScores(logits=self.split(raw).scores)

    def in_pixels(self, boxes: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh from fractions of the image."""
        return self.levels.in_pixels(boxes)

    def confidence(self, raw: PointRaw) -> Tensor:
        """(B, A) how sure each location is of the class that it is surest of."""
        return torch.cat([at_least_float32(level.amax(1)) for level in self.split(raw).scores], 1).sigmoid()

    def predictions(self, raw: PointRaw) -> Predictions:
        """All boxes, and the score of every class."""
        output = self.split(raw)
        scores = output.joined_scores().mT.sigmoid()
        return Predictions(self.levels.in_fractions(self.boxes(raw)), scores)


@dataclass(frozen=True, kw_only=True)
class TwoHeadedPointCodec(PointCodec):
    """Two heads over the same features (YOLOv10, YOLO26): the levels, and the predictors, are those of the head
    "one2one" followed by those of the head "one2many"."""

    def split(self, raw: PointRaw) -> PointOutput:
        """The parts of both heads, over all 2A locations."""
        assert isinstance(raw, Mapping)
        head = replace(
            self.levels,
            grids=self.grids[: len(self.grids) // 2],
            strides=self.levels.strides[: len(self.grids) // 2],
        )
        single = PointCodec(levels=head, num_classes=self.num_classes, bins=self.bins)
        outputs = [single.split(raw[name]) for name in HEADS]
        return PointOutput(*(sum(parts, ()) for parts in zip(*outputs, strict=True)))


def tensors_of(raw: PointRaw, *, num_classes: int, bins: int) -> tuple[Tensor, ...]:
    """What networks emit, checked: maps (B, 4R+C, rows, cols), one a level, finest first; or boxes (B, 4R, A) and
    scores (B, C, A), as a pair or under the names "boxes" and "scores".

    Raises:
        TypeError, ValueError: ``raw`` is none of these, naming what came.
    """
    if isinstance(raw, Mapping):
        if "boxes" not in raw or "scores" not in raw:
            raise ValueError(f"raw: expected the entries boxes and scores; got {sorted(map(str, raw))}")
        parts: tuple[Any, ...] = (raw["boxes"], raw["scores"])
    elif isinstance(raw, Tensor):
        parts = (raw,)
    elif isinstance(raw, Sequence):
        parts = tuple(raw)
    else:
        raise TypeError(f"raw: expected tensors; got {type(raw).__name__}")
    for index, part in enumerate(parts):
        if not isinstance(part, Tensor):
            raise TypeError(f"raw[{index}]: expected a tensor; got {type(part).__name__}")
        if not part.is_floating_point():
            raise TypeError(f"raw[{index}]: expected a floating dtype; got {part.dtype}")
    if not _are_maps(parts, 4 * bins + num_classes) and not _are_flattened(parts, (4 * bins, num_classes)):
        raise ValueError(
            f"raw: expected maps (B, {4 * bins + num_classes}, rows, cols), or boxes (B, {4 * bins}, A) and scores "
            f"(B, {num_classes}, A), for num_classes={num_classes} and bins={bins}; "
            f"got {[tuple(part.shape) for part in parts]}"
        )
    return parts


# One size after the other: a compiled graph in which sizes are unknown has no tuples or sets of them to compare.
def _are_maps(parts: Sequence[Tensor], channels: int) -> bool:
    """Whether ``parts`` are maps (B, channels, rows, cols) of one B."""
    return len(parts) > 0 and all(
        part.ndim == 4 and part.shape[1] == channels and part.shape[0] == parts[0].shape[0] for part in parts
    )


def _are_flattened(parts: Sequence[Tensor], channels: Sequence[int]) -> bool:
    """Whether ``parts`` are (B, n, A) with the ``channels`` n, of one B and A."""
    return len(parts) == len(channels) and all(
        part.ndim == 3
        and part.shape[1] == n
        and part.shape[0] == parts[0].shape[0]
        and part.shape[2] == parts[0].shape[2]
        for part, n in zip(parts, channels, strict=True)
    )


def grids_of_points(
    raw: PointRaw, strides: Sequence[float], image_size: ImageSize | None
) -> tuple[Grid, ...]:
    """(rows, columns) of each level: from maps, or from "feats" beside flattened outputs, or from ``image_size``.

    Where the maps tell it, ``image_size`` is not looked at here: give it to `Levels` too, which refuses another one.

    Raises:
        ValueError: they cannot be told, or are not one for each of ``strides``.
    """
    maps = raw.get("feats", ()) if isinstance(raw, Mapping) else (raw,) if isinstance(raw, Tensor) else raw
    if maps and all(level.ndim == 4 for level in maps):
        if len(maps) != len(strides):
            raise ValueError(
                f"raw: expected {len(strides)} maps, one for each of strides={tuple(strides)}; got {len(maps)}"
            )
        return tuple((level.shape[2], level.shape[3]) for level in maps)
    if image_size is None:
        raise ValueError(
            "image_size: expected (height, width) in pixels where the output has no maps whose shape tells the grids; "
            "got None"
        )
    height, width = image_size
    return tuple((math.ceil(height / stride), math.ceil(width / stride)) for stride in strides)
